"""Answers: what is taken, what is refused and how, and what a refusal leaves behind."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import b2_rules
import pytest
from conftest import APPLICATION_KEY, GOOD_ANSWERS, KEY_ID, QUESTIONS, ROOT, Bake, Project, Run
from cookiecutter.exceptions import FailedHookException
from dotenv import dotenv_values
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

RULES = QUESTIONS["_rules"]
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
    "http://s3.us-east-005.backblazeb2.com": "not to http://",
    "s3.backblazeb2.com": "region",
    "https://localhost": "127.0.0.1:PORT",
    "https://example.com": "not an endpoint of Backblaze",
    "https://https://s3.us-east-005.backblazeb2.com": "not an endpoint",
    "s3://my-bucket": "not an endpoint",
    "<YOUR ENDPOINT>": "not an endpoint",
    "us-east-005": "not an endpoint",
    "   ": "is empty",
    "http://127.0.0.1:99999": "127.0.0.1:PORT",
    "http://localhost:0": "127.0.0.1:PORT",
}


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_the_endpoint_is_kept_as_boto3_needs_it(bake: Bake, endpoint: str):
    project = bake(endpoint=endpoint)

    assert project.answers()["endpoint"] == CLEAN
    assert f"\nB2_ENDPOINT={CLEAN}\n" in project.read(".env")
    assert b2_rules.clean_endpoint(endpoint) == CLEAN


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:9000", "http://localhost:8080/"])
def test_a_server_on_this_computer_is_an_endpoint(bake: Bake, endpoint: str):
    assert bake(endpoint=endpoint).answers()["endpoint"] == endpoint.rstrip("/")


@pytest.mark.parametrize(("endpoint", "looks_like"), NOT_ENDPOINTS.items())
def test_another_address_is_refused_with_what_it_looks_like(
    bake: Bake, tmp_path: Path, capfd: pytest.CaptureFixture[str], endpoint: str, looks_like: str
):
    with pytest.raises(FailedHookException):
        bake(endpoint=endpoint)

    printed = capfd.readouterr().out
    assert looks_like in printed
    assert b2_rules.ENDPOINT_RULE in printed
    assert list(tmp_path.iterdir()) == []
    _problem, reason = b2_rules.find_endpoint_problem(b2_rules.clean_endpoint(endpoint)) or ("", "")
    assert looks_like in reason


@pytest.mark.parametrize("name", ["Testbucket", "a-bucket", "x" * 63, "123456", "-----a"])
def test_bucket_names_that_b2_may_have_are_taken(bake: Bake, name: str):
    assert bake(bucket_name=name).answers()["bucket_name"] == name


BAD: dict[str, list[Any]] = {
    "bucket_name": ["short", "x" * 64, "b2-bucket", "B2-bucket", "my_bucket", "my bucket",
                    "my.bucket", "büro-bucket", "my-bucket\n", "it's mine", "", None, 7],
    "project_slug": ["a/b", "a/b/c", "../evil", "a\\b", ".hidden", "-f", "con", "COM1", "x" * 61,
                     "has space", "dot.", "a\nb", 5, None],
    "project_name": [" ", "two\nlines", "x" * 101, None, ["a"], "tab\there"],
    "endpoint": [None, 7],
}


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, values in BAD.items() for v in values])
def test_a_refused_answer_leaves_nothing_behind(
    bake: Bake, tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str, value: Any
):
    output = tmp_path / "one" / "two"

    # Of a slug with folders in it, the hook has removed what cookiecutter wants to remove.
    with pytest.raises((FailedHookException, FileNotFoundError)):
        bake.replay(output, **{name: value})

    printed = capfd.readouterr().out
    assert f"\n{name}: {str(value)!r}\n" in printed
    assert RULES[name][1] in printed
    assert retry_line(printed).startswith("cookiecutter ")
    assert f" {name}=" not in retry_line(printed)
    assert list(output.iterdir()) == []
    assert [path.name for path in output.parent.iterdir()] == ["two"]


def test_a_replayed_assignment_that_does_not_exist_is_refused_with_the_list(
    bake: Bake, capfd: pytest.CaptureFixture[str]
):
    with pytest.raises(FailedHookException):
        bake.replay(assignment="no-such-thing")

    assert "one of: hello-bucket" in capfd.readouterr().out


def test_all_bad_answers_are_named_at_once(bake: Bake, capfd: pytest.CaptureFixture[str]):
    with pytest.raises(FailedHookException):
        bake(bucket_name="no", endpoint="no")

    printed = capfd.readouterr().out
    assert "\nbucket_name: 'no'\n" in printed
    assert "\nendpoint: 'no'\n" in printed


@pytest.mark.parametrize("name", ["bucket_name", "project_name"])
@pytest.mark.parametrize("key", [APPLICATION_KEY, APPLICATION_KEY[:-1] + "Z", "K005 " + "a" * 27])
def test_a_key_typed_as_an_answer_is_refused_and_not_shown_again(
    bake: Bake, capfd: pytest.CaptureFixture[str], name: str, key: str
):
    if name == "project_name" and " " in key:
        key = f"My key: {APPLICATION_KEY}"
    with pytest.raises(FailedHookException):
        bake.replay(**{name: key})  # type: ignore[arg-type]

    assert key[5:] not in capfd.readouterr().out


@pytest.mark.parametrize("deaf", [False, True], ids=["hears Ctrl-C", "ignores Ctrl-C"])
@pytest.mark.parametrize("slug", [".", "./", "..", "x/..", "x/../..", "x/../y", "/"])
def test_the_output_folder_is_never_the_project_and_never_removed(
    cli: Callable[..., Run], tmp_path: Path, slug: str, deaf: bool
):
    # Left alone, cookiecutter removes the whole output folder when x/.. is refused. The hook
    # stops it as Ctrl-C does; a job in the background of a script does not hear Ctrl-C.
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine", encoding="utf-8")
    handler = signal.SIG_IGN if deaf else signal.default_int_handler
    before = signal.signal(signal.SIGINT, handler)
    try:
        done = cli("--no-input", "-f", f"project_slug={slug}")
    finally:
        signal.signal(signal.SIGINT, before)

    assert done.code in ((1, -signal.SIGTERM) if deaf else (1,))
    assert "A folder name has" in done.out
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]
    assert {path.name for path in tmp_path.iterdir()} == {"home", "out"}


def retry_line(printed: str) -> str:
    return next(line for line in printed.splitlines() if line.startswith("cookiecutter "))


ODD = ["Ada's Projekt", "$HOME `id` #1 !x", "a;b&c|d<e>f", "*?[x] {y} ~", "100% ^fine^", "😀"]


def test_the_retry_line_works_as_it_stands(cli: Callable[..., Run], tmp_path: Path):
    for number, odd in enumerate(ODD):
        named = [f"project_name={odd}", f"project_slug=p{number}"]
        refused = cli("--no-input", *named, "bucket_name=no")
        assert refused.code == 1
        line = retry_line(refused.out)

        # Typed into a shell; the refused answer is asked again, Enter takes the others.
        command = line.replace("cookiecutter", f"{sys.executable} -m cookiecutter", 1)
        shell = subprocess.run(
            ["bash", "-c", command], cwd=tmp_path / "out", input=b"\n\nmy-bucket\n\n\n",
            capture_output=True, env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}, check=False,
        )

        assert shell.returncode == 0, shell.stderr
        project = Project(tmp_path / "out" / f"p{number}")
        assert project.answers()["project_name"] == odd
        assert project.answers()["bucket_name"] == "my-bucket"


def powershell_words(line: str) -> list[str]:
    """Split a line as PowerShell does, as far as quotes go.

    Source: Microsoft Learn, about_Quoting_Rules and about_Parsing: in single quotes only ''
    is special; in double quotes $ and ` would be; typographic quotes count as quotes.
    """
    words: list[str] = []
    word, quote = "", ""
    for sign in line + " ":
        assert sign not in "\u2018\u2019\u201a\u201b\u201c\u201d\u201e", "a typographic quote"
        if quote:
            assert not (quote == '"' and sign in "$`")
            quote, word = ("", word) if sign == quote else (quote, word + sign)
        elif sign in "'\"":
            quote = sign
        elif sign == " ":
            words, word = ([*words, word] if word else words), ""
        else:
            assert sign not in "`$;&|<>(){}@#,", f"{sign} is special in PowerShell"
            word += sign
    assert not quote
    return words


@pytest.mark.parametrize("odd", ODD)
def test_the_retry_line_means_the_same_in_powershell(
    bake: Bake, tmp_path: Path, capfd: pytest.CaptureFixture[str], odd: str
):
    with pytest.raises(FailedHookException):
        bake.replay(project_name=odd, bucket_name="no")

    assert f"project_name={odd}" in powershell_words(retry_line(capfd.readouterr().out))


@pytest.mark.parametrize(
    "odd", ['a "quote"', "“typographic”", "Ada’s", "ends with \\", "{{ 7 * 7 }}", "{% x", "{# y"]
)
def test_an_answer_that_no_quoting_carries_everywhere_is_asked_again(
    bake: Bake, capfd: pytest.CaptureFixture[str], odd: str
):
    with pytest.raises(FailedHookException):
        bake.replay(project_name=odd, bucket_name="no")

    line = retry_line(capfd.readouterr().out)
    assert "project_name" not in line
    assert "project_slug='proj'" in line


def test_the_retry_line_repeats_how_the_template_was_called(
    cli: Callable[..., Run], tmp_path: Path
):
    (tmp_path / "out" / "proj").mkdir(parents=True)
    (tmp_path / "out" / "proj" / "mine.txt").write_text("mine", encoding="utf-8")

    there = cli("--no-input", "-f", "project_slug=proj", "bucket_name=no")
    elsewhere = cli("--no-input", "-o", str(tmp_path / "other folder"), "bucket_name=no")

    assert " -f " in retry_line(there.out)
    assert " -o " not in retry_line(there.out)
    assert " -f " not in retry_line(elsewhere.out)
    assert f" -o '{tmp_path / 'other folder'}' " in retry_line(elsewhere.out)
    assert (tmp_path / "out" / "proj" / "mine.txt").read_text(encoding="utf-8") == "mine"


def test_the_retry_line_names_the_checkout_and_no_token(tmp_path: Path):
    hook = (ROOT / "hooks" / "pre_gen_project.py").read_text(encoding="utf-8")
    namespace: dict[str, Any] = {"__name__": "hook"}
    exec(hook, namespace)
    given = {**GOOD_ANSWERS, "_questions": list(GOOD_ANSWERS), "_output_dir": str(tmp_path),
             "_template": "https://user:secret@example.com/b2-starter.git", "_checkout": "v1"}

    line = namespace["retry_command"](given, {"bucket_name": ""})

    assert line.startswith("cookiecutter https://example.com/b2-starter.git -c v1 ")
    assert "secret" not in line


# What cookiecutter refuses before our hook is asked: nothing of it is ours to explain.
CLI_REFUSALS = [
    (["assignment=nothing"], "choices are"),
    (["project_slug=" + "x" * 300], "File name too long"),
    (["no-equals-sign"], "EXTRA_CONTEXT should contain items of the form key=value"),
]


@pytest.mark.parametrize(("words", "text"), CLI_REFUSALS)
def test_what_cookiecutter_refuses_itself(
    cli: Callable[..., Run], tmp_path: Path, words: list[str], text: str
):
    done = cli("--no-input", *words)

    assert done.code != 0
    assert text in done.printed
    assert list((tmp_path / "out").iterdir()) == []


def test_an_existing_folder_is_refused_without_force(cli: Callable[..., Run], project: Project):
    done = cli("--no-input", "-o", str(project.path.parent))

    assert done.code == 1
    assert "already exists" in done.printed


def test_five_questions_in_plain_words(cli: Callable[..., Run], tmp_path: Path):
    done = cli(typed="Ada's Photos\n\nadas-photos\ns3.eu-central-003.backblazeb2.com\n\n")

    assert done.code == 0
    assert done.out.count("?") >= 5
    assert "[5/5]" in done.out
    project = Project(tmp_path / "out" / "ada-s-photos")
    assert project.answers() == {
        "project_name": "Ada's Photos", "project_slug": "ada-s-photos",
        "bucket_name": "adas-photos", "endpoint": "https://s3.eu-central-003.backblazeb2.com",
        "assignment": "hello-bucket",
    }


@pytest.mark.parametrize(
    ("name", "folder"),
    [("😀", "my-b2-project"), ("Con", "con-project"), ("LPT1", "lpt1-project"),
     ("Über Größe", "uber-grosse"), ("---", "my-b2-project"), ("combo", "combo"),
     ("../../etc", "etc"), ("x" * 90, "x" * 50)],
)
def test_every_name_gives_a_safe_folder_name(bake: Bake, name: str, folder: str):
    assert bake(project_name=name).path.name == folder


def test_nothing_secret_is_kept_by_cookiecutter(
    bake: Bake, cookiecutter_config: dict[str, Any]
):
    project = bake()
    project.write(".env", f"B2_APPLICATION_KEY_ID={KEY_ID}\nB2_APPLICATION_KEY={APPLICATION_KEY}\n")
    bake(force=True)

    kept = [file.read_text(encoding="utf-8")
            for file in Path(cookiecutter_config["replay_dir"]).glob("*.json")]
    assert kept
    assert not any(APPLICATION_KEY in text or KEY_ID in text for text in kept)
    assert set(json.loads(kept[0])["cookiecutter"]) >= set(GOOD_ANSWERS)


text = st.text(max_size=40) | st.sampled_from(
    ["{{ cookiecutter }}", "{% raw %}", "'\"\"\"'", "\\", "a\\", "#$&", "\r\n", "\x00", "..", "/",
     "C:\\x", "NUL", "nul.txt", "~", "*", "😀" * 30, " lead", "trail ", "${HOME}", "%PATH%"]
)
slugs = text | st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True)
buckets = text | st.from_regex(RULES["bucket_name"][0], fullmatch=True)
endpoints = text | st.sampled_from([*ENDPOINTS, *NOT_ENDPOINTS])


@settings(deadline=None, max_examples=60, suppress_health_check=[
    HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(name=text, slug=slugs, bucket=buckets, endpoint=endpoints)
def test_any_answers_make_a_sound_project_or_nothing(
    bake: Bake, tmp_path_factory: pytest.TempPathFactory,
    name: str, slug: str, bucket: str, endpoint: str,
):
    assume(slug not in ("", ".", "..", "/"))  # these exist already, which cookiecutter refuses
    output = tmp_path_factory.mktemp("any") / "output"
    answers: dict[str, Any] = {"project_name": name, "project_slug": slug, "bucket_name": bucket,
               "endpoint": endpoint}
    try:
        project = bake.replay(output, **answers)
    except (FailedHookException, OSError, ValueError):
        assert list(output.iterdir()) == []
        assert [path.name for path in output.parent.iterdir()] == ["output"]
        return

    kept = project.answers()
    assert kept == {**answers, "endpoint": b2_rules.clean_endpoint(endpoint),
                    "assignment": "hello-bucket"}
    env = dotenv_values(project.path / ".env", interpolate=False)
    assert env["B2_BUCKET_NAME"] == bucket
    assert env["B2_ENDPOINT"] == kept["endpoint"]
    assert project.path == output / slug
    for file in project.path.rglob("*.py"):
        compile(file.read_text(encoding="utf-8"), str(file), "exec")
