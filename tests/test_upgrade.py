"""A reset is an upgrade: a project from an earlier version becomes a project of this version."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, VERSION, Bake, Project, Run, contents_of
from cookiecutter.main import cookiecutter
from resetting import GIVEN, backups, state

from hooks.project import starter_files

# A project of guestbook, made by version 0.1.0. Ada has done two TODOs, added a line to
# b2_client.py and requirements.txt, deleted check_setup.py, filled in .env, and written notes.txt
# and a test of her own; one object is in her practice bucket.
OLD = ROOT / "tests" / "fixtures" / "project-0.1.0.zip"
ADAS = ["main.py", ".env", "notes.txt", "tests/test_mine.py", "practice-bucket/book.txt"]


@pytest.fixture
def old(tmp_path: Path) -> Project:
    (tmp_path / "out").mkdir()
    with zipfile.ZipFile(OLD) as archive:
        archive.extractall(tmp_path / "out")
    return Project(tmp_path / "out" / "ada-s-guestbook")


@pytest.mark.thorough
@pytest.mark.parametrize("answers", ["whole", "lost", "cut"])
def test_a_project_of_0_1_0_works_like_a_new_one(
    cli: Callable[..., Run], tmp_path: Path, old: Project, answers: str
):
    words = ["--replay-file", "ada-s-guestbook/b2-starter.json", "-f"]
    if answers != "whole":
        (old.path / "b2-starter.json").unlink()
        words = ["--no-input", "-f", "project_slug=ada-s-guestbook"]
    if answers == "cut":
        old.write("b2-starter.json", '{"cookiecutter": {"pro')
    before = contents_of(old.path)

    done = cli(*words)

    assert done.code == 0, done.err
    now = contents_of(old.path)
    for name in ADAS:
        assert now[name] == before[name], name
    about = json.loads(old.read("b2-starter.json"))["b2-starter"]
    assert about == {"version": VERSION, "given": GIVEN + starter_files("guestbook")}
    kept = backups(old)
    assert kept["b2_client.py"].endswith(b"print('Ada was here')\n")
    assert kept["requirements.txt"].endswith(b"pillow\n")
    everything = [content for content, _ in now.values()]
    assert all(content in everything for content, _ in before.values()), "something is lost"

    program = old.python("main.py", env={"B2_APPLICATION_KEY_ID": "", "B2_APPLICATION_KEY": ""})
    assert program.code == 0, program.err
    assert "The guestbook has" in program.out
    tests = old.python("-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert "test_mine" not in tests.out
    assert " passed" in tests.out
    check = old.python(
        "check_setup.py", env={"B2_APPLICATION_KEY_ID": "", "B2_APPLICATION_KEY": ""}
    )
    assert check.code == 0, check.printed


@pytest.fixture
def newer(bake: Bake, tmp_path: Path) -> Path:
    """A version 9.9.9 of the template in which check_setup.py is called b2_new.py."""
    folder = Path(shutil.copytree(bake.template, tmp_path / "newer" / "b2-starter"))
    settings = json.loads((folder / "cookiecutter.json").read_text(encoding="utf-8"))
    settings["_template_version"] = "9.9.9"
    (folder / "cookiecutter.json").write_text(json.dumps(settings), encoding="utf-8")
    inside = folder / "{{cookiecutter.project_slug}}"
    (inside / "check_setup.py").rename(inside / "b2_new.py")
    (inside / "b2_client.py").write_text("# newer\n", encoding="utf-8")
    return folder


def test_a_file_that_is_no_longer_given_goes_to_the_backup(
    bake: Bake, project: Project, newer: Path
):
    before = {name: project.read(name) for name in ("check_setup.py", "b2_client.py")}

    done = bake.reset(project, template=newer)

    assert project.read("b2_client.py") == "# newer\n"
    assert (project.path / "b2_new.py").is_file()
    assert not (project.path / "check_setup.py").exists()
    assert "No longer needed: check_setup.py" in done.printed
    kept = {name: text.decode() for name, text in backups(project).items()}
    assert {name: kept[name] for name in before} == before
    about = json.loads(project.read("b2-starter.json"))["b2-starter"]
    assert about["version"] == "9.9.9"
    assert "check_setup.py" not in about["given"]


def test_a_students_own_file_with_that_name_stays(bake: Bake, project: Project, newer: Path):
    project.write("check_setup.py", "print('my own')\n")

    done = bake.reset(project, template=newer)

    assert project.read("check_setup.py") == "print('my own')\n"
    assert "check_setup.py" not in backups(project)
    assert "Your files were not changed: .env, check_setup.py, main.py" in done.printed


@pytest.mark.thorough
def test_two_versions_of_the_template_in_one_process(
    bake: Bake, newer: Path, tmp_path: Path, cookiecutter_config: dict[str, Any]
):
    """Python imports only one file of a name, so one version could get the other's checks."""
    rules = newer / "{{cookiecutter.project_slug}}" / "b2_inside" / "b2_rules.py"
    text = rules.read_text(encoding="utf-8")
    rules.write_text(text.replace('"your-bucket-name"', '"newer-bucket"'), encoding="utf-8")
    extension = newer / "b2_starter_extension.py"
    text = extension.read_text(encoding="utf-8")
    extension.write_text(
        text + "\nFILTERS['suggest_folder'] = lambda answers: 'newer'\n", encoding="utf-8"
    )

    for number, template in enumerate([bake.template, newer, bake.template, newer]):
        made = cookiecutter(
            str(template),
            no_input=True,
            output_dir=str(tmp_path / f"{number}"),
            default_config=cookiecutter_config,
        )  # type: ignore[arg-type]

        project = Project(Path(made))
        about = json.loads(project.read("b2-starter.json"))["b2-starter"]
        is_newer = template == newer
        assert project.path.name == ("newer" if is_newer else "my-bucket-project")
        assert about["version"] == ("9.9.9" if is_newer else VERSION)
        assert ("b2_new.py" in about["given"]) == is_newer
        assert (project.path / "b2_new.py").exists() == is_newer


def test_the_fixture_is_as_it_was_made(old: Project):
    about = json.loads(old.read("b2-starter.json"))["b2-starter"]
    assert about["version"] == "0.1.0"
    assert "Ada was here" in old.read("b2_client.py")
    assert not (old.path / "check_setup.py").exists()
    assert set(ADAS) <= set(state(old))
