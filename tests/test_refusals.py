"""Each answer with an error gets its own words, and so does what boto3 refuses on its own."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import b2_answers
import b2_causes
import pytest
from b2_double import B2Double
from b2_errors import problem_of
from b2_problems import block
from b2_server import serve
from backends import BUCKET, bucket_at

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

Ask = Callable[[Any], Any]  # a bucket -> whatever the call returns


def told(ask: Ask, fault: Any = None) -> str:
    """Return how a call's failure is shown, or "" if it went well."""
    double = B2Double(buckets=[BUCKET])
    with serve(double) as port:
        bucket = bucket_at(f"http://127.0.0.1:{port}", retries={"total_max_attempts": 1})
        bucket.put_object(Key="a", Body=b"0123456789")
        double.fault = fault
        try:
            ask(bucket)
        except Exception as error:
            problem = problem_of(error, {})
            assert problem, repr(error)
            return " ".join(block(problem).split())
        return ""


def get(bucket: Any) -> Any:
    return bucket.Object("a").get()


def head(bucket: Any) -> Any:
    return bucket.Object("a").load()


def put(bucket: Any) -> Any:
    return bucket.put_object(Key="a", Body=b"")


def copy(bucket: Any) -> Any:
    return bucket.Object("b").copy_from(CopySource={"Bucket": BUCKET, "Key": "a"})


def part(bucket: Any) -> Any:
    return bucket.Object("b").initiate_multipart_upload().Part(1).upload(Body=b"")


def delete_many(bucket: Any) -> Any:
    return bucket.delete_objects(Delete={"Objects": [{"Key": f"{n}"} for n in range(1001)]})


PLACE = {"Location": "http://login.school.example/start"}
REGION = {"x-amz-bucket-region": "eu-central-003"}
BARE: list[tuple[int, dict[str, str], Ask, str, str]] = [
    (301, PLACE, get, "not-b2", "another address (login.school.example)"),
    (301, PLACE, head, "not-b2", "another address (login.school.example)"),
    (302, PLACE, get, "not-b2", "another address (login.school.example)"),
    (302, PLACE, head, "not-b2", "another address (login.school.example)"),
    (302, PLACE, put, "not-b2", "another address (login.school.example)"),
    (307, {}, get, "not-b2", "another address (unnamed)"),
    (301, REGION, head, "key-unknown", "in another region"),
    (304, {}, get, "not-changed", "has not changed"),
    (304, {}, head, "not-changed", "has not changed"),
    (412, {}, head, "condition-not-met", "is not the one that your program expects"),
    (416, {}, head, "range-outside-file", "no bytes where Range begins"),
    (403, {}, head, "key-lacks-permission", "not allowed"),
    (404, {}, head, "no-such-object", "no such file"),
]


@pytest.mark.parametrize(("status", "headers", "ask", "problem", "words"), BARE)
def test_an_answer_without_words(
    status: int, headers: dict[str, str], ask: Ask, problem: str, words: str
):
    shown = told(ask, b2_answers.raw(status, b"", {"x-amz-request-id": "", **headers}))

    assert f"[{problem}]" in shown, shown
    assert words in shown


LOCK = "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object with Object Lock"
COPY = "This copy request is illegal because it is trying to copy an object to itself"
SIZE = "The specified copy source is larger than the maximum allowable size for a copy source"
SMALL = "Your proposed upload is smaller than the minimum allowed object size."
WORDED: list[tuple[int, str, str, Ask, str]] = [
    (412, "PreconditionFailed", "At least one of them did not hold", copy, "condition-not-met"),
    (416, "InvalidRange", "The requested range is not satisfiable", get, "range-outside-file"),
    (400, "EntityTooSmall", SMALL, part, "part-too-small"),
    (400, "EntityTooLarge", "Too large.", put, "object-too-large"),
    (404, "NoSuchCORSConfiguration", "There is none", lambda b: b.Cors().load(), "no-such-setting"),
    (404, "ObjectLockConfigurationNotFoundError", "None", put, "no-such-setting"),
    (400, "BadDigest", "The checksum does not match", put, "checksum-wrong"),
    (400, "InvalidDigest", "It is not in base64", put, "checksum-wrong"),
    (400, "InvalidRequest", LOCK, put, "checksum-needed"),
    (400, "InvalidRequest", "Bucket is missing Object Lock Configuration", put, "object-lock-off"),
    (400, "InvalidRequest", COPY, copy, "copy-onto-itself"),
    (400, "InvalidRequest", SIZE, copy, "object-too-large"),
    (400, "InvalidRequest", SMALL, part, "part-too-small"),
    (400, "InvalidRequest", "Something that nobody has seen yet", put, "request-refused"),
    (400, "InvalidRequest", "Too many", delete_many, "too-many-names"),
]
SHOWS_NO_WORDS = ("condition-not-met", "range-outside-file", "no-such-setting", "too-many-names")


@pytest.mark.parametrize(("status", "code", "message", "ask", "problem"), WORDED)
def test_an_answer_with_words(status: int, code: str, message: str, ask: Ask, problem: str):
    xml = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
    start: Any = b2_answers.raw(status, xml, {"Content-Type": "application/xml"})
    if ask is part:  # only the part is refused, not the beginning of the upload
        refuse = start
        start = lambda seen: refuse(seen) if "partNumber" in seen.query else None  # noqa: E731

    shown = told(ask, start)

    assert f"[{problem}]" in shown, shown
    assert message in shown or problem in SHOWS_NO_WORDS, "B2's own sentence is shown"
    assert "1024 bytes" not in shown, "the name is right, and so not to blame"


@pytest.mark.parametrize("name", ["tab\t", "ä" * 513])
def test_a_name_is_blamed_if_it_breaks_the_rule(name: str):
    for ask in (
        lambda bucket: bucket.put_object(Key=name, Body=b""),
        lambda bucket: bucket.delete_objects(Delete={"Objects": [{"Key": "a"}, {"Key": name}]}),
    ):
        assert "[object-name-impossible] B2 does not accept this name" in told(ask)


class Once(io.RawIOBase):
    """A stream that can be read only once, such as an answer from the web."""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return 0


def other_object(bucket: Any) -> Any:
    return bucket.put_object(Key="b", Body=bucket.Object("a").get()["Body"])


CALLS: dict[str, tuple[Ask, str, str]] = {
    "StringIO": (lambda b: b.put_object(Key="b", Body=io.StringIO("x")), "bytes-needed", "BytesIO"),
    "StringIO down": (lambda b: b.download_fileobj("a", io.StringIO()), "bytes-needed", "'wb'"),
    "a stream": (
        lambda b: b.put_object(Key="b", Body=Once()),
        "stream-not-rewindable",
        "bucket.upload_fileobj(stream, 'name')",
    ),
    "another object": (other_object, "stream-not-rewindable", "upload_fileobj"),
    "a number": (
        lambda b: b.put_object(Key="b", Body=b"", Metadata={"n": 1}),
        "metadata-not-text",
        "str(value)",
    ),
    "an umlaut": (
        lambda b: b.put_object(Key="b", Body=b"", Metadata={"n": "ü"}),
        "metadata-not-text",
        "without accents",
    ),
    "bytes as a file": (lambda b: b.upload_fileobj(b"x", "b"), "call-misspelt", "Fileobj must"),
    "a list as a name": (lambda b: b.upload_file(["x"], "b"), "call-misspelt", "Filename must"),
    "a month": (
        lambda b: b.meta.client.generate_presigned_url(
            "get_object", Params={"Bucket": BUCKET, "Key": "a"}, ExpiresIn=30 * 24 * 3600
        ),
        "link-too-long",
        "2592000 seconds. B2 accepts links for at most 7 days",
    ),
    "a form": (
        lambda b: b.meta.client.generate_presigned_post(BUCKET, "a"),
        "form-not-on-b2",
        "generate_presigned_url('put_object'",
    ),
}


@pytest.mark.parametrize("kind", CALLS)
def test_what_boto3_refuses_on_its_own_is_named_with_the_way_to_do_it(kind: str):
    ask, problem, words = CALLS[kind]

    shown = told(ask)

    assert f"[{problem}]" in shown, shown
    assert words in shown


def test_a_file_that_was_opened_for_something_else(tmp_path: Path):
    file = tmp_path / "a.bin"
    file.write_bytes(b"x")
    with file.open("rb") as to_read, file.open("ab") as to_write:
        assert "[file-mode-wrong]" in told(lambda bucket: bucket.download_fileobj("a", to_read))
        assert "[file-mode-wrong]" in told(lambda bucket: bucket.put_object(Key="b", Body=to_write))
        assert "[file-mode-wrong]" in told(lambda bucket: bucket.upload_fileobj(to_write, "b"))


def test_a_pipe_cannot_be_rewound():
    words = [sys.executable, "-c", "print('x')"]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        shown = told(lambda bucket: bucket.put_object(Key="b", Body=process.stdout))

    assert "[stream-not-rewindable]" in shown


def test_a_folder_in_the_place_of_a_file(tmp_path: Path):
    missing, folder = str(tmp_path / "no" / "a.txt"), str(tmp_path)

    assert f"The folder {tmp_path / 'no'}, which your" in told(
        lambda b: b.download_file("a", missing)
    )
    assert "is a folder" in told(lambda b: b.upload_file(folder, "b"))
    assert "is a folder" in told(lambda b: b.download_file("a", folder))


@pytest.mark.skipif(
    sys.platform != "win32", reason="other systems let a program replace a file that is open"
)
def test_a_file_that_another_program_has_open(tmp_path: Path):
    with open(tmp_path / "a.txt", "wb"):
        shown = told(lambda b: b.download_file("a", str(tmp_path / "a.txt")))

    assert "PROBLEM [file-not-allowed]" in shown
    assert "a.txt." in shown


def test_a_mistake_in_a_function_that_boto3_calls_is_left_to_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(b2_causes, "HERE", str(Path(__file__).parent))  # this file is a program

    def fail(number: int) -> None:
        raise FileNotFoundError(2, "No such file", "mine.txt")

    with pytest.raises(AssertionError, match="FileNotFoundError"):  # told() finds no problem
        told(lambda bucket: bucket.download_file("a", str(tmp_path / "a"), Callback=fail))


def test_a_file_opened_as_text(tmp_path: Path):
    (tmp_path / "a.txt").write_text("x", encoding="utf-8")
    with (tmp_path / "a.txt").open(encoding="utf-8") as file:
        shown = told(lambda bucket: bucket.upload_fileobj(file, "b"))

    assert "Open a file with 'rb' or 'wb'." in shown


def test_a_link_of_a_week_and_a_bytearray_are_fine():
    def ask(bucket: Any) -> None:
        bucket.put_object(Key="b", Body=bytearray(b"abc"))
        assert bucket.Object("b").get()["Body"].read() == b"abc"
        bucket.meta.client.generate_presigned_url(
            "get_object", {"Bucket": BUCKET, "Key": "a"}, 7 * 86400
        )

    assert told(ask) == ""


def test_the_advice_for_a_stream_works():
    def ask(bucket: Any) -> None:
        bucket.upload_fileobj(bucket.Object("a").get()["Body"], "b")
        assert bucket.Object("b").get()["Body"].read() == b"0123456789"

    assert told(ask) == ""
