"""The B2 double follows B2's rules: each is tested once, with plain boto3 and urllib."""

from __future__ import annotations

import http.client
import re
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import b2_answers
import boto3
import botocore.exceptions
import pytest
import trustme
from b2_double import READ_AND_WRITE, READ_ONLY, WRITE_ONLY, B2Double, Key
from b2_server import serve
from botocore.config import Config
from conftest import APPLICATION_KEY, KEY_ID

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

BUCKET = "storage-tests"
OWN = {"Bucket": BUCKET, "Key": "a"}
NOT_ENTITLED = (403, "AccessDenied", "not entitled")
BARE = (403, "403", "Forbidden")
SESSION = boto3.Session("any", "any")  # one for all: it is slow to start


class B2:
    """A double that is being served, and its clients."""

    def __init__(self, double: B2Double, port: int):
        self.double, self.port = double, port

    def client(
        self,
        key_id: str = KEY_ID,
        secret: str = APPLICATION_KEY,
        scheme: str = "http",
        verify: Any = None,
        region: str = "us-east-005",
        **config: Any,
    ) -> Any:
        once: dict[str, Any] = {"signature_version": "s3v4", "retries": {"total_max_attempts": 1}}
        return SESSION.client(
            "s3",
            endpoint_url=f"{scheme}://127.0.0.1:{self.port}",
            verify=verify,
            region_name=region,
            aws_access_key_id=key_id,
            aws_secret_access_key=secret,
            config=Config(**{**once, **config}),
        )

    def limited(self, **limits: Any) -> Any:
        """Return a client with its own key."""
        key = Key(f"{KEY_ID[:-2]}{len(self.double.keys) + 10}", APPLICATION_KEY, **limits)
        self.double.keys[key.key_id] = key
        return self.client(key.key_id)


@pytest.fixture
def b2(no_b2_variables: None) -> Iterator[B2]:
    double = B2Double(buckets=(BUCKET, "Other-Bucket"))
    with serve(double) as port:
        yield B2(double, port)


def refusal(call: Callable[..., Any], **arguments: Any) -> tuple[int, str, str]:
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**arguments)
    answer: Any = caught.value.response
    error = answer["Error"]
    return answer["ResponseMetadata"]["HTTPStatusCode"], error["Code"], error["Message"]


def opened(link: str, **how: Any) -> tuple[int, str]:
    """Return what urllib gets from a link: the status and the text."""
    try:
        with urllib.request.urlopen(urllib.request.Request(link, **how)) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def link(client: Any, call: str = "get_object") -> str:
    return client.generate_presigned_url(call, Params=OWN, ExpiresIn=60)


def in_the_future(**time: int) -> Callable[[], datetime]:
    return lambda: datetime.now(timezone.utc) + timedelta(**time)


@pytest.mark.parametrize(
    ("key_id", "code", "message"),
    [
        *(
            (bad, "InvalidAccessKeyId", "Malformed Access Key Id")
            for bad in ("0a1b2c3d4e5f", "my-key", KEY_ID[:-1], "")
        ),
        *(
            (bad, "InvalidAccessKeyId", f"The key '{bad}' is not valid")
            for bad in (KEY_ID[:-1] + "9", "004" + KEY_ID[3:])
        ),
        (KEY_ID, "SignatureDoesNotMatch", "Signature validation failed"),
    ],
)
def test_keys_are_refused_in_three_ways(b2: B2, key_id: str, code: str, message: str):
    b2.double.keys["004" + KEY_ID[3:]] = Key("004" + KEY_ID[3:], "K004wrong")  # another region's
    client = b2.client(key_id, "K004wrong")

    assert refusal(client.list_objects_v2, Bucket=BUCKET) == (403, code, message)
    assert refusal(client.head_bucket, Bucket=BUCKET) == BARE


def test_a_key_of_one_bucket_is_not_entitled_to_others_or_to_their_names(b2: B2):
    limited = b2.limited(buckets=(BUCKET,))

    assert limited.head_bucket(Bucket=BUCKET)
    for bucket in ("Other-Bucket", "not-there"):
        assert refusal(limited.list_objects_v2, Bucket=bucket) == NOT_ENTITLED
        assert refusal(limited.head_bucket, Bucket=bucket) == BARE
    assert refusal(limited.list_buckets) == NOT_ENTITLED
    ticked = b2.limited(buckets=(BUCKET,), capabilities=READ_ONLY | {"listAllBucketNames"})
    assert [one["Name"] for one in ticked.list_buckets()["Buckets"]] == [BUCKET, "Other-Bucket"]


def test_a_key_with_a_prefix_must_stay_inside_it(b2: B2):
    limited = b2.limited(prefix="mine/")
    limited.put_object(Bucket=BUCKET, Key="mine/a")

    assert limited.list_objects_v2(Bucket=BUCKET, Prefix="mine/")["KeyCount"] == 1
    assert refusal(limited.list_objects_v2, Bucket=BUCKET) == NOT_ENTITLED
    assert refusal(limited.put_object, **OWN) == NOT_ENTITLED
    copy = {"Bucket": BUCKET, "Key": "mine/b", "CopySource": f"{BUCKET}/a"}
    assert refusal(limited.copy_object, **copy) == NOT_ENTITLED
    outside = {"Bucket": BUCKET, "Delete": {"Objects": [{"Key": "a"}]}}
    assert refusal(limited.delete_objects, **outside) == NOT_ENTITLED


def test_reading_writing_and_deleting_need_capabilities(b2: B2):
    reader, writer = b2.limited(capabilities=READ_ONLY), b2.limited(capabilities=WRITE_ONLY)
    version = writer.put_object(**OWN, Body=b"x")["VersionId"]

    assert reader.get_object(**OWN)["Body"].read() == b"x"
    assert refusal(writer.get_object, **OWN) == NOT_ENTITLED
    assert refusal(writer.list_objects_v2, Bucket=BUCKET) == NOT_ENTITLED
    assert refusal(reader.put_object, **OWN) == NOT_ENTITLED
    assert refusal(reader.delete_object, **OWN) == NOT_ENTITLED
    keeper = b2.limited(capabilities=READ_AND_WRITE - {"deleteFiles"})
    assert refusal(keeper.delete_object, **OWN, VersionId=version) == NOT_ENTITLED
    assert keeper.delete_object(**OWN)["DeleteMarker"]
    assert refusal(keeper.delete_bucket, Bucket="Other-Bucket") == NOT_ENTITLED


def test_a_signature_may_name_a_wrong_region_but_not_a_wrong_time(b2: B2):
    client = b2.client(region="us-east-1")
    date = client.list_objects_v2(Bucket=BUCKET)["ResponseMetadata"]["HTTPHeaders"]["date"]
    assert abs(parsedate_to_datetime(date) - datetime.now(timezone.utc)) < timedelta(minutes=1)

    b2.double.clock = in_the_future(minutes=16)
    assert refusal(client.list_objects_v2, Bucket=BUCKET)[:2] == (403, "RequestTimeTooSkewed")


def test_a_link_opens_only_as_it_was_signed_and_in_time(b2: B2):
    assert opened(link(b2.client(), "put_object"), data=b"hello", method="PUT")[0] == 200
    good = link(b2.client())

    assert opened(good) == (200, "hello")
    assert "SignatureDoesNotMatch" in opened(good.replace("/a?", "/b?"))[1]
    for bad in (link(b2.client(signature_version="s3")), good.partition("?")[0]):
        status, text = opened(bad)
        assert (status, f"bucket is not authorized: {BUCKET}" in text) == (401, True)
    b2.double.clock = in_the_future(seconds=90)
    status, text = opened(good)
    assert (status, "Request has expired given timestamp" in text) == (401, True)


def test_boto3_with_its_own_defaults_is_understood_and_checksums_count(b2: B2, tmp_path: Path):
    client = b2.client(signature_version=None)
    (tmp_path / "large").write_bytes(b"0123456789" * 900_000)

    kind = {"ContentType": "text/plain; charset=utf-8"}
    client.upload_file(str(tmp_path / "large"), BUCKET, "large", ExtraArgs=kind)
    head = client.head_object(Bucket=BUCKET, Key="large")
    assert (head["ContentLength"], head["ContentType"]) == (9_000_000, "text/plain;charset=utf-8")
    b2.client(s3={"payload_signing_enabled": False}).put_object(**OWN, Body=b"not hashed")
    assert client.get_object(**OWN)["Body"].read() == b2.double.seen[-2].body == b"not hashed"
    wrong = refusal(client.put_object, **OWN, Body=b"x", ChecksumCRC32="AAAAAA==")
    assert wrong[:2] == (400, "BadDigest")


def test_versions_stay_until_they_are_erased_and_only_then_may_the_bucket_go(b2: B2):
    client = b2.limited(capabilities=READ_AND_WRITE | {"deleteBuckets"})
    client.put_object(**OWN, Body=b"old")
    client.put_object(**OWN, Body=b"new")
    assert client.delete_object(**OWN)["DeleteMarker"] is True

    kept = b2.double.versions(BUCKET)
    assert [(key, version[:3]) for key, version in kept] == [("a", "4_z")] * 3
    assert refusal(client.get_object, **OWN) == (404, "NoSuchKey", "Key not found")
    assert client.get_object(**OWN, VersionId=kept[0][1])["Body"].read() == b"old"
    assert refusal(client.delete_bucket, Bucket=BUCKET)[:2] == (409, "BucketNotEmpty")
    for key, version in kept:
        client.delete_object(Bucket=BUCKET, Key=key, VersionId=version)
    assert b2.double.versions(BUCKET) == []
    client.delete_bucket(Bucket=BUCKET)
    assert refusal(client.list_objects_v2, Bucket=BUCKET)[:2] == (404, "NoSuchBucket")


def test_a_bucket_is_made_without_a_location_if_its_name_is_fine_and_free(b2: B2):
    client = b2.client()
    client.create_bucket(Bucket="Capitals-Allowed")

    taken = refusal(client.create_bucket, Bucket="capitals-allowed")
    assert taken[:2] == (409, "BucketAlreadyExists")
    for name in ("short", "b2-reserved", "under_score"):
        assert refusal(client.create_bucket, Bucket=name)[:2] == (400, "InvalidBucketName")


def test_unusual_names_stay_as_they_are(b2: B2):
    names = ["a b+c%20#?.", "👋/ä", "/first", "a//b", "a/../b", "~.-_"]
    for name in names:
        b2.client().put_object(Bucket=BUCKET, Key=name)

    assert [name for name, _ in b2.double.versions(BUCKET)] == names


REFUSALS: list[tuple[str, dict[str, Any], str]] = [
    # call, what differs from OWN, the answer; test_practice.py tries the same in practice
    ("put_object", {"Tagging": "a=b"}, "400 InvalidArgument Unsupported header 'x-amz-tagging'"),
    ("put_object", {"ACL": "public-read"}, "400 InvalidArgument .* canned acl 'public-read'"),
    ("put_object", {"StorageClass": "GLACIER"}, "400 InvalidArgument Unsupported header"),
    ("put_object", {"ServerSideEncryption": "aws:kms"}, "400 InvalidArgument Unsupported header"),
    ("put_object", {"IfNoneMatch": "*"}, "501 NotImplemented A header you provided implies"),
    ("put_object", {"IfMatch": "x"}, "501 NotImplemented A header you provided implies"),
    ("put_object_tagging", {"Tagging": {"TagSet": []}}, "501 NotImplemented A header you"),
    ("get_object_tagging", {}, "501 NotImplemented A header you"),
    ("get_bucket_policy", {"Key": None}, "501 NotImplemented A header you"),
    ("get_bucket_website", {"Key": None}, "501 NotImplemented A header you"),
    (
        "put_bucket_accelerate_configuration",
        {"Key": None, "AccelerateConfiguration": {"Status": "Enabled"}},
        "501 NotImplemented",
    ),
    (
        "put_bucket_ownership_controls",
        {"Key": None, "OwnershipControls": {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}},
        "501 NotImplemented",
    ),
    ("put_object", {"Key": "ä" * 513}, "400 InvalidRequest"),
    ("put_object", {"Key": "a\tb"}, "400 InvalidRequest"),
    ("list_objects_v2", {"Key": None, "Prefix": "a" * 1025}, "400 InvalidRequest"),
    ("list_object_versions", {"Key": None, "Prefix": "a\tb"}, "400 InvalidRequest"),
    *(
        (
            "delete_objects",
            {"Key": None, "Delete": {"Objects": [{"Key": name}]}},
            "400 InvalidRequest",
        )
        for name in ("a\tb", "a\nb", "a\x01b", "ä" * 513)
    ),
    (
        "delete_objects",
        {"Key": None, "Delete": {"Objects": [{"Key": "a"}] * 1001}},
        "400 InvalidRequest At most 1000",
    ),
    ("upload_part", {"UploadId": "x", "PartNumber": 1}, "404 NoSuchUpload"),
]


def refused(client: Any, bucket: str, call: str, arguments: dict[str, Any]) -> str:
    """Return how a call in the table is refused: status, code and message."""
    given = {**OWN, "Bucket": bucket, **arguments}
    given = {name: value for name, value in given.items() if value is not None}
    return "{} {} {}".format(*refusal(getattr(client, call), **given))


@pytest.mark.parametrize(("call", "arguments", "expected"), REFUSALS)
def test_what_b2_does_not_do_is_refused(
    b2: B2, call: str, arguments: dict[str, Any], expected: str
):
    assert re.match(expected, refused(b2.client(), BUCKET, call, arguments))
    assert b2.double.versions(BUCKET) == []


def allowed(client: Any) -> str:
    """Return the calls that are not answered with 403."""

    def status(call: str) -> int:
        try:
            arguments = {"Bucket": BUCKET} if "objects" in call else OWN
            return getattr(client, call)(**arguments)["ResponseMetadata"]["HTTPStatusCode"]
        except botocore.exceptions.ClientError as error:
            return error.response["ResponseMetadata"]["HTTPStatusCode"]

    calls = ("put_object", "list_objects_v2", "get_object", "head_object", "delete_object")
    return " ".join(call.partition("_")[0] for call in calls if status(call) != 403)


def test_each_cap_stops_its_own_calls(b2: B2):
    client = b2.client()
    b2.double.fault = b2_answers.download_cap()
    assert allowed(client) == "put list delete"
    assert "(Class B) cap exceeded" in refusal(client.get_object, **OWN)[2]
    assert refusal(client.head_object, **OWN) == BARE
    b2.double.fault = b2_answers.transaction_cap()
    assert allowed(client) == "put get head delete"
    b2.double.fault = b2_answers.storage_cap()
    assert allowed(client) == "list get head delete"


def test_a_fault_may_pass(b2: B2):
    b2.double.fault = b2_answers.server_error(times=1)
    b2.client(retries={"mode": "standard", "total_max_attempts": 2}).put_object(**OWN)
    assert [seen.method for seen in b2.double.seen] == ["PUT", "PUT"]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (b2_answers.slow_down(), r"ClientError: .*\(SlowDown\)"),
        (b2_answers.silent(60), "ReadTimeoutError"),
        (b2_answers.silent(0), "ConnectionClosedError"),
        (b2_answers.cut(), r"ResponseStreamingError|ConnectionClosedError|ClientError: .*\(500\)"),
        (b2_answers.html(403, parses_as_xml=True), r"ClientError: .*\(\)"),
        (b2_answers.html(403, parses_as_xml=False), r"ClientError: .*\(403\)"),
        (
            b2_answers.raw(401, b"{}", {"Content-Type": "application/json"}),
            r"ClientError: .*\(401\)",
        ),
    ],
)
def test_a_broken_answer_reaches_boto3(b2: B2, fault: b2_answers.Fault, error: str):
    b2.double.fault = fault
    patience = 0.2 if error == "ReadTimeoutError" else 20  # seconds; a busy machine may be slow
    with pytest.raises(Exception) as caught:
        b2.client(read_timeout=patience).list_objects_v2(Bucket=BUCKET)
    assert re.match(error, f"{caught.type.__name__}: {caught.value}")


def test_the_server_asks_for_a_large_body_and_keeps_the_connection_open(b2: B2):
    client = b2.client()
    client.put_object(**OWN, Body=b"x" * 3_000_000)
    assert b2.double.seen[0].headers["expect"] == "100-continue"

    connection = http.client.HTTPConnection("127.0.0.1", b2.port)
    for _ in range(2):
        connection.request("GET", link(client).partition(str(b2.port))[2])
        local = connection.sock.getsockname()
        assert len(connection.getresponse().read()) == 3_000_000
    assert connection.sock.getsockname() == local
    connection.close()


def test_it_speaks_tls_and_leaves_no_thread_behind(no_b2_variables: None, tmp_path: Path):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority, file, before = trustme.CA(), str(tmp_path / "ca.pem"), set(threading.enumerate())
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(file)
    double = B2Double()

    with serve(double, context) as port:
        B2(double, port).client(scheme="https", verify=file).put_object(**OWN, Body=b"x")
        with pytest.raises(botocore.exceptions.SSLError):
            B2(double, port).client(scheme="https").list_objects_v2(Bucket=BUCKET)

    assert set(threading.enumerate()) == before
    assert [key for key, _ in double.versions(BUCKET)] == ["a"]
