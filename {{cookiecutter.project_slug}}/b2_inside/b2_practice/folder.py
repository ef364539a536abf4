"""The folder practice-bucket/: its files, and the notes on them.

A file cannot hold its own content type, metadata and ETag. These are in a note, in the folder
.notes. The name of a note says which key it is for, and which size and time its file has:
a note belongs to these bytes only. It is written before the file gets its name, so at any moment
a file has its own note or none, and a program may be killed at any moment.

This file is given: a reset may replace it, so write your own code in main.py.
"""

import contextlib
import errno
import hashlib
import json
import mimetypes
import os
import shutil
import stat as file_kinds
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from b2_rules import is_key_name

from . import names
from .listing import Listing, Spelling
from .run_folder import DAY, RunFolder, clear_leftovers

# Seconds. Windows lets nobody replace a file that is open; a virus scanner or a cloud drive
# keeps it open for a moment.
PAUSES = (0.05, 0.15, 0.3, 0.5) if os.name == "nt" else ()
TRIES = 5  # another program may remove a folder just before a file goes there
PIECE = 1024 * 1024  # bytes

DISK_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
NO_PERMISSION = {errno.EACCES, errno.EPERM, errno.EROFS}


class Stamp(NamedTuple):
    """What changes when somebody writes to a file."""

    size: int  # bytes
    time: int  # nanoseconds


class StoredFile(NamedTuple):
    """A file of the bucket, and what its note says."""

    path: Path
    stamp: Stamp
    etag: str  # without quotation marks
    metadata: dict[str, str]  # the headers: Content-Type, x-amz-meta-...
    checksum: tuple[str | None, str | None] = (None, None)  # its name and value, such as "SHA256"


class NewFile:
    """A file that is being written; it has no place in the bucket yet."""

    def __init__(self, path: Path):
        self.path = path
        self.size = 0
        self.md5 = hashlib.md5(usedforsecurity=False)
        self._file = open(path, "wb")

    def write(self, data: bytes) -> None:
        """Add bytes. Raises OSError."""
        self._file.write(data)
        self.md5.update(data)
        self.size += len(data)

    def finish(self) -> None:
        """Write what is still in memory. Raises OSError."""
        self._file.close()

    def drop(self) -> None:
        """Remove the file again."""
        with contextlib.suppress(OSError):
            self._file.close()
        with contextlib.suppress(OSError):
            self.path.unlink()


class PracticeFolder:
    """The files of one practice bucket, as they are at the moment of each call."""

    def __init__(self, path: Path):
        self.path = path
        self.notes = path / names.NOTES
        self.run_folder = RunFolder(self.notes)
        self._known: dict[str, dict[str, Any]] = {}  # notes that were read; they never change
        self._spelling = Spelling()
        self._listed_notes = Listing(lambda name: name[: names.HASH])
        self._left_out: set[str] = set()

    def open(self) -> None:
        """Clear what killed programs left. Raises OSError if the folder cannot be read."""
        with contextlib.suppress(FileNotFoundError):
            os.listdir(self.path)
        clear_leftovers(self.notes)

    # Reading.

    def find(self, key: str) -> StoredFile | None:
        """Return the file of an object, or None. Looks only there. Raises OSError."""
        place = self.find_place(key)
        if place is None:
            return None
        path = self.path / place
        for tries_left in reversed(range(TRIES)):
            try:
                return self._read(key, path, stamp_of(path))
            except FileNotFoundError:  # another program changed or removed it just then
                if not path.exists():
                    return None
                if not tries_left:
                    raise
        return None

    def find_place(self, key: str) -> str | None:
        """Return where in the folder the file of an object is, such as "photos/sun.png"."""
        if not is_key_name(key):
            return None
        if names.can_be_there(key) and self._key_of(key) == key and self._is_file(key):
            return key
        place = names.escape(key)
        return place if self._is_file(place) else None

    def find_all(self) -> dict[str, StoredFile]:
        """Return all objects, by their keys. Raises OSError."""
        found: dict[str, StoredFile] = {}
        for place, stamp in sorted(self._walk(""), key=lambda row: (row[0].startswith("~"), row)):
            key = self._key_of(place)
            if not is_key_name(key):
                self._leave_out(place, "because B2 does not accept that name")
            elif key in found:
                self._leave_out(place, f"because there is another file for {key!a}")
            else:
                file = self._read_again(key, self.path / place, stamp)
                if file:
                    found[key] = file
        self._clear_notes(found)
        return found

    def _walk(self, below: str) -> list[tuple[str, Stamp]]:
        """Return the places of all files, and their stamps."""
        found: list[tuple[str, Stamp]] = []
        try:
            entries = list(os.scandir(self.path / below))
        except FileNotFoundError:  # removed by another program, at this moment
            return found
        for entry in entries:
            place = f"{below}{entry.name}"
            if place.lower() == names.NOTES:
                continue
            if entry.is_dir(follow_symlinks=False):
                found += self._walk(f"{place}/")
            elif not names.is_junk(entry.name) and _leads_to_file(entry):
                with contextlib.suppress(FileNotFoundError):
                    found.append((place, stamp_of(Path(entry.path))))
        return found

    def _leave_out(self, place: str, reason: str) -> None:
        if place not in self._left_out:
            self._left_out.add(place)
            print(f"Practice: {place!a} is left out, {reason}.")

    def _is_file(self, place: str) -> bool:
        """Tell whether there is a file, in folders that are no links, spelt like this."""
        path = self.path / place
        try:
            is_file = file_kinds.S_ISREG(path.stat().st_mode)
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return False
        except OSError as error:
            if error.errno in (errno.ENAMETOOLONG, errno.EINVAL, errno.ELOOP):
                return False
            raise
        return is_file and not self._is_in_link(path) and self._is_spelt_so(place)

    def _is_in_link(self, path: Path) -> bool:
        return any(parent.is_symlink() for parent in self._parents_of(path))

    def _is_spelt_so(self, place: str) -> bool:
        """Tell whether what is there is written like this: a disk may not tell A from a."""
        other = place.swapcase()
        if place.isascii() and (other == place or not os.path.lexists(self.path / other)):
            return True
        path = self.path / place
        return all(self._spelling.has(part) for part in [path, *self._parents_of(path)])

    def _parents_of(self, path: Path) -> list[Path]:
        """Return the folders that a file is in, below the bucket's own folder."""
        return [parent for parent in path.parents if self.path in parent.parents]

    # Notes.

    def _read(self, key: str, path: Path, stamp: Stamp) -> StoredFile:
        """Return a file with its note; without one, it has an MD5 and the type of its name."""
        note = self._read_note(_name_of_note(key, stamp))
        if note is None:
            note = self._make_note(key, path, stamp)
        guess = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        metadata = note["metadata"] or {"Content-Type": guess}
        return StoredFile(path, stamp, note["etag"], metadata, _read_checksum(note))

    def _read_again(self, key: str, path: Path, stamp: Stamp) -> StoredFile | None:
        """Do the same; if another program changed the file meanwhile, look once more."""
        try:
            return self._read(key, path, stamp)
        except FileNotFoundError:
            return self.find(key)

    def _make_note(self, key: str, path: Path, stamp: Stamp) -> dict[str, Any]:
        """Note what a file is that a hand, or another program, put there.

        If the bytes are those of an earlier note, the file was only copied or moved. Raises
        FileNotFoundError if the file has changed since its stamp was taken.
        """
        md5 = _md5_of(path)
        note = {"key": key, "etag": md5, "md5": md5, "metadata": {}}
        for earlier in self._read_notes(names.hash_of(key)):
            is_same = [*stamp] == earlier.get("stamp")  # as version 0.1.0 wrote it
            if is_same or md5 in (earlier.get("md5"), earlier["etag"]):
                note = {**earlier, "md5": md5}
        if stamp_of(path) != stamp:
            raise FileNotFoundError(errno.ENOENT, "It was changed", str(path))
        name = _name_of_note(key, stamp)
        self._known[name] = note
        with contextlib.suppress(OSError):  # the folder may be one that nobody may write to
            self._write_note(name, note, mode="w")
        return note

    def _read_note(self, name: str) -> dict[str, Any] | None:
        """Return a note, or None if there is none that can be read."""
        if name not in self._known:
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
                note = json.loads((self.notes / name).read_text(encoding="utf-8"))
                words = [note["etag"], *note["metadata"].values()]
                _read_checksum(note)
                if is_key_name(note["key"]) and all(isinstance(word, str) for word in words):
                    self._known[name] = note
        return self._known.get(name)

    def _read_notes(self, start: str) -> list[dict[str, Any]]:
        """Return the notes whose names begin like this, with the hash of a key or its start."""
        try:
            group = sorted(self._listed_notes.find(self.notes, start[: names.HASH]))
        except (FileNotFoundError, NotADirectoryError):
            return []
        found = [self._read_note(name) for name in group if name.startswith(start)]
        return [note for note in found if note]

    def _write_note(self, name: str, note: dict[str, Any], mode: str = "x") -> None:
        """Write a note. Raises FileExistsError if it is there, but not with the mode "w"."""
        self.notes.mkdir(parents=True, exist_ok=True)
        known = self._listed_notes.choose_known([self.notes / name])
        with open(self.notes / name, mode, encoding="utf-8") as file:
            json.dump(note, file)
        self._listed_notes.add(known)

    def _clear_notes(self, found: dict[str, StoredFile]) -> None:
        """Remove notes on bytes that are gone; a new note may still wait for its file."""
        used = {_name_of_note(key, file.stamp) for key, file in found.items()}
        with contextlib.suppress(OSError):
            for name in os.listdir(self.notes):
                path = self.notes / name
                is_old = name.endswith(".json") and time.time() - path.stat().st_mtime > DAY
                if name not in used and is_old:
                    path.unlink()
                    self._known.pop(name, None)

    def _key_of(self, place: str) -> str:
        """Return the key of a file: that of an escaped name, or else the name itself."""
        escaped = names.read_escaped(place)
        if not escaped:
            return place
        key, start = escaped
        for note in self._read_notes(start) if key is None else []:
            if names.escape(note["key"]) == place:
                return note["key"]
        return key or place

    # Writing.

    def start_file(self) -> NewFile:
        """Return a new file to write to. Raises OSError."""
        return NewFile(self.run_folder.new_file())

    def store(self, key: str, new: Path, note: dict[str, Any]) -> StoredFile:
        """Make a finished file the object with this key; the file that was there is gone.

        new: the file, which is moved. note: its etag, metadata and md5. Raises OSError.
        """
        for tries_left in reversed(range(TRIES)):
            try:
                return self._store(key, new, note)
            except FileExistsError:  # another program took the place just then: look again
                if not tries_left:
                    raise
        raise AssertionError("the last try returns or raises")

    def _store(self, key: str, new: Path, note: dict[str, Any]) -> StoredFile:
        earlier = self.find(key)
        place = earlier.path.relative_to(self.path).as_posix() if earlier else self._choose(key)
        stamp = self._note_new_file(key, new, {"key": key, **note})
        path = self.path / place
        known = self._spelling.choose_known([path, *self._parents_of(path)])
        try:
            self._move(new, path, os.replace if earlier else _move_to_free_place)
        except OSError:
            self._remove_note(key, stamp)
            raise
        self._spelling.add(known)
        if earlier:
            self._remove_note(key, earlier.stamp)
        else:
            self._remove_second_file(key, place)
        return StoredFile(path, stamp, note["etag"], note["metadata"])

    def _remove_second_file(self, key: str, place: str) -> None:
        """Remove the file that another program made for a new key, in its other place."""
        second = self.find_place(key)
        if second == place == key:
            second = names.escape(key)
        if second and second != place and self._is_file(second):
            with contextlib.suppress(OSError):
                (self.path / second).unlink()

    def remove(self, key: str) -> None:
        """Remove the file of a key, its note, and the folders that are empty now."""
        file = self.find(key)
        if not file:
            return
        with contextlib.suppress(FileNotFoundError):
            _patiently(file.path.unlink)
        self._remove_note(key, file.stamp)
        with contextlib.suppress(OSError):  # a folder that is not empty stays
            for parent in self._parents_of(file.path):
                parent.rmdir()

    def keep(self, file: StoredFile) -> Path | None:
        """Give the bytes of a file a second place until the program ends; return it.

        None if the bytes are others by now. Raises OSError.
        """
        kept = self.run_folder.new_file()
        try:
            os.link(os.path.realpath(file.path), kept)  # not the link, if it is one
        except FileNotFoundError:
            return None
        except OSError:  # not every disk can give a file two names
            shutil.copy2(file.path, kept)
        return kept if stamp_of(kept) == file.stamp else None

    def _note_new_file(self, key: str, new: Path, note: dict[str, Any]) -> Stamp:
        """Write the note on a new file, whose time is made one that no other note has."""
        now, step = time.time_ns(), 0
        while True:
            stamp = _set_time(new, now + step)
            try:
                self._write_note(_name_of_note(key, stamp), note)
                return stamp
            except FileExistsError:
                step = step * 10 or 1000  # on some disks, times are two seconds apart

    def _remove_note(self, key: str, stamp: Stamp) -> None:
        name = _name_of_note(key, stamp)
        self._known.pop(name, None)
        with contextlib.suppress(OSError):
            (self.notes / name).unlink()

    def _move(self, new: Path, path: Path, act: Callable[[Path, Path], None]) -> None:
        for tries_left in reversed(range(TRIES)):
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                _patiently(act, new, path)
                return
            except FileNotFoundError:  # another program removed the folder just then
                if not tries_left or not new.exists():
                    raise

    def _choose(self, key: str) -> str:
        """Return the place for a new file: the key itself if that is safe, else escaped."""
        return key if names.has_safe_name(key) and self._is_free(key) else names.escape(key)

    def _is_free(self, place: str) -> bool:
        """Tell whether a new file can go here: the place is free, and no link leads to it."""
        path = self.path / place
        for part in [*reversed(self._parents_of(path)), path]:
            if self._spelling.has_twin(part):
                return False
            if part != path and os.path.lexists(part):
                is_folder = part.is_dir() and not part.is_symlink()
                if not is_folder or not self._is_spelt_so(part.relative_to(self.path).as_posix()):
                    return False
        return not os.path.lexists(path) or self._is_file(place)  # of another program, just now

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
        if isinstance(error, FileNotFoundError):
            return f"{file} was removed or changed by another program. Run your program again."
        return (
            f"{file} cannot be used: {error.strerror}. If something else is in the place of the"
            f" folder {self.path.name}, give it another name."
        )


def _name_of_note(key: str, stamp: Stamp) -> str:
    return f"{names.hash_of(key)}-{stamp.size}-{stamp.time}.json"


def _read_checksum(note: dict[str, Any]) -> tuple[str | None, str | None]:
    name, value = note.get("checksum") or (None, None)
    return name, value


def _leads_to_file(entry: os.DirEntry[str]) -> bool:
    """Tell whether this is a file, or a link to one."""
    try:
        return entry.is_file()
    except OSError:  # a link in a circle, or to a name that cannot be
        return False


def _set_time(path: Path, time: int) -> Stamp:
    """Set a file's time, in nanoseconds; return the stamp it has now: some disks round it."""
    try:
        os.utime(path, ns=(time, time))
    except OSError as error:
        error.filename = str(path)  # Python does not say which one
        raise
    return stamp_of(path)


def stamp_of(path: Path) -> Stamp:
    """Return what changes when somebody writes to a file: its size and its time."""
    stat = path.stat()
    return Stamp(stat.st_size, stat.st_mtime_ns)


def _md5_of(path: Path) -> str:
    md5 = hashlib.md5(usedforsecurity=False)
    with open(path, "rb") as file:
        while data := file.read(PIECE):
            md5.update(data)
    return md5.hexdigest()


def _move_to_free_place(new: Path, path: Path) -> None:
    """Rename a file. Raises FileExistsError: what has the name by now may be another key's."""
    if os.name == "nt":
        os.rename(new, path)  # which replaces nothing there
        return
    try:
        os.link(new, path)
    except (FileExistsError, FileNotFoundError):
        raise
    except OSError:  # not every disk can give a file two names
        os.replace(new, path)
        return
    new.unlink()


def _patiently(act: Any, *paths: Path) -> None:
    """Do something with files, and try again for a second if another program has one open."""
    for seconds in PAUSES:
        try:
            act(*paths)
            return
        except PermissionError:
            time.sleep(seconds)
    act(*paths)
