"""Grades what a class has handed in, with the template's own tests."""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path

from classroom import reports, sheet
from classroom.choosing import find_keys, rank
from classroom.class_file import CLASS_FILE, COLUMNS, read_class
from classroom.due import parse_due
from classroom.earlier import read_grades, read_marks
from classroom.grade_all import grade_all
from classroom.grades import Grade
from classroom.hand_ins import HandIn, Unused, find_hand_ins
from classroom.marking import Work
from classroom.matching import Finding, Member, describe_owners, find_owners, match
from classroom.processes import end_as_by_ctrl_c
from classroom.roster import LEFT, fold, read_roster
from classroom.tables import ClassError
from classroom.template import ROOT, digest_of_tests
from classroom.texts import make_writable
from hooks.project import ASSIGNMENTS

SAME = "the same program as"

# The environment variables of this computer that a hand-in may see.
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


# The command line.


def parse_arguments(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="nox -s grade --", description=__doc__)
    parser.add_argument(
        "folder", type=Path, help="the folder with class.csv and everything that was handed in"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("grades.csv"),
        help="the table (default: grades.csv); a page, a .json file and the feedback go next to it",
    )
    parser.add_argument(
        "--class",
        dest="class_file",
        type=Path,
        metavar="FILE",
        help="class.csv or a class list, if it is not in the folder",
    )
    parser.add_argument(
        "--assignment", choices=ASSIGNMENTS, help="needed only if class.csv does not name it"
    )
    parser.add_argument(
        "--only",
        action="append",
        metavar="ALIAS",
        help="grade only this student again, and keep the other grades; may be repeated",
    )
    parser.add_argument(
        "--due",
        nargs="+",
        metavar=("DATE", "TIME"),
        help="when it was due, such as 2026-11-02 or 2026-11-02 14:00: adds a column late",
    )
    parser.add_argument(
        "--fill",
        type=Path,
        action="append",
        default=[],
        metavar="SHEET",
        help="also write a copy of the school's own CSV sheet with the points in it",
    )
    parser.add_argument(
        "--sheet",
        type=Path,
        metavar="FILE",
        help="a CSV table of all assignments: makes it, or renews the column of this one",
    )
    parser.add_argument(
        "--no-fork",
        dest="fork",
        action="store_false",
        help="start a new Python for each hand-in, as on Windows; this takes longer",
    )
    parser.add_argument(
        "--seconds", type=float, default=60, help="the time limit for one hand-in (default: 60)"
    )
    return parser.parse_args(words)


def run(options: argparse.Namespace) -> int:
    """Grade a class; return the exit code. Raises ClassError if that cannot even start."""
    folder = options.folder.absolute()
    out = options.out.absolute()
    class_file = options.class_file.absolute() if options.class_file else None
    sheets = [one.absolute() for one in options.fill]
    term = options.sheet.absolute() if options.sheet else None
    check_places(folder, out, class_file)
    if len({one.name for one in sheets}) < len(sheets):
        raise ClassError("Two sheets for --fill have the same name. Rename one of them.")
    if term and not term.parent.is_dir():
        raise ClassError(f"There is no folder {term.parent} for --sheet. Check its name.")
    members, class_assignment, to_fix = read_members(folder, class_file)
    known = [member.name for member in members]
    for one in [*sheets, *([term] if term and term.exists() else [])]:
        sheet.check(one, known)
    hand_ins, unused = find_hand_ins(
        folder, tells=lambda path: bool(find_owners(path.parts, members).owners)
    )
    assignment = choose_assignment(options.assignment, class_assignment, hand_ins)
    works, problems = make_works(hand_ins, unused, members, assignment, folder)
    to_fix += problems
    show_remarks(works, assignment, folder)
    works = [work for work in works if not work.member.has_left]
    marks = read_marks(out, known)
    grades = grade_works(works, assignment, folder, out, options)
    failed = [grade.member.name for grade in grades if grade.state == "not graded"]
    to_fix += [f"{make_writable(name)} was not graded; the notes say why." for name in failed]
    reports.write(grades, assignment, out, to_fix, marks)
    reports.show(grades, out)
    for one in sheets:
        copy = out.with_name(f"{out.stem}-{one.name}")
        to_fix += sheet.fill(one, grades, assignment, copy)
        print(f"{one.name} with the points: {copy.name}")
    if term:
        sheet.add_to_all(term, grades, assignment)
    if to_fix:
        print("Everything else is graded. Fix these, and run the same command again:")
        for problem in to_fix:
            print(f"  {problem}")
        return 1
    return 0


def make_works(
    hand_ins: list[HandIn],
    unused: list[Unused],
    members: list[Member],
    assignment: str,
    folder: Path,
) -> tuple[list[Work], list[str]]:
    """Return what each student handed in, and sentences for the teacher about the rest.

    Without a class, each hand-in stands for a student. folder: the class folder.
    """
    problems = []
    if members:
        matched, nobodys = match(hand_ins, members, folder)
    else:
        print(f"There is no {CLASS_FILE} in {folder}, so each hand-in gets its own row.")
        members = [Member(hand_in.where(folder)) for hand_in in hand_ins]
        matched = {number: [hand_in] for number, hand_in in enumerate(hand_ins)}
        nobodys = []
    if not hand_ins and not unused:
        problems.append(f"There are no hand-ins in {folder}. Put them there first.")
    have = {
        number
        for number, those in matched.items()
        if any(rank(one, assignment, folder, members[number]).is_handed_in for one in those)
    }
    sentences, unused_of = sort_unused(unused, have, members)
    problems += sentences
    problems += describe_nobodys(nobodys, members, folder)
    works = [
        Work(member, matched.get(number, []), unused_of.get(number, []))
        for number, member in enumerate(members)
    ]
    for hand_in, found in nobodys:
        for number in found.owners:
            works[number].unclear.append(hand_in.where(folder))
    return works, problems


def grade_works(
    works: list[Work], assignment: str, folder: Path, out: Path, options: argparse.Namespace
) -> list[Grade]:
    """Return the grades of all students; with --only, the others keep those that they have."""
    due = parse_due(options.due) if options.due else None
    for work in works:
        work.due = due
    members = [work.member for work in works]
    kept = read_grades(out, members, assignment) if options.only else {}
    for number in find_members(options.only or [], members):
        kept.pop(number, None)
    reports.check_writable(out)
    forget_this_computer()
    end_as_by_ctrl_c()
    again = [work for number, work in enumerate(works) if number not in kept]
    graded = iter(grade_all(again, assignment, folder, options.seconds, options.fork))
    grades = [kept.get(number) or next(graded) for number in range(len(works))]
    note_same_programs(grades)
    return grades


def check_places(folder: Path, out: Path, class_file: Path | None) -> None:
    """Raise ClassError if there is no class folder, or the table would replace the class."""
    if not folder.is_dir():
        raise ClassError(f"There is no folder {folder}. Check its name.")
    if out.name == CLASS_FILE or out == class_file:
        raise ClassError(
            f"--out would overwrite {out.name}. Choose another name, such as grades.csv."
        )


# The class and its hand-ins.


def read_members(folder: Path, class_file: Path | None) -> tuple[list[Member], str, list[str]]:
    """Return the students, the assignment that class.csv names (or ""), and what to fix.

    class_file: class.csv or a class list; None means class.csv in the class folder.
    """
    if class_file and class_file.name != CLASS_FILE:
        students, bad = read_roster(class_file)
        members = [Member(one.name, one.alias, others=one.others) for one in students]
        return members, "", [str(row) for row in bad]
    rows = read_class(class_file.parent if class_file else folder)
    members = [make_member(row) for row in rows]
    assignments = {row.get("assignment", "") for row in rows}
    assignment = assignments.pop() if len(assignments) == 1 else ""
    return members, assignment, []


def make_member(row: dict[str, str]) -> Member:
    """Return the student of a row of class.csv."""
    others = {name: value for name, value in row.items() if name and name not in COLUMNS}
    return Member(
        row["student"],
        row["alias"],
        row["folder"],
        others,
        tests=row.get("tests", ""),
        starter=row.get("starter", ""),
        has_left=row.get("state") == LEFT,
        has_account=bool(row.get("account_class")),
    )


def show_remarks(works: list[Work], assignment: str, folder: Path) -> None:
    """Print what the teacher should know, although there is nothing to fix."""
    for work in works:
        made = folder / work.member.folder
        others = [one.where(folder) for one in work.hand_ins if one.path != made]
        if work.member.has_left and others:
            what = ", ".join(others)
            print(f"{work.member.name} has left the class, so this was not graded: {what}")
    if any(work.member.tests not in ("", digest_of_tests(assignment)) for work in works):
        print("These projects were handed out with an earlier version of the tests.")
        print("They are graded with the tests of this copy; class.csv says which they had.")


def choose_assignment(asked: str | None, class_assignment: str, hand_ins: list[HandIn]) -> str:
    """Return the assignment to grade.

    asked: the one from --assignment; class_assignment: the one from class.csv. If both are
    missing, all hand-ins must be for the same assignment. Raises ClassError if it is not known, or
    if they differ.
    """
    if asked and class_assignment and asked != class_assignment:
        raise ClassError(
            f"{CLASS_FILE} says {class_assignment}, but --assignment says {asked}."
            f" Leave out --assignment to grade {class_assignment}."
        )
    if asked or class_assignment:
        return asked or class_assignment
    kept = {hand_in.assignment for hand_in in hand_ins if hand_in.assignment}
    if len(kept) != 1:
        raise ClassError("Which assignment is this? Add --assignment NAME.")
    return kept.pop()


def find_members(names: list[str], members: list[Member]) -> list[int]:
    """Return the places of students by their aliases or names. Raises ClassError for others."""
    places = []
    for name in [one.strip() for text in names for one in text.split(",")]:
        found = [
            place
            for place, member in enumerate(members)
            if fold(name) in (fold(member.alias), fold(member.name))
        ]
        if len(found) != 1:
            raise ClassError(f"--only {name}: no student has this alias, or several this name.")
        places += found
    return places


def note_same_programs(grades: list[Grade]) -> None:
    """Add to the notes for the teacher whose programs are the same, but for names and layout."""
    same: dict[str, list[Grade]] = {}
    for grade in grades:
        grade.asides = [aside for aside in grade.asides if not aside.startswith(SAME)]
        if grade.program:
            same.setdefault(grade.program, []).append(grade)
    for those in same.values():
        for grade in those:
            others = [other.member.alias or other.member.name for other in those]
            others.remove(grade.member.alias or grade.member.name)
            if others:
                more = f" and {len(others) - 5} more" if len(others) > 5 else ""
                names = ", ".join(others[:5])
                grade.asides.append(f"{SAME} {names}{more}, but for names and layout")


def sort_unused(
    unused: list[Unused], have: set[int], members: list[Member]
) -> tuple[list[str], dict[int, list[Unused]]]:
    """Return sentences for the teacher, and {place in members: unused files of that student}.

    have: the places of those who handed in a program. Only for files that may be somebody's
    hand-in: they are broken, or no program came from the student whose name is on them.
    """
    sentences = []
    unused_of: dict[int, list[Unused]] = {}
    for one in unused:
        owners = find_owners(re.split("/|: ", one.where), members).owners
        is_all_there_is = any(number not in have for number in owners)
        if one.broken or is_all_there_is:
            sentences.append(str(one))
            if len(owners) == 1:
                unused_of.setdefault(owners[0], []).append(one)
    return sentences, unused_of


def describe_nobodys(
    nobodys: list[tuple[HandIn, Finding]], members: list[Member], folder: Path
) -> list[str]:
    """Return sentences for the teacher about the hand-ins that have no owner, or several."""
    sentences = []
    for hand_in, found in nobodys:
        where = hand_in.where(folder)
        reason = describe_owners(found, members)
        sentences.append(f"{where}: {reason}. Add the alias to its name, such as s01_main.py.")
        for name in find_keys(hand_in):
            sentences.append(f"{where}: KEYS in {name}: delete them in the console")
    return sentences


# Grading.


def forget_this_computer() -> None:
    """Remove the teacher's environment variables, because there may be keys among them.

    Also leaves the teacher's folder, so that nothing is imported from there.
    """
    for name in list(os.environ):
        if name.upper() not in ENVIRONMENT:
            del os.environ[name]
    os.chdir(ROOT)
