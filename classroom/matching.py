"""Finds out whose a hand-in is, by the names on the way to it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import permutations
from pathlib import Path

from classroom.hand_ins import HandIn
from classroom.roster import fold

SPELT_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})


@dataclass
class Member:
    """A student of the class.

    folder: of the project that was made; others: own columns; digest: of the tests in it, or "".
    """

    name: str
    alias: str = ""
    folder: str = ""
    others: dict[str, str] = field(default_factory=dict)
    digest: str = ""


def words(text: str) -> list[str]:
    """Return the words of a name or path, without capitals, accents, and what stands between."""
    return re.findall(r"[^\W_]+", fold(text))


def likeness(path: str, member: Member) -> tuple[int, int]:
    """Return how well a path fits to a student; (0, 0) is not at all.

    Platforms write Schmidt_Anna_12345_main.py, schmidtanna_12_34_main.py, "Anna Schmidt/main.py".
    """
    there = words(path)
    found = [(1, 0)] if has_alias(there, member) else []
    for name in {member.name, member.name.lower().translate(SPELT_OUT)}:
        own = [word for word in words(name) if not word.isdigit()]
        if own and set(own) <= set(there):
            found.append((4, len(set(words(name)) & set(there))))  # Ben 2 is not Ben
        elif is_joined(own, there):
            found.append((3, len(own)))
        elif len(own) > 2 and {own[0], own[-1]} <= set(there):  # without the middle names
            found.append((2, 2))
    return max(found, default=(0, 0))


def is_joined(own: list[str], there: list[str]) -> bool:
    """Tell whether a name is there with its words put together: oneil ben, schmidtanna."""
    turns = permutations(own) if len(own) < 5 else (own[n:] + own[:n] for n in range(len(own)))
    joined = {"".join(turned) for turned in turns}
    spans = (
        "".join(there[start:end])
        for start in range(len(there))
        for end in range(start + 1, start + len(own) + 1)
    )
    return len(own) > 1 and any(span in joined for span in spans)


def has_alias(there: list[str], member: Member) -> bool:
    """Tell whether the alias, or the folder that was made for it, stands in a path."""
    text = f" {' '.join(there)} "
    return any(
        name and f" {' '.join(words(name))} " in text for name in (member.folder, member.alias)
    )


def owners_of(path: str, members: list[Member]) -> list[int]:
    """Return the places, in members, of those whose a path can be: one, if all is well."""
    likely = [(likeness(path, member), number) for number, member in enumerate(members)]
    best = max((value for value, _ in likely), default=(0, 0))
    owners = [number for value, number in likely if value == best and best > (0, 0)]
    if len(owners) > 1:  # of the same name: the alias tells
        owners = [n for n in owners if has_alias(words(path), members[n])] or owners
    return owners


def match(
    hand_ins: list[HandIn], members: list[Member], folder: Path
) -> tuple[dict[int, list[HandIn]], list[tuple[HandIn, str]]]:
    """Return {place of a student in members: hand-ins}, and what is nobody's, with the reason."""
    found: dict[int, list[HandIn]] = {}
    nobodys = []
    for hand_in in hand_ins:
        owners = owners_of(hand_in.names(folder), members)
        if len(owners) == 1:
            found.setdefault(owners[0], []).append(hand_in)
        else:
            names = " or ".join(members[number].name for number in owners[:5])
            reason = f"could be of {names}" if names else "no student of the class has this name"
            nobodys.append((hand_in, reason))
    return found, nobodys
