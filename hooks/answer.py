"""What each answer may be. b2_starter_extension.py runs this file in cookiecutter's process.

The rules for what Backblaze B2 accepts are loaded from the generated project.
"""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from slugify import slugify

STARTER = Path(__file__).resolve().parent.parent / "{{cookiecutter.project_slug}}"

if TYPE_CHECKING:
    import b2_rules
else:
    b2_rules = SimpleNamespace(**runpy.run_path(str(STARTER / "b2_inside" / "b2_rules.py")))

MOST_IN_PROJECT_NAME = 100  # characters
PROJECT_NAME_RULE = f"A project name is one line with 1 to {MOST_IN_PROJECT_NAME} characters."
# Control characters, Unicode line ends, and halves of a character (surrogates).
INVISIBLE = r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]"
MOST_SHOWN = 70  # characters of an answer
FOLDER_NAME_RULE = (
    "A folder name has 1 to 60 letters (a to z), digits, - and _,"
    " and begins with a letter or a digit."
)


def clean(name: str, answer: str, assignments: list[str]) -> str:
    """Return an answer as it was meant: without white space or quotes around it."""
    answer = b2_rules.clean_value(answer)
    if find_key(answer):
        return answer
    if name == "endpoint":
        return b2_rules.clean_endpoint(answer)
    if name == "assignment":
        numbers = {str(number): one for number, one in enumerate(assignments, start=1)}
        return numbers[answer] if answer in numbers else answer.lower()
    return answer


def find_problem(name: str, answer: Any, assignments: list[str]) -> str:
    """Return what is wrong with an answer on its own, in plain sentences; "" if nothing is."""
    if not isinstance(answer, str):
        return "This must be text in quotes."
    key = b2_rules.find_key(answer)
    if key:
        article = "an" if key == "applicationKey" else "a"
        return f"That is {article} {key}. Put keys only in the file .env. Never type one here."
    if name == "bucket_name":
        return b2_rules.find_bucket_name_problem(answer)
    if name == "endpoint":
        problem = b2_rules.find_endpoint_problem(answer)
        return f"{problem[1]} {b2_rules.ENDPOINT_RULE}" if problem else ""
    if name == "project_name":
        return find_project_name_problem(answer)
    if name == "project_slug":
        return find_folder_name_problem(answer)
    if answer not in assignments:
        names = ", ".join(assignments)
        return f"Type a number from 1 to {len(assignments)}, or one of these names: {names}."
    return ""


def find_project_name_problem(name: str) -> str:
    if re.search(INVISIBLE, name):
        return f"There is an invisible character in it, such as a tab. {PROJECT_NAME_RULE}"
    if not 1 <= len(name) <= MOST_IN_PROJECT_NAME:
        return PROJECT_NAME_RULE
    return ""


def find_folder_name_problem(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}", name):
        return FOLDER_NAME_RULE
    if b2_rules.is_windows_name(name):
        return f"Windows does not allow the name {name}. Choose another one."
    return ""


def make_folder_name(text: str) -> str:
    """Turn text into a folder name that every system accepts."""
    name = slugify(text, max_length=50)
    if name == "":
        return "my-b2-project"
    return f"{name}-project" if b2_rules.is_windows_name(name) else name


def find_key(text: str) -> str:
    """Return "applicationKey" or "keyID" if the text holds one, else ""."""
    return b2_rules.find_key(text)


def show(answer: Any) -> str:
    """Return an answer in quotes, shortened if it is long, without any keys in it."""
    shown = b2_rules.shown(answer) if isinstance(answer, str) else repr(answer)
    if len(shown) > MOST_SHOWN:
        return f"{shown[:MOST_SHOWN]}..."
    return shown
