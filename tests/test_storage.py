"""One contract for storage: the same tests for the practice bucket, moto and a real server.

Which backends are used: --backends=practice,moto,double (the default), or rclone,faulty,swift.
"""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import b2_client
import pytest
from backends import BACKENDS, BUCKET, CANNOT, Backend, swift_server
from botocore.exceptions import ClientError
from conftest import APPLICATION_KEY


@pytest.fixture(scope="session")
def swift_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of Swift, which is started once: it takes longer than most of the tests."""
    with swift_server(tmp_path_factory.mktemp("swift")) as endpoint:
        yield endpoint


@pytest.fixture
def backend(
    backend_name: str,
    no_b2_variables: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> Iterator[Backend]:
    if backend_name not in ("practice", "moto"):
        request.getfixturevalue("socket_enabled")
    more = [request.getfixturevalue("swift_endpoint")] if backend_name == "swift" else []
    with BACKENDS[backend_name](monkeypatch, tmp_path, *more):
        yield Backend(
            backend_name, b2_client.get_bucket(), b2_client.get_client(), CANNOT[backend_name]
        )


def keys(bucket: Any, **where: Any) -> list[str]:
    return [obj.key for obj in bucket.objects.filter(**where)]


def body(bucket: Any, key: str) -> bytes:
    return bucket.Object(key).get()["Body"].read()


def code_of(caught: pytest.ExceptionInfo[ClientError]) -> str:
    return caught.value.response["Error"]["Code"]


@pytest.mark.parametrize("content", [b"", b"text", "Grüße 👋".encode(), bytes(range(256)) * 99])
def test_what_was_put_comes_back(backend: Backend, content: bytes):
    backend.bucket.put_object(Key="notes/a b+c.txt", Body=content)

    assert body(backend.bucket, "notes/a b+c.txt") == content
    assert backend.bucket.Object("notes/a b+c.txt").content_length == len(content)


def test_a_second_put_replaces_the_first(backend: Backend):
    backend.bucket.put_object(Key="a", Body=b"old")
    backend.bucket.put_object(Key="a", Body=b"new")

    assert body(backend.bucket, "a") == b"new"
    assert keys(backend.bucket) == ["a"]


def test_a_range_is_a_part_of_the_object(backend: Backend):
    backend.bucket.put_object(Key="a", Body=b"0123456789")

    assert backend.bucket.Object("a").get(Range="bytes=2-4")["Body"].read() == b"234"


@pytest.mark.thorough
def test_listing_is_sorted_and_complete_beyond_a_thousand(backend: Backend):
    names = [f"many/{number:04}" for number in range(1010)]
    for name in reversed(names):
        backend.client.put_object(Bucket=BUCKET, Key=name, Body=b"")
    backend.bucket.put_object(Key="other", Body=b"")

    assert keys(backend.bucket) == [*names, "other"]
    assert keys(backend.bucket, Prefix="many/100") == [f"many/100{n}" for n in range(10)]
    page = backend.client.list_objects_v2(Bucket=BUCKET)
    assert (page["IsTruncated"], page["KeyCount"]) == (True, 1000)


def test_a_delimiter_shows_folders(backend: Backend):
    for name in ("top", "a/1", "a/2", "b/c/3"):
        backend.bucket.put_object(Key=name, Body=b"")

    page = backend.client.list_objects_v2(Bucket=BUCKET, Delimiter="/")

    assert [entry["Key"] for entry in page["Contents"]] == ["top"]
    assert [entry["Prefix"] for entry in page["CommonPrefixes"]] == ["a/", "b/"]


def test_a_key_can_have_the_name_of_a_folder(backend: Backend):
    backend.needs("folder beside file")
    backend.bucket.put_object(Key="a", Body=b"file")
    backend.bucket.put_object(Key="a/b", Body=b"below")

    assert (body(backend.bucket, "a"), body(backend.bucket, "a/b")) == (b"file", b"below")


def test_deleting_takes_it_out_of_the_list(backend: Backend):
    for name in ("a", "b", "c", "d"):
        backend.bucket.put_object(Key=name, Body=b"")

    backend.bucket.Object("a").delete()
    backend.bucket.Object("never there").delete()
    backend.bucket.delete_objects(Delete={"Objects": [{"Key": "b"}, {"Key": "c"}]})

    assert keys(backend.bucket) == ["d"]


def test_every_version_is_kept_until_it_is_erased(backend: Backend):
    backend.needs("versions")
    first = backend.client.put_object(Bucket=BUCKET, Key="a", Body=b"one")["VersionId"]
    second = backend.client.put_object(Bucket=BUCKET, Key="a", Body=b"two")["VersionId"]
    hidden = backend.client.delete_object(Bucket=BUCKET, Key="a")
    assert hidden["DeleteMarker"] is True
    assert keys(backend.bucket) == []

    assert backend.bucket.Object("a").Version(first).get()["Body"].read() == b"one"
    for version in (hidden["VersionId"], second):
        backend.client.delete_object(Bucket=BUCKET, Key="a", VersionId=version)
    assert body(backend.bucket, "a") == b"one"

    backend.bucket.object_versions.filter(Prefix="a").delete()
    assert list(backend.bucket.object_versions.all()) == []


def test_a_large_file_goes_up_and_down(backend: Backend, tmp_path: Path):
    large = os.urandom(20_000_000)
    (tmp_path / "up.bin").write_bytes(large)

    backend.bucket.upload_file(str(tmp_path / "up.bin"), "large.bin")
    backend.bucket.download_file("large.bin", str(tmp_path / "down.bin"))

    assert (tmp_path / "down.bin").read_bytes() == large
    assert backend.bucket.Object("large.bin").content_length == len(large)


def test_parts_make_one_object(backend: Backend):
    parts = [os.urandom(5 * 1024 * 1024), b"the end"]
    upload = backend.bucket.Object("parts").initiate_multipart_upload(ContentType="text/x-parts")
    done = [
        {"PartNumber": number, "ETag": upload.Part(number).upload(Body=part)["ETag"]}
        for number, part in enumerate(parts, start=1)
    ]
    assert keys(backend.bucket) == []

    upload.complete(MultipartUpload={"Parts": done})

    assert body(backend.bucket, "parts") == b"".join(parts)
    backend.needs("multipart ETag")
    assert backend.bucket.Object("parts").e_tag.endswith('-2"')


def test_an_aborted_upload_leaves_nothing(backend: Backend):
    upload = backend.bucket.Object("parts").initiate_multipart_upload()
    upload.Part(1).upload(Body=b"x" * 5_500_000)

    upload.abort()

    assert keys(backend.bucket) == []
    assert list(backend.bucket.multipart_uploads.all()) == []


def test_type_and_metadata_come_back(backend: Backend):
    backend.bucket.put_object(
        Key="a", Body=b"{}", ContentType="application/json", Metadata={"student": "Ada"}
    )

    head = backend.client.head_object(Bucket=BUCKET, Key="a")

    # B2 writes a type in its own way, so only the part before the ; counts.
    assert head["ContentType"].split(";")[0] == "application/json"
    assert {name.lower(): value for name, value in head["Metadata"].items()} == {"student": "Ada"}


def test_a_copy_is_a_separate_object(backend: Backend):
    backend.bucket.put_object(Key="a", Body=b"original")
    backend.bucket.Object("b").copy_from(CopySource={"Bucket": BUCKET, "Key": "a"})
    backend.bucket.Object("a").delete()

    assert body(backend.bucket, "b") == b"original"


def test_what_is_not_there_is_no_such_key(backend: Backend):
    with pytest.raises(backend.client.exceptions.NoSuchKey):
        body(backend.bucket, "nothing")
    with pytest.raises(ClientError) as caught:
        backend.bucket.Object("nothing").load()
    assert code_of(caught) == "404"


def test_a_bucket_that_is_not_there_is_no_such_bucket(backend: Backend):
    with pytest.raises(ClientError) as caught:
        backend.client.list_objects_v2(Bucket="no-such-bucket")
    assert code_of(caught) == "NoSuchBucket"


def test_a_wrong_secret_is_refused(backend: Backend, monkeypatch: pytest.MonkeyPatch):
    backend.needs("wrong secret")
    monkeypatch.setenv("B2_APPLICATION_KEY", APPLICATION_KEY.swapcase().replace("k005", "K005"))

    with pytest.raises(ClientError) as caught:
        list(b2_client.get_bucket().objects.all())
    assert code_of(caught) == "SignatureDoesNotMatch"


def test_a_link_gives_the_object_to_anybody(backend: Backend):
    backend.needs("links")
    backend.bucket.put_object(Key="ä b.txt", Body=b"for all", ContentType="text/plain")
    link = backend.client.generate_presigned_url(
        "get_object", Params={"Bucket": BUCKET, "Key": "ä b.txt"}, ExpiresIn=60
    )

    with urllib.request.urlopen(link) as answer:
        assert answer.read() == b"for all"
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(link[:-1] + ("0" if link[-1] != "0" else "1"))


def test_anybody_can_upload_an_object_through_a_link(backend: Backend):
    backend.needs("links")
    link = backend.client.generate_presigned_url(
        "put_object", Params={"Bucket": BUCKET, "Key": "gift"}, ExpiresIn=60
    )
    kind = {"Content-Type": "application/octet-stream"}  # urllib's default type is a form's
    request = urllib.request.Request(link, data=b"a gift", method="PUT", headers=kind)

    urllib.request.urlopen(request).close()

    assert body(backend.bucket, "gift") == b"a gift"


def test_what_a_program_may_ask_about_a_bucket(backend: Backend):
    """No guard may mistake one of these answers for that of somebody else."""
    bucket, client = backend.bucket, backend.client
    bucket.put_object(Key="a", Body=b"a")
    upload = bucket.Object("b").initiate_multipart_upload()
    upload.Part(1).upload(Body=b"b")

    assert [part.part_number for part in upload.parts.all()] == [1]
    assert [one.id for one in bucket.multipart_uploads.all()] == [upload.id]
    upload.abort()
    assert [one.key for one in bucket.objects.all()] == ["a"]
    assert client.list_objects(Bucket=BUCKET)["Name"] == BUCKET
    assert client.list_objects_v2(Bucket=BUCKET, Prefix="none").get("Contents", []) == []
    if "versions" not in backend.cannot:
        assert [one.object_key for one in bucket.object_versions.all()] == ["a"]
    assert BUCKET in [one["Name"] for one in client.list_buckets()["Buckets"]]
    client.get_bucket_location(Bucket=BUCKET)
    client.get_waiter("bucket_exists").wait(Bucket=BUCKET)
    client.get_waiter("object_exists").wait(Bucket=BUCKET, Key="a")
    assert bucket.objects.all().delete()[0]["Deleted"][0]["Key"] == "a"


def test_settings_of_a_bucket(backend: Backend):
    backend.needs("settings")
    bucket = backend.bucket
    rule = {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}

    assert bucket.Versioning().status == "Enabled"
    bucket.Cors().put(CORSConfiguration={"CORSRules": [rule]})
    assert bucket.Cors().cors_rules[0]["AllowedOrigins"] == ["*"]
    bucket.Cors().delete()
    bucket.Acl().load()


def test_the_end_of_an_empty_object(backend: Backend):
    backend.bucket.put_object(Key="a", Body=b"")

    try:
        assert backend.bucket.Object("a").get(Range="bytes=-3")["Body"].read() == b""
    except ClientError as error:
        assert error.response["Error"]["Code"] == "InvalidRange"
