"""A folder in .notes for what is needed only until this program ends, such as older versions.

Its name tells which process of which computer it belongs to. No file in it stays open: Windows
would let nobody rename practice-bucket then, as long as IDLE is open.

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

DAY = 24 * 3600  # seconds
COMPUTER = re.sub(r"[^0-9A-Za-z]", "", platform.node())[:30] or "computer"

# For Windows. Source: Microsoft, "OpenProcess function", "GetExitCodeProcess function".
MAY_ASK, STILL_ACTIVE, ACCESS_DENIED = 0x1000, 259, 5


class RunFolder:
    """The folder of one program; it is made when the first file is needed."""

    def __init__(self, notes: Path):
        self.notes = notes
        self.folder: Path | None = None
        self.process = 0

    def new_file(self) -> Path:
        """Return a path for a new file. Raises OSError if the folder cannot be made."""
        folder = self.folder
        if folder is None or self.process != os.getpid() or not folder.is_dir():
            process = os.getpid()
            folder = self.notes / f"run-{COMPUTER}-{process}-{uuid.uuid4().hex[:8]}"
            folder.mkdir(parents=True)
            weakref.finalize(self, _remove_at_end, folder, process)
            self.folder, self.process = folder, process  # of two threads, each may make one
        return folder / uuid.uuid4().hex

    def has(self, path: Path) -> bool:
        """Tell whether a file is in such a folder; in a fork, it may be that of the parent."""
        return path.parent.parent == self.notes


def clear_leftovers(notes: Path) -> None:
    """Remove what killed programs left in .notes, but nothing that a program may be using.

    What another computer left, on a shared folder, is for a program there to clear; after a day
    without a change it is cleared from here.
    """
    with contextlib.suppress(OSError):
        for rest in list(notes.iterdir()):
            if rest.suffix != ".json" and not _may_be_used(rest):
                _remove(rest)


def _may_be_used(rest: Path) -> bool:
    found = re.fullmatch(rf"run-{COMPUTER}-(\d+)-\w+", rest.name)
    if found:
        return is_alive(int(found[1]))
    return time.time() - rest.stat().st_mtime < DAY


def is_alive(process: int) -> bool:
    """Tell whether there is a process with this number on this computer."""
    if sys.platform == "win32":
        import ctypes

        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel.OpenProcess.restype = ctypes.c_void_p
        handle = ctypes.c_void_p(kernel.OpenProcess(MAY_ASK, False, process))
        if not handle:
            return ctypes.get_last_error() == ACCESS_DENIED
        code = ctypes.c_ulong()
        kernel.GetExitCodeProcess(handle, ctypes.byref(code))
        kernel.CloseHandle(handle)
        return code.value == STILL_ACTIVE
    try:
        os.kill(process, 0)
    except OSError as error:
        return isinstance(error, PermissionError)
    return True


def _remove(rest: Path) -> None:
    if rest.is_dir():
        shutil.rmtree(rest, ignore_errors=True)
    else:
        rest.unlink(missing_ok=True)


def _remove_at_end(folder: Path, process: int) -> None:
    """Remove the folder when its program ends; not when a fork of the program does."""
    if process == os.getpid():
        _remove(folder)
