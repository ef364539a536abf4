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
JUNK = {"__MACOSX", "__pycache__", ".git", ".venv", "venv", "node_modules", ".idea", ".vscode",
        ".pytest_cache", "backups", "practice-bucket", "$RECYCLE.BIN", "System Volume Information"}
KEPT = "b2-starter.json"
MAIN = re.compile(r"main([ _-]?\(?\d+\)?)?\.py", re.IGNORECASE)  # main-1.py, main (2).py
BARE = re.compile(r".*[^A-Za-z0-9]main([ _-]?\(?\d+\)?)?\.py", re.IGNORECASE)


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
    """A main.py that was found, and what lies beside it.

    path: the file or folder in the class folder; inner: a zip inside of it, or ""; root: the
    folder in there that holds main.py; main: the name that main.py has; alone: no project;
    slug, assignment: what its b2-starter.json says, or "".
    """

    path: Path
    inner: str
    root: PurePosixPath
    main: str
    alone: bool
    time: float
    slug: str = ""
    assignment: str = ""

    def where(self, folder: Path) -> str:
        """Return the place, as it is told to the teacher."""
        outer = self.path.relative_to(folder).as_posix()
        inside = PurePosixPath(self.inner, self.root, self.main if self.alone else "").as_posix()
        return outer if inside in (".", self.path.name) else f"{outer}: {inside}"

    def words(self, folder: Path) -> str:
        """Return all names on the way to it, in which the student's name may stand."""
        outer = self.path.relative_to(folder).as_posix()
        return f"{outer}/{self.inner}/{self.root}/{self.main}/{self.slug}"


def find(folder: Path) -> tuple[list[HandIn], list[str]]:
    """Return the hand-ins in a folder, and a sentence on each thing that could not be read."""
    found: list[HandIn] = []
    problems: list[str] = []
    for path in sorted(walk(folder)):
        try:
            if path.is_dir():
                hand_in = HandIn(path, "", PurePosixPath(), "main.py", False,
                                 (path / "main.py").stat().st_mtime)
                found.append(hand_in)
                if is_file(path / KEPT):
                    say_what_it_is(hand_in, (path / KEPT).read_bytes())
            elif path.suffix.lower() == ".zip":
                found += in_zip(path)
            elif path.suffix.lower() == ".py":
                time = path.stat().st_mtime
                found.append(HandIn(path, "", PurePosixPath(), path.name, True, time))
            else:
                raise HandInError("this kind of archive cannot be read; a zip can")
        except (HandInError, OSError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            problems.append(f"{path.relative_to(folder).as_posix()}: {reason}.")
    return found, problems


def walk(folder: Path, depth: int = 0) -> Iterator[Path]:
    """Yield project folders, archives and main.py files below the folder; no links."""
    programs = []
    for path in folder.iterdir():
        name = path.name
        if path.is_symlink() or name in JUNK or name.startswith((".", "~$")):
            continue
        if path.is_dir():
            if is_file(path / "main.py"):
                yield path
            elif depth < 4:
                yield from walk(path, depth + 1)
        elif path.suffix.lower() in (".zip", ".rar", ".7z", ".tar", ".gz", ".tgz"):
            yield path
        elif path.suffix.lower() == ".py":
            programs.append(path)
    named = [path for path in programs if MAIN.fullmatch(path.name) or BARE.fullmatch(path.name)]
    yield from named or programs  # a student may have called it otherwise


def say_what_it_is(hand_in: HandIn, kept: bytes) -> None:
    """Take over what b2-starter.json says, if it can be read."""
    try:
        answers = json.loads(kept)["cookiecutter"]
        hand_in.slug, hand_in.assignment = str(answers["project_slug"]), str(answers["assignment"])
    except (ValueError, LookupError, TypeError, RecursionError):
        pass


def is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def in_zip(path: Path) -> list[HandIn]:
    """Return the hand-ins of a zip: a project, main.py alone, or zips that hold such."""
    with opened(path) as archive:
        found = in_entries(path, "", list(entries(archive)))
        if not found:
            for entry in entries(archive):
                if entry.path.suffix.lower() == ".zip":
                    with opened(io.BytesIO(entry.read())) as inner:
                        found += in_entries(path, entry.path.as_posix(), list(entries(inner)))
    if not found:
        raise HandInError("there is no main.py in it")
    return found


def in_entries(path: Path, inner: str, listed: list[Entry]) -> list[HandIn]:
    """Return the hand-ins among the files of a zip: each main.py that lies below no other."""
    found: list[HandIn] = []
    for entry in sorted(listed, key=lambda entry: (len(entry.path.parts), entry.path)):
        name, root = entry.path.name, entry.path.parent
        if not (MAIN.fullmatch(name) or BARE.fullmatch(name)):
            continue
        if any(other.root in (root, *root.parents) and not other.alone for other in found):
            continue
        alone = name != "main.py"
        if not alone or not any(other.path.parent == root and other.path.name == "main.py"
                                for other in listed):
            hand_in = HandIn(path, inner, root, name, alone, entry.time)
            found.append(hand_in)
            for other in listed:
                if other.path == root / KEPT and other.size < MOST_TEXT:
                    say_what_it_is(hand_in, other.read())
    return found


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
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or re.match("[A-Za-z]:", name) or "\0" in name:
        return None
    return path


def is_junk(path: PurePosixPath) -> bool:
    return any(part in JUNK for part in path.parts) or path.name.startswith("._")


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
        return next(entry.read() for entry in listed if entry.path == PurePosixPath("main.py"))


def keys_in(hand_in: HandIn) -> list[str]:
    """Return the names of the files of a hand-in in which a filled key stands. Never the key."""
    with listing(hand_in) as listed:
        return [entry.path.as_posix() for entry in listed
                if entry.size < MOST_TEXT and has_key(entry.path, entry.read())]


def is_env(path: PurePosixPath) -> bool:
    """Tell whether a file is one of those in which keys stand, or a copy of it."""
    return path.name.startswith((".env", "env.txt", "_env")) and path.name != ".env.example"


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
                inside = next(entry for entry in entries(archive)
                              if entry.path.as_posix() == hand_in.inner)
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
    for path in sorted(folder.iterdir()):
        name = inside / path.name
        if path.is_symlink() or is_junk(name):
            continue
        if path.is_dir() and len(name.parts) < 6:
            yield from in_folder(path, name)
        elif path.is_file():
            yield Entry(name, path.stat().st_size, path.stat().st_mtime, path.read_bytes)
