"""Students with the same name, or nearly: nobody gets another's work, and doubts are said."""

from __future__ import annotations

from pathlib import Path

import pytest
from school import put, zipped

from classroom import hand_ins
from classroom.hand_ins import HandIn
from classroom.matching import Member, match

MEMBERS = [
    Member("Max Berg", "m1", others={"mail": "max.berg@x", "id": "1201"}),
    Member("Max Berg", "m2", others={"mail": "max.berg2@x", "id": "1202"}),
    Member("Emma Weiß", "e1", others={"mail": "emma.weiss@x", "id": "1301"}),
    Member("Emma Weiss", "e2", others={"mail": "emma.weiss2@x", "id": "1302"}),
    Member("Thomas Martin", "t1", others={"mail": "martin.thomas@x"}),
    Member("Martin Thomas", "t2", others={"mail": "thomas.martin@x"}),
    Member("Li, Wei", "l1", others={"sis_login_id": "weili", "id": "1401"}),
    Member("Wei, Li", "l2", others={"sis_login_id": "liwei", "id": "1402"}),
    Member("Ben Bauer", "b1", others={"github_username": "ben"}),
    Member("Ben Bauermann", "b2", others={"github_username": "benbauer"}),
    Member("Ben Weber", "w1"),
    Member("Anna Maria Schmidt", "w2"),
    Member("Anna Kurz", "a1", others={"github_username": "annakurz42"}),
]
NAMES = {  # what is handed in, and whose it is: "" is to be asked
    "Max Berg_77_assignsubmission_file_/main.py": "",
    "bergmax_77_88_main.py": "",
    "bergmax_1202_88_main.py": "m2",  # as Canvas writes it: the student's ID, the file's
    "bergmax_LATE_1201_88_main.py": "m1",
    "bergmax_1202_88_1201.py": "",  # a student can write the other's ID into the file's name
    "m2_Max Berg_77_assignsubmission_file_/main.py": "m2",
    "Emma Weiß_77_assignsubmission_file_/main.py": "e1",
    "Emma Weiss_77_assignsubmission_file_/main.py": "e2",
    "weissemma_77_88_main.py": "",
    "Thomas Martin_77_assignsubmission_file_/main.py": "t1",
    "Martin Thomas_77_assignsubmission_file_/main.py": "t2",
    "weili_1402_88_main.py": "l2",
    "weili_77_88_main.py": "",
    "guestbook-ben/main.py": "b1",
    "guestbook-benbauer/main.py": "b2",
    "guestbook-annakurz42/main.py": "a1",
    "guestbook-someone/main.py": "",
    # A student chooses the file's name, and a platform joins it to the student's own.
    "Ben Weber_77_assignsubmission_file_Anna Maria Schmidt 2099-01-01.py": "",
    "weberben_77_88_annamariaschmidt.py": "",
    "weberben_77_88_w2_anna_maria_schmidt.py": "",
    "weberben_77_88_w2.py": "w1",
}


def match_in(folder: Path) -> dict[str, list[HandIn]]:
    """Return {alias: hand-ins} of what is in a folder."""
    found, _ = hand_ins.find_hand_ins(folder)
    matched, _ = match(found, MEMBERS, folder)
    return {MEMBERS[number].alias: those for number, those in matched.items()}


@pytest.mark.parametrize("name", NAMES)
def test_whose_it_is(tmp_path: Path, name: str):
    put(tmp_path, name)

    assert "".join(match_in(tmp_path)) == NAMES[name]


def test_who_is_told_only_by_a_spelling_is_a_doubt(tmp_path: Path):
    put(tmp_path, "Emma Weiss_77_assignsubmission_file_/main.py")

    (hand_in,) = match_in(tmp_path)["e2"]

    assert hand_in.doubts == ["only the spelling tells that it is not Emma Weiß's"]


def test_a_login_that_is_called_like_anothers_project_takes_nothing(tmp_path: Path):
    put(tmp_path, "guestbook-s03/main.py")
    found, _ = hand_ins.find_hand_ins(tmp_path)
    members = [
        Member("Anna", "s01", "guestbook-s01", others={"github_username": "guestbook-s03"}),
        Member("Cleo", "s03", "guestbook-s03"),
    ]

    matched, nobodys = match(found, members, tmp_path)

    assert (matched, nobodys[0][1].owners) == ({}, [0, 1])


def test_many_files_of_one_student_make_no_word_common(tmp_path: Path):
    files = {f"Jan Anna Kurz {number}.py": "x" for number in range(30)}
    put(tmp_path, "Jan Anna Kurz_78.zip", zipped(files))
    put(tmp_path, "Jan Anna Kurz_77.py")

    doubts = [doubt for one in match_in(tmp_path)["a1"] for doubt in one.doubts]

    assert "its name is not quite Anna Kurz (jan): ask whose it is" in doubts


def test_repositories_that_were_all_made_from_one_project(tmp_path: Path):
    """Its b2-starter.json names one student in all of them, and so tells nothing."""
    kept = (
        '{"cookiecutter": {"project_slug": "guestbook-a1", "assignment": "guestbook"},'
        ' "b2-starter": {"version": "1"}}'
    )
    for login in ("ben", "benbauer", "annakurz42", "someone"):
        put(tmp_path, f"guestbook-{login}/main.py")
        put(tmp_path, f"guestbook-{login}/b2-starter.json", kept)

    matched = match_in(tmp_path)

    assert {alias: [one.path.name for one in those] for alias, those in matched.items()} == {
        "a1": ["guestbook-annakurz42"],
        "b1": ["guestbook-ben"],
        "b2": ["guestbook-benbauer"],
    }
    assert all(one.doubts == [] for those in matched.values() for one in those)
