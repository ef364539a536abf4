"""What the tests of a reset share: everything that a reset could lose."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

from conftest import Project

from hooks.project import given_files

GIVEN = given_files()
BROKEN = "# broken by hand\n"


def state(project: Project) -> dict[str, Any]:
    """Return everything a student could lose: the bytes, time and mode of every file."""
    found: dict[str, Any] = {}
    for path in project.path.rglob("*"):
        name = path.relative_to(project.path).as_posix()
        if path.is_symlink():
            found[name] = ("link", str(path.readlink()))
        elif path.is_file():
            about = path.stat()
            found[name] = (path.read_bytes(), about.st_mtime_ns, stat.S_IMODE(about.st_mode))
    return found


def backups(project: Project) -> dict[str, bytes]:
    """Return what is in backups/<time>/, by its place in the project."""
    folder = project.path / "backups"
    return {
        Path(*path.relative_to(folder).parts[1:]).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
