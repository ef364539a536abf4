"""A reset brings the given files back, and loses nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import GOOD_ANSWERS, Bake, Project, Run, make_link, some_thorough
from resetting import BROKEN, GIVEN, backups, state


def test_a_whole_project_stays_as_it_is(bake: Bake, project: Project):
    project.write("notes.txt", "mine")
    before = state(project)

    done = bake.reset(project)

    assert state(project) == before
    assert "Nothing was missing." in done.printed
    assert "Your files were not changed: .env, main.py, notes.txt\n" in done.printed
    assert "Restored" not in done.printed
    assert "Created" not in done.printed
    assert not (project.path / "backups").exists()


def test_given_files_return_and_what_was_there_is_kept(bake: Bake, project: Project):
    whole = state(project)
    project.write("b2_client.py", BROKEN)
    (project.path / "tests" / "conftest.py").unlink()
    project.write("main.py", "print('mine')\n")
    project.write(".env", "B2_APPLICATION_KEY=secret\n")
    mine = {name: state(project)[name] for name in ("main.py", ".env")}

    done = bake.reset(project)

    now = state(project)
    assert {name: now[name][0] for name in GIVEN} == {name: whole[name][0] for name in GIVEN}
    assert {name: now[name] for name in mine} == mine
    assert backups(project) == {"b2_client.py": BROKEN.encode()}
    assert "Restored or brought up to date: b2_client.py, tests/conftest.py\n" in done.printed
    (kept,) = (project.path / "backups").iterdir()
    assert f"The earlier versions are in backups/{kept.name}: b2_client.py\n" in done.printed
    assert "Your files were not changed: .env, main.py\n" in done.printed
    assert "venv" not in done.printed

    again = bake.reset(project)
    assert state(project) == now
    assert "Nothing was missing." in again.printed


def test_a_missing_main_or_env_is_made_again(bake: Bake, project: Project):
    starter = project.read("main.py")
    for name in ("main.py", ".env"):
        (project.path / name).unlink()

    done = bake.reset(project)

    assert project.read("main.py") == starter
    assert "B2_APPLICATION_KEY=\n" in project.read(".env")
    assert "Created again: main.py, .env\n" in done.printed
    assert "The two key lines in .env are empty, so your programs use the practice" in done.printed
    assert "not changed" not in done.printed


def test_a_reset_goes_on_where_another_was_stopped(bake: Bake, project: Project):
    """It was killed after everything had been set aside."""
    given = [name for name in GIVEN if (project.path / name).exists()]
    project.write("b2_client.py", BROKEN)
    (project.path / "_starter").mkdir()
    project.write("_starter/notes.txt", "mine")
    stopped = project.path / "backups" / "2026-01-01_10-00-00-000000"
    for name in [*given, "_starter/notes.txt"]:
        (stopped / name).parent.mkdir(parents=True, exist_ok=True)
        (project.path / name).rename(stopped / name)
    (stopped / ".unfinished").touch()

    done = bake.reset(project)

    assert f"The earlier versions are in backups/{stopped.name}: b2_client.py\n" in done.printed
    assert backups(project) == {"b2_client.py": BROKEN.encode()}
    assert project.read("_starter/notes.txt") == "mine"
    assert "Nothing was missing." in bake.reset(project).printed


@pytest.mark.parametrize("name", ["main.py", ".env"])
def test_your_own_files_that_cannot_be_used_are_named(bake: Bake, project: Project, name: str):
    (project.path / name).unlink()
    (project.path / name).mkdir()

    assert f"{name} is a folder or a broken link." in bake.reset(project).printed


def test_an_env_that_a_killed_run_left_empty_is_made_again(bake: Bake, project: Project):
    (project.path / ".env").write_bytes(b"")

    done = bake.reset(project)

    assert project.read(".env") == project.read(".env.example")
    assert "Created again: .env\n" in done.printed


@pytest.mark.parametrize(
    "name",
    [
        "_starter/hello-bucket/main.py",
        "_starter/mine.txt",
        "_starter/hello-bucket/tests/test_main.py",
        "tests/test_mine.py",
    ],
)
@pytest.mark.thorough
def test_a_students_files_where_the_template_renders_for_a_moment(
    bake: Bake, project: Project, name: str
):
    (project.path / name).parent.mkdir(parents=True, exist_ok=True)
    project.write(name, "mine")
    before = state(project)

    bake.reset(project)

    assert state(project) == before


@pytest.mark.parametrize("kind", ["folder", "link", "dead link", "read-only"])
def test_something_else_in_the_place_of_a_given_file(bake: Bake, project: Project, kind: str):
    path = project.path / "check_setup.py"
    whole = path.read_bytes()
    path.unlink()
    if kind == "folder":
        path.mkdir()
        (path / "mine.txt").write_text("mine", encoding="utf-8")
    elif kind == "read-only":
        path.write_text("mine", encoding="utf-8")
        path.chmod(0o400)
    else:
        (project.path / "elsewhere.txt").write_text("mine", encoding="utf-8")
        make_link(path, "elsewhere.txt" if kind == "link" else "nowhere")

    bake.reset(project)

    assert path.read_bytes() == whole
    assert not path.is_symlink()
    kept = next((project.path / "backups").iterdir())
    if kind == "folder":
        assert (kept / "check_setup.py" / "mine.txt").read_text(encoding="utf-8") == "mine"
    elif kind == "read-only":
        assert (kept / "check_setup.py").read_text(encoding="utf-8") == "mine"
    else:
        assert (kept / "check_setup.py").is_symlink()
        if kind == "link":
            assert project.read("elsewhere.txt") == "mine"


def test_a_file_in_the_place_of_a_folder(bake: Bake, project: Project):
    shutil.rmtree(project.path / "tests")
    project.write("tests", "mine")

    bake.reset(project)

    assert (project.path / "tests" / "conftest.py").is_file()
    assert backups(project) == {"tests": b"mine"}


def generate(cli: Callable[..., Run], folder: Path) -> Run:
    answers = [f"{name}={value}" for name, value in GOOD_ANSWERS.items()]
    return cli("--no-input", "-f", *answers, folder=folder)


def test_a_folder_that_is_not_a_project_is_refused(cli: Callable[..., Run], tmp_path: Path):
    project = Project(tmp_path / "out" / "proj")
    project.path.mkdir(parents=True)
    project.write("README.md", "mine")
    before = state(project)

    done = generate(cli, tmp_path / "out")

    assert done.code == 1
    assert "The folder proj is not a b2-starter project, so it stays as it is." in done.err
    assert state(project) == before


@pytest.mark.parametrize(
    "place",
    some_thorough(["proj", "proj/tests", "proj/backups", "proj/b2_inside"], every_day=["proj"]),
)
def test_a_link_is_never_followed(
    cli: Callable[..., Run], generated: Callable[..., Path], tmp_path: Path, place: str
):
    out = tmp_path / "out"
    shutil.copytree(generated(**GOOD_ANSWERS), out / "proj")
    elsewhere = tmp_path / "elsewhere"
    path = out / place
    if path.exists():
        os.rename(path, elsewhere)
    else:
        elsewhere.mkdir()
    make_link(path, elsewhere, to_folder=True)
    before = state(Project(out)), state(Project(elsewhere))

    done = generate(cli, out)

    assert done.code == 1
    assert "link" in done.err
    assert (state(Project(out)), state(Project(elsewhere))) == before


UNREADABLE = [
    "",
    "{",
    "[]",
    '{"cookiecutter": {}}',
    '{"cookiecutter": {"assignment": 7}, "b2-starter": []}',
    '{"cookiecutter": {"assignment": "hello-bucket"}, "b2-starter": {"given": [["x"]]}}',
    '{"cookiecutter": {"assignment": "hello-bucket"}, "b2-starter": [7]}',
]


@pytest.mark.parametrize("text", some_thorough(UNREADABLE, every_day=["{"]))
def test_without_readable_answers_the_given_files_show_what_it_is(
    cli: Callable[..., Run], generated: Callable[..., Path], tmp_path: Path, text: str
):
    project = Project(tmp_path / "out" / "proj")
    shutil.copytree(generated(**GOOD_ANSWERS), project.path)
    whole = project.read("b2-starter.json")
    project.write("b2-starter.json", text)
    (project.path / "check_setup.py").unlink()

    assert generate(cli, tmp_path / "out").code == 0
    assert project.read("b2-starter.json") == whole
    assert (project.path / "check_setup.py").is_file()


@pytest.mark.parametrize("words", some_thorough([["-f"], ["-f", "-s"]], every_day=1))
def test_the_line_of_the_readme(cli: Callable[..., Run], tmp_path: Path, words: list[str]):
    out = tmp_path / "out"
    assert generate(cli, out).code == 0
    project = Project(out / "proj")
    project.write("b2_client.py", BROKEN)

    done = cli("--replay-file", "proj/b2-starter.json", *words, folder=out)

    assert done.code == 0, done.err
    assert "brought up to date: b2_client.py\n" in done.out
    assert backups(project) == {"b2_client.py": BROKEN.encode()}


@pytest.mark.thorough
def test_from_git_and_offline_by_the_cached_name(
    cli: Callable[..., Run], tmp_path: Path, template: Path
):
    repo = tmp_path / "b2-starter"
    shutil.copytree(template, repo)
    me = ["-c", "user.name=A", "-c", "user.email=a@localhost"]
    for words in (["init", "-q"], ["add", "."], [*me, "commit", "-qm", "1"]):
        subprocess.run(["git", *words], cwd=repo, check=True)
    out, url = tmp_path / "out", f"file://{repo.as_posix()}"
    answers = [f"{name}={value}" for name, value in GOOD_ANSWERS.items()]
    assert cli("--no-input", *answers, folder=out, template=url).code == 0
    project = Project(out / "proj")
    replay = ("--replay-file", "proj/b2-starter.json", "-f")

    project.write("b2_client.py", BROKEN)
    asked = cli(*replay, folder=out, template=url, typed="\n")  # Enter: download it again
    assert asked.code == 0, asked.err
    assert "brought up to date: b2_client.py\n" in asked.out

    project.write("check_setup.py", BROKEN)
    offline = cli(*replay, folder=out, template="b2-starter")
    assert offline.code == 0, offline.err
    assert "brought up to date: check_setup.py\n" in offline.out


def test_the_folders_of_a_big_project_are_not_read(bake: Bake, project: Project):
    for name in (".venv/lib", "videos"):
        (project.path / name).mkdir(parents=True)
    (project.path / "videos" / "film.mp4").write_bytes(b"x")
    (project.path / "videos").chmod(0o000)
    try:
        bake.reset(project)
    finally:
        (project.path / "videos").chmod(0o755)
