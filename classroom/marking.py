"""Grades what one student handed in."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from multiprocessing.context import BaseContext
from operator import itemgetter
from pathlib import Path

import psutil

from classroom.choosing import make_asides, rank
from classroom.due import describe_lateness
from classroom.grades import Grade
from classroom.hand_ins import HandIn, Unused, explain
from classroom.likeness import digest_of_program
from classroom.matching import Member
from classroom.prepare import (
    Prepared,
    find_other_assignment,
    is_starter,
    names_of_tests,
    prepare,
)
from classroom.processes import end_leftovers
from classroom.supervise import Result, run_hand_in
from classroom.template import ROOT
from classroom.texts import make_writable
from classroom.whole_files import remove_tree

SCRATCH = "b2-grading-"  # and the number of the grading's process: names of temporary folders

# Where the message of a failed test says why main.py does not run: in the words of
# tests/grading.py and supervise.py, or in one of pytest's own lines, such as "E   NameError: ...".
REASON = re.compile(r"(?:came back: nothing:|stopped:) +(.*)|\nE? +(\w+Error:.*)")


@dataclass
class Work:
    """What one student handed in.

    unused: files that may be the student's, but are not used; unclear: hand-ins that may be the
    student's, or another's; due: when it had to come, or None.
    """

    member: Member
    hand_ins: list[HandIn] = field(default_factory=list)
    unused: list[Unused] = field(default_factory=list)
    unclear: list[str] = field(default_factory=list)
    due: datetime | None = None


def grade_one(
    context: BaseContext, work: Work, assignment: str, folder: Path, seconds: float
) -> Grade:
    """Grade what one student handed in.

    context: starts the processes; folder: the class folder; seconds: the time limit.
    """
    grade = make_empty_grade(work.member, assignment, "not handed in")
    grade.late = "" if work.due else None
    ranked = [(rank(one, assignment, folder, work.member), one) for one in work.hand_ins]
    ranked.sort(key=itemgetter(0))
    started = sum(rank_of_one.is_started for rank_of_one, _ in ranked)
    if work.unused and started == 0:
        grade.state = "cannot run"
        grade.asides = [str(unused) for unused in work.unused]
    grade.asides += [f"{one} may be from this student, or another" for one in work.unclear]
    if not ranked or grade.state == "cannot run":
        return grade
    best, hand_in = ranked[-1]
    grade.where = hand_in.where(folder)
    grade.asides += make_asides(ranked, folder, list_own(work.member))
    if work.due and best.is_handed_in:
        grade.late = describe_lateness(hand_in, work.due, folder)
    with make_scratch_folder() as around:
        run_in(around, hand_in, grade, assignment, context, seconds, folder)
    return grade


def make_empty_grade(member: Member, assignment: str, state: str) -> Grade:
    """Return a grade without points."""
    return Grade(member, state, dict.fromkeys(names_of_tests(assignment), ("skipped", "")))


def run_in(
    around: Path,
    hand_in: HandIn,
    grade: Grade,
    assignment: str,
    context: BaseContext,
    seconds: float,
    folder: Path,
) -> None:
    """Copy a hand-in into an empty folder, run the tests there, and fill in the grade."""
    try:
        project, prepared = prepare_in(around, hand_in, assignment, grade)
    except Exception as error:  # anything: an odd file can make a library fail in any way
        grade.state = "cannot run"
        grade.notes.append(make_writable(explain(error)))
        return
    is_as_made = is_starter(prepared.main, assignment, grade.member.starter)
    if is_as_made and hand_in.path.parent == folder and hand_in.path.name in list_own(grade.member):
        prepared.keys = []
    note_contents(grade, prepared)
    other = find_other_assignment(prepared.main, hand_in.assignment, assignment)
    if other:
        grade.state = "wrong assignment"
        grade.notes.append(f"this main.py is for {other}")
        return
    if not is_starter(prepared.main, assignment, grade.member.starter):
        grade.program = digest_of_program(prepared.main)
    tests = list(grade.tests)

    def make_projects() -> Iterator[Path]:
        """Yield a project for each process: what one has changed, the next does not get."""
        yield project
        while True:
            yield prepare_in(around, hand_in, assignment, grade)[0]

    hidden = list_hidden(around, folder)
    result = run_hand_in(context, make_projects(), tests, seconds, hidden)
    grade.output = result.output
    grade.is_unsure = result.has_ended
    if result.failure and not result.patched:  # else main.py changed pytest, and broke it
        grade.state = "not graded"
        grade.asides.append(f"the grading failed: {result.failure}")
        return
    if result.patched:
        grade.notes.append(f"main.py changes {result.patched} during the tests, so no points")
        grade.tests = dict.fromkeys(tests, ("skipped", "main.py changes the tests"))
    else:
        grade.tests = {name: result.tests[name] for name in tests}
    grade.state = state_of(grade, result, prepared, assignment)
    if grade.state == "cannot run":
        _, words_of_first = next(iter(grade.tests.values()))
        grade.asides += filter(None, [find_reason(result.broken or words_of_first)])


def list_own(member: Member) -> list[str]:
    """Return the names of what was made for a student, if it has keys of a school's account."""
    return [member.folder, f"{member.folder}.zip"] if member.has_account else []


def prepare_in(
    around: Path, hand_in: HandIn, assignment: str, grade: Grade
) -> tuple[Path, Prepared]:
    """Make one more folder with the project of a hand-in; return it, and what the hand-in holds."""
    project = Path(tempfile.mkdtemp(dir=around)) / "project"
    project.mkdir()
    return project, prepare(hand_in, assignment, grade.member.tests, project)


def list_hidden(around: Path, folder: Path) -> list[str]:
    """Return how the paths begin that a hand-in may not read: solutions, and the others' work.

    around: the folder for this hand-in; folder: the class folder; it is not hidden if this
    template, or Python, is in it.
    """
    hidden = [f"{ROOT / 'tests' / 'solutions'}{os.sep}", str(around.parent / SCRATCH)]
    if not any(Path(needed).is_relative_to(folder) for needed in (ROOT, sys.prefix)):
        hidden.append(f"{folder}{os.sep}")
    return hidden


def note_contents(grade: Grade, prepared: Prepared) -> None:
    """Add notes on the files of a hand-in."""
    if prepared.keys:
        what = "delete them in the console"
        if grade.member.has_account:
            what = "they must be replaced (nox -s accounts, --rotate)"
        grade.notes.append(f"KEYS in {', '.join(prepared.keys)}: {what}")
    if prepared.edited:
        names = ", ".join(prepared.edited)
        grade.notes.append(f"changed: {names} (graded with the original tests)")
    if prepared.left_out:
        grade.notes.append(f"left out: {', '.join(prepared.left_out[:5])}")
    if prepared.odd:
        names = ", ".join(prepared.odd)
        grade.asides.append(f"it uses {names}, which no assignment needs: look at it")


def state_of(grade: Grade, result: Result, prepared: Prepared, assignment: str) -> str:
    """Return the state of a hand-in that was run. If several are true, the first one counts."""
    if result.patched:
        return "tests edited"
    if result.stuck:
        return "timed out"
    if not result.loaded and grade.points == 0:  # hello-bucket's tests import main.py themselves
        return "cannot run"
    if is_starter(prepared.main, assignment, grade.member.starter):
        return "not started"
    if prepared.edited:
        return "tests edited"
    return "ok"


def find_reason(words: str) -> str:
    """Return why main.py cannot be run, from the message of a test; "" if it does not say."""
    found = REASON.search(words)
    reason = (found[1] or found[2] or "") if found else ""
    if "null bytes" in reason:
        return "main.py is saved in UTF-16: save it as UTF-8"
    return reason


@contextlib.contextmanager
def make_scratch_folder() -> Iterator[Path]:
    """Yield a new folder, and remove it afterwards."""
    around = Path(tempfile.mkdtemp(prefix=f"{SCRATCH}{os.getpid()}-"))
    try:
        yield around
    finally:
        remove_tree(around)


def clear_leftovers() -> None:
    """Remove what gradings that were killed have left: folders, and processes."""
    for path in Path(tempfile.gettempdir()).glob(f"{SCRATCH}*"):
        grading = re.match(r"[0-9]{1,9}(?=-)", path.name.removeprefix(SCRATCH))
        if grading and not psutil.pid_exists(int(grading[0])):
            remove_tree(path)
    end_leftovers()
