"""Writes and removes files so that nothing is left half done, whatever happens or was there."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

FOR_ALL = 0o644
FOR_OWNER = 0o600


def write_whole(path: Path, content: bytes, mode: int = FOR_ALL) -> None:
    """Write a file in one step: it has the old content or the new. Raises OSError.

    mode: who may read it.
    """
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)  # of a run that was killed
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(part, flags, mode), "wb") as file:
            file.write(content)
        os.replace(part, path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def remove_tree(folder: Path) -> None:
    """Remove a folder, also if it is locked, or has thousands of folders in each other.

    Not by recursion: each round brings the folders that are two levels down up by one.
    """
    number = 0
    while True:
        inner = empty(folder)
        if not inner:
            break
        for place in inner:
            for below in empty(place):
                number += 1
                with contextlib.suppress(OSError):
                    os.rename(below, folder / f"{number}-{os.getpid()}")
            with contextlib.suppress(OSError):
                place.rmdir()
        if inner == empty(folder):  # nothing helps
            return
    with contextlib.suppress(OSError):
        folder.rmdir()


def empty(folder: Path) -> list[Path]:
    """Remove the files of a folder, and return the folders in it."""
    with contextlib.suppress(OSError):
        folder.chmod(0o700)
    folders = []
    with contextlib.suppress(OSError):
        for path in list(folder.iterdir()):
            if path.is_dir() and not path.is_symlink():
                folders.append(path)
            else:
                with contextlib.suppress(OSError):
                    remove_file(path)
    return folders


def remove_file(path: Path) -> None:
    try:
        path.unlink()
    except OSError:  # Windows keeps read-only files
        path.chmod(0o700)
        path.unlink()
