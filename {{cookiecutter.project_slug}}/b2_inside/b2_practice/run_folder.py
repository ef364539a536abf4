"""A folder in .notes for what is needed only until this program ends, such as older versions.

This file is given: a reset may replace it, so write your own code in main.py.
"""

import contextlib
import os
import platform
import re
import shutil
import sys
import time
import uuid
import weakref
from pathlib import Path
from typing import IO

if sys.platform != "win32":
    import fcntl

DAY = 24 * 3600  # seconds
COMPUTER = re.sub(r"[^0-9A-Za-z]", "", platform.node())[:30] or "computer"


class RunFolder:
    """The folder of one program; it is made when the first file is needed."""

    def __init__(self, notes: Path):
        self.notes = notes
        self.folder: Path | None = None
        self.process = 0

    def new_file(self) -> Path:
        """Return a path for a new file. Raises OSError if the folder cannot be made."""
        if self.folder is None or self.process != os.getpid() or not self.folder.is_dir():
            self._make()
        assert self.folder
        return self.folder / uuid.uuid4().hex

    def has(self, path: Path) -> bool:
        """Tell whether a file is in such a folder; in a fork, it may be that of the parent."""
        return path.parent.parent == self.notes

    def _make(self) -> None:
        """Make the folder, after a lock that tells other programs that it is in use."""
        self.notes.mkdir(parents=True, exist_ok=True)
        self.process = os.getpid()
        folder = self.notes / f"run-{COMPUTER}-{uuid.uuid4().hex}"
        lock = open(_lock_of(folder), "wb")  # open until the program ends, or is killed
        with contextlib.suppress(OSError):  # not every network drive has locks
            _hold(lock)
        folder.mkdir()
        self.folder = folder
        weakref.finalize(self, _remove, folder, lock, self.process)


def clear_leftovers(notes: Path) -> None:
    """Remove what killed programs left in .notes, but nothing that a program may be using.

    The lock tells for programs on this computer. What another computer left, on a shared folder,
    is for a program there to clear; after a day without a change it is cleared from here.
    """
    with contextlib.suppress(OSError):
        for rest in list(notes.iterdir()):
            if rest.suffix in (".json", ".lock"):
                continue
            is_ours = rest.name.startswith(f"run-{COMPUTER}-")
            if (is_ours and _was_let_go(_lock_of(rest))) or _is_old(rest):
                _remove_all(rest)


def _lock_of(folder: Path) -> Path:
    return folder.with_name(folder.name + ".lock")


def _hold(lock: IO[bytes]) -> None:
    """Lock an open file until it is closed. Raises OSError if another program has locked it."""
    if sys.platform != "win32":  # Windows removes no file that is open, and that is enough
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _was_let_go(path: Path) -> bool:
    """Tell whether no program has this lock any more."""
    try:
        if sys.platform == "win32":
            path.unlink()
        else:
            with open(path, "rb") as lock:
                _hold(lock)
    except OSError:
        return False
    return True


def _is_old(rest: Path) -> bool:
    """Tell whether nothing has changed there for a day, and no program holds its lock."""
    if time.time() - rest.stat().st_mtime < DAY:
        return False
    lock = _lock_of(rest)
    return not lock.exists() or _was_let_go(lock)


def _remove_all(rest: Path) -> None:
    if rest.is_dir():
        shutil.rmtree(rest, ignore_errors=True)
    else:
        rest.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        _lock_of(rest).unlink(missing_ok=True)


def _remove(folder: Path, lock: IO[bytes], process: int) -> None:
    """Remove the folder when its program ends; not when a fork of the program does."""
    lock.close()
    if process == os.getpid():
        _remove_all(folder)
