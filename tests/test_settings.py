"""What is in .env: what just works, and what is named as a mistake."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import b2_rules
import b2_settings
import pytest
from b2_problems import SetupError
from b2_settings import read_settings
from conftest import APPLICATION_KEY, KEY_ID
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.usefixtures("no_b2_variables")

GOOD = f"""\
B2_APPLICATION_KEY_ID={KEY_ID}
B2_APPLICATION_KEY={APPLICATION_KEY}
B2_BUCKET_NAME=my-bucket
B2_ENDPOINT=s3.us-east-005.backblazeb2.com
"""
SETTINGS = {
    "B2_APPLICATION_KEY_ID": KEY_ID,
    "B2_APPLICATION_KEY": APPLICATION_KEY,
    "B2_BUCKET_NAME": "my-bucket",
    "B2_ENDPOINT": "https://s3.us-east-005.backblazeb2.com",
}
PRACTICE = re.sub(r"(KEY_ID|KEY)=.*", r"\1=", GOOD)

Save = Callable[..., None]


@pytest.fixture(params=["python-dotenv", "nothing but boto3"])
def save(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Save:
    """Return a function that saves a file next to b2_client.py, for both ways to read it."""
    monkeypatch.setattr(b2_settings, "HERE", tmp_path)
    if request.param == "nothing but boto3":
        monkeypatch.setitem(sys.modules, "dotenv", None)  # importing it fails

    def save_file(content: str | bytes, name: str = ".env") -> None:
        data = content if isinstance(content, bytes) else content.encode()
        (tmp_path / name).write_bytes(data)

    return save_file


def advice() -> str:
    """Return what read_settings() complains about."""
    with pytest.raises(SetupError) as caught:
        read_settings()
    text = str(caught.value)
    assert APPLICATION_KEY not in text
    assert KEY_ID not in text
    return text


def change(name: str, value: str) -> str:
    return re.sub(rf"^{name}=.*", lambda _: f"{name}={value}", GOOD, flags=re.MULTILINE)


HARMLESS = {
    "as it should be": GOOD,
    "a BOM in front": "\ufeff" + GOOD,
    "Windows line ends": GOOD.replace("\n", "\r\n").encode(),
    "old Macintosh line ends": GOOD.replace("\n", "\r").encode(),
    "Notepad's Unicode": GOOD.encode("utf-16"),
    "UTF-16 without a BOM": GOOD.encode("utf-16-le"),
    "UTF-16 the other way round": GOOD.encode("utf-16-be"),
    "an accent saved by an old editor": ("# Schlüssel\n" + GOOD).encode("latin-1"),
    "no line end at the end": GOOD.rstrip("\n"),
    "double quotes": re.sub(r"=(.*)", r'="\1"', GOOD),
    "single quotes": re.sub(r"=(.*)", r"='\1'", GOOD),
    "typographic quotes": re.sub(r"=(.*)", "=\u201c\\1\u201d", GOOD),
    "spaces around =": GOOD.replace("=", " = "),
    "tabs around =": GOOD.replace("=", "\t=\t"),
    "spaces in front": re.sub(r"^", "   ", GOOD, flags=re.MULTILINE),
    "spaces behind": GOOD.replace("\n", "   \n"),
    "export in front": re.sub(r"^(?=B2)", "export ", GOOD, flags=re.MULTILINE),
    "a comment behind": GOOD.replace("my-bucket", "my-bucket   # mine"),
    "a comment behind quotes": GOOD.replace("my-bucket", '"my-bucket" # mine'),
    "invisible characters": GOOD.replace("my-bucket", "\u200bmy-bucket\u00a0"),
    "blank lines and comments": "\n\n# keys\n   # more\n" + GOOD.replace("\n", "\n\n"),
    "another order": "\n".join(reversed(GOOD.splitlines())),
    "another program's lines": "FLASK_DEBUG=1\nPATH_X='C:\\new'\nfoo.bar-baz=1\n" + GOOD,
    "the same line twice": GOOD + "B2_BUCKET_NAME=my-bucket\n",
    "a $ is only a $": "X=${HOME}\n" + GOOD,
}


@pytest.mark.parametrize("content", HARMLESS.values(), ids=HARMLESS)
def test_harmless_variations_just_work(save: Save, content: str | bytes):
    save(content)

    assert read_settings() == SETTINGS


@pytest.mark.parametrize("odd", ["", '""', "''", "   ", "# later", "\u200b"])
def test_both_keys_empty_means_practice(save: Save, odd: str):
    save(PRACTICE.replace("KEY_ID=\n", f"KEY_ID={odd}\n").replace("KEY=\n", f"KEY={odd}\n"))

    assert read_settings()["B2_APPLICATION_KEY"] == ""


MISTAKES = {
    # what was done: (the file, what the advice must say)
    "no key line": (PRACTICE.replace("B2_APPLICATION_KEY=\n", ""), "no line B2_APPLICATION_KEY="),
    "no bucket line": (re.sub("B2_BUCKET.*\n", "", GOOD), "no line B2_BUCKET_NAME="),
    "an empty file": ("", "no line B2_APPLICATION_KEY_ID="),
    "one key blank": (change("B2_APPLICATION_KEY", ""), "B2_APPLICATION_KEY is empty"),
    "the other key blank": (change("B2_APPLICATION_KEY_ID", ""), "B2_APPLICATION_KEY_ID is empty"),
    "blank bucket": (change("B2_BUCKET_NAME", ""), "B2_BUCKET_NAME is empty"),
    "blank bucket in practice": (PRACTICE.replace("my-bucket", ""), "B2_BUCKET_NAME is empty"),
    "blank endpoint": (change("B2_ENDPOINT", ""), "B2_ENDPOINT is empty in .env"),
    "impossible bucket": (change("B2_BUCKET_NAME", "my_bucket"), "'my_bucket' cannot be"),
    "default bucket with keys": (change("B2_BUCKET_NAME", "your-bucket-name"), "still has"),
    "native endpoint": (change("B2_ENDPOINT", "api.backblazeb2.com"), "native API"),
    "Amazon's endpoint": (change("B2_ENDPOINT", "s3.amazonaws.com"), "Amazon"),
    "placeholder keyID": (change("B2_APPLICATION_KEY_ID", "<YOUR KEYID>"), "still has an example"),
    "placeholder key": (change("B2_APPLICATION_KEY", "your-application-key"), "still has an"),
    "crosses for a key": (change("B2_APPLICATION_KEY", "xxxxxxxx"), "still has an example"),
    "a space in a key": (
        change("B2_APPLICATION_KEY", "K005 abc"),
        "there is a space at position 5",
    ),
    "a colon for =": (PRACTICE + f"B2_APPLICATION_KEY: {APPLICATION_KEY}", "Line 5 of .env"),
    "set in front": (PRACTICE + f"set B2_APPLICATION_KEY={APPLICATION_KEY}", "Line 5"),
    "a bullet in front": (PRACTICE + f"- B2_APPLICATION_KEY={APPLICATION_KEY}", "Line 5"),
    "a bullet and a colon": (PRACTICE + f"* keyID: {KEY_ID}", "Line 5"),
    "PowerShell": (PRACTICE + f"$env:B2_APPLICATION_KEY='{APPLICATION_KEY}'", "Line 5"),
    "an unclosed quote": (change("B2_APPLICATION_KEY", f'"{APPLICATION_KEY}'), "Line 2"),
    "a quote too many": (change("B2_APPLICATION_KEY", f"'{APPLICATION_KEY}'x"), "Line 2"),
    "a name alone": (PRACTICE + "B2_APPLICATION_KEY", "Write it as B2_APPLICATION_KEY= and then"),
    "the key alone": (PRACTICE + APPLICATION_KEY, "Line 5 of .env cannot be read"),
    "two values": (GOOD + "\nB2_BUCKET_NAME=another", "on line 3 and on line 6"),
    "keys above the blank lines": (GOOD + PRACTICE, "B2_APPLICATION_KEY_ID is in .env twice"),
    "another name": (PRACTICE + f"B2_KEY_ID={KEY_ID}", "a line B2_KEY_ID=, which no program reads"),
    "small letters": (PRACTICE + f"b2_application_key={APPLICATION_KEY}", "which no program reads"),
    "a key as bucket": (change("B2_BUCKET_NAME", APPLICATION_KEY), "(an applicationKey)"),
    "a key with a space as bucket": (change("B2_BUCKET_NAME", "K005b bbbbbb"), "cannot be"),
    "an = too many": (change("B2_APPLICATION_KEY", f"={APPLICATION_KEY}"), "next to the key"),
    "a comment glued on": (change("B2_APPLICATION_KEY", f"{APPLICATION_KEY}#x"), "next to the key"),
    "a key as endpoint": (change("B2_ENDPOINT", APPLICATION_KEY), "(an applicationKey)"),
}


@pytest.mark.parametrize(("content", "said"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_named_and_is_never_practice(save: Save, content: str, said: str):
    save(content)

    text = advice()

    assert said in text
    assert len(text) < 400


def test_no_file_at_all(save: Save):
    assert "There is no .env file" in advice()


def test_env_txt_with_a_dot_in_front_is_noticed(save: Save):
    save(GOOD, ".env.txt")
    assert "There is a file called .env.txt, but programs only read .env and env.txt." in advice()

    save(PRACTICE)
    assert "Rename .env.txt to env.txt." in advice()
    save(PRACTICE, ".env.txt")
    assert read_settings()["B2_APPLICATION_KEY"] == ""


def test_a_file_that_cannot_be_opened(save: Save, monkeypatch: pytest.MonkeyPatch):
    save(GOOD)

    def refuse(path: Path) -> bytes:  # what Windows says about a file that another program locks
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert "cannot be opened: Permission denied" in advice()


def test_env_txt_does_the_same(save: Save):
    save(GOOD, "env.txt")
    assert read_settings() == SETTINGS

    save(change("B2_BUCKET_NAME", "no"), "env.txt")
    assert "B2_BUCKET_NAME in env.txt" in advice()


def test_env_comes_before_env_txt(save: Save):
    save(GOOD)
    save(change("B2_BUCKET_NAME", "another-bucket"), "env.txt")

    assert read_settings() == SETTINGS


def test_env_txt_counts_if_the_hidden_env_has_no_keys(save: Save):
    save(PRACTICE)
    save(GOOD, "env.txt")

    assert read_settings() == SETTINGS


def test_the_environment_wins_even_if_it_is_blank(save: Save, monkeypatch: pytest.MonkeyPatch):
    save(GOOD)
    monkeypatch.setenv("B2_BUCKET_NAME", "from-the-shell")
    assert read_settings()["B2_BUCKET_NAME"] == "from-the-shell"

    monkeypatch.setenv("B2_APPLICATION_KEY", "")
    assert "B2_APPLICATION_KEY is empty" in advice()


def test_with_four_variables_no_file_is_read(save: Save, monkeypatch: pytest.MonkeyPatch):
    save("this is: not a file that could be read")
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)

    assert read_settings() == SETTINGS


def test_a_real_key_is_never_mistaken_for_a_placeholder():
    for middle in ("your", "example", "xxx", "paste", "keyid"):
        key = ("K005" + middle + "A" * 27)[:31]
        assert not b2_rules.is_placeholder(key)


# The reader for places without python-dotenv reads as python-dotenv does.
names = st.sampled_from(["B2_APPLICATION_KEY", "X", "a.b", "export"])
values = st.text(st.sampled_from("ab1 '\"\\#=$n\t\u00e9{}"), max_size=8)
lines = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "export ", "  "]),
    names,
    st.sampled_from(["=", " = "]),
    values,
)


@settings(
    deadline=None, max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(lines, max_size=4).map("\n".join))
@example("B2_APPLICATION_KEY='#'")
def test_both_readers_read_the_same(text: str):
    def read(with_dotenv: bool) -> object:
        with pytest.MonkeyPatch.context() as patch:
            if not with_dotenv:
                patch.setattr(b2_settings, "_read_with_dotenv", lambda text: None)
            try:
                return b2_settings._parse(text, ".env")
            except SetupError as error:
                return str(error)

    assert read(with_dotenv=True) == read(with_dotenv=False)


@settings(
    deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    data=st.binary(max_size=200)
    | st.text(max_size=200).map(str.encode)
    | st.tuples(st.sampled_from(GOOD.splitlines()), st.binary(max_size=9)).map(
        lambda pair: pair[0].encode() + pair[1]
    )
)
def test_whatever_is_in_the_file_there_is_advice(
    data: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(b2_settings, "HERE", tmp_path)
    (tmp_path / ".env").write_bytes(data)

    assert advice()
