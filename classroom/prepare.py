"""Makes a project that can be graded from a hand-in: the student's files, the template's tests."""

from __future__ import annotations

import ast
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from classroom.entries import HandInError
from classroom.hand_ins import MAIN, HandIn, find_keys, read_files
from classroom.keys import cover_keys, has_key
from classroom.likeness import list_odd_names
from classroom.template import (
    digest_of_starter,
    digest_of_tests,
    files_of,
    lines_of,
    read_starter,
    tests_of,
)
from classroom.texts import make_line
from hooks.project import ASSIGNMENTS, SETTINGS

# Files that would change what Python or pytest does. If a hand-in has one, it is not used.
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
GIVEN_FOLDERS = ("tests", "b2_inside", "_starter")


@dataclass
class Prepared:
    """What a hand-in holds.

    main: the text of main.py; keys: the files with a filled-in key; edited: the tests that were
    changed; left_out: the files that are not used; odd: names in its programs that no assignment
    needs.
    """

    main: str
    keys: list[str] = field(default_factory=list)
    edited: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)


def prepare(hand_in: HandIn, assignment: str, digest: str, folder: Path) -> Prepared:
    """Write the project to grade into a new folder; return what the hand-in holds.

    digest: of the tests that this student got, or "" if nobody knows.
    Raises HandInError if the hand-in cannot be read, or one of its files cannot be written.
    """
    contents = read_files(hand_in)
    given = files_of(assignment)
    prepared = Prepared(contents[MAIN].decode("utf-8-sig", errors="replace"))
    prepared.keys = find_keys(hand_in)
    prepared.edited = find_edited_tests(contents, assignment, digest, hand_in.version)
    odd: set[str] = set()
    for path, content in contents.items():
        if is_given(path, given):
            continue
        if is_unsafe(path, content, given):
            prepared.left_out.append(make_line(path.as_posix()))
        else:
            write_file(folder / path, cover_keys(content))
            if path.suffix == ".py":
                odd.update(list_odd_names(content))
    prepared.odd = sorted(odd)
    for name, source in given.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, folder / name)
    (folder.parent / "home").mkdir()
    return prepared


def is_given(path: PurePosixPath, given: dict[str, Path]) -> bool:
    """Tell whether the template's own file is used instead of this one from a hand-in."""
    names = {name.lower() for name in given}
    return path.as_posix().lower() in names or path.parts[0].lower() in GIVEN_FOLDERS


def is_unsafe(path: PurePosixPath, content: bytes, given: dict[str, Path]) -> bool:
    """Tell whether a file of a hand-in would change how the others run, or shows a key."""
    modules = {Path(name).name.lower() for name in given if name.endswith(".py")}
    if path.name.lower() in STEERING | modules:
        return True
    full_name = path.as_posix().lower()
    if full_name.endswith(COMPILED) or full_name == "__init__.py":
        return True
    # In UTF-16, a key can be found, but not covered.
    return has_key(path, content) and cover_keys(content) == content


def write_file(path: Path, content: bytes) -> None:
    """Write a file of a hand-in; raise HandInError if this system does not allow its name."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except (OSError, ValueError):
        raise HandInError(
            f"the file {path.name[:60]!r} cannot be written on this computer; give it another name"
        ) from None


# What is in the files.


def find_edited_tests(
    contents: dict[PurePosixPath, bytes], assignment: str, digest: str, version: str
) -> list[str]:
    """Return the names of the tests that a student changed; line endings do not count.

    Only if the template still has the tests that the student got: otherwise, nobody can tell.
    version: of the template that the project was made with.
    """
    if version != SETTINGS["_template_version"]:
        return []
    if digest and digest != digest_of_tests(assignment):
        return []
    edited = []
    for name, path in tests_of(assignment).items():
        content = contents.get(PurePosixPath(name))
        if content is not None and lines_of(content) != lines_of(path.read_bytes()):
            edited.append(name)
    return edited


def is_starter(main: str, assignment: str, digest: str = "") -> bool:
    """Tell whether main.py is as students get it, or empty. digest: of the one that was given."""
    digests = {digest_of_starter(given) for given in ("", read_starter(assignment))}
    return digest_of_starter(main) in digests | {digest}


def read_test_file(assignment: str) -> str:
    return files_of(assignment)["tests/test_main.py"].read_text(encoding="utf-8")


def names_of_tests(assignment: str) -> list[str]:
    """Return the names of the tests of an assignment, in their order."""
    return re.findall(r"^def (test_\w+)", read_test_file(assignment), re.MULTILINE)


def names_of_tested(assignment: str) -> set[str]:
    """Return the names of the functions that the tests of an assignment call."""
    for node in ast.parse(read_test_file(assignment)).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "FUNCTIONS":
            return {line.partition("(")[0] for line in ast.literal_eval(node.value)}
    return set()


def names_of_defined(main: str) -> set[str]:
    """Return the names of the functions that main.py defines."""
    return set(re.findall(r"^def (\w+)", main, re.MULTILINE))


def has_tested_functions(main: str, assignment: str) -> bool:
    """Tell whether main.py defines one of the functions that the tests call."""
    return bool(names_of_defined(main) & names_of_tested(assignment))


def find_other_assignment(main: str, kept: str, assignment: str) -> str:
    """Return which other assignment main.py is for; "" if it can be for this one.

    kept: the assignment in the b2-starter.json next to it, or "".
    """
    if not main.strip() or has_tested_functions(main, assignment):
        return ""
    if kept not in ("", assignment):
        return kept
    for other in ASSIGNMENTS:
        if other != assignment and is_for(main, other):
            return other
    return ""


def is_for(main: str, assignment: str) -> bool:
    """Tell whether main.py is as students get it, or has all functions that the tests call."""
    if is_starter(main, assignment):
        return True
    tested = names_of_tested(assignment)
    return bool(tested) and tested <= names_of_defined(main)
