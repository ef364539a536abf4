"""Finds what was handed in, wherever a school's platform has put it, and reads it.

A hand-in is a project folder, a zip of one, or main.py alone.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from classroom.entries import (
    MOST_BYTES,
    MOST_FILES,
    MOST_TEXT,
    TOP,
    Entry,
    HandInError,
    list_below,
    list_folder,
    list_zip,
    open_zip,
)
from classroom.keys import holds_key, is_env
from classroom.texts import make_line, make_writable

MAIN = PurePosixPath("main.py")
KEPT = "b2-starter.json"

ARCHIVES = (".zip", ".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz")
OTHER_ARCHIVE = "this kind of archive cannot be read; ask for a zip file"

# main.py, Anna_123_main-1.py, helpers.py; main.py.txt and main.txt come from editors and platforms
PROGRAM = re.compile(r".*\.py(\.txt)?|(.*[^A-Za-z0-9])?main\.txt", re.IGNORECASE)

MOST_PROGRAMS = 500  # in a zip: that of a whole class may have many

# What everybody has: b2_client.py, and Anna_123_check_setup.py.
GIVEN = re.compile(
    r"(.*[^A-Za-z0-9])?(b2_(client|advice|causes|errors|guard|problems|refusals|rules|settings)"
    r"|check_setup|conftest|grading|test_main|test_no_keys)\.py"
)

# What somebody hands in beside main.py as another version of it: main-2.py, main (1).py, main2.py.
OTHER_MAIN = re.compile(r"main[^A-Za-z].*\.py", re.IGNORECASE)


# Version 2, as Teams calls a folder with a later hand-in; Revision 2 - late.
VERSION = re.compile(r"\b(?:version|revision|attempt|try)[ _-]?(\d{1,3})\b", re.IGNORECASE)


@dataclass
class HandIn:
    """A program that was handed in, with the files that belong to it.

    path: the file or folder in the class folder; inner: the zip inside it, or ""; root: the
    folder in there that holds the program; main: the program's name; alone: nothing else belongs
    to it; time: when the program was last changed, in seconds. is_named: the name of its student
    is on the outside, or it is not known; told: the name in its path that tells whose it is.
    slug, assignment, version (of the template): what b2-starter.json says, or "".
    beside: the names of other programs in the project; doubts: why it may be somebody else's, for
    the teacher.
    """

    path: Path
    inner: str
    root: PurePosixPath
    main: str
    alone: bool
    time: float
    slug: str = ""
    assignment: str = ""
    version: str = ""
    beside: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    is_named: bool = True
    told: str = ""

    def where(self, folder: Path) -> str:
        """Return where it is, for the teacher. folder: the class folder."""
        program = self.main if self.alone or self.main != MAIN.name else ""
        outer = make_line(self.path.relative_to(folder).as_posix())
        inside = make_line(PurePosixPath(self.inner, self.root, program).as_posix())
        if inside in (".", self.path.name):
            return outer
        return f"{outer}: {inside}"

    def parts(self, folder: Path) -> list[str]:
        """Return the names in its path, the outermost one first; they may tell whose it is."""
        outside = self.path.relative_to(folder).parts
        inside = [*PurePosixPath(self.inner).parts, *self.root.parts]
        if self.alone and self.main != self.path.name:
            inside.append(self.main)
        names = [*outside, *inside, self.slug]
        return [make_writable(name) for name in names if name]


@dataclass
class Unused:
    """A file that is not a hand-in. reason: why; broken: there may be a hand-in in it."""

    where: str
    reason: str
    broken: bool

    def __str__(self) -> str:
        return f"{self.where}: {self.reason}."


# Finding.

Tells = Callable[[PurePosixPath], bool]


def tells_nobody(_: PurePosixPath) -> bool:
    """Stand for an unknown class: no path has the name of a student."""
    return False


def tells_below(tells: Tells, *outer: str | PurePosixPath) -> Tells:
    """Return the same for paths that begin in a zip. outer: where that zip is."""
    return lambda inner: tells(PurePosixPath(*outer, inner))


def find_hand_ins(folder: Path, tells: Tells = tells_nobody) -> tuple[list[HandIn], list[Unused]]:
    """Return the hand-ins in the class folder, in the order of their places, and what is unused.

    tells: returns whether a path in the class folder has the name of a student.
    """
    listed = [entry for entry in list_folder(folder) if not is_ours(folder, entry.path)]
    hand_ins, rest = sort_files(listed, tells, of_a_class=True)
    for hand_in in hand_ins:
        hand_in.path = folder / hand_in.root
        if hand_in.alone:
            hand_in.path /= hand_in.main
        hand_in.root = TOP
    unused: list[Unused] = []
    for entry in rest:
        if not is_zip(entry.path):
            unused.append(describe_unused(entry))
            continue
        where = make_line(entry.path.as_posix())
        try:
            inside, broken = find_in_zip(folder / entry.path, where, tells)
        except Exception as error:  # anything: an odd file can make a library fail in any way
            unused.append(Unused(where, explain(error), True))
            continue
        hand_ins += inside
        unused += broken
    hand_ins.sort(key=lambda hand_in: hand_in.where(folder))
    return hand_ins, unused


def is_ours(folder: Path, path: PurePosixPath) -> bool:
    """Tell whether new_class or grade wrote this file. path: where it is in the class folder."""
    top = path.parts[0]
    if top.startswith(".new_class-"):
        return True
    if len(path.parts) == 1 and path.suffix.lower() in (".csv", ".html", ".json", ".part"):
        return True
    table = top.removesuffix("-feedback").removesuffix("-earlier")
    return table != top and (folder / f"{table}.csv").exists()


def is_zip(path: Path | PurePosixPath) -> bool:
    return path.suffix.lower() == ".zip"


def describe_unused(entry: Entry) -> Unused:
    """Return why a file in the class folder is not a hand-in."""
    where = make_line(entry.path.as_posix())
    if GIVEN.fullmatch(entry.path.name):
        return Unused(where, "this file was given to all; main.py is what counts", False)
    if entry.path.suffix.lower() in ARCHIVES:
        return Unused(where, OTHER_ARCHIVE, True)
    if holds_key(entry):
        return Unused(where, "it contains KEYS: delete them in the console", True)
    return Unused(where, "this is not a program, so it was not used", False)


def find_in_zip(path: Path, where: str, tells: Tells) -> tuple[list[HandIn], list[Unused]]:
    """Return the hand-ins in a zip, even those in zips inside it, and what is broken in it.

    where: the name of the zip, for the teacher; tells: as in find_hand_ins. Raises HandInError
    if there is nothing in it.
    """
    broken: list[Unused] = []
    with open_zip(path) as archive:
        hand_ins, rest = sort_files(
            list(list_zip(archive)), lambda inner: tells(PurePosixPath(where, inner))
        )
        for entry in rest:
            inside = f"{where}: {make_line(entry.path.as_posix())}"
            if is_zip(entry.path):
                try:
                    hand_ins += find_in_inner_zip(entry, tells_below(tells, where, entry.path))
                except Exception as error:  # as in find_hand_ins
                    broken.append(Unused(inside, explain(error), True))
            elif entry.path.suffix.lower() in ARCHIVES:
                broken.append(Unused(inside, OTHER_ARCHIVE, True))
    if not hand_ins and not broken:
        raise HandInError("there is no main.py in it")
    if len(hand_ins) > MOST_PROGRAMS:
        raise HandInError(f"there are more than {MOST_PROGRAMS} programs in it")
    for hand_in in hand_ins:
        hand_in.path = path
    return hand_ins, broken


def find_in_inner_zip(entry: Entry, tells: Tells) -> list[HandIn]:
    """Return the hand-ins in a zip that is in a zip. A third one in it is not opened."""
    with open_zip(io.BytesIO(entry.read())) as archive:
        hand_ins, _ = sort_files(list(list_zip(archive)), tells)
    for hand_in in hand_ins:
        hand_in.inner = entry.path.as_posix()
    return hand_ins


def explain(error: Exception) -> str:
    """Return why a file could not be read, for the teacher."""
    if isinstance(error, HandInError):
        return str(error)
    reason = getattr(error, "strerror", None) or error
    return f"it cannot be read ({reason})"


# Telling hand-ins from other files.


def sort_files(
    listed: list[Entry], tells: Tells, of_a_class: bool = False
) -> tuple[list[HandIn], list[Entry]]:
    """Return the hand-ins among the files of a folder or zip, and all the other files.

    A folder with main.py is a project, and everything in it belongs to the project. Elsewhere,
    each program is a hand-in by itself. of_a_class: this is the class folder.
    """
    projects = find_projects(listed, tells, of_a_class)
    own_folders = {entry.path.parent for entry in listed if is_of_a_project(entry)}
    programs = []
    rest = []
    for entry in listed:
        project = find_owner(entry, projects)
        name, root = entry.path.name, entry.path.parent
        if project is None and PROGRAM.fullmatch(name) and not GIVEN.fullmatch(name):
            programs.append(make_hand_in(entry, alone=True))
        elif root in projects and root not in own_folders and OTHER_MAIN.fullmatch(name):
            programs.append(make_hand_in(entry, alone=False))
        elif project is None:
            rest.append(entry)
        elif entry.path == project.root / KEPT and entry.size < MOST_TEXT:
            take_over_answers(project, entry.read())
        elif PROGRAM.fullmatch(entry.path.name) and len(project.beside) < 20:
            project.beside.append(make_line(entry.path.relative_to(project.root).as_posix()))
    return [*projects.values(), *programs], rest


def find_projects(
    listed: list[Entry], tells: Tells, of_a_class: bool
) -> dict[PurePosixPath, HandIn]:
    """Return {folder: hand-in} of the outermost folders with main.py.

    The class folder is never a project, and neither is a folder that has projects in two of its
    folders, or programs of several students: a main.py beside them may be anybody's.
    """
    mains = [entry for entry in listed if entry.path.name == "main.py"]
    mains.sort(key=lambda entry: len(entry.path.parts))
    projects: dict[PurePosixPath, HandIn] = {}
    for entry in mains:
        root = entry.path.parent
        if of_a_class and root == TOP:
            continue
        is_inside = find_owner(entry, projects) and not VERSION.match(root.name)
        if is_inside or holds_projects(entry, mains):
            continue
        if not tells(root) and holds_named_programs(root, listed, tells):
            continue
        projects[root] = make_hand_in(entry, alone=False)
    return projects


def is_of_a_project(entry: Entry) -> bool:
    """Tell whether a file shows that its folder is the one in which a student works."""
    return entry.path.name == KEPT or GIVEN.fullmatch(entry.path.name) is not None


def holds_named_programs(root: PurePosixPath, listed: list[Entry], tells: Tells) -> bool:
    """Tell whether programs in a folder have the names of students."""
    return any(
        entry.path.is_relative_to(root) and PROGRAM.fullmatch(entry.path.name) and tells(entry.path)
        for entry in listed
    )


def find_owner(entry: Entry, projects: dict[PurePosixPath, HandIn]) -> HandIn | None:
    """Return the project in whose folder a file is; None if it is in none of them."""
    for folder in entry.path.parents:
        if folder in projects:
            return projects[folder]
    return None


def holds_projects(main: Entry, mains: list[Entry]) -> bool:
    """Tell whether there are other programs below this one's folder, in two or more folders."""
    root = main.path.parent
    folders = set()
    for other in mains:
        if other is not main and other.path.is_relative_to(root):
            folders.add(other.path.relative_to(root).parts[0])
    return len(folders) > 1


def make_hand_in(entry: Entry, alone: bool) -> HandIn:
    """Return the hand-in of a program; its path, and a zip inside that, are not known yet."""
    return HandIn(Path(), "", entry.path.parent, entry.path.name, alone, entry.time)


def take_over_answers(hand_in: HandIn, kept: bytes) -> None:
    """Copy what b2-starter.json says, as far as it can be read."""
    with contextlib.suppress(ValueError, LookupError, TypeError, RecursionError):
        content = json.loads(kept)
        hand_in.slug = make_writable(str(content["cookiecutter"]["project_slug"]))
        hand_in.assignment = make_writable(str(content["cookiecutter"]["assignment"]))
        hand_in.version = str(content["b2-starter"]["version"])


# Reading.


def read_files(hand_in: HandIn) -> dict[PurePosixPath, bytes]:
    """Return {path in the project: content} of a hand-in; main.py is one of them.

    Files for keys, such as .env, are not read: see find_keys.
    Raises HandInError if there is more than a real project could have.
    """
    contents: dict[PurePosixPath, bytes] = {}
    size = 0
    with open_files(hand_in) as listed:
        for entry in listed:
            if is_env(entry.path):
                continue
            if len(contents) == MOST_FILES or size + entry.size > MOST_BYTES:
                raise HandInError(
                    f"it contains more than {MOST_FILES} files or {MOST_BYTES:,} bytes"
                )
            check_size(entry)
            contents[entry.path] = entry.read()
            size += len(contents[entry.path])
    return contents


def read_main(hand_in: HandIn) -> bytes:
    """Return the content of main.py; raise HandInError if it is too large."""
    with open_files(hand_in) as listed:
        main = next(entry for entry in listed if entry.path == MAIN)
        check_size(main)
        return main.read()


def check_size(entry: Entry) -> None:
    """Raise HandInError if this is main.py, and too large to be a program."""
    if entry.path == MAIN and entry.size > MOST_TEXT:
        raise HandInError(f"main.py is larger than {MOST_TEXT:,} bytes")


def find_keys(hand_in: HandIn) -> list[str]:
    """Return the names of the files of a hand-in that hold a key. The key is never returned."""
    with open_files(hand_in) as listed:
        return [make_writable(entry.path.as_posix()) for entry in listed if holds_key(entry)]


@contextlib.contextmanager
def open_files(hand_in: HandIn) -> Iterator[list[Entry]]:
    """Yield the files of a hand-in; they can be read until this is closed.

    Their paths begin in the project, and the program is called main.py, whatever its name was.
    """
    with contextlib.ExitStack() as stack:
        if hand_in.path.is_dir():
            listed = list(list_folder(hand_in.path))
        elif is_zip(hand_in.path):
            archive = stack.enter_context(open_zip(hand_in.path))
            entries = list_zip(archive)
            if hand_in.inner:
                inner = next(entry for entry in entries if entry.path.as_posix() == hand_in.inner)
                inner_archive = stack.enter_context(open_zip(io.BytesIO(inner.read())))
                entries = list_zip(inner_archive)
            listed = list_below(entries, hand_in.root)
        else:
            path = hand_in.path
            listed = [Entry(PurePosixPath(path.name), path.stat().st_size, 0, path.read_bytes)]
        if hand_in.alone:
            listed = [entry for entry in listed if entry.path.as_posix() == hand_in.main]
            listed[0].path = MAIN
        elif hand_in.main != MAIN.name:
            listed = [entry for entry in listed if entry.path != MAIN]
            next(entry for entry in listed if entry.path.as_posix() == hand_in.main).path = MAIN
        yield listed
