"""Chooses which hand-in of a student counts, and says what the teacher should know about it."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from classroom import hand_ins, prepare
from classroom.hand_ins import VERSION, HandIn
from classroom.matching import Member


class Rank(NamedTuple):
    """Puts the hand-ins of one student in order: the one with the highest rank counts.

    First comes whether it was started, whether it is anything but the project as the teacher has
    made it, and whether its name tells whose it is; then whether it has the functions that the
    tests call (a helper file does not); then what the platform says: whether it was submitted,
    which version it is, when it came (year, month, day, hour, minute), which copy. At last, the
    time of the file, in seconds.
    """

    is_started: bool
    is_handed_in: bool
    is_named: bool
    has_functions: bool
    submitted: int
    version: int
    date: tuple[int, ...]
    copy: int
    time: float


# Why the hand-in with the highest rank counts: the first field in which it differs.
REASONS = {
    "is_started": "the one that was begun",
    "is_handed_in": "the one that was handed in",
    "is_named": "the one with the name on it",
    "has_functions": "the one with the functions of the assignment",
    "submitted": "the one that was submitted",
    "version": "the later version",
    "date": "the later date in its name",
    "copy": "the higher number in its name",
    "time": "the newer file",
}

COPY = re.compile(r"(?:[ _-]v?|main)\(?(\d{1,2})\)?\.(?:py|zip)\b")  # project (1).zip, main_v2.py
MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec"
# "Oct 30, 2026 1005 AM" as Brightspace writes it; 2026-10-30-10-05-00 as Blackboard does.
DATE_IN_WORDS = re.compile(
    rf"\b({MONTHS.replace(' ', '|')})[a-z]*\.? (\d{{1,2}})(?:,? (\d{{4}}))?"
    r"(?:,? (?:at )?(\d{1,2}):?(\d\d) ?([ap]m)?)?",
    re.IGNORECASE,
)
DATE_IN_DIGITS = re.compile(r"(20\d\d)-(\d\d)-(\d\d)(?:[-T_ ](\d\d)[-:.]?(\d\d))?")


def rank(hand_in: HandIn, assignment: str, folder: Path, member: Member) -> Rank:
    """Return the rank of a student's hand-in. folder: the class folder."""
    main = read_text(hand_in)
    place = place_of(hand_in, folder)
    is_unreadable = main is None  # it may hold anything, so it counts as the best
    is_started = is_unreadable or not prepare.is_starter(main or "", assignment, member.starter)
    return Rank(
        is_started=is_started,
        is_handed_in=is_started or hand_in.path != folder / member.folder,
        is_named=hand_in.is_named,
        has_functions=is_unreadable or prepare.has_tested_functions(main or "", assignment),
        submitted=bool(re.search("(?i)submitted", place))
        - bool(re.search("(?i)working files", place)),
        version=find_last_number(VERSION, place, otherwise=1),
        date=[(), *list_dates(place)][-1],
        copy=find_last_number(COPY, place, otherwise=0),
        time=hand_in.time,
    )


def place_of(hand_in: HandIn, folder: Path) -> str:
    """Return all names that lead from the class folder to a program, also those in a zip."""
    outside = hand_in.path.relative_to(folder).as_posix()
    return f"{outside}/{hand_in.inner}/{hand_in.root}/{hand_in.main}"


def find_last_number(pattern: re.Pattern[str], text: str, otherwise: int) -> int:
    """Return the last number that a pattern finds in a text."""
    numbers = pattern.findall(text)
    return int(numbers[-1]) if numbers else otherwise


def list_dates(text: str) -> list[tuple[int, ...]]:
    """Return the dates in a text: (year or 0, month, day, hour, minute); those in words last."""
    dates = []
    for found in DATE_IN_DIGITS.findall(text):
        dates.append(tuple(int(number or 0) for number in found))
    for month, day, year, hour, minute, half in DATE_IN_WORDS.findall(text):
        hours = int(hour or 0) % 12 + 12 * (half.lower() == "pm") if half else int(hour or 0)
        number = MONTHS.split().index(month.lower()[:3]) + 1
        dates.append((int(year or 0), number, int(day), hours, int(minute or 0)))
    return dates


def find_reason(best: Rank, second: Rank) -> str:
    """Return why the first of two ranks is higher."""
    for field in Rank._fields:
        if getattr(best, field) != getattr(second, field):
            return REASONS[field]
    return "they are the same in everything"


def read_text(hand_in: HandIn) -> str | None:
    """Return main.py; None if it cannot be read."""
    try:
        return hand_ins.read_main(hand_in).decode("utf-8-sig", errors="replace")
    except Exception:  # anything: an odd file can make a library fail in any way
        return None


def make_asides(
    ranked: list[tuple[Rank, HandIn]], folder: Path, own: Collection[str] = ()
) -> list[str]:
    """Return notes for the teacher about the hand-in that counts, and about the others.

    ranked: the hand-ins of one student, the one that counts last; folder: the class folder;
    own: names in it whose keys are the teacher's own, while nobody has worked there.
    """
    best, hand_in = ranked[-1]
    asides = []
    if len(ranked) > 1 and ranked[-2][0].is_started:
        reason = find_reason(best, ranked[-2][0])
        asides.append(f"{len(ranked)} hand-ins; {reason} counts: {hand_in.where(folder)}")
    asides += hand_in.doubts
    for rank_of_other, other in ranked[:-1]:
        is_own = other.path.name in own and not rank_of_other.is_started
        for name in [] if is_own else find_keys(other):
            asides.append(f"KEYS also in {other.where(folder)}/{name}: delete them in the console")
    return asides


def find_keys(hand_in: HandIn) -> list[str]:
    """Return the names of the files that hold a key; [] if the hand-in cannot be read."""
    try:
        return hand_ins.find_keys(hand_in)
    except Exception:  # as in read_text
        return []
