"""Grades that a person would give, by the real command, whatever a hand-in does meanwhile."""

from __future__ import annotations

import csv
import json
import os
import re
import socket
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from conftest import APPLICATION_KEY, KEY_ID, ROOT, STARTER, Run, clean_environment, run

from classroom.prepare import test_names as names_of_tests

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

SOLUTIONS = ROOT / "tests" / "solutions"
ASSIGNMENT = "guestbook"
REFERENCE = (SOLUTIONS / ASSIGNMENT / "main.py").read_text(encoding="utf-8")
UNTOUCHED = (STARTER / "_starter" / ASSIGNMENT / "main.py").read_text(encoding="utf-8")
ALL = len(names_of_tests(ASSIGNMENT))


@dataclass
class Class:
    """A folder with class.csv, in which hand-ins are put."""

    folder: Path
    count: int = 0

    def add(self, name: str) -> str:
        """Add a student; return the alias."""
        alias = f"s{self.count:02}"
        path = self.folder / "class.csv"
        if self.count == 0:
            path.write_text("student,alias,folder,assignment,group\n", encoding="utf-8-sig")
        with path.open("a", encoding="utf-8", newline="") as file:
            csv.writer(file).writerow([name, alias, f"{ASSIGNMENT}-{alias}", ASSIGNMENT, "7b"])
        self.count += 1
        return alias

    def hand_in(self, name: str, main: str, **files: str) -> Path:
        """Add a student who hands in a project folder."""
        folder = self.folder / f"{ASSIGNMENT}-{self.add(name)}"
        for file, text in {"main.py": main, **files}.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(text, encoding="utf-8")
        return folder

    def grade(self, *words: str, **env: str) -> tuple[Run, dict[str, dict[str, Any]]]:
        """Grade all; return the run, and what grades.json says of each student."""
        out = self.folder / "grades.csv"
        command = [sys.executable, str(ROOT / "classroom"), "grade", str(self.folder), "--out",
                   str(out), *words]
        done = run(command, self.folder, {**clean_environment(), **env})
        try:
            found = json.loads(out.with_suffix(".json").read_text(encoding="utf-8"))
        except OSError:
            return done, {}
        return done, {one["student"]: one for one in found["students"]}

    def rows(self) -> list[dict[str, str]]:
        with (self.folder / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))


@pytest.fixture
def school(tmp_path: Path) -> Class:
    folder = tmp_path / "class"
    folder.mkdir()
    return Class(folder)


def at_the_top(lines: str) -> str:
    """Return the reference solution with lines that run when it is imported."""
    return REFERENCE.replace("\n\ndef save_entries", f"\n{lines}\n\n\ndef save_entries")


def inside_best(lines: str) -> str:
    """Return the reference solution with lines at the beginning of best()."""
    indented = "".join(f"    {line}\n" for line in lines.splitlines())
    head = "def best(entries, number):\n"
    return REFERENCE.replace(head, f"{head}{indented}")


# What a hand-in does; then its state, and the tests that it does not pass.
BEST = [name for name in names_of_tests(ASSIGNMENT) if "_5" in name]
EVERY = names_of_tests(ASSIGNMENT)
MISCHIEF: dict[str, tuple[str, str, list[str]]] = {
    "is right": (REFERENCE, "ok", []),
    "does nothing yet": (UNTOUCHED, "not started", EVERY),
    "does nothing yet, on Windows": (UNTOUCHED.replace("\n", " \r\n"), "not started", EVERY),
    "has a syntax error": (REFERENCE + "\nif True\n", "cannot run", EVERY),
    "is empty": ("\n\n", "not started", EVERY),
    "is no text": ("\0\1\2", "cannot run", EVERY),
    "asks while it is read": (at_the_top("name = input()"), "cannot run", EVERY),
    "ends while it is read": (at_the_top("exit()"), "cannot run", EVERY),
    "ends Python while it is read": (at_the_top("import os\nos._exit(0)"), "cannot run", EVERY),
    "ends Python in best": (inside_best("import os\nos._exit(0)"), "ok", BEST),
    "never ends while it is read": (at_the_top("while True:\n    pass"), "timed out", EVERY),
    "never ends in best": (inside_best("while True:\n    pass"), "timed out", BEST),
    "cannot be stopped in best": (inside_best("10 ** 10 ** 9"), "timed out", BEST),
    "prints without end": (inside_best("while True:\n    print('x' * 1000)"), "timed out", BEST),
    "eats all memory": (inside_best("x = [b'x' * 10**7 for n in range(10**6)]"), "ok", BEST),
    "changes what pytest does": (
        at_the_top("import pytest\npytest.fail = lambda *a, **k: None\n"
                   "def best(*a): return None\n"), "tests edited", EVERY),
    "changes the checks": (
        at_the_top("import grading\ngrading.Program.check = lambda *a: None"),
        "tests edited", EVERY),
    "removes the tests": (
        at_the_top("import shutil\nshutil.rmtree('tests')"), "ok", []),
    "goes elsewhere": (at_the_top("import os\nos.chdir('/')"), "ok", []),
    "closes its output": (at_the_top("import sys\nsys.stdout.close()"), "ok", []),
    "shows what it knows": (at_the_top("import os\nprint(dict(os.environ))"), "ok", []),
    "leaves a thread": (
        at_the_top("import threading, time\n"
                   "threading.Thread(target=time.sleep, args=(600,)).start()"), "ok", []),
    "goes too deep": (inside_best("return best(entries, number)"), "ok", BEST),
    "leaves a process far away": (
        at_the_top("import os\nif os.fork() == 0:\n    os.setsid()\n    os.fork()\n"
                   "    import time\n    time.sleep(600)"), "cannot run", EVERY),
    "prints what is no character": (at_the_top("print('\\ud83d')"), "ok", []),
    "says what is no character": (inside_best("raise ValueError('\\udcff')"), "ok", BEST),
    "returns what cannot be shown": (
        inside_best("class Odd:\n    def __repr__(self):\n        return 1 / 0\nreturn Odd()"),
        "ok", BEST),
    "changes its output": (at_the_top("import sys\nsys.stdout.reconfigure(encoding='utf-8')"),
                           "ok", []),
    "sends noise": (
        at_the_top("import os\nfor number in range(3, 40):\n    try:\n"
                   "        os.write(number, b'\\0\\0\\x0f\\0')\n    except OSError:\n"
                   "        pass\nwhile True:\n    pass"), "cannot run", EVERY),
    "puts its own pytest in the way": (
        at_the_top("import grading\nclass Nothing:\n    def fail(*a, **k): pass\n"
                   "grading.pytest = Nothing()"), "tests edited", EVERY),
    "ends its parent": (at_the_top("import os\nos.kill(os.getppid(), 9)"), "cannot run", EVERY),
}


TERMINAL = f"of-the-mischief-{os.getpid()}"  # a variable that all of its processes have


# Those that take until they are ended.
ENDLESS = ["never ends while it is read", "cannot be stopped in best", "prints without end",
           "eats all memory", "sends noise"]


@pytest.fixture(scope="module")
def mischief(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[tuple[Class, Run, dict]]:
    """All of them that are asked for in one class, graded once."""
    school = Class(tmp_path_factory.mktemp("mischief"))
    endless = any(item.get_closest_marker("thorough") and "own_grade" in item.name
                  for item in request.session.items)
    for what, (main, _, _) in MISCHIEF.items():
        if endless or what not in ENDLESS:
            school.hand_in(what, main)
    secrets = {"AWS_SECRET_ACCESS_KEY": "of-the-teacher", "B2_APPLICATION_KEY": APPLICATION_KEY}
    done, found = school.grade("--seconds", "30", TERM=TERMINAL, **secrets)
    yield school, done, found


@pytest.mark.parametrize("what", [
    pytest.param(what, marks=[pytest.mark.thorough] if what in ENDLESS else []) for what in MISCHIEF
])
def test_each_hand_in_gets_its_own_grade(mischief: tuple[Class, Run, dict], what: str):
    _, done, found = mischief
    assert done.code == 0, done.printed

    one = found[what]
    not_passed = [name for name, test in one["tests"].items() if test["outcome"] != "passed"]
    assert (one["state"], not_passed) == MISCHIEF[what][1:], one
    assert one["points"] == ALL - len(not_passed)


def test_the_table_has_a_row_for_each_and_a_column_for_each_test(mischief: Any):
    school, _, found = mischief
    rows = school.rows()

    assert [row["student"] for row in rows] == list(found)
    heads = list(rows[0])
    assert heads[:5] == ["student", "alias", "state", "points", "of"]
    tests = [head for head in heads if re.match(r"\d", head)]
    assert len(tests) == ALL
    for row in rows:
        assert int(row["points"]) == sum(int(row[test]) for test in tests)
        assert (row["of"], row["group"]) == (str(ALL), "7b")
        assert row["state"] == found[row["student"]]["state"]


def test_nothing_of_the_teacher_is_seen_by_a_hand_in(mischief: Any):
    school, _, found = mischief

    assert "PATH" in found["shows what it knows"]["output"]
    written = "".join(path.read_text(encoding="utf-8", errors="replace")
                      for path in school.folder.rglob("*") if path.is_file())
    assert "of-the-teacher" not in written
    assert APPLICATION_KEY not in written


def test_each_student_gets_a_text_in_the_words_of_the_tests(mischief: Any):
    school, _, found = mischief
    texts = {path.stem: path.read_text(encoding="utf-8")
             for path in (school.folder / "grades-feedback").glob("*.txt")}

    assert len(texts) == len(found)
    of = {name: texts[one["alias"]] for name, one in found.items()}
    right = texts["s00"]
    assert right.startswith(f"guestbook: {ALL} of {ALL}\nis right\n\n ✔ 1   The file has its new")
    stuck = of["never ends in best"]
    assert " ✘ 5a  The best entries have the most stars\n       called:    best([" in stuck
    assert "came back: nothing: it did not end within 3 seconds (line" in stuck
    assert "came back: nothing: it ended the whole program" in of["ends Python in best"]
    assert "it used too much memory" in of.get("eats all memory", "it used too much memory")
    for text in texts.values():
        assert not re.search("Traceback|fixture|mock|assert", text), text


def test_nothing_is_left_running_or_lying_about(mischief: Any):
    left = [process for process in psutil.process_iter(["environ"])
            if (process.info["environ"] or {}).get("TERM") == TERMINAL]

    assert left == []
    assert not list(Path(os.environ["TMPDIR"]).glob("b2-grading-*"))


LEFT = f"left-{os.getpid()}"
STARTS_OTHERS = f"""
import subprocess, sys
words = [sys.executable, '-c', 'import time; time.sleep(600)', '{LEFT}']
subprocess.Popen(words)
subprocess.Popen(words, start_new_session=True)
"""
WRITES = """
import os, pathlib, shutil
out = pathlib.Path(OUTSIDE)
refused = 0
for attempt in (
    lambda: (out / 'new.txt').write_text(''), lambda: os.remove(out / 'thesis.txt'),
    lambda: shutil.rmtree(out), lambda: os.rename(out, 'here'), lambda: os.mkdir(out / 'new'),
    lambda: shutil.rmtree('..'), lambda: (os.symlink(out, 'link'), open('link/n', 'w')),
    lambda: open('../../grades.csv', 'w'), lambda: os.open(out / 'n', os.O_CREAT | os.O_WRONLY),
):
    try:
        attempt()
    except OSError:
        refused += 1
open('own.txt', 'w').write('this may be')
print('refused', refused)
"""
CONNECTS = """
import _socket, urllib.request
for attempt in (lambda: urllib.request.urlopen('http://127.0.0.1:PORT'),
                lambda: _socket.socket().connect(('127.0.0.1', PORT))):
    try:
        attempt()
    except Exception as error:
        print('refused', error)
"""
ENV = f"B2_APPLICATION_KEY_ID={KEY_ID}\nB2_APPLICATION_KEY={APPLICATION_KEY}\n"
SHOWS_KEYS = (f"key = '{APPLICATION_KEY}'\nprint(key, '{KEY_ID}')\n"
              "print(__import__('os').listdir('.'))")


def own_settings(outside: Path) -> dict[str, str]:
    """Return files that would change what Python and pytest do, if they were taken along."""
    evil = f"open({str(outside / 'evil.txt')!r}, 'w')\n"
    all_pass = evil + ("import pytest\n@pytest.hookimpl(hookwrapper=True)\n"
                       "def pytest_runtest_makereport(item, call):\n"
                       "    outcome = yield\n    outcome.get_result().outcome = 'passed'\n")
    kept = json.dumps({"cookiecutter": {"project_slug": "x", "assignment": ASSIGNMENT},
                       "b2-starter": {"version": "0.1.0"}}, indent=2)
    return {
        "conftest.py": all_pass, "tests/conftest.py": all_pass, "tests/__init__.py": evil,
        "sitecustomize.py": evil, "usercustomize.py": evil, "pytest.py": evil,
        "pytest.ini": "[pytest]\naddopts = --co", "pyproject.toml": "[tool.pytest", "x.pth": evil,
        "setup.cfg": "[tool:pytest]\naddopts = --co", "b2_client.py": evil, "json.py": evil,
        "tests/test_main.py": "def test_1_a(): pass\n", "tests/grading.py": evil,
        "__init__.py": evil, "grading.py": evil, "b2_rules.py": evil, "b2-starter.json": kept,
    }


@dataclass
class Graded:
    """A class of many cases that was graded once. connections: to a server that listened."""

    folder: Path
    outside: Path
    done: Run
    found: dict[str, dict[str, Any]]
    connections: int


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Graded:
    around = tmp_path_factory.mktemp("cases")
    school = Class(around / "class")
    school.folder.mkdir()
    outside = around / "outside"
    outside.mkdir()
    (outside / "thesis.txt").write_text("mine", encoding="utf-8")
    sorting = "def pairs(entries):\n    return sorted(entries, key=lambda one: -one['stars'])\n"
    uses_it = REFERENCE.replace("import json\n", "import json\nfrom tools.sorting import pairs\n")
    uses_it = re.sub(r"    by_stars = .*", "    by_stars = pairs(entries)", uses_it)
    wrong = REFERENCE.replace("'guestbook.json'", "'book'")

    school.hand_in("starts others", at_the_top(STARTS_OTHERS))
    school.hand_in("writes", at_the_top(WRITES.replace("OUTSIDE", repr(str(outside)))))
    school.hand_in("own settings", UNTOUCHED.replace("'book.txt'", "'guestbook.json'"),
                   **own_settings(outside))
    school.hand_in("has a helper", uses_it, **{"tools/sorting.py": sorting})
    school.hand_in("keys in env", REFERENCE, **{".env": ENV})
    school.hand_in("keys in main", at_the_top(SHOWS_KEYS), **{".env": ENV})
    blank = "B2_APPLICATION_KEY_ID=\nB2_APPLICATION_KEY=\n"
    school.hand_in("blank keys", REFERENCE, **{".env": blank})
    school.hand_in("exits", REFERENCE + "\nexit()\n")
    utf_16 = school.hand_in("keys in UTF-16", at_the_top("print(open('notes.txt').read())"))
    (utf_16 / "notes.txt").write_text(APPLICATION_KEY, encoding="utf-16")
    school.hand_in("Anna Locked", UNTOUCHED)
    with zipfile.ZipFile(school.folder / "Locked_Anna_1_project.zip", "w") as archive:
        archive.writestr("main.py", REFERENCE)
    locked = bytearray((school.folder / "Locked_Anna_1_project.zip").read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # the flag "encrypted"
        locked[locked.index(mark) + offset] |= 1
    (school.folder / "Locked_Anna_1_project.zip").write_bytes(locked)
    school.hand_in("Untouched Li", UNTOUCHED)
    school.hand_in("Ben Day", REFERENCE)
    school.hand_in("Max Mut", UNTOUCHED)
    for name in ("Pia Paul", "Tom Klein", "Ida Ilk"):
        school.add(name)
    for number, (name, content) in enumerate({
        "Pia Paul/Guestbook/Version 10/main.py": REFERENCE,
        "Pia Paul/Guestbook/Version 2/main.py": wrong,
        "kleintom_1_2_main.py": wrong, "kleintom_1_2_main-1.py": REFERENCE,
        "Ida Ilk/mine.py": REFERENCE, "Ida Ilk/helpers.py": "def helps():\n    return 1\n",
        "Max_Mut_main.py": REFERENCE, "Untouched_Li_project.rar": "Rar!", "Ben_Day_old.rar": "Rar!",
        "zed.py": f"key = '{APPLICATION_KEY}'",
    }.items()):
        path = school.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        os.utime(path, (number, number))
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        port = str(server.getsockname()[1])
        school.hand_in("connects", at_the_top(CONNECTS.replace("PORT", port)))
        done, found = school.grade()
        try:
            server.accept()
            connections = 1
        except TimeoutError:
            connections = 0
    return Graded(school.folder, outside, done, found, connections)


def test_a_process_that_was_started_is_ended(cases: Graded):
    assert cases.found["starts others"]["points"] == ALL
    assert not [process for process in psutil.process_iter(["cmdline"])
                if LEFT in (process.info["cmdline"] or [])]


def test_a_program_cannot_write_beside_its_folder(cases: Graded):
    assert "refused 9" in cases.found["writes"]["output"]
    assert cases.found["writes"]["points"] == ALL
    assert [path.name for path in cases.outside.iterdir()] == ["thesis.txt"]
    assert (cases.outside / "thesis.txt").read_text(encoding="utf-8") == "mine"


def test_there_is_no_network(cases: Graded):
    assert cases.connections == 0
    assert cases.found["connects"]["output"].count("refused") == 2
    assert cases.found["connects"]["points"] == ALL


def test_a_hand_in_brings_no_tests_and_no_settings_of_its_own(cases: Graded):
    one = cases.found["own settings"]

    assert (one["state"], one["points"]) == ("tests edited", 1)
    assert "changed: tests/conftest.py, tests/grading.py, tests/test_main.py" in one["notes"][0]
    assert one["notes"][1] == (
        "left out: __init__.py, b2_rules.py, conftest.py, grading.py, pyproject.toml")
    assert not (cases.outside / "evil.txt").exists()


def test_files_that_a_student_added_come_along(cases: Graded):
    assert cases.found["has a helper"]["points"] == ALL


def test_keys_are_named_and_never_copied_or_shown(cases: Graded):
    found = cases.found

    assert found["keys in env"]["notes"] == ["KEYS in .env: delete them in the console"]
    assert found["keys in main"]["notes"] == ["KEYS in .env, main.py: delete them in the console"]
    assert found["keys in UTF-16"]["notes"][:2] == [
        "KEYS in notes.txt: delete them in the console", "left out: notes.txt"]
    assert found["blank keys"]["notes"] == []
    assert ".env'" not in found["keys in main"]["output"]
    assert "K000" in found["keys in main"]["output"]
    made = [path for path in cases.folder.rglob("*") if (path.is_file()
            and path.name.startswith("grades")) or path.parent.name == "grades-feedback"]
    assert len(made) == 3 + len(found)
    for text in (cases.done.printed, *(path.read_text(encoding="utf-8") for path in made)):
        assert APPLICATION_KEY not in text
        assert KEY_ID not in text


def test_of_several_hand_ins_the_last_one_counts(cases: Graded):
    found = cases.found

    assert [found[name]["points"] for name in ("Pia Paul", "Tom Klein", "Ida Ilk", "Max Mut")] == [
        ALL, ALL, ALL, ALL]
    assert found["Pia Paul"]["notes"] == [
        "2 hand-ins; this one counts: Pia Paul/Guestbook/Version 10"]
    assert found["Max Mut"]["notes"] == []


def test_what_cannot_be_read_is_in_the_row_of_its_student(cases: Graded):
    one = cases.found["Untouched Li"]

    assert cases.done.code == 1
    reason = "Untouched_Li_project.rar: this kind of archive cannot be read; a zip can."
    assert (one["state"], one["notes"]) == ("cannot run", [reason])
    assert (cases.found["Ben Day"]["state"], cases.found["Ben Day"]["points"]) == ("ok", ALL)
    said = cases.done.out
    assert "zed.py: no student of the class has this name. Put the alias into its name" in said
    assert "zed.py: KEYS in main.py" in said


def test_a_zip_with_a_password_is_not_taken_for_the_untouched_project(cases: Graded):
    one = cases.found["Anna Locked"]

    assert (one["state"], one["notes"]) == ("cannot run", ["it has a password"])


def test_the_reason_why_it_cannot_run_is_in_the_table(cases: Graded):
    assert cases.found["exits"]["state"] == "cannot run"
    assert re.fullmatch(r"line \d+ ends the whole program", cases.found["exits"]["notes"][0])


def test_tests_of_an_older_template_are_not_taken_for_edited_ones(school: Class):
    kept = {"cookiecutter": {"project_slug": "guestbook-s00", "assignment": ASSIGNMENT},
            "b2-starter": {"version": "0.1.0"}}
    school.hand_in("Li", REFERENCE, **{"tests/grading.py": "# of last week",
                                       "b2-starter.json": json.dumps(kept, indent=2)})
    path = school.folder / "class.csv"
    text = path.read_text(encoding="utf-8-sig").replace("group", "group,tests")
    path.write_text(text.replace(",7b", ",7b,0123456789ab"), encoding="utf-8")

    _, found = school.grade()

    assert (found["Li"]["state"], found["Li"]["notes"]) == ("ok", [])


@pytest.mark.parametrize(("words", "reason"), [
    (["--assignment", "cloud-notes"], "class.csv says guestbook, and --assignment cloud-notes."),
    (["--out", "grades.txt"], "--out names a table: grades.txt has to end in .csv."),
])
def test_a_wrong_word_is_said_before_any_work(school: Class, words: list[str], reason: str):
    school.hand_in("Li", REFERENCE)

    done, found = school.grade(*words)

    assert (done.code, found) == (1, {})
    assert reason in done.err


@pytest.mark.thorough
def test_without_forking_the_grades_are_the_same_and_the_earlier_ones_are_kept(school: Class):
    for what in ("is right", "ends Python in best", "has a syntax error", "changes the checks"):
        school.hand_in(what, MISCHIEF[what][0])

    _, forked = school.grade()
    with (school.folder / "grades.csv").open("a", encoding="utf-8") as file:
        file.write("a comment of the teacher's\n")
    done, spawned = school.grade("--no-fork")

    for what, one in forked.items():
        assert (one["state"], one["points"]) == (
            spawned[what]["state"], spawned[what]["points"]), what
        assert one["state"] == MISCHIEF[what][1]
    assert "The earlier grades are in grades-earlier" in done.out
    kept = list((school.folder / "grades-earlier").rglob("grades.csv"))
    assert "a comment of the teacher's" in kept[0].read_text(encoding="utf-8-sig")
    assert list((school.folder / "grades-earlier").rglob("s00.txt"))
