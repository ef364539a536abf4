"""Finds out whose hand-in it is, from the names in its path."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from pathlib import Path

from classroom.hand_ins import HandIn
from classroom.roster import fold

SPELT_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})
MOST_WORDS_IN_ANY_ORDER = 4

# How well a path can fit a student: what was found, and how many words of the name. The largest
# pair is the best. A full name is best, because an alias such as "eva" is also part of names.
NOTHING, ALIAS, FIRST_AND_LAST, JOINED, ALL_WORDS = range(5)
NO_FIT = (NOTHING, 0)


@dataclass
class Member:
    """A student of the class.

    folder: the name of the project that was made, or ""; others: {column: value} of the
    teacher's own columns; digest: of the tests in the project, or "".
    """

    name: str
    alias: str = ""
    folder: str = ""
    others: dict[str, str] = field(default_factory=dict)
    digest: str = ""


def split_words(text: str) -> list[str]:
    """Return the words of a name or path, without capitals, accents or punctuation."""
    return re.findall(r"[^\W_]+", fold(text))


def measure_fit(path: str, member: Member) -> tuple[int, int]:
    """Return how well a path fits a student; NO_FIT if not at all.

    Platforms write Schmidt_Anna_12345_main.py, schmidtanna_12_34_main.py, "Anna Schmidt/main.py".
    """
    there = split_words(path)
    fits = [NO_FIT]
    if has_alias(there, member):
        fits.append((ALIAS, 0))
    for name in (member.name, member.name.lower().translate(SPELT_OUT)):
        fits.append(measure_name(name, there))
    return max(fits)


def measure_name(name: str, there: list[str]) -> tuple[int, int]:
    """Return how well the words of a path fit a name."""
    all_words = split_words(name)
    words = [word for word in all_words if not word.isdigit()]
    if words and set(words) <= set(there):
        return ALL_WORDS, len(set(all_words) & set(there))  # "Ben 2" fits Ben 2 better than Ben
    if is_joined(words, there):
        return JOINED, len(words)
    if len(words) > 2 and {words[0], words[-1]} <= set(there):
        return FIRST_AND_LAST, 2
    return NO_FIT


def is_joined(words: list[str], there: list[str]) -> bool:
    """Tell whether a path has the words of a name without spaces: oneil ben, schmidtanna."""
    if len(words) < 2:
        return False
    joined = join_in_any_order(words)
    for start in range(len(there)):
        for end in range(start + 1, start + len(words) + 1):
            if "".join(there[start:end]) in joined:
                return True
    return False


def join_in_any_order(words: list[str]) -> set[str]:
    """Return the words joined in every order; if there are many, only rotated."""
    orders: Iterable[Sequence[str]]
    if len(words) <= MOST_WORDS_IN_ANY_ORDER:
        orders = permutations(words)
    else:
        orders = [words[first:] + words[:first] for first in range(len(words))]
    return {"".join(order) for order in orders}


def has_alias(there: list[str], member: Member) -> bool:
    """Tell whether a path has the alias, or the name of the project that was made."""
    path = f" {' '.join(there)} "
    for name in (member.folder, member.alias):
        if name and f" {' '.join(split_words(name))} " in path:
            return True
    return False


def find_owners(path: str, members: list[Member]) -> list[int]:
    """Return the positions of the members whom a path fits best: one, if all is well."""
    fits = [measure_fit(path, member) for member in members]
    best = max(fits, default=NO_FIT)
    if best == NO_FIT:
        return []
    owners = [number for number, fit in enumerate(fits) if fit == best]
    if len(owners) > 1:  # two students have the same name, so the alias decides
        there = split_words(path)
        with_alias = [number for number in owners if has_alias(there, members[number])]
        return with_alias or owners
    return owners


def match(
    hand_ins: list[HandIn], members: list[Member], folder: Path
) -> tuple[dict[int, list[HandIn]], list[tuple[HandIn, str]]]:
    """Return {place in members: hand-ins}, and (hand-in, reason) for each one without an owner.

    folder: the class folder.
    """
    matched: dict[int, list[HandIn]] = {}
    nobodys = []
    for hand_in in hand_ins:
        owners = find_owners(hand_in.names(folder), members)
        if len(owners) == 1:
            matched.setdefault(owners[0], []).append(hand_in)
            continue
        names = " or ".join(members[number].name for number in owners[:5])
        reason = "no student in the class has this name"
        if names:
            reason = f"could belong to {names}"
        nobodys.append((hand_in, reason))
    return matched, nobodys
