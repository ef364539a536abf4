"""What is in two places is the same in both, and the template has the shape that it promises."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import b2_answers
import b2_causes
import b2_double
import b2_rules
import pytest
from conftest import ROOT, STARTER, tracked_files
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hooks import project
from hooks.project import ASSIGNMENTS, SETTINGS, YOURS, given_files, starter_files


def test_the_default_bucket_is_the_placeholder():
    assert SETTINGS["bucket_name"] == b2_rules.PLACEHOLDER_BUCKET


def test_five_questions_each_checked_right_after_it():
    asked = [name for name in SETTINGS if not name.startswith("_")]

    assert asked == ["project_name", "project_slug", "bucket_name", "endpoint", "assignment"]
    assert list(SETTINGS["__prompts__"]) == asked
    names = list(SETTINGS)
    for name in asked:
        assert names[names.index(name) + 1] == f"__check_{name}"
        assert SETTINGS[f"__check_{name}"] == "{{ cookiecutter | check_answers }}"


def test_the_assignments_are_the_folders_of_the_template():
    below = f"{STARTER.name}/_starter/"
    tracked = sorted(name[len(below) :] for name in tracked_files() if name.startswith(below))

    assert list(SETTINGS["_assignments"]) == ASSIGNMENTS
    assert sorted({name.partition("/")[0] for name in tracked}) == sorted(ASSIGNMENTS)
    listed = [f"{name}/{file}" for name in ASSIGNMENTS for file in starter_files(name)]
    assert sorted([*listed, *(f"{name}/main.py" for name in ASSIGNMENTS)]) == tracked


def test_the_given_files_are_those_of_the_template():
    tracked = {
        name.removeprefix(f"{STARTER.name}/")
        for name in tracked_files()
        if name.startswith(f"{STARTER.name}/")
    }

    assert set(given_files()) == {name for name in tracked if name[:9] != "_starter/"}
    assert not {name.partition("/")[0] for name in tracked} & YOURS, "a reset would replace it"


@pytest.mark.parametrize(
    "name",
    [
        "__pycache__/a.pyc",
        ".pytest_cache/x",
        ".env",
        "env.txt",
        "practice-bucket/a.txt",
        "main.py",
        ".DS_Store",
        "._b2_client.py",
        "b2_client.py~",
        "backups/x/a.py",
        "Thumbs.db",
    ],
)
def test_what_programs_leave_in_the_template_is_not_given(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for file in (name, "b2_client.py"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("", encoding="utf-8")
    monkeypatch.setattr(project, "STARTER", tmp_path)

    assert given_files() == ["b2_client.py"]


def test_a_hook_holds_one_tag():
    for file in (ROOT / "hooks").glob("*.py"):
        text = file.read_text(encoding="utf-8").replace(STARTER.name, "")
        tags = re.findall(r"\{\{|\{%|\{#", text)
        is_rendered = file.name in ("pre_gen_project.py", "post_gen_project.py")
        assert tags == (["{{"] if is_rendered else []), file.name


def test_the_given_modules_are_known_by_name():
    """Otherwise, a student's file would count as given, or one of ours as part of their program."""
    files = [
        name.removeprefix("b2_inside/")
        for name in given_files()
        if name.endswith(".py") and not name.startswith("tests/") and "__init__" not in name
    ]
    files.append("grading.py")
    assert {name.partition("/")[0].removesuffix(".py") for name in files} == set(b2_causes.GIVEN)


def test_version_and_source_are_the_same_everywhere():
    version, source = SETTINGS["_template_version"], SETTINGS["_template_source"]
    client = (STARTER / "b2_client.py").read_text(encoding="utf-8")

    assert f"b2-starter/{version}" in client
    assert f"## {version}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"cookiecutter {source}" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_project_installs_what_the_template_is_tested_with():
    needed = (STARTER / "requirements.txt").read_text(encoding="utf-8").split()
    config = (ROOT / "pyproject.toml").read_text(encoding="utf-8")

    for requirement in needed:
        assert f'"{requirement}"' in config


def test_practice_and_the_double_refuse_the_same_in_the_same_words():
    refused = {name: tuple(b2_answers.ROWS[name][:3]) for name in b2_rules.REFUSED}
    assert refused == b2_rules.REFUSED
    headers = {name: (fine or "", row) for name, (fine, row) in b2_double.ONLY_VALUE.items()}
    assert headers == b2_rules.REFUSED_HEADERS
    assert b2_double.NOT_OF_B2 == b2_rules.NOT_ON_B2


def test_template_python_is_plain_python():
    files = [ROOT / name for name in tracked_files() if name.endswith(".py")]
    assert len(files) > 10
    for file in files:
        text = file.read_text(encoding="utf-8")
        ast.parse(text)
        if STARTER in file.parents:
            assert not re.search(r"\{\{|\{%|\{#", text), file


# Sources of the shapes: see b2_rules.py. These are examples, not complete lists.
@settings(deadline=None)
@given(st.from_regex(r"[a-z]{2}(-[a-z]{1,12}){1,2}-[0-9]{3}", fullmatch=True))
@example("us-east-005")
@example("eu-central-003")
def test_a_region_that_does_not_exist_yet_is_accepted(region: str):
    endpoint = b2_rules.clean_endpoint(f"s3.{region}.backblazeb2.com")

    assert endpoint == f"https://s3.{region}.backblazeb2.com"
    assert b2_rules.region_of(endpoint) == region
