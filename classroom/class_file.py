"""class.csv: what was made for whom. new_class writes it, and grade reads it."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from classroom.tables import ClassError, guard_cell, read_rows, read_text
from classroom.whole_files import write_whole

CLASS_FILE = "class.csv"
COLUMNS = ["student", "alias", "folder", "assignment", "bucket_name", "endpoint", "state"]
COLUMNS += ["tests", "starter"]  # digests of the files that were handed out
COLUMNS += ["source", "version"]  # what the reset commands of the project name
COLUMNS += ["account_class"]  # the mark of the buckets that accounts.py has made for this class


def read_class(folder: Path) -> list[dict[str, str]]:
    """Return the rows of class.csv in a folder; [] if there is no such file yet.

    Raises ClassError if a row has no student, alias or folder.
    """
    path = folder / CLASS_FILE
    if not path.is_file():
        return []
    numbered = read_rows(path, read_text(path))
    _, header = next(numbered, (1, []))
    rows = [dict(zip(header, values, strict=False)) for _, values in numbered]
    for row in rows:
        if not (row.get("student") and row.get("alias") and row.get("folder")):
            raise ClassError(
                f"{path} cannot be used: every row needs a student, an alias and a folder."
                " Fill in what is missing."
            )
    return rows


def write_class(folder: Path, rows: list[dict[str, str]]) -> None:
    """Write class.csv for a spreadsheet: with a mark for accents, and without formulas."""
    columns = dict.fromkeys(COLUMNS)  # a set that keeps its order
    for row in rows:
        columns.update(dict.fromkeys(row))
    text = io.StringIO()
    table = csv.DictWriter(text, list(columns), restval="")
    table.writeheader()
    for row in rows:
        table.writerow({name: guard_cell(value) for name, value in row.items()})
    try:
        write_whole(folder / CLASS_FILE, text.getvalue().encode("utf-8-sig"))
    except PermissionError:  # Windows: a spreadsheet has it open
        raise ClassError(
            f"{folder / CLASS_FILE} is open in another program."
            " Close it there, and run the same command again."
        ) from None
