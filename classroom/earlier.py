"""Reads what an earlier grading wrote, and what the teacher has added to it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from classroom.grades import Grade
from classroom.matching import Member
from classroom.tables import ClassError, decode, read_rows

Marks = dict[tuple[str, str], dict[str, str]]


def read_data(out: Path) -> dict[str, Any]:
    """Return what is in grades.json beside the table out; {} if it is not there, or cut."""
    try:
        data = json.loads(out.with_suffix(".json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def read_marks(out: Path) -> Marks:
    """Return {(student, alias): {column: value}} of the columns that the teacher has added."""
    ours = read_data(out).get("columns")
    if not ours or not out.exists():
        return {}
    rows = [values for _, values in read_rows(decode(out.read_bytes()))]
    marks: Marks = {}
    for values in rows[1:]:
        cells = dict(zip(rows[0], values, strict=False))
        who = cells.get("student", ""), cells.get("alias", "")
        marks[who] = {name: cells[name] for name in cells if name and name not in ours}
    return marks


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
