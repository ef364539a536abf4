"""Wherever cookiecutter gets the template from, the checks are always that template's own."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import VERSION, Project, Run, clean_environment, contents_of, run, some_thorough
from resetting import BROKEN

Cli = Callable[..., Run]


@pytest.fixture
def marked(template: Path, tmp_path: Path) -> Path:
    """A copy of the template with another default folder, which shows whose checks run."""
    folder = Path(shutil.copytree(template, tmp_path / "git-and-zip" / "b2-starter"))
    answers = folder / "hooks" / "answer.py"
    text = answers.read_text(encoding="utf-8")
    answers.write_text(text.replace("slugify(text", "slugify('marked ' + text"), encoding="utf-8")
    return folder


def in_git(folder: Path) -> str:
    """Make a git repository of a template; return its URL."""
    me = ["-c", "user.name=A", "-c", "user.email=a@localhost"]
    for words in (["init", "-q"], ["add", "-A"], [*me, "commit", "-qm", "1"]):
        subprocess.run(["git", *words], cwd=folder, check=True)
    return f"file://{folder.as_posix()}"


def in_zip(folder: Path, place: Path) -> str:
    """Zip a template as GitHub does, with a folder on top; return the path of the zip."""
    file = place / "main.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("b2-starter-main/", "")
        for path in folder.rglob("*"):
            if path.is_file() and ".git" not in path.parts:
                archive.write(path, Path("b2-starter-main") / path.relative_to(folder))
    return str(file)


SOURCES: dict[str, Callable[[Path], tuple[str, Path | None]]] = {  # -> what is typed, and where
    "a folder": lambda folder: (str(folder), None),
    "a relative folder": lambda folder: ("b2-starter", folder.parent),
    "the current folder": lambda folder: (".", folder),
    "git": lambda folder: (in_git(folder), None),
    "a zip": lambda folder: (in_zip(folder, folder.parent), None),
}


@pytest.mark.parametrize("source", some_thorough(SOURCES, every_day=["a zip"]))
def test_the_checks_are_those_of_the_template_that_is_used(
    cli: Cli, marked: Path, tmp_path: Path, source: str
):
    typed, folder = SOURCES[source](marked)
    out = tmp_path / "made"
    out.mkdir()

    refused = cli("--no-input", "-o", str(out), "bucket_name=no", template=typed, folder=folder)
    assert refused.code == 1
    assert "bucket_name: 'no'" in refused.err
    assert list(out.iterdir()) == []
    assert list((tmp_path / "temporary").iterdir()) == []

    done = cli("--no-input", "-o", str(out), template=typed, folder=folder)
    assert done.code == 0, done.err
    project = Project(out / "marked-my-bucket-project")
    project.write("b2_client.py", BROKEN)
    words = ["--replay-file", str(project.path / "b2-starter.json"), "-f", "-o", str(out)]
    again = cli(*words, template=typed, folder=folder, typed="\n")
    assert again.code == 0, again.printed
    assert "brought up to date: b2_client.py\n" in again.out
    left = [path for path in (tmp_path / "temporary").iterdir() if path.is_dir()]
    assert left == [], "a zip is unpacked there"


@pytest.mark.thorough
def test_the_cached_name_and_the_last_replay(cli: Cli, marked: Path, tmp_path: Path):
    assert cli("--no-input", template=in_git(marked)).code == 0
    project = Project(tmp_path / "out" / "marked-my-bucket-project")
    project.write("b2_client.py", BROKEN)

    done = cli("--replay", "-f", template="b2-starter")

    assert done.code == 0, done.err
    assert "brought up to date: b2_client.py\n" in done.out


@pytest.mark.thorough
def test_the_last_replay_of_an_earlier_version(cli: Cli, marked: Path, tmp_path: Path):
    assert cli("--no-input").code == 0
    settings = marked / "cookiecutter.json"
    text = settings.read_text(encoding="utf-8").replace(f'"{VERSION}"', '"9.9.9"')
    settings.write_text(text, encoding="utf-8")

    done = cli("--replay", "-f", template=marked)

    assert done.code == 0, done.err
    kept = Project(tmp_path / "out" / "my-bucket-project").read("b2-starter.json")
    assert '"version": "9.9.9"' in kept


@pytest.mark.thorough
def test_another_copy_of_the_template_in_the_way(
    cli: Cli, template: Path, marked: Path, tmp_path: Path
):
    """`python -m cookiecutter` looks for modules in the current folder first."""
    done = cli("--no-input", "-o", str(tmp_path), template=marked, folder=template)

    assert done.code == 0, done.err
    assert (tmp_path / "marked-my-bucket-project" / "main.py").is_file()


@pytest.mark.thorough
def test_a_class_is_made_by_the_checks_of_its_own_copy(marked: Path, tmp_path: Path):
    """The processes of new_class have the repository on their path, before the copy."""
    project = marked / "hooks" / "project.py"
    text = project.read_text(encoding="utf-8")
    project.write_text(text.replace('"b2-starter.json"', '"b2-marked.json"', 1), encoding="utf-8")
    hook = marked / "hooks" / "pre_gen_project.py"
    text = hook.read_text(encoding="utf-8")
    hook.write_text(
        text.replace('"given": context["_given"]', '"given": ["marked"]'), encoding="utf-8"
    )
    (tmp_path / "roster.csv").write_text("student\nAnna\nBen\n", encoding="utf-8")
    words = [sys.executable, str(marked / "classroom"), "new_class", "roster.csv", "--out", "class"]

    done = run(words, tmp_path, clean_environment())

    assert done.code == 0, done.printed
    for alias in ("s01", "s02"):
        made = Project(tmp_path / "class" / f"hello-bucket-{alias}")
        assert '"marked"' in made.read("b2-starter.json")
        assert (made.path / "main.py").is_file()


@pytest.mark.thorough
def test_nothing_is_compiled_into_the_template(cli: Cli, marked: Path):
    before = set(contents_of(marked))

    assert cli("--no-input", template=marked).code == 0

    starter = "{{cookiecutter.project_slug}}/"
    assert {name for name in contents_of(marked) if name.startswith((starter, "hooks/"))} == {
        name for name in before if name.startswith((starter, "hooks/"))
    }
