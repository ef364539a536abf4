"""The result of one student."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from classroom.matching import Member

STATES = [
    "ok",
    "not handed in",
    "not started",
    "wrong assignment",
    "cannot run",
    "timed out",
    "tests edited",
    "not graded",
]


@dataclass
class Grade:
    """What a student gets for a hand-in.

    state: one of STATES; tests: {name: (outcome, words)}, in order; where: the hand-in that
    counts; notes: for the student and the teacher; asides: for the teacher alone; output: what
    main.py printed; late: "yes", "maybe" or "" (None if no date was given); program: a digest of
    main.py, or "" (likeness.py); is_unsure: its process ended too early or stood still, perhaps by
    another one.
    """

    member: Member
    state: str
    tests: dict[str, tuple[str, str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    asides: list[str] = field(default_factory=list)
    where: str = ""
    output: str = ""
    late: str | None = None
    program: str = ""
    is_unsure: bool = False

    @property
    def points(self) -> int | None:
        """Return how many tests pass; None if the grading itself failed."""
        if self.state == "not graded":
            return None
        return sum(outcome == "passed" for outcome, _ in self.tests.values())

    @property
    def stuck_at(self) -> str:
        """Return the label of the first test that does not pass; "" if all of them pass."""
        if self.points is None:
            return ""
        for name, (outcome, _) in self.tests.items():
            if outcome != "passed":
                return label_of(name) or sentence_of(name)
        return ""


def label_of(test: str) -> str:
    """Return the number of the TODO that a test belongs to, such as 3a; "" if it has none."""
    found = re.match(r"test_(\d+[a-z]?)_", test)
    return found[1] if found else ""


def sentence_of(test: str) -> str:
    """Return the name of a test as a sentence: The list has the names of all notes."""
    return re.sub(r"test_(\d+[a-z]?_)?", "", test, count=1).replace("_", " ").capitalize()
