"""Writes what a script has measured into a page of docs/."""

from __future__ import annotations

from pathlib import Path

BEGIN, END = "<!-- measured: begin -->\n", "<!-- measured: end -->\n"


def keep(page: Path, text: str) -> None:
    """Put text between the two marks of a page. Raises ValueError if a mark is not there."""
    before, begin, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{page} does not have the two marks {BEGIN.strip()} and {END.strip()}")
    page.write_text(f"{before}{begin}{text}\n{end}{after}", encoding="utf-8")
