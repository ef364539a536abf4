"""Chooses which hand-in of a student counts, and says what the teacher should know about it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from classroom import hand_ins, prepare
from classroom.hand_ins import HandIn


class Rank(NamedTuple):
    """Puts the hand-ins of one student in order: the one with the highest rank counts.

    First comes whether it was started, then whether it has the functions that the tests call (a
    helper file does not), then the numbers that platforms give, then the time, in seconds.
    """

    is_started: bool
    has_functions: bool
    version: int
    copy: int
    time: float


def rank(hand_in: HandIn, assignment: str) -> Rank:
    main = read_text(hand_in)
    if main is None:  # it may hold anything, so it counts as the best
        return Rank(True, True, 0, 0, hand_in.time)
    place = f"{hand_in.path.as_posix()}/{hand_in.inner}/{hand_in.root}/{hand_in.main}"
    return Rank(
        is_started=not prepare.is_starter(main, assignment),
        has_functions=prepare.has_tested_functions(main, assignment),
        version=find_last_number(r"(?i)version (\d+)", place),  # Version 2/main.py
        copy=find_last_number(r"[ _-]\(?(\d{1,2})\)?\.(?:py|zip)\b", place),  # project (1).zip
        time=hand_in.time,
    )


def find_last_number(pattern: str, text: str) -> int:
    """Return the last number that a pattern finds in a text, or 0."""
    numbers = re.findall(pattern, text)
    return int(numbers[-1]) if numbers else 0


def read_text(hand_in: HandIn) -> str | None:
    """Return main.py; None if it cannot be read."""
    try:
        return hand_ins.read_main(hand_in).decode("utf-8-sig", errors="replace")
    except Exception:  # anything: an odd file can make a library fail in any way
        return None


def make_asides(hand_in: HandIn, others: list[HandIn], started: int, folder: Path) -> list[str]:
    """Return notes for the teacher about the hand-in that counts, and about the others.

    started: how many of them were started; folder: the class folder.
    """
    asides = []
    if started > 1:
        asides.append(f"{started} hand-ins; this one counts: {hand_in.where(folder)}")
    asides += hand_in.doubts
    for other in others:
        for name in find_keys(other):
            asides.append(f"KEYS also in {other.where(folder)}/{name}: delete them in the console")
    return asides


def find_keys(hand_in: HandIn) -> list[str]:
    """Return the names of the files that hold a key; [] if the hand-in cannot be read."""
    try:
        return hand_ins.find_keys(hand_in)
    except Exception:  # as in read_text
        return []
