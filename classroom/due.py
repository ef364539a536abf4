"""Tells which hand-ins came late, from what platforms write into names, and from file times."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

from classroom.choosing import find_date
from classroom.hand_ins import HandIn
from classroom.tables import ClassError

LATE = re.compile(r"(?:^|[^a-z])late(?:[^a-z]|$)", re.IGNORECASE)


def parse_due(words: list[str]) -> datetime:
    """Return when a hand-in was due: a date, to the end of that day, or a date and a time.

    words: such as ["2026-11-02"] or ["2026-11-02", "14:00"]. Raises ClassError for others.
    """
    try:
        if len(words) == 1:
            return datetime.fromisoformat(f"{words[0]} 23:59:59")
        return datetime.fromisoformat(" ".join(words))
    except ValueError:
        raise ClassError(
            f"--due {' '.join(words)} is not a date. Write it like 2026-11-02 or 2026-11-02 14:00."
        ) from None


def describe_lateness(hand_in: HandIn, due: datetime, folder: Path) -> str:
    """Return "yes", "maybe", or "" for a hand-in that was not late. folder: the class folder.

    The name decides if the platform has put a date or LATE into it. A file's time is only when
    the student changed it for the last time, or when it was downloaded: maybe.
    """
    place = hand_in.path.relative_to(folder).as_posix()  # what is inside is the student's
    if LATE.search(place):
        return "yes"
    date = find_date(place)
    if date and date[0]:
        return "yes" if date > due.timetuple()[:5] else ""
    return "maybe" if hand_in.time > due.timestamp() else ""
