"""Grades what a class has handed in, with the template's own tests."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from multiprocessing.context import BaseContext
from pathlib import Path

from classroom import hand_ins, matching, prepare, reports
from classroom.class_file import CLASS_FILE, COLUMNS, read_class
from classroom.grades import Grade
from classroom.hand_ins import HandIn, HandInError
from classroom.matching import Member
from classroom.processes import progress, warmed
from classroom.roster import RosterError, read_roster
from classroom.supervise import Result, run_hand_in
from classroom.template import ASSIGNMENTS

# What a process of a hand-in may know of this computer.
ENVIRONMENT = {"PATH", "SYSTEMROOT", "SYSTEMDRIVE", "COMSPEC", "PATHEXT", "WINDIR", "LANG",
               "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "TEMP", "TMP", "TERM", "COLUMNS", "LINES",
               "HOME", "USERPROFILE", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "NO_COLOR"}


def members_of(folder: Path, class_file: Path | None) -> tuple[list[Member], str]:
    """Return the students of a class and the assignment of class.csv ("" if it does not say)."""
    if class_file and class_file.name != CLASS_FILE:
        students, bad = read_roster(class_file)
        for row in bad:
            print(row)
        return [Member(one.name, one.alias, "", one.others) for one in students], ""
    rows = read_class(class_file.parent if class_file else folder)
    members = [
        Member(row["student"], row["alias"], row["folder"],
               {name: value for name, value in row.items() if name and name not in COLUMNS})
        for row in rows
    ]
    assignments = {row.get("assignment", "") for row in rows}
    return members, assignments.pop() if len(assignments) == 1 else ""


def choose(found: list[HandIn], assignment: str, folder: Path) -> tuple[HandIn, list[str]]:
    """Return the hand-in that counts, and what to say: the newest one that is not untouched."""
    def rank(hand_in: HandIn) -> tuple[bool, int, float]:
        again = re.search(r"main[ _-]?\(?(\d+)\)?\.py$", hand_in.main)  # main-1.py is a later one
        return is_begun(hand_in, assignment), int(again[1]) if again else 0, hand_in.time

    best = max(found, key=rank)
    if len([one for one in found if is_begun(one, assignment)]) > 1:
        return best, [f"{len(found)} hand-ins; the newest counts: {best.where(folder)}"]
    return best, []


def is_begun(hand_in: HandIn, assignment: str) -> bool:
    """Tell whether main.py was changed since it was handed out."""
    try:
        main = hand_ins.main_of(hand_in)
    except (HandInError, OSError):
        return True
    return not prepare.is_starter(main.decode("utf-8-sig", errors="replace"), assignment)


def grade_one(
    context: BaseContext, member: Member, found: list[HandIn], assignment: str, folder: Path,
    seconds: float,
) -> Grade:
    """Grade the hand-in of one student; it is copied, and the copy is removed."""
    tests = prepare.test_names(assignment)
    grade = Grade(member, "not handed in", dict.fromkeys(tests, ("skipped", "")))
    if not found:
        return grade
    hand_in, grade.notes = choose(found, assignment, folder)
    grade.where = hand_in.where(folder)
    if hand_in.slug and member.folder and hand_in.slug.lower() != member.folder.lower():
        grade.notes.append(f"the project in it was made as {hand_in.slug}")
    with scratch_folder() as project:
        try:
            own = prepare.prepare(hand_in, assignment, project)
        except (HandInError, OSError) as error:
            grade.state = "cannot run"
            grade.notes.append(str(error))
            return grade
        grade.notes += notes_on(own)
        if other := prepare.other_assignment(own.main, hand_in.assignment, assignment):
            grade.state = "wrong assignment"
            grade.notes.append(f"it is {other}")
            return grade
        result = run_hand_in(context, project, tests, seconds)
    grade.tests = {name: result.tests[name] for name in tests}
    grade.output = result.output
    if result.patched:
        grade.notes.append(f"main.py changes {result.patched} while it is graded; no points")
        grade.tests = dict.fromkeys(tests, ("skipped", "main.py changes the tests"))
    grade.state = state_of(grade, result, own, assignment)
    return grade


def state_of(grade: Grade, result: Result, own: prepare.Prepared, assignment: str) -> str:
    """Return the state of a hand-in that was run; the first that fits is the one to say."""
    if result.patched:
        return "tests edited"
    if result.stuck:
        return "timed out"
    if not result.loaded and grade.points == 0:  # hello-bucket's tests import main.py themselves
        return "cannot run"
    if prepare.is_starter(own.main, assignment):
        return "not started"
    return "tests edited" if own.edited else "ok"


@contextlib.contextmanager
def scratch_folder() -> Iterator[Path]:
    """Yield a new folder for a project; remove it, also if its rights were taken away."""
    around = Path(tempfile.mkdtemp(prefix="b2-grading-"))
    try:
        (around / "project").mkdir()
        yield around / "project"
    finally:
        for path, _, _ in os.walk(around):
            Path(path).chmod(0o700)
        shutil.rmtree(around, ignore_errors=True)


def notes_on(found: prepare.Prepared) -> list[str]:
    notes = []
    if found.keys:
        notes.append(f"KEYS in {', '.join(found.keys)}: delete them in the console")
    if found.edited:
        notes.append(f"changed: {', '.join(found.edited)} (graded with the template's own)")
    if found.left_out:
        notes.append(f"left out: {', '.join(found.left_out[:5])}")
    return notes


def grade_all(
    members: list[Member], found: dict[int, list[HandIn]], assignment: str, folder: Path,
    seconds: float, fork: bool,
) -> list[Grade]:
    """Grade all, some at a time; the order is that of the members."""
    context = warmed("classroom.pytest_ready", fork)
    grades: dict[int, Grade] = {}
    with progress("hand-ins", len(members)) as count, ThreadPoolExecutor(os.cpu_count()) as pool:
        waiting = {
            pool.submit(grade_one, context, member, found.get(number, []), assignment, folder,
                        seconds): number
            for number, member in enumerate(members)
        }
        try:
            for future in as_completed(waiting):
                grades[waiting[future]] = future.result()
                count()
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [grades[number] for number in range(len(members))]


def arguments(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="nox -s grade --", description=__doc__)
    parser.add_argument("folder", type=Path, help="where class.csv and what was handed in lie")
    parser.add_argument("--out", type=Path, default=Path("grades.csv"), help="default: grades.csv;"
                        " a .json, a page and the feedback texts are written beside it")
    parser.add_argument("--class", dest="class_file", type=Path, metavar="FILE",
                        help="class.csv or a roster, if it lies elsewhere")
    parser.add_argument("--assignment", choices=ASSIGNMENTS, help="if class.csv does not say")
    parser.add_argument("--no-fork", dest="fork", action="store_false",
                        help="start every process anew, which is slower, as on Windows")
    parser.add_argument("--seconds", type=float, default=60, help="for one hand-in (default: 60)")
    return parser.parse_args(words)


def main(words: list[str]) -> int:
    given = arguments(words)
    try:
        return run(given)
    except RosterError as error:
        print(error, file=sys.stderr)
    except KeyboardInterrupt:
        print("\nInterrupted. Nothing was written.")
    return 1


def run(given: argparse.Namespace) -> int:
    folder, out = given.folder.absolute(), given.out.absolute()
    if not folder.is_dir():
        raise RosterError(f"There is no folder {folder}.")
    members, assignment = members_of(folder, given.class_file and given.class_file.absolute())
    assignment = given.assignment or assignment
    found, problems = hand_ins.find(folder)
    nobodys: list[str] = []
    if not members and not given.class_file:
        print(f"There is no {CLASS_FILE} in {folder}: each hand-in is a row of its own.")
        members = [Member(hand_in.where(folder), others={}) for hand_in in found]
        owners = {number: [hand_in] for number, hand_in in enumerate(found)}
    else:
        owners, nobodys = matching.match(found, members, folder)
    if not assignment:
        said = {hand_in.assignment for hand_in in found} - {""}
        if len(said) != 1:
            raise RosterError("Which assignment is it? Say it with --assignment NAME.")
        assignment = said.pop()
    reports.check_writable(out)
    forget_this_computer()
    grades = grade_all(members, owners, assignment, folder, given.seconds, given.fork)
    reports.write(grades, assignment, out, [*problems, *nobodys])
    reports.show(grades, out)
    to_mend = [*problems, *nobodys]
    if to_mend:
        print("All others are graded, but these need your hand:", *to_mend, sep="\n  ")
    return 1 if to_mend else 0


def forget_this_computer() -> None:
    """Take everything out of the environment that no hand-in shall see, such as keys."""
    for name in list(os.environ):
        if name.upper() not in ENVIRONMENT:
            del os.environ[name]
    os.chdir(tempfile.gettempdir())  # nothing of this folder is imported
