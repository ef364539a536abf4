"""A person at a Windows console, under Wine: the questions, and the programs of the project."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pexpect
import pytest
from conftest import Project

assert sys.platform == "linux", "nox -s windows is for Linux."

from windows_rig import Rig, run_python  # noqa: E402

pytestmark = pytest.mark.enable_socket


@pytest.fixture(scope="module")
def rig() -> Rig:
    return Rig(Path(os.environ["WINDOWS_RIG"]))  # nox -s windows has set it up


@pytest.fixture(scope="module")
def desk(rig: Rig) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="desk-", dir=rig.drive) as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def project(rig: Rig, desk: Path) -> Project:
    """A project for which somebody answered the questions, two of them wrongly at first."""
    console = pexpect.spawn(
        "wine",
        [r"C:\py\python.exe", "-m", "cookiecutter", r"C:\b2-starter", "--default-config"],
        cwd=str(desk),
        env=rig.env,
        encoding="utf-8",
        timeout=60,
        dimensions=(40, 200),
    )

    def answer(question: str, text: str = "") -> None:
        console.expect_exact(question)
        console.expect_exact(":")
        console.send(f"{text}\r")

    answer("project called", "Zoë's project")
    answer("folder be called", "con")
    console.expect_exact("Windows does not allow the name con.")
    answer("folder be called", "a/b")
    console.expect_exact("A folder name has 1 to 60 letters")
    answer("folder be called", "zoe")
    answer("bucket called")
    answer("Endpoint")
    answer("start with? Type")
    console.expect_exact("Your project is in C:\\")
    console.expect(pexpect.EOF)
    console.close()
    assert console.exitstatus == 0
    return Project(desk / "zoe", console.before)


def test_wrong_answers_are_asked_again_and_leave_nothing(project: Project, desk: Path):
    assert [path.name for path in desk.iterdir()] == ["zoe"]
    assert project.answers()["project_name"] == "Zoë's project"


def test_the_second_run_shows_the_first(rig: Rig, project: Project, capfdbinary: Any):
    assert [run_python(rig, ["main.py"], project.path) for _ in range(2)] == [0, 0]

    out = capfdbinary.readouterr().out.decode()
    assert "['hello-1.txt', 'hello-2.txt']" in out
    assert project.read("practice-bucket/hello-1.txt") in out


@pytest.mark.parametrize("terminal", [[], ["cmd", "/c"]], ids=["double click", "cmd"])
@pytest.mark.parametrize("program", ["check_setup.py", "main.py"])
def test_a_window_that_a_double_click_has_opened_waits(
    rig: Rig, project: Project, program: str, terminal: list[str]
):
    """With a double click, no other program but Python is in the window."""
    folder = Path(tempfile.mkdtemp(prefix="double-", dir=rig.drive))
    shutil.copytree(project.path, folder, dirs_exist_ok=True)
    (folder / ".env").unlink()
    console = pexpect.spawn(
        "wine",
        [*terminal, r"C:\py\python.exe", program],
        cwd=str(folder),
        env=rig.env,
        encoding="utf-8",
        timeout=60,
        dimensions=(40, 200),
    )
    console.expect_exact("[env-file-missing]")
    if not terminal:
        console.expect_exact("Press Enter to close this window.")
        console.send("\r")
    console.expect(pexpect.EOF)
    console.close()
    shutil.rmtree(folder)

    assert console.exitstatus == 1
    assert "Press Enter" not in console.before


def test_check_setup_says_that_practice_works(rig: Rig, project: Project, capfdbinary: Any):
    assert run_python(rig, ["check_setup.py"], project.path) == 0

    assert b"Practice works." in capfdbinary.readouterr().out
