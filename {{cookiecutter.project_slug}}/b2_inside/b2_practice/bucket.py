"""The practice bucket answers boto3's requests in place of B2.

boto3 turns each call into an HTTP request. Just before it is sent, the request comes to
PracticeBucket.answer(), and moto answers it in this process, from its memory of the bucket.
What the call changed is then stored in the folder.

This file is given: a reset may replace it, so write your own code in main.py.
"""

import mimetypes
import re
import threading
import uuid
from datetime import datetime, timezone
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from b2_problems import SetupError
from b2_rules import (
    KEY_NAME_RULE,
    MOST_DELETED,
    MOST_DELETED_RULE,
    NOT_ON_B2,
    REFUSED,
    REFUSED_HEADERS,
    is_key_name,
)
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from moto.core.botocore_stubber import MockRawResponse
from moto.core.request import Request, normalize_request
from moto.s3.models import FakeBucket, FakeKey, S3Backend, s3_backends
from moto.s3.responses import S3Response

from .folder import PracticeFolder, stamp

if not hasattr(Request, "raw_url"):
    raise ImportError("this moto is older than requirements.txt asks for")

TROUBLE = "PracticeBucketTrouble"  # an answer with this code becomes a SetupError
ACCOUNT = "000000000000"

Answer = tuple[int, Any, Any]  # status, headers and body, as moto returns them


class PracticeBucket:
    """One folder, seen as a bucket."""

    def __init__(self, folder: Path, name: str):
        self.folder = PracticeFolder(folder)
        self.name = name
        self.lock = threading.RLock()  # boto3 uploads a large file in several threads
        self.moto = _Moto("us-east-1", ACCOUNT)
        self.moto.keep_part = self.keep_part
        self.bucket = FakeBucket(name, ACCOUNT, "us-east-1")
        self.bucket.versioning_status = "Enabled"  # B2 keeps every version
        self.moto.buckets[name] = self.bucket
        s3_backends.bucket_accounts.pop(name, None)  # this list is for mock_aws, not for us
        self.link_explained = False
        try:
            for key, note in self.folder.load().items():
                self._add(key, note)
        except OSError as error:
            raise SetupError("practice-folder", what=self.folder.describe(error)) from None

    def answer(self, request: Any, **_: Any) -> AWSResponse:
        """Answer a request from boto3, after saving what it changed in the folder."""
        with self.lock:
            self.moto.changed = []
            try:
                answer = self._find_answer(request)
                self._save_changes()
            except OSError as error:
                answer = _make_error(507, TROUBLE, self.folder.describe(error))
            except NotImplementedError:
                answer = _make_error(501, "NotImplemented", "The practice bucket cannot do this.")
        status, headers, body = answer
        return AWSResponse(request.url, status, headers, MockRawResponse(body))

    def explain_links(self, context: dict[str, Any], **_: Any) -> None:
        """Say, once, that a link to the practice bucket is only an example."""
        if context.get("is_presign_request") and not self.link_explained:
            self.link_explained = True
            print("Practice: a link like this only works with a real bucket.")

    def keep_part(self, part: FakeKey) -> None:
        """Put a part of a large upload on the disk until the upload is complete."""
        kept = self.folder.choose_file_to_keep()
        kept.write_bytes(part.value)
        _leave_on_disk(part, kept)

    def _find_answer(self, request: Any) -> Answer:
        self._look_again(_read_key(request.url))
        refusal = _find_refusal(request)
        if refusal:
            return refusal
        try:
            return self._ask_moto(request)
        except FileNotFoundError:  # somebody removes files while the program runs
            for key in list(self.folder.files):
                self._look_again(key)
            return self._ask_moto(request)

    def _ask_moto(self, request: Any) -> Answer:
        path = request.url.split("//", 1)[1].partition("/")[2]
        url = f"https://s3.amazonaws.com/{path}"  # the only address that moto knows on its own
        copy = AWSPreparedRequest(request.method, url, request.headers, request.body, False)
        moto_request = normalize_request(copy)
        response = MotoResponse(self.moto)
        respond = response.key_response if _read_key(url) else response.bucket_response
        try:
            return respond(moto_request, moto_request.raw_url, moto_request.headers)
        except KeyError:  # moto's, for a multipart upload that it does not know
            return _make_error(404, "NoSuchUpload", "There is no such upload.")

    # From the folder to moto.

    def _add(self, key: str, note: dict[str, Any]) -> None:
        versions = self.bucket.keys.getlist(key, [])
        self.bucket.keys.setlist(key, [*versions, self._make_object(key, note)])

    def _look_again(self, key: str) -> None:
        """Notice that a file was added, changed or removed by hand while the program runs."""
        file = self.folder.files.get(key)
        if file is None:
            self._look_for_new_file(key)
            return
        versions = self.bucket.keys.getlist(key)
        if not file.is_file():
            self.folder.forget(key)
            dict.pop(self.bucket.keys, key)
        elif stamp(file) != versions[-1]._value_buffer.stamp:
            versions[-1] = self._make_object(key, {"metadata": dict(versions[-1].metadata)})

    def _look_for_new_file(self, key: str) -> None:
        if not is_key_name(key):
            return
        file = self.folder.choose_file(key)
        if file.is_file():
            self.folder.add(key, file)
            self._add(key, {})

    def _make_object(self, key: str, note: dict[str, Any]) -> FakeKey:
        """Return what moto needs to know about a file; its bytes stay on the disk."""
        file = self.folder.files[key]
        found = FakeKey(
            key,
            b"",
            ACCOUNT,
            "us-east-1",
            is_versioned=True,
            version_id=str(uuid.uuid4()),
            bucket_name=self.name,
        )
        changed = datetime.fromtimestamp(file.stat().st_mtime, timezone.utc)
        found.last_modified = changed.replace(tzinfo=None)
        guess = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        found.set_metadata(note.get("metadata") or {"Content-Type": guess})
        if note.get("stamp") == stamp(file):
            found._etag = note["etag"]
        _leave_on_disk(found, file)
        return found

    # From moto to the folder, after each call that changed something.

    def _save_changes(self) -> None:
        """Save what the call changed, as far as possible; raise the first error."""
        errors: list[OSError] = []
        for key in self.moto.changed:
            errors += self._save(key)
        if errors:
            raise errors[0]

    def _save(self, key: str) -> list[OSError]:
        """Make the folder hold what moto holds under this key; if it cannot, undo the call.

        Returns the error in a list, or an empty list: the other keys are still saved.
        """
        versions = self.bucket.keys.getlist(key, [])
        newest = versions[-1] if versions else None
        file = self.folder.files.get(key)
        try:
            self._keep_older(file, versions[:-1])
            if not isinstance(newest, FakeKey):  # a delete marker, or nothing at all
                if file:
                    self.folder.remove(key)
            elif file is None or not _is_on_disk(newest, file):
                self._write(key, newest)
        except OSError as error:
            if newest is not None and not _is_on_disk(newest):
                versions.pop()
            if not versions:
                dict.pop(self.bucket.keys, key, None)
            return [error]
        return []

    def _write(self, key: str, newest: FakeKey) -> None:
        note = {"metadata": dict(newest.metadata), "etag": newest.etag.strip('"')}
        file = self.folder.write(key, newest._value_buffer, note)
        newest.multipart = None  # its parts are no longer needed
        _leave_on_disk(newest, file)

    def _keep_older(self, file: Path | None, versions: list[Any]) -> None:
        """Keep the bytes of the version whose file is about to be replaced or removed."""
        for version in versions:
            if file and file.is_file() and _is_on_disk(version, file):
                _leave_on_disk(version, self.folder.keep_older(file))


class _Moto(S3Backend):
    """moto's memory of the bucket, which also notes the keys that a call has changed."""

    changed: list[str]
    keep_part: Any  # what puts a part of a large upload on the disk

    def upload_part(self, *args: Any, **kwargs: Any) -> FakeKey:
        part = super().upload_part(*args, **kwargs)
        self.keep_part(part)
        return part

    def put_object(self, bucket_name: str, key_name: str, *args: Any, **kwargs: Any) -> FakeKey:
        stored = super().put_object(bucket_name, key_name, *args, **kwargs)
        self.changed.append(key_name)
        return stored

    def delete_object(self, bucket_name: str, key_name: str, *args: Any, **kwargs: Any) -> Any:
        answer = super().delete_object(bucket_name, key_name, *args, **kwargs)
        self.changed.append(key_name)
        return answer


class MotoResponse(S3Response):
    """moto's answer to one request, from our own memory and not from that of mock_aws."""

    def __init__(self, moto: S3Backend):
        super().__init__()
        self.moto = moto

    @property
    def backend(self) -> S3Backend:
        return self.moto


class _Body:
    """The bytes of an object, read from its file only when somebody asks for them."""

    def __init__(self, path: Path):
        self.path = path
        self.stamp = stamp(path)
        self.file: Any = None

    def seek(self, offset: int) -> None:
        self.close()
        self.file = open(self.path, "rb")
        self.file.seek(offset)

    def read(self, size: int = -1) -> bytes:
        data = self.file.read(size)
        if size < 0 or not data:
            self.close()
        return data

    def close(self) -> None:
        if self.file:
            self.file.close()
            self.file = None


def _leave_on_disk(stored: FakeKey, file: Path) -> None:
    stored._value_buffer.close()
    stored._value_buffer = _Body(file)
    stored.contentsize = stored._value_buffer.stamp[0]


def _is_on_disk(stored: Any, file: Path | None = None) -> bool:
    body = getattr(stored, "_value_buffer", None)
    return isinstance(body, _Body) and file in (None, body.path)


def _read_key(url: str) -> str:
    """Return the key in /bucket/key of an address, or "" for the bucket itself."""
    return unquote(urlsplit(url).path[1:].partition("/")[2])


def _find_refusal(request: Any) -> Answer | None:
    """Return how B2 refuses a request that it does not support, or None."""
    key = _read_key(request.url)
    asked = parse_qs(urlsplit(request.url).query, keep_blank_values=True)
    deleted = _list_names_to_delete(request) if "delete" in asked else []
    if len(deleted) > MOST_DELETED:
        return _refuse("bad request", why=MOST_DELETED_RULE)
    for name in [key, *asked.get("prefix", []), *deleted]:
        if name and not is_key_name(name):
            return _refuse("bad request", why=KEY_NAME_RULE)
    if NOT_ON_B2 & set(asked):
        return _refuse("not implemented")
    if request.method in ("GET", "HEAD"):
        return None
    if not key and request.method in ("PUT", "DELETE") and not asked:
        return _refuse_headers(request) or _refuse("not entitled")
    return _refuse_headers(request)


def _refuse_headers(request: Any) -> Answer | None:
    """Return how B2 refuses a header that it does not accept, or None."""
    for header, (fine, answer) in REFUSED_HEADERS.items():
        value = request.headers.get(header, "")
        if isinstance(value, bytes):
            value = value.decode()
        if value not in ("", fine):
            return _refuse(answer, name=header, value=value)
    return None


def _list_names_to_delete(request: Any) -> list[str]:
    """Return the names in the XML of delete_objects, even those that XML does not allow."""
    names = re.findall("<Key>([^<]*)</Key>", request.body.decode())
    return [unescape(name) for name in names]


def _refuse(answer: str, **words: str) -> Answer:
    """Return the answer with this name from the table REFUSED."""
    status, code, message = REFUSED[answer]
    return _make_error(status, code, message.format(**words))


def _make_error(status: int, code: str, message: str) -> Answer:
    text = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    return status, {"content-type": "application/xml"}, text.encode()
