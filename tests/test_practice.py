"""The practice bucket: what is stored is in the folder, whole, before the call returns."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import b2_client
import boto3
import practice_bucket
import pytest
from b2_client import SetupError
from botocore.exceptions import ClientError
from conftest import Project, clean_environment
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto import mock_aws

ENV = """B2_APPLICATION_KEY_ID=
B2_APPLICATION_KEY=
B2_BUCKET_NAME=my-bucket
B2_ENDPOINT=s3.us-east-005.backblazeb2.com
"""


@pytest.fixture(autouse=True)
def home(no_b2_variables: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a blank .env; each test has practice buckets of its own."""
    monkeypatch.setattr(b2_client, "HERE", tmp_path)
    monkeypatch.setattr(practice_bucket, "_buckets", {})
    (tmp_path / ".env").write_text(ENV, encoding="utf-8")
    return tmp_path


def next_run() -> Any:
    """Return the bucket as the next run of the program sees it: from the folder alone."""
    practice_bucket._buckets.clear()
    return b2_client.get_bucket()


def stored(bucket: Any) -> dict[str, bytes]:
    return {obj.key: obj.get()["Body"].read() for obj in bucket.objects.all()}


def files(home: Path) -> dict[str, bytes]:
    folder = home / "practice-bucket"
    return {path.relative_to(folder).as_posix(): path.read_bytes()
            for path in folder.rglob("*") if path.is_file() and ".notes" not in path.parts}


def test_each_kind_of_change_is_in_the_folder(home: Path):
    bucket = b2_client.get_bucket()

    bucket.put_object(Key="put.txt", Body=b"put")
    (home / "local.bin").write_bytes(os.urandom(1000))
    bucket.upload_file(str(home / "local.bin"), "deep/er/upload.bin")
    bucket.Object("copy.txt").copy_from(CopySource={"Bucket": "my-bucket", "Key": "put.txt"})
    bucket.put_object(Key="gone.txt", Body=b"gone")
    bucket.Object("gone.txt").delete()
    bucket.put_object(Key="bulk/1", Body=b"1")
    bucket.put_object(Key="bulk/2", Body=b"2")
    bucket.delete_objects(Delete={"Objects": [{"Key": "bulk/1"}, {"Key": "bulk/2"}]})

    expected = {"put.txt": b"put", "copy.txt": b"put",
                "deep/er/upload.bin": (home / "local.bin").read_bytes()}
    assert files(home) == expected
    assert not (home / "practice-bucket" / "bulk").exists()
    assert stored(next_run()) == expected


def test_a_multipart_upload_is_in_the_folder_when_it_is_complete(home: Path):
    bucket, large = b2_client.get_bucket(), os.urandom(20_000_000)
    (home / "large.bin").write_bytes(large)

    bucket.upload_file(str(home / "large.bin"), "large.bin")

    assert files(home) == {"large.bin": large}
    assert bucket.Object("large.bin").e_tag.endswith('-3"')
    assert next_run().Object("large.bin").e_tag == bucket.Object("large.bin").e_tag


def test_type_and_metadata_are_there_at_the_next_run(home: Path):
    b2_client.get_bucket().put_object(
        Key="data", Body=b"{}", ContentType="application/json", CacheControl="no-cache",
        Metadata={"student": "Ada"})

    again = next_run().Object("data").get()

    assert (again["ContentType"], again["CacheControl"]) == ("application/json", "no-cache")
    assert again["Metadata"] == {"student": "Ada"}


def test_files_put_there_and_removed_by_hand_count(home: Path):
    bucket = b2_client.get_bucket()
    bucket.put_object(Key="a.txt", Body=b"a")
    folder = home / "practice-bucket"
    (folder / "a.txt").unlink()
    (folder / "sub").mkdir()
    (folder / "sub" / "cat.png").write_bytes(b"png")
    (folder / ".DS_Store").write_bytes(b"junk of the Finder")

    again = next_run()

    assert stored(again) == {"sub/cat.png": b"png"}
    assert again.Object("sub/cat.png").content_type == "image/png"


def test_files_changed_and_removed_by_hand_during_a_run(home: Path):
    bucket = b2_client.get_bucket()
    for key in ("changed.txt", "gone.txt", "kept.txt"):
        bucket.put_object(Key=key, Body=b"as it was", ContentType="text/x-mine")
    (home / "practice-bucket" / "changed.txt").write_bytes(b"by hand, and longer")
    (home / "practice-bucket" / "gone.txt").unlink()

    changed = bucket.Object("changed.txt").get()
    assert changed["Body"].read() == b"by hand, and longer"
    assert changed["ContentType"] == "text/x-mine"
    with pytest.raises(bucket.meta.client.exceptions.NoSuchKey):
        bucket.Object("gone.txt").get()
    bucket.put_object(Key="gone.txt", Body=b"back")
    (home / "practice-bucket" / "kept.txt").unlink()
    assert [obj.key for obj in bucket.objects.all()]
    assert stored(next_run()) == {"changed.txt": b"by hand, and longer", "gone.txt": b"back"}


def test_a_note_that_cannot_be_read_loses_no_file(home: Path):
    b2_client.get_bucket().put_object(Key="a.txt", Body=b"a")
    for note in (home / "practice-bucket" / ".notes").glob("*.json"):
        note.write_text("{half", encoding="utf-8")

    assert stored(next_run()) == {"a.txt": b"a"}


def test_old_versions_live_for_one_run(home: Path):
    bucket = b2_client.get_bucket()
    bucket.put_object(Key="a.txt", Body=b"one")
    bucket.put_object(Key="a.txt", Body=b"two")
    bucket.Object("a.txt").delete()
    assert files(home) == {}

    versions = [v for v in bucket.object_versions.all() if v.size is not None]
    assert sorted(v.get()["Body"].read() for v in versions) == [b"one", b"two"]
    marker = next(v for v in bucket.object_versions.all() if v.size is None)
    marker.delete()
    assert files(home) == {"a.txt": b"two"}
    next(v for v in versions if v.get()["Body"].read() == b"two").delete()
    assert files(home) == {"a.txt": b"one"}

    again = next_run()
    assert stored(again) == {"a.txt": b"one"}
    assert len(list(again.object_versions.all())) == 1


ODD_KEYS = [
    "a", "a/b", "a/b/c", "A", "a.txt", "A.txt", "photos/", "photos/cat.png", "/lead", "a//b", "..",
    "../evil.txt", "x/../../evil.txt", ".", "./x", "CON", "con.txt", "aux/x", "NUL.tar.gz", "COM1",
    "trail.", "trail ", "a b", "é", "e\u0301", "😀/😀.png", "a+b", "a%20b", "100%", "a:b", "a\\b",
    'q"q', "a*b?", "<x>", "pipe|", "C:\\x", "C:/x", ".notes/x.json", ".notes", ".DS_Store", "#1",
    "x" * 1000, "y" * 300 + "/" + "z" * 300, "ü" * 500, "~x", "$HOME", "a&b=c", "?versions", "%2F",
]


def test_no_name_is_lost_or_leaves_the_folder(home: Path):
    bucket = b2_client.get_bucket()

    def around() -> set[Path]:
        inside = home / "practice-bucket"
        return {path for path in home.parent.rglob("*") if inside not in path.parents}

    before = around()
    for number, key in enumerate(ODD_KEYS):
        bucket.put_object(Key=key, Body=str(number).encode(), Metadata={"n": str(number)})

    expected = {key: str(number).encode() for number, key in enumerate(ODD_KEYS)}
    assert stored(bucket) == expected
    assert len(files(home)) == len(ODD_KEYS)
    for name in files(home):
        parts = name.split("/")
        assert all(practice_bucket._is_safe_name(part) for part in parts), name
    assert len({practice_bucket._folded(Path(name)) for name in files(home)}) == len(ODD_KEYS)
    assert around() - before <= {home / "practice-bucket"}

    again = next_run()
    assert stored(again) == expected
    for number, key in enumerate(ODD_KEYS):
        assert again.Object(key).metadata == {"n": str(number)}
        again.Object(key).delete()
    assert files(home) == {}


@settings(deadline=None, max_examples=40, suppress_health_check=[
    HealthCheck.function_scoped_fixture])
@given(st.dictionaries(
    st.lists(st.sampled_from(["a", "A", "b.txt", "..", ".", "", "con", "é", " ", "x" * 130]),
             min_size=1, max_size=4).map("/".join).filter(bool),
    st.binary(max_size=5), max_size=8))
def test_any_names_come_back_at_the_next_run(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch,
    objects: dict[str, bytes],
):
    home = tmp_path_factory.mktemp("any")
    (home / ".env").write_text(ENV, encoding="utf-8")
    monkeypatch.setattr(b2_client, "HERE", home)
    bucket = b2_client.get_bucket()
    for key, body in objects.items():
        bucket.put_object(Key=key, Body=body)

    assert stored(bucket) == objects
    assert stored(next_run()) == objects


def test_a_folder_that_is_a_link_is_not_followed(home: Path, tmp_path_factory: Any):
    outside = tmp_path_factory.mktemp("outside")
    (home / "practice-bucket").mkdir()
    (home / "practice-bucket" / "photos").symlink_to(outside, target_is_directory=True)

    bucket = b2_client.get_bucket()
    bucket.put_object(Key="photos/cat.png", Body=b"cat")

    assert list(outside.iterdir()) == []
    assert stored(next_run()) == {"photos/cat.png": b"cat"}


@pytest.mark.parametrize("key", ["x" * 1025, "ü" * 513, "tab\there", "line\nbreak", "nul\x01"])
def test_names_that_b2_refuses_are_refused(key: str):
    with pytest.raises(ClientError, match="InvalidRequest"):
        b2_client.get_bucket().put_object(Key=key, Body=b"")


@pytest.mark.parametrize(("extra", "code"), [
    ({"ACL": "public-read"}, "InvalidArgument"), ({"Tagging": "a=b"}, "InvalidArgument"),
    ({"IfNoneMatch": "*"}, "NotImplemented"), ({"StorageClass": "GLACIER"}, "InvalidArgument"),
    ({"ServerSideEncryption": "aws:kms"}, "InvalidArgument"),
])
def test_what_b2_refuses_is_refused(home: Path, extra: dict[str, str], code: str):
    with pytest.raises(ClientError, match=code):
        b2_client.get_bucket().put_object(Key="a", Body=b"", **extra)
    assert files(home) == {}


def test_what_b2_takes_is_taken():
    b2_client.get_bucket().put_object(
        Key="a", Body=b"", ACL="private", StorageClass="STANDARD", ServerSideEncryption="AES256")


def test_other_calls_that_b2_refuses():
    bucket, client = b2_client.get_bucket(), b2_client.get_client()
    bucket.put_object(Key="a", Body=b"")
    tags = {"TagSet": [{"Key": "a", "Value": "b"}]}
    with pytest.raises(ClientError, match="NotImplemented"):
        client.put_object_tagging(Bucket="my-bucket", Key="a", Tagging=tags)
    with pytest.raises(ClientError, match="AccessDenied"):
        client.create_bucket(Bucket="another-bucket")
    with pytest.raises(ClientError, match="AccessDenied"):
        bucket.delete()
    assert [b["Name"] for b in client.list_buckets()["Buckets"]] == ["my-bucket"]


def test_nobody_else_is_in_practice(home: Path):
    bucket = b2_client.get_bucket()
    bucket.put_object(Key="a.txt", Body=b"practice")
    bucket.put_object(Key="a.txt", Body=b"newer")
    before = dict(os.environ)

    with mock_aws():
        other = boto3.resource("s3", region_name="us-east-1").create_bucket(Bucket="my-bucket")
        other.put_object(Key="a.txt", Body=b"a test's own")
        bucket.put_object(Key="b.txt", Body=b"practice too")
        assert stored(other) == {"a.txt": b"a test's own"}
        assert stored(bucket) == {"a.txt": b"newer", "b.txt": b"practice too"}

    assert dict(os.environ) == before
    old = [v.get()["Body"].read() for v in bucket.object_versions.all()]
    assert sorted(old) == [b"newer", b"practice", b"practice too"]
    assert stored(next_run()) == {"a.txt": b"newer", "b.txt": b"practice too"}


def test_bucket_and_client_show_the_same():
    b2_client.get_bucket().put_object(Key="a", Body=b"1")

    client = b2_client.get_client()
    assert client.get_object(Bucket="my-bucket", Key="a")["Body"].read() == b"1"


def test_thousands_of_puts_from_many_threads(home: Path):
    client = b2_client.get_client()

    def put(number: int) -> None:
        key = f"d{number % 7}/{number}"
        client.put_object(Bucket="my-bucket", Key=key, Body=str(number).encode())

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(put, range(2000)))

    expected = {f"d{number % 7}/{number}": str(number).encode() for number in range(2000)}
    assert files(home) == expected
    assert {obj.key for obj in next_run().objects.all()} == set(expected)


def test_one_line_says_so_at_every_start(capsys: pytest.CaptureFixture[str]):
    for _ in range(3):
        b2_client.get_bucket()
    b2_client.get_client()

    assert capsys.readouterr().out == (
        "Practice: no keys in .env yet, so files go to the folder practice-bucket.\n")


KILLED = """
import os, signal, b2_client
bucket = b2_client.get_bucket()
for number in range(50):
    bucket.put_object(Key=f"{number}.txt", Body=b"x" * number, Metadata={"n": str(number)})
bucket.put_object(Key="1.txt", Body=b"newer")
bucket.Object("2.txt").delete()
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no kill -9")
def test_a_kill_straight_after_a_call_loses_nothing(project: Project):
    done = subprocess.run([sys.executable, "-c", KILLED], cwd=project.path, check=False,
                          env=clean_environment(), capture_output=True)
    assert done.returncode == -9

    shown = project.python("-c", "import b2_client\nfor o in b2_client.get_bucket().objects.all():"
                                 " print(o.key, o.size, o.Object().metadata)")

    expected = {f"{n}.txt {n} {{'n': '{n}'}}" for n in range(50) if n not in (1, 2)}
    assert set(shown.out.splitlines()[1:]) == expected | {"1.txt 5 {}"}


ENDLESS = """
import b2_client, itertools
bucket = b2_client.get_bucket()
for number in itertools.count(1):
    bucket.put_object(Key="same.txt", Body=str(number).encode() * 20000)
    print(number, flush=True)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no kill -9")
def test_a_kill_in_the_middle_of_a_call_leaves_the_last_object_whole(project: Project):
    for wanted in (3, 17, 40):
        running = subprocess.Popen([sys.executable, "-c", ENDLESS], cwd=project.path,
                                   env=clean_environment(), stdout=subprocess.PIPE,
                                   encoding="utf-8")
        assert running.stdout
        last = 0
        for line in running.stdout:
            last = int(line) if line.strip().isdigit() else last
            if last == wanted:
                running.kill()
        running.wait()

        text = project.read("practice-bucket/same.txt")
        assert text in (str(last) * 20000, str(last + 1) * 20000)
        assert project.python("main.py").code == 0


def test_a_full_disk_is_one_sentence_and_nothing_is_half(
    home: Path, monkeypatch: pytest.MonkeyPatch
):
    """The error that a full disk gives, at the place where the bytes are written."""
    bucket = b2_client.get_bucket()
    bucket.put_object(Key="old.txt", Body=b"old")
    real_copy = practice_bucket.shutil.copyfileobj

    def full(source: Any, target: Any, *rest: Any) -> None:
        target.write(b"the first bytes")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(practice_bucket.shutil, "copyfileobj", full)
    (home / "local.bin").write_bytes(os.urandom(9_000_000))
    for change in (lambda: bucket.put_object(Key="new.txt", Body=b"new"),
                   lambda: bucket.put_object(Key="old.txt", Body=b"new"),
                   lambda: bucket.upload_file(str(home / "local.bin"), "large.bin")):
        with pytest.raises(SetupError, match=r"^The disk is full, so nothing was stored"):
            change()
    monkeypatch.setattr(practice_bucket.shutil, "copyfileobj", real_copy)

    assert stored(bucket) == {"old.txt": b"old"} == files(home)
    assert not list((home / "practice-bucket" / ".notes").glob("*part*"))
    bucket.put_object(Key="new.txt", Body=b"new")
    assert stored(next_run()) == {"old.txt": b"old", "new.txt": b"new"}


@pytest.mark.skipif(not Path("/dev/full").exists() or os.geteuid() != 0,
                    reason="mounting a small disk needs Linux and root")
def test_a_really_full_disk(project: Project):
    folder = project.path / "practice-bucket"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)],
                             check=False, capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("this system does not let us mount a small disk")
    try:
        done = project.python("-c", "import b2_client\nbucket = b2_client.get_bucket()\n"
                              "bucket.put_object(Key='a', Body=b'small')\n"
                              "bucket.put_object(Key='b', Body=b'x' * 200000)")
        assert done.code == 1
        assert done.err.strip() == ("The disk is full, so nothing was stored."
                                    " Delete something, then run it again.")
        assert (folder / "a").read_bytes() == b"small"
        assert not (folder / "b").exists()
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_what_killed_programs_left_is_cleared_after_a_day(home: Path):
    b2_client.get_bucket().put_object(Key="a", Body=b"a")
    notes = home / "practice-bucket" / ".notes"
    (notes / "older-1").mkdir()
    (notes / "older-1" / "body").write_bytes(b"x")
    (notes / "1.part-1").write_bytes(b"x")
    (notes / "older-2").mkdir()
    for rest in (notes / "older-1", notes / "1.part-1"):
        os.utime(rest, (0, 0))

    assert stored(next_run()) == {"a": b"a"}
    assert {path.name for path in notes.iterdir() if path.suffix != ".json"} == {"older-2"}


def test_replacing_a_file_that_was_put_there_by_hand(home: Path):
    (home / "practice-bucket").mkdir()
    (home / "practice-bucket" / "a.txt").write_bytes(b"by hand")
    bucket = b2_client.get_bucket()

    bucket.put_object(Key="a.txt", Body=b"by program")

    assert files(home) == {"a.txt": b"by program"}
    bodies = [version.get()["Body"].read() for version in bucket.object_versions.all()]
    assert sorted(bodies) == [b"by hand", b"by program"]


def test_one_file_in_the_way_stops_only_itself(home: Path, monkeypatch: pytest.MonkeyPatch):
    """Of many deletes, one is refused by the disk, as Windows does for a file in use."""
    bucket = b2_client.get_bucket()
    for key in ("a", "in use", "z"):
        bucket.put_object(Key=key, Body=key.encode())
    real_unlink = Path.unlink

    def refuse(path: Path, missing_ok: bool = False) -> None:
        if path.name == "in use":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        real_unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(SetupError, match=r"does not let you use .*in use"):
        bucket.objects.all().delete()
    monkeypatch.undo()
    monkeypatch.setattr(b2_client, "HERE", home)

    assert stored(bucket) == {"in use": b"in use"} == files(home)
    bucket.Object("in use").delete()
    assert files(home) == {}


def test_a_folder_removed_by_hand_is_not_in_the_way(home: Path):
    bucket = b2_client.get_bucket()
    for key in ("d/x", "e", "f"):
        bucket.put_object(Key=key, Body=b"1")
    shutil.rmtree(home / "practice-bucket" / "d")

    bucket.objects.all().delete()

    assert files(home) == {}
    assert stored(next_run()) == {}


def test_removed_by_hand_after_delete_and_put(home: Path):
    bucket = b2_client.get_bucket()
    bucket.put_object(Key="x", Body=b"1")
    bucket.Object("x").delete()
    bucket.put_object(Key="x", Body=b"2")
    (home / "practice-bucket" / "x").unlink()

    with pytest.raises(bucket.meta.client.exceptions.NoSuchKey):
        bucket.Object("x").get()
    bucket.put_object(Key="x", Body=b"3")
    assert stored(next_run()) == {"x": b"3"}


def test_an_escaped_name_belongs_to_one_key(home: Path):
    bucket = b2_client.get_bucket()
    bucket.put_object(Key="what?.txt", Body=b"first")
    escaped = next(iter(files(home)))
    shutil.rmtree(home / "practice-bucket" / ".notes")  # as when only visible files are copied

    bucket = next_run()
    bucket.put_object(Key="what?.txt", Body=b"second")

    assert stored(bucket) == {escaped: b"first", "what?.txt": b"second"} == stored(next_run())


def test_the_hidden_folder_may_vanish_during_a_run(home: Path):
    client = b2_client.get_client()
    client.put_object(Bucket="my-bucket", Key="q", Body=b"1")
    client.put_object(Bucket="my-bucket", Key="q", Body=b"2")
    shutil.rmtree(home / "practice-bucket" / ".notes")

    first = client.put_object(Bucket="my-bucket", Key="r", Body=b"old")["VersionId"]
    client.put_object(Bucket="my-bucket", Key="r", Body=b"newer")

    old = client.get_object(Bucket="my-bucket", Key="r", VersionId=first)
    assert old["Body"].read() == b"old"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such file names")
def test_file_names_that_b2_cannot_have_are_left_out(
    home: Path, capsys: pytest.CaptureFixture[str]
):
    folder = home / "practice-bucket"
    folder.mkdir()
    (folder / "good.txt").write_bytes(b"good")
    (folder / "line\nbreak").write_bytes(b"")
    (Path(os.fsdecode(os.fsencode(folder) + b"/bad\xff.txt"))).write_bytes(b"")

    bucket = b2_client.get_bucket()

    assert stored(bucket) == {"good.txt": b"good"}
    assert capsys.readouterr().out.count("is left out") == 2
    bucket.objects.all().delete()
    assert len(list(folder.iterdir())) == 2 + (folder / ".notes").exists()


@pytest.mark.parametrize("note", [
    '{"key": "a", "file": "a", "metadata": [1], "etag": "x"}', '{"key": "a", "file": "a"}',
    '{"key": "a\\ud800", "file": "a", "metadata": {}, "etag": "x"}', "[]", "7",
    '{"key": "", "file": "a", "metadata": {}, "etag": "x"}',
    '{"key": 7, "file": ["a"], "metadata": {"x": 1}, "etag": 7}',
])
def test_a_damaged_note_never_stops_the_program(home: Path, note: str):
    b2_client.get_bucket().put_object(Key="a", Body=b"a")
    for file in (home / "practice-bucket" / ".notes").glob("*.json"):
        file.write_text(note, encoding="utf-8")

    assert stored(next_run()) == {"a": b"a"}


def test_an_upload_that_does_not_exist():
    client = b2_client.get_client()
    wrong = {"Bucket": "my-bucket", "Key": "a", "UploadId": "no-such-upload"}
    with pytest.raises(ClientError, match="NoSuchUpload"):
        client.upload_part(**wrong, PartNumber=1, Body=b"x")
    with pytest.raises(ClientError, match="NoSuchUpload"):
        client.complete_multipart_upload(**wrong, MultipartUpload={
            "Parts": [{"PartNumber": 1, "ETag": "x"}]})


def test_a_mock_aws_in_the_middle_of_an_upload_does_no_harm(home: Path):
    upload = b2_client.get_bucket().Object("large").initiate_multipart_upload()
    part = upload.Part(1).upload(Body=b"part")
    with mock_aws():
        pass

    upload.complete(MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    assert files(home) == {"large": b"part"}


def test_a_file_put_there_during_the_run_is_kept_as_a_version(home: Path):
    bucket = b2_client.get_bucket()
    bucket.put_object(Key="other", Body=b"")
    (home / "practice-bucket" / "by hand").write_bytes(b"by hand")

    assert bucket.Object("by hand").get()["Body"].read() == b"by hand"
    (home / "practice-bucket" / "too").write_bytes(b"by hand too")
    bucket.put_object(Key="too", Body=b"by program")
    bodies = [v.get()["Body"].read() for v in bucket.object_versions.filter(Prefix="too")]
    assert sorted(bodies) == [b"by hand too", b"by program"]


def test_a_file_in_the_place_of_the_folder(home: Path):
    (home / "practice-bucket").write_bytes(b"not a folder")

    with pytest.raises(SetupError, match="cannot be used"):
        b2_client.get_bucket().put_object(Key="a", Body=b"a")


MEMORY = """
import gc, tracemalloc, b2_client
tracemalloc.start()
def used():
    gc.collect()
    return tracemalloc.get_traced_memory()[0] // 2 ** 20
bucket = b2_client.get_bucket()
body = b"x" * 8_000_000
bucket.put_object(Key="warm", Body=body)
before = used()
for number in range(20):
    bucket.put_object(Key=f"{number}.bin", Body=body)
print("grown", used() - before)
with open("large.bin", "wb") as file:
    file.write(body * 12)
bucket.upload_file("large.bin", "large.bin")
print("left", used() - before)
"""


def test_bodies_do_not_stay_in_memory(project: Project):
    done = project.python("-c", MEMORY)

    assert done.code == 0, done.err
    words = done.out.split()
    assert int(words[words.index("grown") + 1]) < 20  # MiB, of 160 stored
    assert int(words[words.index("left") + 1]) < 20  # and of another 96, in parts


def test_two_first_calls_at_once_join_one_bucket():
    buckets: list[Any] = []
    threads = [threading.Thread(target=lambda: buckets.append(b2_client.get_bucket()))
               for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    buckets[0].put_object(Key="a", Body=b"a")
    assert all(stored(bucket) == {"a": b"a"} for bucket in buckets)
    assert len(practice_bucket._buckets) == 1
