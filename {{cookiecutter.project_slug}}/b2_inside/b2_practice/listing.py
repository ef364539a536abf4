"""The names of the files in a folder, in groups; they are read again when the folder has changed.

This file is given: a reset may replace it, so write your own code in main.py.
"""

import os
from collections.abc import Callable
from pathlib import Path

from . import names


class Listing:
    """The names in some folders, in groups."""

    def __init__(self, group: Callable[[str], str]):
        self._group = group
        self._times: dict[Path, int] = {}  # nanoseconds
        self._lists: dict[Path, dict[str, set[str]]] = {}  # group -> names

    def find(self, folder: Path, group: str) -> set[str]:
        """Return the names in a folder that belong to a group. Raises OSError."""
        time = _time_of(folder)
        if self._times.get(folder) != time:
            found: dict[str, set[str]] = {}
            for name in os.listdir(folder) if time else ():
                found.setdefault(self._group(name), set()).add(name)
            self._lists[folder], self._times[folder] = found, time
        return self._lists[folder].get(group, set())

    def forget(self, folder: Path) -> None:
        """Read a folder again next time: not every disk gives it a new time."""
        self._times.pop(folder, None)

    def choose_known(self, paths: list[Path]) -> list[Path]:
        """Return those paths in whose folders nothing has changed since they were read.

        Call it just before a change of one's own, and add() after that: a folder with
        thousands of files is not read again for each of them.
        """
        return [path for path in paths if self._times.get(path.parent) == _time_of(path.parent)]

    def add(self, paths: list[Path]) -> None:
        """Take up new files or folders."""
        for path in paths:
            self._lists[path.parent].setdefault(self._group(path.name), set()).add(path.name)
            self._times[path.parent] = _time_of(path.parent)


class Spelling(Listing):
    """How names are written.

    Windows and macOS take A.txt and a.txt for one file, Linux does not. So that a bucket can go
    from one to another, only one of two such keys has its own name; the other has an escaped one.
    """

    def __init__(self) -> None:
        super().__init__(names.fold)

    def has(self, path: Path) -> bool:
        """Tell whether the name of a file or folder is written like this."""
        if path.name not in self.find(path.parent, names.fold(path.name)):
            self.forget(path.parent)
        return path.name in self.find(path.parent, names.fold(path.name))

    def has_twin(self, path: Path) -> bool:
        """Tell whether there is another name that Windows or macOS takes for this one."""
        twins = self.find(path.parent, names.fold(path.name)) - {path.name}
        return any(os.path.lexists(path.parent / twin) for twin in twins)


def _time_of(folder: Path) -> int:
    """Return when something in a folder was last added or removed, or 0 if there is no folder."""
    try:
        return folder.stat().st_mtime_ns
    except (FileNotFoundError, NotADirectoryError):
        return 0
