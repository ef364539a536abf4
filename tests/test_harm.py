"""A hand-in that harms the grading itself: nobody else loses a point, and nothing stays."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from school import ALL, REFERENCE, Class, at_the_top, inside_best, school  # noqa: F401

from classroom.prepare import names_of_tests
from classroom.texts import INTERRUPTED
from classroom.whole_files import remove_tree

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.skipif(sys.platform == "win32", reason="these lines are for a Unix shell"),
]

# Each ends the process that all hand-ins are forked from, or all that it can find.
ENDS_OTHERS = {
    "the parent": "import os, subprocess\nsubprocess.run(['kill', '-9', str(os.getppid())])",
    "the parent, again and again": (
        "import os, subprocess, time\nsubprocess.Popen(['sh', '-c',"
        " 'while true; do kill -9 %d; sleep 0.05; done' % os.getppid()])\ntime.sleep(2)"
    ),
    "all that are forked from the same parent": (
        "import os, subprocess\nsubprocess.run(['pkill', '-9', '-P', str(os.getppid())])"
    ),
}


@pytest.mark.parametrize("what", ENDS_OTHERS)
def test_nobody_else_loses_a_point(school: Class, what: str):  # noqa: F811
    slow = inside_best("import time\ntime.sleep(0.4)")
    for number in range(3):
        school.hand_in(f"before {number}", slow)
    school.hand_in("ends others", at_the_top(ENDS_OTHERS[what]))
    for number in range(3):
        school.hand_in(f"after {number}", slow)

    done, found = school.grade()

    points = {name: one["points"] for name, one in found.items()}
    own = points.pop("ends others")
    assert set(points.values()) == {ALL}, (points, done.printed)
    is_named = "it ended the processes of the grading" in " ".join(found["ends others"]["notes"])
    if "forked" not in what:  # then its own process is the only one there, the second time
        assert is_named or own == ALL  # since Linux 6.12, the kernel does not let it


def test_when_what_all_are_forked_from_ends_or_stops(school: Class):  # noqa: F811
    """Somebody from outside does that: not every kernel lets a hand-in do it."""
    for number in range(6):
        school.hand_in(f"number {number}", inside_best("import time\ntime.sleep(0.4)"))
    words = [sys.executable, str(Path(__file__).parent.parent / "classroom"), "grade"]
    grading = subprocess.Popen([*words, str(school.folder), "--out", str(school.folder / "g.csv")])
    wait_for(lambda: count_hand_ins(grading.pid) == 2)
    find_fork_server(grading.pid).send_signal(signal.SIGSTOP)  # type: ignore[attr-defined]
    time.sleep(3)
    wait_for(lambda: count_hand_ins(grading.pid) > 0)
    find_fork_server(grading.pid).kill()

    assert grading.wait(60) == 0
    with (school.folder / "g.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [row["points"] for row in csv.DictReader(file)] == [str(ALL)] * 6


def find_fork_server(grading: int) -> psutil.Process:
    children = psutil.Process(grading).children()
    return next(one for one in children if "forkserver" in " ".join(one.cmdline()))


def count_hand_ins(grading: int) -> int:
    try:
        return len(find_fork_server(grading).children())
    except (StopIteration, psutil.Error):
        return 0


def test_a_hand_in_reaches_nothing_of_the_others(school: Class):  # noqa: F811
    """By ways that no audit event tells of: on Linux, the kernel refuses them."""
    target = school.folder / "guestbook-s01" / "main.py"
    tries = [
        f"os.path.realpath = lambda path, **_: os.getcwd()\nopen({str(target)!r}, 'w').write('x')",
        f"os.mknod({str(target.parent / 'new.py')!r})",
        f"import readline\nreadline.write_history_file({str(target)!r})",
        f"os.system('echo x > {target}')",
        f"fd = os.open('.', **{{'flags': 0}})\nos.chdir('/')\n"
        f"os.open({str(target)[1:]!r}, os.O_WRONLY | os.O_TRUNC, **{{'dir_' + 'fd': fd}})",
        "import sqlite3\n"
        f"base = sqlite3.connect('file:{target.parent}/x.db', uri=True)\n"
        "base.execute('create table x (y)')",
        "for name in os.listdir('/proc'):\n    if name.isdigit() and int(name) != os.getpid():\n"
        "        for number in range(3, 40):\n"
        "            try:\n"
        "                os.write(os.open(f'/proc/{name}/fd/{number}', 1), b'x')\n"
        "            except OSError:\n                pass",
    ]
    lines = "\n".join(
        "try:\n" + "".join(f"    {line}\n" for line in one.splitlines()) + "except Exception: pass"
        for one in tries
    )
    school.hand_in("Anna", at_the_top(f"import os\n{lines}"))
    school.hand_in("Ben", inside_best("import time\ntime.sleep(0.2)"))
    before = sorted(school.folder.rglob("*"))

    _, found = school.grade()

    assert found["Ben"]["points"] == ALL
    assert target.read_text(encoding="utf-8") == inside_best("import time\ntime.sleep(0.2)")
    new = [str(path) for path in school.folder.rglob("*") if path not in before]
    assert [path for path in new if "/grades" not in path] == []


def test_what_one_process_did_to_the_tests_the_next_does_not_get(school: Class):  # noqa: F811
    rewrite = (
        "import os\nopen('tests/test_main.py', 'w').write("
        "'FUNCTIONS = []\\nSTARTED = []\\n'\n    "
        f"+ ''.join(f'def {{name}}(): pass\\n' for name in {names_of_tests('guestbook')}))\n"
        "os.abort()"
    )
    school.hand_in("Anna", inside_best(rewrite))

    _, found = school.grade()

    assert found["Anna"]["points"] == ALL - 4


@pytest.mark.parametrize("left", ["nested", "²-x", "99999999999999999999-x", "1-x"])
def test_odd_leftovers_stop_no_grading(school: Class, left: str):  # noqa: F811
    temporary = Path(os.environ["TMPDIR"])
    folder = temporary / f"b2-grading-{left.replace('nested', '999999999-x')}"
    folder.mkdir()
    if left == "nested":
        inner = folder
        here = os.open(inner, os.O_RDONLY)
        for _ in range(3000):
            os.mkdir("d", dir_fd=here)
            below = os.open("d", os.O_RDONLY, dir_fd=here)
            os.close(here)
            here = below
        os.close(here)
    school.hand_in("Anna", REFERENCE)

    done, found = school.grade()

    assert (done.code, found["Anna"]["points"]) == (0, ALL), done.printed
    is_of_a_dead_process = left == "nested"
    assert folder.exists() is not is_of_a_dead_process
    remove_tree(folder)
    assert not folder.exists()


def test_a_process_that_hides_is_found(school: Class):  # noqa: F811
    """In a session of its own, without its parent, and without any variable."""
    mark = f"hidden-{os.getpid()}"
    hides = f"import os\nos.system('setsid env -i sh -c \"sleep 600 # {mark}\" >/dev/null 2>&1 &')"
    school.hand_in("Anna", at_the_top(hides))

    done, _ = school.grade()

    assert done.code == 0, done.printed
    assert [one for one in psutil.process_iter(["cmdline"]) if mark in str(one.info)] == []


def test_what_a_killed_grading_has_left_is_cleared(school: Class):  # noqa: F811
    mark = f"stays-{os.getpid()}"
    program = f"import subprocess\nsubprocess.run(['sh', '-c', 'sleep 600 # {mark}'])"
    school.hand_in("Anna", at_the_top(program))
    words = [sys.executable, str(Path(__file__).parent.parent / "classroom"), "grade"]
    grading = subprocess.Popen([*words, str(school.folder), "--out", str(school.folder / "g.csv")])
    wait_for(lambda: mark in running())
    grading.kill()
    grading.wait()
    (school.folder / "guestbook-s00" / "main.py").write_text(REFERENCE, encoding="utf-8")

    done, found = school.grade()

    assert (done.code, found["Anna"]["points"]) == (0, ALL)
    assert mark not in running()
    assert not list(Path(os.environ["TMPDIR"]).glob("b2-grading-*"))


EVIL = "\x1b[31mred\x1b]0;title\x07\x9b2J\u202e\r"


def test_nothing_steers_the_terminal(school: Class):  # noqa: F811
    """Commands for a terminal in names, exceptions and output: not on the screen, in no file."""
    school.hand_in("Anna", inside_best(f"print({EVIL!r})\nraise ValueError({EVIL!r})"))
    school.hand_in("Ben", at_the_top(f"raise ValueError({EVIL!r})"))
    folder = school.folder / f"Nobody {EVIL}\n"
    folder.mkdir()
    (folder / "main.py").write_text("x", encoding="utf-8")
    (school.folder / f"Ben {EVIL}.zip").write_bytes(b"PK")
    own = {path.name for path in school.folder.iterdir()}

    done, _ = school.grade()

    said = done.printed
    for path in school.folder.rglob("*"):
        if path.is_file() and path.name not in own and "Nobody" not in str(path):
            said += path.read_text(encoding="utf-8", errors="replace")
    assert "Nobody ?" in said
    assert [char for char in EVIL if char in said and not char.isprintable()] == []


@pytest.mark.parametrize("seconds", [0.2, 0.4, 0.6, 0.8, 1.0, 1.4, 1.8, 2.2, 3.0])
def test_ctrl_c_at_any_moment_ends_in_one_sentence(
    school: Class,  # noqa: F811
    seconds: float,
):
    school.hand_in("Anna", inside_best("import time\ntime.sleep(2)"))
    words = [sys.executable, str(Path(__file__).parent.parent / "classroom"), "grade"]
    table = school.folder / "grades.csv"
    table.write_text("student,alias\nof,before\n", encoding="utf-8")
    grading = subprocess.Popen(
        [*words, str(school.folder), "--out", str(table)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        start_new_session=True,
        preexec_fn=hear_ctrl_c,  # noqa: PLW1509  # nothing else runs here
    )
    time.sleep(seconds)
    os.killpg(grading.pid, signal.SIGINT)  # type: ignore[attr-defined]  # as a terminal does

    said, _ = grading.communicate(timeout=30)

    assert "Traceback" not in said, said
    assert said.strip().splitlines()[-1] == INTERRUPTED["grade"]
    # Python ends by the signal if it came in an exec() of text, as dataclasses do while imported.
    assert grading.returncode in (1, -signal.SIGINT)
    assert table.read_text(encoding="utf-8") == "student,alias\nof,before\n"


def hear_ctrl_c() -> None:
    """Hear it even if these tests run in the background, where a shell lets it be ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def running() -> str:
    return str([one.info for one in psutil.process_iter(["cmdline"])])


def wait_for(condition: object) -> None:
    for _ in range(200):
        if condition():  # type: ignore[operator]
            return
        time.sleep(0.1)
    raise TimeoutError
