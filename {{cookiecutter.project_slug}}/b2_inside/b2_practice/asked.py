"""What a request asks for: its key, its body, and whether B2 would refuse it.

This file is given: a reset may replace it, so write your own code in main.py.
"""

import base64
import binascii
import hashlib
import io
import re
import zlib
from html import unescape
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from b2_rules import (
    KEY_NAME_RULE,
    MOST_DELETED,
    MOST_DELETED_RULE,
    MOST_METADATA,
    MOST_METADATA_RULE,
    NOT_ON_B2,
    REFUSED,
    REFUSED_HEADERS,
    is_key_name,
)

from .folder import PIECE

Answer = tuple[int, Any, Any]  # status, headers and body, as moto returns them
CRC32, SHA1, SHA256 = (f"x-amz-checksum-{name}" for name in ("crc32", "sha1", "sha256"))


class RefusalError(Exception):
    """The request is answered with an error."""

    def __init__(self, answer: Answer):
        super().__init__(answer)
        self.answer = answer


def make_error(status: int, code: str, message: str) -> Answer:
    """Return an answer as S3 words its errors."""
    text = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    return status, {"content-type": "application/xml"}, text.encode()


def refuse(answer: str, **words: str) -> Answer:
    """Return the answer with this name from the table REFUSED."""
    status, code, message = REFUSED[answer]
    return make_error(status, code, message.format(**words))


def read_key(url: str) -> str:
    """Return the key in /bucket/key of an address, or "" for the bucket itself."""
    return unquote(urlsplit(url).path[1:].partition("/")[2])


def read_bucket(url: str) -> str:
    """Return the bucket in /bucket/key of an address."""
    return unquote(urlsplit(url).path[1:].partition("/")[0])


def read_query(url: str) -> dict[str, list[str]]:
    """Return what is asked after the ? of an address."""
    return parse_qs(urlsplit(url).query, keep_blank_values=True)


def read_header(request: Any, name: str) -> str:
    """Return a header as text, or ""."""
    value = request.headers.get(name, "")
    return value.decode() if isinstance(value, bytes) else value


def read_source(header: str) -> tuple[str, str, str | None]:
    """Return the bucket, the key and the version in an x-amz-copy-source header."""
    address = urlsplit(header)
    bucket, _, key = unquote(address.path).lstrip("/").partition("/")
    return bucket, key, parse_qs(address.query).get("versionId", [None])[0]


def find_keys(request: Any) -> list[str]:
    """Return the keys whose objects the answer depends on, or changes."""
    _, source, _ = read_source(read_header(request, "x-amz-copy-source"))
    keys = [read_key(request.url), source]
    if "delete" in read_query(request.url):
        keys += list_names_to_delete(request)
    return [key for key in keys if key]


def is_upload(request: Any) -> bool:
    """Tell whether the body of a request is an object, or a part of one."""
    others = set(read_query(request.url)) - {"uploadId", "partNumber", "x-id"}
    is_copy = read_header(request, "x-amz-copy-source")
    return bool(request.method == "PUT" and read_key(request.url) and not others and not is_copy)


def list_names_to_delete(request: Any) -> list[str]:
    """Return the names in the XML of delete_objects, even those that XML does not allow."""
    names = re.findall("<Key>([^<]*)</Key>", request.body.decode())
    return [unescape(name) for name in names]


# Refusals.


def find_refusal(request: Any) -> Answer | None:
    """Return how B2 refuses a request that it does not support, or None."""
    key, asked = read_key(request.url), read_query(request.url)
    deleted = list_names_to_delete(request) if "delete" in asked else []
    if len(deleted) > MOST_DELETED:
        return refuse("bad request", why=MOST_DELETED_RULE)
    for name in [key, *asked.get("prefix", []), *deleted]:
        if name and not is_key_name(name):
            return refuse("bad request", why=KEY_NAME_RULE)
    if NOT_ON_B2 & set(asked):
        return refuse("not implemented")
    if request.method in ("GET", "HEAD"):
        return None
    if not key and request.method in ("PUT", "DELETE") and not asked:
        return _refuse_headers(request) or refuse("not entitled")
    return _refuse_headers(request) or _refuse_body(request)


def _refuse_headers(request: Any) -> Answer | None:
    """Return how B2 refuses a header that it does not accept, or None."""
    for header, (fine, answer) in REFUSED_HEADERS.items():
        value = read_header(request, header)
        if value not in ("", fine):
            return refuse(answer, name=header, value=value)
    metadata = [name for name in request.headers if name.lower().startswith("x-amz-meta-")]
    size = sum(
        len(name) - len("x-amz-meta-") + len(read_header(request, name).encode())
        for name in metadata
    )
    return refuse("bad request", why=MOST_METADATA_RULE) if size > MOST_METADATA else None


def _refuse_body(request: Any) -> Answer | None:
    """Return how B2 refuses a setting, or None."""
    if "versioning" in read_query(request.url) and b"Suspended" in (request.body or b""):
        return refuse("bad request", why="Versioning cannot be suspended.")
    return None


# The body.


def read_body(request: Any) -> Any:
    """Yield the bytes of an object, in pieces, as B2 would get them."""
    body = request.body or b""
    file = body if hasattr(body, "read") else io.BytesIO(_bytes_of(body))
    left = _length_of(request)
    if "aws-chunked" in read_header(request, "content-encoding") and not isinstance(body, bytes):
        yield from _read_chunks(request, file)
        return
    while left is None or left > 0:
        data = file.read(PIECE if left is None else min(PIECE, left))
        if not data:
            break
        yield data
        left = None if left is None else left - len(data)


def _bytes_of(body: Any) -> Any:
    return body.encode() if isinstance(body, str) else body


def _length_of(request: Any) -> int | None:
    length = read_header(request, "content-length")
    return int(length) if length.isdigit() else None


def _read_chunks(request: Any, file: Any) -> Any:
    """Yield the bytes of a body in chunks, each after its size; a checksum comes last.

    Source: AWS docs, S3 API Reference, "Streaming uploads: trailing headers".
    """
    text = io.BufferedReader(_Readable(file), PIECE)
    while size := int(text.readline().split(b";")[0], 16):
        while size:
            data = text.read(min(PIECE, size))
            size -= len(data)
            yield data
        text.readline()
    for line in text:
        name, _, value = line.decode().strip().partition(":")
        if value:
            request.headers[name] = value


class _Readable(io.RawIOBase):
    """Anything with read(), as a file that can be read by lines."""

    def __init__(self, file: Any):
        self.file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self.file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


class Checks:
    """Compares a body with the checksums that came with it."""

    def __init__(self, request: Any):
        self.request = request
        self.size = 0
        self.crc32 = 0
        self.sums = {"content-md5": hashlib.md5(usedforsecurity=False)}
        wanted = " ".join([*request.headers, read_header(request, "x-amz-trailer")]).lower()
        wanted += f" x-amz-checksum-{read_header(request, 'x-amz-sdk-checksum-algorithm').lower()}"
        if SHA1 in wanted:
            self.sums[SHA1] = hashlib.sha1(usedforsecurity=False)
        if SHA256 in wanted:
            self.sums[SHA256] = hashlib.sha256()
        self.has_crc32 = CRC32 in wanted

    def add(self, data: bytes) -> None:
        """Take some more of the body."""
        self.size += len(data)
        for found in self.sums.values():
            found.update(data)
        if self.has_crc32:
            self.crc32 = zlib.crc32(data, self.crc32)

    def find_refusal(self) -> Answer | None:
        """Return how B2 refuses the body, or None."""
        length = _length_of(self.request)
        if (
            length is not None
            and self.size < length
            and "aws-chunked" not in read_header(self.request, "content-encoding")
        ):
            return make_error(400, "IncompleteBody", "The request body is shorter than it says.")
        for name, value in self.values().items():
            sent = read_header(self.request, name)
            try:
                if sent and base64.b64decode(sent, validate=True) != value:
                    return refuse("bad digest")
            except binascii.Error:
                return make_error(400, "InvalidDigest", f"{name} is not a checksum in base64.")
        return None

    def values(self) -> dict[str, bytes]:
        """Return the checksums of what came: header -> bytes."""
        found = {name: sums.digest() for name, sums in self.sums.items()}
        if self.has_crc32:
            found[CRC32] = self.crc32.to_bytes(4, "big")
        return found
