"""A class that hands in its work, and the grades that the real command gives."""

from __future__ import annotations

import csv
import io
import json
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, SOLUTIONS, STARTER, Run, clean_environment, run

from classroom.prepare import names_of_tests

ASSIGNMENT = "guestbook"
REFERENCE = (SOLUTIONS / ASSIGNMENT / "main.py").read_text(encoding="utf-8")
UNTOUCHED = (STARTER / "_starter" / ASSIGNMENT / "main.py").read_text(encoding="utf-8")
ALL = len(names_of_tests(ASSIGNMENT))


@dataclass
class Class:
    """A folder with class.csv, in which hand-ins are put."""

    folder: Path
    count: int = 0

    def add(self, name: str) -> str:
        """Add a student; return the alias."""
        alias = f"s{self.count:02}"
        path = self.folder / "class.csv"
        if self.count == 0:
            path.write_text("student,alias,folder,assignment,group\n", encoding="utf-8-sig")
        with path.open("a", encoding="utf-8", newline="") as file:
            csv.writer(file).writerow([name, alias, f"{ASSIGNMENT}-{alias}", ASSIGNMENT, "7b"])
        self.count += 1
        return alias

    def hand_in(self, name: str, main: str, **files: str) -> Path:
        """Add a student who hands in a project folder."""
        folder = self.folder / f"{ASSIGNMENT}-{self.add(name)}"
        for file, text in {"main.py": main, **files}.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(text, encoding="utf-8")
        return folder

    def grade(self, *words: str, **env: str) -> tuple[Run, dict[str, dict[str, Any]]]:
        """Grade all; return the run, and what grades.json says about each student."""
        out = self.folder / "grades.csv"
        command = [
            sys.executable,
            str(ROOT / "classroom"),
            "grade",
            str(self.folder),
            "--out",
            str(out),
            *words,
        ]
        done = run(command, self.folder, {**clean_environment(), **env})
        try:
            found = json.loads(out.with_suffix(".json").read_text(encoding="utf-8"))
        except OSError:
            return done, {}
        return done, {one["student"]: one for one in found["students"]}

    def rows(self) -> list[dict[str, str]]:
        with (self.folder / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))


@pytest.fixture
def school(tmp_path: Path) -> Class:
    folder = tmp_path / "class"
    folder.mkdir()
    return Class(folder)


def put(folder: Path, name: str, content: str | bytes = "# mine") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def zipped(files: Mapping[str, str | bytes]) -> bytes:
    """Return a zip of these files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def with_password(content: bytes) -> bytes:
    """Return a zip of one file, changed so that both of its headers say that it has a password."""
    changed = bytearray(content)
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # the flag "encrypted"
        changed[changed.index(mark) + offset] |= 1
    return bytes(changed)


def at_the_top(lines: str) -> str:
    """Return the reference solution with lines that run when it is imported."""
    return REFERENCE.replace("\n\ndef save_entries", f"\n{lines}\n\n\ndef save_entries")


def inside_best(lines: str) -> str:
    """Return the reference solution with lines at the beginning of best()."""
    indented = "".join(f"    {line}\n" for line in lines.splitlines())
    head = "def best(entries, number):\n"
    return REFERENCE.replace(head, f"{head}{indented}")
