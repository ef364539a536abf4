"""The files in a folder or in a zip, as somebody else made them, read safely.

A file is read as bytes, and only up to a limit. No library unpacks a zip, nothing follows a
link, and nothing is written under a name from a zip.
"""

from __future__ import annotations

import contextlib
import io
import re
import stat
import time
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

TOP = PurePosixPath()  # the folder or zip itself, as the beginning of a path in it

# What a student's project can plausibly have. A hand-in that has more is refused.
MOST_FILES = 2_000
MOST_BYTES = 50_000_000
MOST_TEXT = 1_000_000  # bytes of a file in which we look for keys
MOST_FOLDERS = 12  # a folder in a folder in a folder ...

# Made by systems, by tools, or by the project itself: never part of a hand-in.
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


class HandInError(Exception):
    """A hand-in cannot be read. The text says why."""


@dataclass
class Entry:
    """A file that somebody handed in.

    path: where it is in the folder or zip; size: in bytes, as the folder or zip says;
    time: when it was last changed, in seconds, to compare; read: returns its content, or raises
    HandInError or OSError.
    """

    path: PurePosixPath
    size: int
    time: float
    read: Callable[[], bytes]


def list_folder(folder: Path, inside: PurePosixPath = TOP) -> Iterator[Entry]:
    """Yield the files of a folder and of those in it. inside: what their paths begin with.

    A folder that cannot be opened counts as empty.
    """
    try:
        paths = sorted(folder.iterdir())
    except OSError:
        return
    for path in paths:
        name = inside / path.name
        if path.is_symlink() or is_junk(name):
            continue
        if path.is_dir() and len(name.parts) < MOST_FOLDERS:
            yield from list_folder(path, name)
        elif path.is_file():
            status = path.stat()
            yield Entry(name, status.st_size, status.st_mtime, path.read_bytes)


def open_zip(file: Path | io.BytesIO) -> zipfile.ZipFile:
    """Open a zip; raise HandInError if it is broken, or has far too many files."""
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, NotImplementedError, OSError) as error:
        raise HandInError(f"this zip file cannot be opened ({error})") from None
    number = len(archive.infolist())
    if number > MOST_FILES * 10:
        raise HandInError(f"it contains {number} files, which is too many")
    return archive


def list_zip(archive: zipfile.ZipFile) -> Iterator[Entry]:
    """Yield the files of a zip whose paths do not lead out of it. Links are left out."""
    for info in archive.infolist():
        path = make_safe_path(name_of(info))
        is_link = stat.S_ISLNK(info.external_attr >> 16)
        if path is None or info.is_dir() or is_link or is_junk(path):
            continue
        yield Entry(path, info.file_size, time_of(info), make_reader(archive, info))


def name_of(info: zipfile.ZipInfo) -> str:
    """Return the name of a file in a zip.

    macOS and Info-ZIP write UTF-8 without saying so, and zipfile then reads it as cp437, as the
    format says (PKWARE, APPNOTE.TXT, appendix D).
    """
    is_said = info.flag_bits & 0x800
    with contextlib.suppress(UnicodeError):
        return info.filename if is_said else info.filename.encode("cp437").decode()
    return info.filename


def list_below(entries: Iterable[Entry], root: PurePosixPath) -> list[Entry]:
    """Return the entries in the folder root, with paths that begin there."""
    below = []
    for entry in entries:
        if entry.path.is_relative_to(root):
            entry.path = entry.path.relative_to(root)
            below.append(entry)
    return below


def make_safe_path(name: str) -> PurePosixPath | None:
    """Return the path of a file in a zip, or None if it leads out of the zip.

    Windows drops dots and spaces at the end of a name: there, "conftest.py." is conftest.py and
    ".. " is "..". So they are dropped here, too, and a name of dots and spaces counts as "..".
    """
    parts = []
    for part in name.replace("\\", "/").split("/"):
        if part == ".":
            continue
        stripped = part.rstrip(". ")
        if part and not stripped:
            stripped = ".."
        parts.append(stripped)
    path = PurePosixPath("/".join(parts))
    has_drive = re.match("[A-Za-z]:", name)
    if path.is_absolute() or ".." in path.parts or has_drive or "\0" in name:
        return None
    return path


def is_junk(path: PurePosixPath) -> bool:
    """Tell whether a file was left by a system or a tool: ._main.py by macOS, ~$main by Word."""
    return path.name.startswith(("._", "~$")) or any(part in JUNK for part in path.parts)


def time_of(info: zipfile.ZipInfo) -> float:
    """Return when a file in a zip was last changed, in seconds; zips use local time."""
    try:
        return time.mktime((*info.date_time, 0, 0, -1))
    except (ValueError, OverflowError):
        return 0


def make_reader(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[], bytes]:
    """Return a function that reads one file of a zip; it raises HandInError if it cannot."""

    def read() -> bytes:
        try:
            with archive.open(info) as file:
                content = file.read(MOST_BYTES + 1)  # the size that a zip gives may be a lie
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError) as error:
            raise HandInError(f"{info.filename} in it is broken ({error})") from None
        except RuntimeError:  # zipfile raises this if a password is needed
            raise HandInError("it is protected by a password") from None
        if len(content) > MOST_BYTES:
            raise HandInError(f"{info.filename} in it is larger than {MOST_BYTES:,} bytes")
        return content

    return read
