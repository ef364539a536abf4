"""Fills the points into a sheet of the school's own: what Moodle or Canvas has exported."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from pathlib import Path, PurePosixPath

from classroom.grades import Grade
from classroom.matching import Member, is_login, is_number
from classroom.roster import FIRST, LAST, TITLE_ROWS, fold, make_header_error, name_columns
from classroom.tables import (
    DELIMITERS,
    ClassError,
    find_delimiter,
    find_encoding,
    guard_cell,
    parse,
    read_text,
    unguard_cell,
)
from classroom.whole_files import write_whole

WITHOUT_POINTS = ("not handed in", "not started", "not graded")  # a 0 is the teacher's to give

# How Moodle names the folder of a hand-in, and takes back feedback. Source: Moodle,
# mod/assign/feedback/file/importziplib.php.
OF_MOODLE = re.compile(r".*?_\d+_assignsubmission_[a-z]+")


def fill(
    sheet: Path, grades: list[Grade], assignment: str, out: Path, renew: bool = False
) -> list[str]:
    """Write a copy of a sheet with the points in one column; return what the teacher should know.

    Everything else stays: the order, the separator, the encoding, other columns.
    sheet: a CSV file that names the students; out: where the copy goes; renew: what is in the
    column is from us, so that who has no points now gets an empty cell.
    Raises ClassError if no column has names.
    """
    known = [grade.member.name for grade in grades]
    text = read_text(sheet, known)
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
        if len(owners) == 1 and renew:
            row[column] = ""
        for owner in owners:  # two of one name: several rows for both
            rows_of.setdefault(owner, []).append(row)
    problems = []
    for place, grade in enumerate(grades):
        found = rows_of.get(place, [])
        if len(found) != 1:
            how_many = "several rows" if found else "no row"
            problems.append(f"{sheet.name} has {how_many} for {grade.member.name}.")
        elif grade.state not in WITHOUT_POINTS:
            found[0][column] = str(grade.points)
    write(sheet, known, rows, delimiter, out)
    return problems


def add_to_all(sheet: Path, grades: list[Grade], assignment: str) -> None:
    """Write the points into a sheet of all assignments, which is made if it is not there.

    A column with the assignment's name is renewed; all others stay, and so do all rows.
    """
    if not sheet.exists():
        sheet.write_text("student,alias\n", encoding="utf-8-sig")
    known = [grade.member.name for grade in grades]
    rows, header_place, delimiter = split(sheet, read_text(sheet, known))
    names = name_columns(rows[header_place])
    for grade in grades:
        name, alias = guard_cell(grade.member.name), guard_cell(grade.member.alias)
        row = find_row(rows[header_place + 1 :], names, grade)
        if not row:
            rows.append([{"student": name, "alias": alias}.get(one, "") for one in names])
        elif alias in row and alias and "student" in names:
            row[names.index("student")] = name  # it may be a new one
    write(sheet, known, rows, delimiter, sheet)
    fill(sheet, grades, assignment, sheet, renew=True)


def check(sheet: Path, known: list[str]) -> None:
    """Raise ClassError if a sheet cannot be filled, before any work is done. known: names."""
    split(sheet, read_text(sheet, known))


def split(sheet: Path, text: str) -> tuple[list[list[str]], int, str]:
    """Return the rows of a sheet, which of them has the names of the columns, and the separator."""
    for delimiter in DELIMITERS:
        rows = parse(sheet, text, delimiter)
        for place, row in enumerate(rows[:TITLE_ROWS]):
            names = name_columns(row)
            if "student" in names or (FIRST in names and LAST in names):
                return rows, place, delimiter if len(row) > 1 else ","
    delimiter, table = find_delimiter(text)
    raise make_header_error(sheet, max(parse(sheet, table, delimiter), key=len, default=[]))


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
    names = spell(cells)
    places = range(len(grades))
    by_login = [place for place in places if has_mark(cells, grades[place].member)]
    by_name = [place for place in places if names & set(map(fold, spell_name(grades[place])))]
    exact = [place for place in by_name if grades[place].member.name == cells.get("student")]
    if len(by_login) == 1 and (not by_name or by_login[0] in by_name):
        return by_login
    if by_login and by_name:
        return []
    return exact if len(exact) == 1 else by_name


def has_mark(cells: dict[str, str], member: Member) -> bool:
    """Tell whether a row has the alias, a login, or the number of a student."""
    marks = {member.alias.casefold()}
    for column, value in member.others.items():
        if is_login(column):
            marks.add(value.casefold())
        elif is_number(column) and value and cells.get(column) == value:
            return True
    there = [value for column, value in cells.items() if column == "alias" or is_login(column)]
    return any(value.casefold() in marks - {""} for value in there)


def spell(cells: dict[str, str]) -> set[str]:
    """Return the name in a row, as fold() spells it, also in the order First Last."""
    name = cells.get("student") or f"{cells.get(FIRST, '')} {cells.get(LAST, '')}"
    return {fold(name), fold(turn(name))} - {""}


def spell_name(grade: Grade) -> list[str]:
    return [grade.member.name, turn(grade.member.name)]


def find_row(rows: list[list[str]], names: list[str], grade: Grade) -> list[str] | None:
    """Return the row of a student in the sheet of all assignments: by the alias, if it has one."""
    alias = grade.member.alias
    for row in rows:
        cells = dict(zip(names, row, strict=False))
        other = unguard_cell(cells.get("alias", ""))
        is_same = other == alias if other and alias else bool(find_grades(cells, [grade]))
        if any(row) and is_same:
            return row
    return None


def turn(name: str) -> str:
    """Return "Anna Schmidt" for "Schmidt, Anna"."""
    last, _, first = name.partition(",")
    return f"{first} {last}".strip()


def write(sheet: Path, known: list[str], rows: list[list[str]], delimiter: str, out: Path) -> None:
    """Write rows as the sheet was written: its encoding, line ends and quotes."""
    text = read_text(sheet, known)
    encoding = find_encoding(sheet.read_bytes(), known)
    is_quoted = text.lstrip("\ufeff").startswith('"') and f'"{delimiter}"' in text
    end = "\r\n" if "\r\n" in text else "\n"
    table = io.StringIO()
    writer = csv.writer(table, delimiter=delimiter, lineterminator=end)
    if is_quoted:
        writer = csv.writer(table, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerows(rows)
    try:
        write_whole(out, table.getvalue().encode(encoding, errors="replace"))
    except OSError as error:
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
            parts = re.split("/|: ", grade.where)
            of_moodle = next(filter(None, map(OF_MOODLE.match, parts)), None)
            if of_moodle:
                folder = of_moodle[0].removeprefix(f"{grade.member.alias}_")  # of the teacher
                name = str(PurePosixPath(f"{folder}_", "feedback.txt"))
                names.append(name)
                archive.writestr(name, text)
    return packed.getvalue() if names else b""
