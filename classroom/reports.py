"""Writes the grades: as a table, as JSON, as a page, and as feedback for each student."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import time
from collections import Counter
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from classroom.earlier import Marks
from classroom.grades import STATES, Grade, label_of, sentence_of
from classroom.roster import fold
from classroom.sheet import pack_feedback
from classroom.tables import ClassError, guard_cell
from classroom.whole_files import write_whole

FIRST_COLUMNS = ("student", "alias", "state", "points", "of")
LAST_COLUMNS = ("stuck at", "notes", "hand-in")
OURS = (*FIRST_COLUMNS, *LAST_COLUMNS, "late")
IDLE = ("not handed in", "not started", "wrong assignment", "not graded")
SIGNS = {"passed": "✔", "failed": "✘", "error": "✘", "skipped": "–"}
NOT_PASSED = ("failed", "error")
LINES_OF_MESSAGE = 5  # the last ones of a failed test: what was called, and so on

# What a student reads about the state of the hand-in; "ok" needs no words.
STATE_FOR_STUDENT = {
    "not handed in": "Nothing was handed in. Hand in your main.py.",
    "not started": (
        "main.py is still as you got it, or empty. If you have changed it, hand in that file."
    ),
    "wrong assignment": "This main.py is for another assignment. Hand in the right one.",
    "cannot run": (
        "main.py cannot be run, or the file cannot be read."
        " Run main.py on your computer before you hand it in again."
    ),
    "timed out": "Something in main.py never ends, or takes too long.",
    "tests edited": "The tests were changed, in their files or by main.py. Leave them as they are.",
    "not graded": "The grading failed. That is not your fault; your teacher will run it again.",
}


def check_writable(out: Path) -> None:
    """Raise ClassError if the table cannot be written, before any work is done."""
    if out.suffix.lower() != ".csv":
        raise ClassError(f"--out needs a name that ends in .csv, and {out.name} does not.")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        was_there = out.exists()
        with out.open("a", encoding="utf-8"):
            pass
        if not was_there:
            out.unlink()
    except OSError as error:
        raise ClassError(
            f"{out} cannot be written ({error.strerror}). If another program has it open, close"
            " it there."
        ) from None


def write(
    grades: list[Grade], assignment: str, out: Path, problems: list[str], marks: Marks
) -> None:
    """Write the table, with .json, .html and -feedback/ next to it; keep what was there.

    out: the table, grades.csv; problems: sentences for the teacher; marks: what the teacher has
    added to the earlier table.
    """
    json_file = out.with_suffix(".json")
    html_file = out.with_suffix(".html")
    folder = out.with_name(f"{out.stem}-feedback")
    keep_earlier(out, [out, json_file, html_file, folder])
    tests = list(grades[0].tests) if grades else []
    header = make_header(grades, tests)
    write_table(grades, tests, header, marks, out)
    content = make_data(grades, assignment, tests, problems)
    content["columns"] = header
    text = json.dumps(content, indent=2, ensure_ascii=False)
    json_file.write_text(text + "\n", encoding="utf-8")
    html_file.write_text(make_page(content), encoding="utf-8")
    folder.mkdir(exist_ok=True)
    texts = [make_feedback(grade, assignment) for grade in grades]
    for number, (grade, feedback) in enumerate(zip(grades, texts, strict=True), start=1):
        file = folder / f"{name_file(grade)}.txt"
        if file.exists():
            file = folder / f"{name_file(grade)}-{number}.txt"
        file.write_text(feedback, encoding="utf-8")
    packed = pack_feedback(grades, texts)
    if packed:
        (folder / "for-moodle.zip").write_bytes(packed)


def keep_earlier(out: Path, written: list[Path]) -> None:
    """Move away what an earlier run wrote, because the teacher may have added to it."""
    earlier = out.with_name(f"{out.stem}-earlier") / time.strftime("%Y-%m-%d_%H-%M-%S")
    while earlier.exists():  # graded twice in a second, or in the hour that comes twice
        earlier = earlier.with_name(f"{earlier.name}-again")
    for path in written:
        if path.exists():
            earlier.mkdir(parents=True, exist_ok=True)
            os.replace(path, earlier / path.name)
    if earlier.exists():
        print(f"The earlier grades are in {earlier.parent.name}{os.sep}{earlier.name}.")


# The table, grades.csv.


def make_header(grades: list[Grade], tests: list[str]) -> list[str]:
    """Return the names of the columns: ours, and those of class.csv."""
    header = [*FIRST_COLUMNS]
    header += [f"{label_of(test)} {sentence_of(test)}".strip() for test in tests]
    header += LAST_COLUMNS
    if any(grade.late is not None for grade in grades):
        header.append("late")
    return header + [name_other(name) for name in list_other_columns(grades)]


def write_table(
    grades: list[Grade], tests: list[str], header: list[str], marks: Marks, out: Path
) -> None:
    """Write a row for each student, and a column for each test with 1 or 0."""
    added = dict.fromkeys(
        name
        for one in marks.values()
        for name, value in one.items()
        if value and name not in header
    )
    marks = dict(marks)
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow([guard_cell(name) for name in [*header, *added]])
    for grade in grades:
        row = make_row(grade, tests, header)
        own = marks.pop(grade.member.alias, None) or marks.pop(grade.member.name, {})
        table.writerow(row + [guard_cell(own.get(name, "")) for name in added])
    write_whole(out, text.getvalue().encode("utf-8-sig", errors="replace"))
    if marks:
        print(f"Only in the earlier table, because nobody has this name: {', '.join(marks)}.")


def name_other(name: str) -> str:
    """Return what a column of the class list is called in the table, where ours come first."""
    return f"{name} of the class list" if name in OURS else name


def list_other_columns(grades: list[Grade]) -> list[str]:
    """Return the teacher's own columns, in the order in which students have them."""
    columns: dict[str, None] = {}  # a set that keeps its order
    for grade in grades:
        columns.update(dict.fromkeys(grade.member.others))
    return list(columns)


def make_row(grade: Grade, tests: list[str], header: list[str]) -> list[str | int]:
    """Return the cells of one student. header: the names of the columns."""
    row: list[str | int] = [guard_cell(grade.member.name), guard_cell(grade.member.alias)]
    if grade.points is None:
        row += [grade.state, "", len(tests), *[""] * len(tests)]
    else:
        row += [grade.state, grade.points, len(tests)]
        row += [1 if grade.tests[test][0] == "passed" else 0 for test in tests]
    row.append(guard_cell(grade.stuck_at) if grade.where else "")
    row.append(guard_cell(join_notes(grade)))
    row.append(guard_cell(grade.where))
    others = {name_other(name): value for name, value in grade.member.others.items()}
    others["late"] = grade.late or ""
    return row + [guard_cell(others.get(name, "")) for name in header[len(row) :]]


def describe_points(grade: Grade) -> str:
    """Return the points for people: 7 of 11."""
    return "no points yet" if grade.points is None else f"{grade.points} of {len(grade.tests)}"


def join_notes(grade: Grade) -> str:
    return "; ".join(grade.notes + grade.asides)


# The data and the page, grades.json and grades.html.


def make_data(
    grades: list[Grade], assignment: str, tests: list[str], problems: list[str]
) -> dict[str, Any]:
    """Return everything that is known, as grades.json has it and as the page shows it."""
    passed: Counter[str] = Counter()
    for grade in grades:
        if grade.state not in IDLE:
            passed.update(test for test in tests if grade.tests[test][0] == "passed")
    return {
        "assignment": assignment,
        "graded": time.strftime("%Y-%m-%d %H:%M"),
        "students": [make_student_data(grade, len(tests)) for grade in grades],
        "tests": [
            {
                "name": test,
                "label": label_of(test),
                "sentence": sentence_of(test),
                "passed": passed[test],
            }
            for test in tests
        ],
        "states": count_states(grades),
        "problems": problems,
    }


def make_student_data(grade: Grade, number_of_tests: int) -> dict[str, Any]:
    return {
        "student": grade.member.name,
        "alias": grade.member.alias,
        "state": grade.state,
        "points": grade.points,
        "of": number_of_tests,
        "stuck at": grade.stuck_at,
        "notes": grade.notes + grade.asides,
        "asides": grade.asides,  # those of the notes that are for the teacher alone
        "late": grade.late,
        "program": grade.program,
        "hand-in": grade.where,
        "output": grade.output,
        "tests": {
            name: {"outcome": outcome, "message": words}
            for name, (outcome, words) in grade.tests.items()
        },
    }


def count_states(grades: list[Grade]) -> dict[str, int]:
    """Return {state: number of students}, in the order of STATES, without the empty ones."""
    counts = Counter(grade.state for grade in grades)
    return {state: counts[state] for state in STATES if counts[state]}


def make_page(content: dict[str, Any]) -> str:
    """Return grades.html. Every name is escaped, and the page loads nothing from anywhere."""
    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["started"] = keep_started
    return environment.get_template("grades.html.jinja").render(**content, signs=SIGNS)


def keep_started(students: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the students who have started; a filter for the page."""
    return [student for student in students if student["state"] not in IDLE]


# The feedback.


def make_feedback(grade: Grade, assignment: str) -> str:
    """Return what a student reads, in the words of the tests."""
    lines = [f"{assignment}: {describe_points(grade)}", grade.member.name, ""]
    if grade.state in STATE_FOR_STUDENT:
        lines += [STATE_FOR_STUDENT[grade.state], ""]
    if grade.notes:
        lines += [*grade.notes, ""]
    if grade.state not in ("not handed in", "wrong assignment", "not graded"):
        for name, (outcome, words) in grade.tests.items():
            lines += describe_test(name, outcome, words)
    return "\n".join(lines) + "\n"


def describe_test(name: str, outcome: str, words: str) -> list[str]:
    """Return the lines of the feedback for one test."""
    line = f" {SIGNS[outcome]} {label_of(name):3} {sentence_of(name)}"
    if outcome == "skipped" and words:
        line += f"  ({words})"
    lines = [line]
    if outcome in NOT_PASSED:
        lines += [f"       {words_line}" for words_line in words.splitlines()[-LINES_OF_MESSAGE:]]
    return lines


def name_file(grade: Grade) -> str:
    """Return a name for the feedback file: the alias, or a safe form of the student's name."""
    name = re.sub(r"\W+", "-", fold(grade.member.name)).strip("-")
    return grade.member.alias or name[:50] or "nobody"


# The screen.


def show(grades: list[Grade], out: Path) -> None:
    """Print the class, and where the files are."""
    table = Table("student", "state", "points", "stuck at", "notes", box=None)
    for grade in grades:
        points = describe_points(grade)
        cells = (grade.member.name, grade.state, points, grade.stuck_at, join_notes(grade))
        table.add_row(*[make_plain(cell) for cell in cells])
    Console(soft_wrap=not os.isatty(1), highlight=False).print(table)
    counts = [f"{number} {state}" for state, number in count_states(grades).items()]
    print(", ".join(counts) or "no rows")
    html_name = out.with_suffix(".html").name
    json_name = out.with_suffix(".json").name
    print(f"Written: {out}, {html_name}, {json_name}, {out.stem}-feedback{os.sep}")


def make_plain(text: str) -> str:
    """Return text that contains no styles for rich and no commands for a terminal."""
    return escape("".join(char if char.isprintable() else "?" for char in text))
