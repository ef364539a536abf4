"""The real command gives the grades that a person would give."""

from __future__ import annotations

import json
import os
import re
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from conftest import APPLICATION_KEY, KEY_ID, ROOT, VERSION, Run
from school import (
    ALL,
    ASSIGNMENT,
    REFERENCE,
    UNTOUCHED,
    Class,
    at_the_top,
    with_password,
    zipped,
)

from classroom.grades import STATES
from classroom.template import digest_of_starter

pytestmark = [pytest.mark.allow_hosts(["127.0.0.1"]), pytest.mark.thorough]

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
SHOWS_KEYS = (
    f"key = '{APPLICATION_KEY}'\nprint(key, '{KEY_ID}')\nprint(__import__('os').listdir('.'))"
)


def own_settings(outside: Path) -> dict[str, str]:
    """Return files that would change what Python and pytest do, if they were used."""
    evil = f"open({str(outside / 'evil.txt')!r}, 'w')\n"
    all_pass = evil + (
        "import pytest\n@pytest.hookimpl(hookwrapper=True)\n"
        "def pytest_runtest_makereport(item, call):\n"
        "    outcome = yield\n    outcome.get_result().outcome = 'passed'\n"
    )
    kept = json.dumps(
        {
            "cookiecutter": {"project_slug": "x", "assignment": ASSIGNMENT},
            "b2-starter": {"version": VERSION},
        },
        indent=2,
    )
    return {
        "conftest.py": all_pass,
        "tests/conftest.py": all_pass,
        "tests/__init__.py": evil,
        "sitecustomize.py": evil,
        "usercustomize.py": evil,
        "pytest.py": evil,
        "pytest.ini": "[pytest]\naddopts = --co",
        "pyproject.toml": "[tool.pytest",
        "x.pth": evil,
        "setup.cfg": "[tool:pytest]\naddopts = --co",
        "b2_client.py": evil,
        "json.py": evil,
        "tests/test_main.py": "def test_1_a(): pass\n",
        "tests/grading.py": evil,
        "__init__.py": evil,
        "grading.py": evil,
        "b2_rules.py": evil,
        "b2-starter.json": kept,
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
    school.hand_in(
        "own settings", UNTOUCHED.replace("'book.txt'", "'guestbook.json'"), **own_settings(outside)
    )
    school.hand_in("has a helper", uses_it, **{"tools/sorting.py": sorting})
    school.hand_in("keys in env", REFERENCE, **{".env": ENV})
    school.hand_in("keys in main", at_the_top(SHOWS_KEYS), **{".env": ENV})
    blank = "B2_APPLICATION_KEY_ID=\nB2_APPLICATION_KEY=\n"
    school.hand_in("blank keys", REFERENCE, **{".env": blank})
    school.hand_in("exits", REFERENCE + "\nexit()\n")
    utf_16 = school.hand_in("keys in UTF-16", at_the_top("print(open('notes.txt').read())"))
    (utf_16 / "notes.txt").write_text(APPLICATION_KEY, encoding="utf-16")
    school.hand_in("Anna Locked", UNTOUCHED)
    locked = with_password(zipped({"main.py": REFERENCE}))
    (school.folder / "Locked_Anna_1_project.zip").write_bytes(locked)
    school.hand_in("Untouched Li", UNTOUCHED)
    school.hand_in("Ben Day", REFERENCE)
    school.hand_in("Max Mut", UNTOUCHED)
    for name in ("Pia Paul", "Tom Klein", "Ida Ilk"):
        school.add(name)
    for number, (name, content) in enumerate(
        {
            "Pia Paul/Guestbook/Version 10/main.py": REFERENCE,
            "Pia Paul/Guestbook/Version 2/main.py": wrong,
            "kleintom_1_2_main.py": wrong,
            "kleintom_1_2_main-1.py": REFERENCE,
            "Ida Ilk/mine.py": REFERENCE,
            "Ida Ilk/helpers.py": "def helps():\n    return 1\n",
            "Max_Mut_main.py": REFERENCE,
            "Untouched_Li_project.rar": "Rar!",
            "Ben_Day_old.rar": "Rar!",
            "zed.py": f"key = '{APPLICATION_KEY}'",
        }.items()
    ):
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
    for one in found.values():  # most of these cases are made from the same solution
        one["notes"] = [note for note in one["notes"] if not note.startswith("the same program")]
    return Graded(school.folder, outside, done, found, connections)


def test_a_process_that_was_started_is_ended(cases: Graded):
    assert cases.found["starts others"]["points"] == ALL
    assert not [
        process
        for process in psutil.process_iter(["cmdline"])
        if LEFT in (process.info["cmdline"] or [])
    ]


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
        "left out: __init__.py, b2_rules.py, conftest.py, grading.py, pyproject.toml"
    )
    assert not (cases.outside / "evil.txt").exists()


def test_files_that_a_student_added_are_used(cases: Graded):
    assert cases.found["has a helper"]["points"] == ALL


def test_keys_are_named_and_never_copied_or_shown(cases: Graded):
    found = cases.found

    assert found["keys in env"]["notes"] == ["KEYS in .env: delete them in the console"]
    assert found["keys in main"]["notes"][0] == (
        "KEYS in .env, main.py: delete them in the console"
    )
    assert found["keys in UTF-16"]["notes"][:2] == [
        "KEYS in notes.txt: delete them in the console",
        "left out: notes.txt",
    ]
    assert found["blank keys"]["notes"] == []
    assert ".env'" not in found["keys in main"]["output"]
    assert "K000" in found["keys in main"]["output"]
    made = [
        path
        for path in cases.folder.rglob("*")
        if (path.is_file() and path.name.startswith("grades"))
        or path.parent.name == "grades-feedback"
    ]
    assert len(made) == 3 + len(found)
    for text in (cases.done.printed, *(path.read_text(encoding="utf-8") for path in made)):
        assert APPLICATION_KEY not in text
        assert KEY_ID not in text


def test_of_several_hand_ins_the_last_one_counts(cases: Graded):
    found = cases.found

    assert [found[name]["points"] for name in ("Pia Paul", "Tom Klein", "Ida Ilk", "Max Mut")] == [
        ALL,
        ALL,
        ALL,
        ALL,
    ]
    assert found["Pia Paul"]["notes"] == [
        "2 hand-ins; the later version counts: Pia Paul/Guestbook/Version 10"
    ]
    assert found["Max Mut"]["notes"] == []


def test_what_cannot_be_read_is_in_the_row_of_its_student(cases: Graded):
    one = cases.found["Untouched Li"]

    assert cases.done.code == 1
    reason = "Untouched_Li_project.rar: this kind of archive cannot be read; ask for a zip file."
    assert (one["state"], one["notes"]) == ("cannot run", [reason])
    assert (cases.found["Ben Day"]["state"], cases.found["Ben Day"]["points"]) == ("ok", ALL)
    printed = cases.done.out
    assert "zed.py: no student in the class has this name. Add the alias to its name" in printed
    assert "zed.py: KEYS in main.py" in printed


def test_a_zip_with_a_password_is_not_mistaken_for_the_untouched_project(cases: Graded):
    one = cases.found["Anna Locked"]

    assert (one["state"], one["notes"]) == ("cannot run", ["it is protected by a password"])


def test_the_reason_why_it_cannot_run_is_in_the_table(cases: Graded):
    assert cases.found["exits"]["state"] == "cannot run"
    assert re.fullmatch(r"line \d+ ends the whole program", cases.found["exits"]["notes"][0])


def test_tests_of_an_older_template_are_not_mistaken_for_edited_ones(school: Class):
    kept = {
        "cookiecutter": {"project_slug": "guestbook-s00", "assignment": ASSIGNMENT},
        "b2-starter": {"version": VERSION},
    }
    school.hand_in(
        "Li",
        REFERENCE,
        **{"tests/grading.py": "# of last week", "b2-starter.json": json.dumps(kept, indent=2)},
    )
    path = school.folder / "class.csv"
    text = path.read_text(encoding="utf-8-sig").replace("group", "group,tests")
    path.write_text(text.replace(",7b", ",7b,0123456789ab"), encoding="utf-8")

    _, found = school.grade()

    assert (found["Li"]["state"], found["Li"]["notes"]) == ("ok", [])


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (
            ["--assignment", "cloud-notes"],
            "class.csv says guestbook, but --assignment says cloud-notes.",
        ),
        (["--out", "grades.txt"], "--out needs a name that ends in .csv, and grades.txt does not."),
    ],
)
def test_a_wrong_option_is_refused_before_any_work(school: Class, words: list[str], reason: str):
    school.hand_in("Li", REFERENCE)

    done, found = school.grade(*words)

    assert (done.code, found) == (1, {})
    assert reason in done.err


def test_every_state_is_explained_to_teachers():
    teaching = (ROOT / "docs" / "TEACHING.md").read_text(encoding="utf-8")

    assert [state for state in STATES if f"\n| `{state}` |" not in teaching] == []


def test_what_was_handed_out_by_an_older_template_is_not_work(school: Class):
    """class.csv keeps the digests of what was handed out, and who has left."""
    older = UNTOUCHED.replace("book.txt", "old.txt")
    digest = digest_of_starter(older)
    rows = [
        "student,alias,folder,assignment,state,tests,starter",
        f"Anna,s01,{ASSIGNMENT}-s01,{ASSIGNMENT},made,0123456789ab,{digest}",
        f"Ben,s02,{ASSIGNMENT}-s02,{ASSIGNMENT},left,,",
    ]
    (school.folder / "class.csv").write_text("\n".join(rows), encoding="utf-8")
    for name in (f"{ASSIGNMENT}-s01/main.py", f"{ASSIGNMENT}-s02/main.py", "Ben_1_main.py"):
        (school.folder / name).parent.mkdir(exist_ok=True)
        (school.folder / name).write_text(older, encoding="utf-8")

    done, found = school.grade()

    assert {name: one["state"] for name, one in found.items()} == {"Anna": "not started"}
    assert "Ben has left the class, so this was not graded: Ben_1_main.py" in done.out
    assert "handed out with an earlier version of the tests" in done.out
    assert done.code == 0
