"""Gives each student of a class a bucket of the school's account, and a key for it alone."""

from __future__ import annotations

import argparse
import contextlib
import getpass
import os
import re
import secrets
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from classroom.class_file import CLASS_FILE, read_class, write_class
from classroom.due import parse_due
from classroom.holdings import (
    CLASS_COLUMN,
    Place,
    choose,
    find_keys,
    find_places,
    is_of_class,
)
from classroom.processes import end_as_by_ctrl_c, show_progress
from classroom.roster import LEFT
from classroom.school_account import (
    LONGEST_KEY,
    TO_END,
    TO_LOOK,
    TO_MAKE,
    USUAL_MOST_BUCKETS,
    ApplicationKey,
    Bucket,
    SchoolAccount,
    is_key_of,
    whose,
)
from classroom.student_files import (
    BUCKET,
    ENDPOINT,
    KEY,
    KEY_ID,
    fill_project,
    renew_zip,
)
from classroom.tables import ClassError
from classroom.texts import count

PREFIX = r"[a-z][a-z0-9-]{1,28}[a-z0-9]"
PREFIX_RULE = (
    "A prefix has 3 to 30 characters: small letters, digits and hyphens. Anybody in the world can"
    " see it, so it names no person."
)
LOCK = ".accounts.lock"
WIDE = 200  # characters of a line that is not for a terminal


# The command line.


def parse_arguments(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="nox -s accounts --", description=__doc__)
    parser.add_argument("folder", type=Path, help="the folder with class.csv and the projects")
    parser.add_argument("--prefix", help="how the names of the buckets begin, such as myschool-7b")
    parser.add_argument("--until", metavar="DATE", help="the last day of the keys: 2027-01-31")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
    parser.add_argument("--yes", action="store_true", help="do not ask before it is done")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--status", action="store_true", help="show who has what, until when")
    what.add_argument(
        "--rotate", nargs="+", metavar="ALIAS", help="give these students new keys; or: all"
    )
    what.add_argument(
        "--end", action="store_true", help="delete the keys, and the buckets with all files"
    )
    parser.add_argument(
        "--bytes", action="store_true", help="with --status: also how much each bucket holds"
    )
    parser.add_argument(
        "--keep-files", type=Path, metavar="FOLDER", help="with --end: save all files there first"
    )
    parser.add_argument("--realm", default="production", help=argparse.SUPPRESS)  # for the tests
    return parser.parse_args(words)


def run(options: argparse.Namespace) -> int:
    """Do what is asked for; return the exit code. Raises ClassError if that cannot even start."""
    folder = options.folder.absolute()
    rows = read_class(folder)
    if not rows:
        raise ClassError(
            f"There is no {CLASS_FILE} in {folder}. Make the projects first: nox -s new_class"
        )
    if options.prefix and not re.fullmatch(PREFIX, options.prefix):
        raise ClassError(f"--prefix {options.prefix}: {PREFIX_RULE}")
    if (options.keep_files and not options.end) or (options.bytes and not options.status):
        raise ClassError("--keep-files belongs to --end, and --bytes to --status.")
    seconds = count_seconds(options.until) if options.until else 0
    if not any(row.get(CLASS_COLUMN) for row in rows) and not options.dry_run:
        is_first = not (options.status or options.end)
        check_answers(is_first, is_first, seconds, options)  # before anybody types a key
    end_as_by_ctrl_c()
    account = log_in(options)
    with lock(folder):
        buckets = account.list_buckets()
        if options.end:
            return end(account, [one for one in buckets if is_of_class(one, rows)], options)
        places = find_places(rows, folder, buckets, account.list_keys())
        if options.status:
            return show_status(account, places, options.bytes)
        return make(account, places, len(buckets), seconds, options)


@contextlib.contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Keep other runs out of a class folder: two at once would make everything twice.

    The file has the number of the process, so that one that was killed keeps nobody out.
    """
    path = folder / LOCK
    number = path.read_text(encoding="utf-8") if path.exists() else ""
    if number.isdigit() and psutil.pid_exists(int(number)):
        raise ClassError("This command is already running for this class, in another terminal.")
    path.unlink(missing_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(str(os.getpid()))
    except FileExistsError:
        raise ClassError("This command has just been started for this class, too.") from None
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def count_seconds(until: str) -> int:
    """Return how many seconds are left of the last day of the keys. Raises ClassError."""
    seconds = int(parse_due([until], "--until").timestamp() - time.time()) - 60  # of that day
    if seconds <= 0:
        raise ClassError(f"--until {until} is over. Choose a day that is to come.")
    if seconds > LONGEST_KEY:
        raise ClassError(f"--until {until}: B2 makes no key for more than 1000 days.")
    return seconds


def log_in(options: argparse.Namespace) -> SchoolAccount:
    """Log in with the teacher's key: from the environment, or typed. It is never written."""
    needed = TO_MAKE
    if options.status:
        needed = TO_LOOK | ({"listFiles"} if options.bytes else set())
    elif options.end:
        needed = TO_END | ({"readFiles"} if options.keep_files else set())
    key_id, key = os.environ.get(KEY_ID, ""), os.environ.get(KEY, "")
    if key_id and key:
        print(f"The key of the account is that in {KEY_ID} and {KEY}.")
    elif sys.stdin.isatty():
        print("The key of the school's account (in the console: Application Keys).")
        key_id = input("keyID: ").strip()
        key = getpass.getpass("applicationKey (you do not see it while you type): ").strip()
    else:
        raise ClassError(f"Nobody can type the key here. Set {KEY_ID} and {KEY} to it.")
    return SchoolAccount(key_id, key, options.realm, needed)


def is_agreed(question: str, options: argparse.Namespace) -> bool:
    """Ask whether to go on, unless --yes says so."""
    if options.yes:
        return True
    if not sys.stdin.isatty():
        raise ClassError("Nobody can answer here. Add --yes to do it.")
    return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")


# Who has what.


def show_status(account: SchoolAccount, places: list[Place], with_bytes: bool) -> int:
    """Print who has what, until when; return the exit code."""
    table = Table("student", "alias", "bucket", "key until", "state", box=None)
    if with_bytes:
        table.add_column("versions", justify="right")
        table.add_column("bytes", justify="right")
    for place in places:
        cells = [
            place.row["student"],
            place.alias,
            place.bucket.name if place.bucket else place.row.get("bucket_name", ""),
            describe_end(place.key),
            describe(place),
        ]
        if with_bytes and place.bucket:
            number, size = account.measure(place.bucket)
            cells += [f"{number:,}", f"{size:,}"]
        table.add_row(*[escape(str(cell)) for cell in cells])
    Console(width=None if os.isatty(1) else WIDE, highlight=False).print(table)
    return 0


def describe(place: Place) -> str:
    """Return how far a student is."""
    if place.problem:
        return place.problem
    if place.row.get("state") == LEFT:
        return "left"
    if not place.bucket:
        return "no bucket yet"
    return "ready" if place.key else "no key"


def describe_end(key: ApplicationKey | None) -> str:
    """Return the last day of a key."""
    if key is None or not key.expiration_timestamp_millis:
        return ""
    return time.strftime("%Y-%m-%d", time.localtime(key.expiration_timestamp_millis / 1000))


# Making buckets and keys.


def make(
    account: SchoolAccount,
    places: list[Place],
    number_of_buckets: int,
    seconds: int,
    options: argparse.Namespace,
) -> int:
    """Make what is missing; return the exit code.

    number_of_buckets: those in the account; seconds: how long the keys last, 0 if not said.
    """
    problems = [f"{place.row['student']}: {place.problem}" for place in places if place.problem]
    here = [one for one in places if not one.problem and one.row.get("state") != LEFT]
    lacking = [place for place in here if not place.key]
    if options.rotate:
        lacking = choose(here, options.rotate)
    without_bucket = [place for place in lacking if not place.bucket]
    old = list_old_keys(places, lacking)
    show_plan(lacking, without_bucket, old, number_of_buckets)
    show_other_days(here, lacking, options)
    if options.dry_run:
        return show_problems(problems)
    check_answers(bool(lacking), bool(without_bucket), seconds, options)
    if (lacking or old) and not is_agreed("Go on?", options):
        print("Nothing was done.")
        return 1
    rows = [place.row for place in places]
    class_id = next(filter(None, (row.get(CLASS_COLUMN) for row in rows)), secrets.token_hex(6))
    for place in without_bucket:
        place.row[CLASS_COLUMN] = class_id
    folder = options.folder.absolute()
    write_class(folder, rows)  # with the mark, so that what is made can be found again
    try:
        with show_progress("students", len(lacking)) as advance:
            for place in lacking:
                problems += equip(account, place, options.prefix, seconds)
                advance()
    finally:
        write_class(folder, rows)
    deleted = delete_old_keys(account, places) if lacking or old else 0
    for place in here:
        renew_zip(place.project)  # if an earlier run was ended before it did that
    ready = sum(place.key is not None for place in here)
    print(f"{count(ready, 'student')} ready; {count(deleted, 'old key')} deleted.")
    if lacking:
        print(
            "Set caps for the account, so that nobody can make it expensive: in the console, Caps"
            " & Alerts. No key can do that."
        )
    return show_problems(problems)


def list_old_keys(places: list[Place], lacking: list[Place]) -> list[ApplicationKey]:
    """Return the keys that will be deleted: who has left, too, keeps none."""
    return [
        key
        for place in places
        for key in place.keys
        if key is not place.key or place in lacking or place.row.get("state") == LEFT
    ]


def show_other_days(here: list[Place], lacking: list[Place], options: argparse.Namespace) -> None:
    """Print how many keys end on another day than --until says: they stay as they are."""
    others = [
        place
        for place in here
        if place.key and place not in lacking and describe_end(place.key) != options.until
    ]
    if options.until and others:
        print(f"{count(len(others), 'key')} will still end on another day; --rotate all renews it.")


def show_plan(
    lacking: list[Place],
    without_bucket: list[Place],
    old: list[ApplicationKey],
    number_of_buckets: int,
) -> None:
    """Print what will be done, and for whom."""
    print(
        f"To make: {count(len(without_bucket), 'bucket')}, {count(len(lacking), 'key')}. To delete:"
        f" {count(len(old), 'old key')}. The account has {number_of_buckets} of"
        f" {USUAL_MOST_BUCKETS} buckets."
    )
    if number_of_buckets + len(without_bucket) > USUAL_MOST_BUCKETS:
        print("That is more than an account usually may have. B2 will say.")
    for place in lacking:
        what = "a key" if place.bucket else "a bucket and a key"
        end_of_old = "; the key that it has now stops working, in all folders" if place.keys else ""
        print(f"  {what} for {place.row['student']} ({place.alias}){end_of_old}")


def check_answers(
    lacking: bool, without_bucket: bool, seconds: int, options: argparse.Namespace
) -> None:
    """Raise ClassError if an option is missing that is needed now: for keys, for buckets."""
    if without_bucket and not options.prefix:
        raise ClassError(f"Add --prefix, such as --prefix myschool-7b. {PREFIX_RULE}")
    if lacking and not seconds:
        raise ClassError("Add --until, the last day of the keys, such as --until 2027-01-31.")


def equip(account: SchoolAccount, place: Place, prefix: str, seconds: int) -> list[str]:
    """Give a student a bucket, if that is missing, and a key; return what went wrong."""
    if place.bucket is None:
        alias = place.alias.lower()
        short = f"{alias}-" if re.fullmatch(r"s\d+", alias) else ""  # others may be names
        start = f"{prefix}-{short}"
        place.bucket = account.make_bucket(start, place.row[CLASS_COLUMN], alias)
    place.row[CLASS_COLUMN], _ = whose(place.bucket)
    place.row["bucket_name"] = str(place.bucket.name)
    place.row["endpoint"] = account.endpoint
    key = account.make_key(place.bucket, seconds)
    values = {
        KEY_ID: key.id_,
        KEY: key.application_key,
        BUCKET: str(place.bucket.name),
        ENDPOINT: account.endpoint,
    }
    try:
        fill_project(place.project, values)
    except OSError as error:
        name = Path(str(error.filename)).name
        return [f"{place.row['student']}: {name} cannot be written ({error.strerror})."]
    return []


def delete_old_keys(account: SchoolAccount, places: list[Place]) -> int:
    """Delete the keys of these students that no .env has; return how many.

    What the files say counts: so a key that could not be written is deleted, too.
    """
    keys = account.list_keys()
    deleted = 0
    for place in places:
        find_keys(place, keys)
        if place.row.get("state") == LEFT:
            place.key = None
        for key in place.keys:
            if key is not place.key:
                account.delete_key(key)
                deleted += 1
    return deleted


def show_problems(problems: list[str]) -> int:
    """Print what the teacher has to fix; return the exit code."""
    if problems:
        print("Fix these, and run the same command again:")
    for problem in problems:
        print(f"  {problem}")
    return 1 if problems else 0


# The end of the term.


def end(account: SchoolAccount, buckets: list[Bucket], options: argparse.Namespace) -> int:
    """Delete the keys of a class, and its buckets; return the exit code. It can be repeated."""
    if not buckets:
        print("The account has no buckets of this class.")
        return 0
    print("To delete, with all files and keys:")
    for bucket in buckets:
        print(f"  {whose(bucket)[1]}: {bucket.name}")
    question = f"Delete {count(len(buckets), 'bucket')}?"
    if options.keep_files:
        make_folder(options.keep_files.absolute())
        question = f"Save all files, and then delete {count(len(buckets), 'bucket')}?"
    if options.dry_run:
        return 0
    if not is_agreed(question, options):
        print("Nothing was deleted.")
        return 1
    keys = [key for key in account.list_keys() if any(is_key_of(key, one) for one in buckets)]
    for key in keys:  # first, so that nobody stores anything while the buckets are emptied
        account.delete_key(key)
    if options.keep_files:
        save(account, buckets, options.keep_files.absolute())
    with show_progress("buckets", len(buckets)) as advance:
        for bucket in buckets:
            account.delete_bucket(bucket)
            advance()
    print(f"Deleted: {count(len(keys), 'key')}, {count(len(buckets), 'bucket')}.")
    return 0


def make_folder(folder: Path) -> None:
    """Make the folder for the saved files, before anything is deleted. Raises ClassError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "try.part").touch()
        (folder / "try.part").unlink()
    except OSError as error:
        raise ClassError(
            f"--keep-files: {folder} cannot be used ({error.strerror}). Choose another folder."
        ) from None


def save(account: SchoolAccount, buckets: list[Bucket], folder: Path) -> None:
    """Save the files of all buckets. Raises ClassError if one cannot be saved."""
    number = 0
    for bucket in buckets:
        target = folder / f"{whose(bucket)[1]}-{bucket.name}"
        try:
            number += account.save_files(bucket, target)
        except OSError as error:
            raise ClassError(
                f"The files cannot be saved in {folder} ({error.strerror}). The keys are deleted,"
                " and the buckets are as they were."
            ) from None
    print(f"{count(number, 'file')} saved in {folder}.")
