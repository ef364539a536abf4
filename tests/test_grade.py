"""Grades that a person would give, by the real command, whatever a hand-in does meanwhile."""

from __future__ import annotations

import csv
import json
import os
import re
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from conftest import APPLICATION_KEY, KEY_ID, ROOT, STARTER, Run, clean_environment, run

from classroom.prepare import test_names as names_of_tests

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
    "ends its parent": (at_the_top("import os\nos.kill(os.getppid(), 9)"), "cannot run", EVERY),
}


@pytest.fixture(scope="module")
def mischief(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Class, Run, dict]]:
    """All of them in one class, graded once."""
    school = Class(tmp_path_factory.mktemp("mischief"))
    for what, (main, _, _) in MISCHIEF.items():
        school.hand_in(what, main)
    done, found = school.grade("--seconds", "10", AWS_SECRET_ACCESS_KEY="of-the-teacher",
                               B2_APPLICATION_KEY=APPLICATION_KEY)
    yield school, done, found


@pytest.mark.parametrize("what", MISCHIEF)
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

    assert [row["student"] for row in rows] == list(MISCHIEF)
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
    school, _, _ = mischief
    texts = {path.stem: path.read_text(encoding="utf-8")
             for path in (school.folder / "grades-feedback").glob("*.txt")}

    assert len(texts) == len(MISCHIEF)
    right = texts["s00"]
    assert right.startswith(f"guestbook: {ALL} of {ALL}\nis right\n\n ✔ 1   The file has its new")
    stuck = texts[f"s{list(MISCHIEF).index('never ends in best'):02}"]
    assert " ✘ 5a  The best entries have the most stars\n       called:    best([" in stuck
    assert "came back: nothing: it did not end within 3 seconds (line" in stuck
    ended = texts[f"s{list(MISCHIEF).index('ends Python in best'):02}"]
    assert "came back: nothing: it ended the whole program" in ended
    memory = texts[f"s{list(MISCHIEF).index('eats all memory'):02}"]
    assert "it used too much memory" in memory
    for text in texts.values():
        assert not re.search("Traceback|fixture|mock|assert", text), text


def test_nothing_is_left_running_or_lying_about(mischief: Any, tmp_path_factory: Any):
    left = [process.info["cmdline"] for process in psutil.process_iter(["cmdline"])
            if "multiprocessing" in " ".join(process.info["cmdline"] or [])
            and str(mischief[0].folder) in str(process.info["cmdline"])]

    assert left == []
    assert not list(Path(os.environ["TMPDIR"]).glob("b2-grading-*"))


def test_a_process_that_was_started_is_ended(school: Class):
    marker = f"left-{os.getpid()}"
    start = (f"import subprocess, sys\n"
             f"words = [sys.executable, '-c', 'import time; time.sleep(600)', '{marker}']\n"
             f"subprocess.Popen(words)\n"
             f"subprocess.Popen(words, start_new_session=True)\n")
    school.hand_in("Anna", at_the_top(start))

    _, found = school.grade()

    assert found["Anna"]["points"] == ALL
    assert not [process for process in psutil.process_iter(["cmdline"])
                if marker in (process.info["cmdline"] or [])]


def test_a_program_cannot_write_beside_its_folder(school: Class, tmp_path: Path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "thesis.txt").write_text("mine", encoding="utf-8")
    tries = [
        "(out / 'new.txt').write_text('')", "os.remove(out / 'thesis.txt')", "shutil.rmtree(out)",
        "os.rename(out, 'here')", "os.mkdir(out / 'new')", "shutil.rmtree('..')",
        "os.symlink(out, 'link'); open('link/n', 'w')", "open('../../grades.csv', 'w')",
        f"open({str(STARTER / 'main.py')!r}, 'w')",
        "os.open(out / 'n', os.O_CREAT | os.O_WRONLY)",
    ]
    lines = "\n".join(f"try:\n    {line}\nexcept OSError:\n    refused += 1" for line in tries)
    program = (f"import os, pathlib, shutil\nout = pathlib.Path({str(outside)!r})\nrefused = 0\n"
               f"{lines}\nprint('refused', refused)")
    program += "\nopen('own.txt', 'w').write('this may be')"
    school.hand_in("Anna", at_the_top(program))

    _, found = school.grade()

    assert f"refused {len(tries)}" in found["Anna"]["output"], found["Anna"]
    assert found["Anna"]["points"] == ALL
    assert [path.name for path in outside.iterdir()] == ["thesis.txt"]
    assert (outside / "thesis.txt").read_text(encoding="utf-8") == "mine"
    assert not (STARTER / "main.py").exists()


@pytest.mark.allow_hosts(["127.0.0.1"])
def test_there_is_no_network(school: Class):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        port = server.getsockname()[1]
        program = (f"import _socket, urllib.request\nfor open_it in (\n"
                   f"    lambda: urllib.request.urlopen('http://127.0.0.1:{port}'),\n"
                   f"    lambda: _socket.socket().connect(('127.0.0.1', {port}))):\n"
                   f"    try:\n        open_it()\n    except Exception as error:\n"
                   f"        print('refused', error)")
        school.hand_in("Anna", at_the_top(program))

        _, found = school.grade()

        with pytest.raises(TimeoutError):
            server.accept()
    assert found["Anna"]["output"].count("refused") == 2
    assert found["Anna"]["points"] == ALL


def test_a_hand_in_brings_no_tests_and_no_settings_of_its_own(school: Class, tmp_path: Path):
    evil = f"open({str(tmp_path / 'evil.txt')!r}, 'w')\n"
    all_pass = evil + ("import pytest\n@pytest.hookimpl(hookwrapper=True)\n"
                       "def pytest_runtest_makereport(item, call):\n"
                       "    outcome = yield\n    outcome.get_result().outcome = 'passed'\n")
    kept = json.dumps({"cookiecutter": {"project_slug": "guestbook-s00", "assignment": ASSIGNMENT},
                       "b2-starter": {"version": "0.1.0"}}, indent=2)
    files = {
        "conftest.py": all_pass, "tests/conftest.py": all_pass, "tests/__init__.py": evil,
        "sitecustomize.py": evil, "usercustomize.py": evil, "pytest.py": evil,
        "pytest.ini": "[pytest]\naddopts = --co", "pyproject.toml": "[tool.pytest", "x.pth": evil,
        "setup.cfg": "[tool:pytest]\naddopts = --co", "b2_client.py": evil,
        "tests/test_main.py": "def test_1_a(): pass\n",
        "tests/grading.py": evil, "json.py": evil, "boto3/__init__.py": evil,
        "b2-starter.json": kept,
    }
    school.hand_in("Anna", UNTOUCHED.replace("'book.txt'", "'guestbook.json'"), **files)

    _, found = school.grade()

    one = found["Anna"]
    assert (one["state"], one["points"]) == ("tests edited", 1)
    assert "changed: tests/conftest.py, tests/grading.py, tests/test_main.py" in one["notes"][0]
    assert not (tmp_path / "evil.txt").exists()


def test_files_that_a_student_added_come_along(school: Class):
    helper = "def pairs(entries):\n    return sorted(entries, key=lambda one: -one['stars'])\n"
    main = REFERENCE.replace("import json\n", "import json\nfrom tools.sorting import pairs\n")
    main = re.sub(r"    by_stars = .*", "    by_stars = pairs(entries)", main)
    school.hand_in("Anna", main, **{"tools/sorting.py": helper})

    assert school.grade()[1]["Anna"]["points"] == ALL


def test_keys_are_named_and_never_copied_or_shown(school: Class):
    env = f"B2_APPLICATION_KEY_ID={KEY_ID}\nB2_APPLICATION_KEY={APPLICATION_KEY}\n"
    school.hand_in("Anna", REFERENCE, **{".env": env})
    school.hand_in("Ben", at_the_top(f"key = '{APPLICATION_KEY}'\nprint(key, '{KEY_ID}')\n"
                                     "print(__import__('os').listdir('.'))"), **{".env": env})
    school.hand_in("Cara", REFERENCE, **{".env": "B2_APPLICATION_KEY_ID=\nB2_APPLICATION_KEY=\n"})

    done, found = school.grade()

    assert found["Anna"]["notes"] == ["KEYS in .env: delete them in the console"]
    assert found["Ben"]["notes"] == ["KEYS in .env, main.py: delete them in the console"]
    assert found["Cara"]["notes"] == []
    assert ".env" not in found["Ben"]["output"]
    assert "K000" in found["Ben"]["output"]
    made = [path for path in school.folder.rglob("*") if path.is_file()
            and path.parent.name not in ("guestbook-s00", "guestbook-s01")]
    for text in (done.printed, *(path.read_text(encoding="utf-8") for path in made)):
        assert APPLICATION_KEY not in text
        assert KEY_ID not in text


def test_of_several_hand_ins_the_last_one_counts(school: Class):
    school.add("Pia Paul")
    school.add("Tom Klein")
    school.add("Ida Ilk")
    school.add("Max Mut")
    helper = "def helps():\n    return 1\n"
    wrong = REFERENCE.replace("'guestbook.json'", "'book'")
    for number, (name, main) in enumerate({
        "Pia Paul/Guestbook/Version 10/main.py": REFERENCE,
        "Pia Paul/Guestbook/Version 2/main.py": wrong,
        "kleintom_1_2_main.py": wrong, "kleintom_1_2_main-1.py": REFERENCE,
        "Ida Ilk/mine.py": REFERENCE, "Ida Ilk/helpers.py": helper,
        f"{ASSIGNMENT}-s03/main.py": UNTOUCHED, "Max_Mut_main.py": REFERENCE,
    }.items()):
        path = school.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(main, encoding="utf-8")
        os.utime(path, (number, number))

    _, found = school.grade()

    assert {name: one["points"] for name, one in found.items()} == dict.fromkeys(found, ALL)
    assert found["Pia Paul"]["notes"] == [
        "2 hand-ins; this one counts: Pia Paul/Guestbook/Version 10"]
    assert found["Max Mut"]["notes"] == []


def test_what_cannot_be_read_is_in_the_row_of_its_student(school: Class):
    school.hand_in("Li", UNTOUCHED)
    school.hand_in("Ben", REFERENCE)
    (school.folder / "Li_project.rar").write_bytes(b"Rar!")
    (school.folder / "Ben_old.rar").write_bytes(b"Rar!")
    (school.folder / "zed.py").write_text(f"key = '{APPLICATION_KEY}'", encoding="utf-8")

    done, found = school.grade()

    assert done.code == 1
    reason = "Li_project.rar: this kind of archive cannot be read; a zip can."
    assert (found["Li"]["state"], found["Li"]["notes"]) == ("cannot run", [reason])
    assert (found["Ben"]["state"], found["Ben"]["points"]) == ("ok", ALL)
    assert "zed.py: no student of the class has this name. Put the alias into its name" in done.out
    assert "zed.py: KEYS in main.py" in done.out
    assert APPLICATION_KEY not in done.out


def test_the_reason_why_it_cannot_run_is_in_the_table(school: Class):
    school.hand_in("Li", REFERENCE + "\nexit()\n")

    _, found = school.grade()

    assert found["Li"]["state"] == "cannot run"
    assert re.fullmatch(r"line \d+ ends the whole program", found["Li"]["notes"][0])


def test_earlier_grades_are_kept(school: Class):
    school.hand_in("Li", REFERENCE)
    school.grade()
    with (school.folder / "grades.csv").open("a", encoding="utf-8") as file:
        file.write("a comment of the teacher's\n")

    done, found = school.grade()

    assert "The earlier grades are in grades-earlier" in done.out
    kept = list((school.folder / "grades-earlier").rglob("grades.csv"))
    assert "a comment of the teacher's" in kept[0].read_text(encoding="utf-8-sig")
    assert list((school.folder / "grades-earlier").rglob("s00.txt"))
    assert found["Li"]["points"] == ALL


@pytest.mark.parametrize(("words", "reason"), [
    (["--assignment", "cloud-notes"], "class.csv says guestbook, and --assignment cloud-notes."),
    (["--out", "grades.txt"], "--out names a table: grades.txt has to end in .csv."),
])
def test_a_wrong_word_is_said_before_any_work(school: Class, words: list[str], reason: str):
    school.hand_in("Li", REFERENCE)

    done, found = school.grade(*words)

    assert (done.code, found) == (1, {})
    assert reason in done.err


def test_without_forking_the_grades_are_the_same(school: Class):
    for what in ("is right", "ends Python in best", "has a syntax error", "changes the checks"):
        school.hand_in(what, MISCHIEF[what][0])

    _, forked = school.grade()
    _, spawned = school.grade("--no-fork")

    for what, one in forked.items():
        assert (one["state"], one["points"]) == (
            spawned[what]["state"], spawned[what]["points"]), what
        assert one["state"] == MISCHIEF[what][1]
