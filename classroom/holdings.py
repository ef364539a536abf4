"""What each student of a class has in the school's account: a bucket, and keys for it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from classroom.class_file import CLASS_FILE
from classroom.roster import fold
from classroom.school_account import KEY_NAME, ApplicationKey, Bucket, is_key_of, whose
from classroom.student_files import BUCKET, KEY, KEY_ID, read_values, remove_parts
from classroom.tables import ClassError

CLASS_COLUMN = "account_class"  # in class.csv: the mark of this class's buckets


@dataclass
class Place:
    """What one student has.

    row: of class.csv; project: the folder; bucket: in the account, or None; keys: those made here
    for this bucket; key: the one of them that .env has, or None; problem: why nothing can be made
    for this student, or ""; gone: the name of an earlier bucket that somebody has deleted, or "".
    """

    row: dict[str, str]
    project: Path
    bucket: Bucket | None = None
    keys: list[ApplicationKey] = field(default_factory=list)
    key: ApplicationKey | None = None
    problem: str = ""
    gone: str = ""

    @property
    def alias(self) -> str:
        return self.row["alias"]


def find_places(
    rows: list[dict[str, str]], folder: Path, buckets: list[Bucket], keys: list[ApplicationKey]
) -> list[Place]:
    """Return what each student of class.csv has."""
    places = []
    for row in rows:
        place = Place(row, folder / row["folder"])
        remove_parts(place.project)
        own = [bucket for bucket in buckets if is_of_row(bucket, row)]
        own.sort(key=lambda bucket: bucket.name != row.get("bucket_name"))  # if there are several
        place.bucket = own[0] if own else None
        if not place.project.is_dir():
            place.problem = f"there is no project {row['folder']}. Run new_class first."
        elif not place.bucket and row.get("bucket_name") and not row.get(CLASS_COLUMN):
            place.problem = (
                f"{CLASS_FILE} names the bucket {row['bucket_name']}, which was not made here."
                " Empty that cell to get a new one."
            )
        elif not place.bucket:
            place.gone = row.get("bucket_name", "")
        find_keys(place, keys)
        places.append(place)
    return places


def find_keys(place: Place, keys: list[ApplicationKey]) -> None:
    """Note which of the account's keys were made for a student, and which of them .env has."""
    place.keys = [
        key
        for key in keys
        if (place.bucket and is_key_of(key, place.bucket))
        or (place.gone and key.key_name == KEY_NAME + place.gone)
    ]
    place.key = None
    values = read_values(place.project)
    if not place.bucket or not values.get(KEY) or values.get(BUCKET) != place.bucket.name:
        return
    for key in place.keys:
        ends = key.expiration_timestamp_millis
        if key.id_ == values.get(KEY_ID) and (not ends or ends / 1000 > time.time()):
            place.key = key


def is_of_row(bucket: Bucket, row: dict[str, str]) -> bool:
    """Tell whether a bucket was made for the student of a row of class.csv."""
    class_id, alias = whose(bucket)
    is_same = class_id == row.get(CLASS_COLUMN) or bucket.name == row.get("bucket_name")
    return class_id != "" and is_same and alias == row["alias"].lower()


def is_of_class(bucket: Bucket, rows: list[dict[str, str]]) -> bool:
    """Tell whether a bucket was made for this class, perhaps for somebody who is not in it now."""
    class_id, _ = whose(bucket)
    is_marked = class_id != "" and class_id in {row.get(CLASS_COLUMN) for row in rows}
    return is_marked or any(is_of_row(bucket, row) for row in rows)


def choose(places: list[Place], names: list[str]) -> list[Place]:
    """Return the places of students by their aliases or names, or of all."""
    if names == ["all"]:
        return places
    chosen = []
    for name in names:
        found = [
            place
            for place in places
            if fold(name) in (fold(place.alias), fold(place.row["student"]))
        ]
        if len(found) != 1:
            raise ClassError(f"--rotate {name}: no student has this alias, or several this name.")
        chosen += found
    return chosen
