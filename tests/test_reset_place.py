"""A reset typed in the wrong place names the right one, and never makes a second project."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import (
    GOOD_ANSWERS,
    Bake,
    Project,
    Run,
    clean_environment,
    contents_of,
    make_link,
    some_thorough,
    type_lines,
)
from resetting import BROKEN

from hooks.project import ASSIGNMENTS, find_assignment

Cli = Callable[..., Run]


@pytest.fixture
def broken(generated: Callable[..., Path], tmp_path: Path) -> Project:
    """A project in out/ whose b2_client.py is broken."""
    whole = generated(**{**GOOD_ANSWERS, "assignment": "guestbook"})
    project = Project(Path(shutil.copytree(whole, tmp_path / "out" / "proj")))
    project.write("b2_client.py", BROKEN)
    project.write("main.py", "print('mine')\n")
    return project


def type_what_is_advised(printed: str, folder: Path) -> None:
    """Type the lines of the advice into a shell, with this cookiecutter in place of any other."""
    lines = re.findall(r"^    (\S.*)$", printed, re.MULTILINE)
    ours = f'"{sys.executable}" -m cookiecutter'
    lines = [re.sub("^cookiecutter", lambda _: ours, line) for line in lines]
    home = {"HOME": str(folder), "USERPROFILE": str(folder)}
    done = type_lines(*lines, folder=folder, env={**clean_environment(), **home})
    assert done.code == 0, done.printed


def assert_repaired(project: Project) -> None:
    assert project.read("b2_client.py") != BROKEN
    assert project.read("main.py") == "print('mine')\n"
    assert len(list(project.path.parent.rglob("check_setup.py"))) == 1, "a second project"


@pytest.mark.parametrize(
    ("start", "file"),
    some_thorough(
        [
            ("proj", "b2-starter.json"),  # inside the project
            ("proj/tests", "../b2-starter.json"),
            ("..", "out/proj/b2-starter.json"),  # two folders above
            (".", "proj/../proj/b2-starter.json"),  # in the right place
        ],
        every_day=1,
    ),
    ids=["inside", "deep inside", "two above", "right"],
)
def test_a_replay_file_shows_where_the_project_is(
    cli: Cli, broken: Project, tmp_path: Path, start: str, file: str
):
    folder = (tmp_path / "out" / start).resolve()
    before = contents_of(tmp_path)

    done = cli("--replay-file", file, "-f", folder=folder)

    if start != ".":
        assert done.code == 1
        assert "Run a reset from the folder that contains the project." in done.err
        assert "Traceback" not in done.printed
        assert contents_of(tmp_path) == before
        type_what_is_advised(done.err, folder)
    assert_repaired(broken)


def test_the_line_of_the_readme_inside_the_project(cli: Cli, broken: Project, tmp_path: Path):
    """cookiecutter finds no such file; README.md says what that means."""
    before = contents_of(tmp_path / "out")

    done = cli("--replay-file", "proj/b2-starter.json", "-f", folder=broken.path)

    assert done.code == 1
    missing = str(Path("proj", "b2-starter.json"))
    assert f"No such file or directory: {missing!r}" in done.err
    assert contents_of(tmp_path / "out") == before
    assert "No such file" in broken.read("README.md")


@pytest.mark.thorough
def test_no_project_is_made_deeper_inside_a_project(cli: Cli, broken: Project, tmp_path: Path):
    before = contents_of(tmp_path)

    done = cli("--no-input", folder=broken.path / "tests")

    assert done.code == 1
    assert "You are inside the project proj." in done.err
    assert contents_of(tmp_path) == before
    type_what_is_advised(done.err, broken.path / "tests")
    assert_repaired(broken)


@pytest.mark.thorough
def test_the_advice_works_if_the_template_has_a_relative_path(
    cli: Cli, broken: Project, template: Path
):
    folder = broken.path / "tests"
    relative = os.path.relpath(template, folder)

    done = cli("--no-input", folder=folder, template=relative)

    assert done.code == 1
    type_what_is_advised(done.err, folder)
    assert_repaired(broken)


@pytest.mark.thorough
def test_a_reset_that_is_refused_never_goes_to_another_project(
    cli: Cli, broken: Project, tmp_path: Path
):
    other = Project(Path(shutil.copytree(broken.path, tmp_path / "out" / "other")))
    (other.path / "tests").rename(other.path / "my-tests")
    make_link(other.path / "tests", "my-tests", to_folder=True)
    before = contents_of(tmp_path)

    done = cli("--replay-file", "other/b2-starter.json", "-f", typed="\n" * 9)

    assert done.code == 1
    assert "The folder tests in other is a link. Rename it first." in done.err
    assert "cookiecutter" not in done.err
    assert contents_of(tmp_path) == before


@pytest.mark.thorough
@pytest.mark.parametrize(
    "words",
    [["--no-input"], ["--no-input", "-f", "project_slug=proj"]],
)
def test_a_new_project_is_not_made_inside_a_project(
    cli: Cli, broken: Project, tmp_path: Path, words: list[str]
):
    before = contents_of(tmp_path)

    done = cli(*words, folder=broken.path)

    assert done.code == 1
    assert "You are inside the project proj. Leave its folder first:\n\n    cd ..\n" in done.err
    assert contents_of(tmp_path) == before
    type_what_is_advised(done.err, broken.path)
    assert_repaired(broken)


def test_o_with_the_folder_where_one_is_does_not_lead_elsewhere(cli: Cli, broken: Project):
    done = cli("--no-input", "-o", str(broken.path), "project_slug=other", folder=broken.path)

    assert done.code == 1
    assert "You are inside the project proj." in done.err


def test_a_folder_that_was_renamed_keeps_its_new_name(cli: Cli, broken: Project, tmp_path: Path):
    renamed = Project(broken.path.rename(tmp_path / "out" / "Homework-2"))

    done = cli("--replay-file", "Homework-2/b2-starter.json", "-f")

    assert done.code == 0, done.err
    assert "The project's folder is now called Homework-2;" in done.out
    assert_repaired(renamed)
    assert renamed.answers() == {
        **GOOD_ANSWERS,
        "project_slug": "Homework-2",
        "assignment": "guestbook",
    }
    assert "--replay-file Homework-2/b2-starter.json -f" in renamed.read("README.md")


@pytest.mark.thorough
def test_a_copy_of_a_project_is_not_mistaken_for_the_original(
    cli: Cli, broken: Project, tmp_path: Path
):
    copy = Project(Path(shutil.copytree(broken.path, tmp_path / "out" / "copy")))

    assert cli("--replay-file", "copy/b2-starter.json", "-f").code == 0

    assert broken.read("b2_client.py") == BROKEN
    assert copy.read("b2_client.py") != BROKEN


@pytest.mark.parametrize("name", some_thorough(["My homework (2)", "héllo"], every_day=1))
def test_a_new_name_that_a_project_cannot_have(
    cli: Cli, broken: Project, tmp_path: Path, name: str
):
    broken.path.rename(tmp_path / "out" / name)
    before = contents_of(tmp_path)

    done = cli("--replay-file", f"{name}/b2-starter.json", "-f")

    assert done.code == 1
    assert f"The project's folder is now called {name}. A folder name has" in done.err
    assert contents_of(tmp_path) == before
    better = re.search(r"Rename the folder to (\S+) and type:", done.err)
    assert better
    repaired = Project((tmp_path / "out" / name).rename(tmp_path / "out" / better[1]))
    type_what_is_advised(done.err, tmp_path / "out")
    assert_repaired(repaired)


@pytest.mark.thorough
def test_o_makes_a_second_project_because_that_was_asked_for(
    cli: Cli, broken: Project, tmp_path: Path
):
    done = cli("--replay-file", "proj/b2-starter.json", "-o", str(tmp_path / "else where"))

    assert done.code == 0, done.err
    assert f"Your project is in {tmp_path / 'else where' / 'proj'}" in done.out
    assert broken.read("b2_client.py") == BROKEN


@pytest.mark.thorough
def test_o_finds_the_project_from_inside(cli: Cli, broken: Project):
    assert cli("--replay-file", "b2-starter.json", "-f", "-o", "..", folder=broken.path).code == 0
    assert_repaired(broken)


@pytest.mark.thorough
def test_answers_without_a_project_make_one(cli: Cli, broken: Project, tmp_path: Path):
    """A teacher hands out b2-starter.json alone."""
    for place in ("class", "class/inner"):
        (tmp_path / place).mkdir()
    shutil.copy(broken.path / "b2-starter.json", tmp_path / "class" / "answers.json")

    done = cli("--replay-file", "../answers.json", folder=tmp_path / "class" / "inner")

    assert done.code == 0, done.err
    made = Project(tmp_path / "class" / "inner" / "proj")
    assert made.answers() == broken.answers()


def test_a_forgotten_f_is_named(cli: Cli, broken: Project, tmp_path: Path):
    before = contents_of(tmp_path)

    done = cli("--replay-file", "proj/b2-starter.json")

    assert done.code == 1
    assert "There is already a folder called proj here." in done.err
    assert contents_of(tmp_path) == before
    (line,) = re.findall(r"^    (cookiecutter .* -f)$", done.err, re.MULTILINE)
    assert "--replay-file proj/b2-starter.json -f" in line


# b2-starter.json is lost or cut.


@pytest.mark.parametrize("assignment", some_thorough(ASSIGNMENTS, every_day=["guestbook"]))
def test_without_the_answers_the_files_show_the_assignment(
    bake: Bake, tmp_path: Path, assignment: str
):
    project = bake(assignment=assignment)
    (project.path / "b2-starter.json").unlink()
    assert find_assignment(project.path) == assignment

    telling = {"BRIEF.md", "main.py", "tests/test_main.py"} & project.files()
    for name in telling:  # each alone is enough
        copy = Path(shutil.copytree(project.path, tmp_path / "copies" / name))
        for other in telling - {name}:
            (copy / other).unlink()
        assert find_assignment(copy) == assignment, name


@pytest.mark.thorough
def test_enter_at_each_question_keeps_the_assignment(cli: Cli, broken: Project):
    before = contents_of(broken.path)
    (broken.path / "b2-starter.json").unlink()

    done = cli("--no-input", "-f", "project_name=A Project", "project_slug=proj")

    assert done.code == 0, done.err
    assert broken.answers()["assignment"] == "guestbook"
    assert broken.read("BRIEF.md") == before["BRIEF.md"][0].decode()
    assert_repaired(broken)


def test_another_assignment_is_refused_with_a_way_out(cli: Cli, broken: Project, tmp_path: Path):
    for lost in (False, True):
        if lost:
            (broken.path / "b2-starter.json").unlink()
        before = contents_of(tmp_path)

        done = cli("--no-input", "-f", "project_slug=proj", "assignment=cloud-notes")

        assert done.code == 1
        text = " ".join(done.err.split())
        assert "The folder proj already holds guestbook. To repair it, choose guestbook." in text
        assert "For cloud-notes, start again and choose another folder name." in text
        assert contents_of(tmp_path) == before
