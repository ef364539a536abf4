"""The practice bucket answers boto3's requests in place of B2.

boto3 turns each call into an HTTP request. Just before it is sent, the request comes to
PracticeBucket.answer(). That looks in the folder for what the call is about, lets moto answer
from its memory of the bucket, and stores in the folder what the call has changed.

This file is given: a reset may replace it, so write your own code in main.py.
"""

import base64
import threading
import uuid
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from b2_problems import SetupError
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from moto.core.botocore_stubber import MockRawResponse
from moto.core.request import Request
from moto.s3.models import FakeDeleteMarker, FakeKey

from .asked import (
    Answer,
    Checks,
    RefusalError,
    find_keys,
    find_refusal,
    is_upload,
    make_error,
    read_body,
    read_header,
    read_key,
)
from .folder import PIECE, NewFile, PracticeFolder, StoredFile
from .memory import (
    ACCOUNT,
    FileAnswer,
    FileBytes,
    PracticeMemory,
    body_of,
    put_on_disk,
)
from .mended import ask_moto

if not hasattr(Request, "raw_url"):
    raise ImportError("this moto is older than requirements.txt asks for")

TROUBLE = "PracticeBucketTrouble"  # an answer with this code becomes a SetupError
SMALL = 8 * 1024 * 1024  # bytes: an answer that is read at once
OF_THE_BODY = {"content-length", "transfer-encoding", "x-amz-content-sha256", "x-amz-trailer"}
TRIES = 5  # another program may change a file while moto answers


class PracticeBucket:
    """One folder, seen as a bucket."""

    def __init__(self, folder: Path, name: str):
        self.folder = PracticeFolder(folder)
        self.name = name
        self.link_explained = False
        self.start()
        try:
            self.folder.open()
        except OSError as error:
            raise SetupError("practice-folder", what=self.folder.describe(error)) from None

    def start(self) -> None:
        """Begin with an empty memory, also in a fork: other threads and their locks stay behind."""
        self.lock = threading.RLock()  # boto3 uploads a large file in several threads
        self.moto = PracticeMemory(self.folder, self.name)
        self.bucket = self.moto.bucket

    def answer(self, request: Any, **_: Any) -> AWSResponse:
        """Answer a request from boto3, after saving what it changed in the folder."""
        try:
            status, headers, body = self._find_answer(request)
        except OSError as error:
            status, headers, body = make_error(507, TROUBLE, self.folder.describe(error))
        except RefusalError as refused:
            status, headers, body = refused.answer
        raw: Any = FileAnswer(body) if isinstance(body, FileBytes) else MockRawResponse(body)
        return AWSResponse(request.url, status, headers, raw)

    def explain_links(self, context: dict[str, Any], **_: Any) -> None:
        """Say, once, that a link to the practice bucket is only an example."""
        if context.get("is_presign_request") and not self.link_explained:
            self.link_explained = True
            print("Practice: a link like this only works with a real bucket.")

    def _find_answer(self, request: Any) -> Answer:
        refusal = find_refusal(request)
        if refusal:
            raise RefusalError(refusal)
        new = self._receive(request) if is_upload(request) else None
        is_stored = False
        try:
            with self.lock:
                self.moto.md5s, self.moto.completed = {}, None
                answer = self._ask_moto(request, new)
                self._save_changes()
                is_stored = answer[0] < 300
                return answer
        finally:
            if new and not is_stored:
                new.drop()

    def _receive(self, request: Any) -> NewFile:
        """Put the body of a request in a file. No lock: a body may wait for another thread."""
        new, checks = self.folder.start_file(), Checks(request)
        try:
            for data in read_body(request):
                new.write(data)
                checks.add(data)
            new.finish()
            refusal = checks.find_refusal()
            if refusal:
                raise RefusalError(refusal)
        except BaseException:
            new.drop()
            raise
        for name, value in checks.values().items():
            if name in read_header(request, "x-amz-trailer") or name in request.headers:
                request.headers[name] = base64.b64encode(value).decode()
        return new

    def _ask_moto(self, request: Any, new: NewFile | None) -> Answer:
        for tries_left in reversed(range(TRIES)):
            self._look(request)
            try:
                headers, body = _for_moto(request, new)
                asked = (request.method, request.url, headers, body)
                return _read_small(ask_moto(self.moto, *asked, new))
            except FileNotFoundError:  # another program changed a file just then
                if not tries_left:
                    raise
        raise AssertionError("the last try returns or raises")

    # From the folder to moto.

    def _look(self, request: Any) -> None:
        """Make moto know the files that the request is about, as they are now."""
        if read_key(request.url) or request.method not in ("GET", "HEAD"):
            for key in find_keys(request):
                self._look_at(key, self.folder.find(key))
        elif request.method == "GET":  # a list
            found = self.folder.find_all()
            for key in [*found, *(set(self.bucket.keys) - set(found))]:
                self._look_at(key, found.get(key))

    def _look_at(self, key: str, file: StoredFile | None) -> None:
        """Make the newest version in moto's memory the one in the folder."""
        versions = list(self.bucket.keys.getlist(key, []))
        body = body_of(versions[-1]) if versions else None
        if body and file and (body.path, body.stamp) == (file.path, file.stamp):
            return
        if body:
            versions.pop()  # its bytes are gone
            if versions and not file:
                versions.append(FakeDeleteMarker(versions[-1]))
        if file:
            versions.append(self._make_object(key, file))
        dict.__setitem__(self.bucket.keys, key, versions)
        self._forget_if_empty(key)

    def _make_object(self, key: str, file: StoredFile) -> FakeKey:
        """Return what moto needs to know about a file; its bytes stay on the disk."""
        found = FakeKey(
            key,
            b"",
            ACCOUNT,
            "us-east-1",
            etag=file.etag,
            is_versioned=True,
            version_id=str(uuid.uuid4()),
            bucket_name=self.name,
        )
        changed = datetime.fromtimestamp(file.stamp.time / 1e9, timezone.utc)
        found.last_modified = changed.replace(tzinfo=None)
        found.set_metadata(dict(file.metadata))
        found.checksum_algorithm, found.checksum_value = file.checksum
        put_on_disk(found, file.path, file.stamp)
        return found

    # From moto to the folder, after each call that changed something.

    def _save_changes(self) -> None:
        """Save what the call changed, as far as possible; raise the first error."""
        errors: list[OSError] = []
        for key, md5 in self.moto.md5s.items():
            try:
                self._save(key, md5)
            except OSError as error:
                self._undo(key)
                errors.append(error)
        if errors:
            raise errors[0]
        if self.moto.completed:
            self.moto.forget_upload(self.moto.completed)

    def _save(self, key: str, md5: str) -> None:
        """Make the folder hold what moto holds under this key."""
        file = self.folder.find(key)
        newest: Any = self._keep_versions(key, file)
        body = body_of(newest)
        if body is None:  # a delete marker, or nothing at all
            self.folder.remove(key)
        elif file is None or body.path != file.path:
            note = {
                "etag": newest.etag.strip('"'),
                "md5": md5,
                "metadata": dict(newest.metadata),
                "checksum": [newest.checksum_algorithm, newest.checksum_value],
            }
            stored = self.folder.store(key, body.path, note)
            put_on_disk(newest, stored.path, stored.stamp)

    def _keep_versions(self, key: str, file: StoredFile | None) -> Any:
        """Keep the bytes of older versions, and forget those that are lost; return the newest.

        file: what is about to be replaced or removed; another program may have done that already.
        """
        versions = list(self.bucket.keys.getlist(key, []))
        kept = []
        for version in versions[:-1]:
            body = body_of(version)
            if body and file and (body.path, body.stamp) == (file.path, file.stamp):
                body.path = self.folder.keep(file) or body.path
            if body is None or self.folder.run_folder.has(body.path):
                kept.append(version)
        newest = versions[-1] if versions else None
        body = body_of(newest)
        if body and not body.path.exists():  # the folder .notes was removed meanwhile
            newest = None
        kept += [newest] if newest else []
        dict.__setitem__(self.bucket.keys, key, kept)
        self._forget_if_empty(key)
        return newest

    def _forget_if_empty(self, key: str) -> None:
        if not self.bucket.keys.getlist(key, []):
            dict.pop(self.bucket.keys, key, None)

    def _undo(self, key: str) -> None:
        """Forget a version that could not be stored."""
        versions = self.bucket.keys.getlist(key, [])
        body = body_of(versions[-1]) if versions else None
        if versions and (body is None or self.folder.run_folder.has(body.path)):
            self.moto.free([versions.pop()])
        self._forget_if_empty(key)


def _read_small(answer: Answer) -> Answer:
    """Return an answer with its bytes, unless they are many.

    The others are read later, and end with an error if another program changes the file meanwhile.
    """
    status, headers, body = answer
    most = SMALL if status == 200 else PIECE  # boto3 asks for ten parts of a large file at once
    if isinstance(body, FileBytes) and len(body) <= most:
        body = b"".join(body.pieces())
    return status, headers, body


def _for_moto(request: Any, new: NewFile | None) -> tuple[Any, Any]:
    """Return headers and body for moto; a body that is in a file is not one for moto."""
    headers = HTTPHeaders()
    for name, value in request.headers.items():
        if not new or name.lower() not in OF_THE_BODY:
            headers[name] = value
    return headers, b"" if new else request.body
