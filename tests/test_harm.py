"""A hand-in that harms the grading itself: nobody else loses a point, and nothing stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from school import ALL, REFERENCE, Class, at_the_top, inside_best, school  # noqa: F401

from classroom.texts import INTERRUPTED

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
    assert own != ALL
    if "forked" not in what:  # then its own process is the only one there, the second time
        assert "it ended the processes of the grading" in " ".join(found["ends others"]["notes"])


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
