"""Writes the grades: as a table, as JSON, as a page, and as a text for each student."""

from __future__ import annotations

import csv
import json
import os
import re
import time
from collections import Counter
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from rich.console import Console
from rich.table import Table

from classroom.grades import STATES, Grade, label_of, sentence_of
from classroom.roster import ClassError, fold, guard_cell

IDLE = ("not handed in", "not started", "wrong assignment")
SIGNS = {"passed": "✔", "failed": "✘", "error": "✘", "skipped": "–"}


def check_writable(out: Path) -> None:
    """Raise ClassError if the table cannot be written, before any work is done."""
    if out.suffix.lower() != ".csv":
        raise ClassError(f"--out names a table: {out.name} has to end in .csv.")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        there = out.exists()
        with out.open("a", encoding="utf-8"):
            pass
        if not there:
            out.unlink()
    except OSError as error:
        raise ClassError(f"{out} cannot be written ({error.strerror}). Is it open?") from None


def write(grades: list[Grade], assignment: str, out: Path, problems: list[str]) -> None:
    """Write grades.csv, and grades.json, grades.html and grades-feedback/ beside it."""
    folder = out.with_name(f"{out.stem}-feedback")
    keep_earlier(out, [out, out.with_suffix(".json"), out.with_suffix(".html"), folder])
    tests = list(grades[0].tests) if grades else []
    write_table(grades, tests, out)
    content = as_data(grades, assignment, tests, problems)
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    out.with_suffix(".json").write_text(text, encoding="utf-8")
    out.with_suffix(".html").write_text(page(content), encoding="utf-8")
    folder.mkdir(exist_ok=True)
    for number, grade in enumerate(grades):
        file = folder / f"{file_name(grade)}.txt"
        if file.exists():
            file = folder / f"{file_name(grade)}-{number + 1}.txt"
        file.write_text(feedback(grade, assignment), "utf-8")


def keep_earlier(out: Path, written: list[Path]) -> None:
    """Move what an earlier run has written: a teacher may have written into it."""
    when = time.strftime("%Y-%m-%d_%H-%M-%S")
    earlier = out.with_name(f"{out.stem}-earlier") / when
    for path in filter(Path.exists, written):
        earlier.mkdir(parents=True, exist_ok=True)
        os.replace(path, earlier / path.name)
    if earlier.exists():
        print(f"The earlier grades are in {earlier.parent.name}{os.sep}{when}.")


def write_table(grades: list[Grade], tests: list[str], out: Path) -> None:
    """Write a row for each student: points, state, and 1 or 0 for each test."""
    others = list(dict.fromkeys(name for grade in grades for name in grade.member.others))
    heads = {test: f"{label_of(test)} {sentence_of(test)}".strip() for test in tests}
    with out.open("w", encoding="utf-8-sig", newline="") as file:
        table = csv.writer(file)
        table.writerow(
            [
                "student",
                "alias",
                "state",
                "points",
                "of",
                *heads.values(),
                "stuck at",
                "notes",
                "hand-in",
                *map(guard_cell, others),
            ]
        )
        for grade in grades:
            passed = [int(grade.tests[test][0] == "passed") for test in tests]
            words = [
                grade.stuck_at if grade.where else "",
                all_notes(grade),
                grade.where,
                *(grade.member.others.get(name, "") for name in others),
            ]
            table.writerow(
                [
                    guard_cell(grade.member.name),
                    guard_cell(grade.member.alias),
                    grade.state,
                    grade.points,
                    len(tests),
                    *passed,
                    *map(guard_cell, words),
                ]
            )


def as_data(
    grades: list[Grade], assignment: str, tests: list[str], problems: list[str]
) -> dict[str, Any]:
    """Return all that is known, as grades.json holds it and as the page shows it."""
    passed = Counter(
        test
        for grade in grades
        for test in tests
        if grade.tests[test][0] == "passed" and grade.state not in IDLE
    )
    return {
        "assignment": assignment,
        "graded": time.strftime("%Y-%m-%d %H:%M"),
        "students": [
            {
                "student": grade.member.name,
                "alias": grade.member.alias,
                "state": grade.state,
                "points": grade.points,
                "of": len(tests),
                "stuck at": grade.stuck_at,
                "notes": grade.notes + grade.asides,
                "hand-in": grade.where,
                "output": grade.output,
                "tests": {
                    name: {"outcome": outcome, "message": words}
                    for name, (outcome, words) in grade.tests.items()
                },
            }
            for grade in grades
        ],
        "tests": [
            {
                "name": test,
                "label": label_of(test),
                "sentence": sentence_of(test),
                "passed": passed[test],
            }
            for test in tests
        ],
        "states": {
            state: count
            for state in STATES
            if (count := sum(grade.state == state for grade in grades))
        },
        "problems": problems,
    }


def page(content: dict[str, Any]) -> str:
    """Return grades.html. Every name is escaped; nothing is loaded from anywhere."""
    loader = FileSystemLoader(Path(__file__).parent)
    template = Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    template.filters["begun"] = lambda all_: [one for one in all_ if one["state"] not in IDLE]
    return template.get_template("grades.html.jinja").render(**content, signs=SIGNS)


def feedback(grade: Grade, assignment: str) -> str:
    """Return what a student gets to read, in the words of the tests."""
    lines = [f"{assignment}: {grade.points} of {len(grade.tests)}", grade.member.name, ""]
    told = {
        "not handed in": "Nothing was handed in.",
        "not started": "main.py is as it was handed out, or empty; nothing else was found.",
        "wrong assignment": "This is another assignment.",
        "cannot run": "main.py cannot be run, or the hand-in cannot be read.",
        "timed out": "Something in main.py did not end in time.",
        "tests edited": "The tests were changed, in the hand-in or by main.py.",
    }
    lines += [told[grade.state], ""] if grade.state in told else []
    lines += [*grade.notes, ""] if grade.notes else []
    if grade.state not in ("not handed in", "wrong assignment"):
        for name, (outcome, words) in grade.tests.items():
            reason = f"  ({words})" if outcome == "skipped" and words else ""
            lines.append(f" {SIGNS[outcome]} {label_of(name):3} {sentence_of(name)}{reason}")
            if outcome in ("failed", "error"):
                lines += [f"       {line}" for line in words.splitlines()[-5:]]
    return "\n".join(lines) + "\n"


def all_notes(grade: Grade) -> str:
    return "; ".join(grade.notes + grade.asides)


def file_name(grade: Grade) -> str:
    """Return a name for the feedback: the alias, or what is left of the student's name."""
    name = re.sub(r"\W+", "-", fold(grade.member.name)).strip("-")
    return grade.member.alias or name[:50] or "nobody"


def show(grades: list[Grade], out: Path) -> None:
    """Print the class, and where the rest is."""
    table = Table("student", "state", "points", "stuck at", "notes", box=None)
    for grade in grades:
        table.add_row(
            *map(
                plain,
                (
                    grade.member.name,
                    grade.state,
                    f"{grade.points} of {len(grade.tests)}",
                    grade.stuck_at,
                    all_notes(grade),
                ),
            )
        )
    Console(soft_wrap=not os.isatty(1), highlight=False).print(table)
    counts = Counter(grade.state for grade in grades)
    print(", ".join(f"{counts[state]} {state}" for state in STATES if counts[state]) or "no rows")
    print(
        f"Written: {out}, {out.with_suffix('.html').name}, {out.with_suffix('.json').name},"
        f" {out.stem}-feedback{os.sep}"
    )


def plain(text: str) -> str:
    """Return a text without what rich would take for a style, or a terminal for a command."""
    from rich.markup import escape

    return escape("".join(char if char.isprintable() else "?" for char in text))
