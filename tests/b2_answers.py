"""What Backblaze B2 answers, in its own words, and how it fails: a table, and the faults.

For B2Double in b2_double.py, and for tests that want a server to fail.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from xml.sax.saxutils import escape


class Row(NamedTuple):
    """One of B2's refusals; source says where it was seen, and how sure we are."""

    status: int
    code: str
    message: str
    source: str


# HIGH: seen live, or in several places. MED: seen once, or of B2's native API. LOW: nobody saw
# it; this is what Amazon's S3 says. "Code" in front: only the code is that sure, the words are LOW.
# "cmdr" is the project vdavid/cmdr, which wrote down what B2 answered in October 2026.
SEE_CAPS = " exceeded. See the Caps & Alerts page to increase your cap."
NOT_IMPLEMENTED = "A header you provided implies functionality that is not implemented."
ROWS = {
    "malformed key": Row(
        403,
        "InvalidAccessKeyId",
        "Malformed Access Key Id",
        "HIGH: AlistGo #8364, craft-remote-backup #11, next-video #216",
    ),
    "unknown key": Row(
        403,
        "InvalidAccessKeyId",
        "The key '{key_id}' is not valid",
        "HIGH: s5cmd #269; s3ql #443 for a key of another region",
    ),
    "wrong secret": Row(
        403,
        "SignatureDoesNotMatch",
        "Signature validation failed",
        "HIGH: joplin #7359, cloudflare-b2 #5, cmdr",
    ),
    "unauthorized": Row(
        401,
        "UnauthorizedAccess",
        "bucket is not authorized: {bucket}",
        "HIGH: b2-sdk-python #136, browsertrix #2472, genblaze #246",
    ),
    "expired": Row(
        401,
        "UnauthorizedAccess",
        "Request has expired given timestamp: '{time}' and expiration: {seconds}",
        "HIGH: Palmr #208, cmdr",
    ),
    "skewed": Row(
        403,
        "RequestTimeTooSkewed",
        "The difference between the request time and the current time is too large.",
        "LOW",
    ),
    "other body": Row(400, "XAmzContentSHA256Mismatch", "The content has another SHA-256.", "LOW"),
    "bad digest": Row(
        400, "BadDigest", "The checksum does not match the content.", "Code HIGH: cmdr"
    ),
    "not entitled": Row(403, "AccessDenied", "not entitled", "HIGH: cmdr, cyberduck #14103"),
    "no bucket": Row(
        404, "NoSuchBucket", "The specified bucket does not exist: {bucket}", "Code HIGH: cmdr"
    ),
    "no key": Row(404, "NoSuchKey", "Key not found", "HIGH: cloudflare-b2 #22"),
    "no upload": Row(404, "NoSuchUpload", "The specified upload does not exist.", "LOW"),
    "name taken": Row(
        409,
        "BucketAlreadyExists",
        "Bucket name is already in use.",
        "Code MED: b2-sdk-python, exception.py; maybe BucketAlreadyOwnedByYou",
    ),
    "not empty": Row(
        409, "BucketNotEmpty", "The bucket is not empty.", "Code HIGH: b2-python-s3-sample"
    ),
    "bucket name": Row(400, "InvalidBucketName", "The bucket's name is not valid.", "LOW"),
    "bad request": Row(400, "InvalidRequest", "{why}", "Code HIGH: cmdr"),
    "header": Row(
        400,
        "InvalidArgument",
        "Unsupported header '{name}' received for this API call.",
        "HIGH for tagging: Intrinsec/s3proxy #34; LOW for storage class, KMS and grants",
    ),
    "acl": Row(
        400, "InvalidArgument", "Unsupported value for canned acl '{value}'", "HIGH: zpan #126"
    ),
    "not implemented": Row(
        501,
        "NotImplemented",
        NOT_IMPLEMENTED,
        "HIGH for conditional writes: cmdr; LOW for ?policy and the like",
    ),
    "download cap": Row(
        403,
        "AccessDenied",
        "Cannot download file, download bandwidth or transaction (Class B) cap" + SEE_CAPS,
        "HIGH: cmdr, public code",
    ),
    "transaction cap": Row(
        403,
        "AccessDenied",
        "Transaction cap exceeded, see the Caps & Alerts page",
        "MED: public code",
    ),
    "storage cap": Row(
        403,
        "AccessDenied",
        "Cannot upload files, storage cap" + SEE_CAPS,
        "MED: restic #3265 (native)",
    ),
    "slow down": Row(
        503,
        "SlowDown",
        "Please reduce your request rate.",
        "Code MED: Backblaze docs on rate limits, B2_Command_Line_Tool #1059",
    ),
    "server error": Row(
        500, "InternalError", "An internal incident occurred.", "Code HIGH: cmdr, 2 of 1,200 puts"
    ),
}


@dataclass
class Seen:
    """A request that arrived; the body without its chunks."""

    method: str
    path: str  # as it was sent, without the query
    query: dict[str, str]
    headers: dict[str, str]  # with lower-case names
    bucket: str
    key: str  # decoded
    body: bytes


@dataclass
class Answer:
    """What is sent back. With status 0 nothing is sent, and the connection is closed."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    after: float = 0  # seconds
    drip: float = 0  # seconds before each byte of the body; 0: all at once


Fault = Callable[[Seen], "Answer | None"]


def error(row: str, **words: Any) -> Answer:
    """Return one of B2's refusals, with the words that its message needs."""
    status, code, message, _ = ROWS[row]
    xml = (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<Error>\n'
        f"    <Code>{code}</Code>\n    <Message>{escape(message.format(**words))}</Message>\n"
        "</Error>\n"
    )
    return Answer(status, xml.encode(), {"Content-Type": "application/xml"})


# Faults, to be set as B2Double.fault.


def raw(status: int, body: bytes, headers: dict[str, str] | None = None) -> Fault:
    """Answer everything in this way."""
    return _fault(Answer(status, body, headers or {}))


def html(status: int, parses_as_xml: bool) -> Fault:
    """Answer as a proxy or the sign-in page of a guest network does.

    Whether its HTML parses as XML decides what boto3 makes of it: tried with boto3 1.44.
    """
    page = "<html><body><p>Please sign in</p></body></html>"
    page = page if parses_as_xml else page.replace("</p>", "<br>&nbsp;")
    return raw(status, page.encode(), {"Content-Type": "text/html; charset=utf-8"})


def download_cap() -> Fault:
    """Refuse GET and HEAD of objects. The rows of the table say where each cap was seen."""
    return _fault(error("download cap"), lambda seen: _class(seen) == "B")


def transaction_cap() -> Fault:
    """Refuse what B2 counts as class C: listing, copying, and asking about buckets."""
    return _fault(error("transaction cap"), lambda seen: _class(seen) == "C")


def storage_cap() -> Fault:
    """Refuse what would store more."""
    stores = ("PUT", "POST")
    return _fault(error("storage cap"), lambda seen: bool(seen.key) and seen.method in stores)


def slow_down(times: int | None = None) -> Fault:
    """Say that requests come too fast: to the first few (times) or to all."""
    answer = error("slow down")
    answer.headers["Retry-After"] = "1"
    return _fault(answer, times=times)


def server_error(times: int | None = None) -> Fault:
    """Fail as B2 does now and then: for the first few requests (times) or for all."""
    return _fault(error("server error"), times=times)


def silent(seconds: float) -> Fault:
    """Accept the request, say nothing for this long, and hang up."""
    return _fault(Answer(0, after=seconds))


def dripping(seconds: float) -> Fault:
    """Send an endless answer byte by byte: boto3 waits for each of them anew."""
    return _fault(Answer(200, b"<!-- " * 1000, {"Content-Type": "application/xml"}, drip=seconds))


def cut() -> Fault:
    """Hang up in the middle of an answer."""
    return raw(200, b'<?xml version="1.0" encoding="UTF-8"?>\n<List', {"Content-Length": "4096"})


def _fault(
    answer: Answer, when: Callable[[Seen], bool] = lambda _: True, times: int | None = None
) -> Fault:
    count = itertools.count(1)

    def fault(seen: Seen) -> Answer | None:
        return answer if when(seen) and (times is None or next(count) <= times) else None

    return fault


def _class(seen: Seen) -> str:
    """Return the class of a request. Source: Backblaze's b2-transactions-price.html. HIGH"""
    if "x-amz-copy-source" in seen.headers:
        return "C"
    if seen.key:
        return "B" if seen.method in ("GET", "HEAD") else "A"
    return "A" if seen.method in ("POST", "DELETE") else "C"
