"""moto's memory of the practice bucket; the bytes of its objects stay on the disk.

moto asks an object for its value, asks that for its length, and takes a part of it. So FileBytes
can do these things; the bytes are read when the answer is.

This file is given: a reset may replace it, so write your own code in main.py.
"""

import contextlib
import copy
import hashlib
import io
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from b2_problems import SetupError
from moto.s3.models import (
    FakeBucket,
    FakeKey,
    FakeMultipart,
    s3_backends,
)

from .folder import PIECE, NewFile, PracticeFolder, Stamp, stamp_of
from .mended import MendedBackend, choose_parts

ONE_READS = threading.Lock()  # boto3 has ten threads that read, and only one that writes
ACCOUNT = "000000000000"


class Body:
    """Where the bytes of an object are, in the place of moto's own buffer."""

    def __init__(self, path: Path, stamp: Stamp):
        self.path = path
        self.stamp = stamp

    def read_at(self, offset: int, size: int) -> bytes:
        """Return some of the bytes. Raises FileNotFoundError if the file has others by now."""
        while True:
            path = self.path
            try:
                with ONE_READS, open(path, "rb") as file:
                    if stamp_of(path) == self.stamp:
                        file.seek(offset)
                        return file.read(size)
            except FileNotFoundError:
                pass
            if path == self.path:  # else it was moved just now, by another thread
                raise FileNotFoundError(2, "Another program changed the file", str(path))

    def seek(self, offset: int) -> None:
        """Do nothing: this is for moto."""

    def read(self) -> Any:
        """Return the bytes, which are not read yet."""
        return FileBytes(self, 0, self.stamp.size)

    def close(self) -> None:
        """Do nothing: no file stays open, because Windows could not replace it."""


class FileBytes:
    """Bytes of an object, from one offset to another."""

    def __init__(self, body: Body, start: int, stop: int):
        self.body = body
        self.start = start
        self.stop = max(start, stop)

    def __len__(self) -> int:
        return self.stop - self.start

    def __getitem__(self, part: slice) -> Any:
        start, stop, _ = part.indices(len(self))
        return FileBytes(self.body, self.start + start, self.start + stop)

    def pieces(self) -> Any:
        """Yield the bytes, a megabyte at a time."""
        for offset in range(self.start, self.stop, PIECE):
            yield self.body.read_at(offset, min(PIECE, self.stop - offset))


class PracticeObject(FakeKey):
    """moto's object, whose bytes are in a file."""

    def __deepcopy__(self, memo: Any) -> FakeKey:
        """Return a copy without the bytes: moto makes one of each version in a list."""
        twin = PracticeObject.__new__(PracticeObject)
        twin.__dict__ = dict(self.__dict__)
        return twin


class FileAnswer(io.BufferedReader):
    """The body of an answer, which reads the file while boto3 reads the answer."""

    def __init__(self, data: FileBytes):
        super().__init__(_RawAnswer(data), buffer_size=PIECE // 16)

    def stream(self, amt: int = PIECE, **_: Any) -> Any:
        """Yield the bytes in pieces; boto3 calls this as it calls urllib3's."""
        while data := self.read(amt):
            yield data


class _RawAnswer(io.RawIOBase):
    def __init__(self, data: FileBytes):
        self.data = data
        self.offset = data.start

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.offset - self.data.start

    def readinto(self, buffer: Any) -> int:
        size = min(len(buffer), self.data.stop - self.offset)
        try:
            found = self.data.body.read_at(self.offset, size) if size else b""
        except FileNotFoundError as error:
            what = f"{error.filename} was changed or removed while your program was reading it."
            raise SetupError("practice-folder", what=what) from None
        buffer[: len(found)] = found
        self.offset += len(found)
        return len(found)


class PracticeMemory(MendedBackend):
    """moto's memory, which gets bytes as files, and notes the keys that a call has changed."""

    def __init__(self, folder: PracticeFolder, name: str):
        super().__init__("us-east-1", ACCOUNT)
        self.folder = folder
        self.md5s: dict[str, str] = {}  # of the objects that a call has changed; "": removed
        self.completed: FakeMultipart | None = None  # the upload that a call has completed
        self.bucket = FakeBucket(name, ACCOUNT, "us-east-1")
        self.bucket.versioning_status = "Enabled"  # B2 keeps every version
        self.buckets[name] = self.bucket
        s3_backends.bucket_accounts.pop(name, None)  # this list is for mock_aws, not for us

    def put_object(
        self, bucket_name: str, key_name: str, value: Any, *args: Any, **kwargs: Any
    ) -> FakeKey:
        new = self._have_file(value)
        if getattr(kwargs.get("multipart"), "id", None) not in self.bucket.multiparts:
            kwargs["multipart"] = None  # that of the object that is copied
        kwargs["etag"] = kwargs.get("etag") or new.md5.hexdigest()
        stored = super().put_object(bucket_name, key_name, b"", *args, **kwargs)
        put_on_disk(stored, new.path, stamp_of(new.path))
        self.md5s[key_name] = new.md5.hexdigest()
        return stored

    def delete_object(self, bucket_name: str, key_name: str, *args: Any, **kwargs: Any) -> Any:
        before = list(self.bucket.keys.getlist(key_name, []))
        answer = super().delete_object(bucket_name, key_name, *args, **kwargs)
        after = [id(version) for version in self.bucket.keys.getlist(key_name, [])]
        self.free([version for version in before if id(version) not in after])
        self.md5s.setdefault(key_name, "")
        return answer

    def upload_part(self, bucket_name: str, multipart_id: str, part_id: int, value: Any) -> FakeKey:
        new = self._have_file(value)
        parts = self.bucket.multiparts[multipart_id].parts
        earlier = [parts[part_id]] if part_id in parts else []
        part = super().upload_part(bucket_name, multipart_id, part_id, b"")
        part._etag = new.md5.hexdigest()
        put_on_disk(part, new.path, stamp_of(new.path))
        self.free(earlier)
        return part

    def upload_part_copy(
        self,
        dest_bucket_name: str,
        multipart_id: str,
        part_id: int,
        src_bucket_name: str,
        src_key_name: str,
        src_version_id: str | None,
        start_byte: int,
        end_byte: int,
    ) -> FakeKey:
        source = self.get_object(src_bucket_name, src_key_name, src_version_id)
        assert source
        value: Any = source.value
        if start_byte is not None:
            value = value[start_byte : end_byte + 1]
        return self.upload_part(dest_bucket_name, multipart_id, part_id, value)

    def complete_multipart_upload(self, bucket_name: str, multipart_id: str, body: Any) -> FakeKey:
        """Make one object of the parts. moto would have all of them in memory."""
        upload = self.bucket.multiparts[multipart_id]
        parts = choose_parts(upload, list(body))
        whole = self._fill_file(piece for part in parts for piece in part.value.pieces())
        md5s = b"".join(bytes.fromhex(part.etag.strip('"')) for part in parts)
        etag = f"{hashlib.md5(md5s, usedforsecurity=False).hexdigest()}-{len(parts)}"
        stored = self.put_object(bucket_name, upload.key_name, whole, etag=etag, multipart=upload)
        stored.set_metadata(upload.metadata)
        stored.set_acl(upload.acl)
        stored.multipart = copy.copy(upload)
        stored.multipart.parts = {part.name: part for part in parts}  # their sizes are asked for
        stored.multipart.partlist = sorted(stored.multipart.parts)
        self.completed = upload
        return stored

    def abort_multipart_upload(self, _bucket_name: str, multipart_id: str) -> None:
        """Forget an upload, and its parts. Raises KeyError."""
        self.forget_upload(self.bucket.multiparts[multipart_id])

    def forget_upload(self, upload: FakeMultipart) -> None:
        """Do so when the upload is completed, and its object is stored."""
        dict.pop(self.bucket.multiparts, upload.id)
        self.free(list(upload.parts.values()))

    def free(self, unused: list[Any]) -> None:
        """Remove the files of versions and parts, unless they are in the bucket."""
        for stored in unused:
            body = body_of(stored)
            if body and self.folder.run_folder.has(body.path):
                with contextlib.suppress(OSError):  # it goes when the program ends
                    body.path.unlink()

    def _have_file(self, value: Any) -> NewFile:
        """Return a finished file with these bytes."""
        if isinstance(value, NewFile):
            return value
        return self._fill_file(value.pieces() if isinstance(value, FileBytes) else [value])

    def _fill_file(self, pieces: Iterable[bytes]) -> NewFile:
        new = self.folder.start_file()
        try:
            for piece in pieces:
                new.write(piece)
            new.finish()
        except OSError:
            new.drop()
            raise
        return new


def put_on_disk(stored: FakeKey, path: Path, stamp: Stamp) -> None:
    """Tell moto's object that its bytes are in this file."""
    stored._value_buffer.close()
    stored.disposed = True  # there is nothing left to close
    stored.__class__ = PracticeObject
    stored._value_buffer = Body(path, stamp)
    stored.contentsize = stamp.size


def body_of(stored: Any) -> Body | None:
    """Return where the bytes of a version are, or None for a delete marker."""
    body = getattr(stored, "_value_buffer", None)
    return body if isinstance(body, Body) else None
