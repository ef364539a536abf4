"""Makes a project of a hand-in: the student's own files, and the template's tests."""

from __future__ import annotations

import ast
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from classroom import hand_ins
from classroom.entries import HandInError
from classroom.hand_ins import HandIn
from classroom.keys import cover_keys, has_key
from classroom.template import (
    digest_of_tests,
    files_of,
    lines_of,
    starter_main,
    tests_of,
)
from classroom.texts import make_writable
from hooks.project import ASSIGNMENTS, SETTINGS

# Files that would change what Python or pytest do; in a hand-in, they are left out.
STEERING = {
    "conftest.py",
    "pytest.ini",
    ".pytest.ini",
    "tox.ini",
    "setup.cfg",
    "pyproject.toml",
    "sitecustomize.py",
    "usercustomize.py",
    "pytest.py",
}
COMPILED = (".pyc", ".pyd", ".so", ".pth", ".dll")


@dataclass
class Prepared:
    """What was found in a hand-in. keys: files with a filled key; edited: tests that differ."""

    main: str
    keys: list[str] = field(default_factory=list)
    edited: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def prepare(hand_in: HandIn, assignment: str, digest: str, folder: Path) -> Prepared:
    """Write the project that is graded into a new folder; return what is to be said of it.

    digest: of the tests that were handed out, or "" if nobody knows.

    Raises HandInError where the hand-in cannot be read.
    """
    read = hand_ins.read_files(hand_in)
    given = files_of(assignment)
    found = Prepared(read[PurePosixPath("main.py")].decode("utf-8-sig", errors="replace"))
    found.keys = hand_ins.find_keys(hand_in)
    found.edited = edited_tests(read, assignment, digest, hand_in.version)
    reserved = {name.lower() for name in given}
    modules = {Path(name).name.lower() for name in given if name.endswith(".py")}
    for path, content in read.items():
        name = path.as_posix().lower()
        if name in reserved or path.parts[0].lower() in ("tests", "b2_inside", "_starter"):
            continue
        cleaned = cover_keys(content)
        still_there = cleaned == content and has_key(path, content)  # in UTF-16
        if (
            path.name.lower() in STEERING | modules
            or name.endswith(COMPILED)
            or name == "__init__.py"
            or still_there
        ):
            found.left_out.append(make_writable(path.as_posix()))
            continue
        write(folder / path, cleaned)
    for name, source in given.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, folder / name)
    (folder.parent / "home").mkdir()
    return found


def write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except (OSError, ValueError):  # a name that this system cannot have
        raise HandInError(f"the file {path.name[:60]!r} cannot be written here") from None


def edited_tests(
    read: dict[PurePosixPath, bytes], assignment: str, digest: str, version: str
) -> list[str]:
    """Return the names of those tests that are not as they were handed out.

    Only where the template still has the tests that were handed out; line ends do not count.
    """
    if version != SETTINGS["_template_version"] or digest not in ("", digest_of_tests(assignment)):
        return []
    return [
        name
        for name, path in tests_of(assignment).items()
        if PurePosixPath(name) in read
        and lines_of(read[PurePosixPath(name)]) != lines_of(path.read_bytes())
    ]


def is_starter(main: str, assignment: str) -> bool:
    """Tell whether main.py is as it was handed out, or empty."""
    own = lines_of(main.encode(errors="replace"))
    return own in ([], lines_of(starter_main(assignment).encode()))


def test_names(assignment: str) -> list[str]:
    """Return the names of the tests of an assignment, in their order."""
    text = files_of(assignment)["tests/test_main.py"].read_text(encoding="utf-8")
    return re.findall(r"^def (test_\w+)", text, re.MULTILINE)


def functions_of(assignment: str) -> set[str]:
    """Return the functions that the tests of an assignment call."""
    text = files_of(assignment)["tests/test_main.py"].read_text(encoding="utf-8")
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "FUNCTIONS":
            return {line.partition("(")[0] for line in ast.literal_eval(node.value)}
    return set()


def defined_in(main: str) -> set[str]:
    return set(re.findall(r"^def (\w+)", main, re.MULTILINE))


def has_functions(main: str, assignment: str) -> bool:
    """Tell whether a program defines one of the functions that are tested."""
    return bool(defined_in(main) & functions_of(assignment))


def other_assignment(main: str, said: str, assignment: str) -> str:
    """Return which other assignment this main.py is for; "" if it can be for this one.

    said: what b2-starter.json beside it says, or "".
    """
    if not main.strip() or has_functions(main, assignment):
        return ""
    if said not in ("", assignment):
        return said
    return next(
        (
            other
            for other in ASSIGNMENTS
            if other != assignment
            and (is_starter(main, other) or set() < functions_of(other) <= defined_in(main))
        ),
        "",
    )
