"""Reads what an earlier grading wrote, and what the teacher has added to it."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from classroom.grades import Grade
from classroom.matching import Member
from classroom.tables import ClassError, read_rows, read_text

Marks = dict[str, dict[str, str]]


def read_data(out: Path) -> dict[str, Any]:
    """Return what is in grades.json beside the table out; {} if it is not there, or cut."""
    try:
        data = json.loads(out.with_suffix(".json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def read_marks(out: Path, known: Collection[str] = ()) -> Marks:
    """Return {student: {column: value}} of what the teacher has added to the table out.

    known: the names of the students; student: the alias, or the name if there is none, so it is
    the same after a new spelling.
    A column without a name, or with one that is there already, gets one.
    """
    ours = read_data(out).get("columns") or ["student", "alias", "state"]
    if not out.exists():
        return {}
    rows = [values for _, values in read_rows(out, read_text(out, known))]
    tops = [place for place, values in enumerate(rows) if {"student", "state"} <= set(values)]
    if not tops:
        return {}
    header, *students = rows[tops[0] :]
    names = name_all(header, max(map(len, rows)))
    marks: Marks = {}
    for values in students:
        cells = dict(zip(names, values, strict=False))
        own = {name: value for name, value in cells.items() if name not in ours}
        marks[cells.get("alias") or cells.get("student", "")] = own
    return marks


def name_all(header: list[str], width: int) -> list[str]:
    """Return a name for each of so many columns, and none twice."""
    names: list[str] = []
    for place in range(width):
        name = header[place] if place < len(header) else ""
        name = name or f"column {place + 1}"
        number = 1
        spelling = name
        while spelling in names:
            number += 1
            spelling = f"{name} {number}"
        names.append(spelling)
    return names


def read_grades(out: Path, members: list[Member], assignment: str) -> dict[int, Grade]:
    """Return {place in members: grade} from grades.json. Raises ClassError if there is none."""
    data = read_data(out)
    if data.get("assignment") != assignment:
        raise ClassError(
            f"There are no earlier grades for {assignment} beside {out}. Grade the whole class"
            " first, without --only."
        )
    places = {(member.name, member.alias): place for place, member in enumerate(members)}
    grades = {}
    for one in data.get("students", []):
        place = places.get((one["student"], one["alias"]))
        if place is not None:
            grades[place] = make_grade(members[place], one)
    return grades


def make_grade(member: Member, data: dict[str, Any]) -> Grade:
    """Return the grade that reports.make_student_data() wrote."""
    asides = data.get("asides", [])
    return Grade(
        member,
        data["state"],
        tests={name: (one["outcome"], one["message"]) for name, one in data["tests"].items()},
        notes=data["notes"][: len(data["notes"]) - len(asides)],
        asides=asides,
        where=data["hand-in"],
        output=data["output"],
        late=data.get("late"),
        program=data.get("program", ""),
    )
