"""The practice bucket: boto3 without an account; the files lie in the folder practice-bucket/.

boto3 turns each call into an HTTP request. Just before it is sent, the request comes to
PracticeBucket.answer() in this file, and moto (docs.getmoto.org) answers it in place of
the server. So nothing leaves this computer. What a call changed is in the folder before
the call returns. Older versions of a file are there until the program ends.

This file is given: a reset may replace it, so write your own code in main.py.
"""

import errno
import hashlib
import json
import mimetypes
import os
import re
import shutil
import tempfile
import threading
import time
import unicodedata
import uuid
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit
from xml.sax.saxutils import escape

from b2_rules import KEY_NAME_RULE, REFUSED, REFUSED_HEADERS, SetupError, is_key_name
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from moto.core.botocore_stubber import MockRawResponse
from moto.core.models import botocore_stubber
from moto.core.request import Request, normalize_request
from moto.s3.models import FakeBucket, FakeKey, S3Backend, s3_backends
from moto.s3.responses import S3Response

if not hasattr(Request, "raw_url"):
    raise ImportError("this moto is older than requirements.txt asks for")

NOTES = ".notes"  # a folder for what a file cannot hold itself: its key, type and metadata
JUNK = {".DS_Store", "Thumbs.db", "desktop.ini"}  # what file managers leave in every folder
TROUBLE = "PracticeBucketTrouble"  # an answer with this code becomes a SetupError
ACCOUNT = "000000000000"

DISK_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}
NO_PERMISSION = {errno.EACCES, errno.EPERM, errno.EROFS}

_buckets: dict[tuple[Path, str], "PracticeBucket"] = {}
_joining = threading.Lock()


def join_practice_bucket(client: Any, folder: Path, name: str) -> None:
    """Let the practice bucket answer all calls of this boto3 client, and of no other.

    client: a boto3 S3 client. folder: where the files are; it is made when it is needed.
    name: the name of the bucket. Raises SetupError when the folder cannot be read.
    """
    with _joining:
        bucket = _buckets.get((folder, name))
        if bucket is None:
            bucket = _buckets[(folder, name)] = PracticeBucket(folder, name)
            print(f"Practice: no keys in .env yet, so files go to the folder {folder.name}.")
    events = client.meta.events
    events.unregister("before-send", botocore_stubber)  # a test's mock_aws is not for this client
    events.register("before-send.s3", bucket.answer)
    events.register("after-call.s3", _raise_trouble)
    events.register("before-parameter-build.s3", bucket.explain_links)


def _raise_trouble(parsed: dict[str, Any], **_: Any) -> None:
    error = parsed.get("Error", {})
    if error.get("Code") == TROUBLE:
        raise SetupError(error["Message"])


class PracticeBucket:
    """One folder, seen as a bucket."""

    def __init__(self, folder: Path, name: str):
        self.folder = folder
        self.notes = folder / NOTES
        self.name = name
        self.lock = threading.RLock()  # boto3 uploads a large file in several threads
        self.moto = _Moto("us-east-1", ACCOUNT)
        self.moto.keep_part = self.keep_part
        self.bucket = FakeBucket(name, ACCOUNT, "us-east-1")
        self.bucket.versioning_status = "Enabled"  # B2 keeps every version
        self.moto.buckets[name] = self.bucket
        s3_backends.bucket_accounts.pop(name, None)  # this list is for mock_aws, not for us
        self.files: dict[str, Path] = {}  # key -> its file
        self.taken: set[str] = set()  # the names of these files, as _folded() compares them
        self.older: tempfile.TemporaryDirectory[str] | None = None
        self.link_explained = False
        try:
            self._load()
        except OSError as error:
            raise SetupError(_plain_words(error, folder)) from None

    def answer(self, request: Any, **_: Any) -> AWSResponse:
        """Answer a request of boto3, once the folder has what it changed."""
        with self.lock:
            self.moto.changed = []
            try:
                self._look_again(_key_of(request.url))
                try:
                    status, headers, body = _refusal(request) or self._ask_moto(request)
                except FileNotFoundError:  # somebody removes files while the program runs
                    for key in list(self.files):
                        self._look_again(key)
                    status, headers, body = self._ask_moto(request)
                if errors := [error for key in self.moto.changed for error in self._save(key)]:
                    raise errors[0]
            except OSError as error:
                status, headers, body = _error(507, TROUBLE, _plain_words(error, self.folder))
            except NotImplementedError:
                status, headers, body = _error(501, "NotImplemented", "Practice cannot do this.")
            except KeyError:  # moto's, for a multipart upload that it does not know
                status, headers, body = _error(404, "NoSuchUpload", "There is no such upload.")
        return AWSResponse(request.url, status, headers, MockRawResponse(body))

    def _ask_moto(self, request: Any) -> tuple[int, Any, Any]:
        path = request.url.split("//", 1)[1].partition("/")[2]
        url = f"https://s3.amazonaws.com/{path}"  # the only address that moto knows by itself
        copy = AWSPreparedRequest(request.method, url, request.headers, request.body, False)
        moto_request = normalize_request(copy)
        response = _Response(self.moto)
        respond = response.key_response if _key_of(url) else response.bucket_response
        return respond(moto_request, moto_request.raw_url, moto_request.headers)

    def explain_links(self, context: dict[str, Any], **_: Any) -> None:
        """Say, once, that a link of the practice bucket is only for looking at."""
        if context.get("is_presign_request") and not self.link_explained:
            self.link_explained = True
            print("Practice: a link like this opens only with a real bucket.")

    # From the folder to moto, when the program starts.

    def _load(self) -> None:
        self._forget_old_runs()
        notes = self._read_notes()
        for path in _files_in(self.folder):
            place = path.relative_to(self.folder).as_posix()
            note = notes.get(place, {})
            key = note.get("key", place)
            if is_key_name(key) and key not in self.files:
                self._add(key, path, note)
            else:
                print(f"Practice: {place!a} is left out, because B2 takes no such name.")

    def _add(self, key: str, path: Path, note: dict[str, Any]) -> None:
        versions = self.bucket.keys.getlist(key, [])
        self.bucket.keys.setlist(key, [*versions, self._object_for(key, path, note)])
        self._note_place(key, path)

    def _look_again(self, key: str) -> None:
        """Notice that a file was added, changed or removed by hand while the program runs."""
        path = self.files.get(key)
        if path is None:
            if is_key_name(key) and (place := self._place_for(key)).is_file():
                self._add(key, place, {})
            return
        versions = self.bucket.keys.getlist(key)
        if not path.is_file():
            self._forget_place(key)
            dict.pop(self.bucket.keys, key)
        elif _stamp(path) != versions[-1]._value_buffer.stamp:
            note = {"metadata": dict(versions[-1].metadata)}
            versions[-1] = self._object_for(key, path, note)

    def _note_place(self, key: str, path: Path) -> None:
        self.files[key] = path
        self.taken.add(_folded(path))

    def _forget_place(self, key: str) -> None:
        self.taken.discard(_folded(self.files.pop(key)))

    def _forget_old_runs(self) -> None:
        """Clear what programs left that were killed, not what another one is using now."""
        for rest in [*self.notes.glob("older-*"), *self.notes.glob("*.part-*")]:
            if time.time() - rest.stat().st_mtime > 24 * 3600:
                if rest.is_dir():
                    shutil.rmtree(rest, ignore_errors=True)
                else:
                    rest.unlink(missing_ok=True)

    def _read_notes(self) -> dict[str, dict[str, Any]]:
        notes = {}
        for note_file in self.notes.glob("*.json"):
            try:
                note = json.loads(note_file.read_text(encoding="utf-8"))
                good = is_key_name(note["key"]) and isinstance(note["etag"], str)
                if good and all(isinstance(word, str) for word in note["metadata"].values()):
                    notes[note["file"]] = note
            except (ValueError, KeyError, TypeError, AttributeError):
                continue  # without its note, a file still counts, under its own name
        return notes

    def _object_for(self, key: str, path: Path, note: dict[str, Any]) -> FakeKey:
        """Return what moto needs to know of a file; its bytes stay on the disk."""
        found = FakeKey(
            key, b"", ACCOUNT, "us-east-1",
            is_versioned=True, version_id=str(uuid.uuid4()), bucket_name=self.name,
        )
        changed = datetime.fromtimestamp(path.stat().st_mtime, timezone.utc)
        found.last_modified = changed.replace(tzinfo=None)
        guess = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        found.set_metadata(note.get("metadata") or {"Content-Type": guess})
        if note.get("stamp") == _stamp(path):
            found._etag = note["etag"]
        _leave_on_disk(found, path)
        return found

    # From moto to the folder, after each call that changed something.

    def _save(self, key: str) -> list[OSError]:
        """Make the folder hold what moto holds under this key; if it cannot, undo the call.

        Returns the error in the way, if there was one: other keys are saved all the same.
        """
        versions = self.bucket.keys.getlist(key, [])
        newest = versions[-1] if versions else None
        path = self.files.get(key)
        try:
            self._keep_older(path, versions[:-1])
            if not isinstance(newest, FakeKey):  # a delete marker, or nothing at all
                if path:
                    self._remove(key, path)
            elif path is None or not _is_on_disk(newest, path):
                self._write(key, newest, path or self._place_for(key))
        except OSError as error:
            if newest is not None and not _is_on_disk(newest):
                versions.pop()
            if not versions:
                dict.pop(self.bucket.keys, key, None)
            return [error]
        return []

    def _write(self, key: str, newest: FakeKey, path: Path) -> None:
        """Write the bytes under another name first, so that no reader ever sees half a file."""
        note_file = self._note_file(key)
        note_file.parent.mkdir(parents=True, exist_ok=True)
        part = note_file.with_suffix(f".part-{uuid.uuid4()}")
        try:
            with open(part, "wb") as file:
                newest._value_buffer.seek(0)
                shutil.copyfileobj(newest._value_buffer, file)
            note = {
                "key": key,
                "file": path.relative_to(self.folder).as_posix(),
                "metadata": dict(newest.metadata),
                "etag": newest.etag.strip('"'),
                "stamp": _stamp(part),
            }
            new_note = part.with_suffix(part.suffix + "-note")
            new_note.write_text(json.dumps(note), encoding="utf-8")
            os.replace(new_note, note_file)
            path.parent.mkdir(parents=True, exist_ok=True)
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)
        self._note_place(key, path)
        newest.multipart = None  # its parts are needed no more
        _leave_on_disk(newest, path)

    def _remove(self, key: str, path: Path) -> None:
        path.unlink(missing_ok=True)
        self._note_file(key).unlink(missing_ok=True)
        self._forget_place(key)
        for parent in path.parents:
            if parent == self.folder or (parent.is_dir() and any(parent.iterdir())):
                break
            if parent.is_dir():
                parent.rmdir()

    def _keep_older(self, path: Path | None, versions: list[Any]) -> None:
        """Keep the bytes of the version whose file is about to be replaced or removed."""
        for version in versions:
            if path and isinstance(version, FakeKey) and _is_on_disk(version, path):
                if not path.is_file():  # removed by hand
                    continue
                kept = self._place_to_keep()
                try:
                    os.link(path, kept)
                except OSError:  # not every disk can give a file two names
                    shutil.copyfile(path, kept)
                _leave_on_disk(version, kept)

    def keep_part(self, part: FakeKey) -> None:
        """Put a part of a large upload on the disk until the upload is complete."""
        kept = self._place_to_keep()
        kept.write_bytes(part.value)
        _leave_on_disk(part, kept)

    def _place_to_keep(self) -> Path:
        """Return the name for a file that is gone when the program ends."""
        if self.older is None or not Path(self.older.name).is_dir():
            self.notes.mkdir(parents=True, exist_ok=True)
            self.older = tempfile.TemporaryDirectory(
                prefix="older-", dir=self.notes, ignore_cleanup_errors=True
            )
        return Path(self.older.name) / str(uuid.uuid4())

    def _note_file(self, key: str) -> Path:
        return self.notes / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json"

    # Which file a key gets.

    def _place_for(self, key: str) -> Path:
        """Return the file for a new key: the same name if that is safe, else an escaped one."""
        path = self.folder.joinpath(*key.split("/"))
        folders = [parent for parent in path.parents if self.folder in parent.parents]
        if (
            len(key) <= 150
            and all(_is_safe_name(part) for part in key.split("/"))
            and all(_is_own_folder(parent) for parent in folders if os.path.lexists(parent))
            and not path.is_dir()
            and _folded(path) not in self.taken
        ):
            return path
        escaped = f"~{quote(key, safe='')[:80]}~{hashlib.sha256(key.encode()).hexdigest()[:12]}"
        while _folded(self.folder / escaped) in self.taken:
            escaped += "~"
        return self.folder / escaped


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


class _Response(S3Response):
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
        self.stamp = _stamp(path)
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


def _stamp(path: Path) -> list[int]:
    """Return what changes when somebody writes to a file."""
    stat = path.stat()
    return [stat.st_size, stat.st_mtime_ns]


def _leave_on_disk(stored: FakeKey, path: Path) -> None:
    stored._value_buffer.close()
    stored._value_buffer = _Body(path)
    stored.contentsize = stored._value_buffer.stamp[0]


def _is_on_disk(stored: FakeKey, path: Path | None = None) -> bool:
    body = getattr(stored, "_value_buffer", None)
    return isinstance(body, _Body) and path in (None, body.path)


def _files_in(folder: Path) -> list[Path]:
    files = []
    for place, folders, names in os.walk(folder):
        if Path(place) == folder and NOTES in folders:
            folders.remove(NOTES)
        files += [Path(place) / name for name in names if name not in JUNK]
    return sorted(path for path in files if path.is_file())


def _is_own_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _folded(path: Path) -> str:
    """Return a path as Windows and macOS compare it: capitals and accents do not tell apart."""
    return unicodedata.normalize("NFC", str(path)).casefold()


def _is_safe_name(name: str) -> bool:
    """Tell whether Windows, macOS and Linux all can have a file of this name.

    Source: Microsoft, "Naming Files, Paths, and Namespaces".
    """
    return (
        0 < len(name.encode()) <= 120
        and not re.search(r'[<>:"\\|?*\x00-\x1f\x7f]', name)
        and not name.endswith((".", " "))
        and not re.match(r"(con|prn|aux|nul|com\d|lpt\d|conin\$|conout\$)(\.|$)", name.lower())
        and name.lower() not in {junk.lower() for junk in JUNK} | {NOTES}
    )


def _key_of(url: str) -> str:
    """Return the key in /bucket/key of an address, or "" for the bucket itself."""
    return unquote(urlsplit(url).path[1:].partition("/")[2])


def _refusal(request: Any) -> tuple[int, Any, Any] | None:
    """Return B2's refusal of what B2 does not do, or None."""
    key = _key_of(request.url)
    if not is_key_name(key) and key:
        return _error(400, "InvalidRequest", KEY_NAME_RULE)
    if request.method in ("GET", "HEAD"):
        return None
    for name, (fine, answer) in REFUSED_HEADERS.items():
        value = request.headers.get(name, "")
        value = value.decode() if isinstance(value, bytes) else value
        if value not in ("", fine):
            status, code, message = REFUSED[answer]
            return _error(status, code, message.format(name=name, value=value))
    settings = parse_qs(urlsplit(request.url).query, keep_blank_values=True)
    if {"tagging", "policy", "website"} & set(settings):
        return _error(*REFUSED["not implemented"])
    if not key and request.method in ("PUT", "DELETE") and not settings:
        return _error(*REFUSED["not entitled"])
    return None


def _error(status: int, code: str, message: str) -> tuple[int, Any, Any]:
    text = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    return status, {"content-type": "application/xml"}, text.encode()


def _plain_words(error: OSError, folder: Path) -> str:
    """Return one sentence for what the disk refused."""
    if error.errno in DISK_FULL:
        return "The disk is full, so nothing was stored. Delete something, then run it again."
    if error.errno in NO_PERMISSION:
        return (
            f"This computer does not let you use {error.filename or folder}. Close other programs"
            " that use it, or move your project to a folder of your own."
        )
    return f"The folder {folder} cannot be used: {error.strerror}. Rename or delete it."
