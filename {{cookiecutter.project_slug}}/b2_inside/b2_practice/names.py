"""Which file in practice-bucket has which key.

A file has the name of its key if Windows, macOS and Linux can all have such a file. Else it has
an escaped name, such as ~what%3F.txt~0123456789ab: the key, and the start of its SHA-256.

This file is given: a reset may replace it, so write your own code in main.py.
"""

import hashlib
import os
import re
import unicodedata
from urllib.parse import quote, unquote

from b2_rules import is_windows_name

NOTES = ".notes"
JUNK = {".ds_store", "thumbs.db", "desktop.ini"}  # what file managers leave in every folder
HASH = 12  # characters of it in an escaped name
ESCAPED = re.compile("~([!-~]*)~([0-9a-f]{12})")


def hash_of(key: str) -> str:
    """Return 32 characters that stand for a key in the names of files."""
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def escape(key: str) -> str:
    """Return a file name for a key whose own name is not safe."""
    return f"~{quote(key, safe='')[:80]}~{hash_of(key)[:HASH]}"


def read_escaped(name: str) -> tuple[str | None, str] | None:
    """Return what an escaped name tells: its key, if that is whole, and the start of its hash.

    None if the name is not an escaped one.
    """
    found = ESCAPED.fullmatch(name)
    if not found:
        return None
    key = unquote(found[1])
    return (key if escape(key) == name else None), found[2]


def has_safe_name(key: str) -> bool:
    """Tell whether a new file for this key can have the key as its name."""
    parts = key.split("/")
    is_safe = len(key) <= 150 and all(is_safe_name(part) for part in parts)
    return is_safe and not ESCAPED.fullmatch(key)


def can_be_there(key: str) -> bool:
    """Tell whether there can be a file with this name, perhaps put there by hand."""
    parts = key.split("/")
    if parts[0].lower() == NOTES or is_junk(parts[-1]):
        return False
    if os.name == "nt":
        return all(_has_safe_characters(part) for part in parts)
    return not {"", ".", ".."} & set(parts) and "\0" not in key


def is_safe_name(name: str) -> bool:
    """Tell whether Windows, macOS and Linux can all have a file with this name.

    Source: Microsoft, "Naming Files, Paths, and Namespaces".
    """
    return (
        len(name.encode()) <= 120
        and _has_safe_characters(name)
        and not is_junk(name)
        and name.lower() != NOTES
    )


def _has_safe_characters(name: str) -> bool:
    return (
        name != ""
        and not re.search(r'[<>:"\\|?*\x00-\x1f\x7f]', name)
        and not name.endswith((".", " "))
        and not is_windows_name(name)
    )


def is_junk(name: str) -> bool:
    """Tell whether a file is one that a program leaves beside other files, and not an object.

    ._cat.png is from macOS, on a disk of another system (Apple, "About Apple Double"); ~$essay.docx
    is there while Office has essay.docx open.
    """
    return name.lower() in JUNK or name.startswith(("._", "~$"))


def fold(name: str) -> str:
    """Return a name as Windows and macOS compare it, where capital letters make no difference."""
    return unicodedata.normalize("NFC", name).casefold()
