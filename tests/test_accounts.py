"""One account of a school: each student gets a bucket and a key for it alone, and nothing leaks."""

from __future__ import annotations

import csv
import logging
import os
import re
import shutil
import stat
import sys
import time
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
from b2_double import Key
from b2sdk.v3 import B2Api, B2HttpApiConfig, RawSimulator
from conftest import ROOT, Run, clean_environment, run, some_thorough
from dotenv import dotenv_values
from native_double import ALL, MASTER_ID, MASTER_KEY, NativeDouble, Refused
from scenes import HOST as HOST_OF_SCENE
from scenes import Scene, authority, scene  # noqa: F401

from classroom import school_account
from classroom.school_account import TO_END, TO_MAKE, SchoolAccount, is_key_of, whose

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

UNTIL = time.strftime("%Y-%m-%d", time.localtime(time.time() + 90 * 24 * 3600))
MAKE = ("--prefix", "myschool", "--until", UNTIL, "--yes")
HOST = "https://s3.us-west-004.backblazeb2.com"


class School:
    """A class of a school, and its account."""

    def __init__(self, folder: Path, double: NativeDouble) -> None:
        self.folder = folder
        self.double = double
        self.printed: list[str] = []
        self.home = folder / "home"
        self.home.mkdir()

    def run(self, *words: str, **env: str) -> Run:
        """Run a class command as the teacher does, with a key in the environment."""
        clean = clean_environment()
        home = {name: str(self.home) for name in ("HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP")}
        keys = {"B2_APPLICATION_KEY_ID": MASTER_ID, "B2_APPLICATION_KEY": MASTER_KEY}
        command = [sys.executable, str(ROOT / "classroom"), *words]
        done = run(command, self.folder, {**clean, **home, **keys, **env})
        self.printed.append(done.printed)
        return done

    def new_class(self, *names: str, to: str = "class", assignment: str = "guestbook") -> Run:
        (self.folder / "roster.csv").write_text("student\n" + "\n".join(names), encoding="utf-8")
        words = ("--out", to, "--assignment", assignment, "--zip", "--source", "gh:x/y")
        done = self.run("new_class", "roster.csv", *words)
        assert done.code == 0, done.printed
        return done

    def accounts(self, *words: str, to: str = "class", **env: str) -> Run:
        self.double.calls.clear()
        return self.run("accounts", to, "--realm", self.double.url, *words, **env)

    def rows(self, to: str = "class") -> list[dict[str, str]]:
        with (self.folder / to / "class.csv").open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))

    def env(self, alias: str, to: str = "class", assignment: str = "guestbook") -> dict[str, str]:
        path = self.folder / to / f"{assignment}-{alias}" / ".env"
        return {name: value or "" for name, value in dotenv_values(path).items()}

    def zipped_env(self, alias: str, to: str = "class", assignment: str = "guestbook") -> str:
        name = f"{assignment}-{alias}"
        with zipfile.ZipFile(self.folder / to / f"{name}.zip") as archive:
            return archive.read(f"{name}/.env").decode()

    def is_ready(self, alias: str) -> bool:
        """Tell whether a student has a bucket, and in .env and zip the only key for it."""
        env = self.env(alias)
        keys = [
            key
            for key in self.double.students_keys
            if [self.double.find(env["B2_BUCKET_NAME"])["bucketId"]] == key["bucketIds"]
        ]
        return (
            [key["applicationKeyId"] for key in keys] == [env["B2_APPLICATION_KEY_ID"]]
            and keys[0]["applicationKey"] == env["B2_APPLICATION_KEY"]
            and f"B2_APPLICATION_KEY={keys[0]['applicationKey']}\n" in self.zipped_env(alias)
        )


@pytest.fixture
def school(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    double = NativeDouble()
    with double.serve():
        yield School(tmp_path_factory.mktemp("s"), double)


def test_each_student_gets_a_bucket_and_a_key_for_it(school: School):
    school.new_class("Anna Schmidt", "Ben Li")
    school.double.add_bucket("somebody-elses")

    done = school.accounts(*MAKE)

    assert done.code == 0, done.printed
    assert "To make: 2 buckets, 2 keys. To delete: 0 old keys." in done.out
    assert "The account has 1 of 100 buckets." in done.out
    assert "2 students ready; 0 old keys deleted." in done.out
    for row in school.rows():
        bucket = school.double.find(row["bucket_name"])
        assert re.fullmatch(rf"myschool-{row['alias']}-[a-z0-9]{{8}}", row["bucket_name"])
        assert (bucket["bucketType"], row["endpoint"]) == ("allPrivate", HOST)
        assert bucket["lifecycleRules"] == [
            {"daysFromHidingToDeleting": 1, "daysFromUploadingToHiding": None, "fileNamePrefix": ""}
        ]
        assert school.is_ready(row["alias"])
        assert school.env(row["alias"])["B2_ENDPOINT"] == HOST
        key = school.double.keys[school.env(row["alias"])["B2_APPLICATION_KEY_ID"]]
        assert "listBuckets" in key["capabilities"]
        assert not {"writeBuckets", "writeKeys", "deleteBuckets"} & set(key["capabilities"])
        assert time.strftime("%Y-%m-%d", time.localtime(key["expirationTimestamp"] / 1000)) == UNTIL
    assert school.double.calls == [
        "b2_authorize_account",
        "b2_list_buckets",
        "b2_list_keys",
        *["b2_create_bucket", "b2_create_key"] * 2,
        "b2_list_keys",
    ]


def test_the_secrets_are_in_env_and_zip_and_nowhere_else(school: School):
    school.new_class("Anna Schmidt", "Ben Li")
    school.accounts(*MAKE, PYTHONVERBOSE="", B2SDK_DEBUG="1")
    school.accounts("--rotate", "s01", "--until", UNTIL, "--yes")
    school.accounts("--status", "--bytes")

    secret = [key["applicationKey"] for key in school.double.keys.values()]
    found = set()
    for path in school.folder.rglob("*"):
        if path.is_file() and any(one.encode() in path.read_bytes() for one in secret):
            found.add(path.relative_to(school.folder).as_posix())
    assert found == {"class/guestbook-s01/.env", "class/guestbook-s02/.env"}
    assert not [one for one in secret if one in "".join(school.printed)]
    if os.name != "nt":
        for path in (*school.folder.rglob(".env"), *school.folder.rglob("*.zip")):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for path in school.folder.rglob("*.zip"):
        with zipfile.ZipFile(path) as archive:
            names = [
                name for name in archive.namelist() if secret[-1] in archive.read(name).decode()
            ]
            assert names in ([], [f"{path.stem}/.env"])


@pytest.mark.thorough
def test_a_second_run_makes_only_what_is_missing(school: School):
    school.new_class("Anna", "Ben")
    school.accounts(*MAKE)
    before = dict(school.double.keys)

    done = school.accounts()

    assert (done.code, school.double.keys) == (0, before)
    assert len(school.double.calls) <= 5
    school.new_class("Anna", "Ben", "Cara")  # joined late
    (school.folder / "class" / "guestbook-s02" / ".env").write_text("", encoding="utf-8")

    done = school.accounts(*MAKE)

    assert done.code == 0, done.printed
    assert "To make: 1 bucket, 2 keys. To delete: 1 old key." in done.out
    assert [school.is_ready(alias) for alias in ("s01", "s02", "s03")] == [True] * 3
    assert len(school.double.buckets) == 3


@pytest.mark.thorough
def test_the_next_assignment_has_the_same_buckets_and_keys(school: School):
    school.new_class("Anna", "Ben")
    school.accounts(*MAKE)

    words = ("--out", "next", "--assignment", "cloud-notes", "--zip")
    done = school.run("new_class", str(Path("class", "class.csv")), *words)

    assert done.code == 0, done.printed
    for alias in ("s01", "s02"):
        env = school.env(alias, "next", "cloud-notes")
        assert env == school.env(alias)
        key = env["B2_APPLICATION_KEY"]
        assert f"B2_APPLICATION_KEY={key}\n" in school.zipped_env(alias, "next", "cloud-notes")
    if os.name != "nt":
        for path in (school.folder / "next").glob("*.zip"):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
    done = school.accounts(to="next")
    assert (done.code, len(school.double.buckets)) == (0, 2)
    assert "To make: 0 buckets, 0 keys." in done.out


@pytest.mark.thorough
def test_an_alias_that_may_be_a_name_is_not_in_the_name_of_the_bucket(school: School):
    (school.folder / "list.csv").write_text("student,alias\nAnna,anna\n", encoding="utf-8")
    school.run("new_class", "list.csv", "--out", "class", "--assignment", "guestbook")

    school.accounts(*MAKE)

    assert re.fullmatch("myschool-[a-z0-9]{8}", school.rows()[0]["bucket_name"])


def test_a_bucket_of_somebody_else_is_never_touched(school: School):
    (school.folder / "list.csv").write_text(
        "student,bucket_name\nAnna,ada-photos-2026\nBen,\n", encoding="utf-8"
    )
    school.run("new_class", "list.csv", "--out", "class", "--assignment", "guestbook")
    school.double.add_bucket("ada-photos-2026")
    school.double.add_bucket("other-class", {"b2-starter-class": "x", "b2-starter-alias": "s01"})

    done = school.accounts(*MAKE)

    assert done.code == 1
    assert "Anna: class.csv names the bucket ada-photos-2026, which was not made here" in done.out
    assert "1 student ready" in done.out
    school.accounts("--end", "--yes")
    names = [one["bucketName"] for one in school.double.buckets.values()]
    assert names == ["ada-photos-2026", "other-class"]


@pytest.mark.thorough
def test_the_term_ends(school: School):
    school.new_class("Anna", "Ben")
    school.accounts(*MAKE)
    name = school.env("s01")["B2_BUCKET_NAME"]
    for key, content in {
        "a.txt": b"old",
        "photos/../x": b"odd",
        "A.TXT": b"capital",
        "photos": b"a file",
        "photos/cat.png": b"cat",
    }.items():
        school.double.add_file(name, key, content)
    school.double.add_file(name, "a.txt", b"new")
    school.double.add_file(name, "big", b"", action="start")
    school.double.add_file(school.env("s02")["B2_BUCKET_NAME"], "gone", b"", action="hide")

    done = school.accounts("--end", "--yes", "--keep-files", "kept")

    assert done.code == 0, done.printed
    assert "5 files saved in " in done.out
    assert "Deleted: 2 keys, 2 buckets." in done.out
    assert (school.double.buckets, school.double.students_keys) == ({}, [])
    kept = school.folder / "kept" / f"s01-{name}"
    contents = {path.read_bytes() for path in kept.rglob("*") if path.is_file()}
    assert contents == {b"new", b"odd", b"capital", b"a file", b"cat"}
    done = school.accounts("--end", "--yes")
    assert (done.code, "no buckets of this class" in done.out) == (0, True)


@pytest.mark.thorough
def test_a_lost_key_is_replaced(school: School):
    school.new_class("Anna", "Ben")
    school.accounts(*MAKE)
    lost = school.env("s01")["B2_APPLICATION_KEY_ID"]

    done = school.accounts("--rotate", "s01", "--until", UNTIL, "--yes")

    assert done.code == 0, done.printed
    assert "To make: 0 buckets, 1 key. To delete: 1 old key." in done.out
    assert lost not in school.double.keys
    assert school.is_ready("s01")
    done = school.accounts("--rotate", "s99", "--until", UNTIL, "--yes")
    assert "--rotate s99: no student has this alias" in done.err


@pytest.mark.thorough
def test_who_has_what_is_shown(school: School):
    school.new_class("Anna", "Ben")
    school.accounts(*MAKE)
    name = school.env("s01")["B2_BUCKET_NAME"]
    school.double.add_file(name, "a", b"12345")
    school.double.keys.pop(school.env("s02")["B2_APPLICATION_KEY_ID"])

    done = school.accounts("--status", "--bytes")

    lines = [" ".join(line.split()) for line in done.out.splitlines()]
    assert f"Anna s01 {name} {UNTIL} ready 1 5" in lines
    assert f"Ben s02 {school.env('s02')['B2_BUCKET_NAME']} no key 0 0" in lines


WORDS = {"make": MAKE, "rotate": ("--rotate", "all", *MAKE), "end": ("--end", "--yes")}


@pytest.mark.skipif(sys.platform == "win32", reason="a process is killed by its parent's number")
@pytest.mark.thorough
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("what", WORDS)
def test_a_run_that_is_killed_at_any_request_is_completed(school: School, what: str, when: str):
    for number in range(1, 30):
        begin_anew(school, what)
        kill_at(school.double, number, when)
        if school.accounts(*WORDS[what]).code == 0:
            break  # it has fewer requests
        school.double.before = school.double.after = lambda _: None
        if what == "rotate":  # at each moment, .env has a key that works
            keys = [school.env(alias)["B2_APPLICATION_KEY_ID"] for alias in ("s01", "s02")]
            assert set(keys) <= set(school.double.keys), number

        done = school.accounts(*(WORDS["end"] if what == "end" else MAKE))

        assert done.code == 0, (number, done.printed)
        left = len(school.double.buckets), len(school.double.students_keys)
        assert left == ((0, 0) if what == "end" else (2, 2)), number
        if what != "end":
            assert [school.is_ready("s01"), school.is_ready("s02")] == [True, True], number
        assert not list(school.folder.rglob("*.part"))
    assert number > 5


def begin_anew(school: School, what: str) -> None:
    """Make the class again, with an account that is empty, or as it is before the end."""
    school.double.before = school.double.after = lambda _: None
    school.double.buckets.clear()
    school.double.files.clear()
    for key in school.double.students_keys:
        school.double.keys.pop(key["applicationKeyId"])
    shutil.rmtree(school.folder / "class", ignore_errors=True)
    school.new_class("Anna", "Ben")
    if what != "make":
        school.accounts(*MAKE)
    if what == "end":
        school.double.add_file(school.env("s01")["B2_BUCKET_NAME"], "a.txt", b"one")


def kill_at(double: NativeDouble, number: int, when: str) -> None:
    """Kill the command at its request with this number, before or after that is done."""

    def kill(_: str) -> None:
        if len(double.calls) == number:
            for child in psutil.Process().children(recursive=True):
                if "accounts" in child.cmdline():
                    child.kill()
            raise ConnectionError

    setattr(double, when, kill)


@pytest.mark.thorough
def test_an_answer_that_is_lost_leaves_nothing(school: School):
    """b2sdk asks again, so that a bucket and a key are made twice."""
    school.new_class("Anna")
    lost: list[str] = []

    def lose(call: str) -> None:
        if call in ("b2_create_bucket", "b2_create_key") and call not in lost:
            lost.append(call)
            raise ConnectionError

    school.double.after = lose

    done = school.accounts(*MAKE)

    assert (done.code, lost) == (0, ["b2_create_bucket", "b2_create_key"]), done.printed
    assert (len(school.double.buckets), len(school.double.students_keys)) == (1, 1)
    assert school.is_ready("s01")


REFUSALS = {
    "a wrong key": (MAKE, {"B2_APPLICATION_KEY": "K004wrong"}, "B2 refuses this key"),
    "no prefix": (("--until", UNTIL, "--yes"), {}, "Add --prefix, such as --prefix myschool-7b."),
    "no end": (("--prefix", "myschool", "--yes"), {}, "Add --until, the last day of the keys"),
    "a bad prefix": (("--prefix", "Anna"), {}, "A prefix has 3 to 30 characters"),
    "a day that is over": (("--until", "2020-01-01"), {}, "is over. Choose a day that is to come"),
    "a day far away": (("--until", "2099-01-01"), {}, "no key for more than 1000 days"),
    "an option of --end": (("--keep-files", "x", *MAKE), {}, "--keep-files belongs to --end"),
    "no date": (("--until", "soon"), {}, "--until soon is not a date"),
    "nobody to ask": (("--prefix", "myschool", "--until", UNTIL), {}, "Add --yes to do it."),
    "no key": (MAKE, {"B2_APPLICATION_KEY": ""}, "Nobody can type the key here."),
}


@pytest.mark.parametrize("what", some_thorough(REFUSALS, every_day=4))
def test_a_refusal_is_one_sentence(school: School, what: str):
    school.new_class("Anna")
    words, env, said = REFUSALS[what]

    done = school.accounts(*words, **env)

    assert done.code == 1
    assert said in " ".join(done.err.split())
    assert "Traceback" not in done.printed
    assert school.double.students_keys == []


ANSWERS = {
    "unverified": (401, "email_not_verified", "Confirm the e-mail address of the account"),
    "cap": (403, "transaction_cap_exceeded", "cap of requests for today"),
    "too many": (400, "too_many_buckets", "as many buckets as it may have"),
    "unknown": (400, "something_new", "B2 answered: "),
}


@pytest.mark.parametrize("what", some_thorough(ANSWERS, every_day=2))
def test_what_b2_refuses_is_explained(school: School, what: str):
    school.new_class("Anna")
    status, code, said = ANSWERS[what]

    def refuse(call: str) -> None:
        if call == "b2_create_bucket":
            raise Refused(status, code)

    school.double.before = refuse

    done = school.accounts(*MAKE)

    assert done.code == 1
    assert said in " ".join(done.err.split()), done.printed
    assert "Traceback" not in done.printed


def test_a_key_that_may_not_do_it_is_named_before_anything_is_done(school: School):
    school.new_class("Anna")
    school.double.keys[MASTER_ID]["capabilities"] = [one for one in ALL if "Keys" not in one]

    done = school.accounts(*MAKE)

    assert "It lacks: deleteKeys, listKeys, writeKeys. Use the master application key" in (
        " ".join(done.err.split())
    )
    assert school.double.calls == ["b2_authorize_account"]


@pytest.mark.thorough
def test_an_account_without_an_address_for_s3_is_named(school: School):
    school.new_class("Anna")
    school.double.s3_url = None

    done = school.accounts(*MAKE)

    assert "This account has no address for S3" in done.err


@pytest.mark.thorough
def test_who_has_left_keeps_no_key_and_a_rotation_is_for_those_who_are_named(school: School):
    school.new_class("Anna", "Ben", "Cara", "Dan")
    school.accounts(*MAKE)
    (school.folder / "class" / "guestbook-s03" / ".env").write_text("", encoding="utf-8")
    school.new_class("Anna", "Cara", "Dan")

    done = school.accounts("--rotate", "s01", "--until", UNTIL, "--yes")

    assert "To make: 0 buckets, 1 key. To delete: 3 old keys." in done.out
    assert "  a key for Anna (s01); the key that it has now stops working" in done.out
    left = school.env("s02")["B2_APPLICATION_KEY_ID"]
    assert left not in school.double.keys
    assert [school.is_ready(alias) for alias in ("s01", "s04")] == [True, True]


@pytest.mark.thorough
def test_a_bucket_that_somebody_has_deleted_is_made_again(school: School):
    school.new_class("Anna")
    school.accounts(*MAKE)
    school.double.buckets.clear()

    done = school.accounts(*MAKE)

    assert (done.code, len(school.double.students_keys)) == (0, 1)
    assert "To make: 1 bucket, 1 key. To delete: 1 old key." in done.out
    assert school.is_ready("s01")


@pytest.mark.thorough
def test_two_runs_at_a_time_are_refused(school: School):
    school.new_class("Anna")
    lock = school.folder / "class" / ".accounts.lock"
    lock.write_text(str(os.getpid()), encoding="utf-8")

    done = school.accounts(*MAKE)

    assert "already running for this class, in another terminal" in done.err
    lock.write_text("999999999", encoding="utf-8")  # one that was killed
    assert school.accounts(*MAKE).code == 0
    assert not lock.exists()


@pytest.mark.thorough
def test_a_folder_for_the_files_that_cannot_be_used_deletes_nothing(school: School):
    school.new_class("Anna")
    school.accounts(*MAKE)
    (school.folder / "file").write_text("mine", encoding="utf-8")

    done = school.accounts("--end", "--yes", "--keep-files", "file")

    assert done.code == 1
    assert "cannot be used" in done.err
    assert school.is_ready("s01")


@pytest.mark.thorough
def test_a_lost_mark_or_a_lost_class_file(school: School):
    school.new_class("Anna", "Ben")
    school.accounts(*MAKE)
    table = school.folder / "class" / "class.csv"
    rows = school.rows()
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows([{**row, "account_class": ""} for row in rows])

    done = school.accounts(*MAKE)
    assert "To make: 0 buckets, 0 keys. To delete: 0 old keys." in done.out

    table.unlink()
    (school.folder / "roster.csv").write_text("student\nBen\nAnna\n", encoding="utf-8")
    words = ("--out", "class", "--assignment", "guestbook")
    done = school.run("new_class", "roster.csv", *words)
    assert done.code == 1
    assert "This folder has a key, and class.csv does not say whose." in done.out
    assert not table.exists()


@pytest.mark.thorough
def test_a_name_that_is_taken_is_not_used(school: School):
    school.new_class("Anna")

    def take(call: str) -> None:
        if call == "b2_create_bucket":
            school.double.before = lambda _: None
            raise Refused(400, "duplicate_bucket_name")

    school.double.before = take

    assert school.accounts(*MAKE).code == 0
    assert school.is_ready("s01")


@pytest.mark.thorough
@pytest.mark.parametrize("what", ["no network", "a clock that is wrong", "B2 is busy"])
def test_what_is_no_answer_of_b2_is_explained(school: School, what: str):
    school.new_class("Anna")
    words: tuple[str, ...] = MAKE
    said = "The connection to B2 was cut off. Run the command again"
    if what == "no network":
        words = (*MAKE, "--realm", "http://127.0.0.1:9")
    elif what == "a clock that is wrong":
        school.double.clock = lambda: time.time() + 7200
        said = "This computer's clock is wrong."
    else:

        def refuse(_: str) -> None:
            raise Refused(503, "service_unavailable")

        school.double.before = refuse
        said = "B2 is busy."

    done = school.accounts(*words)

    assert (done.code, said in done.err) == (1, True), done.printed
    assert "Traceback" not in done.printed


def test_a_dry_run_does_nothing(school: School):
    school.new_class("Anna")

    done = school.accounts("--dry-run")

    assert (done.code, school.double.buckets) == (0, {})
    assert "  a bucket and a key for Anna (s01)" in done.out


@pytest.mark.thorough
def test_grading_knows_the_teachers_own_copies(school: School):
    school.new_class("Anna", "Ben")
    school.accounts(*MAKE)
    leaked = school.folder / "class" / "s02_project"
    leaked.mkdir()
    solution = (ROOT / "tests" / "solutions" / "guestbook" / "main.py").read_bytes()
    (leaked / "main.py").write_bytes(solution)
    env = (school.folder / "class" / "guestbook-s02" / ".env").read_bytes()
    (leaked / ".env").write_bytes(env)

    school.run("grade", "class", "--out", "grades.csv")

    with (school.folder / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
        notes = {row["student"]: row["notes"] for row in csv.DictReader(file)}
    assert notes == {
        "Anna": "",
        "Ben": "KEYS in .env: they must be replaced (nox -s accounts, --rotate)",
    }


@pytest.mark.thorough
def test_a_project_works_with_its_key_and_with_no_other_bucket(
    school: School,
    scene: Scene,  # noqa: F811
):
    school.double.s3_url, school.double.cluster = f"https://{HOST_OF_SCENE}", "005"
    school.new_class("Anna", "Ben")
    school.accounts(*MAKE)
    anna, ben = school.env("s01"), school.env("s02")
    for bucket in school.double.buckets.values():
        scene.double.add_bucket(bucket["bucketName"])
    scene.double.keys = {
        key["applicationKeyId"]: Key(
            key["applicationKeyId"],
            key["applicationKey"],
            tuple(school.double.buckets[one]["bucketName"] for one in key["bucketIds"]),
            capabilities=frozenset(key["capabilities"]),
        )
        for key in school.double.students_keys
    }
    scene.file(".env", (school.folder / "class" / "guestbook-s01" / ".env").read_bytes())

    assert scene.check() == 0, scene.printed

    scene.env(
        APPLICATION_KEY_ID=anna["B2_APPLICATION_KEY_ID"],
        APPLICATION_KEY=anna["B2_APPLICATION_KEY"],
        BUCKET_NAME=ben["B2_BUCKET_NAME"],
    )
    assert (scene.check(), scene.problems()) == (1, ["key-for-another-bucket"]), scene.printed


@pytest.mark.skipif(sys.platform == "win32", reason="pexpect needs a Unix terminal")
def test_the_key_is_typed_and_not_shown(school: School):
    import pexpect

    school.new_class("Anna")
    home = {name: str(school.home) for name in ("HOME", "TMPDIR")}
    command = [str(ROOT / "classroom"), "accounts", "class", "--realm", school.double.url]
    terminal = pexpect.spawn(
        sys.executable,
        [*command, "--prefix", "myschool", "--until", UNTIL],
        cwd=school.folder,
        env={**clean_environment(), **home},
        encoding="utf-8",
        dimensions=(40, 100),
        timeout=30,
    )
    said = ""
    for question, typed in {
        "keyID: ": MASTER_ID,
        "you do not see it while you type.: ": MASTER_KEY,
        r"Go on\? \[y/N\] ": "y",
    }.items():
        terminal.expect(question)
        said += terminal.before + terminal.after
        terminal.sendline(typed)
    terminal.expect(pexpect.EOF)
    said += terminal.before
    terminal.close()

    assert (terminal.exitstatus, "1 student ready" in said) == (0, True), said
    assert MASTER_KEY not in said
    assert school.is_ready("s01")


@pytest.mark.thorough
def test_a_term_with_thirty_students(school: School):
    """One run is cut off in the middle, one student loses the key, one joins late; then it ends."""
    names = [f"Student {number}" for number in range(30)]
    school.new_class(*names)

    def cut_off(call: str) -> None:
        if call == "b2_create_key" and school.double.calls.count(call) == 15:
            raise Refused(403, "transaction_cap_exceeded")

    school.double.before = cut_off
    done = school.accounts(*MAKE)
    assert (done.code, "cap of requests for today" in done.err) == (1, True)
    school.double.before = lambda _: None

    done = school.accounts(*MAKE)
    assert (done.code, "30 students ready; 0 old keys deleted." in done.out) == (0, True)
    assert school.accounts().code == 0
    assert len(school.double.calls) <= 5
    assert len(school.double.buckets) == len(school.double.students_keys) == 30

    assert school.accounts("--rotate", "s07", "--until", UNTIL, "--yes").code == 0
    school.new_class(*names, "Late")
    assert school.accounts(*MAKE).code == 0
    assert [school.is_ready(row["alias"]) for row in school.rows()] == [True] * 31

    done = school.accounts("--end", "--yes")
    assert (done.code, school.double.buckets, school.double.students_keys) == (0, {}, [])


@pytest.mark.thorough
def test_thirty_students_need_65_requests_at_most(school: School):
    school.new_class(*[f"Student {number}" for number in range(30)])

    assert school.accounts(*MAKE).code == 0
    assert len(school.double.calls) <= 65


def test_the_classes_of_b2sdk_with_its_own_simulator(monkeypatch: pytest.MonkeyPatch):
    """Another double of B2, by those who make B2."""

    class Simulator(RawSimulator):
        def __init__(self, http: Any) -> None:
            super().__init__(http)
            key_id, _ = self.create_account()
            master = self.key_id_to_key[key_id]
            master.key = "key"
            self.key_id_to_key["id"] = master

    config = B2HttpApiConfig(_raw_api_class=Simulator)
    monkeypatch.setattr(school_account, "B2Api", partial(B2Api, api_config=config))
    monkeypatch.setattr(logging, "disable", lambda: None)  # other tests need it
    account = SchoolAccount("id", "key", "production", TO_MAKE | TO_END)
    bucket = account.make_bucket("myschool-", "class", "s01")
    key = account.make_key(bucket, 1000)
    bucket.upload_bytes(b"one", "a.txt")
    bucket.upload_bytes(b"two", "a.txt")

    assert [whose(one) for one in account.list_buckets()] == [("class", "s01")]
    assert [one.id_ for one in account.list_keys() if is_key_of(one, bucket)] == [key.id_]
    assert account.measure(bucket) == (2, 6)
    account.delete_key(account.list_keys()[-1])
    account.delete_bucket(bucket)
    assert account.list_buckets() == []
