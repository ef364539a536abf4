"""Fills the points into a sheet of the school's own: what Moodle or Canvas has exported."""

from __future__ import annotations

import csv
import io
import os
import re
import zipfile
from pathlib import Path, PurePosixPath

from classroom.grades import Grade
from classroom.matching import is_login
from classroom.roster import FIRST, LAST, TITLE_ROWS, fold, name_columns
from classroom.tables import (
    DELIMITERS,
    ClassError,
    find_encoding,
    guard_cell,
    parse,
    read_text,
    unguard_cell,
)

WITHOUT_POINTS = ("not handed in", "not started", "not graded")  # a 0 is the teacher's to give

# How Moodle names the folder of a hand-in, and takes back feedback. Source: Moodle,
# mod/assign/feedback/file/importziplib.php.
OF_MOODLE = re.compile(r"[^/]+_\d+_assignsubmission_[a-z]+")


def fill(sheet: Path, grades: list[Grade], assignment: str, out: Path) -> list[str]:
    """Write a copy of a sheet with the points in one column; return what the teacher should know.

    Everything else stays: the order, the separator, the encoding, other columns.
    sheet: a CSV file that names the students; out: where the copy goes.
    Raises ClassError if no column has names.
    """
    text = read_text(sheet)
    rows, header_place, delimiter = split(sheet, text)
    names = name_columns(rows[header_place])
    column = find_points_column(rows[header_place], assignment)
    rows_of: dict[int, list[list[str]]] = {}  # place of a grade: its rows
    for place, row in enumerate(rows[header_place:], start=header_place):
        row.extend([""] * (column + 1 - len(row)))
        if place == header_place:
            row[column] = row[column] or assignment
            continue
        owners = find_grades(dict(zip(names, row, strict=False)), grades)
        if len(owners) == 1:
            rows_of.setdefault(owners[0], []).append(row)
    problems = []
    for place, grade in enumerate(grades):
        found = rows_of.get(place, [])
        if len(found) != 1:
            how_many = "several rows" if found else "no row"
            problems.append(f"{sheet.name} has {how_many} for {grade.member.name}.")
        elif grade.state not in WITHOUT_POINTS:
            found[0][column] = str(grade.points)
    write(sheet, text, rows, delimiter, out)
    return problems


def add_to_all(sheet: Path, grades: list[Grade], assignment: str) -> None:
    """Write the points into a sheet of all assignments, which is made if it is not there.

    A column with the assignment's name is renewed; all others stay, and so do all rows.
    """
    if not sheet.exists():
        sheet.write_text("student,alias\n", encoding="utf-8-sig")
    text = read_text(sheet)
    rows, header_place, delimiter = split(sheet, text)
    names = name_columns(rows[header_place])
    for grade in grades:
        cells = {"student": grade.member.name, "alias": grade.member.alias}
        known = [dict(zip(names, row, strict=False)) for row in rows[header_place + 1 :]]
        if not any(find_grades(one, [grade]) for one in known if any(one.values())):
            rows.append([guard_cell(cells.get(name, "")) for name in names])
    write(sheet, text, rows, delimiter, sheet)
    fill(sheet, grades, assignment, sheet)


def check(sheet: Path) -> None:
    """Raise ClassError if a sheet cannot be filled, before any work is done."""
    split(sheet, read_text(sheet))


def split(sheet: Path, text: str) -> tuple[list[list[str]], int, str]:
    """Return the rows of a sheet, which of them has the names of the columns, and the separator."""
    for delimiter in DELIMITERS:
        rows = parse(sheet, text, delimiter)
        for place, row in enumerate(rows[:TITLE_ROWS]):
            names = name_columns(row)
            if "student" in names or (FIRST in names and LAST in names):
                return rows, place, delimiter if len(row) > 1 else ","
    raise ClassError(
        f"{sheet} has no column with the names of the students. Rename that column to student."
    )


def find_points_column(header: list[str], assignment: str) -> int:
    """Return the place of the column that is called like the assignment, or the next free one."""
    plain = [fold(re.sub(r"\s*\((\d+|real)\)$", "", name, flags=re.I)) for name in header]
    for place, name in enumerate(plain):
        if name.replace(" ", "-") == assignment:
            return place
    return len(header)


def find_grades(cells: dict[str, str], grades: list[Grade]) -> list[int]:
    """Return the places of the grades that may belong to a row: by login, alias, then name."""
    cells = {name: unguard_cell(value.strip()) for name, value in cells.items()}
    by_login = []
    by_name = []
    names = {fold(" ".join(spelling)) for spelling in spell(cells)} - {""}
    values = {
        value.casefold()
        for column, value in cells.items()
        if value and (column == "alias" or is_login(column))
    }
    for place, grade in enumerate(grades):
        logins = [
            value.casefold()
            for column, value in grade.member.others.items()
            if value and is_login(column)
        ]
        if values & {*logins, grade.member.alias.casefold()} - {""}:
            by_login.append(place)
        if names & {fold(grade.member.name), fold(turn(grade.member.name))}:
            by_name.append(place)
    if len(by_login) == 1 and (not by_name or by_login[0] in by_name):
        return by_login
    return [] if by_login and by_name else by_name


def spell(cells: dict[str, str]) -> list[list[str]]:
    """Return the name in a row, as it is and in the order First Last."""
    if "student" in cells:
        return [[cells["student"]], [turn(cells["student"])]]
    return [[cells.get(FIRST, ""), cells.get(LAST, "")]]


def turn(name: str) -> str:
    """Return "Anna Schmidt" for "Schmidt, Anna"."""
    last, _, first = name.partition(",")
    return f"{first} {last}".strip()


def write(sheet: Path, text: str, rows: list[list[str]], delimiter: str, out: Path) -> None:
    """Write rows as the sheet was written: its encoding, line ends and quotes."""
    encoding = find_encoding(sheet.read_bytes())
    is_quoted = text.lstrip("\ufeff").startswith('"') and f'"{delimiter}"' in text
    end = "\r\n" if "\r\n" in text else "\n"
    table = io.StringIO()
    writer = csv.writer(table, delimiter=delimiter, lineterminator=end)
    if is_quoted:
        writer = csv.writer(table, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerows(rows)
    part = out.with_name(f"{out.name}.part")
    try:
        part.write_bytes(table.getvalue().encode(encoding, errors="replace"))
        os.replace(part, out)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise ClassError(
            f"{out} cannot be written ({error.strerror}). If another program has it open, close it"
            " there. The grades themselves are written."
        ) from None


def pack_feedback(grades: list[Grade], texts: list[str]) -> bytes:
    """Return a zip of the feedback under the names that Moodle takes back; b"" without any."""
    packed = io.BytesIO()
    names = []
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for grade, text in zip(grades, texts, strict=True):
            of_moodle = OF_MOODLE.search(grade.where)
            if of_moodle:
                name = str(PurePosixPath(f"{of_moodle[0]}_", "feedback.txt"))
                names.append(name)
                archive.writestr(name, text)
    return packed.getvalue() if names else b""
