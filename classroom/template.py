"""What the class commands need from the template: its files, its tests, its rules.

The rules about B2 are in the generated project and nowhere else, so b2_rules is imported from
there, once; the other modules import it from here.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path

from hooks.project import STARTER, given_files, starter_files

ROOT = Path(__file__).resolve().parent.parent

sys.path.append(str(STARTER / "b2_inside"))

import b2_rules  # noqa: E402, F401

# Given to every project, but different in each of them.
OWN_IN_EACH = ("README.md", ".env.example")


def files_of(assignment: str) -> dict[str, Path]:
    """Return {name in a project: path here} of the files that are the same in every project."""
    files = {}
    for name in given_files():
        if name not in OWN_IN_EACH:
            files[name] = STARTER / name
    for name in starter_files(assignment):
        files[name] = STARTER / "_starter" / assignment / name
    return files


def tests_of(assignment: str) -> dict[str, Path]:
    """Return {name in a project: path here} of the files that decide on a grade."""
    tests = {}
    for name, path in files_of(assignment).items():
        if name.startswith("tests/") or name == ".pytest.ini":
            tests[name] = path
    return tests


def digest_of_tests(assignment: str) -> str:
    """Return 12 characters that change whenever a test does; class.csv keeps them."""
    digest = hashlib.sha256()
    for name, path in sorted(tests_of(assignment).items()):
        lines = [name, *lines_of(path.read_bytes())]
        digest.update("\n".join(lines).encode())
    return digest.hexdigest()[:12]


def digest_of_starter(main: str) -> str:
    """Return 12 characters that change whenever a line of main.py does; class.csv keeps them."""
    return hashlib.sha256("\n".join(lines_of(main.encode(errors="replace"))).encode()).hexdigest()[
        :12
    ]


def lines_of(content: bytes) -> list[str]:
    """Return the lines of a text that count: no blank lines, no white space at the end of one."""
    text = content.decode("utf-8-sig", errors="replace")
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def read_starter(assignment: str) -> str:
    """Return main.py as students get it."""
    return (STARTER / "_starter" / assignment / "main.py").read_text(encoding="utf-8")


def copy_template(folder: Path, assignment: str) -> Path:
    """Copy the template with one assignment into a new folder, and return that folder.

    Only what belongs to the template is copied: cookiecutter would put everything else that is
    here into each project.
    """
    names = ["cookiecutter.json", "b2_starter_extension.py"]
    names += [f"hooks/{path.name}" for path in (ROOT / "hooks").glob("*.py")]
    names += [f"{STARTER.name}/{name}" for name in given_files()]
    for name in ("main.py", *starter_files(assignment)):
        names.append(f"{STARTER.name}/_starter/{assignment}/{name}")
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)
    return folder
