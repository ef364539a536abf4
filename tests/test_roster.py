"""Class lists as spreadsheets save them: each row is found, or named with its number and reason."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classroom.roster import fold, give_aliases, read_roster
from classroom.tables import ClassError, guard_cell, unguard_cell


def roster(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "roster.csv"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_excel_saves_is_read(tmp_path: Path, encoding: str, delimiter: str, end: str):
    rows = ["Student,Alias,E-Mail,,", "Zoë O'Neil,zo,z@x,,", ",,,,", "", 'José "Pepe" Pérez,,,,']
    text = (
        end.join(rows).replace(",", delimiter).replace('José "Pepe" Pérez', '"José ""Pepe"" Pérez"')
        + end
    )

    students, bad = read_roster(roster(tmp_path, text, encoding))

    assert [(one.row, one.name, one.alias) for one in students] == [
        (2, "Zoë O'Neil", "zo"),
        (5, 'José "Pepe" Pérez', ""),
    ]
    assert students[0].others == {"e-mail": "z@x"}
    assert bad == []


def test_a_list_of_names_alone_may_have_commas(tmp_path: Path):
    students, bad = read_roster(roster(tmp_path, "student\nMüller, Anna\nLi, Cara\n"))

    assert [one.name for one in students] == ["Müller, Anna", "Li, Cara"]
    assert bad == []


def test_excels_own_first_line_is_not_counted(tmp_path: Path):
    students, _ = read_roster(roster(tmp_path, "sep=;\nstudent;alias\nAnna;a1\n"))

    assert [(one.row, one.alias) for one in students] == [(2, "a1")]


def test_only_line_ends_end_a_row(tmp_path: Path):
    """A value may have Unicode's own signs for a new line, and those of old printers."""
    text = "student,comment\nAnna,one\u2028two\x85three\x0bfour\nBen,\n"

    students, bad = read_roster(roster(tmp_path, text))

    assert ([one.name for one in students], bad) == (["Anna", "Ben"], [])


def test_a_value_of_two_lines_is_one_row(tmp_path: Path):
    students, _ = read_roster(roster(tmp_path, 'student,note\nAnna,"one\ntwo"\nBen,\n'))

    assert [(one.row, one.name) for one in students] == [(2, "Anna"), (3, "Ben")]


EXPORTS = {  # what a platform exports, as its source says: the students, and their other columns
    # Moodle's own tests: grade/import/csv/tests/load_data_test.php
    '"First name","Last name","ID number",Institution,"Email address",Groups\n'
    'Anne,Able,7,"Moodle HQ",a@x.com,"A, B"\nBo,Lee,,,b@x.com,\n': (
        ["Anne Able", "Bo Lee"],
        {"email_address": "a@x.com", "id_number": "7"},
    ),
    # PrairieLearn: canvas-matching.test.ts; the rows at its top and end: Canvas' instructor guide
    "Student,ID,SIS User ID,SIS Login ID,Section,Quiz 1 (23)\n,,,,,Manual Posting\n"
    '    Points Possible,,,,,10.00\n"Block, Jasen",11,,jb30,XC 101,8.00\n'
    '"Student, Test",99,,c0ffee,XC 101,\n': (
        ["Block, Jasen"],
        {"sis_login_id": "jb30", "section": "XC 101"},
    ),
    # earthlab/abc-classroom, issue 59: the roster of GitHub Classroom
    '"identifier","github_username","github_id","name"\n"Able, Anne","able","1",""\n'
    '"Lee Bo","","","bo"\n': (["Able, Anne", "Lee Bo"], {"github_username": "able"}),
    # Google Classroom, Download all grades as CSV (from memory; nobody here could export one)
    "Last Name,First Name,Email Address,Quiz\nDate,,,2026-11-02\nPoints,,,10\n"
    "Class Average,,,9\nAble,Anne,a@x.com,9\n": (
        ["Anne Able"],
        {"email_address": "a@x.com", "quiz": "9"},
    ),
    "Nachname;Vorname;Klasse\nAble;Anne;7b\n": (["Anne Able"], {"klasse": "7b"}),
    "Name;Vorname\nAble;Anne\n": (["Anne Able"], {}),
    "Zuname;Rufname\nAble;Anne\n": (["Anne Able"], {}),
    "Identifier;Vollständiger Name\n7;Anne Able\n": (["Anne Able"], {"identifier": "7"}),
    # GitHub Classroom, Download grades
    "assignment_name,github_username,roster_identifier\nguestbook,able,Anne Able\n": (
        ["Anne Able"],
        {"github_username": "able"},
    ),
    "Nombre,Apellido(s)\nAnne,Able\n": (["Anne Able"], {}),
    "Prénom;Nom\nAnne;Able\n": (["Anne Able"], {}),
    "Name,Mail\nAnne Able,a@x.com\n": (["Anne Able"], {"mail": "a@x.com"}),
    "Class 7b, 2026\n\nName;Mail\nAnne Able;a@x.com\n": (["Anne Able"], {"mail": "a@x.com"}),
}


@pytest.mark.parametrize("text", EXPORTS)
def test_what_platforms_export_is_read(tmp_path: Path, text: str):
    names, others = EXPORTS[text]

    students, bad = read_roster(roster(tmp_path, text))

    assert [one.name for one in students] == names
    assert bad == []
    assert {**students[0].others, **others} == students[0].others


@pytest.mark.parametrize(
    ("names", "encoding"),
    [
        ("Łukasz Wałęsa,Jiří Horák", "cp1250"),
        ("Zoë O’Neil,José Pérez,Jörg Groß", "cp1252"),
        ("Zoë O’Neil,José Pérez,Jörg Groß,Núria Peña", "mac_roman"),
        ("Núria Peña – 7b", "cp1252"),
        ("Jiří Horák,Věra Ščípalová", "cp1250"),
        ("Jørgen Å", "mac_roman"),
    ],
)
def test_letters_are_right_or_asked_for(tmp_path: Path, names: str, encoding: str):
    path = roster(tmp_path, "student\n" + names.replace(",", "\n"), encoding)
    try:
        students, _ = read_roster(path)
    except ClassError as error:
        assert "Save it again as CSV UTF-8:" in str(error)
        assert any(name in str(error) for name in names.replace(",", " ").split())
        assert not (names.startswith(("Łukasz", "Zoë")) and sys.platform != "win32")
    else:
        own = path.read_bytes().decode("mbcs").split()[1:] if sys.platform == "win32" else []
        found = [one.name for one in students]
        assert found == names.split(",") or " ".join(found) == " ".join(own)


BAD = {
    "anna LI": (
        "'anna LI': Row 2 already has this name. If they are two people, give both an alias."
    ),
    "A,A1": "'A1': Row 2 already has this alias. Choose another one.",
    "B,b b": "'b b': An alias has 1 to 30 characters: letters from a to z",
    "C,c," + "b2-mine": "'b2-mine': It begins with b2-.",
    "D,d,,https://s3.amazonaws.com": "'https://s3.amazonaws.com': That is the address of Amazon's",
    ",e": "'': The student column is empty in this row. Add the name.",
    "F,f,,,what": "'what': It is not under a column name.",
    "G" * 101: "A name has at most 100 characters, and no control characters.",
    "H,../h": "'../h': An alias has",
    "I,7": "'7': An alias has",
    "J,version": "'version': Platforms add this word to names.",
}


@pytest.mark.parametrize("line", BAD)
def test_a_bad_row_is_named_and_the_others_are_used(tmp_path: Path, line: str):
    text = f"student,alias,bucket_name,endpoint\nAnna Li,a1\n\n{line}\nZoe,z\n"

    students, bad = read_roster(roster(tmp_path, text))

    assert [one.name for one in students] == ["Anna Li", "Zoe"]
    assert [str(row) for row in bad] == [str(row) for row in bad if BAD[line] in str(row)]
    assert str(bad[0]).startswith("Row 4: ")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "has no column with the names of the students, or several. Its columns are: none."),
        (
            "nick;mail\nAnna;a@x\n",
            "Its columns are: nick, mail. Rename the one with the names to student, or, if",
        ),
        ("student,student\nAnna,Ben\n", "has the column student twice"),
        ("name,full name\nAnna,Anna\n", "has no column with the names of the students, or several"),
        ("student,x,X\nAnna,1,2\n", "has the column x twice"),
        ('student,mail\n"Anna,a@x\nBen,b@x\n', 'Row 2: a quote (") is missing there'),
        ("student\n" + "x" * 10_000_001 + "\n", "is not a CSV file"),
        ("PK\x03\x04", "is a spreadsheet. Save it as CSV first"),
    ],
)
def test_a_list_that_cannot_be_used(tmp_path: Path, text: str, reason: str):
    with pytest.raises(ClassError, match=re.escape(reason)):
        read_roster(roster(tmp_path, text))


def test_a_list_that_is_not_there(tmp_path: Path):
    with pytest.raises(ClassError, match="cannot be read"):
        read_roster(tmp_path / "nowhere.csv")


def test_an_alias_stays_with_its_student(tmp_path: Path):
    text = "student,alias\nNew,\nBen,\nAnna,\nCara,s01\nDan,x\n"
    students, _ = read_roster(roster(tmp_path, text))
    known = {"s01": "anna", "s02": "ben", "s03": "dan"}

    bad = give_aliases(students, known)

    assert [(one.name, one.alias) for one in students] == [
        ("New", "s04"),
        ("Ben", "s02"),
        ("Anna", "s01"),
    ]
    assert [str(row) for row in bad] == [
        "Row 5: 's01': In class.csv, this alias belongs to another student. Choose another one.",
        "Row 6: 'x': In class.csv, Dan has the alias s03. Keep it.",
    ]


def test_two_students_with_the_same_name_are_told_apart_by_their_aliases(tmp_path: Path):
    students, bad = read_roster(roster(tmp_path, "student,alias\nAnna,a\nAnna,b\n"))

    assert give_aliases(students, {"a": "anna", "b": "anna"}) == []
    assert ([one.alias for one in students], bad) == (["a", "b"], [])


@pytest.mark.parametrize(
    ("aliases", "refused"),
    [(("a", "b"), ["a", "b"]), (("s01", "b"), []), (("b", "S01"), []), (("s02", "s01"), [])],
)
def test_a_namesake_who_comes_later_does_not_make_a_third(
    tmp_path: Path, aliases: tuple[str, str], refused: list[str]
):
    """Our advice for two of one name is to give both an alias."""
    text = "student,alias\n" + "".join(f"Anna,{alias}\n" for alias in aliases)
    students, _ = read_roster(roster(tmp_path, text))

    bad = give_aliases(students, {"s01": "Anna"})

    words = "has the alias s01. Give it to the one who has that project, and another alias"
    assert [words in str(row) for row in bad] == [True for _ in refused]


def test_somebody_with_a_new_name_keeps_the_alias(tmp_path: Path):
    students, _ = read_roster(roster(tmp_path, "student,alias\nAnna Weber,s01\nBen,\n"))

    assert give_aliases(students, {"s01": "Anna Schmidt", "s02": "Ben"}) == []
    assert [one.alias for one in students] == ["s01", "s02"]


def test_who_has_left_is_not_in_a_class_that_is_made_from_class_csv(tmp_path: Path):
    text = "student,alias,state\nAnna,s01,left\nBen,s02,made\n"

    students, _ = read_roster(roster(tmp_path, text))

    assert [one.name for one in students] == ["Ben"]


@given(st.text(max_size=20))
def test_a_guarded_value_comes_back(value: str):
    cell = guard_cell(value)

    assert cell[:1] not in tuple("=+-@\t\r") or cell == ""
    if not value.startswith("'"):
        assert unguard_cell(cell) == value


def test_names_are_compared_without_capitals_or_accents():
    assert fold("  ÉMILE  Groß ") == fold("emile gross")
