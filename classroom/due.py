"""Tells which hand-ins came late, from what platforms write into names, and from file times."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

from classroom.choosing import list_dates
from classroom.hand_ins import HandIn
from classroom.tables import ClassError

LATE = re.compile(r"_LATE_\d|(?i:version|revision|attempt)[ _-]?\d+ - (?i:late)\b")

ATTEMPT = re.compile(r"_attempt_20\d\d-\d\d-\d\d-")  # as Blackboard names a file


def parse_due(words: list[str], option: str = "--due") -> datetime:
    """Return when something is due: a date, to the end of that day, or a date and a time.

    words: such as ["2026-11-02"] or ["2026-11-02", "14:00"]. Raises ClassError for others.
    """
    text = " ".join(words)
    try:
        due = datetime.fromisoformat(text if " " in text else f"{text} 23:59:59")
        due.timestamp()  # the first and last years have none everywhere
        return due
    except (ValueError, OverflowError, OSError):
        raise ClassError(
            f"{option} {text} is not a date. Write it like 2026-11-02 or 2026-11-02 14:00."
        ) from None


def describe_lateness(hand_in: HandIn, due: datetime, folder: Path) -> str:
    """Return "yes", "maybe", or "" for a hand-in that was not late. folder: the class folder.

    The name decides if the platform has put a date or LATE into it. A file's time is only when
    the student changed it for the last time, or when it was downloaded: maybe.
    """
    parts = hand_in.parts(folder)
    outside = len(hand_in.path.relative_to(folder).parts)
    if hand_in.told in parts:  # in a zip of the whole class, that is inside
        outside = max(outside, parts.index(hand_in.told) + 1)
    place = "/".join(parts[:outside])  # what is further inside is the student's
    if LATE.search(place):
        return "yes"
    is_file = (
        hand_in.alone and parts[-1] == hand_in.told
    )  # then the student has written a part of that name
    dates = list_dates(hand_in.told)[:1] or list_dates(place)[-1:]
    is_of_platform = not is_file or ATTEMPT.search(place)
    if dates and dates[0][0]:
        is_late = dates[0] > due.timetuple()[:5]
        if is_late or is_of_platform:
            return "yes" if is_late else ""
    return "maybe" if hand_in.time > due.timestamp() else ""
