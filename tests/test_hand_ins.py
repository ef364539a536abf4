"""What was handed in is found wherever a platform put it, read safely, and matched to a student."""

from __future__ import annotations

import io
import json
import stat
import unicodedata
import zipfile
from pathlib import Path, PurePosixPath

import pytest
from conftest import APPLICATION_KEY, VERSION, make_link
from school import put, with_password, zipped

from classroom import hand_ins, prepare
from classroom.choosing import make_asides, rank, read_text
from classroom.hand_ins import HandIn, HandInError
from classroom.matching import Member, describe_owners, find_owners, match

LI = Member("Li", "s04", "guestbook-s04")
CLASS = [
    Member("Anna Müller", "s01", "guestbook-s01"),
    Member("Ben O'Neil", "s02", "guestbook-s02"),
    Member("Émile de la Cruz", "s03", "guestbook-s03"),
    LI,
    Member("Anna Müller-Graf", "s05", "guestbook-s05"),
    Member("Sam Lee", "s06", "guestbook-s06"),
    Member("Sam Lee", "s07", "guestbook-s07"),
    Member("Мария Иванова", "s08", "guestbook-s08"),
    Member("=1+1", "s09", "guestbook-s09"),
    Member("Kim Kay", "s10", "guestbook-s10"),
    Member("Marie-Claire von der Heide", "s11"),
    Member("Søren Ødegård", "s12"),
    Member("Sam Lee 2", "s13"),
    Member("Lena May", "s14"),
    Member("Eva Maria Schmidt", "s15"),
    Member("Eva Jones", "eva"),
]


def find(folder: Path) -> tuple[list[HandIn], list[hand_ins.Unused]]:
    """Return the hand-ins of a folder, and what is unused, as grade finds them."""
    return hand_ins.find_hand_ins(
        folder, tells=lambda path: bool(find_owners(path.parts, CLASS).owners)
    )


def owners(folder: Path) -> dict[str, list[str]]:
    """Return {alias: where the hand-ins are} of a folder; "" for those without an owner."""
    found, unused = find(folder)
    matched, nobodys = match(found, CLASS, folder)
    result = {
        CLASS[number].alias: [one.where(folder) for one in those]
        for number, those in matched.items()
    }
    nobody = [str(one) for one in unused if one.broken]
    nobody += [f"{one.where(folder)}: {describe_owners(who, CLASS)}" for one, who in nobodys]
    return {**result, **({"": nobody} if nobody else {})}


@pytest.mark.parametrize(
    ("name", "alias"),
    [
        ("Mueller_Anna_12345_main.py", "s01"),
        ("MÜLLER Anna - main.py", "s01"),
        ("muelleranna_LATE_4711_9902_main-2.py", "s01"),
        ("Muller, Anna/main.py", "s01"),
        ("Anna Müller_338_assignsubmission_file_/main.py", "s01"),
        ("Müller-Graf_Anna_main.py", "s05"),
        ("ONeil_Ben_12345_main.py", "s02"),
        ("Ben O'Neil/Guestbook/Version 1/main (1).py", "s02"),
        ("O_Neil_Ben_9_main.py", "s02"),
        ("emile_de_la_cruz_main.py", "s03"),
        ("Cruz_Emile_77_main.py", "s03"),
        ("Li_main.py", "s04"),
        ("s04.py", "s04"),
        ("Kay_Kim_1_main-1.py", "s10"),
        ("Kim Kay.py", "s10"),
        ("kim_kay_guestbook.py", "s10"),
        ("main_kim_kay.py", "s10"),
        ("Kim Kay - main - Kopie.py", "s10"),
        ("Kim Kay - main.py.txt", "s10"),
        ("Kim Kay/main.txt", "s10"),
        ("main s10.py", "s10"),
        ("kaykim_1_3_guestbook.py", "s10"),
        ("vonderheidemarieclaire_1_main.py", "s11"),
        ("soren odegard main.py", "s12"),
        ("Sam Lee 2_57_file_/main.py", "s13"),
        ("Schmidt_Eva_12_main.py", "s15"),
        ("guestbook-s09.zip/main.py", "s09"),
        ("guestbook-s02/main.py", "s02"),
        ("Sam Lee (s07)/main.py", "s07"),
        ("Иванова_Мария_main.py", "s08"),
    ],
)
def test_a_name_from_a_platform_leads_to_the_student(tmp_path: Path, name: str, alias: str):
    put(tmp_path, name)

    assert owners(tmp_path) == {alias: [name.removesuffix("/main.py")]}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Sam_Lee_main.py", "could belong to Sam Lee (s06) or Sam Lee (s07)"),
        ("Zed_main.py", "no student in the class has this name"),
        ("helenamayer_1_2_main.py", "no student in the class has this name"),
        ("main.py", ""),
    ],
)
def test_a_hand_in_without_an_owner_is_named(tmp_path: Path, name: str, reason: str):
    put(tmp_path / "in", name)

    named_files = owners(tmp_path)

    assert list(named_files) == [""]
    assert reason in named_files[""][0]


def doubts(folder: Path, alias: str) -> list[str]:
    """Return what the teacher reads about the hand-ins of a student."""
    found, _ = find(folder)
    matched, _ = match(found, CLASS, folder)
    number = [member.alias for member in CLASS].index(alias)
    return [doubt for hand_in in matched[number] for doubt in hand_in.doubts]


@pytest.mark.parametrize(
    "outer",
    [
        "s02_main.zip",
        "O'Neil, Ben_7_file_.zip",
        "oneilben_LATE_1_2_project.zip",
        "guestbook-s02.zip",
    ],
)
@pytest.mark.parametrize(
    "inner",
    [
        "Anna Müller/main-99.py",
        "Anna Müller_1_2_main.py",
        "s01/main.py",
        "guestbook-s01/Version 99/main.py",
    ],
)
def test_a_name_inside_does_not_move_a_program_to_another_student(
    tmp_path: Path, outer: str, inner: str
):
    put(tmp_path, outer, zipped({inner: "x"}))
    put(tmp_path, "Anna Müller/main.py")

    assert sorted(owners(tmp_path)) == ["s01", "s02"]
    assert owners(tmp_path)["s01"] == ["Anna Müller"]
    assert "which may be Anna Müller's" in doubts(tmp_path, "s02")[0]
    assert doubts(tmp_path, "s01") == []


def test_a_name_in_b2_starter_json_does_not_move_a_program_either(tmp_path: Path):
    kept = json.dumps(
        {"cookiecutter": {"project_slug": "guestbook-s01", "assignment": "guestbook"}}
    )
    put(tmp_path, "Ben ONeil.zip", zipped({"p/main.py": "x", "p/b2-starter.json": kept}))

    assert list(owners(tmp_path)) == ["s02"]
    assert doubts(tmp_path, "s02") == ["inside it is guestbook-s01, which may be Anna Müller's"]


def test_a_name_that_is_only_inside_counts_and_is_said(tmp_path: Path):
    put(tmp_path, "upload (3).zip", zipped({"Ben ONeil/main.py": "x"}))

    assert list(owners(tmp_path)) == ["s02"]
    assert doubts(tmp_path, "s02") == [
        "only names inside it say that it is Ben O'Neil's: ask whose it is"
    ]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Kim Maria Kay_77_assignsubmission_file_/main.py", "maria"),
        ("Kay-Brown, Kim_77_assignsubmission_file_/main.py", "brown"),
        ("Kim Kay junior - main.py", "junior"),
        ("Kay_Kim_Lou_12345_main.py", "lou"),
        ("Kim Kay_77_assignsubmission_file_/main.py", ""),
        ("Kay_Kim_12345_main-1.py", ""),
        ("Kim Kay - guestbook.py", ""),
        ("Kim Kay guestbook final version (2).py", ""),
        ("12345-67 - Kim Kay - Oct 30, 2026 1005 AM/main.py", ""),
        ("Kim Kay/Guestbook/Version 2/main.py", ""),
    ],
)
def test_a_name_that_is_longer_than_in_the_list_is_noted(tmp_path: Path, name: str, words: str):
    put(tmp_path, name)

    said = f"its name is not quite Kim Kay ({words}): ask whose it is"
    assert doubts(tmp_path, "s10") == ([said] if words else [])


@pytest.mark.parametrize(
    ("name", "alias"),
    [
        ("akoslova_1_2_main.py", "b1"),
        ("a.koslova@school.example/main.py", ""),
        ("koslova.a - main.py", "b1"),
        ("ben_main.py", ""),
        ("gh-kim/main.py", "b2"),
        ("Kim Lee_77_assignsubmission_file_/main.py", "b3"),
        ("Lee Kim_78_assignsubmission_file_/main.py", "b2"),
        ("Lee, Kim - main.py", "b3"),
        ("Lee_Kim_12345_main.py", ""),
        ("leekim_12_34_main.py", ""),
    ],
)
def test_logins_and_the_order_of_names(tmp_path: Path, name: str, alias: str):
    members = [
        Member("Alena Koslova", "b1", others={"SIS Login ID": "akoslova", "e-mail": "koslova.a@x"}),
        Member("Lee Kim", "b2", others={"github_username": "gh-kim", "mail": "lee@x"}),
        Member("Kim Lee", "b3", others={"mail": "kim@x"}),
        Member("Ben Ray", "b4", others={"mail": "ben@x"}),
    ]
    put(tmp_path, name)
    found, _ = hand_ins.find_hand_ins(tmp_path)

    matched, _ = match(found, members, tmp_path)

    assert [members[number].alias for number in matched] == ([alias] if alias else [])


@pytest.mark.parametrize(
    ("outer", "inner", "said"),
    [  # what an attacker tried
        (
            "abgabe.zip",
            "Anna/Schmidt/main.py",
            "only names inside it say that it is Anna Schmidt's",
        ),
        ("Schmidt_12.zip", "Anna/main.py", "only names inside it say that it is Anna Schmidt's"),
        ("Kim Lee_Lee Kim.zip", "c4/main.py", "only names inside it say that it is Lee Kim's"),
        ("Jan Anna Schmidt_77_file_.zip", "main.py", "not quite Anna Schmidt (jan)"),
        ("Anna Schmidt_Weber_7.zip", "main.py", "not quite Anna Schmidt (weber)"),
        ("c2_Anna Schmidt_77.zip", "main.py", "the alias or login of Ben Schmidt, too"),
        ("Tom Li_77.zip", "main.py", "not quite Li Wei (tom)"),
        ("Rosa Julia Weber_1.zip", "main.py", "not quite Rosa Maria Weber (julia)"),
        ("Lina Meyer_77.zip", "main.py", "not quite Li Na (meyer)"),
    ],
)
def test_what_may_be_somebody_elses_is_said(tmp_path: Path, outer: str, inner: str, said: str):
    members = [
        Member("Anna Schmidt", "c1"),
        Member("Ben Schmidt", "c2"),
        Member("Kim Lee", "c3"),
        Member("Lee Kim", "c4"),
        Member("Li Wei", "li"),
        Member("Rosa Maria Weber", "c6"),
        Member("Li Na", "c7"),
    ]
    put(tmp_path, outer, zipped({inner: "x"}))
    found, _ = hand_ins.find_hand_ins(tmp_path)

    matched, nobodys = match(found, members, tmp_path)

    doubts = [doubt for those in matched.values() for one in those for doubt in one.doubts]
    assert any(said in doubt for doubt in doubts), (matched, nobodys)


@pytest.mark.parametrize("name", ["main (2).py", "Otto/Version 2/main.py", "Otto_2_main.py"])
def test_a_number_is_no_alias(tmp_path: Path, name: str):
    put(tmp_path, name)
    found, _ = hand_ins.find_hand_ins(tmp_path)

    matched, nobodys = match(found, [Member("Anna", "2"), Member("Ben", "version")], tmp_path)

    assert (matched, len(nobodys)) == ({}, 1)


def test_a_number_that_tells_two_students_apart_is_a_doubt(tmp_path: Path):
    put(tmp_path, "Ben (2).py")
    found, _ = hand_ins.find_hand_ins(tmp_path)

    matched, _ = match(found, [Member("Ben", "s01"), Member("Ben 2", "s02")], tmp_path)

    assert matched[1][0].doubts == ["a number tells that it is Ben 2's: ask whose it is"]


def test_a_title_that_all_hand_ins_have_is_no_doubt(tmp_path: Path):
    for name in ("Kim Kay", "Anna Müller", "Lena May", "Eva Jones"):
        put(tmp_path, f"{name} - My cloud diary_1.py")

    assert doubts(tmp_path, "s10") == []


def test_a_program_of_somebody_else_in_a_project_is_said(tmp_path: Path):
    for name in ("main.py", "Ben O'Neil_main.py", "helpers.py"):
        put(tmp_path, f"Kim Kay/{name}")

    assert doubts(tmp_path, "s10") == ["inside it is Ben O'Neil_main.py, which may be Ben O'Neil's"]


VERSIONS = [  # the hand-in that counts, another one, and why
    ("Li/Version 10", "Li/Version 9", "the later version"),
    ("Li/Version 2", "Li", "the later version"),
    ("Li/Revision 2 - late", "Li/Revision 1", "the later version"),
    ("Submitted files/Li/task", "Working files/Li/task", "the one that was submitted"),
    ("Submitted files/Li/task", "Working files/Li/task/Version 3", "the one that was submitted"),
    ("Li_LATE_4711_9902_main-2.py", "Li_4711_9901_main-1.py", "the higher number in its name"),
    ("Li - main (3).py", "Li - main.py", "the higher number in its name"),
    ("7-8 - Li - Nov 2, 2026 805 AM/main.py", "7-8 - Li - Oct 30, 2026 905 PM/main.py", "date"),
    ("7-8 - Li - Nov 2, 2026 105 PM/main.py", "7-8 - Li - Nov 2, 2026 1105 AM/main.py", "date"),
    ("Li_77_file/main-10.py", "Li_77_file/main.py", "the higher number in its name"),
    ("Li_77_file/main (1).py", "Li_77_file/main.py", "the higher number in its name"),
    ("Li_77_file/main_v2.py", "Li_77_file/main.py", "the higher number in its name"),
    ("Li_77_file/main2.py", "Li_77_file/main.py", "the higher number in its name"),
    ("Li - Nov 2/main.py", "Li - Oct 30/main.py", "the later date in its name"),
    (
        "G_Li_attempt_2026-11-02-08-05-00_main.py",
        "G_Li_attempt_2026-10-30-21-05-00_main.py",
        "the later date in its name",
    ),
]


@pytest.mark.parametrize(("counts", "other", "reason"), VERSIONS)
def test_the_later_version_counts_and_the_notes_say_why(
    tmp_path: Path, counts: str, other: str, reason: str
):
    for name in (counts, other):  # so the other file is the newer one
        put(tmp_path, name if name.endswith(".py") else f"{name}/main.py", "def load_entries(): 1")
    found, _ = find(tmp_path)

    ranked = sorted((rank(hand_in, "guestbook", tmp_path, LI), hand_in) for hand_in in found)

    where = counts.removesuffix("/main.py").replace("file/main", "file: main")
    assert [len(found), ranked[-1][1].where(tmp_path)] == [2, where]
    (note,) = make_asides(ranked, tmp_path)
    assert note.startswith("2 hand-ins; ")
    assert f"{reason}" in note
    assert note.endswith(f" counts: {where}")


def test_another_version_of_main_has_the_files_beside_it(tmp_path: Path):
    put(tmp_path, "Li_77/main.py", "old")
    put(tmp_path, "Li_77/main-2.py", "import helpers")
    put(tmp_path, "Li_77/helpers.py", "x = 1")
    found, _ = find(tmp_path)

    contents = [hand_ins.read_files(one) for one in found]

    assert [
        {str(path): content.decode() for path, content in files.items()} for files in contents
    ] == [
        {"main.py": "old", "main-2.py": "import helpers", "helpers.py": "x = 1"},
        {"main.py": "import helpers", "helpers.py": "x = 1"},
    ]


def test_a_hand_in_with_the_name_counts_before_one_with_a_name_inside(tmp_path: Path):
    put(tmp_path, "x.zip", zipped({"guestbook-s04/main.py": "def load_entries(): 1"}))
    put(tmp_path, "Li_77/main.py", "x = 1")
    found, _ = find(tmp_path)
    match(found, CLASS, tmp_path)

    ranked = sorted((rank(hand_in, "guestbook", tmp_path, LI), hand_in) for hand_in in found)

    assert ranked[-1][1].where(tmp_path) == "Li_77"
    assert make_asides(ranked, tmp_path) == [
        "2 hand-ins; the one with the name on it counts: Li_77"
    ]


@pytest.mark.parametrize(
    "name", ["Li_77_b2_client.py", "Li/check_setup.py", "Li/tests/conftest.py"]
)
def test_a_given_file_is_no_program(tmp_path: Path, name: str):
    put(tmp_path, name)

    found, unused = find(tmp_path)

    assert found == []
    assert str(unused[0]) == f"{name}: this file was given to all; main.py is what counts."


def test_a_zip_with_far_too_many_programs_is_refused(tmp_path: Path):
    put(tmp_path, "Li.zip", zipped({f"{number}.py": "" for number in range(501)}))

    found, unused = find(tmp_path)

    assert (found, str(unused[0])) == ([], "Li.zip: there are more than 500 programs in it.")


def test_a_very_long_name_is_cut_for_the_teacher(tmp_path: Path):
    put(tmp_path, "Li.zip", zipped({"x" * 60_000 + "/main.py": ""}))

    (hand_in,) = find(tmp_path)[0]

    assert len(hand_in.where(tmp_path)) < 500


def test_a_zip_without_the_mark_for_utf_8_is_read_as_such(tmp_path: Path):
    """As macOS and Info-ZIP write it: zipfile takes the names for those of old DOS computers."""
    content = zipped({"Grün_Jürgen_77/main.py": "x = 1"})
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.index(mark) + offset + 1
        content = content[:at] + bytes([content[at] & ~8]) + content[at + 1 :]
    put(tmp_path, "all.zip", content)

    (hand_in,) = find(tmp_path)[0]

    assert hand_in.where(tmp_path) == "all.zip: Grün_Jürgen_77"
    assert read_text(hand_in) == "x = 1"


def test_a_name_as_macos_writes_it_is_the_same_name(tmp_path: Path):
    put(tmp_path, unicodedata.normalize("NFD", "Anna Müller_main.py"))

    assert list(owners(tmp_path)) == ["s01"]


def test_junk_beside_a_hand_in_is_not_one(tmp_path: Path):
    for name in (
        "Li_main.py",
        "__MACOSX/._Li_main.py",
        ".DS_Store",
        "Thumbs.db",
        "class.csv",
        "~$Li_main.py",
        "desktop.ini",
        "grades.csv",
        "grades-feedback/s01.txt",
        ".git/main.py",
        "Ben/.venv/lib/main.py",
        "Ben/backups/x/main.py",
    ):
        put(tmp_path, name)

    assert owners(tmp_path) == {"s04": ["Li_main.py"]}


@pytest.mark.parametrize(
    ("files", "where"),
    [
        ({"main.py": ""}, ""),
        ({"guestbook-s02/main.py": "", "guestbook-s02/tests/test_main.py": ""}, ": guestbook-s02"),
        ({"a/b/main.py": "", "__MACOSX/a/b/._main.py": "", "a/.DS_Store": ""}, ": a/b"),
        ({"project.zip": zipped({"p/main.py": "x"})}, ": project.zip/p"),
        ({"x\\main.py": ""}, ": x"),
        ({"ben_main.py": ""}, ": ben_main.py"),
        ({"p/main.py": "", "p/old/main.py": "", "p/main-1.py": "", "p/b2_client.py": ""}, ": p"),
        ({"guestbook.py": ""}, ": guestbook.py"),
    ],
)
def test_a_zip_from_a_platform_is_opened(tmp_path: Path, files: dict, where: str):
    put(tmp_path, "ONeil_Ben_12345_project.zip", zipped(files))

    assert owners(tmp_path) == {"s02": [f"ONeil_Ben_12345_project.zip{where}"]}


def test_a_zip_of_the_whole_class_is_opened(tmp_path: Path):
    put(
        tmp_path,
        "all.zip",
        zipped(
            {
                "Anna Müller_1_file/main.py": "a",
                "Ben O'Neil_2_file/guestbook/main.py": "b",
                "Li_3_file/main.py": "c",
            }
        ),
    )

    assert sorted(owners(tmp_path)) == ["s01", "s02", "s04"]


def test_one_broken_zip_in_a_zip_of_the_class_is_named(tmp_path: Path):
    put(
        tmp_path,
        "all.zip",
        zipped(
            {
                "Anna Müller_1/x.zip": b"broken",
                "Li_2/x.zip": zipped({"p/main.py": "x"}),
                "Kim Kay_3/x.rar": "Rar!",
            }
        ),
    )

    assert owners(tmp_path) == {
        "s04": ["all.zip: Li_2/x.zip/p"],
        "": [
            "all.zip: Anna Müller_1/x.zip: this zip file cannot be opened (File is not a zip file).",  # noqa: E501
            "all.zip: Kim Kay_3/x.rar: this kind of archive cannot be read; ask for a zip file.",
        ],
    }


def test_a_main_above_the_others_does_not_swallow_them(tmp_path: Path):
    for name in ("week1/main.py", "week1/Anna Müller/main.py", "week1/Li/main.py"):
        put(tmp_path, name)

    assert {"s01", "s04"} <= set(owners(tmp_path))


@pytest.mark.parametrize("as_zip", [False, True])
@pytest.mark.parametrize("inner", ["", "week 1/", "week 1/all/"])
def test_programs_of_several_students_side_by_side(tmp_path: Path, as_zip: bool, inner: str):
    names = ["main.py", "Anna Müller_main.py", "Li_2_main.py", "kaykim_1_2_main.py"]
    if as_zip:
        put(tmp_path, "downloads.zip", zipped({inner + name: "x" for name in names}))
    else:
        for name in names:
            put(tmp_path, f"downloads/{inner}{name}")

    assert sorted(owners(tmp_path)) == ["", "s01", "s04", "s10"]


def test_a_helper_with_the_name_of_somebody_else_stays_in_its_project(tmp_path: Path):
    for name in ("main.py", "li.py"):
        put(tmp_path, f"Ben ONeil/{name}")

    assert owners(tmp_path) == {"s02": ["Ben ONeil"]}


def test_a_name_that_is_not_text_stops_nothing(tmp_path: Path):
    content = bytearray(zipped({"ä.py": "x"}))
    content = content.replace("ä".encode(), b"\xff\xfe")
    put(tmp_path, "Li.zip", bytes(content))
    put(tmp_path, "Kim_Kay_main.py")

    assert list(owners(tmp_path)) == ["s10", ""]


def test_the_name_in_the_project_counts_if_no_other_does(tmp_path: Path):
    answers = {"project_slug": "guestbook-s03", "assignment": "guestbook"}
    kept = json.dumps({"cookiecutter": answers})
    put(tmp_path, "my project.zip", zipped({"x/main.py": "", "x/b2-starter.json": kept}))
    put(tmp_path, "Ben ONeil/main.py")
    put(tmp_path, "Ben ONeil/b2-starter.json", kept.replace("s03", "s01"))

    assert owners(tmp_path) == {"s03": ["my project.zip: x"], "s02": ["Ben ONeil"]}


def symlink_in_zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        link = zipfile.ZipInfo("main.py")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    return out.getvalue()


BAD_ZIPS = {
    "cut": (zipped({"main.py": "x" * 1000})[:-40], "this zip file cannot be opened"),
    "not one": (b"Rar!\x1a\x07", "this zip file cannot be opened"),
    "empty": (zipped({}), "there is no main.py in it"),
    "without main.py": (zipped({"readme.txt": "x"}), "there is no main.py in it"),
    "paths that lead out": (
        zipped({"../main.py": "x", "/main.py": "x", "C:\\main.py": "x", "a/../../main.py": "x"}),
        "there is no main.py in it",
    ),
    "paths that lead out on Windows": (
        zipped({".. /main.py": "x", "a/... /main.py": "x"}),
        "there is no main.py in it",
    ),
    "a link": (symlink_in_zip(), "there is no main.py in it"),
    "a zip in a zip in a zip": (
        zipped({"a.zip": zipped({"b.zip": zipped({"main.py": "x"})})}),
        "there is no main.py in it",
    ),
}


@pytest.mark.parametrize("what", BAD_ZIPS)
def test_a_zip_without_a_hand_in_is_named(tmp_path: Path, what: str):
    content, reason = BAD_ZIPS[what]
    put(tmp_path, "Li_project.zip", content)
    put(tmp_path, "Anna_Müller_main.py")

    named_files = owners(tmp_path)

    assert list(named_files) == ["s01", ""]
    assert named_files[""][0].startswith(f"Li_project.zip: {reason}")


def only(folder: Path) -> HandIn:
    found, _ = hand_ins.find_hand_ins(folder)
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"zeros.bin": b"\0" * 60_000_000}, "contains more than 2000 files or 50,000,000 bytes"),
        ({f"{number}.txt": b"x" for number in range(2_100)}, "contains more than 2000 files"),
        ({"p/main.py": b"#" * 1_000_001}, "main.py is larger than 1,000,000 bytes"),
    ],
)
def test_a_bomb_is_refused(tmp_path: Path, files: dict[str, bytes], reason: str):
    main = {} if "p/main.py" in files else {"main.py": b"x"}
    put(tmp_path, "Li.zip", zipped({**files, **main}))

    with pytest.raises(HandInError, match=reason):
        hand_ins.read_files(only(tmp_path))


def test_ten_bombs_in_a_zip_are_ranked_without_being_read(tmp_path: Path):
    bomb = zipped({"main.py": b"#" * 40_000_000, "zeros.bin": b"\0" * 40_000_000})
    put(tmp_path, "Li.zip", zipped({f"{number}.zip": bomb for number in range(10)}))
    found, _ = find(tmp_path)

    assert len(found) == 10
    assert [read_text(one) for one in found] == [None] * 10


def test_a_zip_beside_main_is_not_opened(tmp_path: Path):
    bomb = zipped({"z": b"\0" * 60_000_000})
    put(tmp_path, "Li.zip", zipped({"main.py": "x", "inner.zip": bomb}))

    assert len(hand_ins.read_files(only(tmp_path))) == 2


def test_a_zip_that_lies_about_its_size_is_refused(tmp_path: Path):
    honest = zipped({"main.py": "x", "z": b"\0" * 60_000_000})
    size = (60_000_000).to_bytes(4, "little")
    put(tmp_path, "Li.zip", honest.replace(size, (1).to_bytes(4, "little")))

    with pytest.raises(HandInError, match="broken"):
        hand_ins.read_files(only(tmp_path))


def test_a_zip_with_a_password_is_refused(tmp_path: Path):
    put(tmp_path, "Li.zip", with_password(zipped({"main.py": "x"})))

    with pytest.raises(HandInError, match="it is protected by a password"):
        hand_ins.read_files(only(tmp_path))


def test_what_is_not_a_program_is_named(tmp_path: Path):
    for name in ("Li - notes.docx", "Anna Müller.rar", "Ben ONeil/main.pages", "Kim Kay - .env"):
        put(tmp_path, name)
    put(tmp_path, "Kim Kay - env.txt", f"B2_APPLICATION_KEY={APPLICATION_KEY}")

    found, unused = hand_ins.find_hand_ins(tmp_path)

    assert found == []
    assert {one.where: (one.reason, one.broken) for one in unused} == {
        "Li - notes.docx": ("this is not a program, so it was not used", False),
        "Ben ONeil/main.pages": ("this is not a program, so it was not used", False),
        "Kim Kay - .env": ("this is not a program, so it was not used", False),
        "Anna Müller.rar": ("this kind of archive cannot be read; ask for a zip file", True),
        "Kim Kay - env.txt": ("it contains KEYS: delete them in the console", True),
    }


def test_links_in_a_folder_are_not_followed(tmp_path: Path):
    secret = put(tmp_path, "secret.txt", "secret")
    put(tmp_path, "in/Li/main.py")
    make_link(tmp_path / "in" / "Li" / "link.txt", secret)
    make_link(tmp_path / "in" / "Li" / "all", tmp_path, to_folder=True)
    make_link(tmp_path / "in" / "Anna Müller", tmp_path / "in" / "Li", to_folder=True)
    put(tmp_path, "in/Ben ONeil/x.txt")
    make_link(tmp_path / "in" / "Ben ONeil" / "main.py", secret)

    assert owners(tmp_path / "in") == {"s04": ["Li"]}
    assert list(hand_ins.read_files(only(tmp_path / "in"))) == [PurePosixPath("main.py")]


@pytest.mark.parametrize(
    ("name", "content", "named"),
    [
        (".env", f"B2_APPLICATION_KEY={APPLICATION_KEY}", True),
        (".env", "B2_APPLICATION_KEY_ID=\nB2_APPLICATION_KEY=\nB2_BUCKET_NAME=x", False),
        ("env.txt", 'B2_APPLICATION_KEY = "some other key"', True),
        (
            ".env.txt",
            b"\xff\xfe" + f"B2_APPLICATION_KEY={APPLICATION_KEY}".encode("utf-16-le"),
            True,
        ),
        ("dotenv", "B2_APPLICATION_KEY=mine", True),
        ("env.env", "B2_APPLICATION_KEY=mine", True),
        ("notes.txt", f"my key is {APPLICATION_KEY}.", True),
        ("notes.txt", "B2_APPLICATION_KEY=mine", False),
        ("photo.png", b"\x89PNG" + b"K005" * 20, False),
    ],
)
def test_a_filled_in_key_is_named(tmp_path: Path, name: str, content: str | bytes, named: bool):
    put(tmp_path, "Li/main.py")
    put(tmp_path, f"Li/{name}", content)

    assert hand_ins.find_keys(only(tmp_path)) == ([name] if named else [])
    if "env" in name:
        assert PurePosixPath(name) not in hand_ins.read_files(only(tmp_path))


def test_a_program_is_never_mistaken_for_a_file_of_keys(tmp_path: Path):
    for name in ("main.py", "dotenv_tools.py", "_env.py"):
        put(tmp_path, f"Li/{name}")

    assert sorted(map(str, hand_ins.read_files(only(tmp_path)))) == [
        "_env.py",
        "dotenv_tools.py",
        "main.py",
    ]


ANSWERS = '"cookiecutter":{"project_slug":"x","assignment":"guestbook"}'


@pytest.mark.parametrize(
    ("kept", "edited"),
    [
        (f'{{{ANSWERS},"b2-starter":{{"version":"{VERSION}"}}}}', ["tests/test_main.py"]),
        (f'{{"b2-starter": {{"version": "0"}}, "version": "{VERSION}", {ANSWERS}}}', []),
        (f"{{{ANSWERS}}}", []),
        ("{", []),
    ],
    ids=["without spaces", "another version", "no version", "cut"],
)
def test_edited_tests_are_noticed_if_the_project_has_this_version(
    tmp_path: Path, kept: str, edited: list[str]
):
    put(tmp_path, "in/Li/b2-starter.json", kept)
    for name in ("main.py", "tests/test_main.py"):
        put(tmp_path, f"in/Li/{name}")
    (tmp_path / "out").mkdir()

    found = prepare.prepare(only(tmp_path / "in"), "guestbook", "", tmp_path / "out" / "project")

    assert found.edited == edited
