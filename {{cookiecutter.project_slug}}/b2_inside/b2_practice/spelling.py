"""How names are written in the folders of practice-bucket.

Windows and macOS take A.txt and a.txt for one file, Linux does not. So that a bucket can go from
one to another, only one of two such keys has its own name; the other one has an escaped name.

This file is given: a reset may replace it, so write your own code in main.py.
"""

import os
from pathlib import Path

from . import names


class Spelling:
    """The names in some folders. A folder is listed again if its time says that it has changed."""

    def __init__(self) -> None:
        self._times: dict[Path, int] = {}  # nanoseconds
        self._lists: dict[Path, dict[str, set[str]]] = {}  # folded name -> names as written

    def has(self, path: Path) -> bool:
        """Tell whether the name of a file or folder is written like this."""
        folder, folded = path.parent, names.fold(path.name)
        if path.name in self._list(folder).get(folded, ()):
            return True
        self._times.pop(folder, None)  # not every disk gives a folder a new time
        return path.name in self._list(folder).get(folded, ())

    def has_twin(self, path: Path) -> bool:
        """Tell whether there is another name that Windows or macOS takes for this one."""
        twins = self._list(path.parent).get(names.fold(path.name), set()) - {path.name}
        return any(os.path.lexists(path.parent / twin) for twin in twins)

    def list_known(self, paths: list[Path]) -> list[Path]:
        """Return those files or folders in whose folders nothing has changed since they were read.

        Call it just before a change of one's own, and add() after that: a folder with
        thousands of files is not listed again for each of them.
        """
        return [path for path in paths if self._times.get(path.parent) == _time_of(path.parent)]

    def add(self, paths: list[Path]) -> None:
        """Take up new files or folders."""
        for path in paths:
            self._lists[path.parent].setdefault(names.fold(path.name), set()).add(path.name)
            self._times[path.parent] = _time_of(path.parent)

    def _list(self, folder: Path) -> dict[str, set[str]]:
        time = _time_of(folder)
        if self._times.get(folder) != time:
            found: dict[str, set[str]] = {}
            for name in os.listdir(folder) if time else ():
                found.setdefault(names.fold(name), set()).add(name)
            self._lists[folder], self._times[folder] = found, time
        return self._lists[folder]


def _time_of(folder: Path) -> int:
    """Return when something in a folder was last added or removed, or 0 if there is no folder."""
    try:
        return folder.stat().st_mtime_ns
    except (FileNotFoundError, NotADirectoryError):
        return 0
