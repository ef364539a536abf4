"""Grades what a class has handed in, with the template's own tests."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from multiprocessing.context import BaseContext
from operator import itemgetter
from pathlib import Path
from typing import Any

from classroom import hand_ins, matching, prepare, reports
from classroom.choosing import asides_on, keys_in, rank
from classroom.class_file import CLASS_FILE, COLUMNS, read_class
from classroom.grades import Grade
from classroom.hand_ins import HandIn, Unused
from classroom.matching import Member
from classroom.processes import end_as_by_ctrl_c, prepare_context, show_progress
from classroom.roster import ClassError, read_roster
from classroom.supervise import Result, run_hand_in
from classroom.template import ROOT
from classroom.texts import make_writable
from hooks.project import ASSIGNMENTS

INTERRUPTED = "Interrupted. Nothing was written."

# What a process of a hand-in may know of this computer.
ENVIRONMENT = {
    "PATH",
    "SYSTEMROOT",
    "SYSTEMDRIVE",
    "COMSPEC",
    "PATHEXT",
    "WINDIR",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "TMPDIR",
    "TEMP",
    "TMP",
    "TERM",
    "COLUMNS",
    "LINES",
    "HOME",
    "USERPROFILE",
    "LD_LIBRARY_PATH",
    "VIRTUAL_ENV",
    "NO_COLOR",
}


def members_of(folder: Path, class_file: Path | None) -> tuple[list[Member], str, list[str]]:
    """Return the students of a class, the assignment that class.csv names, and the bad rows."""
    if class_file and class_file.name != CLASS_FILE:
        students, bad = read_roster(class_file)
        members = [Member(one.name, one.alias, "", one.others) for one in students]
        return members, "", list(map(str, bad))
    rows = read_class(class_file.parent if class_file else folder)
    members = [
        Member(
            row["student"],
            row["alias"],
            row["folder"],
            {name: value for name, value in row.items() if name and name not in COLUMNS},
            row.get("tests", ""),
        )
        for row in rows
    ]
    assignments = {row.get("assignment", "") for row in rows}
    return members, assignments.pop() if len(assignments) == 1 else "", []


def grade_one(
    context: BaseContext,
    member: Member,
    found: list[HandIn],
    unused: list[Unused],
    assignment: str,
    folder: Path,
    seconds: float,
) -> Grade:
    """Grade the hand-in of one student; it is copied, and the copy is removed."""
    tests = prepare.names_of_tests(assignment)
    grade = Grade(member, "not handed in", dict.fromkeys(tests, ("skipped", "")))
    ranked = sorted(((rank(one, assignment), one) for one in found), key=itemgetter(0))
    begun = sum(is_begun for (is_begun, *_), _ in ranked)
    if unused and not begun:
        grade.state = "cannot run"
        grade.asides = [str(one) for one in unused]
        return grade
    if not found:
        return grade
    *others, hand_in = (one for _, one in ranked)
    grade.where = hand_in.where(folder)
    grade.asides = asides_on(hand_in, others, begun, member, folder)
    with scratch_folder() as project:
        try:
            own = prepare.prepare(hand_in, assignment, member.digest, project)
        except Exception as error:  # whatever a file that somebody made does to a library
            grade.state = "cannot run"
            grade.notes.append(make_writable(hand_ins.explain(error)))
            return grade
        grade.notes += notes_on(own)
        if other := prepare.find_other_assignment(own.main, hand_in.assignment, assignment):
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
    if grade.state == "cannot run":
        words = result.broken or next(iter(grade.tests.values()))[1]
        reason = re.search(r"(?:came back: nothing:|stopped:) +(.*)|\nE? +(\w+Error:.*)", words)
        grade.asides += [reason[1] or reason[2]] if reason else []
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
        shutil.rmtree(around, onerror=give_right_and_go_on)


def give_right_and_go_on(remove: Callable[[str], Any], path: str, _: Any) -> None:
    """Remove what could not be removed, because a program had made it read-only or locked it."""
    with contextlib.suppress(OSError):
        Path(path).parent.chmod(0o700)
        Path(path).chmod(0o700)
        if remove in (os.unlink, os.rmdir):
            remove(path)
        else:
            shutil.rmtree(path, ignore_errors=True)


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
    members: list[Member],
    found: dict[int, list[HandIn]],
    unused: dict[int, list[Unused]],
    assignment: str,
    folder: Path,
    seconds: float,
    fork: bool,
) -> list[Grade]:
    """Grade all, some at a time; the order is that of the members."""
    context = prepare_context("classroom.pytest_ready", fork)
    grades: dict[int, Grade] = {}
    with (
        show_progress("hand-ins", len(members)) as count,
        ThreadPoolExecutor(os.cpu_count()) as pool,
    ):
        waiting = {
            pool.submit(
                grade_one,
                context,
                member,
                found.get(number, []),
                unused.get(number, []),
                assignment,
                folder,
                seconds,
            ): number
            for number, member in enumerate(members)
        }
        try:
            for future in as_completed(waiting):
                number = waiting[future]
                try:
                    grades[number] = future.result()
                except Exception as error:  # one hand-in does not stop the others
                    grades[number] = not_graded(members[number], assignment, error)
                count()
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [grades[number] for number in range(len(members))]


def not_graded(member: Member, assignment: str, error: Exception) -> Grade:
    tests = dict.fromkeys(prepare.names_of_tests(assignment), ("skipped", ""))
    reason = make_writable(f"it could not be graded: {type(error).__name__}: {error}")
    return Grade(member, "cannot run", tests, asides=[reason])


def arguments(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="nox -s grade --", description=__doc__)
    parser.add_argument("folder", type=Path, help="where class.csv and what was handed in lie")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("grades.csv"),
        help="default: grades.csv; a .json, a page and the feedback texts are written beside it",
    )
    parser.add_argument(
        "--class",
        dest="class_file",
        type=Path,
        metavar="FILE",
        help="class.csv or a roster, if it lies elsewhere",
    )
    parser.add_argument("--assignment", choices=ASSIGNMENTS, help="if class.csv does not say")
    parser.add_argument(
        "--no-fork",
        dest="fork",
        action="store_false",
        help="start every process anew, which is slower, as on Windows",
    )
    parser.add_argument("--seconds", type=float, default=60, help="for one hand-in (default: 60)")
    return parser.parse_args(words)


def run(options: argparse.Namespace) -> int:
    folder, out = options.folder.absolute(), options.out.absolute()
    if not folder.is_dir():
        raise ClassError(f"There is no folder {folder}.")
    if out.name == CLASS_FILE or out == (options.class_file and options.class_file.absolute()):
        raise ClassError(f"--out would replace {out.name}. Name another table: grades.csv.")
    members, said, bad = members_of(folder, options.class_file and options.class_file.absolute())
    found, unused = hand_ins.find_hand_ins(folder)
    assignment = which_assignment(options.assignment, said, found)
    nobodys: list[tuple[HandIn, str]] = []
    if members:
        owners, nobodys = matching.match(found, members, folder)
    else:
        print(f"There is no {CLASS_FILE} in {folder}: each hand-in is a row of its own.")
        members = [Member(hand_in.where(folder)) for hand_in in found]
        owners = {number: [hand_in] for number, hand_in in enumerate(found)}
    to_mend, unused_of = what_to_mend(found, unused, nobodys, owners, members, folder)
    to_mend = bad + to_mend
    reports.check_writable(out)
    forget_this_computer()
    end_as_by_ctrl_c()
    grades = grade_all(
        members, owners, unused_of, assignment, folder, options.seconds, options.fork
    )
    reports.write(grades, assignment, out, to_mend)
    reports.show(grades, out)
    if to_mend:
        print(
            "All that could be graded is. These need your hand, so this ends with 1:",
            *to_mend,
            sep="\n  ",
        )
    return 1 if to_mend else 0


def which_assignment(asked: str | None, said: str, found: list[HandIn]) -> str:
    """Return the assignment; raise ClassError if nothing, or not the same, says what it is.

    asked: by --assignment; said: by class.csv. Where both are silent, the hand-ins may tell.
    """
    if asked and said and asked != said:
        raise ClassError(f"{CLASS_FILE} says {said}, and --assignment {asked}. Leave one out.")
    told = {hand_in.assignment for hand_in in found} - {""}
    if not (asked or said) and len(told) != 1:
        raise ClassError("Which assignment is it? Say it with --assignment NAME.")
    return asked or said or told.pop()


def what_to_mend(
    found: list[HandIn],
    unused: list[Unused],
    nobodys: list[tuple[HandIn, str]],
    owners: dict[int, list[HandIn]],
    members: list[Member],
    folder: Path,
) -> tuple[list[str], dict[int, list[Unused]]]:
    """Return sentences for the teacher, and {student: what is unused and may be a hand-in}."""
    sentences = [] if found or unused else [f"Nothing was handed in below {folder}."]
    unused_of: dict[int, list[Unused]] = {}
    for one in unused:
        whose = matching.find_owners(one.where, members)
        if one.broken or any(number not in owners for number in whose):
            sentences.append(str(one))
            if len(whose) == 1:
                unused_of.setdefault(whose[0], []).append(one)
    for hand_in, reason in nobodys:
        where = hand_in.where(folder)
        sentences.append(f"{where}: {reason}. Put the alias into its name, such as s01_main.py.")
        sentences += [
            f"{where}: KEYS in {name}: delete them in the console" for name in keys_in(hand_in)
        ]
    return sentences, unused_of


def forget_this_computer() -> None:
    """Forget the teacher's variables, among which may be keys, and the teacher's folder."""
    for name in list(os.environ):
        if name.upper() not in ENVIRONMENT:
            del os.environ[name]
    os.chdir(ROOT)  # nothing of the teacher's folder is imported
