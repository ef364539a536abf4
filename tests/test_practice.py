"""The practice bucket behaves as B2 does, and other boto3 clients do not notice it."""

from __future__ import annotations

import os
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import b2_client
import b2_practice
import boto3
import pytest
from botocore.exceptions import ClientError
from conftest import Project
from moto import mock_aws
from practising import files, next_run, stored
from test_b2_double import REFUSALS, refused

pytestmark = pytest.mark.usefixtures("home")


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

    expected = {
        "put.txt": b"put",
        "copy.txt": b"put",
        "deep/er/upload.bin": (home / "local.bin").read_bytes(),
    }
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
        Key="data",
        Body=b"{}",
        ContentType="application/json",
        CacheControl="no-cache",
        Metadata={"student": "Ada"},
    )

    again = next_run().Object("data").get()

    assert (again["ContentType"], again["CacheControl"]) == ("application/json", "no-cache")
    assert again["Metadata"] == {"student": "Ada"}


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


@pytest.mark.parametrize("key", ["x" * 1025, "ü" * 513, "tab\there", "line\nbreak", "nul\x01"])
def test_names_that_b2_refuses_are_refused(key: str):
    with pytest.raises(ClientError, match="InvalidRequest"):
        b2_client.get_bucket().put_object(Key=key, Body=b"")


@pytest.mark.parametrize(("call", "arguments", "expected"), REFUSALS)
def test_what_b2_refuses_is_refused(
    home: Path, call: str, arguments: dict[str, Any], expected: str
):
    client = b2_client.get_client()

    assert re.match(expected, refused(client, "my-bucket", call, arguments))
    assert files(home) == {}


def test_what_b2_accepts_is_accepted():
    b2_client.get_bucket().put_object(
        Key="a", Body=b"", ACL="private", StorageClass="STANDARD", ServerSideEncryption="AES256"
    )


def test_a_thousand_names_may_be_deleted_at_once(home: Path):
    bucket = b2_client.get_bucket()
    bucket.put_object(Key="ä & <b>'\"", Body=b"")

    names = ["ä & <b>'\"", *(f"{number}" for number in range(999))]
    bucket.delete_objects(Delete={"Objects": [{"Key": name} for name in names]})

    assert files(home) == {}


def test_a_key_of_one_bucket_makes_and_deletes_no_bucket():
    bucket, client = b2_client.get_bucket(), b2_client.get_client()
    bucket.put_object(Key="a", Body=b"")
    with pytest.raises(ClientError, match="AccessDenied"):
        client.create_bucket(Bucket="another-bucket")
    with pytest.raises(ClientError, match="AccessDenied"):
        bucket.delete()
    assert [b["Name"] for b in client.list_buckets()["Buckets"]] == ["my-bucket"]


def test_other_clients_do_not_use_the_practice_bucket(home: Path):
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


@pytest.mark.thorough
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


def test_every_run_says_once_that_it_is_practice(capsys: pytest.CaptureFixture[str]):
    for _ in range(3):
        b2_client.get_bucket()
    b2_client.get_client()

    assert capsys.readouterr().out == (
        "Practice: both keys are empty, so files go to the folder practice-bucket.\n"
    )


def test_an_upload_that_does_not_exist():
    client = b2_client.get_client()
    wrong = {"Bucket": "my-bucket", "Key": "a", "UploadId": "no-such-upload"}
    with pytest.raises(ClientError, match="NoSuchUpload"):
        client.upload_part(**wrong, PartNumber=1, Body=b"x")
    with pytest.raises(ClientError, match="NoSuchUpload"):
        client.complete_multipart_upload(
            **wrong, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": "x"}]}
        )


def test_a_mock_aws_in_the_middle_of_an_upload_does_no_harm(home: Path):
    upload = b2_client.get_bucket().Object("large").initiate_multipart_upload()
    part = upload.Part(1).upload(Body=b"part")
    with mock_aws():
        pass

    upload.complete(MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    assert files(home) == {"large": b"part"}


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


@pytest.mark.thorough
def test_bodies_do_not_stay_in_memory(project: Project):
    done = project.python("-c", MEMORY)

    assert done.code == 0, done.err
    words = done.out.split()
    assert int(words[words.index("grown") + 1]) < 20  # MiB, of 160 stored
    assert int(words[words.index("left") + 1]) < 20  # and of another 96, in parts


def test_two_first_calls_at_once_join_one_bucket():
    buckets: list[Any] = []
    threads = [
        threading.Thread(target=lambda: buckets.append(b2_client.get_bucket())) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    buckets[0].put_object(Key="a", Body=b"a")
    assert all(stored(bucket) == {"a": b"a"} for bucket in buckets)
    assert len(b2_practice._buckets) == 1
