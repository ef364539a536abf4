"""Finds what was handed in, wherever a school's platform has put it, and reads it safely.

A hand-in is a project folder, a zip of one, or main.py alone. What is read is bytes: nothing of
a hand-in is unpacked by a library, followed as a link, or written under a name that it chose.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import stat
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from classroom.template import b2_rules

# What a project of a student plausibly has; beyond that, a hand-in is refused.
MOST_FILES = 2_000
MOST_BYTES = 50_000_000
MOST_TEXT = 1_000_000  # bytes of a file that is looked through for keys

# Never of interest, in a folder or a zip: made by systems, tools, or the project itself.
JUNK = {
    "__MACOSX",
    "__pycache__",
    ".git",
    ".venv",
    "venv",
    "node_modules",
    ".idea",
    ".vscode",
    ".pytest_cache",
    "backups",
    "practice-bucket",
    "$RECYCLE.BIN",
    "System Volume Information",
    ".DS_Store",
    "Thumbs.db",
    "desktop.ini",
}
KEPT = "b2-starter.json"
SECRET = (".env", "env.txt", "env.env", "_env", "dotenv")  # as in the .gitignore of a project
OTHER_ARCHIVE = "this kind of archive cannot be read; a zip can"
ARCHIVES = (".zip", ".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz")
# main.py, Anna_123_main-1.py, helpers.py; and what an editor or a platform makes of it
PROGRAM = re.compile(r".*\.py(\.txt)?|(.*[^A-Za-z0-9])?main\.txt", re.IGNORECASE)


class HandInError(Exception):
    """This cannot be read; the text says why."""


@dataclass
class Entry:
    """A file of a hand-in. path: inside of what was opened; time: in seconds, to compare."""

    path: PurePosixPath
    size: int
    time: float
    read: Callable[[], bytes]


@dataclass
class HandIn:
    """A program that was found, and what lies beside it.

    path: the file or folder in the class folder; inner: a zip inside of it, or ""; root: the
    folder in there that holds the program; main: the name that it has; alone: no project;
    slug, assignment, version (of the template): what its b2-starter.json says, or "".
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

    def where(self, folder: Path) -> str:
        """Return the place, as it is told to the teacher."""
        outer = readable(self.path.relative_to(folder).as_posix())
        inside = PurePosixPath(self.inner, self.root, self.main if self.alone else "").as_posix()
        inside = readable(inside)
        return outer if inside in (".", self.path.name) else f"{outer}: {inside}"

    def words(self, folder: Path) -> str:
        """Return all names on the way to it, in which the student's name may stand."""
        return f"{self.where(folder)}/{self.slug}"


@dataclass
class Unused:
    """Something that is no hand-in. reason: why; broken: it may hold one all the same."""

    where: str
    reason: str
    broken: bool

    def __str__(self) -> str:
        return f"{self.where}: {self.reason}."


def find(folder: Path) -> tuple[list[HandIn], list[Unused]]:
    """Return the hand-ins below a folder, and what else lies there."""
    unused: list[Unused] = []
    listed = [
        entry for entry in in_folder(folder, PurePosixPath()) if not is_ours(folder, entry.path)
    ]
    found, rest = sorted_out(listed, of_a_class=True)
    for hand_in in found:
        hand_in.path = folder / hand_in.root / (hand_in.main if hand_in.alone else "")
        hand_in.root = PurePosixPath()
    for entry in rest:
        where = entry.path.as_posix()
        if entry.path.suffix.lower() == ".zip":
            try:
                more, broken = in_zip(folder / entry.path, where)
                found += more
                unused += broken
            except Exception as error:  # whatever a file that somebody made does to a library
                unused.append(Unused(where, reason_of(error), True))
        elif entry.path.suffix.lower() in ARCHIVES:
            unused.append(Unused(where, OTHER_ARCHIVE, True))
        elif holds_key(entry):
            unused.append(Unused(where, "it holds KEYS: delete them in the console", True))
        else:
            unused.append(Unused(where, "this is no program; it was not used", False))
    return sorted(found, key=lambda one: one.where(folder)), unused


def reason_of(error: Exception) -> str:
    """Return what to say of a file that could not be read."""
    if isinstance(error, HandInError):
        return str(error)
    return f"it cannot be read ({getattr(error, 'strerror', None) or error})"


def readable(text: str) -> str:
    """Return a text that can be written: names of files may hold what is no character."""
    return text.encode("utf-8", "replace").decode("utf-8")


def is_ours(folder: Path, path: PurePosixPath) -> bool:
    """Tell whether new_class or grade have written this."""
    top = path.parts[0]
    stem = top.removesuffix("-feedback").removesuffix("-earlier")
    beside = stem != top and (folder / f"{stem}.csv").exists()
    return (
        beside
        or top.startswith(".new_class-")
        or (len(path.parts) == 1 and path.suffix.lower() in (".csv", ".html", ".json", ".part"))
    )


def say_what_it_is(hand_in: HandIn, kept: bytes) -> None:
    """Take over what b2-starter.json says, if it can be read."""
    try:
        found = json.loads(kept)
        hand_in.slug = readable(str(found["cookiecutter"]["project_slug"]))
        hand_in.assignment = readable(str(found["cookiecutter"]["assignment"]))
        hand_in.version = str(found["b2-starter"]["version"])
    except (ValueError, LookupError, TypeError, RecursionError):
        pass


def in_zip(path: Path, where: str) -> tuple[list[HandIn], list[Unused]]:
    """Return the hand-ins of a zip (projects, programs, zips that hold such), and what is broken.

    where: the name of the zip, as it is told to the teacher.
    """
    broken: list[Unused] = []
    with opened(path) as archive:
        found, rest = sorted_out(list(entries(archive)))
        for entry in rest:
            inside = f"{where}: {readable(entry.path.as_posix())}"
            if entry.path.suffix.lower() == ".zip":
                try:
                    with opened(io.BytesIO(entry.read())) as inner:
                        more = sorted_out(list(entries(inner)))[0]
                except Exception as error:  # as above
                    broken.append(Unused(inside, reason_of(error), True))
                    continue
                for hand_in in more:
                    hand_in.inner = entry.path.as_posix()
                found += more
            elif entry.path.suffix.lower() in ARCHIVES:
                broken.append(Unused(inside, OTHER_ARCHIVE, True))
    if not found and not broken:
        raise HandInError("there is no main.py in it")
    for hand_in in found:
        hand_in.path = path
    return found, broken


def sorted_out(listed: list[Entry], of_a_class: bool = False) -> tuple[list[HandIn], list[Entry]]:
    """Return the hand-ins among files, and the files that are none.

    A folder with main.py is a project, and all that is in it belongs to it. Not so the folder of a
    class, and one with further projects in two of its folders: main.py may be of anybody there.
    Elsewhere, each program is a hand-in of its own.
    """
    mains = sorted(
        (entry for entry in listed if entry.path.name == "main.py"),
        key=lambda entry: len(entry.path.parts),
    )
    roots: dict[PurePosixPath, HandIn] = {}
    for entry in mains:
        root = entry.path.parent
        deeper = {
            other.path.relative_to(root).parts[0]
            for other in mains
            if other is not entry and other.path.is_relative_to(root)
        }
        holds_others = len(deeper) > 1 or (of_a_class and root == PurePosixPath())
        if not holds_others and not any(other in roots for other in (root, *root.parents)):
            roots[root] = HandIn(Path(), "", root, "main.py", False, entry.time)
    alone, rest = [], []
    for entry in listed:
        owner = next((roots[root] for root in entry.path.parents if root in roots), None)
        if owner and entry.path == owner.root / KEPT and entry.size < MOST_TEXT:
            say_what_it_is(owner, entry.read())
        elif not owner and PROGRAM.fullmatch(entry.path.name):
            alone.append(HandIn(Path(), "", entry.path.parent, entry.path.name, True, entry.time))
        elif not owner:
            rest.append(entry)
    return [*roots.values(), *alone], rest


def opened(file: Path | io.BytesIO) -> zipfile.ZipFile:
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, NotImplementedError, OSError) as error:
        raise HandInError(f"this is no zip that can be read ({error})") from None
    if len(archive.infolist()) > MOST_FILES * 10:
        raise HandInError(f"it holds {len(archive.infolist())} files")
    return archive


def entries(archive: zipfile.ZipFile) -> Iterator[Entry]:
    """Yield the files of a zip whose names stay inside of it; a link is none."""
    for info in archive.infolist():
        path = safe_path(info.filename)
        link = stat.S_ISLNK(info.external_attr >> 16)
        if path and not info.is_dir() and not link and not is_junk(path):
            yield Entry(path, info.file_size, zip_time(info), reader(archive, info))


def zip_time(info: zipfile.ZipInfo) -> float:
    """Return when a file was last changed; a zip says so in local time."""
    try:
        return time.mktime((*info.date_time, 0, 0, -1))
    except (ValueError, OverflowError):
        return 0


def safe_path(name: str) -> PurePosixPath | None:
    """Return the path of a file in a zip, or None if it leads out of it."""
    parts = [part for part in name.replace("\\", "/").split("/") if part != "."]
    # Windows drops dots and spaces at the end of a name: "conftest.py." is conftest.py, ".. " is ..
    path = PurePosixPath("/".join(part.rstrip(". ") or ".." * bool(part) for part in parts))
    if path.is_absolute() or ".." in path.parts or re.match("[A-Za-z]:", name) or "\0" in name:
        return None
    return path


def is_junk(path: PurePosixPath) -> bool:
    return any(part in JUNK for part in path.parts) or path.name.startswith(("._", "~$"))


def reader(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[], bytes]:
    """Return a function that reads one file, and no more of it than a hand-in may hold."""

    def read() -> bytes:
        try:
            with archive.open(info) as file:
                content = file.read(MOST_BYTES + 1)
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError) as error:
            raise HandInError(f"{info.filename} in it is broken ({error})") from None
        except RuntimeError:  # as zipfile says it
            raise HandInError("it has a password") from None
        if len(content) > MOST_BYTES:
            raise HandInError(f"{info.filename} in it is over {MOST_BYTES:,} bytes")
        return content

    return read


def files(hand_in: HandIn) -> dict[PurePosixPath, bytes]:
    """Return the files of a hand-in, {path in the project: content}; main.py is among them.

    Files that hold keys (.env and its like) are not read here: see keys_in.
    Raises HandInError if it is larger than a project plausibly is.
    """
    read: dict[PurePosixPath, bytes] = {}
    size = 0
    with listing(hand_in) as listed:
        for entry in listed:
            if is_env(entry.path):
                continue
            if len(read) == MOST_FILES or size + entry.size > MOST_BYTES:
                raise HandInError(f"it holds more than {MOST_FILES} files or {MOST_BYTES:,} bytes")
            read[entry.path] = entry.read()
            size += len(read[entry.path])
    return read


def main_of(hand_in: HandIn) -> bytes:
    """Return main.py alone."""
    with listing(hand_in) as listed:
        entry = next(entry for entry in listed if entry.path == PurePosixPath("main.py"))
        if entry.size > MOST_BYTES:
            raise HandInError(f"main.py is over {MOST_BYTES:,} bytes")
        return entry.read()


def keys_in(hand_in: HandIn) -> list[str]:
    """Return the names of the files of a hand-in in which a filled key stands. Never the key."""
    with listing(hand_in) as listed:
        return [readable(entry.path.as_posix()) for entry in listed if holds_key(entry)]


def holds_key(entry: Entry) -> bool:
    try:
        return entry.size < MOST_TEXT and has_key(entry.path, entry.read())
    except (HandInError, OSError):  # said elsewhere
        return False


def is_env(path: PurePosixPath) -> bool:
    """Tell whether a file is one of those in which keys stand, or a copy of it; no program is."""
    name = path.name
    return name.startswith(SECRET) and not name.endswith(".py") and name != ".env.example"


def has_key(path: PurePosixPath, content: bytes) -> bool:
    """Tell whether an applicationKey stands in a file, or anything in its line of .env."""
    content = content.replace(b"\0", b"")  # Windows' Notepad may save UTF-16
    shape = f"(?<![A-Za-z0-9+/]){b2_rules.APPLICATION_KEY}(?![A-Za-z0-9+/])".encode()
    line = rb"""B2_APPLICATION_KEY[ \t]*=[ \t]*["']?[^\s"'#]"""
    return bool(re.search(shape, content) or (is_env(path) and re.search(line, content)))


@contextlib.contextmanager
def listing(hand_in: HandIn) -> Iterator[list[Entry]]:
    """Yield the files below the folder of main.py; they can be read as long as this is open.

    Their paths are those in a project, and main.py is called so.
    """
    with contextlib.ExitStack() as stack:
        if hand_in.path.is_dir():
            listed = list(in_folder(hand_in.path, PurePosixPath()))
        elif hand_in.path.suffix.lower() != ".zip":
            path = hand_in.path
            listed = [Entry(PurePosixPath(path.name), path.stat().st_size, 0, path.read_bytes)]
        else:
            archive = stack.enter_context(opened(hand_in.path))
            if hand_in.inner:
                inside = next(
                    entry for entry in entries(archive) if entry.path.as_posix() == hand_in.inner
                )
                archive = stack.enter_context(opened(io.BytesIO(inside.read())))
            listed = list(below(entries(archive), hand_in.root))
        if hand_in.alone:
            listed = [entry for entry in listed if entry.path.as_posix() == hand_in.main]
            listed[0].path = PurePosixPath("main.py")
        yield listed


def below(listed: Iterator[Entry], root: PurePosixPath) -> Iterator[Entry]:
    for entry in listed:
        if entry.path.is_relative_to(root):
            entry.path = entry.path.relative_to(root)
            yield entry


def in_folder(folder: Path, inside: PurePosixPath) -> Iterator[Entry]:
    try:
        paths = sorted(folder.iterdir())
    except OSError:  # no right to look into it
        paths = []
    for path in paths:
        name = inside / path.name
        if path.is_symlink() or is_junk(name):
            continue
        if path.is_dir() and len(name.parts) < 12:
            yield from in_folder(path, name)
        elif path.is_file():
            yield Entry(name, path.stat().st_size, path.stat().st_mtime, path.read_bytes)
