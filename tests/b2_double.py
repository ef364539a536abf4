"""A double of Backblaze B2's S3-compatible API: a real HTTP server on 127.0.0.1, for tests.

It checks keys and signatures, refuses what B2 refuses, and answers in B2's own words. Objects
are stored by moto, which is asked only after B2's rules have been applied. Nothing here but
MotoResponse (how moto is asked) comes from the template's own code, so a mistake in its rules is
not repeated here.

    double = B2Double()
    with serve(double) as port:
        ...  # boto3 with endpoint_url=f"http://127.0.0.1:{port}"
    assert double.versions("storage-tests") == []
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import random
import re
import threading
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import quote, unquote, urlencode
from xml.etree import ElementTree

from b2_answers import ROWS, Answer, Fault, Seen, error
from b2_practice.mended import MendedBackend, ask_moto
from botocore.compat import HTTPHeaders
from conftest import APPLICATION_KEY, KEY_ID
from moto.s3.models import FakeBucket, FakeKey, s3_backends

# What the console's three types of key may do, as far as this double checks it.
# Sources: read and write, HIGH: keys written down in public Terraform code (writeBuckets since
# 2025); the other two, LOW: what their names say.
READ_ONLY = frozenset({"listBuckets", "readBuckets", "listFiles", "readFiles", "shareFiles"})
WRITE_ONLY = frozenset({"listBuckets", "readBuckets", "writeFiles", "deleteFiles"})
READ_AND_WRITE = READ_ONLY | WRITE_ONLY | {"writeBuckets"}

# Sources of the rules: Backblaze docs, "S3-compatible API", "Buckets" and "Application keys";
# the shape of a key's ID: glossary of b2-sdk-python.
KEY_ID_SHAPE = r"00\d[0-9a-f]{22}"
BUCKET_NAME = r"(?![bB]2-)[A-Za-z0-9-]{6,63}"
ONLY_VALUE = {  # for a header that B2 knows, and the row that refuses every other value
    "x-amz-acl": ("private", "acl"),
    "x-amz-grant-full-control": (None, "header"),
    "x-amz-grant-read": (None, "header"),
    "x-amz-grant-read-acp": (None, "header"),
    "x-amz-grant-write": (None, "header"),
    "x-amz-grant-write-acp": (None, "header"),
    "x-amz-storage-class": ("STANDARD", "header"),
    "x-amz-server-side-encryption": ("AES256", "header"),
    "x-amz-tagging": (None, "header"),
    "if-match": (None, "not implemented"),
    "if-none-match": (None, "not implemented"),
}
NOT_OF_B2 = {
    "tagging",
    "policy",
    "policyStatus",
    "website",
    "accelerate",
    "requestPayment",
    "publicAccessBlock",
    "ownershipControls",
    "torrent",
    "restore",
    "select",
}
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


class Refused(Exception):  # noqa: N818
    """B2 refuses the request, with a row of the table."""

    def __init__(self, row: str, **words: Any):
        super().__init__(row)
        self.answer = error(row, **words)


class B2Double:
    """An account of B2 in one region, with its buckets and keys. See serve().

    region and keys may be changed; seen holds every request in order; fault, if given, is
    asked before anything else, and its Answer is sent instead; clock is the server's clock (UTC).
    """

    def __init__(self, buckets: Iterable[str] = ("storage-tests",)):
        self.region = "us-east-005"
        self.keys = {KEY_ID: Key(KEY_ID, APPLICATION_KEY)}
        self.seen: list[Seen] = []
        self.fault: Fault | None = None
        self.clock: Callable[[], datetime] = lambda: datetime.now(timezone.utc)
        self._lock = threading.RLock()  # moto was not made for several threads
        self._moto = _Moto(self)
        for name in buckets:
            self.add_bucket(name)

    def add_bucket(self, name: str) -> None:
        self._moto.add_bucket(name)

    def versions(self, bucket: str) -> list[tuple[str, str]]:
        """Return (key, version id) of everything that takes up storage, and of delete markers."""
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
        signature may be a wrong one: MED, goofys #739; but a key is known only in its own
        region, whose number is the third character of its ID: MED, all pairs in public agree.
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
        query = sorted(
            (quote(name, safe="-_.~"), quote(value, safe="-_.~"))
            for name, value in seen.query.items()
            if name != "X-Amz-Signature"
        )
        canonical = "\n".join(
            [
                seen.method,
                seen.path,
                "&".join(f"{name}={value}" for name, value in query),
                *(f"{name}:{' '.join(seen.headers.get(name, '').split())}" for name in names),
                "",
                ";".join(names),
                claim["payload"],
            ]
        )
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
    try:
        objects = ElementTree.fromstring(seen.body).iterfind("{*}Object")
    except ElementTree.ParseError:  # boto3 writes a control character as it is. The code is LOW
        raise Refused("bad request", why="The XML cannot be read.") from None
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
        needed = {
            "readBuckets" if reads else "writeBuckets" if asked or not deletes else "deleteBuckets"
        }
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
    _refuse_what_is_too_much(seen)
    for name, compute in CHECKSUMS.items():
        # Where a multipart upload ends, the checksum is that of the whole object.
        sent = "" if seen.key and seen.method == "POST" else seen.headers.get(name)
        if sent and base64.b64decode(sent) != compute(seen.body):
            raise Refused("bad digest")


def _refuse_what_is_too_much(seen: Seen) -> None:
    """Source for metadata: Backblaze docs, "File information". HIGH; for versioning: LOW"""
    if "versioning" in _asked(seen) and b"Suspended" in seen.body:
        raise Refused("bad request", why="Versioning cannot be suspended.")
    metadata = {name[11:]: value for name, value in seen.headers.items() if "x-amz-meta-" in name}
    if sum(len(name) + len(value) for name, value in metadata.items()) > 7000:
        raise Refused("bad request", why="The metadata is too long.")


# Storage.


class _Moto(MendedBackend):
    """moto's memory; B2's versions have their own IDs and times."""

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
            # moto takes the region from here, and expects an AWS region.
            "authorization": f"{ALGORITHM} Credential=any/20260101/us-east-1/s3/aws4_request",
        }
        dropped = "host|transfer-|expect|x-amz-(content|checksum|sdk|trailer)"  # no longer needed
        headers = {
            name: value for name, value in headers.items() if value and not re.match(dropped, name)
        }
        status, given, body = ask_moto(
            self, seen.method, url, HTTPHeaders.from_dict(headers), seen.body, None
        )
        body = body.encode() if isinstance(body, str) else body
        for row in ("no key", "not empty", "no upload", "not implemented"):
            if status >= 400 and f"<Code>{ROWS[row].code}<".encode() in body:
                return error(row)
        kept = {
            name: str(value)
            for name, value in given.items()
            if name.lower() not in ("date", "server")
        }
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
