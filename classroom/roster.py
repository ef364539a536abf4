"""Reads a class list, as a spreadsheet saves it."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

from classroom.tables import DELIMITERS, ClassError, read_rows, read_text
from classroom.template import b2_rules
from classroom.texts import ADDED

COLUMNS = ["student", "alias", "bucket_name", "endpoint"]
LEFT = "left"  # in class.csv: the state of a student who is no longer in the list

# What the columns with the names are called elsewhere, as fold() spells them.
FULL_NAMES = (
    *("name", "full name", "student name", "display name", "schuler", "eleve", "alumno"),
    *("vollstandiger name", "nom complet", "nombre completo", "nome completo"),  # Moodle
)
FIRST_NAMES = (
    *("first name", "firstname", "given name", "vorname", "rufname", "prenom", "nombre", "nome"),
)
LAST_NAMES = (
    *("last name", "lastname", "surname", "family name", "nachname", "familienname", "zuname"),
    *("nom", "apellidos", "apellido", "cognome", "achternaam"),
)
FIRST, LAST = "first name", "last name"  # our names for two columns; others have no spaces
TITLE_ROWS = 10  # at most, above the names of the columns

LONGEST_NAME = 100  # characters
NAME_RULE = f"A name has at most {LONGEST_NAME} characters, and no control characters."

# An alias becomes part of a folder's name, so it has only what is safe on every system.
ALIAS = r"(?=.*[A-Za-z])[A-Za-z0-9][A-Za-z0-9_-]{0,29}"
ALIAS_RULE = (
    "An alias has 1 to 30 characters: letters from a to z, digits, - and _."
    " It begins with a letter or digit, and has a letter in it."
)

# In Unicode, these are separate letters, not other letters with an accent.
WITHOUT_ACCENT = str.maketrans(
    {"ß": "ss", "ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ı": "i", "þ": "th"}
)


@dataclass
class Student:
    """A row of the list.

    row: its number as a spreadsheet shows it; others: {column: value} of all other columns.
    """

    row: int
    name: str
    alias: str = ""
    bucket_name: str = ""
    endpoint: str = ""
    others: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Return the name for comparing: two rows with the same key are the same person."""
        return fold(self.name)


class BadRowError(Exception):
    """A row cannot be used. The text has its number, the value that is wrong, and the rule."""

    def __init__(self, row: int, value: str, rule: str) -> None:
        super().__init__(f"Row {row}: {b2_rules.shown(value)}: {rule}")
        self.row = row


def fold(text: str) -> str:
    """Return a name without capitals, accents or double spaces, for comparing."""
    decomposed = unicodedata.normalize("NFKD", text.casefold().translate(WITHOUT_ACCENT))
    letters = [char for char in decomposed if not unicodedata.combining(char)]
    return " ".join("".join(letters).split())


# The list.


def read_roster(path: Path) -> tuple[list[Student], list[BadRowError]]:
    """Return the students of a class list, and the rows that cannot be used.

    Raises ClassError if the list cannot be read, or has no column with the names.
    """
    text = read_text(path)
    first_row: list[str] = []
    header: list[str] = []
    for delimiter in DELIMITERS:  # a title above the list may have another one
        rows = list(read_rows(path, text, delimiter))
        first_row = max(first_row, rows[0][1] if rows else [], key=len)
        header, body = find_header(rows)
        if header:
            break
    check_header(path, header, first_row)
    students: list[Student] = []
    bad: list[BadRowError] = []
    for number, values in body:
        if is_no_student(dict(zip(header, values, strict=False))):
            continue
        try:
            student = make_student(number, header, values)
            check_repeats(student, students)
        except BadRowError as error:
            bad.append(error)
        else:
            students.append(student)
    return students, bad


Row = tuple[int, list[str]]


def find_header(rows: list[Row]) -> tuple[list[str], list[Row]]:
    """Return the names of the columns, and the rows below them; there may be a title above.

    One column is called student, or two FIRST and LAST. If that cannot be, both are empty.
    """
    for place, (_, values) in enumerate(rows[:TITLE_ROWS]):
        header = name_columns(values)
        if "student" in header or (FIRST in header and LAST in header):
            return header, rows[place + 1 :]
    return [], []


def name_columns(values: list[str]) -> list[str]:
    """Return the names of the columns as we use them: student, or FIRST and LAST, for the names."""
    header = [value.lower().replace(" ", "_") for value in values]
    plain = [fold(value.replace("_", " ").replace("(s)", "s")) for value in values]
    if "student" in header:
        return header
    for name in ("identifier", "roster identifier"):  # what the teacher typed there
        if name in plain and "github username" in plain:
            header[plain.index(name)] = "student"
            return header
    firsts = [place for place, name in enumerate(plain) if name in FIRST_NAMES]
    lasts = [place for place, name in enumerate(plain) if name in LAST_NAMES]
    fulls = [place for place, name in enumerate(plain) if name in FULL_NAMES]
    lasts = lasts or fulls  # Name;Vorname
    if len(firsts) == 1 and len(lasts) == 1 and firsts != lasts:
        header[firsts[0]], header[lasts[0]] = FIRST, LAST
    elif len(fulls) == 1:
        header[fulls[0]] = "student"
    return header


def check_header(path: Path, header: list[str], first_row: list[str]) -> None:
    """Raise ClassError if no column has the names, or one is there twice. first_row: as it is."""
    if not header:
        raise make_header_error(path, first_row)
    repeated = sorted(name for name in header if name and header.count(name) > 1)
    if repeated:
        raise ClassError(f"{path} has the column {repeated[0]} twice. Rename one of them.")


def make_header_error(path: Path, first_row: list[str]) -> ClassError:
    """Return the error that no column has the names of the students."""
    names = ", ".join(name for name in first_row[:20] if name) or "none"
    return ClassError(
        f"{path} has no column with the names of the students, or several. Its columns are:"
        f" {names[:200]}. Rename the one with the names to student, or, if there are two, to first"
        " name and last name."
    )


def is_no_student(cells: dict[str, str]) -> bool:
    """Tell whether a row is not one of a student: who has left, or what a platform adds.

    Canvas adds rows for the points and for a test student, Google Classroom for dates and points.
    """
    if cells.get("state") == LEFT:
        return True
    if "sis_login_id" in cells:
        return cells.get("student", "") in ("", "Points Possible", "Student, Test")
    names = {cells.get(FIRST, ""), cells.get(LAST, "")} - {""}
    return names in ({"Date"}, {"Points"}, {"Class Average"}) and not cells.get("email_address")


def make_student(number: int, header: list[str], values: list[str]) -> Student:
    """Return the student of one row; raise BadRowError if a value breaks a rule."""
    for name, value in zip_longest(header, values):
        if value and not name:
            rule = "It is not under a column name. If a value has a comma in it, put it in quotes."
            raise BadRowError(number, value, rule)
    cells = dict(zip(header, values, strict=False))
    cells.pop("", None)
    if FIRST in cells:
        both = (cells.pop(FIRST), cells.pop(LAST, ""))
        cells["student"] = " ".join(name for name in both if name)
    known = {name: cells.pop(name, "") for name in COLUMNS}
    check_name(number, known["student"])
    alias = known["alias"]
    if alias and not re.fullmatch(ALIAS, alias):
        raise BadRowError(number, alias, ALIAS_RULE)
    if alias.lower() in ADDED:
        raise BadRowError(number, alias, "Platforms add this word to names. Choose another alias.")
    bucket_name = b2_rules.clean_value(known["bucket_name"])
    if bucket_name:
        problem = b2_rules.find_bucket_name_problem(bucket_name)
        if problem:
            raise BadRowError(number, bucket_name, problem)
    endpoint = known["endpoint"]
    if endpoint:
        endpoint = clean_endpoint(number, endpoint)
    return Student(number, known["student"], alias, bucket_name, endpoint, cells)


def check_name(number: int, name: str) -> None:
    """Raise BadRowError if the name in a row is missing, too long, or not text."""
    if not name:
        raise BadRowError(number, "", "The student column is empty in this row. Add the name.")
    has_control_character = any(unicodedata.category(char) == "Cc" for char in name)
    if len(name) > LONGEST_NAME or has_control_character:
        raise BadRowError(number, name[:40], NAME_RULE)


def clean_endpoint(number: int, text: str) -> str:
    """Return the endpoint of a row as a project needs it; raise BadRowError if it is not one."""
    endpoint = b2_rules.clean_endpoint(text)
    found = b2_rules.find_endpoint_problem(endpoint)
    if found:
        _problem, reason = found
        raise BadRowError(number, text, f"{reason} {b2_rules.ENDPOINT_RULE}")
    return endpoint


def check_repeats(student: Student, others: list[Student]) -> None:
    """Raise BadRowError if an earlier row has the same student or alias."""
    for other in others:
        if student.alias and student.alias.lower() == other.alias.lower():
            rule = f"Row {other.row} already has this alias. Choose another one."
            raise BadRowError(student.row, student.alias, rule)
        if student.key == other.key and not (student.alias and other.alias):
            rule = (
                f"Row {other.row} already has this name."
                " If they are two people, give both an alias."
            )
            raise BadRowError(student.row, student.name, rule)


# Aliases.


def give_aliases(students: list[Student], known: Mapping[str, str]) -> list[BadRowError]:
    """Give an alias (s01, s02, ...) to each student who has none.

    known: {alias: name of a student} from class.csv; these students keep their aliases.
    Returns the rows that contradict class.csv, and removes them from students.
    """
    keys = {student.key for student in students}
    owners = {alias.lower(): fold(name) for alias, name in known.items() if fold(name) in keys}
    aliases_of: dict[str, list[str]] = {}
    for alias, name in known.items():
        aliases_of.setdefault(fold(name), []).append(alias)
    counts = Counter(student.key for student in students)
    given = {student.alias.lower() for student in students}
    good = []
    bad = []
    for student in students:
        earlier = aliases_of.get(student.key, [])
        rule = ""
        if not student.alias and len(earlier) == 1:
            student.alias = earlier[0]
        else:
            has_namesake = counts[student.key] > 1
            unused = [alias for alias in earlier if alias.lower() not in given]
            rule = find_alias_problem(student, earlier, unused, owners, has_namesake)
        if rule:
            bad.append(BadRowError(student.row, student.alias, rule))
        else:
            good.append(student)
    students[:] = good
    fill_in_aliases(students, {alias.lower() for alias in known})
    return bad


def find_alias_problem(
    student: Student,
    earlier: list[str],
    unused: list[str],
    owners: dict[str, str],
    has_namesake: bool,
) -> str:
    """Return how the alias of a student contradicts class.csv, or "".

    earlier: the student's aliases in class.csv; unused: those that no row has now;
    owners: {alias: key of its student} from there, without those who are no longer in the list,
    because somebody may only have another name now;
    has_namesake: two rows have this name, so class.csv may know only one of these students.
    """
    alias = student.alias.lower()
    if owners.get(alias, student.key) != student.key:
        return "In class.csv, this alias belongs to another student. Choose another one."
    if not earlier or alias in [one.lower() for one in earlier]:
        return ""
    if not has_namesake:
        return f"In class.csv, {student.name} has the alias {' and '.join(earlier)}. Keep it."
    if unused:
        return (
            f"In class.csv, {student.name} has the alias {unused[0]}. Give it to the one who has"
            " that project, and another alias to the other one."
        )
    return ""


def fill_in_aliases(students: list[Student], taken: set[str]) -> None:
    """Give the next free alias to each student who has none. taken: others' aliases."""
    taken = taken | {student.alias.lower() for student in students}
    number = 1
    for student in students:
        if student.alias:
            continue
        while f"s{number:02}" in taken:
            number += 1
        student.alias = f"s{number:02}"
        number += 1
