"""What the class commands need to know of the template: its questions, its files, its rules."""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path

from hooks.project import STARTER, given_files, starter_files

ROOT = Path(__file__).resolve().parent.parent

sys.path.append(str(STARTER / "b2_inside"))

import b2_rules  # noqa: E402, F401  # imported from here by the others


def files_of(assignment: str) -> dict[str, Path]:
    """Return the files that a reset would bring back, {name in a project: where it lies here}.

    README.md and .env.example are not among them: each project has its own.
    """
    own = STARTER / "_starter" / assignment
    given = {
        name: STARTER / name for name in given_files() if name not in ("README.md", ".env.example")
    }
    return given | {name: own / name for name in starter_files(assignment)}


def starter_main(assignment: str) -> str:
    """Return main.py as it was handed out."""
    return (STARTER / "_starter" / assignment / "main.py").read_text(encoding="utf-8")


def tests_of(assignment: str) -> dict[str, Path]:
    """Return those of the files that decide on a grade."""
    return {
        name: path
        for name, path in files_of(assignment).items()
        if name.startswith("tests/") or name == ".pytest.ini"
    }


def digest_of_tests(assignment: str) -> str:
    """Return a short word that changes whenever a test does; class.csv keeps it."""
    digest = hashlib.sha256()
    for name, path in sorted(tests_of(assignment).items()):
        digest.update("\n".join([name, *lines_of(path.read_bytes())]).encode())
    return digest.hexdigest()[:12]


def lines_of(content: bytes) -> list[str]:
    """Return what counts of a text: its lines, without blank ones and white space behind them."""
    text = content.decode("utf-8-sig", errors="replace")
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def copy_template(folder: Path, assignment: str) -> Path:
    """Copy the template there, with one assignment, and nothing else that is around here."""
    hooks = [f"hooks/{path.name}" for path in (ROOT / "hooks").glob("*.py")]
    starter = [f"_starter/{assignment}/{name}" for name in ["main.py", *starter_files(assignment)]]
    inside = [f"{STARTER.name}/{name}" for name in [*given_files(), *starter]]
    for name in ["cookiecutter.json", "b2_starter_extension.py", *hooks, *inside]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)
    return folder
