"""Finds out whose hand-in it is, from the names in its path."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from pathlib import Path

from classroom.hand_ins import HandIn
from classroom.roster import fold
from classroom.texts import ADDED

SPELT_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})
MOST_WORDS_IN_ANY_ORDER = 4

# How well a name can fit a student: what was found, and how many words of the name. The largest
# pair is the best. A full name is better than an alias, because "eva" is also part of names.
NOTHING, ALIAS, FIRST_AND_LAST, JOINED, ALL_WORDS, REPOSITORY = range(6)
NO_FIT = (NOTHING, 0)

# Columns of a class list by which a platform may call a student, as a part of their names.
LOGINS = ("mail", "login", "user", "github")
GITHUB = "github"  # GitHub Classroom calls a repository ASSIGNMENT-LOGIN
NUMBERS = {"id", "number", "nummer", "nr"}  # words of a column that has a student's number
NOT_OWN = ("parent", "mother", "father", "eltern", "partner", "type", "role")


@dataclass
class Member:
    """A student of the class.

    folder: the name of the project that was made, or ""; others: {column: value} of the
    teacher's own columns; tests, starter: digests of what was handed out, or ""; has_left: the
    student is no longer in the class; has_account: the keys in the project are the teacher's own,
    from accounts.py.
    """

    name: str
    alias: str = ""
    folder: str = ""
    others: dict[str, str] = field(default_factory=dict)
    tests: str = ""
    starter: str = ""
    has_left: bool = False
    has_account: bool = False


@dataclass
class Finding:
    """Whose a path is. owners: positions in the class, one if all is well; part: what told it."""

    owners: list[int] = field(default_factory=list)
    part: str = ""


@functools.cache
def split_words(text: str) -> tuple[str, ...]:
    """Return the words of a name or path, without capitals, accents or punctuation."""
    return tuple(re.findall(r"[^\W_]+", fold(text)))


@functools.cache
def spellings(name: str) -> set[tuple[str, ...]]:
    """Return the words of a name as platforms write them: Müller, Muller and Mueller."""
    return {split_words(name), split_words(name.lower().translate(SPELT_OUT))}


def measure_fit(part: str, member: Member) -> tuple[int, int]:
    """Return how well a part of a path fits a student; NO_FIT if not at all.

    Platforms write Schmidt_Anna_12345_main.py, schmidtanna_12_34_main.py, "Anna Schmidt".
    """
    there = split_words(part)
    fits = [NO_FIT]
    if has_alias(there, member):
        fits.append((ALIAS, 0))
    for words in spellings(member.name):
        fits.append(measure_name(words, there))
    for column, login in member.others.items():
        if GITHUB in column.lower() and login and f"-{part}".lower().endswith(f"-{login.lower()}"):
            fits.append((REPOSITORY, len(login)))
    return max(fits)


def measure_name(all_words: tuple[str, ...], there: tuple[str, ...]) -> tuple[int, int]:
    """Return how well the words of a path fit a name."""
    words = tuple(word for word in all_words if not word.isdigit())
    if words and set(words) <= set(there):
        return ALL_WORDS, len(set(all_words) & set(there))  # "Ben 2" fits Ben 2 better than Ben
    if is_joined(words, there):
        return JOINED, len(words)
    if len(words) > 2 and {words[0], words[-1]} <= set(there):
        return FIRST_AND_LAST, 2
    return NO_FIT


def is_joined(words: tuple[str, ...], there: tuple[str, ...]) -> bool:
    """Tell whether a path has the words of a name without spaces: oneil ben, schmidtanna."""
    if len(words) < 2:
        return False
    joined = join_in_any_order(words)
    for start in range(len(there)):
        for end in range(start + 1, start + len(words) + 1):
            if "".join(there[start:end]) in joined:
                return True
    return False


@functools.cache
def join_in_any_order(words: tuple[str, ...]) -> set[str]:
    """Return the words joined in every order; if there are many, only rotated."""
    orders: Iterable[Sequence[str]]
    if len(words) <= MOST_WORDS_IN_ANY_ORDER:
        orders = permutations(words)
    else:
        orders = [words[first:] + words[:first] for first in range(len(words))]
    return {"".join(order) for order in orders}


def has_alias(there: tuple[str, ...], member: Member) -> bool:
    """Tell whether a path has the alias, the project's folder, or a login of a student."""
    path = f" {' '.join(there)} "
    for name in (member.folder, member.alias, *list_logins(member)):
        if name.isdigit() or name.lower() in ADDED:  # main (2).py: platforms write that, too
            continue
        if name and f" {' '.join(split_words(name))} " in path:
            return True
    return False


def list_logins(member: Member) -> Iterator[str]:
    """Yield what a student may be called by on a platform: logins, and e-mail addresses up to @.

    A login that has nothing but words of the name tells no more than the name does.
    """
    for column, value in member.others.items():
        login = value.partition("@")[0]
        words = split_words(login)
        of_name = [set(name) | join_in_any_order(name) for name in spellings(member.name)]
        is_vague = any(set(words) <= one for one in of_name) or set(words) <= ADDED
        if is_login(column) and len(login) > 2 and not is_vague:
            yield login


def is_login(column: str) -> bool:
    """Tell whether a column has the student's own login or e-mail address."""
    name = column.lower()
    return any(one in name for one in LOGINS) and not any(one in name for one in NOT_OWN)


def is_number(column: str) -> bool:
    """Tell whether a column has the student's number, such as ID or SIS User ID."""
    return bool(NUMBERS & set(split_words(column)))


# Whose is it?


def find_owners(parts: Sequence[str], members: list[Member]) -> Finding:
    """Return whose hand-in a path leads to.

    parts: the names in the path, the outermost one first. That one decides, if it fits anybody:
    a platform or the teacher wrote it. What is inside may only choose among those whom it fits.
    """
    found = Finding()
    candidates = list(range(len(members)))
    for part in parts:
        fitting = choose_best(part, candidates, members)
        if fitting:
            found = Finding(fitting, found.part or part)
            candidates = fitting
        if len(fitting) == 1:
            break
    if not found.owners:  # Schmidt/Anna/main.py
        whole = "/".join(parts)
        found = Finding(choose_best(whole, candidates, members), whole)
    return found


def describe_owners(found: Finding, members: list[Member]) -> str:
    """Return why a hand-in is nobody's, for the teacher."""
    owners = [members[number] for number in found.owners[:5]]
    names = " or ".join(f"{owner.name} ({owner.alias})" for owner in owners)
    return f"could belong to {names}" if names else "no student in the class has this name"


def choose_best(part: str, candidates: list[int], members: list[Member]) -> list[int]:
    """Return those of the candidates whom a part of a path fits best; [] if it fits nobody."""
    fits = {number: measure_fit(part, members[number]) for number in candidates}
    best = max(fits.values(), default=NO_FIT)
    if best == NO_FIT:
        return []
    owners = [number for number in candidates if fits[number] == best]
    rivals = list_rivals(part, owners, fits, members)
    if rivals:
        return [*owners, *rivals]
    for tells in (has_own_mark, is_spelt_so, is_in_order) if len(owners) > 1 else ():
        told = [number for number in owners if tells(part, members[number])]
        if told:
            return told
    return owners


def list_rivals(
    part: str, owners: list[int], fits: dict[int, tuple[int, int]], members: list[Member]
) -> list[int]:
    """Return others whose whole name is in a part of a path, too, beside that of the owners.

    A platform may join a student's name and that of the file, and the student chooses the latter.
    """
    if fits[owners[0]][0] == REPOSITORY:  # somebody may have chosen this login on purpose
        made = [number for number in fits if members[number].folder.lower() == part.lower()]
        return [number for number in made if number not in owners]
    if fits[owners[0]][0] not in (JOINED, ALL_WORDS):
        return []
    own = {word for owner in owners for word in split_words(members[owner].name)}
    return [
        number
        for number, (kind, _) in fits.items()
        if kind in (JOINED, ALL_WORDS) and not set(split_words(members[number].name)) <= own
    ]


def has_own_mark(part: str, member: Member) -> bool:
    """Tell whether a part of a path has what two students of one name do not share.

    That is the alias, a login, or a number: Canvas writes schmidtanna_12345_67890_main.py.
    """
    there = split_words(part)
    numbers = [
        value for column, value in member.others.items() if value.isdigit() and is_number(column)
    ]
    return has_alias(there, member) or bool(set(numbers) & set(there))


def is_spelt_so(part: str, member: Member) -> bool:
    """Tell whether a part of a path has a name in its own letters: Weiß is not Weiss."""
    name, text = (unicodedata.normalize("NFC", one).lower() for one in (member.name, part))
    return name in " ".join(text.split())


def is_in_order(part: str, member: Member) -> bool:
    """Tell whether a part of a path has a name with its spaces, as Moodle and Google write it.

    So "Kim Lee_77_..." is Kim Lee's, and not Lee Kim's; "Lee_Kim_77" may be anybody's.
    """
    last, _, first = fold(member.name).partition(",")  # Kim, Lee
    words = f"{first} {last}".split()
    spelt = [" ".join(words), f"{words[-1]}, {' '.join(words[:-1])}"]
    return len(words) > 1 and any(text in fold(part) for text in spelt)


def find_other_words(part: str, member: Member, common: set[str]) -> list[str]:
    """Return the words in a part of a path that may belong to another name.

    So it finds Maria in "Anna Maria Schmidt_77_main.py" if the list has Anna Schmidt.
    common: words that most hand-ins have, such as the title of the assignment.
    """
    own = {word for words in spellings(member.name) for word in words}
    own |= {"".join(order) for words in spellings(member.name) for order in permutations(words[:4])}
    for name in (member.alias, member.folder, *list_logins(member)):
        own |= set(split_words(name))
    return [
        word
        for word in split_words(part)
        if word.isalpha() and word not in own | ADDED | common and not is_piece_of(word, own)
    ]


def is_numbered(member: Member, owner: Member) -> bool:
    """Tell whether only a number is different in two names, such as Ben and Ben 2."""
    names = [split_words(one.name) for one in (member, owner)]
    words = [[word for word in name if not word.isdigit()] for name in names]
    return words[0] == words[1] and names[0] != names[1]


def is_piece_of(word: str, own: set[str]) -> bool:
    """Tell whether a word is a part of a name that is written without spaces: O'Neil, O Neil."""
    longer = [name for name in own if len(word) < len(name)]
    return any(name.startswith(word) or name.endswith(word) for name in longer)


def match(
    hand_ins: list[HandIn], members: list[Member], folder: Path
) -> tuple[dict[int, list[HandIn]], list[tuple[HandIn, Finding]]]:
    """Return {place in members: hand-ins}, and the hand-ins that have no owner, or several.

    folder: the class folder. What the teacher should know goes into the hand-ins' doubts.
    """
    matched: dict[int, list[HandIn]] = {}
    nobodys = []
    owners_in: dict[Path, set[int]] = {}  # a zip of the whole class has many
    common = find_common_words(hand_ins, folder)
    for hand_in in hand_ins:
        if set(split_words(hand_in.slug)) <= common:  # all were made from one project
            hand_in.slug = ""
        found = find_owners(hand_in.parts(folder), members)
        if len(found.owners) == 1:
            owner = found.owners[0]
            hand_in.told = found.part
            matched.setdefault(owner, []).append(hand_in)
            owners_in.setdefault(hand_in.path, set()).add(owner)
            continue
        nobodys.append((hand_in, found))
    for owner, those in matched.items():
        for hand_in in those:
            is_of_one = len(owners_in[hand_in.path]) == 1
            hand_in.doubts = list_doubts(hand_in, owner, members, folder, is_of_one, common)
    return matched, nobodys


def find_common_words(hand_ins: list[HandIn], folder: Path) -> set[str]:
    """Return the words that at least three hand-ins, and half of them, have in their paths.

    All that is in one folder or zip of the class folder counts as one, unless there are no others:
    a zip of the whole class.
    """
    words: dict[str, set[str]] = {}
    tops = {hand_in.parts(folder)[0] for hand_in in hand_ins}
    depth = 1 if len(tops) > 1 else 2
    for hand_in in hand_ins:
        parts = hand_in.parts(folder)
        place = "/".join(parts[:depth])
        words.setdefault(place, set()).update(split_words("/".join(parts)))
    counts = Counter(word for one in words.values() for word in one)
    return {word for word, number in counts.items() if number >= max(3, len(words) / 2)}


def list_doubts(
    hand_in: HandIn,
    owner: int,
    members: list[Member],
    folder: Path,
    is_of_one: bool,
    common: set[str],
) -> list[str]:
    """Return why a hand-in may be somebody else's, for the teacher.

    is_of_one: nobody else's hand-in is in the same folder or zip; common: see find_other_words.
    """
    doubts = []
    parts = hand_in.parts(folder)
    outside = parts[: len(hand_in.path.relative_to(folder).parts)]
    part = hand_in.told
    name = members[owner].name
    others = find_other_words(part, members[owner], common)
    if others:
        doubts.append(f"its name is not quite {name} ({' '.join(others)}): ask whose it is")
    if is_of_one and find_owners(outside, members).owners != [owner]:
        hand_in.is_named = False
        doubts.append(f"only names inside it say that it is {name}'s: ask whose it is")
    there = split_words(part)
    inside = [*parts[parts.index(part) + 1 :], *hand_in.beside] if part in parts else []
    for number, member in enumerate(members):
        if number != owner and has_alias(there, member) and member.name != name:
            doubts.append(f"its name has the alias or login of {member.name}, too")
    if any(is_numbered(member, members[owner]) for member in members):
        doubts.append(f"a number tells that it is {name}'s: ask whose it is")
    twins = [one.name for one in members if fold(one.name) == fold(name) and one.name != name]
    if twins and not has_own_mark(part, members[owner]):
        doubts.append(f"only the spelling tells that it is not {twins[0]}'s")
    for one in inside:
        fitting = choose_best(one, list(range(len(members))), members)
        if fitting and owner not in fitting:
            doubts.append(f"inside it is {one}, which may be {members[fitting[0]].name}'s")
    return doubts
