"""class.csv: what was made for whom. It is written by new_class and read by grade."""

from __future__ import annotations

import csv
import os
from pathlib import Path

from classroom.roster import ClassError, decode, guarded, rows

CLASS_FILE = "class.csv"
COLUMNS = ["student", "alias", "folder", "assignment", "bucket_name", "endpoint", "state", "tests"]


def read_class(folder: Path) -> list[dict[str, str]]:
    """Return the rows of class.csv, as far as an earlier run has written it."""
    path = folder / CLASS_FILE
    if not path.is_file():
        return []
    found = rows(decode(path.read_bytes()))
    header = next(found, (1, []))[1]
    listed = [dict(zip(header, values, strict=False)) for _, values in found]
    if any(not row.get(name) for row in listed for name in ("student", "alias", "folder")):
        raise ClassError(f"{path} is not as it was made: student, alias and folder are needed.")
    return listed


def write_class(folder: Path, listed: list[dict[str, str]]) -> None:
    """Write class.csv so that a spreadsheet shows accents, and calculates nothing."""
    others = [name for row in listed for name in row if name not in COLUMNS]
    part = folder / f"{CLASS_FILE}.part"
    with part.open("w", encoding="utf-8-sig", newline="") as file:
        table = csv.DictWriter(file, [*COLUMNS, *dict.fromkeys(others)], restval="")
        table.writeheader()
        table.writerows({name: guarded(value) for name, value in row.items()} for row in listed)
    try:
        os.replace(part, folder / CLASS_FILE)
    except PermissionError:  # Windows: a spreadsheet holds it
        part.unlink()
        raise ClassError(f"{folder / CLASS_FILE} is open elsewhere. Close it first.") from None
