"""What teachers do with grades: again for one student, own marks, due dates, the school's sheet."""

from __future__ import annotations

import csv
import io
import os
import zipfile
from datetime import datetime
from pathlib import Path

import pytest
from school import ALL, REFERENCE, UNTOUCHED, Class, put, school, zipped  # noqa: F401

from classroom.due import describe_lateness, parse_due
from classroom.earlier import Marks, read_marks
from classroom.grade import find_members
from classroom.grades import Grade
from classroom.hand_ins import find_hand_ins
from classroom.likeness import digest_of_program, list_odd_names
from classroom.matching import Member, find_owners, match
from classroom.reports import write as write_reports
from classroom.sheet import add_to_all, fill, pack_feedback
from classroom.tables import ClassError

WRONG = REFERENCE.replace("'guestbook.json'", "'book'")


@pytest.mark.thorough
def test_one_student_again_and_what_the_teacher_wrote(school: Class):  # noqa: F811
    anna = school.hand_in("Anna", WRONG)
    school.hand_in("Ben", REFERENCE)
    school.grade()
    table = school.folder / "grades.csv"
    header, *rows = table.read_text(encoding="utf-8-sig").splitlines()
    marks = [f"{header},mark,a comment", f'{rows[0]},B+,"see me, please"', f"{rows[1]},A,"]
    table.write_text("\n".join(marks), encoding="utf-8")
    (anna / "main.py").write_text(REFERENCE, encoding="utf-8")
    (school.folder / "guestbook-s01" / "main.py").write_text("broken(", encoding="utf-8")

    done, found = school.grade("--only", "s00")

    assert (done.code, found["Anna"]["points"], found["Ben"]["points"]) == (0, ALL, ALL)
    assert [(row["mark"], row["a comment"]) for row in school.rows()] == [
        ("B+", "see me, please"),
        ("A", ""),
    ]

    _, found = school.grade()

    assert found["Ben"]["points"] == 0
    assert [row["mark"] for row in school.rows()] == ["B+", "A"]


MEMBERS = [Member("Anna", "s01", others={"points": "9", "mail": "a@x"}), Member("Ben", "s02")]
ADDED = {
    "a column without a name": ("{0},\n{1},B+\n{2},A\n", {"column {2}": ("B+", "A")}),
    "two of one name": (
        "{0},mark,mark\n{1},B+,1\n{2},A,2\n",
        {"mark": ("B+", "A"), "mark 2": ("1", "2")},
    ),
    "a title above": ("7b,,\n\n{0},mark\n{1},B+\n{2},A\n", {"mark": ("B+", "A")}),
    "another spelling of a name": ("{0},mark\n{1},B+\nBenjamin,{3},A\n", {"mark": ("B+", "A")}),
    "a name of ours": ("{0},points\n{1},B+\n{2},A\n", {"points 2": ("B+", "A")}),
}


def write_grades(out: Path, marks: Marks) -> list[dict[str, str]]:
    """Write the grades of MEMBERS, and return the rows of the table."""
    tests = {"test_1_is_there": ("passed", "")}
    grades = [Grade(member, "ok", dict(tests)) for member in MEMBERS]
    write_reports(grades, "guestbook", out, [], marks)
    with out.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert len(set(rows[0])) == len(rows[0])
    return [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]


@pytest.mark.parametrize("what", ADDED)
def test_what_a_teacher_adds_to_the_table_stays(tmp_path: Path, what: str):
    out = tmp_path / "grades.csv"
    write_grades(out, {})
    header, anna, ben = out.read_text(encoding="utf-8-sig").splitlines()
    width = len(header.split(","))
    text, columns = ADDED[what]
    rest = ben.removeprefix("Ben,")
    out.write_text(text.format(header, anna, ben, rest), encoding="utf-8-sig")

    for _ in range(2):
        rows = write_grades(out, read_marks(out))

    for name, values in columns.items():
        column = name.replace("{2}", str(width + 1))
        assert tuple(row[column] for row in rows) == values
    assert [(row["points"], row["points of the class list"]) for row in rows] == [
        ("1", "9"),
        ("1", ""),
    ]


def test_a_row_that_belongs_to_nobody_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out = tmp_path / "grades.csv"
    write_grades(out, {})
    header, anna, ben = out.read_text(encoding="utf-8-sig").splitlines()
    out.write_text(f"{header},mark\n{anna},1\n{ben},2\nmean,,,,,1.5\n", encoding="utf-8")

    write_grades(out, read_marks(out))

    assert "Only in the earlier table, because nobody has this name: mean." in (
        capsys.readouterr().out
    )
    assert "mean" in next(tmp_path.rglob("grades-earlier/*/grades.csv")).read_text(encoding="utf-8")


@pytest.mark.thorough
def test_only_needs_earlier_grades_and_a_student_of_the_class(school: Class):  # noqa: F811
    school.hand_in("Anna", REFERENCE)

    done, _ = school.grade("--only", "s00")
    assert done.code == 1
    assert "Grade the whole class first, without --only." in done.err

    school.grade()
    done, _ = school.grade("--only", "s99")
    assert "--only s99: no student has this alias" in done.err


def test_several_students_may_be_named_at_once():
    assert find_members(["s01, Ben"], MEMBERS) == find_members(["s01", "s02"], MEMBERS) == [0, 1]


def test_an_alias_in_front_of_moodles_folder_is_taken_off_again():
    grade = Grade(MEMBERS[0], "ok", where="s01_Anna_77_assignsubmission_file_: main.py")

    packed = pack_feedback([grade], ["well done"])

    assert zipfile.ZipFile(io.BytesIO(packed)).namelist() == [
        "Anna_77_assignsubmission_file_/feedback.txt"
    ]


@pytest.mark.thorough
def test_programs_that_are_the_same_are_noted_for_the_teacher(school: Class):  # noqa: F811
    copied = REFERENCE.replace("by_stars", "sorted_list").replace("\n\n", "\n\n# mine\n\n")
    school.hand_in("Anna", REFERENCE)
    school.hand_in("Ben", copied)
    school.hand_in("Cara", WRONG)
    school.hand_in("Dan", UNTOUCHED)
    school.hand_in("Eve", UNTOUCHED)

    _, found = school.grade()

    notes = {name: one["notes"] for name, one in found.items()}
    assert notes["Anna"] == ["the same program as s01, but for names and layout"]
    assert notes["Ben"] == ["the same program as s00, but for names and layout"]
    assert notes["Cara"] == notes["Dan"] == notes["Eve"] == []
    feedback = (school.folder / "grades-feedback" / "s01.txt").read_text(encoding="utf-8")
    assert "same program" not in feedback


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("import gc, json", ["gc"]),
        ("from os import _exit", ["_exit"]),
        ("import os; os.system('ls')", ["system"]),
        ("import sys; sys._getframe(3)", ["_getframe"]),
        ("best.__code__ = other.__code__", ["__code__"]),
        ("import grading", ["grading"]),
        ("getattr(frame, 'f_back')", ["f_back"]),
        ("open('/proc/self/mem', 'rb')", ["/proc/"]),
        ("system = json.dumps(entries)  # eval", ["system"]),
        (REFERENCE, []),
        ("def (", []),
    ],
)
def test_what_no_assignment_needs_is_noted(line: str, names: list[str]):
    assert list_odd_names(line.encode()) == names


def test_a_program_that_hides_what_it_is_is_noted():
    assert list_odd_names("# coding: latin-1\nimport gc  # é".encode("latin-1")) == [
        "the encoding iso-8859-1"
    ]
    assert list_odd_names(b"# coding: utf-7\n# +AAo-import gc") == ["the encoding utf-7"]
    assert list_odd_names(b"a," * 1_000_000) == ["a very long program"]
    assert list_odd_names(b"\xef\xbb\xbfx = 1") == []


@pytest.mark.parametrize(
    ("other", "is_same"),
    [
        ("def f(x):\n    '''Doc.'''\n    y = x + 1  # one\n    return y\n", True),
        ("def f(x):\n    y = x + 2\n    return y\n", False),
        ("def f(x):\n    return x + 1\n", False),
        ("def g(x):\n    y = x + 1\n    return y\n", False),
    ],
)
def test_what_makes_two_programs_the_same(other: str, is_same: bool):
    one = "def f(number):\n    result = number + 1\n    return result\n"

    assert (digest_of_program(one) == digest_of_program(other)) is is_same
    assert digest_of_program("def (") == ""


@pytest.mark.parametrize(
    ("name", "changed", "late"),
    [
        ("7-8 - Li - Nov 2, 2026 905 AM/main.py", "2026-11-01", "yes"),
        ("7-8 - Li - Nov 2, 2026 805 AM/main.py", "2026-11-09", ""),
        ("G_Li_attempt_2026-11-02-09-05-00_main.py", "2026-11-01", "yes"),
        ("li_LATE_4711_9902_main.py", "2026-11-01", "yes"),
        ("li_LATE_4711_2026-10-01_main.py", "2026-11-01", "yes"),
        ("li_LATE_4711_9902_main.py", "2026-11-01", "yes"),
        ("Li/Revision 2 - late/main.py", "2026-11-01", "yes"),
        ("all.zip: li_LATE_4711_9902_main.py", "2026-11-01", "yes"),
        ("all.zip: 2026-11-20 Li main.py", "2026-11-01", "yes"),
        ("all.zip: G_Li_attempt_2026-11-01-09-05-00_2026-12-01.py", "2026-11-03", ""),
        ("Li.zip: 2026-11-20/main.py", "2026-11-01", ""),  # what is inside is the student's
        ("Li/late_main.py", "2026-11-01", ""),
        ("Why I hand this in late - Li.py", "2026-11-01", ""),
        ("Li/main.py", "2026-11-03", "maybe"),
        ("Li/main.py", "2026-11-01", ""),
        ("plateau_li/main.py", "2026-11-01", ""),
    ],
)
def test_what_came_late(tmp_path: Path, name: str, changed: str, late: str):
    outer, _, inner = name.partition(": ")
    path = put(tmp_path, outer, zipped({inner: "x", "Ben/main.py": "x"}) if inner else "x")
    if outer == "Li.zip":
        path.write_bytes(zipped({inner: "x"}))
    os.utime(path, (datetime.fromisoformat(changed).timestamp(),) * 2)
    members = [Member("Li", "s01"), Member("Ben", "s02")]
    found, _ = find_hand_ins(
        tmp_path, tells=lambda part: bool(find_owners(part.parts, members).owners)
    )
    hand_in = match(found, members, tmp_path)[0][0][0]
    hand_in.time = datetime.fromisoformat(changed).timestamp()

    due = parse_due(["2026-11-02", "09:00"])
    assert describe_lateness(hand_in, due, tmp_path) == late


def test_a_due_date_lasts_to_the_end_of_the_day():
    assert parse_due(["2026-11-02"]) == datetime(2026, 11, 2, 23, 59, 59)
    assert parse_due(["2026-11-02 14:00"]) == datetime(2026, 11, 2, 14)
    with pytest.raises(ClassError, match=r"Write it like 2026-11-02 or 2026-11-02 14:00"):
        parse_due(["2.11.2026"])


SHEETS = {
    # Moodle's own tests: grade/import/csv/tests/load_data_test.php
    "moodle": (
        '"First name","Last name","Email address","Course total"\r\n'
        '"Anna","Schmidt","anna@x.com","-"\r\n"Nobody","Else","no@x.com","-"\r\n'
        '"Benjamin","Lee","ben@x.com","-"\r\n"Cara","Müller","c@x.com","-"\r\n',
        '"First name","Last name","Email address","Course total","guestbook"\r\n'
        '"Anna","Schmidt","anna@x.com","-","7"\r\n"Nobody","Else","no@x.com","-",""\r\n'
        '"Benjamin","Lee","ben@x.com","-","5"\r\n"Cara","Müller","c@x.com","-",""\r\n',
        "utf-8-sig",
    ),
    # PrairieLearn: canvas-matching.test.ts
    "canvas": (
        "Student,ID,SIS Login ID,Section,Guestbook (23),Other (24)\n    Points Possible,,,,11,2\n"
        '"Schmidt, Anna",1,as1,A,,1\n"Lee, Ben",2,bl2,A,,\n"Müller, Cara",3,cm3,A,,\n',
        "Student,ID,SIS Login ID,Section,Guestbook (23),Other (24)\n    Points Possible,,,,11,2\n"
        '"Schmidt, Anna",1,as1,A,7,1\n"Lee, Ben",2,bl2,A,5,\n"Müller, Cara",3,cm3,A,,\n',
        "utf-8",
    ),
    "a list of the school": (
        "Class 7b\nName;Vorname\nMüller;Cara\nLee;Ben\nSchmidt;Anna\n",
        "Class 7b\nName;Vorname;guestbook\nMüller;Cara;\nLee;Ben;5\nSchmidt;Anna;7\n",
        "cp1252",
    ),
}


@pytest.mark.parametrize("what", SHEETS)
def test_a_sheet_comes_back_with_the_points(tmp_path: Path, what: str):
    before, after, encoding = SHEETS[what]
    sheet = tmp_path / "sheet.csv"
    sheet.write_bytes(before.encode(encoding))
    grades = [
        grade_of("Anna Schmidt", 7, others={"email_address": "anna@x.com"}),
        grade_of("Ben Lee", 5, others={"mail": "ben@x.com"}),
        grade_of("Cara Müller", 0, state="not handed in"),
    ]

    problems = fill(sheet, grades, "guestbook", tmp_path / "out.csv")

    assert (tmp_path / "out.csv").read_bytes().decode(encoding) == after
    assert sheet.read_bytes() == before.encode(encoding)
    assert problems == []


def test_only_the_columns_that_name_a_student_count(tmp_path: Path):
    """A number of a quiz, or another assignment's remarks, is not an alias or this column."""
    sheet = write(
        tmp_path / "sheet.csv",
        "name,quiz,guestbook remarks,partner login\nAnna,b1,talk,ben\nBen,a1,,anna\n",
    )
    grades = [grade_of("Anna", 7), grade_of("Ben", 5)]
    for grade, alias in zip(grades, ("a1", "b1"), strict=True):
        grade.member.alias = alias
        grade.member.others = {"partner login": "x", "login": grade.member.name.lower()}

    assert fill(sheet, grades, "guestbook", tmp_path / "out.csv") == []

    assert (tmp_path / "out.csv").read_text(encoding="utf-8") == (
        "name,quiz,guestbook remarks,partner login,guestbook\nAnna,b1,talk,ben,7\nBen,a1,,anna,5\n"
    )


def test_a_row_whose_name_and_login_differ_gets_nothing(tmp_path: Path):
    sheet = write(tmp_path / "sheet.csv", "name,email\nAnna,ben@x.com\n")
    grades = [grade_of("Anna", 7, others={"email": "anna@x.com"})]
    grades.append(grade_of("Ben", 5, others={"email": "ben@x.com"}))

    assert fill(sheet, grades, "guestbook", tmp_path / "out.csv") == [
        "sheet.csv has no row for Anna.",
        "sheet.csv has no row for Ben.",
    ]


def test_who_is_not_in_the_sheet_is_named(tmp_path: Path):
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("name\nAnna\nAnna\n", encoding="utf-8")

    problems = fill(sheet, [grade_of("Anna", 1), grade_of("Ben", 2)], "x", tmp_path / "out.csv")

    assert problems == [
        "sheet.csv has several rows for Anna.",
        "sheet.csv has no row for Ben.",
    ]
    assert (tmp_path / "out.csv").read_text(encoding="utf-8") == "name,x\nAnna,\nAnna,\n"
    with pytest.raises(ClassError, match=r"Its columns are: a, b\. Rename the one with the names"):
        fill(write(tmp_path / "b.csv", "a,b\n1,2\n"), [], "x", tmp_path / "out.csv")


def test_all_assignments_on_one_sheet(tmp_path: Path):
    sheet = tmp_path / "term.csv"
    both = [grade_of("Anna", 3), grade_of("=Ben", 2)]
    add_to_all(sheet, both, "guestbook")
    text = sheet.read_text(encoding="utf-8-sig")
    assert text == "student,alias,guestbook\nAnna,,3\n'=Ben,,2\n"
    write(
        sheet,
        text.replace("guestbook", "mine,guestbook").replace(",,3", ",,x,3").replace(",,2", ",,,2"),
    )

    add_to_all(sheet, [grade_of("Cara", 1), *both], "cloud-notes")
    add_to_all(sheet, [grade_of("Anna", 4)], "guestbook")

    assert sheet.read_text(encoding="utf-8") == (
        "student,alias,mine,guestbook,cloud-notes\nAnna,,x,4,3\n'=Ben,,,2,2\nCara,,,,1\n"
    )


def test_students_of_one_name_and_a_new_name_on_the_sheet_of_all(tmp_path: Path):
    sheet = tmp_path / "term.csv"
    grades = [grade_of("Max Berg", 3), grade_of("Max Berg", 2), grade_of("Lea Rossi", 4)]
    for grade, alias in zip(grades, ("m1", "m2", "s01"), strict=True):
        grade.member.alias = alias
    add_to_all(sheet, grades, "guestbook")
    grades[2] = grade_of("Lea Bianchi", 0, state="not started")
    grades[2].member.alias = "s01"

    add_to_all(sheet, grades, "guestbook")

    assert sheet.read_text(encoding="utf-8-sig") == (
        "student,alias,guestbook\nMax Berg,m1,3\nMax Berg,m2,2\nLea Bianchi,s01,\n"
    )


def test_rows_of_one_name_are_several_rows(tmp_path: Path):
    grades = [grade_of("Max Berg", 3), grade_of("Max Berg", 2)]
    sheet = write(tmp_path / "sheet.csv", "name,x\nMax Berg,1\nMax Berg,2\n")

    assert (
        fill(sheet, grades, "guestbook", tmp_path / "out.csv")
        == ["sheet.csv has several rows for Max Berg."] * 2
    )


@pytest.mark.parametrize("name", ["Søren Kjær", "Hélène", "Łukasz"])
def test_the_names_of_the_class_tell_the_letters(tmp_path: Path, name: str):
    encoding = "cp1250" if name == "Łukasz" else "cp1252"
    sheet = tmp_path / "sheet.csv"
    sheet.write_bytes(f"name;x\n{name};\n".encode(encoding))

    assert fill(sheet, [grade_of(name, 3)], "x", tmp_path / "out.csv") == []
    assert (tmp_path / "out.csv").read_bytes() == f"name;x\n{name};3\n".encode(encoding)


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def grade_of(name: str, points: int, state: str = "ok", others: dict | None = None) -> Grade:
    tests = {f"test_{number}": ("passed", "") for number in range(points)}
    return Grade(Member(name, others=others or {}), state, tests)


@pytest.mark.thorough
def test_what_is_no_program_or_may_be_anothers_is_in_the_notes(school: Class):  # noqa: F811
    for name in ("Anna", "Ben", "Max Berg", "Max Berg"):
        school.hand_in(name, UNTOUCHED)
    put(school.folder, "Anna_77_main.docx", "PK")
    put(school.folder, "Ben_77/b2_client.py", REFERENCE)
    put(school.folder, "Max Berg_77/main.py", REFERENCE)

    done, _ = school.grade("--due", "2020-01-01")

    assert done.code == 1
    assert [(row["state"], row["late"], row["notes"]) for row in school.rows()] == [
        ("cannot run", "", "Anna_77_main.docx: this is not a program, so it was not used."),
        (
            "cannot run",
            "",
            "Ben_77/b2_client.py: this file was given to all; main.py is what counts.",
        ),
        *[("not started", "", "Max Berg_77 may be from this student, or another")] * 2,
    ]
    assert (
        "Max Berg_77: could belong to Max Berg (s02) or Max Berg (s03). Add the alias" in done.out
    )


@pytest.mark.thorough
def test_a_sheet_a_due_date_and_feedback_for_moodle(school: Class):  # noqa: F811
    for name in ("Anna Schmidt", "Ben Lee"):
        school.add(name)
    for number, name in enumerate(("Anna Schmidt", "Ben Lee")):
        folder = school.folder / f"{name}_{number + 70}_assignsubmission_file_"
        folder.mkdir()
        write(folder / "main.py", REFERENCE)
        changed = datetime(2020, 1, 1).timestamp() + number
        os.utime(folder / "main.py", (changed, changed))
    sheet = write(school.folder.parent / "moodle.csv", "First name,Last name\nBen,Lee\n")

    done, _ = school.grade("--due", "2020-01-01", "00:00:01", "--fill", str(sheet))

    copy = school.folder / "grades-moodle.csv"
    assert copy.read_text(encoding="utf-8") == f"First name,Last name,guestbook\nBen,Lee,{ALL}\n"
    assert "moodle.csv has no row for Anna Schmidt." in done.out
    with zipfile.ZipFile(school.folder / "grades-feedback" / "for-moodle.zip") as packed:
        assert packed.namelist() == [
            "Anna Schmidt_70_assignsubmission_file_/feedback.txt",
            "Ben Lee_71_assignsubmission_file_/feedback.txt",
        ]
        assert f"{ALL} of {ALL}" in packed.read(packed.namelist()[0]).decode()
    with (school.folder / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
        assert "late" in next(csv.reader(file))
