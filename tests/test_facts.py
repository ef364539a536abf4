"""b2_rules.py: what B2 accepts and refuses, and the words for each mistake."""

from __future__ import annotations

import ast
import re
import runpy
import sys

import b2_rules
import pytest
from b2_rules import (
    clean_endpoint,
    find_bucket_name_problem,
    find_endpoint_problem,
    find_key,
    is_windows_name,
    shown,
)
from conftest import APPLICATION_KEY, INSIDE, KEY_ID, OTHER_SECRET
from hypothesis import given, settings
from hypothesis import strategies as st

BROKEN = [  # how a key looks when copied from a chat, a PDF file or a terminal
    f"{APPLICATION_KEY[:4]} {APPLICATION_KEY[4:]}",
    f"{APPLICATION_KEY[:20]}\n{APPLICATION_KEY[20:]}",
    f"{APPLICATION_KEY[:9]}  {APPLICATION_KEY[9:15]}\r\n{APPLICATION_KEY[15:]}",
    " ".join(re.findall(".{1,4}", APPLICATION_KEY)),
    "K005 " + "a" * 27,
]

BUCKET_NAMES = {
    # the name: what is wrong with it; "" if B2 could have such a bucket
    "Testbucket": "",
    "a-bucket": "",
    "x" * 63: "",
    "123456": "",
    "-----a": "",
    "0" * 42: "",
    "a": "It has only 1 character. A bucket name has at least 6.",
    "ada": "It has only 3 characters. A bucket name has at least 6.",
    "": "It is empty. A bucket name has at least 6 characters.",
    "x" * 64: "It has 64 characters. A bucket name has at most 63.",
    "ada_photos": "There is an underscore in it. A bucket name has only letters from a to z,"
    " digits and hyphens.",
    "ada photos": "There is a space in it.",
    "ada.photos": "There is a dot in it.",
    "my-bucket\n": "There is a line break in it.",
    "my\u200bbucket": "There is an invisible character in it.",
    "my\tbucket": "There is an invisible character in it.",
    "class-notes/homework": "The part behind the / is a folder, and B2 has no place for it here."
    " Write only class-notes. A folder belongs in front of a file's name, as in homework/a.txt.",
    "class-notes/": "The part behind the / is a folder",
    "/class": "There is the character / in it.",
    "büro-bucket": "There is the character ü in it.",
    "it's mine": "There is the character ' in it.",
    "b2-photos": "It begins with b2-. Backblaze keeps such bucket names for itself.",
    "B2-photos": "It begins with b2-.",
    APPLICATION_KEY: "It contains an applicationKey. That belongs in .env, after"
    " B2_APPLICATION_KEY=.",
    KEY_ID: "It contains a keyID. That belongs in .env, after B2_APPLICATION_KEY_ID=.",
    f"ada-{KEY_ID}": "It contains a keyID.",
    f"ada-{APPLICATION_KEY}": "It contains an applicationKey.",
    **dict.fromkeys(BROKEN, "It contains an applicationKey."),
}


@pytest.mark.parametrize("name", BUCKET_NAMES)
def test_what_is_wrong_with_a_bucket_name(name: str):
    problem = find_bucket_name_problem(name)

    assert problem.startswith(BUCKET_NAMES[name])
    assert bool(problem) == bool(BUCKET_NAMES[name])
    assert problem == "" or problem.endswith(".")


@pytest.mark.parametrize("key", [APPLICATION_KEY, OTHER_SECRET, *BROKEN])
def test_a_key_in_place_of_an_endpoint_is_named_and_not_shown(key: str):
    reason = "It contains an applicationKey. That belongs in .env, after B2_APPLICATION_KEY=."

    assert find_endpoint_problem(clean_endpoint(key)) == ("endpoint-not-s3", reason)
    assert find_endpoint_problem(clean_endpoint(f"https://{key}")) == ("endpoint-not-s3", reason)


def test_a_key_id_in_place_of_an_endpoint_is_named():
    reason = "It contains a keyID. That belongs in .env, after B2_APPLICATION_KEY_ID=."

    assert find_endpoint_problem(clean_endpoint(KEY_ID)) == ("endpoint-not-s3", reason)
    assert find_endpoint_problem(clean_endpoint(KEY_ID.upper())) == ("endpoint-not-s3", reason)


@pytest.mark.parametrize(
    ("port", "is_fine"),
    [
        ("1", True),
        ("80", True),
        ("9000", True),
        ("65535", True),
        ("0", False),
        ("65536", False),
        ("99999", False),
        ("080", False),
        ("9" * 5000, False),
        ("", False),
        ("x", False),
        ("\u0661", False),
    ],
)
def test_the_ports_of_a_server_on_this_computer(port: str, is_fine: bool):
    for host in ("127.0.0.1", "localhost"):
        problem = find_endpoint_problem(f"http://{host}:{port}")
        assert (problem is None) == is_fine


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (APPLICATION_KEY, "applicationKey"),
        (f"my {APPLICATION_KEY}!", "applicationKey"),
        (f"{KEY_ID} {APPLICATION_KEY}", "applicationKey"),
        *[(text, "applicationKey") for text in BROKEN],
        *[(f"My key: {text}. Ada", "applicationKey") for text in BROKEN],
        (KEY_ID, "keyID"),
        (f"keyID={KEY_ID}\n", "keyID"),
        (f"my-{KEY_ID}-x", "keyID"),
        ("", ""),
        ("My Bucket Project", ""),
        ("0" * 42, ""),
        (f"x{KEY_ID}", ""),
        (f"{KEY_ID}0", ""),
        (KEY_ID[:-1], ""),
        (APPLICATION_KEY[:-1], ""),
        ("K001 Physics project of the class of Ada", ""),
    ],
)
def test_a_key_in_a_text_is_found(text: str, found: str):
    assert find_key(text) == found


@settings(deadline=None)
@given(
    before=st.text(max_size=5),
    after=st.text(max_size=5),
    gaps=st.lists(
        st.tuples(st.integers(0, 31), st.sampled_from([" ", "\n", "\r\n", "\t"])), max_size=4
    ),
)
def test_a_key_is_never_shown(before: str, after: str, gaps: list[tuple[int, str]]):
    key = APPLICATION_KEY
    for place, gap in sorted(gaps, reverse=True):
        key = key[:place] + gap + key[place:]

    for text in (before + key + after, clean_endpoint(key)):
        visible = "".join(ast.literal_eval(shown(text)).split()).lower()
        assert APPLICATION_KEY[4:].lower() not in visible
        assert APPLICATION_KEY[-12:-1].lower() not in visible


@pytest.mark.parametrize(
    "name",
    [
        "con",
        "prn",
        "aux",
        "nul",
        "CON",
        "Nul",
        "com0",
        "com1",
        "COM9",
        "lpt0",
        "lpt9",
        "com\u00b9",
        "com\u00b2",
        "LPT\u00b3",
        "con.txt",
        "NUL.tar.gz",
        "con .txt",
        "con   .txt",
        "con.",
        "con ",
        "lpt1.",
        "aux.c",
        "conin$",
        "CONOUT$",
    ],
)
def test_names_that_windows_keeps(name: str):
    assert is_windows_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "contest",
        "icon",
        "con1",
        "com",
        "com10",
        "lpt",
        "console.txt",
        "my con",
        "a.con",
        ".con",
        "con-txt",
        "nul_",
        "com\u2074",
        "com\u0661",
        " con",
    ],
)
def test_names_that_windows_does_not_keep(name: str):
    assert not is_windows_name(name)


def test_the_rules_can_be_loaded_by_their_path_and_leave_nothing_behind(
    monkeypatch: pytest.MonkeyPatch,
):
    """Code that only checks answers needs none of the other modules."""
    monkeypatch.setattr(sys, "path", [name for name in sys.path if "b2_inside" not in name])
    before = set(sys.modules)

    rules = runpy.run_path(str(INSIDE / "b2_rules.py"))

    assert rules["clean_endpoint"]("S3.us-east-005.backblazeb2.com/") == (
        "https://s3.us-east-005.backblazeb2.com"
    )
    assert rules["find_bucket_name_problem"]("ada") == b2_rules.find_bucket_name_problem("ada")
    assert {name for name in set(sys.modules) - before if name.startswith("b2_")} == set()
