"""If the grading itself fails, that is a state of its own with a reason, and never 0 points."""

from __future__ import annotations

import csv
import json
import os
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, SOLUTIONS, some_thorough
from school import ASSIGNMENT, REFERENCE

from classroom import grade, supervise
from classroom.grade_all import make_failed_grade
from classroom.hand_ins import find_hand_ins
from classroom.marking import Work, grade_one, list_hidden
from classroom.matching import Member
from classroom.prepare import names_of_tests
from classroom.processes import count_processes, prepare_context
from classroom.reports import write
from classroom.runner import make_guard, run_tests

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])  # of the processes' own connections
LI = Member("Li", "s00")


def end_early(*_: Any) -> None:
    os._exit(7)


def never_begin(*_: Any) -> None:
    time.sleep(60)


def begin_late(*words: Any) -> None:
    time.sleep(supervise.ONE_TEST + 1)
    run_tests(*words)


def break_pytest(folder: str, *words: Any) -> None:
    Path(folder, "tests", "conftest.py").write_text(
        "def pytest_collection_modifyitems(): 1 / 0\n", encoding="utf-8"
    )
    run_tests(folder, *words)


def break_conftest(folder: str, *words: Any) -> None:
    Path(folder, "tests", "conftest.py").write_text("[][0]\n", encoding="utf-8")
    run_tests(folder, *words)


def grade_with(work: Any, tmp_path: Path, patch: pytest.MonkeyPatch, seconds: float = 60) -> Any:
    """Grade a right main.py; work is done instead of run_tests() in its process."""
    (tmp_path / "s00_main.py").write_text(REFERENCE, encoding="utf-8")
    hand_ins, _ = find_hand_ins(tmp_path)
    patch.setattr(supervise, "run_tests", work)
    context = prepare_context("classroom.pytest_ready", fork=False)
    return grade_one(context, Work(LI, hand_ins), ASSIGNMENT, tmp_path, seconds)


@pytest.mark.parametrize(
    ("work", "reason"),
    some_thorough(
        [
            (end_early, "its process ended before the tests began, with exit code 7"),
            (break_conftest, "IndexError"),
            (never_begin, "its process was not ready after 2 seconds"),
            (break_pytest, "ZeroDivisionError: division by zero"),
        ],
        every_day=2,
    ),
)
def test_it_says_why_it_could_not_grade(
    work: Any, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    if work is never_begin:
        monkeypatch.setattr(supervise, "LONGEST_START", 2.0)

    found = grade_with(work, tmp_path, monkeypatch)

    assert (found.state, found.points) == ("not graded", None)
    assert reason in found.asides[0]


@pytest.mark.thorough
def test_the_time_for_the_tests_begins_when_python_has_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    found = grade_with(begin_late, tmp_path, monkeypatch)

    assert (found.state, found.points) == ("ok", len(names_of_tests(ASSIGNMENT)))


@pytest.mark.parametrize(("processors", "expected"), [(128, 61), (4, 4), (None, 1)])
def test_no_more_processes_than_windows_can_wait_for(
    monkeypatch: pytest.MonkeyPatch, processors: int | None, expected: int
):
    monkeypatch.setattr(os, "cpu_count", lambda: processors)

    assert count_processes() == expected
    ProcessPoolExecutor(count_processes())  # raises ValueError above 61, on Windows


def test_the_teacher_is_told_who_was_not_graded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "Li_main.py").write_text(REFERENCE, encoding="utf-8")
    failed = make_failed_grade(LI, ASSIGNMENT, OSError("no space left"))
    monkeypatch.setattr(grade, "grade_all", lambda *_: [failed])
    monkeypatch.setattr(grade, "forget_this_computer", lambda: None)  # of this process
    monkeypatch.setattr(grade, "end_as_by_ctrl_c", lambda: None)
    words = [str(tmp_path), "--out", str(tmp_path / "grades.csv"), "--assignment", ASSIGNMENT]

    assert grade.run(grade.parse_arguments(words)) == 1

    assert "Li was not graded; the notes say why." in capsys.readouterr().out


def test_a_hand_in_may_not_read_what_others_wrote(tmp_path: Path):
    own, class_folder = tmp_path / "b2-grading-1-own" / "project", tmp_path / "class"
    guard = make_guard([str(own)], list_hidden(own.parent, class_folder))

    def is_refused(path: Path) -> bool:
        try:
            guard("open", (str(path), "r", os.O_RDONLY))
        except PermissionError:
            return True
        return False

    assert not is_refused(own / "main.py")
    assert not is_refused(own.parent.parent / "lib" / "x.py")
    assert not is_refused(ROOT / "tests" / "conftest.py")
    assert is_refused(tmp_path / "b2-grading-1-other" / "project" / "main.py")
    assert is_refused(class_folder / "Anna" / "main.py")
    assert is_refused(SOLUTIONS / ASSIGNMENT / "main.py")
    assert f"{ROOT.parent}{os.sep}" not in list_hidden(own.parent, ROOT.parent)


def test_who_was_not_graded_has_no_points_anywhere(tmp_path: Path):
    failed = make_failed_grade(LI, ASSIGNMENT, OSError("no space left"))

    write([failed], ASSIGNMENT, tmp_path / "grades.csv", [], {})

    with (tmp_path / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
        [row] = csv.DictReader(file)
    assert (row["state"], row["points"], row["stuck at"]) == ("not graded", "", "")
    assert "0" not in list(row.values())
    assert row["notes"] == "the grading failed: OSError: no space left"
    data = json.loads((tmp_path / "grades.json").read_text(encoding="utf-8"))
    assert data["students"][0]["points"] is None
    feedback = (tmp_path / "grades-feedback" / "s00.txt").read_text(encoding="utf-8")
    assert feedback.startswith(f"{ASSIGNMENT}: no points yet\n")
    page = (tmp_path / "grades.html").read_text(encoding="utf-8")
    assert "1 student, graded" in page
    assert "0 of" not in page  # nobody has started, so no test has a bar
