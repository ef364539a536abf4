"""Whatever a hand-in does while it is graded, it gets its own grade, and so do the others."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from conftest import APPLICATION_KEY, SOLUTIONS, Run, some_thorough
from school import ALL, ASSIGNMENT, REFERENCE, UNTOUCHED, Class, at_the_top, inside_best

from classroom.prepare import names_of_tests

# What a hand-in does; then its state, and the tests that it does not pass.
BEST = [name for name in names_of_tests(ASSIGNMENT) if "_5" in name]
EVERY = names_of_tests(ASSIGNMENT)
MISCHIEF: dict[str, tuple[str, str, list[str]]] = {
    "is right": (REFERENCE, "ok", []),
    "does nothing yet": (UNTOUCHED, "not started", EVERY),
    "does nothing yet, on Windows": (UNTOUCHED.replace("\n", " \r\n"), "not started", EVERY),
    "has a syntax error": (REFERENCE + "\nif True\n", "cannot run", EVERY),
    "is empty": ("\n\n", "not started", EVERY),
    "is not text": ("\0\1\2", "cannot run", EVERY),
    "asks while it is read": (at_the_top("name = input()"), "cannot run", EVERY),
    "ends while it is read": (at_the_top("exit()"), "cannot run", EVERY),
    "ends Python while it is read": (at_the_top("import os\nos._exit(0)"), "cannot run", EVERY),
    "ends Python in best": (inside_best("import os\nos._exit(0)"), "ok", BEST),
    "never ends while it is read": (at_the_top("while True:\n    pass"), "timed out", EVERY),
    "never ends in best": (inside_best("while True:\n    pass"), "timed out", BEST),
    "cannot be stopped in best": (inside_best("10 ** 10 ** 9"), "timed out", BEST),
    "prints endlessly": (inside_best("while True:\n    print('x' * 1000)"), "timed out", BEST),
    "eats all memory": (inside_best("x = [b'x' * 10**7 for n in range(10**6)]"), "ok", BEST),
    "changes what pytest does": (
        at_the_top(
            "import pytest\npytest.fail = lambda *a, **k: None\ndef best(*a): return None\n"
        ),
        "tests edited",
        EVERY,
    ),
    "changes the checks": (
        at_the_top("import grading\ngrading.Program.check = lambda *a: None"),
        "tests edited",
        EVERY,
    ),
    "changes the code of the checks": (
        at_the_top(
            "import grading\ndef nothing(self, came_back, expected, where=''): pass\n"
            "grading.Program.check.__code__ = nothing.__code__"
        ),
        "tests edited",
        EVERY,
    ),
    "returns a text that is equal to all": (
        inside_best(
            "class Any(list):\n    def __eq__(self, other): return True\n"
            "    def __ne__(self, other): return False\n    __hash__ = None\nreturn Any()"
        ),
        "ok",
        BEST,
    ),
    "returns what says that it is true": (
        inside_best(
            "class Any:\n    __class__ = bool\n    def __eq__(self, other): return True\n"
            "    def __ne__(self, other): return False\nreturn Any()"
        ),
        "ok",
        BEST,
    ),
    "empties what it is given": (
        inside_best("for entry in entries:\n    entry.clear()\nreturn entries[:number]"),
        "ok",
        BEST,
    ),
    "changes the checks, and back": (
        at_the_top(
            "import sys\ngrading = sys.modules['grading']\nold = grading.Program.check\n"
            "grading.Program.check = lambda *a: None"
        ).replace(
            "def best(entries, number):\n",
            "def best(entries, number):\n    grading.Program.check = old\n",
        ),
        "tests edited",
        EVERY,
    ),
    "changes what looks for changes": (
        at_the_top(
            "import sys, grading\nrunner = sys.modules['classroom.runner']\n"
            "parts = runner.list_parts()\nrunner.list_parts = lambda: parts\n"
            "grading.Program.check = lambda *a: None"
        ),
        "tests edited",
        EVERY,
    ),
    "adds to the checks": (
        at_the_top("import sys\nsys.modules['grading'].isinstance = lambda *a: True"),
        "tests edited",
        EVERY,
    ),
    "opens a folder elsewhere": (
        at_the_top("import os\nos.open('/', os.O_RDONLY)"),
        "cannot run",
        EVERY,
    ),
    "limits another process": (
        at_the_top("import os, resource\nresource.prlimit(os.getppid(), resource.RLIMIT_FSIZE)"),
        "cannot run",
        EVERY,
    ),
    "reads the solutions": (
        at_the_top(
            f"text = open({str(SOLUTIONS / ASSIGNMENT / 'main.py')!r}, encoding='utf-8').read()\n"
            "exec(text)"
        ),
        "cannot run",
        EVERY,
    ),
    "removes the tests": (at_the_top("import shutil\nshutil.rmtree('tests')"), "ok", []),
    "goes elsewhere": (at_the_top("import os\nos.chdir('/')"), "ok", []),
    "closes its output": (at_the_top("import sys\nsys.stdout.close()"), "ok", []),
    "shows what it knows": (at_the_top("import os\nprint(dict(os.environ))"), "ok", []),
    "leaves a thread": (
        at_the_top(
            "import threading, time\nthreading.Thread(target=time.sleep, args=(600,)).start()"
        ),
        "ok",
        [],
    ),
    "goes too deep": (inside_best("return best(entries, number)"), "ok", BEST),
    "leaves a process far away": (
        at_the_top(
            "import os\nif os.fork() == 0:\n    os.setsid()\n    os.fork()\n"
            "    import time\n    time.sleep(600)"
        ),
        "cannot run",
        EVERY,
    ),
    "prints half a character": (at_the_top("print('\\ud83d')"), "ok", []),
    "raises half a character": (inside_best("raise ValueError('\\udcff')"), "ok", BEST),
    "returns what cannot be shown": (
        inside_best("class Odd:\n    def __repr__(self):\n        return 1 / 0\nreturn Odd()"),
        "ok",
        BEST,
    ),
    "changes its output": (
        at_the_top("import sys\nsys.stdout.reconfigure(encoding='utf-8')"),
        "ok",
        [],
    ),
    "sends noise": (
        at_the_top(
            "import os\nfor number in range(3, 40):\n    try:\n"
            "        os.write(number, b'\\0\\0\\x0f\\0')\n    except OSError:\n"
            "        pass\nwhile True:\n    pass"
        ),
        "timed out" if os.name == "nt" else "cannot run",  # there, no number leads to the pipe
        EVERY,
    ),
    "says itself that it passed": (
        at_the_top(
            "import json, os, struct\n"
            f"events = [['end', name, 'passed', ''] for name in {EVERY}]\n"
            "for event in [['loaded'], *events, ['finished']]:\n"
            "    content = json.dumps(event).encode()\n"
            "    for number in range(3, 40):\n"
            "        try:\n"
            "            os.write(number, struct.pack('!i', len(content)) + content)\n"
            "        except OSError:\n"
            "            pass\nwhile True:\n    pass"
        ),
        "timed out" if os.name == "nt" else "cannot run",  # there, no number leads to the pipe
        EVERY,
    ),
    "puts its own pytest in the way": (
        at_the_top(
            "import grading\nclass Nothing:\n    def fail(*a, **k): pass\n"
            "grading.pytest = Nothing()"
        ),
        "tests edited",
        EVERY,
    ),
    "ends its parent": (at_the_top("import os\nos.kill(os.getppid(), 9)"), "cannot run", EVERY),
}


TERMINAL = f"of-the-mischief-{os.getpid()}"  # a variable that all of its processes have


EVERY_DAY = [  # `nox -s thorough` tries all of them
    "is right",
    "does nothing yet",
    "has a syntax error",
    "ends Python in best",
    "changes the checks",
    "shows what it knows",
]


@pytest.fixture(scope="module")
def mischief(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[tuple[Class, Run, dict]]:
    """One class with all the kinds of mischief that are asked for, graded once."""
    school = Class(tmp_path_factory.mktemp("mischief"))
    names = [item.name for item in request.session.items]
    for what, (main, _, _) in MISCHIEF.items():
        if f"test_each_hand_in_gets_its_own_grade[{what}]" in names:
            school.hand_in(what, main)
    secrets = {"AWS_SECRET_ACCESS_KEY": "of-the-teacher", "B2_APPLICATION_KEY": APPLICATION_KEY}
    done, found = school.grade("--seconds", "30", TERM=TERMINAL, **secrets)
    yield school, done, found


@pytest.mark.parametrize("what", some_thorough(MISCHIEF, EVERY_DAY))
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


def test_a_hand_in_sees_nothing_that_belongs_to_the_teacher(mischief: Any):
    school, _, found = mischief

    assert "PATH" in found["shows what it knows"]["output"]
    written = "".join(
        path.read_text(encoding="utf-8", errors="replace")
        for path in school.folder.rglob("*")
        if path.is_file()
    )
    assert "of-the-teacher" not in written
    assert APPLICATION_KEY not in written


def test_each_student_gets_feedback_in_the_words_of_the_tests(mischief: Any):
    school, _, found = mischief
    texts = {
        path.stem: path.read_text(encoding="utf-8")
        for path in (school.folder / "grades-feedback").glob("*.txt")
    }

    assert len(texts) == len(found)
    of = {name: texts[one["alias"]] for name, one in found.items()}
    right = texts["s00"]
    assert right.startswith(f"guestbook: {ALL} of {ALL}\nis right\n\n ✔ 1   The file has its new")
    stuck = of.get("never ends in best")  # not every day
    if stuck:
        assert " ✘ 5a  The best entries have the most stars\n       called:    best([" in stuck
        assert "stopped:   it did not finish within 3 seconds (line" in stuck
    assert "stopped:   it ended the whole program" in of["ends Python in best"]
    assert (
        "The tests were changed, in their files or by main.py. Leave them as they are.\n\n"
        "main.py changes grading.Program.check"
    ) in of["changes the checks"]
    assert "it used too much memory" in of.get("eats all memory", "it used too much memory")
    for text in texts.values():
        assert not re.search("Traceback|fixture|mock|assert", text), text


def test_nothing_is_left_running_or_on_the_disk(mischief: Any):
    left = [
        process
        for process in psutil.process_iter(["environ"])
        if (process.info["environ"] or {}).get("TERM") == TERMINAL
    ]

    assert left == []
    assert not list(Path(os.environ["TMPDIR"]).glob("b2-grading-*"))


@pytest.mark.thorough
def test_without_forking_the_grades_are_the_same_and_the_earlier_ones_are_kept(school: Class):
    for what in ("is right", "ends Python in best", "has a syntax error", "changes the checks"):
        school.hand_in(what, MISCHIEF[what][0])

    _, forked = school.grade()
    with (school.folder / "grades.csv").open("a", encoding="utf-8") as file:
        file.write("a comment of the teacher's\n")
    done, spawned = school.grade("--no-fork")

    for what, one in forked.items():
        assert (one["state"], one["points"]) == (spawned[what]["state"], spawned[what]["points"]), (
            what
        )
        assert one["state"] == MISCHIEF[what][1]
    assert "The earlier grades are in grades-earlier" in done.out
    kept = list((school.folder / "grades-earlier").rglob("grades.csv"))
    assert "a comment of the teacher's" in kept[0].read_text(encoding="utf-8-sig")
    assert list((school.folder / "grades-earlier").rglob("s00.txt"))
