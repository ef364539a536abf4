"""Small changes to texts, before they are written or shown."""

from __future__ import annotations


def make_writable(text: str) -> str:
    """Return text that can be saved as UTF-8: file names may contain half a character."""
    return text.encode("utf-8", "replace").decode("utf-8")


def count(number: int, noun: str) -> str:
    """Return a number with its noun: 1 row, 2 rows."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
