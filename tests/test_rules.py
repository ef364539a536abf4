"""What stands in two places is the same in both."""

from __future__ import annotations

import ast
import re

import b2_answers
import b2_causes
import b2_double
import b2_problems
import b2_rules
from conftest import QUESTIONS, ROOT, STARTER, tracked_files
from hypothesis import example, given, settings
from hypothesis import strategies as st

RULES = QUESTIONS["_rules"]


def test_the_questions_repeat_the_rules_of_the_project():
    assert RULES["bucket_name"][1] == b2_rules.BUCKET_NAME_RULE
    assert RULES["endpoint"][1] == b2_rules.ENDPOINT_RULE
    forms = [form for form, _why in QUESTIONS["_not_an_endpoint"]]
    known = [form for form, _problem, _why in b2_rules.NOT_AN_ENDPOINT]
    assert forms[:-1] == known[:len(forms) - 1]
    assert QUESTIONS["_around_a_value"] == b2_rules.AROUND_A_VALUE


@settings(deadline=None, max_examples=300)
@given(st.from_regex(RULES["bucket_name"][0], fullmatch=True)
       | st.text(st.sampled_from("abB2-K05_. "), max_size=70))
def test_questions_and_project_take_the_same_bucket_names(name: str):
    taken = re.fullmatch(RULES["bucket_name"][0], name) is not None
    assert (b2_rules.find_bucket_name_problem(name) == "") == taken or b2_rules.find_key(name)


@settings(deadline=None, max_examples=300)
@given(st.from_regex(RULES["endpoint"][0], fullmatch=True)
       | st.builds("http://{}:{}".format, st.sampled_from(["127.0.0.1", "localhost", "x"]),
                   st.integers(0, 70000)))
def test_questions_and_project_take_the_same_endpoints(endpoint: str):
    taken = re.fullmatch(RULES["endpoint"][0], endpoint) is not None
    assert (b2_rules.find_endpoint_problem(endpoint) is None) == taken


def test_the_default_bucket_is_the_placeholder():
    assert QUESTIONS["bucket_name"] == b2_rules.PLACEHOLDER_BUCKET


def test_every_question_has_a_prompt_and_a_rule():
    asked = [name for name in QUESTIONS if not name.startswith("_")]

    assert asked == ["project_name", "project_slug", "bucket_name", "endpoint", "assignment"]
    assert list(QUESTIONS["__prompts__"]) == asked
    assert list(RULES) == asked
    assert QUESTIONS["_questions"] == asked


def test_the_assignments_are_the_folders_of_the_template():
    choices = QUESTIONS["assignment"]
    starters = QUESTIONS["_starters"]
    below = f"{STARTER.name}/_starter/"
    tracked = sorted(name[len(below):] for name in tracked_files() if name.startswith(below))

    listed = [f"{name}/{file}" for name in starters for file in ["main.py", *starters[name]]]
    assert sorted(listed) == tracked
    assert choices == list(starters)
    rule = f"An assignment is one of: {', '.join(choices)}."
    assert RULES["assignment"] == ["|".join(choices), rule]
    assert set(QUESTIONS["__prompts__"]["assignment"]) == {"__prompt__", *choices}


def test_the_given_files_are_those_of_the_template():
    tracked = {name.removeprefix(f"{STARTER.name}/") for name in tracked_files()
               if name.startswith(f"{STARTER.name}/")}

    assert set(QUESTIONS["_given"]) == {name for name in tracked if name[:9] != "_starter/"}


def test_the_given_modules_are_known_by_name():
    """Else a student's file counts as given, or one of ours as part of their program."""
    files = [name.removeprefix("b2_inside/") for name in QUESTIONS["_given"]
             if name.endswith(".py") and not name.startswith("tests/")]
    assert {name.partition("/")[0].removesuffix(".py") for name in files} == set(b2_causes.GIVEN)


def test_version_and_source_are_the_same_everywhere():
    version, source = QUESTIONS["_template_version"], QUESTIONS["_template_source"]
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
    assert b2_rules.MOST_DELETED_RULE in b2_problems.PROBLEMS["object-name-impossible"].why


def test_template_python_is_plain_python():
    files = [ROOT / name for name in tracked_files() if name.endswith(".py")]
    assert len(files) > 10
    for file in files:
        text = file.read_text(encoding="utf-8")
        ast.parse(text)
        if STARTER in file.parents:
            assert not re.search(r"\{\{|\{%|\{#", text), file


# Sources of the shapes: see b2_rules.py. These are examples, and none of them is a list.
@settings(deadline=None)
@given(st.from_regex(r"[a-z]{2}(-[a-z]{1,12}){1,2}-[0-9]{3}", fullmatch=True))
@example("us-east-005")
@example("eu-central-003")
def test_a_region_that_does_not_exist_yet_is_taken(region: str):
    endpoint = b2_rules.clean_endpoint(f"s3.{region}.backblazeb2.com")

    assert endpoint == f"https://s3.{region}.backblazeb2.com"
    assert b2_rules.region_of(endpoint) == region
