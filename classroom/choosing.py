"""Which hand-in of a student counts, and what is to be said of the others."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from classroom import hand_ins, prepare
from classroom.hand_ins import HandIn
from classroom.matching import Member


def rank(hand_in: HandIn, assignment: str) -> tuple[Any, ...]:
    """Return by what the hand-ins of one student are put in order; the last one counts.

    The first value tells whether it was begun at all.

    A project as it was handed out comes first, then a program without the functions that are
    tested (a helper), then the versions and numbers that platforms give, then the time.
    """
    main = text_of(hand_in)
    if main is None:  # it may hold anything
        return True, True, 0, 0, hand_in.time
    place = f"{hand_in.path.as_posix()}/{hand_in.inner}/{hand_in.root}/{hand_in.main}"
    versions = re.findall(r"version (\d+)", place, re.IGNORECASE)
    again = re.findall(r"[ _-]\(?(\d{1,2})\)?\.(?:py|zip)\b", place)  # main-2.py, project (1).zip
    return (
        not prepare.is_starter(main, assignment),
        prepare.has_tested_functions(main, assignment),
        int((versions or [0])[-1]),
        int((again or [0])[-1]),
        hand_in.time,
    )


def text_of(hand_in: HandIn) -> str | None:
    """Return main.py; None if it cannot be read."""
    try:
        return hand_ins.read_main(hand_in).decode("utf-8-sig", errors="replace")
    except Exception:  # whatever a file that somebody made does to a library
        return None


def asides_on(
    hand_in: HandIn, others: list[HandIn], begun: int, member: Member, folder: Path
) -> list[str]:
    """Return what the teacher is to know of where a hand-in lay, and of what lay beside it."""
    asides = []
    if begun > 1:
        asides.append(f"{begun} hand-ins; this one counts: {hand_in.where(folder)}")
    if hand_in.slug and member.folder and hand_in.slug.lower() != member.folder.lower():
        asides.append(f"the project in it was made as {hand_in.slug}")
    for other in others:
        asides += [f"KEYS also in {other.where(folder)}/{name}" for name in keys_in(other)]
    return asides


def keys_in(hand_in: HandIn) -> list[str]:
    """Return the files of a hand-in that hold a key; none, if it cannot be read."""
    try:
        return hand_ins.find_keys(hand_in)
    except Exception:  # as in text_of
        return []
