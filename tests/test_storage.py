"""One contract for storage: the same tests for the practice bucket, moto and a real server.

Which backends are used: --backends=practice,moto,double (the default), or rclone,faulty,swift.
"""

from __future__ import annotations

import base64
import hashlib
import io
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
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
    backend.needs("odd calls")
    for call in (backend.client.list_objects, backend.client.list_objects_v2):
        page = call(Bucket=BUCKET, MaxKeys=5000)
        assert (len(page["Contents"]), page["IsTruncated"]) == (1000, True)


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


# What is wrong, or odd.


def refused(call: Callable[..., Any], **arguments: Any) -> str:
    """Return how a call about the bucket is refused: status and code."""
    with pytest.raises(ClientError) as caught:
        call(Bucket=BUCKET, **arguments)
    status = caught.value.response["ResponseMetadata"]["HTTPStatusCode"]
    return f"{status} {code_of(caught)}"


WRONG_SUMS = {
    "ContentMD5": hashlib.md5(b"other").digest(),
    "ChecksumCRC32": bytes(4),
    "ChecksumSHA1": bytes(20),
    "ChecksumSHA256": bytes(32),
}


@pytest.mark.parametrize("name", WRONG_SUMS)
def test_a_body_with_another_checksum_is_not_stored(backend: Backend, name: str):
    backend.needs("checksums")
    given = {name: base64.b64encode(WRONG_SUMS[name]).decode()}
    assert refused(backend.client.put_object, Key="a", Body=b"text", **given) == "400 BadDigest"
    assert keys(backend.bucket) == []


def test_a_part_with_another_checksum_is_refused(backend: Backend):
    backend.needs("checksums")
    upload = backend.bucket.Object("a").initiate_multipart_upload()
    part = {"Key": "a", "UploadId": upload.id, "PartNumber": 1, "Body": b"text"}
    wrong = base64.b64encode(WRONG_SUMS["ContentMD5"]).decode()
    assert refused(backend.client.upload_part, **part, ContentMD5=wrong) == "400 BadDigest"
    assert list(upload.parts.all()) == []


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA1", "SHA256"])
def test_a_body_with_a_right_checksum_is_stored(backend: Backend, algorithm: str):
    backend.bucket.put_object(Key="a", Body=io.BytesIO(b"text"), ChecksumAlgorithm=algorithm)
    assert body(backend.bucket, "a") == b"text"


@pytest.mark.parametrize(
    "condition",
    [
        {"CopySourceIfMatch": "another"},
        {"CopySourceIfNoneMatch": hashlib.md5(b"text").hexdigest()},
        {"CopySourceIfModifiedSince": "2040-01-01"},
        {"CopySourceIfUnmodifiedSince": "2001-01-01"},
    ],
    ids=lambda condition: next(iter(condition)),
)
def test_a_copy_with_a_condition_that_is_not_met(backend: Backend, condition: dict[str, str]):
    backend.needs("conditions of a copy")
    backend.bucket.put_object(Key="a", Body=b"text")
    copy = {"Key": "b", "CopySource": f"{BUCKET}/a"}

    assert refused(backend.client.copy_object, **copy, **condition) == "412 PreconditionFailed"
    assert keys(backend.bucket) == ["a"]
    backend.client.copy_object(
        Bucket=BUCKET, **copy, CopySourceIfMatch=backend.bucket.Object("a").e_tag
    )
    assert body(backend.bucket, "b") == b"text"


def test_a_copy_may_ask_for_another_checksum(backend: Backend):
    backend.bucket.put_object(Key="a", Body=b"text")
    copy = {"CopySource": {"Bucket": BUCKET, "Key": "a"}, "ChecksumAlgorithm": "SHA256"}
    backend.bucket.Object("b").copy_from(**copy)
    assert body(backend.bucket, "b") == b"text"


def test_a_part_that_is_copied(backend: Backend):
    backend.needs("copies of parts")
    backend.bucket.put_object(Key="a", Body=b"0123456789")
    upload = backend.bucket.Object("b").initiate_multipart_upload()
    part = upload.Part(1)
    copied = part.copy_from(CopySource=f"{BUCKET}/a", CopySourceRange="bytes=2-5")
    done = [{"PartNumber": 1, "ETag": copied["CopyPartResult"]["ETag"]}]
    upload.complete(MultipartUpload={"Parts": done})
    assert body(backend.bucket, "b") == b"2345"

    backend.needs("odd calls")
    for wrong in ("2-5", "bytes=5-2"):
        copy = {"Key": "b", "UploadId": upload.id, "PartNumber": 1, "CopySource": f"{BUCKET}/a"}
        refusal = refused(backend.client.upload_part_copy, **copy, CopySourceRange=wrong)
        assert refusal in ("400 InvalidArgument", "404 NoSuchUpload")


def test_an_upload_that_is_completed_in_odd_ways(backend: Backend):
    backend.needs("odd calls")
    upload = backend.bucket.Object("a").initiate_multipart_upload()
    complete = backend.client.complete_multipart_upload
    this = {"Key": "a", "UploadId": upload.id}
    assert refused(complete, **this) in ("400 MalformedXML", "400 InvalidRequest")
    assert refused(complete, **this, MultipartUpload={"Parts": []}) == "400 MalformedXML"
    etags = [upload.Part(number).upload(Body=b"x")["ETag"] for number in (1, 2)]
    one, two = ({"PartNumber": number, "ETag": etags[0]} for number in (1, 2))
    for parts, code in (
        ([two, one], "InvalidPartOrder"),
        ([one, {**two, "ETag": "another"}], "InvalidPart"),
        ([one, {**two, "PartNumber": 3}], "InvalidPart"),
        ([one, two], "EntityTooSmall"),
    ):
        assert refused(complete, **this, MultipartUpload={"Parts": parts}) == f"400 {code}"
    assert keys(backend.bucket) == []
    for _ in range(2):  # as when the first answer was lost
        complete(Bucket=BUCKET, **this, MultipartUpload={"Parts": [one]})
    assert body(backend.bucket, "a") == b"x"


@pytest.mark.parametrize("text", ["0-3", "bytes=a-c", "bytes=5-2", "pages=1-2"])
def test_a_range_that_is_none_is_ignored(backend: Backend, text: str):
    backend.needs("odd calls")
    backend.bucket.put_object(Key="a", Body=b"0123456789")
    assert backend.bucket.Object("a").get(Range=text)["Body"].read() == b"0123456789"


def test_a_range_that_is_outside(backend: Backend):
    backend.bucket.put_object(Key="a", Body=b"0123456789")
    asked = {"Key": "a", "Range": "bytes=10-"}
    assert refused(backend.client.get_object, **asked) == "416 InvalidRange"


def test_a_list_with_an_odd_size(backend: Backend):
    backend.needs("odd calls")
    backend.bucket.put_object(Key="a", Body=b"")
    for call in (
        backend.client.list_objects,
        backend.client.list_objects_v2,
        backend.client.list_object_versions,
    ):
        assert refused(call, MaxKeys=-1) == "400 InvalidArgument"
    for call in (backend.client.list_objects, backend.client.list_objects_v2):
        assert call(Bucket=BUCKET, MaxKeys=0)["IsTruncated"] is False


def test_an_old_list_counts_folders(backend: Backend):
    backend.needs("V1 folders")
    for key in ("a", "d/1", "d/2", "e/1", "f"):
        backend.bucket.put_object(Key=key, Body=b"")

    pages = list(
        backend.client.get_paginator("list_objects").paginate(
            Bucket=BUCKET, Delimiter="/", PaginationConfig={"PageSize": 2}
        )
    )

    shown = [
        [found["Key"] for found in page.get("Contents", [])]
        + [found["Prefix"] for found in page.get("CommonPrefixes", [])]
        for page in pages
    ]
    assert shown == [["a", "d/"], ["f", "e/"]]  # in each page, objects come before folders


def test_one_part_of_an_object(backend: Backend):
    backend.needs("parts")
    parts = [b"x" * (5 * 1024 * 1024), b"the end"]
    upload = backend.bucket.Object("two").initiate_multipart_upload()
    etags = [upload.Part(number).upload(Body=part)["ETag"] for number, part in enumerate(parts, 1)]
    upload.complete(
        MultipartUpload={
            "Parts": [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, 1)]
        }
    )

    found = backend.client.get_object(Bucket=BUCKET, Key="two", PartNumber=2)
    assert (found["Body"].read(), found["PartsCount"]) == (b"the end", 2)
    head = backend.client.head_object(Bucket=BUCKET, Key="two", PartNumber=1)
    assert (head["ContentLength"], head["PartsCount"]) == (len(parts[0]), 2)
    for asked in ({"Key": "two", "PartNumber": 3}, {"Key": "two", "PartNumber": 9}):
        assert refused(backend.client.get_object, **asked).startswith("416 ")


def test_what_was_erased_was_a_delete_marker(backend: Backend):
    backend.needs("versions")
    backend.needs("marker header")
    backend.bucket.put_object(Key="a", Body=b"text")
    marker = backend.client.delete_object(Bucket=BUCKET, Key="a")["VersionId"]
    erased = backend.client.delete_object(Bucket=BUCKET, Key="a", VersionId=marker)
    assert erased["DeleteMarker"] is True
    assert body(backend.bucket, "a") == b"text"


def test_the_limits_of_b2(backend: Backend):
    backend.needs("limits")
    most = {"n": "x" * 6999}
    backend.bucket.put_object(Key="a", Body=b"", Metadata=most)
    too_much = {"Key": "a", "Body": b"", "Metadata": {"n": "x" * 7000}}
    assert refused(backend.client.put_object, **too_much) == "400 InvalidRequest"
    suspend = {"VersioningConfiguration": {"Status": "Suspended"}}
    assert refused(backend.client.put_bucket_versioning, **suspend) == "400 InvalidRequest"


@pytest.mark.parametrize("kind", [bytes, bytearray, io.BytesIO])
def test_a_body_may_be_any_kind_of_bytes(backend: Backend, kind: Any):
    backend.bucket.put_object(Key="a", Body=kind(b"text"))
    assert body(backend.bucket, "a") == b"text"


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_form_is_stored_as_it_is(backend: Backend, kind: str):
    backend.needs("odd calls")
    backend.bucket.put_object(Key="a", Body=b"key=1&file=2", ContentType=kind)
    assert body(backend.bucket, "a") == b"key=1&file=2"


LONG_AGO, LATER = (
    datetime(2001, 1, 1, tzinfo=timezone.utc),
    datetime(2101, 1, 1, tzinfo=timezone.utc),
)
# Source: RFC 9110, 13.2.2: a condition on the ETag counts more than one on the time.
CONDITIONS = [
    ({"IfMatch": "{etag}"}, 200),
    ({"IfMatch": "{etag}", "IfUnmodifiedSince": LONG_AGO}, 200),
    ({"IfMatch": '"0"'}, 412),
    ({"IfUnmodifiedSince": LONG_AGO}, 412),
    ({"IfNoneMatch": "{etag}"}, 304),
    ({"IfNoneMatch": '"0"', "IfModifiedSince": LATER}, 200),
    ({"IfModifiedSince": LONG_AGO}, 200),
]


@pytest.mark.parametrize("asks", ["get_object", "head_object"])
@pytest.mark.parametrize(("condition", "status"), CONDITIONS)
def test_a_condition_of_a_read(backend: Backend, condition: dict[str, Any], status: int, asks: str):
    if len(condition) == 2 or status == 412:
        backend.needs("conditions")
    etag = backend.bucket.put_object(Key="a", Body=b"text").e_tag
    asked = {
        name: value.format(etag=etag) if isinstance(value, str) else value
        for name, value in condition.items()
    }
    ask = getattr(backend.client, asks)
    try:
        found = ask(Bucket=BUCKET, Key="a", **asked)["ResponseMetadata"]["HTTPStatusCode"]
    except ClientError as error:
        found = error.response["ResponseMetadata"]["HTTPStatusCode"]
    assert found == status


def test_a_delete_marker_cannot_be_read(backend: Backend):
    backend.needs("versions")
    backend.needs("marker header")
    backend.bucket.put_object(Key="a", Body=b"text")
    marker = backend.client.delete_object(Bucket=BUCKET, Key="a")["VersionId"]
    assert refused(backend.client.get_object, Key="a", VersionId=marker).startswith("405 ")
    assert refused(backend.client.head_object, Key="a", VersionId=marker).startswith("405 ")


def test_a_part_that_is_copied_from_nothing(backend: Backend):
    backend.needs("odd calls")
    upload = backend.client.create_multipart_upload(Bucket=BUCKET, Key="k")["UploadId"]
    asked = {"Key": "k", "UploadId": upload, "PartNumber": 1, "CopySource": f"{BUCKET}/missing"}
    assert refused(backend.client.upload_part_copy, **asked) == "404 NoSuchKey"


def test_an_upload_belongs_to_its_key(backend: Backend):
    backend.needs("odd calls")
    upload = backend.client.create_multipart_upload(Bucket=BUCKET, Key="k")["UploadId"]
    other = {"Key": "other", "UploadId": upload}
    for call, more in (
        (backend.client.upload_part, {"PartNumber": 1, "Body": b"x"}),
        (backend.client.list_parts, {}),
        (backend.client.abort_multipart_upload, {}),
    ):
        assert refused(call, **other, **more) == "404 NoSuchUpload"


def test_numbers_that_no_part_has(backend: Backend):
    backend.needs("odd calls")
    backend.bucket.put_object(Key="a", Body=b"text")
    upload = backend.client.create_multipart_upload(Bucket=BUCKET, Key="a")["UploadId"]
    part = {"Key": "a", "UploadId": upload, "PartNumber": 0, "Body": b"x"}
    assert refused(backend.client.upload_part, **part) == "400 InvalidArgument"
    assert refused(backend.client.get_object, Key="a", PartNumber=0) == "400 InvalidArgument"
    both = {"Key": "a", "PartNumber": 1, "Range": "bytes=0-1"}
    assert refused(backend.client.get_object, **both) == "400 InvalidRequest"


def test_a_token_that_was_made_up(backend: Backend):
    backend.needs("odd calls")
    backend.bucket.put_object(Key="a", Body=b"text")
    asked = {"ContinuationToken": "made up"}
    assert refused(backend.client.list_objects_v2, **asked) == "400 InvalidArgument"


def test_a_quiet_delete_names_only_errors(backend: Backend):
    backend.needs("odd calls")
    backend.bucket.put_object(Key="a", Body=b"text")
    found = backend.client.delete_objects(
        Bucket=BUCKET, Delete={"Objects": [{"Key": "a"}], "Quiet": True}
    )
    assert "Deleted" not in found and "Errors" not in found
    assert list(backend.bucket.objects.all()) == []


def test_a_grant_is_refused(backend: Backend):
    backend.needs("limits")
    asked = {"Key": "a", "Body": b"", "GrantRead": "anyone"}
    assert refused(backend.client.put_object, **asked) == "400 InvalidArgument"


def test_a_body_tells_how_much_was_read(backend: Backend):
    backend.bucket.put_object(Key="a", Body=b"some text")
    stream = backend.bucket.Object("a").get()["Body"]
    stream.read(4)
    assert stream.tell() == 4
