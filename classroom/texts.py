"""Small changes to texts, before they are written or shown."""

from __future__ import annotations

import re

from hooks.project import ASSIGNMENTS

INTERRUPTED = {  # the sentence after Ctrl-C, by the name of the command
    "new_class": (
        "Interrupted. Every project in the folder is complete."
        " Run the same command again to make the others."
    ),
    "accounts": "Interrupted. Run the command again; --status shows how far it got.",
    "grade": "Interrupted. Nothing was written. Run the same command again to grade.",
}


# What moves the cursor, changes colours or turns the direction of a line: all control characters
# but the tab and the end of a line, and those of Unicode for text from right to left.
STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


# What platforms, editors and students add to a name. Any other word beside a student's name is a
# part of a name, perhaps of somebody else's. (The months that are names, too, are not here.)
WORDS = """
main program project assignment homework task submission submitted working file files zip py txt
assignsubmission onlinetext version revision attempt late final new copy of and try
hausaufgabe aufgabe abgabe projekt programm kopie devoir copie tarea copia kopia
feb mar jul sep oct nov dec am pm
"""
ADDED = {*WORDS.split(), *" ".join(ASSIGNMENTS).replace("-", " ").split()}


LONGEST_LINE = 400  # characters


def make_writable(text: str) -> str:
    """Return text that can be saved as UTF-8, and shown: somebody else may have made it.

    File names may contain half a character, and anything may contain commands for a terminal.
    """
    return STEERING.sub("?", text.encode("utf-8", "replace").decode("utf-8"))


def make_line(name: str) -> str:
    """Return a file name on one line; a very long one is cut."""
    line = make_writable(" ".join(name.split("\n")))
    return line if len(line) < LONGEST_LINE else f"{line[:LONGEST_LINE]}..."


def count(number: int, noun: str) -> str:
    """Return a number with its noun: 1 row, 2 rows."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
