"""A double of Backblaze B2's S3-compatible API: a real HTTP server on 127.0.0.1, for tests.

It checks keys and signatures, refuses what B2 refuses, and answers in B2's own words. Objects
are stored by moto, which is asked only after B2's rules were applied. Nothing here comes from
the template's own code, so a mistake there is not repeated here.

    double = B2Double()
    with serve(double) as port:
        ...  # boto3 with endpoint_url=f"http://127.0.0.1:{port}"
    assert double.versions("storage-tests") == []
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import itertools
import random
import re
import socket
import socketserver
import ssl
import sys
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlencode
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from botocore.awsrequest import AWSPreparedRequest
from botocore.compat import HTTPHeaders
from conftest import APPLICATION_KEY, KEY_ID
from moto.core.request import normalize_request
from moto.s3.models import FakeBucket, FakeKey, S3Backend, s3_backends
from moto.s3.responses import S3Response


class Row(NamedTuple):
    """One of B2's refusals; source says where it was seen, and how sure that is."""

    status: int
    code: str
    message: str
    source: str


# HIGH: seen live, or in several places. MED: seen once, or of B2's native API. LOW: nobody saw
# it, this is what Amazon's S3 says. "Code" before it: that is about the code, the words are LOW.
# "cmdr" is the project vdavid/cmdr, which wrote down what B2 answered it in October 2026.
SEE_CAPS = " exceeded. See the Caps & Alerts page to increase your cap."
NOT_IMPLEMENTED = "A header you provided implies functionality that is not implemented."
ROWS = {
    "malformed key": Row(403, "InvalidAccessKeyId", "Malformed Access Key Id",
                         "HIGH: AlistGo #8364, craft-remote-backup #11, next-video #216"),
    "unknown key": Row(403, "InvalidAccessKeyId", "The key '{key_id}' is not valid",
                       "HIGH: s5cmd #269; s3ql #443 for a key of another region"),
    "wrong secret": Row(403, "SignatureDoesNotMatch", "Signature validation failed",
                        "HIGH: joplin #7359, cloudflare-b2 #5, cmdr"),
    "unauthorized": Row(401, "UnauthorizedAccess", "bucket is not authorized: {bucket}",
                        "HIGH: b2-sdk-python #136, browsertrix #2472, genblaze #246"),
    "expired": Row(401, "UnauthorizedAccess", "Request has expired given timestamp: '{time}' and"
                   " expiration: {seconds}", "HIGH: Palmr #208, cmdr"),
    "skewed": Row(403, "RequestTimeTooSkewed", "The difference between the request time and the"
                  " current time is too large.", "LOW"),
    "other body": Row(400, "XAmzContentSHA256Mismatch", "The content has another SHA-256.", "LOW"),
    "bad digest": Row(400, "BadDigest", "The checksum does not match the content.",
                      "Code HIGH: cmdr"),
    "not entitled": Row(403, "AccessDenied", "not entitled", "HIGH: cmdr, cyberduck #14103"),
    "no bucket": Row(404, "NoSuchBucket", "The specified bucket does not exist: {bucket}",
                     "Code HIGH: cmdr"),
    "no key": Row(404, "NoSuchKey", "Key not found", "HIGH: cloudflare-b2 #22"),
    "no upload": Row(404, "NoSuchUpload", "The specified upload does not exist.", "LOW"),
    "name taken": Row(409, "BucketAlreadyExists", "Bucket name is already in use.",
                      "Code MED: b2-sdk-python, exception.py; maybe BucketAlreadyOwnedByYou"),
    "not empty": Row(409, "BucketNotEmpty", "The bucket is not empty.",
                     "Code HIGH: b2-python-s3-sample"),
    "bucket name": Row(400, "InvalidBucketName", "The bucket's name is not valid.", "LOW"),
    "bad request": Row(400, "InvalidRequest", "{why}", "Code HIGH: cmdr"),
    "header": Row(400, "InvalidArgument", "Unsupported header '{name}' received for this API call.",
                  "HIGH for tagging: Intrinsec/s3proxy #34; LOW for storage class and KMS"),
    "acl": Row(400, "InvalidArgument", "Unsupported value for canned acl '{value}'",
               "HIGH: zpan #126"),
    "not implemented": Row(501, "NotImplemented", NOT_IMPLEMENTED,
                           "HIGH for conditional writes: cmdr; LOW for ?policy and the like"),
    "download cap": Row(403, "AccessDenied", "Cannot download file, download bandwidth or"
                        " transaction (Class B) cap" + SEE_CAPS, "HIGH: cmdr, public code"),
    "transaction cap": Row(403, "AccessDenied", "Transaction cap exceeded, see the Caps & Alerts"
                           " page", "MED: public code"),
    "storage cap": Row(403, "AccessDenied", "Cannot upload files, storage cap" + SEE_CAPS,
                       "MED: restic #3265 (native)"),
    "slow down": Row(503, "SlowDown", "Please reduce your request rate.",
                     "Code MED: Backblaze docs on rate limits, B2_Command_Line_Tool #1059"),
    "server error": Row(500, "InternalError", "An internal incident occurred.",
                        "Code HIGH: cmdr, 2 of 1,200 puts"),
}

# What the console's three types of key may do, as far as this double asks.
# Sources: read and write, HIGH: keys written down in public Terraform code (writeBuckets since
# 2025); the other two, LOW: what their names say.
READ_ONLY = frozenset({"listBuckets", "readBuckets", "listFiles", "readFiles", "shareFiles"})
WRITE_ONLY = frozenset({"listBuckets", "readBuckets", "writeFiles", "deleteFiles"})
READ_AND_WRITE = READ_ONLY | WRITE_ONLY | {"writeBuckets"}

# Sources of the rules: Backblaze docs, "S3-compatible API", "Buckets" and "Application keys";
# the shape of a key's ID: glossary of b2-sdk-python.
KEY_ID_SHAPE = r"00\d[0-9a-f]{22}"
BUCKET_NAME = r"(?![bB]2-)[A-Za-z0-9-]{6,63}"
ONLY_VALUE = {  # of a header that B2 knows, and the row that refuses every other value
    "x-amz-acl": ("private", "acl"),
    "x-amz-storage-class": ("STANDARD", "header"),
    "x-amz-server-side-encryption": ("AES256", "header"),
    "x-amz-tagging": (None, "header"),
    "if-match": (None, "not implemented"),
    "if-none-match": (None, "not implemented"),
}
NOT_OF_B2 = {"tagging", "policy", "policyStatus", "website", "accelerate", "requestPayment",
             "publicAccessBlock", "ownershipControls", "torrent", "restore", "select"}
SETTINGS = {"acl", "cors", "encryption", "lifecycle", "object-lock", "versioning"}
ALGORITHM = "AWS4-HMAC-SHA256"
NOT_HASHED = {"UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"}
CHECKSUMS: dict[str, Callable[[bytes], bytes]] = {
    "content-md5": lambda body: hashlib.md5(body).digest(),
    "x-amz-checksum-crc32": lambda body: zlib.crc32(body).to_bytes(4, "big"),
    "x-amz-checksum-sha1": lambda body: hashlib.sha1(body).digest(),
    "x-amz-checksum-sha256": lambda body: hashlib.sha256(body).digest(),
}


@dataclass
class Key:
    """An application key."""

    key_id: str
    application_key: str
    buckets: tuple[str, ...] | None = None  # None: all buckets
    prefix: str = ""
    capabilities: frozenset[str] = READ_AND_WRITE


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


Fault = Callable[[Seen], "Answer | None"]


class Refused(Exception):  # noqa: N818
    """B2 refuses the request, with a row of the table."""

    def __init__(self, row: str, **words: Any):
        super().__init__(row)
        self.answer = error(row, **words)


class B2Double:
    """An account of B2 in one region, with its buckets and keys. See serve().

    seen holds every request in order; fault, where given, is asked before anything else, and
    its Answer is sent instead; clock is the server's clock (UTC).
    """

    def __init__(
        self, region: str = "us-east-005", buckets: Iterable[str] = ("storage-tests",),
        keys: Iterable[Key] | None = None,
    ):
        self.region = region
        self.keys = {key.key_id: key for key in keys or [Key(KEY_ID, APPLICATION_KEY)]}
        self.seen: list[Seen] = []
        self.fault: Fault | None = None
        self.clock: Callable[[], datetime] = lambda: datetime.now(timezone.utc)
        self._lock = threading.RLock()  # moto was not made for several threads
        self._moto = _Moto(self)
        for name in buckets:
            self._moto.add_bucket(name)

    def versions(self, bucket: str) -> list[tuple[str, str]]:
        """Return (key, version id) of all that takes up storage, and of delete markers."""
        with self._lock:
            stored = self._moto.buckets[bucket].keys.iterlists()
            return [(key, str(one.version_id)) for key, versions in stored for one in versions]

    def answer(self, seen: Seen) -> Answer:
        """Answer a request as B2 would, or as fault says."""
        with self._lock:
            self.seen.append(seen)
            try:
                return (self.fault and self.fault(seen)) or self._answer(seen)
            except Refused as refused:
                return refused.answer

    def _answer(self, seen: Seen) -> Answer:
        self._authorize(self._authenticate(seen), seen)
        _refuse_what_b2_cannot(seen)
        if seen.method == "PUT" and not seen.key and not _asked(seen):
            if not re.fullmatch(BUCKET_NAME, seen.bucket):
                raise Refused("bucket name")
            if seen.bucket.lower() in {name.lower() for name in self._moto.buckets}:
                raise Refused("name taken")
            self._moto.add_bucket(seen.bucket)
            return Answer(200, headers={"Location": f"/{seen.bucket}"})
        if seen.bucket and seen.bucket not in self._moto.buckets:
            raise Refused("no bucket", bucket=seen.bucket)
        return self._moto.answer(seen)

    # Who asks: Signature Version 4, in the header or in the address.

    def _authenticate(self, seen: Seen) -> Key:
        """Return the key that signed the request.

        Source: AWS docs, "Authenticating Requests (AWS Signature Version 4)". The region in the
        signature may be a wrong one: MED, goofys #739; but a key is known in its region only,
        whose number is the third character of its ID: MED, all pairs in public agree.
        """
        try:
            claim = _claim(seen)
            when = datetime.strptime(claim["X-Amz-Date"], "%Y%m%dT%H%M%SZ")
            key_id, day, region, service, _ = claim["X-Amz-Credential"].rsplit("/", 4)
            names = claim["X-Amz-SignedHeaders"].split(";")
            seconds = int(claim["X-Amz-Expires"])
        except (KeyError, ValueError):
            raise Refused("unauthorized", bucket=seen.bucket) from None
        if not re.fullmatch(KEY_ID_SHAPE, key_id):
            raise Refused("malformed key")
        key = self.keys.get(key_id)
        if key is None or key_id[2] != self.region[-1]:
            raise Refused("unknown key", key_id=key_id)
        query = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~"))
                       for name, value in seen.query.items() if name != "X-Amz-Signature")
        canonical = "\n".join([
            seen.method, seen.path, "&".join(f"{name}={value}" for name, value in query),
            *(f"{name}:{' '.join(seen.headers.get(name, '').split())}" for name in names), "",
            ";".join(names), claim["payload"],
        ])
        scope = f"{day}/{region}/{service}/aws4_request"
        digest = hashlib.sha256(canonical.encode("latin-1")).hexdigest()
        signature = f"AWS4{key.application_key}".encode()
        for word in (*scope.split("/"), "\n".join([ALGORITHM, claim["X-Amz-Date"], scope, digest])):
            signature = hmac.digest(signature, word.encode(), "sha256")
        if day != claim["X-Amz-Date"][:8] or signature.hex() != claim["X-Amz-Signature"]:
            raise Refused("wrong secret")
        age = self.clock() - when.replace(tzinfo=timezone.utc)
        if seconds and age > timedelta(seconds=seconds):
            raise Refused("expired", time=claim["X-Amz-Date"], seconds=seconds)
        if age < -timedelta(minutes=15) or (not seconds and age > timedelta(minutes=15)):
            raise Refused("skewed")
        if claim["payload"] not in {*NOT_HASHED, hashlib.sha256(seen.body).hexdigest()}:
            raise Refused("other body")
        return key

    # What the key may do.

    def _authorize(self, key: Key, seen: Seen) -> None:
        """Refuse what the key is not entitled to.

        Sources: Backblaze docs, "S3-compatible app keys"; b2-mcp, tool-capabilities.ts. HIGH.
        A key limited to other buckets does not learn whether this one is there: MED, a guess.
        """
        needed, touched = _needs(seen)
        if not seen.bucket:  # ListBuckets
            touched, needed = set(), needed if key.buckets is None else {"listAllBucketNames"}
        if not (
            needed <= key.capabilities
            and (key.buckets is None or {bucket for bucket, _ in touched} <= set(key.buckets))
            and all(name is None or name.startswith(key.prefix) for _, name in touched)
        ):
            raise Refused("not entitled")


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
    """Say that requests come too fast, to the first so many of them or to all."""
    answer = error("slow down")
    answer.headers["Retry-After"] = "1"
    return _fault(answer, times=times)


def server_error(times: int | None = None) -> Fault:
    """Fail as B2 does now and then, for the first so many requests or for all."""
    return _fault(error("server error"), times=times)


def silent(seconds: float) -> Fault:
    """Accept the request, say nothing for so long, and hang up."""
    return _fault(Answer(0, after=seconds))


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


# Reading a request.


def _claim(seen: Seen) -> dict[str, str]:
    """Return what a Signature Version 4 says, under the names that a link uses."""
    head, _, fields = seen.headers.get("authorization", "").partition(" ")
    if head == ALGORITHM:
        parts = dict(part.strip().split("=", 1) for part in fields.split(","))
        return {
            **{f"X-Amz-{name}": value for name, value in parts.items()},
            "X-Amz-Date": seen.headers["x-amz-date"],
            "X-Amz-Expires": "0",  # a link has at least 1
            "payload": seen.headers["x-amz-content-sha256"],
        }
    if head or seen.query["X-Amz-Algorithm"] != ALGORITHM:
        raise KeyError(head)  # an older signature: B2 does not know it
    return {**seen.query, "payload": "UNSIGNED-PAYLOAD"}


def _asked(seen: Seen) -> set[str]:
    """Return what the query asks for, without a link's signature."""
    return {name for name in seen.query if not name.startswith("X-Amz-")} - {"x-id"}


def _deletions(seen: Seen) -> list[tuple[str, str | None]]:
    """Return the (key, version id) pairs of DeleteObjects."""
    objects = ElementTree.fromstring(seen.body).iterfind("{*}Object")
    return [(one.findtext("{*}Key", ""), one.findtext("{*}VersionId")) for one in objects]


def _needs(seen: Seen) -> tuple[set[str], set[tuple[str, str | None]]]:
    """Return the capabilities that a request needs, and each (bucket, name) that it touches."""
    asked, reads, deletes = _asked(seen), seen.method in ("GET", "HEAD"), seen.method == "DELETE"
    touched: set[tuple[str, str | None]] = {(seen.bucket, seen.key or None)}
    if seen.key and reads:
        needed = {"writeFiles" if "uploadId" in asked else "readFiles"}
    elif seen.key:
        needed = {"deleteFiles" if deletes and "versionId" in asked else "writeFiles"}
        if "x-amz-copy-source" in seen.headers:
            source = unquote(seen.headers["x-amz-copy-source"].partition("?")[0]).lstrip("/")
            needed.add("readFiles")
            touched.add((source.partition("/")[0], source.partition("/")[2]))
    elif "delete" in asked:
        needed = {"deleteFiles" if version else "writeFiles" for _, version in _deletions(seen)}
        touched |= {(seen.bucket, key) for key, _ in _deletions(seen)}
    elif seen.method == "HEAD" or "location" in asked or not seen.bucket:
        needed = {"listBuckets"}
    elif asked & SETTINGS or not reads:
        needed = {"readBuckets" if reads else "writeBuckets" if asked or not deletes else
                  "deleteBuckets"}
    else:
        needed = {"listFiles"}
        touched = {(seen.bucket, seen.query.get("prefix", ""))}
    return needed, touched


def _refuse_what_b2_cannot(seen: Seen) -> None:
    """Sources: Backblaze docs, "S3-compatible API"; for names, deletes and checksums, cmdr. HIGH"""
    asked, writes = _asked(seen), seen.method in ("PUT", "POST")
    deleted = [key for key, _ in _deletions(seen)] if "delete" in asked else []
    if len(deleted) > 1000:
        raise Refused("bad request", why="At most 1000 objects may be deleted at once.")
    for name in (seen.key, seen.query.get("prefix", ""), *deleted):
        if len(name.encode()) > 1024 or re.search(r"[\x00-\x1f\x7f]", name):
            raise Refused("bad request", why="An object's name is too long, or not allowed.")
    if asked & NOT_OF_B2 or (seen.method == "POST" and not seen.key and not deleted):
        raise Refused("not implemented")
    for name, (fine, row) in ONLY_VALUE.items():
        if writes and seen.headers.get(name, fine) != fine:
            raise Refused(row, name=name, value=seen.headers[name])
    for name, compute in CHECKSUMS.items():
        # Where a multipart upload ends, the checksum is that of the whole object.
        sent = "" if seen.key and seen.method == "POST" else seen.headers.get(name)
        if sent and base64.b64decode(sent) != compute(seen.body):
            raise Refused("bad digest")


def _dechunk(file: Any) -> tuple[bytes, dict[str, str]]:
    """Return the content of a chunked body (HTTP's own or S3's) and the headers behind it."""
    content, trailers = bytearray(), {}
    while size := int(file.readline().split(b";")[0] or b"0", 16):
        content += file.read(size)
        file.readline()
    while line := file.readline().strip():
        name, _, value = line.decode("latin-1").partition(":")
        trailers[name.lower()] = value.strip()
    return bytes(content), trailers


# Storage.


class _Moto(S3Backend):
    """moto's memory; B2's versions have IDs, and times, of their own."""

    def __init__(self, double: B2Double):
        super().__init__("us-east-1", "000000000000")
        self.double = double
        self.latest = datetime.min

    def add_bucket(self, name: str) -> None:
        self.buckets[name] = FakeBucket(name, self.account_id, self.double.region)
        self.buckets[name].versioning_status = "Enabled"
        s3_backends.bucket_accounts.pop(name, None)  # this list is for mock_aws, not for us

    def answer(self, seen: Seen) -> Answer:
        """Let moto answer a request that B2 would accept."""
        query = {name: seen.query[name] for name in _asked(seen)}
        path = quote(f"/{seen.bucket}/{seen.key}" if seen.key else f"/{seen.bucket}", safe="/~")
        url = f"https://s3.amazonaws.com{path}?{urlencode(query, quote_via=quote)}"
        # B2 takes the space out of a type. Source: public code that met it, 2026-08-09. HIGH
        kind = re.sub(r";\s+", ";", seen.headers.get("content-type", ""))
        encoding = seen.headers.get("content-encoding", "")
        headers = {
            **seen.headers,
            # moto would take a form apart, so a form loses its type here.
            "content-type": "" if re.match("application/x-www-form|multipart/form", kind) else kind,
            "content-encoding": encoding.replace("aws-chunked", "").strip(", "),
            "content-length": str(len(seen.body)),
            # moto takes the region from here, and wants one of AWS.
            "authorization": f"{ALGORITHM} Credential=any/20260101/us-east-1/s3/aws4_request",
        }
        dropped = "host|transfer-|expect|x-amz-(content|checksum|sdk|trailer)"  # done with
        headers = {name: value for name, value in headers.items()
                   if value and not re.match(dropped, name)}
        request = normalize_request(
            AWSPreparedRequest(seen.method, url, HTTPHeaders.from_dict(headers), seen.body, False))
        response = _Response(self)
        respond = response.key_response if seen.key else response.bucket_response
        try:
            status, given, body = respond(request, request.raw_url, request.headers)
        except KeyError:  # moto's, for a multipart upload that it does not know
            return error("no upload")
        except NotImplementedError:
            return error("not implemented")
        body = body.encode() if isinstance(body, str) else body
        for row in ("no key", "not empty"):
            if status >= 400 and f"<Code>{ROWS[row].code}<".encode() in body:
                return error(row)
        kept = {name: str(value) for name, value in given.items()
                if name.lower() not in ("date", "server")}
        return Answer(status, body, kept)

    def put_object(self, *args: Any, **kwargs: Any) -> FakeKey:
        return self._stamp(super().put_object(*args, **kwargs))

    def upload_part(self, *args: Any, **kwargs: Any) -> FakeKey:
        return self._stamp(super().upload_part(*args, **kwargs))

    def _set_delete_marker(self, *args: Any, **kwargs: Any) -> Any:
        return self._stamp(super()._set_delete_marker(*args, **kwargs))

    def _stamp(self, stored: Any) -> Any:
        now = self.double.clock().replace(tzinfo=None)
        # moto sorts versions by their time, to the millisecond.
        self.latest = stored.last_modified = max(now, self.latest + timedelta(milliseconds=1))
        # Source of the shape: examples in Backblaze's API documentation. HIGH
        stored._version_id = (
            f"4_z{random.getrandbits(96):024x}_f{random.getrandbits(68):017x}"
            f"_{now:d%Y%m%d_m%H%M%S}_c{self.double.region[-3:]}_v0001000_t0000"
        )
        stored.disposed = True  # silences moto, which wants to be told when an object is done with
        return stored


class _Response(S3Response):
    """moto's answer to one request, from our own memory and not from that of mock_aws."""

    def __init__(self, moto: S3Backend):
        super().__init__()
        self.moto = moto

    @property
    def backend(self) -> S3Backend:
        return self.moto


# The server.


@contextmanager
def serve(double: B2Double, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """Let the double answer on 127.0.0.1, over TLS if there is a context; yields the port.

    At the end, connections that are still open are closed, and all threads have ended.
    """
    server = _Server(double, context)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.closing.set()
        for connection in list(server.connections):
            with suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # so that server_close() waits for them
    request_queue_size = 64

    def __init__(self, double: B2Double, context: ssl.SSLContext | None):
        self.double = double
        self.context = context
        self.closing = threading.Event()
        self.connections: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), _Handler)

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)  # HTTPServer would look up the host's name
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]

    def finish_request(self, request: Any, client_address: Any) -> None:
        if self.context:
            request = self.context.wrap_socket(
                request, server_side=True, do_handshake_on_connect=False)
        self.connections.add(request)
        try:
            if self.closing.is_set():
                return
            if self.context:
                request.do_handshake()
            super().finish_request(request, client_address)
        finally:
            self.connections.discard(request)
            if self.context:
                request.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], OSError):  # a client may hang up, or mistrust us
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # keeps connections open, and answers Expect: 100-continue
    disable_nagle_algorithm = True
    server: _Server

    def answer(self) -> None:
        answer = self.server.double.answer(self._read())
        self.server.closing.wait(answer.after)
        if not answer.status:
            self.close_connection = True
            return
        given = {name.lower(): value for name, value in answer.headers.items()}
        no_body = self.command == "HEAD" or answer.status in (204, 304)
        if no_body and answer.status >= 400:
            given = {}  # the status is all that a HEAD hears of an error
        headers = {
            "date": format_datetime(self.server.double.clock(), usegmt=True), "server": "nginx",
            "x-amz-request-id": f"{random.getrandbits(64):016x}",
            "content-length": "0" if no_body else str(len(answer.body)), **given,
        }
        if answer.status in (204, 304):
            del headers["content-length"]
        self.send_response_only(answer.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if not no_body:
            self.wfile.write(answer.body)
            self.close_connection |= int(headers["content-length"]) != len(answer.body)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = answer  # noqa: N815

    def _read(self) -> Seen:
        headers = {name.lower(): ", ".join(self.headers.get_all(name, [])) for name in self.headers}
        trailers: dict[str, str] = {}
        if "chunked" in headers.get("transfer-encoding", ""):
            body, _ = _dechunk(self.rfile)
        else:
            body = self.rfile.read(int(headers.get("content-length", 0)))
        if headers.get("x-amz-content-sha256") == "STREAMING-UNSIGNED-PAYLOAD-TRAILER":
            body, trailers = _dechunk(io.BytesIO(body))
        path, _, query = self.path.partition("?")
        inside = path[1:]
        if in_host := re.match(r"(.+)\.s3\.[a-z0-9-]+\.backblazeb2\.com", headers.get("host", "")):
            inside = f"{in_host[1]}/{inside}"  # the bucket may stand before the host's name
        bucket, _, key = inside.partition("/")
        return Seen(self.command, path, dict(parse_qsl(query, keep_blank_values=True)),
                    {**trailers, **headers}, unquote(bucket), unquote(key), body)

    def log_message(self, *_: Any) -> None:
        """Say nothing: what arrived is in B2Double.seen."""
