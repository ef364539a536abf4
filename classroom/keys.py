"""Finds keys in what was handed in. A key itself is never shown, copied or kept."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from classroom.entries import MOST_TEXT, Entry, HandInError
from classroom.template import b2_rules

# How the names of files with keys begin, as in the .gitignore of a project.
SECRET = (".env", "env.txt", "env.env", "_env", "dotenv")

KEY = f"(?<![A-Za-z0-9+/]){b2_rules.APPLICATION_KEY}(?![A-Za-z0-9+/])".encode()
FILLED_LINE = rb"""B2_APPLICATION_KEY[ \t]*=[ \t]*["']?[^\s"'#]"""
KEY_ID = rf"(?<![0-9a-f]){b2_rules.KEY_ID}(?![0-9a-f])".encode()

# They look like real ones, but belong to no account.
PRETEND_KEY = b"K000" + b"0" * 27
PRETEND_KEY_ID = b"000" + b"0" * 22


def is_env(path: PurePosixPath) -> bool:
    """Tell whether a file is .env or something like it, where keys belong. A program is not."""
    name = path.name
    return name.startswith(SECRET) and not name.endswith(".py") and name != ".env.example"


def has_key(path: PurePosixPath, content: bytes) -> bool:
    """Tell whether a file holds an applicationKey, or is a .env with a value for one."""
    text = content.replace(b"\0", b"")  # Windows' Notepad may save UTF-16
    if re.search(KEY, text):
        return True
    return is_env(path) and re.search(FILLED_LINE, text) is not None


def holds_key(entry: Entry) -> bool:
    """Tell whether a file holds a key; False if it is too large to be text, or cannot be read."""
    if entry.size >= MOST_TEXT:
        return False
    try:
        return has_key(entry.path, entry.read())
    except (HandInError, OSError):  # whoever needs the file will say so
        return False


def cover_keys(content: bytes) -> bytes:
    """Return the content of a file with pretend keys in place of real ones."""
    covered = re.sub(b2_rules.APPLICATION_KEY.encode(), PRETEND_KEY, content)
    return re.sub(KEY_ID, PRETEND_KEY_ID, covered)
