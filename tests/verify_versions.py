"""The template with the oldest cookiecutters that it supports. Run by `nox -s thorough`.

2.1 is the first that supports a template's own filters; 2.4 is the first that asks what a replay
file does not answer, and so the first that can reset a project.
"""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

import pytest
from conftest import Project, Run, clean_environment, python_in, run
from resetting import BROKEN

RESETS = {"2.1.1": False, "2.4.0": True}

pytestmark = [pytest.mark.enable_socket, pytest.mark.thorough]


@pytest.fixture(scope="module", params=RESETS)
def version(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def python(version: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The Python of an environment that has this cookiecutter."""
    folder = tmp_path_factory.mktemp(f"cookiecutter-{version}")
    venv.create(folder, with_pip=True)
    python = str(python_in(folder))
    words = [python, "-m", "pip", "install", "-q", "--no-compile", f"cookiecutter=={version}"]
    subprocess.run(words, check=True, env=clean_environment(), stderr=subprocess.DEVNULL)
    return python


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    for name in ("home", "temporary", "desk"):
        (tmp_path / name).mkdir()
    return tmp_path / "desk"


def environment(desk: Path) -> dict[str, str]:
    home, temporary = desk.parent / "home", desk.parent / "temporary"
    return {
        **clean_environment(),
        "HOME": str(home),
        "USERPROFILE": str(home),
        "TERM": "xterm",
        **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temporary)),
    }


def cookiecutter(python: str, template: Path, desk: Path, *words: str) -> Run:
    return run([python, "-m", "cookiecutter", str(template), *words], desk, environment(desk))


def test_a_project_and_a_refusal(python: str, template: Path, desk: Path):
    refused = cookiecutter(python, template, desk, "--no-input", "bucket_name=no")
    assert refused.code == 1
    assert "It has only 2 characters." in refused.err
    assert "Traceback" not in refused.printed
    assert list(desk.iterdir()) == []

    done = cookiecutter(python, template, desk, "--no-input", "assignment=guestbook")
    assert done.code == 0, done.printed
    project = Project(desk / "my-bucket-project")
    assert project.answers()["assignment"] == "guestbook"
    assert project.python("main.py").code == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no terminals of this kind")
def test_after_a_wrong_answer_the_question_comes_again(python: str, template: Path, desk: Path):
    import pexpect  # Windows has none

    session = pexpect.spawn(
        python,
        ["-m", "cookiecutter", str(template)],
        cwd=str(desk),
        env=environment(desk),
        encoding="utf-8",
        timeout=30,
    )
    wrong_and_right = ["con", "ada", "my_bucket", "ada-photos", "s3.amazonaws.com", "", "9", "2"]
    for answer in ["Ada", *wrong_and_right]:
        session.expect(r"[\])][^\n]*: $|\]: $")
        session.sendline(answer)
    session.expect(pexpect.EOF)
    session.close()

    assert session.exitstatus == 0, session.before
    assert Project(desk / "ada").answers() == {
        "project_name": "Ada",
        "project_slug": "ada",
        "bucket_name": "ada-photos",
        "endpoint": "https://s3.us-east-005.backblazeb2.com",
        "assignment": "cloud-notes",
    }


def test_a_reset_works_or_names_the_version_that_it_needs(
    python: str, version: str, template: Path, desk: Path
):
    assert cookiecutter(python, template, desk, "--no-input").code == 0
    project = Project(desk / "my-bucket-project")
    project.write("b2_client.py", BROKEN)
    words = ["--replay-file", "my-bucket-project/b2-starter.json", "-f"]

    done = cookiecutter(python, template, desk, *words)

    if RESETS[version]:
        assert done.code == 0, done.printed
        assert "brought up to date: b2_client.py" in done.out
    else:
        assert done.code == 1
        assert "This needs cookiecutter 2.4 or newer" in done.out
        assert project.read("b2_client.py") == BROKEN
        by_name = cookiecutter(python, template, desk, "--no-input", "-f")
        assert by_name.code == 0, by_name.printed
        assert "brought up to date: b2_client.py" in by_name.out
