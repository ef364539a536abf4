"""moto's answers, mended where they differ from those of S3. The bytes are no matter here.

Source of the rules: AWS docs, S3 API Reference, the page of each action.

This file is given: a reset may replace it, so write your own code in main.py.
"""

import base64
import re
import sys
from typing import Any
from xml.parsers.expat import ExpatError

from botocore.awsrequest import AWSPreparedRequest
from botocore.compat import HTTPHeaders
from moto.core.request import normalize_request
from moto.s3.exceptions import (
    EntityTooSmall,
    InvalidArgumentError,
    InvalidContinuationToken,
    InvalidPart,
    InvalidPartOrder,
    MalformedXML,
    MethodNotAllowed,
    MissingKey,
    PreconditionFailed,
    RangeNotSatisfiable,
)
from moto.s3.models import FakeDeleteMarker, FakeKey, FakeMultipart, S3Backend
from moto.s3.responses import S3Response
from werkzeug.exceptions import HTTPException

from .asked import Answer, make_error, read_bucket, read_key, read_query, read_source
from .conditions import CONDITIONS, is_unchanged

SMALLEST_PART = 5 * 1024 * 1024  # bytes, of all parts but the last
MOST_PARTS = 10_000
SIZES_OF_LISTS = ("max-keys", "max-parts", "max-uploads")


class MendedBackend(S3Backend):
    """moto's memory of buckets and objects."""

    def get_object(
        self,
        bucket_name: str,
        key_name: str,
        version_id: str | None = None,
        part_number: Any = None,
        return_delete_marker: bool = False,
    ) -> FakeKey | None:
        """Return an object, or one part of it. Raises RangeNotSatisfiable if it has no such."""
        whole = super().get_object(
            bucket_name, key_name, version_id, return_delete_marker=return_delete_marker
        )
        if not part_number or not isinstance(whole, FakeKey) or not whole.multipart:
            return whole
        if part_number not in whole.multipart.parts:
            raise RangeNotSatisfiable
        return whole.multipart.parts[part_number]

    def delete_object(
        self, bucket_name: str, key_name: str, version_id: str | None = None, bypass: bool = False
    ) -> Any:
        """Erase a version, or put a delete marker; tell if what was erased is a marker."""
        versions = self.get_bucket(bucket_name).keys.getlist(key_name, [])
        done, headers = super().delete_object(bucket_name, key_name, version_id, bypass)
        for version in versions:
            if isinstance(version, FakeDeleteMarker) and version.version_id == version_id:
                headers["delete-marker"] = "true"
        return done, headers

    def list_objects(
        self,
        bucket: Any,
        prefix: str | None,
        delimiter: str | None,
        marker: str | None,
        max_keys: int | None,
    ) -> Any:
        """Return objects, folders, whether there are more, and the last name: sorted together."""
        prefix, most = prefix or "", sys.maxsize if max_keys is None else min(max_keys, 1000)
        objects: list[FakeKey] = []
        folders: list[str] = []
        last = None
        for name in sorted(bucket.keys):
            found = bucket.keys[name]
            if not name.startswith(prefix) or isinstance(found, FakeDeleteMarker):
                continue
            rest = name[len(prefix) :]
            is_below = bool(delimiter) and str(delimiter) in rest
            entry = f"{prefix}{rest.partition(delimiter)[0]}{delimiter}" if is_below else name
            if entry == last or (marker and entry <= marker):
                continue
            if len(objects) + len(folders) >= most:
                return objects, folders, most > 0, last if delimiter else None
            if is_below:
                folders.append(entry)
            else:
                objects.append(found)
            last = entry
        return objects, folders, False, None

    def list_objects_v2(
        self,
        bucket: Any,
        prefix: str | None,
        delimiter: str | None,
        continuation_token: str | None,
        start_after: str | None,
        max_keys: int,
    ) -> Any:
        """Return what is on a page, whether there is more, and a token: the last name.

        moto's own tokens are known to one program only. Raises InvalidContinuationToken.
        """
        if continuation_token:
            start_after = _read_token(continuation_token)
        page, has_more, token = super().list_objects_v2(
            bucket, prefix, delimiter, None, start_after, max_keys
        )
        if has_more:
            last: Any = list(page)[-1]
            name = last.name if isinstance(last, FakeKey) else last
            token = base64.urlsafe_b64encode(name.encode()).decode()
        return page, has_more, token

    def list_multipart_uploads(self, bucket_name: str) -> Any:
        """Return the uploads, sorted by their keys."""
        uploads = super().list_multipart_uploads(bucket_name)
        return {upload.id: upload for upload in sorted(uploads.values(), key=_key_of_upload)}

    def complete_multipart_upload(
        self, bucket_name: str, multipart_id: str, body: Any
    ) -> FakeKey | None:
        """Make one object of the parts. Raises KeyError, or as S3 answers."""
        asked = list(body)
        choose_parts(self.get_bucket(bucket_name).multiparts[multipart_id], asked)
        return super().complete_multipart_upload(bucket_name, multipart_id, iter(asked))


def _read_token(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token).decode()
    except ValueError:
        raise InvalidContinuationToken from None


def _key_of_upload(upload: FakeMultipart) -> str:
    return upload.key_name


def choose_parts(upload: FakeMultipart, asked: list[tuple[int, str]]) -> list[FakeKey]:
    """Return the parts that an upload is completed with; asked: their numbers and ETags.

    Raises MalformedXML, InvalidPartOrder, InvalidPart or EntityTooSmall.
    """
    numbers = [number for number, _ in asked]
    if not asked:
        raise MalformedXML
    if numbers != sorted(set(numbers)):
        raise InvalidPartOrder
    parts = [upload.parts.get(number) for number in numbers]
    for part, (_, etag) in zip(parts, asked, strict=True):
        if part is None or part.etag.strip('"') != etag.strip('"'):
            raise InvalidPart
    found = [part for part in parts if part]
    if any(part.size < SMALLEST_PART for part in found[:-1]):
        raise EntityTooSmall
    return found


class MotoResponse(S3Response):
    """moto's answer to one request, from a memory of ours and not from that of mock_aws."""

    def __init__(self, moto: S3Backend, conditions: dict[str, str], new: Any = None):
        super().__init__()
        self.moto = moto
        self.conditions = conditions  # the headers If-Match and so on, of a GET or HEAD
        self.new = new  # the body of the request, if it is in a file

    @property
    def backend(self) -> S3Backend:
        return self.moto

    def setup_class(self, *args: Any, **kwargs: Any) -> None:
        super().setup_class(*args, **kwargs)
        self.body: Any = self.new or self.body

    def _get_key(self, validate_storage_class: bool = True) -> tuple[FakeKey, bool]:
        key, version_id = read_key(self.uri), read_query(self.uri).get("versionId", [None])[0]
        for version in self.moto.get_bucket(self.bucket_name).keys.getlist(key, []):
            if isinstance(version, FakeDeleteMarker) and version.version_id == version_id:
                raise MethodNotAllowed
        stored, _ = super()._get_key(validate_storage_class)
        return stored, is_unchanged(stored, self.conditions)

    def head_object(self, bucket_name: str, query: Any, key_name: str, headers: Any) -> Any:
        answer = super().head_object(bucket_name, query, key_name, headers)
        if answer[0] >= 300:
            return answer
        stored = self.moto.head_object(bucket_name, key_name, query.get("versionId", [None])[0])
        try:
            is_known = bool(stored) and is_unchanged(stored, self.conditions)
        except PreconditionFailed:
            return 412, {}, ""
        return (304, {}, "") if is_known else answer

    def _bucket_response_delete_keys(self, *args: Any, **kwargs: Any) -> Any:
        status, headers, body = super()._bucket_response_delete_keys(*args, **kwargs)
        if b"<Quiet>true</Quiet>" in self.body:
            text = body.decode() if isinstance(body, bytes) else body
            body = re.sub(r"<Deleted>.*?</Deleted>", "", text, flags=re.DOTALL)
        return status, headers, body

    def get_object(self) -> Any:
        status, headers, body = super().get_object()
        number = self._get_int_param("partNumber")
        whole, _ = self._get_key()
        if status != 200 or not number or not whole.multipart:
            return status, headers, body
        parts = whole.multipart.parts
        if number not in parts:
            raise RangeNotSatisfiable
        start = sum(parts[earlier].size for earlier in parts if earlier < number)
        stop = start + parts[number].size
        headers["content-range"] = f"bytes {start}-{stop - 1}/{whole.size}"
        headers["content-length"] = str(stop - start)
        headers["x-amz-mp-parts-count"] = str(len(parts))
        return 206, headers, body[start:stop]

    def copy_object(self) -> Any:
        self._check_source()
        return super().copy_object()

    def upload_part_copy(self) -> Any:
        source = self._check_source()
        if source is None:
            raise MissingKey
        part = re.fullmatch(
            r"bytes=(\d+)-(\d+)", self.headers.get("x-amz-copy-source-range") or "bytes=0-0"
        )
        is_whole = "x-amz-copy-source-range" not in self.headers
        if not part or (not is_whole and not int(part[1]) <= int(part[2]) < source.size):
            raise InvalidArgumentError(
                "The range of the copy is not of the form bytes=first-last, or not in the object.",
                "x-amz-copy-source-range",
                self.headers.get("x-amz-copy-source-range", ""),
            )
        return super().upload_part_copy()

    def _check_source(self) -> FakeKey | None:
        """Return the object that is to be copied. Raises PreconditionFailed."""
        bucket, key, version = read_source(self.headers.get("x-amz-copy-source", ""))
        source = self.backend.get_object(bucket, key, version_id=version)
        if source is None:
            return None
        asked = {name: self.headers.get(f"x-amz-copy-source-{name}", "") for name in CONDITIONS}
        if is_unchanged(source, asked):
            raise PreconditionFailed("x-amz-copy-source")
        return source


def ask_moto(
    backend: S3Backend, method: str, url: str, headers: Any, body: Any, new: Any
) -> Answer:
    """Return moto's answer to a request, also where moto itself would stop with an error.

    url: with /bucket/key after any host. new: the body, if it is in a file; then body is empty.
    """
    for name in SIZES_OF_LISTS:
        size = read_query(url).get(name, ["0"])[0]
        if not size.isdigit():
            return make_error(400, "InvalidArgument", f"{name} is not a number from 0 on.")
    url = re.sub(r"([?&]max-\w+=)\d{4,}", r"\g<1>1000", url)  # no list is longer than 1,000
    refusal = _refuse_part(backend, method, url, headers)
    if refusal:
        return refusal
    conditions, kept = _sort_headers(method, headers)
    path = url.split("//", 1)[1].partition("/")[2]
    url = f"https://s3.amazonaws.com/{path}"  # the only address that moto knows on its own
    request = normalize_request(AWSPreparedRequest(method, url, kept, body, False))
    response = MotoResponse(backend, conditions, new)
    respond = response.key_response if read_key(url) else response.bucket_response
    try:
        return respond(request, request.raw_url, request.headers)
    except KeyError:  # for a multipart upload that it does not know
        return make_error(404, "NoSuchUpload", "There is no such upload.")
    except ExpatError:
        return make_error(400, "MalformedXML", "The XML in the request is not well-formed.")
    except HTTPException:
        return make_error(416, "InvalidRange", "The requested range is not satisfiable.")
    except NotImplementedError:
        return make_error(501, "NotImplemented", "The practice bucket cannot do this.")


def _sort_headers(method: str, headers: Any) -> tuple[dict[str, str], HTTPHeaders]:
    """Return the conditions of a GET or HEAD, and the headers that moto should see."""
    conditions: dict[str, str] = {}
    kept = HTTPHeaders()
    for name, value in headers.items():
        text = value.decode() if isinstance(value, bytes) else str(value)
        if method in ("GET", "HEAD") and name.lower() in CONDITIONS:
            conditions[name.lower()] = text
        elif not _is_ignored(name.lower(), text, is_copy="x-amz-copy-source" in headers):
            kept[name] = value
    return conditions, kept


def _refuse_part(backend: S3Backend, method: str, url: str, headers: Any) -> Answer | None:
    """Return how S3 refuses a number that no part has, and the upload of another key, or None."""
    asked, bucket = read_query(url), read_bucket(url)
    number = asked.get("partNumber", ["1"])[0]
    if not number.isdigit() or not 1 <= int(number) <= MOST_PARTS:
        return make_error(400, "InvalidArgument", "A part has a number from 1 to 10000.")
    if "partNumber" in asked and method in ("GET", "HEAD") and "range" in headers:
        return make_error(400, "InvalidRequest", "Ask for a part, or for a range; not for both.")
    uploads = backend.buckets[bucket].multiparts if bucket in backend.buckets else {}
    upload = uploads.get(asked.get("uploadId", [""])[0])
    if upload and upload.key_name != read_key(url):
        return make_error(404, "NoSuchUpload", "There is no such upload of this object.")
    return None


def _is_ignored(name: str, text: str, is_copy: bool) -> bool:
    """Tell whether a header counts for nothing: a range that is none, and a new checksum.

    moto would read all the bytes of a copy for its checksum; they have an MD5 already.
    """
    if name == "range":
        return not re.fullmatch(r"bytes=(\d+-\d*|-\d+)", text)
    return is_copy and name == "x-amz-checksum-algorithm"
