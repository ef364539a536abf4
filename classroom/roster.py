"""Reads a class list, as a spreadsheet saves it."""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

from classroom.template import b2_rules

COLUMNS = ["student", "alias", "bucket_name", "endpoint"]

# An alias becomes part of a folder's name, so it keeps to what is safe on every system.
ALIAS = r"[A-Za-z0-9][A-Za-z0-9_-]{0,29}"
ALIAS_RULE = "An alias has 1 to 30 letters a-z, digits, - and _, and begins with a letter or digit."


# Letters that Unicode does not take for others with an accent.
WITHOUT_ACCENT = str.maketrans(
    {"ß": "ss", "ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ı": "i", "þ": "th"}
)


class ClassError(Exception):
    """The command cannot go on; the text says why."""


@dataclass
class Student:
    """One row. row: its number as a spreadsheet shows it; others: columns of the teacher's own."""

    row: int
    name: str
    alias: str = ""
    bucket_name: str = ""
    endpoint: str = ""
    others: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Return what makes two rows the same person."""
        return fold(self.name)


class BadRowError(Exception):
    """A row that cannot be used: its number, the value, and the rule."""

    def __init__(self, row: int, value: str, rule: str) -> None:
        super().__init__(f"Row {row}: {b2_rules.shown(value)}: {rule}")
        self.row = row


def fold(text: str) -> str:
    """Return a name without capitals, accents and doubled spaces, to compare it."""
    plain = unicodedata.normalize("NFKD", text.casefold().translate(WITHOUT_ACCENT))
    return " ".join("".join(char for char in plain if not unicodedata.combining(char)).split())


def decode(content: bytes) -> str:
    """Return the text of a file from Excel: UTF-8 or UTF-16 with a mark, UTF-8, or Windows-1252."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", errors="replace")
    if content[1:2] == b"\0":
        return content.decode("utf-16-le", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:  # "CSV" of Excel on Windows, in the west of Europe and America
        return content.decode("cp1252", errors="replace")


def delimiter_of(text: str) -> tuple[str, str]:
    """Return the character between the values, and the text without Excel's line sep=..."""
    first, _, rest = text.partition("\n")
    if told := re.fullmatch(r"sep=(.)\s*", first, re.IGNORECASE):
        return told[1], rest  # a spreadsheet does not show or count that line
    header = next((line for line in text.splitlines() if line.strip(" ;,\t\r")), "")
    return max("\t;,", key=header.count), text  # a tab, where there is only one column


def rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield (number, values) of each row that is not blank; blank ones are counted."""
    delimiter, text = delimiter_of(text)
    lines = csv.reader(text.splitlines(keepends=True), delimiter=delimiter)
    for number, values in enumerate(lines, start=1):
        cleaned = [" ".join(value.split()) for value in values]
        if any(cleaned):
            yield number, [unguarded(value) for value in cleaned]


def guarded(value: str) -> str:
    """Return the value so that Excel shows it and does not calculate it (OWASP, CSV injection)."""
    return f"'{value}" if re.match(r"[=+\-@\t\r]", value) else value


def unguarded(value: str) -> str:
    """Return what guarded() was given."""
    return value[1:] if re.match(r"'[=+\-@\t\r]", value) else value


def read_roster(path: Path) -> tuple[list[Student], list[BadRowError]]:
    """Return the students of a list, and the rows that cannot be used.

    Only the column "student" is needed. Raises ClassError if there is none, or no file.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ClassError(f"{path} cannot be read: {error.strerror}.") from None
    if path.suffix.lower() in (".xls", ".ods") or content[:2] == b"PK":
        raise ClassError(f"{path} is a spreadsheet. Save it as CSV first: File, Save as, CSV.")
    try:
        found = rows(decode(content))
        header = [name.lower().replace(" ", "_") for name in next(found, (1, []))[1]]
        body = list(found)
    except csv.Error as error:
        raise ClassError(f"{path} is no list with columns: {error}.") from None
    if header.count("student") != 1:
        there = ", ".join(filter(None, header[:20])) or "none"
        raise ClassError(f"{path} needs one column student. Its first row has: {there[:200]}.")
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise ClassError(f"{path} has the column {twice[0]} twice.")
    students: list[Student] = []
    bad: list[BadRowError] = []
    for number, values in body:
        try:
            student = one_row(number, header, values)
            check_twice(student, students)
            students.append(student)
        except BadRowError as error:
            bad.append(error)
    return students, bad


def one_row(number: int, header: list[str], values: list[str]) -> Student:
    """Return the student of one row; raise BadRowError if a value breaks a rule."""
    beyond = [value for name, value in zip_longest(header, values) if not name and value]
    if beyond:
        rule = "It stands beside the columns. A value with a comma in it needs quotes."
        raise BadRowError(number, beyond[0], rule)
    cells = dict(zip(header, values, strict=False))
    cells.pop("", None)
    known = {name: cells.pop(name, "") for name in COLUMNS}
    student = Student(number, known["student"], known["alias"], others=cells)
    if not student.name:
        raise BadRowError(number, "", "There is no name in the column student.")
    if len(student.name) > 100 or any(unicodedata.category(char) == "Cc" for char in student.name):
        raise BadRowError(number, student.name[:40], "A name has at most 100 characters.")
    if student.alias and not re.fullmatch(ALIAS, student.alias):
        raise BadRowError(number, student.alias, ALIAS_RULE)
    student.bucket_name = b2_rules.clean_value(known["bucket_name"])
    reason = b2_rules.find_bucket_name_problem(student.bucket_name)
    if student.bucket_name and reason:
        raise BadRowError(number, student.bucket_name, reason)
    if known["endpoint"]:
        student.endpoint = clean_endpoint(number, known["endpoint"])
    return student


def clean_endpoint(number: int, text: str) -> str:
    """Return the endpoint of a row as a project needs it; raise BadRowError if it is none."""
    endpoint = b2_rules.clean_endpoint(text)
    found = b2_rules.find_endpoint_problem(endpoint)
    if found:
        _problem, reason = found
        raise BadRowError(number, text, f"{reason} {b2_rules.ENDPOINT_RULE}")
    return endpoint


def check_twice(student: Student, others: list[Student]) -> None:
    """Raise BadRowError if the student, or the alias, stands in an earlier row."""
    for other in others:
        if student.alias and student.alias.lower() == other.alias.lower():
            rule = f"Row {other.row} has this alias already."
            raise BadRowError(student.row, student.alias, rule)
        if student.key == other.key and not (student.alias and other.alias):
            rule = f"Row {other.row} has this name already. If they are two, give both an alias."
            raise BadRowError(student.row, student.name, rule)


def give_aliases(students: list[Student], known: Mapping[str, str]) -> list[BadRowError]:
    """Give an alias (s01, s02, ...) to each student who has none.

    known: {alias: key of the student} of an earlier run, which stays.
    Return the rows whose alias does not fit to the earlier run; they are taken out.
    """
    bad = []
    owners = {alias.lower(): key for alias, key in known.items()}
    earlier: dict[str, list[str]] = {}
    for alias, key in known.items():
        earlier.setdefault(key, []).append(alias)
    names = [student.key for student in students]
    for student in students:
        before = earlier.get(student.key, [])
        if not student.alias and len(before) == 1:
            student.alias = before[0]
        elif owners.get(student.alias.lower(), student.key) != student.key:
            rule = "In class.csv, this alias belongs to another student. Choose another one."
            bad.append(BadRowError(student.row, student.alias, rule))
        elif (
            before
            and student.alias.lower() not in (alias.lower() for alias in before)
            and names.count(student.key) == 1
        ):  # two of the same name have aliases of their own
            rule = f"In class.csv, {student.name} has the alias {' and '.join(before)}. Keep it."
            bad.append(BadRowError(student.row, student.alias, rule))
    refused = {row.row for row in bad}
    students[:] = [student for student in students if student.row not in refused]
    taken = {*owners, *(student.alias.lower() for student in students)}
    free = (alias for number in range(1, 100_000) if (alias := f"s{number:02}") not in taken)
    for student in students:
        student.alias = student.alias or next(free)
    return bad
