"""The folder practice-bucket/: which file an object gets, and how it is written safely.

A file cannot hold its own key, content type and metadata. These are in a note,
in the folder .notes.

This file is given: a reset may replace it, so write your own code in main.py.
"""

import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
import tempfile
import time
import unicodedata
import uuid
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from b2_rules import is_key_name, is_windows_name

NOTES = ".notes"
JUNK = {".ds_store", "thumbs.db", "desktop.ini"}  # what file managers leave in every folder

# Seconds. Windows lets nobody replace a file that is open; a virus scanner or a cloud drive
# keeps it open for a moment.
PAUSES = (0.05, 0.15, 0.3, 0.5) if os.name == "nt" else ()

DISK_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
NO_PERMISSION = {errno.EACCES, errno.EPERM, errno.EROFS}


class PracticeFolder:
    """The files of one practice bucket, and which key each of them belongs to."""

    def __init__(self, path: Path):
        self.path = path
        self.notes = path / NOTES
        self.files: dict[str, Path] = {}  # key -> its file
        self.taken: set[str] = set()  # the names of these files, as _fold() compares them
        self.folders: dict[str, Path] = {}  # the folders that they are in: the same, and the path
        self.older: tempfile.TemporaryDirectory[str] | None = None

    def load(self) -> dict[str, dict[str, Any]]:
        """Find the files that are there; return the note of each key ({} without one)."""
        self._adopt_new_notes()
        self._forget_old_runs()
        notes = self._read_notes()
        found = {}
        for file in self._list_files():
            place = file.relative_to(self.path).as_posix()
            note = notes.get(place, {})
            key = note.get("key", place)
            if not is_key_name(key):
                print(f"Practice: {place!a} is left out, because B2 does not accept that name.")
            elif key in self.files:
                print(
                    f"Practice: {place!a} is left out, because there is another file for {key!a}."
                )
            else:
                self.add(key, file)
                found[key] = note
        return found

    def add(self, key: str, file: Path) -> None:
        """Remember that this file belongs to the key."""
        self.files[key] = file
        self.taken.add(_fold(file))
        for folder in self._folders_of(file):
            self.folders.setdefault(_fold(folder), folder)

    def forget(self, key: str) -> None:
        """Forget the file of the key; the file itself stays as it is."""
        self.taken.discard(_fold(self.files.pop(key)))

    def write(self, key: str, body: IO[bytes], note: dict[str, Any]) -> Path:
        """Store the bytes and the note of a key; return the file.

        They are written under another name first, so that no reader ever sees half a file.
        """
        file = self.files.get(key) or self.choose_file(key)
        note_file = self._note_file(key)
        note_file.parent.mkdir(parents=True, exist_ok=True)
        part = note_file.with_suffix(f".part-{uuid.uuid4()}")
        try:
            with open(part, "wb") as target:
                body.seek(0)
                shutil.copyfileobj(body, target)
            place = file.relative_to(self.path).as_posix()
            full_note = {"key": key, "file": place, "stamp": stamp(part), **note}
            new_note = part.with_suffix(part.suffix + "-note")
            new_note.write_text(json.dumps(full_note), encoding="utf-8")
            file.parent.mkdir(parents=True, exist_ok=True)
            _patiently(os.replace, part, file)
            with contextlib.suppress(FileNotFoundError):  # see _adopt_new_notes()
                _patiently(os.replace, new_note, note_file)
        finally:
            part.unlink(missing_ok=True)
        self.add(key, file)
        return file

    def remove(self, key: str) -> None:
        """Remove the file of the key, its note, and the folders that are empty now."""
        file = self.files[key]
        for path in (file, self._note_file(key)):
            with contextlib.suppress(FileNotFoundError):
                _patiently(path.unlink)
        self.forget(key)
        for parent in file.parents:
            if parent == self.path or (parent.is_dir() and any(parent.iterdir())):
                break
            if parent.is_dir():
                parent.rmdir()

    def keep_older(self, file: Path) -> Path:
        """Give the bytes of a file a second place until the program ends; return it."""
        kept = self.choose_file_to_keep()
        try:
            os.link(file, kept)
        except OSError:  # not every disk can give a file two names
            shutil.copyfile(file, kept)
        return kept

    def choose_file_to_keep(self) -> Path:
        """Return the path for a file that is only there until the program ends."""
        if self.older is None or not Path(self.older.name).is_dir():
            self.notes.mkdir(parents=True, exist_ok=True)
            self.older = tempfile.TemporaryDirectory(
                prefix="older-", dir=self.notes, ignore_cleanup_errors=True
            )
        return Path(self.older.name) / str(uuid.uuid4())

    def choose_file(self, key: str) -> Path:
        """Return the file for a new key: the same name if that is safe, else an escaped one."""
        path = self.path.joinpath(*key.split("/"))
        is_safe = len(key) <= 150 and all(is_safe_name(part) for part in key.split("/"))
        if is_safe and self._is_free(path):
            return path
        escaped = f"~{quote(key, safe='')[:80]}~{hashlib.sha256(key.encode()).hexdigest()[:12]}"
        while _fold(self.path / escaped) in self.taken:
            escaped += "~"
        return self.path / escaped

    def _is_free(self, path: Path) -> bool:
        """Tell whether a new file can go here: the place is free, and no link leads to it."""
        for folder in self._folders_of(path):
            known = self.folders.get(_fold(folder))
            if known and known != folder:
                return False  # A beside a: on Windows and macOS, they are one folder
            if os.path.lexists(folder) and not _is_own_folder(folder):
                return False
        return not path.is_dir() and _fold(path) not in self.taken

    def _folders_of(self, file: Path) -> list[Path]:
        """Return the folders that a file is in, below the bucket's own folder."""
        return [parent for parent in file.parents if self.path in parent.parents]

    def describe(self, error: OSError) -> str:
        """Return in plain words what the disk refused."""
        file = error.filename2 or error.filename or self.path  # of a rename: the new name
        if error.errno in DISK_FULL:
            return "The disk is full, so nothing was stored. Free some space, then try again."
        if error.errno in NO_PERMISSION:
            return (
                f"This computer does not let you use {file}. Close other"
                " programs that use it, or move your project to one of your own folders."
            )
        return f"The folder {self.path} cannot be used: {error.strerror}. Rename or delete it."

    def _list_files(self) -> list[Path]:
        files = []
        for place, folders, names in os.walk(self.path):
            if Path(place) == self.path and NOTES in folders:
                folders.remove(NOTES)
            files += [Path(place) / name for name in names if not is_junk(name)]
        return sorted(path for path in files if path.is_file())

    def _note_file(self, key: str) -> Path:
        return self.notes / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"

    def _read_notes(self) -> dict[str, dict[str, Any]]:
        notes = {}
        for note_file in self.notes.glob("*.json"):
            try:
                note = json.loads(note_file.read_text(encoding="utf-8"))
                words = [note["etag"], *note["metadata"].values()]
                if is_key_name(note["key"]) and all(isinstance(word, str) for word in words):
                    notes[note["file"]] = note
            except (ValueError, KeyError, TypeError, AttributeError):
                continue  # without its note, a file still counts, under its own name
        return notes

    def _adopt_new_notes(self) -> None:
        """Give a file its new note, if a program ended between writing one and the other.

        Such a note has the stamp of the file. Any other belongs to a file that was never written.
        """
        for new_note in self.notes.glob("*.part-*-note"):
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                note = json.loads(new_note.read_text(encoding="utf-8"))
                if stamp(self.path / note["file"]) == note["stamp"]:
                    os.replace(new_note, self._note_file(note["key"]))

    def _forget_old_runs(self) -> None:
        """Clear what killed programs left, but not what another program is using now."""
        for rest in [*self.notes.glob("older-*"), *self.notes.glob("*.part-*")]:
            if time.time() - rest.stat().st_mtime > 24 * 3600:
                if rest.is_dir():
                    shutil.rmtree(rest, ignore_errors=True)
                else:
                    rest.unlink(missing_ok=True)


def stamp(file: Path) -> list[int]:
    """Return what changes when somebody writes to a file: its size and its time."""
    stat = file.stat()
    return [stat.st_size, stat.st_mtime_ns]


def is_safe_name(name: str) -> bool:
    """Tell whether Windows, macOS and Linux can all have a file with this name.

    Source: Microsoft, "Naming Files, Paths, and Namespaces".
    """
    return (
        0 < len(name.encode()) <= 120
        and not re.search(r'[<>:"\\|?*\x00-\x1f\x7f]', name)
        and not name.endswith((".", " "))
        and not is_windows_name(name)
        and not is_junk(name)
        and name.lower() != NOTES
    )


def is_junk(name: str) -> bool:
    """Tell whether a file is one that a program leaves beside other files, and not an object.

    ._cat.png is from macOS, on a disk of another system (Apple, "About Apple Double"); ~$essay.docx
    is there while Office has essay.docx open.
    """
    return name.lower() in JUNK or name.startswith(("._", "~$"))


def _patiently(act: Any, *paths: Path) -> None:
    """Do something with files, and try again for a second if another program has one open."""
    for seconds in PAUSES:
        try:
            act(*paths)
            return
        except PermissionError:
            time.sleep(seconds)
    act(*paths)


def _is_own_folder(path: Path) -> bool:
    """Tell whether a folder is there, written like this (a disk may not tell A from a)."""
    is_folder = path.is_dir() and not path.is_symlink()
    return is_folder and path.name in os.listdir(path.parent)


def _fold(path: Path) -> str:
    """Return a path as Windows and macOS compare it, where capital letters make no difference."""
    return unicodedata.normalize("NFC", str(path)).casefold()
