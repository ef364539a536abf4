"""Answers: what is accepted, what is refused and how; and a refusal leaves nothing behind."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import b2_rules
import click
import pytest
from conftest import (
    APPLICATION_KEY,
    GOOD_ANSWERS,
    KEY_ID,
    Bake,
    Project,
    Run,
    contents_of,
    some_thorough,
)
from cookiecutter.exceptions import CookiecutterException, OutputDirExistsException
from dotenv import dotenv_values
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from hooks.answer import (
    FOLDER_NAME_RULE,
    PROJECT_NAME_RULE,
    clean,
    find_problem,
    make_folder_name,
)
from hooks.command import Command
from hooks.project import ASSIGNMENTS


def accept(name: str, typed: str) -> str:
    """Return an answer that is accepted, as it is kept."""
    answer = clean(name, typed, ASSIGNMENTS)
    assert find_problem(name, answer, ASSIGNMENTS) == ""
    return answer


CLEAN = "https://s3.us-east-005.backblazeb2.com"
ENDPOINTS = [
    "s3.us-east-005.backblazeb2.com",
    "https://s3.us-east-005.backblazeb2.com",
    "https://s3.us-east-005.backblazeb2.com/",
    "  S3.US-East-005.BackblazeB2.com  ",
    '"s3.us-east-005.backblazeb2.com"',
    "\u2018s3.us-east-005.backblazeb2.com\u2019",
    "s3.us-east-005.backblazeb2.com\u200b",
]
NOT_ENDPOINTS = {
    "https://api.backblazeb2.com": "native API",
    "api005.backblazeb2.com": "native API",
    "f005.backblazeb2.com": "downloads",
    "https://f003.backblazeb2.com/file/my-bucket/cat.png": "downloads",
    "s3.amazonaws.com": "Amazon",
    "https://s3.us-east-1.amazonaws.com": "Amazon",
    "my-bucket.s3.us-east-005.backblazeb2.com": "in front of s3",
    "https://s3.us-east-005.backblazeb2.com/my-bucket": ".com, such as the bucket's name",
    "http://s3.us-east-005.backblazeb2.com": "not http://",
    "s3.backblazeb2.com": "region",
    "https://localhost": "127.0.0.1:PORT",
    "https://example.com": "not a Backblaze B2 endpoint",
    "https://https://s3.us-east-005.backblazeb2.com": "not a Backblaze B2 endpoint",
    "s3://my-bucket": "not a Backblaze B2 endpoint",
    "<YOUR ENDPOINT>": "not a Backblaze B2 endpoint",
    "us-east-005": "not a Backblaze B2 endpoint",
    "   ": "is empty",
    "http://127.0.0.1:99999": "127.0.0.1:PORT",
    "http://localhost:0": "127.0.0.1:PORT",
}


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_the_endpoint_is_cleaned_as_boto3_needs_it(endpoint: str):
    assert accept("endpoint", endpoint) == CLEAN
    assert b2_rules.clean_endpoint(endpoint) == CLEAN


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:9000", "http://localhost:8080/"])
def test_a_server_on_this_computer_is_an_endpoint(endpoint: str):
    assert accept("endpoint", endpoint) == endpoint.rstrip("/")


@pytest.mark.parametrize(("endpoint", "looks_like"), NOT_ENDPOINTS.items())
def test_another_address_is_refused_with_what_it_looks_like(
    bake: Bake, tmp_path: Path, endpoint: str, looks_like: str
):
    refused = " ".join(refusal(bake, endpoint=endpoint).split())

    assert looks_like in refused
    assert b2_rules.ENDPOINT_RULE in refused
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["Zoë's 👨‍👩‍👧 fam", "no\u00a0break", "日本 #1", "x" * 100])
def test_project_names_of_one_line_are_accepted(bake: Bake, name: str):
    project = bake.replay(project_name=name)

    assert project.answers()["project_name"] == name
    assert project.read("README.md").startswith(f"# {name}\n")


@pytest.mark.parametrize("name", ["Fotos\x1b[D\x1b[D", "a\u2028b", "a\x85b", "\ud800"])
def test_an_invisible_character_is_named(bake: Bake, name: str):
    assert "There is an invisible character in it" in refusal(bake, project_name=name)


@pytest.mark.parametrize("name", ["Testbucket", "a-bucket", "x" * 63, "123456", "-----a"])
def test_bucket_names_that_b2_can_have_are_accepted(name: str):
    assert accept("bucket_name", name) == name


@pytest.mark.parametrize(
    ("name", "typed", "kept"),
    [
        ("bucket_name", ' "ada-photos" ', "ada-photos"),
        ("bucket_name", "\u201cada-photos\u201d\u200b", "ada-photos"),
        ("project_name", "  Ada's Photos ", "Ada's Photos"),
        ("project_slug", " ada ", "ada"),
        ("assignment", "2", "cloud-notes"),
        ("assignment", " guestbook", "guestbook"),
        ("assignment", "Photo-Album", "photo-album"),
    ],
)
def test_what_was_copied_along_with_an_answer_is_removed(name: str, typed: str, kept: str):
    assert accept(name, typed) == kept


def test_an_answer_is_clean_wherever_it_is_kept(bake: Bake, cookiecutter_config: dict[str, Any]):
    typed = {
        "project_name": "  Ada's Photos ",
        "project_slug": " ada ",
        "bucket_name": "\u201cada-photos\u201d\u200b",
        "endpoint": "  S3.US-East-005.BackblazeB2.com/ ",
        "assignment": "2",
    }
    kept = {
        "project_name": "Ada's Photos",
        "project_slug": "ada",
        "bucket_name": "ada-photos",
        "endpoint": CLEAN,
        "assignment": "cloud-notes",
    }

    project = bake(**typed)  # type: ignore[arg-type]

    assert project.path.name == "ada"
    assert project.answers() == kept
    assert "\nB2_BUCKET_NAME=ada-photos\n" in project.read(".env")
    assert f"\nB2_ENDPOINT={CLEAN}\n" in project.read(".env")
    remembered = Path(cookiecutter_config["replay_dir"], "b2-starter.json")
    answers = json.loads(remembered.read_text(encoding="utf-8"))["cookiecutter"]
    assert {name: answers[name] for name in kept} == kept


BAD: dict[str, list[Any]] = {
    "bucket_name": [
        "short",
        "x" * 64,
        "b2-bucket",
        "B2-bucket",
        "my_bucket",
        "my bucket",
        "my.bucket",
        "büro-bucket",
        "my-bucket\nx",
        "it's mine",
        "",
        None,
        7,
        ["a"],
    ],
    "project_slug": [
        "a/b",
        "a/b/c",
        "../evil",
        "../evil/x",
        "a\\b",
        ".hidden",
        "-f",
        "con",
        "COM1",
        "x" * 61,
        "has space",
        "dot.",
        "a\nb",
        5,
        None,
        ["a"],
    ],
    "project_name": [" ", "two\nlines", "x" * 101, None, ["a"], "tab\there", 7],
    "endpoint": [None, 7, ["a"], {"a": 1}],
    "assignment": ["no-such-thing", "0", "9", "-1", "", None, 7, ["hello-bucket"]],
}


def refusal(bake: Bake, **answers: Any) -> str:
    """Return the text of the exception that a Python program gets for a bad answer."""
    with pytest.raises(CookiecutterException) as caught:
        bake.replay(**answers)
    assert isinstance(caught.value, click.ClickException)
    return caught.value.message


def reason_for(name: str, value: Any) -> str:
    """Return part of what should be said about an answer in BAD."""
    if not isinstance(value, str):
        return "This must be text in quotes."
    if value in ("con", "COM1"):
        return f"Windows does not allow the name {value}."
    return {
        "project_name": PROJECT_NAME_RULE,
        "project_slug": FOLDER_NAME_RULE,
        "bucket_name": b2_rules.find_bucket_name_problem(value),
        "assignment": ", ".join(ASSIGNMENTS),
    }[name]


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, values in BAD.items() for v in values])
def test_a_refused_answer_leaves_nothing_behind(bake: Bake, tmp_path: Path, name: str, value: Any):
    if os.name == "nt" and name == "project_slug" and value in ("con", "COM1", "a\nb"):
        pytest.skip("Windows refuses this folder before cookiecutter calls our hook")
    output = tmp_path / "one" / "two"
    temporary = Path(tempfile.gettempdir())
    before = set(temporary.iterdir())

    with pytest.raises(CookiecutterException) as caught:
        bake.replay(output, **{name: value})

    refused = str(caught.value)
    assert f"\n{name}: {value!r}"[:70] in refused
    assert reason_for(name, value) in " ".join(refused.split())
    assert retry_line(refused).startswith("cookiecutter gh:org/b2-starter ")
    assert f" {name}=" not in retry_line(refused)
    assert list(output.iterdir()) == []
    assert [path.name for path in output.parent.iterdir()] == ["two"]
    assert set(temporary.iterdir()) == before


def test_all_bad_answers_are_named_at_once(bake: Bake):
    refused = refusal(bake, bucket_name="no", endpoint="no")

    assert "Some answers cannot be used:" in refused
    assert "\nbucket_name: 'no'\n" in refused
    assert "\nendpoint: 'no'\n" in refused


def test_the_exception_of_a_first_generation_is_the_same(bake: Bake, tmp_path: Path):
    with pytest.raises(CookiecutterException) as caught:
        bake(bucket_name="no")

    assert isinstance(caught.value, click.ClickException)
    assert "\nbucket_name: 'no'\n" in caught.value.message
    assert list(tmp_path.iterdir()) == []


KEYS = {
    "applicationKey": [APPLICATION_KEY, f"My key: {APPLICATION_KEY}", f"K005 {'a' * 27}"],
    "keyID": [KEY_ID, f"{KEY_ID} "],
}


@pytest.mark.parametrize("name", list(GOOD_ANSWERS))
@pytest.mark.parametrize(("word", "key"), [(w, key) for w, keys in KEYS.items() for key in keys])
def test_a_key_as_an_answer_is_recognised_and_not_shown(
    bake: Bake, tmp_path: Path, name: str, word: str, key: str
):
    refused = refusal(bake, **{name: key})

    article = "an" if word == "applicationKey" else "a"
    assert f"That is {article} {word}. Put keys only in the file .env." in refused
    assert key.strip()[-20:].lower() not in refused.lower()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", some_thorough(list(GOOD_ANSWERS), every_day=1))
def test_a_key_in_the_command_is_never_kept_or_shown(
    cli: Callable[..., Run], tmp_path: Path, name: str
):
    done = cli("--no-input", f"{name}={APPLICATION_KEY}")

    assert done.code == 1
    assert APPLICATION_KEY[-20:].lower() not in done.printed.lower()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    "words",
    some_thorough(
        [
            ["bucket_name=no"],
            ["project_slug=../evil"],
            ["project_slug=x/../../evil"],
            ["endpoint=s3.amazonaws.com"],
            ["assignment=nope"],
            ["project_slug="],
            ["project_name="],
            ["--accept-hooks", "no"],
            ["bucket_name=" + "x" * 70, "project_slug=con", "-f"],
            ["project_slug=" + "x" * 300],
        ],
        every_day=2,
    ),
)
def test_a_refused_command_says_why_without_a_traceback_and_changes_nothing(
    cli: Callable[..., Run], tmp_path: Path, words: list[str]
):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine", encoding="utf-8")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}

    asks = len(words[0]) % 2  # then cookiecutter asks, but there is no terminal here
    done = cli(*words, *([] if asks else ["--no-input"]), typed="\n" * 9)

    assert done.code == 1
    assert "Traceback" not in done.printed
    assert "Hook" not in done.printed
    assert "Error: Nothing was " in done.err
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


@pytest.mark.parametrize(
    "slug", some_thorough([".", "./", "..", "x/..", "x/../..", "x/../y", "/", "/tmp"], every_day=2)
)
def test_the_output_folder_is_never_the_project_and_never_removed(
    cli: Callable[..., Run], tmp_path: Path, bake: Bake, slug: str
):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine", encoding="utf-8")
    before = contents_of(tmp_path)

    done = cli("--no-input", "-f", f"project_slug={slug}")
    assert done.code == 1
    assert "A folder name has" in done.err
    assert contents_of(tmp_path) == before

    with pytest.raises((CookiecutterException, OSError)):
        bake.replay(tmp_path / "out", project_slug=slug)  # by a program, from a file
    assert {path.name for path in tmp_path.iterdir()} == {"home", "out", "temporary"}
    assert (tmp_path / "out" / "mine.txt").exists()


@pytest.mark.thorough
@pytest.mark.parametrize("value", [["a"], APPLICATION_KEY], ids=["a list", "a key"])
@pytest.mark.parametrize("name", list(GOOD_ANSWERS))
def test_a_replay_file_that_was_edited(
    cli: Callable[..., Run], tmp_path: Path, name: str, value: Any
):
    (tmp_path / "out").mkdir()
    file = tmp_path / "out" / "answers.json"
    answers = {**GOOD_ANSWERS, name: value}
    file.write_text(json.dumps({"cookiecutter": answers}), encoding="utf-8")
    before = contents_of(tmp_path)

    done = cli("--replay-file", "answers.json", "-f")

    assert done.code == 1
    assert "Traceback" not in done.printed
    assert f"\n{name}: " in done.err
    assert APPLICATION_KEY not in done.printed
    assert contents_of(tmp_path) == before


def retry_line(printed: str) -> str:
    return next(line for line in printed.splitlines() if line.startswith("cookiecutter "))


ODD = [
    "Ada's Projekt",
    "It's $5!",
    "$HOME `id` #1 !x",
    "a;b&c|d<e>f",
    "*?[x] {y} ~",
    "100% ^fine^",
    "😀",
]


IN_SHELLS = {f"{shell}: {odd}": (shell, odd) for shell in ("bash", "zsh") for odd in ODD}
EVERY_DAY = [f"bash: {ODD[0]}", f"bash: {ODD[3]}"]


@pytest.mark.parametrize("case", some_thorough(IN_SHELLS, EVERY_DAY))
def test_the_retry_line_works_as_it_stands(bake: Bake, tmp_path: Path, case: str):
    shell, odd = IN_SHELLS[case]
    if not shutil.which(shell):
        pytest.skip(f"there is no {shell} here")
    line = retry_line(refusal(bake, project_name=odd, project_slug="proj", bucket_name="no"))

    # Typed into a shell: the refused answer is asked for again, Enter keeps the others.
    command = line.replace("cookiecutter", f"{shlex.quote(sys.executable)} -m cookiecutter", 1)
    command = command.replace("gh:org/b2-starter", shlex.quote(str(bake.template)))
    done = subprocess.run(
        [shell, "-c", command],
        cwd=tmp_path,
        input=b"\n\nmy-bucket\n\n\n",
        capture_output=True,
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        check=False,
    )

    assert done.returncode == 0, done.stderr
    project = Project(tmp_path / "proj")
    assert project.answers()["project_name"] == odd
    assert project.answers()["bucket_name"] == "my-bucket"


def words_in_powershell(line: str) -> list[str]:
    """Split a line as PowerShell does, as far as quotes are concerned.

    Source: Microsoft Learn, about_Quoting_Rules and about_Parsing: in single quotes only ''
    is special; in double quotes $ and ` would be; typographic quotes count as quotes. A word that
    begins with a quote ends with it.
    """
    words: list[str] = []
    word, quoted = "", ""
    begun_with_quote = ended = False
    for sign in line + " ":
        assert sign not in "\u2018\u2019\u201a\u201b\u201c\u201d\u201e", "a typographic quote"
        if quoted:
            assert not (quoted == '"' and sign in "$`")
            quoted, word = ("", word) if sign == quoted else (quoted, word + sign)
            ended = not quoted and begun_with_quote
        elif sign in "'\"":
            assert not ended, "PowerShell would begin another word"
            begun_with_quote = begun_with_quote or word == ""
            quoted = sign
        elif sign == " ":
            words, word = ([*words, word] if word else words), ""
            begun_with_quote = ended = False
        else:
            assert not ended, "PowerShell would begin another word"
            assert sign not in "`$;&|<>(){}@#,", f"{sign} is special in PowerShell"
            word += sign
    assert not quoted
    return words


def words_in_cmd(line: str) -> list[str]:
    """Split a line as cmd and a Windows program do, if there are no backslashes.

    Source: Microsoft Learn, "Parsing C command-line arguments" (double quotes alone group), and
    cmd /? (& | < > ^ are special outside of quotes, % everywhere).
    """
    words: list[str] = []
    word, quoted = "", False
    for sign in line + " ":
        assert sign != "%"
        if sign == '"':
            quoted = not quoted
        elif sign == " " and not quoted:
            words, word = ([*words, word] if word else words), ""
        else:
            assert quoted or sign not in "&|<>^()'"
            word += sign
    assert not quoted
    return words


@pytest.mark.parametrize("odd", ODD)
def test_the_retry_line_means_the_same_on_windows(bake: Bake, odd: str):
    line = retry_line(refusal(bake, project_name=odd, bucket_name="no"))

    assert f"project_name={odd}" in words_in_powershell(line)
    if not re.search("[$%]", odd):
        assert f"project_name={odd}" in words_in_cmd(line)


@pytest.mark.parametrize(
    "odd",
    [
        'a "quote" in it',
        "a “typographic” one",
        "Ada’s",
        "ends with \\",
        "{{ 7 * 7 }}",
        "{% x",
        "{# y",
    ],
)
def test_an_answer_that_cannot_be_quoted_everywhere_is_asked_for_again(bake: Bake, odd: str):
    line = retry_line(refusal(bake, project_name=odd, bucket_name="no"))

    assert "project_name" not in line
    assert "project_slug=proj" in line


@pytest.mark.thorough
def test_the_retry_line_repeats_how_the_template_was_called(
    cli: Callable[..., Run], tmp_path: Path
):
    made = cli("--no-input", "project_slug=proj")
    assert made.code == 0, made.err
    there = cli("--no-input", "-f", "project_slug=proj", "bucket_name=no")
    elsewhere = cli("--no-input", "-o", str(tmp_path / "other folder"), "bucket_name=no")

    assert "Nothing was changed." in there.err
    assert " -f " in retry_line(there.err)
    assert " -o " not in retry_line(there.err)
    assert "Nothing was created." in elsewhere.err
    assert " -f " not in retry_line(elsewhere.err)
    assert f' -o "{tmp_path / "other folder"}" ' in retry_line(elsewhere.err)


def test_the_retry_line_names_the_checkout_and_no_token():
    command = Command("https://user:secret@example.com/b2-starter.git", checkout="v1")

    line = command.line("bucket_name=a-bucket")

    assert line == "cookiecutter https://example.com/b2-starter.git -c v1 bucket_name=a-bucket"


# What cookiecutter refuses before it runs any of our code; README.md says what it means.
def test_what_cookiecutter_refuses_itself(cli: Callable[..., Run], tmp_path: Path):
    done = cli("--no-input", "no-equals-sign")

    assert done.code != 0
    assert "EXTRA_CONTEXT should contain items of the form key=value" in done.printed
    assert list((tmp_path / "out").iterdir()) == []


def test_an_existing_folder_is_refused_without_force(
    cli: Callable[..., Run], bake: Bake, project: Project
):
    before = contents_of(project.path)

    done = cli("--no-input", "-o", str(project.path.parent))

    assert done.code == 1
    assert (
        "There is already a folder called my-bucket-project here. Choose another name." in done.err
    )
    assert "--replay-file my-bucket-project/b2-starter.json -f" in done.err
    with pytest.raises(OutputDirExistsException):  # a Python program gets the usual exception
        bake()
    assert contents_of(project.path) == before


def test_five_questions_in_plain_words(cli: Callable[..., Run], tmp_path: Path):
    done = cli(typed="Ada's Photos\n\nadas-photos\ns3.eu-central-003.backblazeb2.com\n\n")

    assert done.code == 0
    assert done.out.count("?") >= 5
    assert "[5/5]" in done.out
    project = Project(tmp_path / "out" / "ada-s-photos")
    assert project.answers() == {
        "project_name": "Ada's Photos",
        "project_slug": "ada-s-photos",
        "bucket_name": "adas-photos",
        "endpoint": "https://s3.eu-central-003.backblazeb2.com",
        "assignment": "hello-bucket",
    }


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("😀", "my-b2-project"),
        ("My B2", "my-b2"),
        ("Con", "con-project"),
        ("LPT1", "lpt1-project"),
        ("Über Größe", "uber-grosse"),
        ("---", "my-b2-project"),
        ("combo", "combo"),
        ("../../etc", "etc"),
        ("x" * 90, "x" * 50),
    ],
)
def test_every_name_gives_a_safe_folder_name(name: str, folder: str):
    assert make_folder_name(name) == folder
    assert find_problem("project_slug", folder, ASSIGNMENTS) == ""


def test_the_folder_is_called_like_the_project(bake: Bake):
    assert bake(project_name="Zoë's Photos").path.name == "zoe-s-photos"


def test_nothing_secret_is_kept_by_cookiecutter(bake: Bake, cookiecutter_config: dict[str, Any]):
    project = bake()
    project.write(".env", f"B2_APPLICATION_KEY_ID={KEY_ID}\nB2_APPLICATION_KEY={APPLICATION_KEY}\n")
    bake(force=True)

    kept = [
        file.read_text(encoding="utf-8")
        for file in Path(cookiecutter_config["replay_dir"]).glob("*.json")
    ]
    assert kept
    assert not any(APPLICATION_KEY in text or KEY_ID in text for text in kept)
    assert set(json.loads(kept[0])["cookiecutter"]) >= set(GOOD_ANSWERS)


text = st.text(max_size=40) | st.sampled_from(
    [
        "{{ cookiecutter }}",
        "{% raw %}",
        '\'"""\'',
        "\\",
        "a\\",
        "#$&",
        "\r\n",
        "\x00",
        "..",
        "/",
        "C:\\x",
        "NUL",
        "nul.txt",
        "~",
        "*",
        "😀" * 30,
        " lead",
        "trail ",
        "${HOME}",
        "%PATH%",
    ]
)
slugs = text | st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True)
buckets = text | st.from_regex(r"[A-Za-z0-9-]{6,63}", fullmatch=True)
endpoints = text | st.sampled_from([*ENDPOINTS, *NOT_ENDPOINTS])


@settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(name=text, slug=slugs, bucket=buckets, endpoint=endpoints)
def test_any_answers_make_a_sound_project_or_nothing(
    bake: Bake,
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    slug: str,
    bucket: str,
    endpoint: str,
):
    assume(slug not in ("", ".", "..", "/"))  # these exist already, which cookiecutter refuses
    output = tmp_path_factory.mktemp("any") / "output"
    answers: dict[str, Any] = {
        "project_name": name,
        "project_slug": slug,
        "bucket_name": bucket,
        "endpoint": endpoint,
    }
    try:
        project = bake.replay(output, **answers)
    except (CookiecutterException, OSError, ValueError):
        assert list(output.iterdir()) == []
        assert [path.name for path in output.parent.iterdir()] == ["output"]
        return

    kept = project.answers()
    cleaned = {name: b2_rules.clean_value(answer) for name, answer in answers.items()}
    assert kept == {
        **cleaned,
        "endpoint": b2_rules.clean_endpoint(endpoint),
        "assignment": "hello-bucket",
    }
    env = dotenv_values(project.path / ".env", interpolate=False)
    assert env["B2_BUCKET_NAME"] == kept["bucket_name"]
    assert env["B2_ENDPOINT"] == kept["endpoint"]
    assert project.path == output / slug
    for file in project.path.rglob("*.py"):
        compile(file.read_text(encoding="utf-8"), str(file), "exec")
