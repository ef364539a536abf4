"""What the template gives to a project, and what is in a folder that already exists.

b2_starter_extension.py runs this file in cookiecutter's process; classroom/ imports it.
"""

from __future__ import annotations

import functools
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hooks.command import Command

HERE = Path(__file__).resolve().parent.parent  # the folder of the template
STARTER = HERE / "{{cookiecutter.project_slug}}"
SETTINGS: dict[str, Any] = json.loads((HERE / "cookiecutter.json").read_text(encoding="utf-8"))
ASSIGNMENTS = [  # the copy that new_class makes has only one of them
    name for name in SETTINGS["_assignments"] if (STARTER / "_starter" / name).is_dir()
]

ANSWERS_FILE = "b2-starter.json"
UNFINISHED = ".unfinished"  # marks a backup while the reset that made it is running
YOURS = {"main.py", ".env", "env.txt", "practice-bucket", "backups", ANSWERS_FILE}

# What Python, its tools, editors and file managers leave in a folder.
JUNK = re.compile(
    r"__pycache__|\.\w+_cache|.*\.pyc|.*~|\._.*|\.DS_Store|Thumbs\.db|desktop\.ini", re.IGNORECASE
)


@functools.cache  # new_class makes hundreds of projects in one process
def files_below(folder: Path) -> tuple[str, ...]:
    """Return the files of a folder of the template, as a/b.txt."""
    names: list[str] = []
    for path in sorted(folder.iterdir()):
        if JUNK.fullmatch(path.name):
            continue
        if path.is_dir():
            names += [f"{path.name}/{name}" for name in files_below(path)]
        else:
            names.append(path.name)
    return tuple(names)


def given_files() -> list[str]:
    """Return the given files that every project has, as they are called in a project."""
    not_given = {*YOURS, "_starter"}
    return [name for name in files_below(STARTER) if name.partition("/")[0] not in not_given]


def starter_files(assignment: str) -> list[str]:
    """Return the given files of one assignment: all but its main.py, which becomes yours."""
    return [name for name in files_below(STARTER / "_starter" / assignment) if name != "main.py"]


def read_kept(folder: Path) -> dict[str, Any]:
    """Return what an earlier run kept in b2-starter.json; {} if that is lost or broken.

    "assignment" is its name, "given" the list of the files that were given then.
    """
    for name in (ANSWERS_FILE, f"{ANSWERS_FILE}.part"):
        try:
            kept = json.loads((folder / name).read_text(encoding="utf-8"))
            assignment = str(kept["cookiecutter"]["assignment"])
            given = [str(name) for name in kept["b2-starter"]["given"]]
        except (OSError, ValueError, LookupError, TypeError):
            continue
        return {"assignment": assignment, "given": given}
    return {}


def is_project(folder: Path) -> bool:
    """Tell whether a folder holds a project of this template, perhaps a broken one."""
    if read_kept(folder):
        return True
    ours = [name for name in given_files() if name.startswith("b2_")]
    return sum(os.path.isfile(folder / name) for name in ours) >= 2  # False if it cannot look


def find_project_around(folder: Path) -> Path | None:
    """Return the project that a folder is, or is in; None if it is not in any."""
    for place in (folder, *folder.parents):
        if is_project(place):
            return place
    return None


def find_projects_in(folder: Path) -> list[str]:
    """Return the names of the projects in a folder."""
    try:
        return sorted(path.name for path in folder.iterdir() if is_project(path))
    except OSError:
        return []


def find_assignment(folder: Path) -> str:
    """Return the assignment of the project in a folder; "" if nobody knows.

    If b2-starter.json is lost, the other files decide: it is the assignment that shares the most
    lines with the project's files. Only lines that no other assignment has count.
    """
    if not is_project(folder):
        return ""
    assignment = read_kept(folder).get("assignment", "")
    if assignment:
        return assignment
    here = lines_of(folder)
    lines = {name: lines_of(STARTER / "_starter" / name) for name in ASSIGNMENTS}
    shared = {}
    for name in ASSIGNMENTS:
        others = set().union(*(lines[other] for other in ASSIGNMENTS if other != name))
        shared[name] = len((lines[name] - others) & here)
    best = max(ASSIGNMENTS, key=lambda name: shared[name])
    return best if shared[best] else ""


def lines_of(folder: Path) -> set[str]:
    """Return the lines of the files in a folder that differ from assignment to assignment."""
    lines: set[str] = set()
    for name in ("BRIEF.md", "main.py", "tests/test_main.py"):
        try:
            text = (folder / name).read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        lines |= {line.strip() for line in text.splitlines()}
    return lines


def find_folder_problem(command: Command, folder: Path) -> str:
    """Return why the project cannot go into a folder, in plain sentences; "" if it can."""
    name = folder.name
    if command.force and not command.replay and command.can_ask and not is_project(folder):
        here = find_projects_in(command.output)
        known = f" The projects here are: {', '.join(here)}." if here else ""
        return (
            f"The folder {name} is not a b2-starter project, so there is nothing to repair.{known}"
            "\nType the name of the project's folder. (For a new project, press Ctrl-C and leave"
            " out -f.)"
        )
    if not os.path.lexists(folder):
        return ""
    if not folder.is_dir():
        return f"There is already a file called {name} here. Choose another name."
    if command.force:
        return find_reset_problem(folder)
    problem = f"There is already a folder called {name} here. Choose another name."
    if is_project(folder):
        stop = "press Ctrl-C and " if command.can_ask else ""
        problem += f"\nTo repair the project in it, {stop}type:"
        problem += f"\n\n    {command.reset_line(name)}"
    return problem


def explain_inside_project(command: Command, project: Path) -> str:
    name = project.name
    return (
        f"Nothing was created.\n\nYou are inside the project {name}. Leave its folder first:"
        f"\n\n    {command.go_to_line(project.parent)}"
        f"\n\nThen type your command again. To repair {name}, type:"
        f"\n\n    {command.reset_line(name)}"
    )


def explain_wrong_place(command: Command, project: Path) -> str:
    return (
        "Nothing was changed.\n\nRun a reset from the folder that contains the project."
        f" Type these two lines:\n\n    {command.go_to_line(project.parent)}"
        f"\n    {command.reset_line(project.name)}"
    )


def find_reset_problem(folder: Path) -> str:
    """Return why an existing folder cannot be reset, in plain sentences; "" if it can."""
    name = folder.name
    if folder.is_symlink():
        return f"The folder {name} is only a link. Type the name of the real folder."
    try:
        if not os.listdir(folder):
            return ""
    except OSError as error:
        return f"You cannot open the folder {name}: {error.strerror}."
    if not is_project(folder):
        problem = f"The folder {name} is not a b2-starter project, so it stays as it is."
        if (folder / "main.py").is_file():
            problem += " If it was one, make a new project and copy your main.py into it."
        return problem
    given = [*given_files(), *(file for name in ASSIGNMENTS for file in starter_files(name))]
    inner = {parent for name in given for parent in Path(name).parents} | {Path("backups")}
    for path in sorted(inner - {Path()}):
        if (folder / path).is_symlink():
            return f"The folder {path.as_posix()} in {name} is a link. Rename it first."
    if os.path.isfile(folder / "backups"):
        return f"There is a file called backups in {name}. Rename it first."
    if os.path.isdir(folder / f"{ANSWERS_FILE}.part"):
        return f"There is a folder called {ANSWERS_FILE}.part in {name}. Rename it first."
    return ""


def find_other_assignment(folder: Path, assignment: str) -> str:
    """Return why this assignment cannot go into the project of a folder; "" if it can."""
    there = find_assignment(folder)
    if there in ("", assignment):
        return ""
    return (
        f"The folder {folder.name} already holds {there}. To repair it, choose {there}."
        f" For {assignment}, start again and choose another folder name."
    )


def find_dropped(folder: Path, given: list[str]) -> list[str]:
    """Return the files that an earlier version gave to a project, but that are no longer given.

    A Python file that does not say that it is given was written by the student, and stays.
    """
    dropped = []
    for name in read_kept(folder).get("given", []):
        path = folder / name
        parts = Path(name.lower()).parts
        if name in given or not parts or parts[0] in YOURS:
            continue
        if not is_inside(path, folder) or not path.is_file():
            continue
        if not name.endswith(".py") or b" given: a reset may replace" in path.read_bytes():
            dropped.append(name)
    return dropped


def find_unfinished_backups(folder: Path) -> list[str]:
    """Return the backups in a project whose reset was stopped in the middle, the oldest first."""
    try:
        names = sorted(os.listdir(folder / "backups"))
    except OSError:
        return []
    return [
        f"backups/{name}"
        for name in names
        if os.path.isfile(folder / "backups" / name / UNFINISHED)
    ]


def is_inside(path: Path, folder: Path) -> bool:
    """Tell whether a path is inside a folder, without links: the list may have been edited."""
    if not path.is_relative_to(folder):
        return False
    return path.resolve() == folder.resolve() / path.relative_to(folder)


def is_same_folder(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False
