"""Several programs, and hands, use practice-bucket at once; each sees what the others did."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import b2_client
import b2_practice
import pytest
from b2_practice import bucket, memory
from b2_practice import folder as practice_folder
from b2_problems import SetupError
from botocore.exceptions import ClientError
from conftest import Project, clean_environment
from practising import files, next_run, stored

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def two(home: Path) -> tuple[Any, Any]:
    """The buckets of two programs: each has its own memory."""
    return next_run(), next_run()


def put(bucket: Any, key: str, text: str) -> None:
    bucket.put_object(
        Key=key, Body=text.encode(), ContentType=f"text/{text}", Metadata={"is": text}
    )


def assert_is(bucket: Any, key: str, text: str) -> None:
    """Assert that all ways to ask for an object tell the same."""
    found = bucket.Object(key).get()
    assert found["Body"].read() == text.encode()
    assert (found["ContentType"], found["Metadata"]) == (f"text/{text}", {"is": text})
    head = bucket.Object(key)
    assert (head.content_type, head.metadata, head.e_tag) == (
        f"text/{text}",
        {"is": text},
        found["ETag"],
    )
    listed = {obj.key: (obj.size, obj.e_tag) for obj in bucket.objects.all()}
    assert listed[key] == (len(text), found["ETag"])


def test_what_another_program_puts_is_seen_at_once(two: tuple[Any, Any]):
    first, second = two
    assert stored(first) == stored(second) == {}
    put(first, "a.txt", "first")
    assert_is(second, "a.txt", "first")
    put(second, "a.txt", "second")
    assert_is(first, "a.txt", "second")
    put(first, "what?", "odd")
    assert_is(second, "what?", "odd")
    put(second, "what?", "even")
    assert_is(first, "what?", "even")


def test_the_same_bytes_with_other_metadata(two: tuple[Any, Any]):
    first, second = two
    for text in ("one", "two", "six"):
        first.put_object(Key="a", Body=b"same", Metadata={"is": text})
        assert second.Object("a").metadata == {"is": text}


def test_what_another_program_removes_is_gone(two: tuple[Any, Any]):
    first, second = two
    for key in ("a", "b", "c/d"):
        put(first, key, "text")
    second.Object("a").delete()
    second.delete_objects(Delete={"Objects": [{"Key": "c/d"}]})

    with pytest.raises(first.meta.client.exceptions.NoSuchKey):
        first.Object("a").get()
    assert set(stored(first)) == {"b"}
    first.delete_objects(Delete={"Objects": [{"Key": "a"}, {"Key": "b"}, {"Key": "c/d"}]})
    assert stored(second) == {}


def test_a_file_that_changes_between_two_looks(home: Path, monkeypatch: pytest.MonkeyPatch):
    """The other program puts, just after this one has looked at the time of the file."""
    other = next_run()
    bucket = next_run()
    folder = next(iter(b2_practice._buckets.values())).folder
    real_read = practice_folder.PracticeFolder._read
    texts: list[str] = []

    def late(self: Any, *details: Any) -> Any:
        if self is folder and texts:
            put(other, "a", texts.pop())
        return real_read(self, *details)

    monkeypatch.setattr(practice_folder.PracticeFolder, "_read", late)

    put(other, "a", "one")
    texts = ["three"]
    head = bucket.Object("a")
    assert (head.metadata, head.content_length) == ({"is": "three"}, 5)
    put(other, "a", "four")
    texts = ["eleven"]
    listed = {obj.key: (obj.size, obj.e_tag) for obj in bucket.objects.all()}
    assert listed == {"a": (6, f'"{hashlib.md5(b"eleven").hexdigest()}"')}


def test_a_copy_is_of_what_is_there_now(two: tuple[Any, Any]):
    first, second = two
    put(first, "a", "before")
    put(second, "a", "after")
    first.Object("b").copy_from(CopySource={"Bucket": "my-bucket", "Key": "a"})
    assert_is(second, "b", "after")
    first.Object("c").copy({"Bucket": "my-bucket", "Key": "b"})
    assert_is(second, "c", "after")
    second.Object("a").delete()
    with pytest.raises(ClientError, match="NoSuchKey"):
        first.Object("d").copy_from(CopySource={"Bucket": "my-bucket", "Key": "a"})


def test_older_versions_are_those_of_this_program(two: tuple[Any, Any]):
    first, second = two
    put(first, "a", "one")
    put(first, "a", "two")
    put(second, "a", "three")  # the bytes of "two" are gone
    put(first, "a", "four")

    bodies = [version.get()["Body"].read() for version in first.object_versions.all()]
    assert sorted(bodies) == [b"four", b"one", b"three"]
    second.Object("a").delete()
    assert stored(first) == {}
    bodies = [v.get()["Body"].read() for v in first.object_versions.all() if v.size is not None]
    assert sorted(bodies) == [b"one", b"three"]


def test_the_folder_may_vanish_and_come_back(home: Path, two: tuple[Any, Any]):
    first, second = two
    put(first, "d/a", "text")
    shutil.rmtree(home / "practice-bucket")

    assert stored(first) == stored(second) == {}
    put(second, "d/a", "again")
    assert_is(first, "d/a", "again")


def test_metadata_goes_with_a_copy_of_the_project(home: Path, two: tuple[Any, Any]):
    """The times of a copy are others, as after a ZIP; the bytes are the same."""
    bucket = two[0]
    put(bucket, "a", "text")
    put(bucket, "what?", "odd")
    bucket.Object("large").upload_file(str(large_file(home, 9_000_000)))
    etag = bucket.Object("large").e_tag
    for path in (home / "practice-bucket").iterdir():
        os.utime(path, (1e9, 1e9))

    again = next_run()

    assert_is(again, "a", "text")
    assert_is(again, "what?", "odd")
    assert again.Object("large").e_tag == etag


def large_file(home: Path, size: int) -> Path:
    path = home / "large.bin"
    path.write_bytes(random.Random(size).randbytes(size))
    return path


@pytest.mark.parametrize("by", ["the other program", "hand"])
def test_a_large_object_that_changes_while_it_is_read(home: Path, two: tuple[Any, Any], by: str):
    first, second = two
    first.upload_file(str(large_file(home, 30_000_000)), "large")
    body = first.Object("large").get()["Body"]
    body.read(1000)
    if by == "hand":
        (home / "practice-bucket" / "large").write_bytes(b"other")
    else:
        put(second, "large", "other")

    with pytest.raises(Exception, match="was changed or removed while"):
        while body.read(1_000_000):
            pass


def test_a_large_object_that_the_program_itself_replaces_is_read_to_its_end(
    home: Path, two: tuple[Any, Any]
):
    bucket, path = two[0], large_file(home, 30_000_000)
    bucket.upload_file(str(path), "large")
    body = bucket.Object("large").get()["Body"]
    start = body.read(1000)
    put(bucket, "large", "other")

    assert start + body.read() == path.read_bytes()
    assert_is(bucket, "large", "other")


def test_a_body_that_waits_for_another_thread_stops_nothing(two: tuple[Any, Any]):
    bucket, other_is_done = two[0], threading.Event()

    class Waiting(io.BytesIO):
        """Waits for the other thread, but not while boto3 reads it to sign the request."""

        was_signed = False

        def read(self, size: int | None = -1) -> bytes:
            if self.was_signed:
                assert other_is_done.wait(20), "the other call was stopped"
            data = super().read(size)
            self.was_signed = self.was_signed or not data
            return data

    def other() -> None:
        put(bucket, "other", "text")
        assert set(stored(bucket)) == {"other"}
        other_is_done.set()

    thread = threading.Thread(target=other)
    thread.start()
    bucket.put_object(Key="a", Body=Waiting(b"first last"))
    thread.join()
    assert stored(bucket) == {"a": b"first last", "other": b"text"}


def test_the_first_uploads_of_many_threads(home: Path, monkeypatch: pytest.MonkeyPatch):
    """On a disk that is slow to make folders."""
    real_mkdir = Path.mkdir

    def slow(path: Path, *words: Any, **named: Any) -> None:
        time.sleep(random.random() / 100)
        real_mkdir(path, *words, **named)

    monkeypatch.setattr(Path, "mkdir", slow)
    bucket = b2_client.get_bucket()
    threads = [threading.Thread(target=put, args=[bucket, key, "text"]) for key in "abcdefghijkl"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert set(files(home)) == set("abcdefghijkl")


def test_a_fork_is_a_program_of_its_own(home: Path):
    if sys.platform == "win32":
        pytest.skip("this system has no fork")
    bucket = b2_client.get_bucket()
    put(bucket, "a", "one")
    put(bucket, "a", "two")

    child = os.fork()
    if child == 0:
        status = 1
        try:
            put(bucket, "b", "child")
            put(bucket, "b", "later")
            status = 0 if set(stored(bucket)) == {"a", "b"} else 2
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0

    assert_is(bucket, "b", "later")
    bodies = [v.get()["Body"].read() for v in bucket.object_versions.filter(Prefix="a")]
    assert sorted(bodies) == [b"one", b"two"]


@pytest.mark.parametrize("lock", [b2_client.ONE_AT_A_TIME, memory.ONE_READS])
def test_a_fork_waits_until_a_thread_has_released_its_lock(home: Path, lock: Any):
    """In the new process, nobody would release it."""
    if sys.platform == "win32":
        pytest.skip("this system has no fork")
    b2_client.get_bucket().put_object(Key="a", Body=b"text")
    locked = threading.Event()

    def hold() -> None:
        with lock:
            locked.set()
            time.sleep(0.2)

    threading.Thread(target=hold).start()
    locked.wait()
    process = os.fork()
    if process == 0:
        os._exit(0 if b2_client.get_bucket().Object("a").get()["Body"].read() == b"text" else 1)
    for _ in range(100):
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            break
        time.sleep(0.05)
    else:
        os.kill(process, 9)
    assert (ended, status) == (process, 0)


def test_a_file_that_another_program_makes_just_then_is_the_same_object(
    home: Path, two: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
):
    first, second = two
    choose = practice_folder.PracticeFolder._choose

    def choose_later(folder: Any, key: str) -> str:
        monkeypatch.setattr(practice_folder.PracticeFolder, "_choose", choose)
        put(second, "a.txt", "of the other program")
        return choose(folder, key)

    monkeypatch.setattr(practice_folder.PracticeFolder, "_choose", choose_later)
    put(first, "a.txt", "of this program")

    assert set(files(home)) == {"a.txt"}
    assert_is(second, "a.txt", "of this program")
    first.Object("a.txt").delete()
    assert stored(second) == {} == files(home)


@pytest.mark.parametrize("twin_is_there_for", ["this program", "the other program"])
def test_two_programs_that_choose_different_places_make_one_object(
    home: Path, two: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch, twin_is_there_for: str
):
    """The place depends on whether A.txt is there; it comes or goes between the two choices."""
    first, second = two
    move = practice_folder.PracticeFolder._move

    def move_later(folder: Any, new: Path, path: Path, act: Any) -> None:
        monkeypatch.setattr(practice_folder.PracticeFolder, "_move", move)
        if twin_is_there_for == "this program":
            second.Object("A.txt").delete()
        else:
            put(second, "A.txt", "twin")
        put(second, "a.txt", "of the other program")
        move(folder, new, path, act)

    if twin_is_there_for == "this program":
        put(first, "A.txt", "twin")
    monkeypatch.setattr(practice_folder.PracticeFolder, "_move", move_later)
    put(first, "a.txt", "of this program")

    assert stored(second)["a.txt"] == b"of this program"
    second.objects.all().delete()
    assert files(home) == {}


def test_a_version_whose_bytes_another_program_replaced_is_gone(
    home: Path, two: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
):
    first, second = two
    put(first, "a", "one")
    save = bucket.PracticeBucket._save_changes

    def save_later(practice: Any) -> None:
        monkeypatch.setattr(bucket.PracticeBucket, "_save_changes", save)
        put(second, "a", "two, of the other program")
        save(practice)

    monkeypatch.setattr(bucket.PracticeBucket, "_save_changes", save_later)
    put(first, "a", "three")

    for version in first.object_versions.all():
        version.get()["Body"].read()
    assert_is(second, "a", "three")


def test_a_token_is_good_in_another_program(two: tuple[Any, Any]):
    first, second = two
    for key in ("a", "b/1", "b/2", "c"):
        put(first, key, key)
    asked = {"Bucket": first.name, "Delimiter": "/", "MaxKeys": 2}
    page = first.meta.client.list_objects_v2(**asked)
    token = page["NextContinuationToken"]
    rest = second.meta.client.list_objects_v2(**asked, ContinuationToken=token)

    assert [found["Prefix"] for found in page["CommonPrefixes"]] == ["b/"]
    assert [found["Key"] for found in rest["Contents"]] == ["c"]
    assert "CommonPrefixes" not in rest


def test_a_checksum_stays_with_its_object(home: Path):
    b2_client.get_bucket().put_object(Key="a", Body=b"text", ChecksumAlgorithm="SHA256")
    asked = {"Key": "a", "ChecksumMode": "ENABLED"}

    again = next_run()
    head = again.meta.client.head_object(Bucket=again.name, **asked)

    digest = base64.b64encode(hashlib.sha256(b"text").digest()).decode()
    assert head["ChecksumSHA256"] == digest


def room(home: Path) -> int:
    """Return how many bytes are in practice-bucket, with all that is hidden."""
    return sum(file.stat().st_size for file in home.rglob("*") if file.is_file())


def test_what_nobody_can_ask_for_takes_no_room(home: Path):
    bucket = b2_client.get_bucket()
    client, part = bucket.meta.client, b"x" * 500_000
    upload = {"Bucket": bucket.name, "Key": "k"}
    upload["UploadId"] = client.create_multipart_upload(**upload)["UploadId"]
    for _ in range(3):
        client.upload_part(**upload, PartNumber=1, Body=part)
    assert room(home) < 600_000
    client.abort_multipart_upload(**upload)
    assert room(home) < 100_000
    for _ in range(3):
        bucket.put_object(Key="v", Body=part)
    bucket.object_versions.filter(Prefix="v").delete()
    assert room(home) < 100_000


def test_an_upload_that_could_not_be_completed_can_be_completed_later(
    home: Path, monkeypatch: pytest.MonkeyPatch
):
    bucket = b2_client.get_bucket()
    client, upload = bucket.meta.client, {"Bucket": bucket.name, "Key": "k"}
    upload["UploadId"] = client.create_multipart_upload(**upload)["UploadId"]
    etag = client.upload_part(**upload, PartNumber=1, Body=b"x" * 200_000)["ETag"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": etag}]}
    move = practice_folder.PracticeFolder._move

    def refuse(*_: Any) -> None:
        raise PermissionError(13, "Permission denied", "k")

    monkeypatch.setattr(practice_folder.PracticeFolder, "_move", refuse)
    with pytest.raises(SetupError):
        client.complete_multipart_upload(**upload, MultipartUpload=parts)
    assert room(home) < 250_000
    monkeypatch.setattr(practice_folder.PracticeFolder, "_move", move)

    client.complete_multipart_upload(**upload, MultipartUpload=parts)

    assert stored(bucket) == {"k": b"x" * 200_000}
    assert room(home) < 250_000
    client.complete_multipart_upload(**upload, MultipartUpload=parts)  # S3 accepts it twice


def test_a_hand_that_writes_in_the_same_moment(home: Path, two: tuple[Any, Any]):
    """The size is the same, and so is the time, as far as a disk with coarse times can tell."""
    bucket, file = two[0], home / "practice-bucket" / "a"
    for number in range(30):
        put(bucket, "a", f"by program {number:2}")
        file.write_bytes(f"by my hand {number:2}".encode())
        found = bucket.Object("a").get()
        assert found["Body"].read() == f"by my hand {number:2}".encode()
        assert found["Metadata"] == {}


# Many programs, which are killed at any moment.

PROGRAM = """
import hashlib, itertools, random, sys
import b2_client
from botocore.exceptions import ClientError

seed = sys.argv[1]
chance = random.Random(seed)
bucket = b2_client.get_bucket()
KEYS = ["a", "b/c", "what?", "A"]
SEEN = {}  # ETag -> (size, ETag): one ETag never has two sizes

def check(key, found):
    text = found["Body"].read()
    who = found["Metadata"].get("is", "")
    assert who and text.startswith(who.encode() + b" "), (key, text[:40], who)
    assert found["ContentType"] == f"text/{who}", (key, who, found["ContentType"])
    etag = found["ETag"].strip('"')
    assert "-" in etag or etag == hashlib.md5(text).hexdigest(), (key, who)

def try_one(number):
    key, who = chance.choice(KEYS), f"{seed}-{number}"
    body = f"{who} ".encode() + b"x" * chance.choice([0, 1, 70_000])
    told = {"ContentType": f"text/{who}", "Metadata": {"is": who}}
    act = chance.choice(["put", "put", "put", "get", "head", "copy", "delete", "list", "parts"])
    if act == "put":
        bucket.put_object(Key=key, Body=body, **told)
    elif act == "get":
        check(key, bucket.Object(key).get())
    elif act == "head":
        found = bucket.Object(key)
        assert found.content_type == f"text/{found.metadata['is']}", (key, found.content_type)
    elif act == "copy":
        bucket.Object(chance.choice(KEYS)).copy_from(CopySource=f"{bucket.name}/{key}")
    elif act == "delete":
        bucket.Object(key).delete()
    elif act == "list":
        listed = {obj.key: (obj.size, obj.e_tag) for obj in bucket.objects.all()}
        assert set(listed) <= set(KEYS)
        for key, known in listed.items():
            assert SEEN.setdefault(known[1], known) == known, (key, known)
    else:
        upload = bucket.Object(key).initiate_multipart_upload(**told)
        etag = upload.Part(1).upload(Body=body)["ETag"]
        upload.complete(MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]})

for number in itertools.count():
    try:
        try_one(number)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        assert code in ("NoSuchKey", "404", "InvalidRequest"), error
    print(number, flush=True)
"""

LAST_LOOK = (
    PROGRAM.partition("def try_one")[0]
    + """
for obj in bucket.objects.all():
    check(obj.key, obj.get())
    print(obj.key)
"""
)


def run_for(folder: Path, seed: str, lines: int) -> tuple[int, str]:
    """Run the program until it has printed some lines, and kill it; return (code, errors)."""
    program = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, seed],
        cwd=folder,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert program.stdout
    for _ in range(lines):
        if not program.stdout.readline():
            break
    time.sleep(random.random() / 100)
    program.kill()
    _, errors = program.communicate()
    return program.returncode, errors


@pytest.mark.thorough
@pytest.mark.skipif(os.name == "nt", reason="a killed program's exit code is another one there")
def test_programs_that_are_killed_mix_nothing(project: Project):
    failed: list[str] = []

    def run_some(name: str) -> None:
        for number in range(12):
            code, errors = run_for(project.path, f"{name}{number}", 20 + 7 * number)
            if code != -9:
                failed.append(errors)

    threads = [threading.Thread(target=run_some, args=[name]) for name in "xyz"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done = project.python("-c", LAST_LOOK, "last")

    assert failed == []
    assert done.code == 0, done.err
    rest = {path.name for path in (project.path / "practice-bucket" / ".notes").iterdir()}
    assert {name for name in rest if name.startswith("run-")} == set()
