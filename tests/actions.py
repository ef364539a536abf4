"""What a program does with a bucket, and how to tell afterwards that nothing was lost."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backends import BUCKET
from botocore.exceptions import ClientError

SMALL = (20, 50_000)  # bytes: in the first, the headers are the larger part
LARGE = (9_000_000,)  # boto3 splits anything over 8 MiB into parts


@dataclass
class Place:
    """Where one action happens: an object behind the network, and a folder. old: what is there."""

    bucket: Any  # boto3's Bucket, through the network
    truth: Any  # the same one, without it
    folder: Path
    key: str
    old: bytes | None
    new: bytes
    come: bytes | None = None  # what a download brought

    @property
    def file(self) -> Path:
        return self.folder / "down.bin"

    def stored(self, key: str | None = None) -> bytes | None:
        """Return what is really in the bucket."""
        try:
            return self.truth.Object(key or self.key).get()["Body"].read()
        except ClientError:
            return None


def put(place: Place) -> None:
    place.bucket.put_object(Key=place.key, Body=place.new)


def upload_file(place: Place) -> None:
    (place.folder / "up.bin").write_bytes(place.new)
    place.bucket.upload_file(str(place.folder / "up.bin"), place.key)


def copy(place: Place) -> None:
    source = {"Bucket": BUCKET, "Key": f"{place.key}.source"}
    place.bucket.Object(place.key).copy_from(CopySource=source)


def delete(place: Place) -> None:
    place.bucket.Object(place.key).delete()


def read(place: Place) -> None:
    place.come = place.bucket.Object(place.key).get()["Body"].read()


def download_file(place: Place) -> None:
    place.bucket.download_file(place.key, str(place.file))


def listing(place: Place) -> None:
    place.come = "".join(obj.key for obj in place.bucket.objects.filter(Prefix=place.key)).encode()


def size(place: Place) -> None:
    place.come = str(place.bucket.Object(place.key).content_length).encode()


def is_stored(place: Place, ok: bool) -> bool:
    return place.stored() == place.new if ok else place.stored() in (place.old, place.new)


def is_gone(place: Place, ok: bool) -> bool:
    return place.stored() in ([None] if ok else [None, place.old])


def has_come(place: Place, ok: bool) -> bool:
    return not ok or place.come == place.old


def lies_there(place: Place, ok: bool) -> bool:
    earlier = place.folder / "earlier.bin"
    before = earlier.read_bytes() if earlier.exists() else None
    content = place.file.read_bytes() if place.file.exists() else None
    names = {path.name for path in place.folder.iterdir()} - {"earlier.bin", "down.bin"}
    return content == (place.old if ok else before) and not names


def has_size(place: Place, ok: bool) -> bool:
    return not ok or place.come == str(len(place.old or b"")).encode()


def lists_all(place: Place, ok: bool) -> bool:
    return not ok or place.come == f"{place.key}{place.key}.source".encode()


@dataclass(frozen=True)
class Action:
    """What a program does; check tells whether nothing was lost, given whether it went well."""

    name: str
    do: Callable[[Place], None]
    check: Callable[[Place, bool], bool]
    sizes: tuple[int, ...] = SMALL


ACTIONS = [
    Action("put_object", put, is_stored),
    Action("upload_file", upload_file, is_stored),
    Action("upload_file, in parts", upload_file, is_stored, LARGE),
    Action("copy_from", copy, is_stored),
    Action("delete", delete, is_gone),
    Action("get and read", read, has_come),
    Action("content_length", size, has_size),
    Action("download_file", download_file, lies_there),
    Action("download_file, in parts", download_file, lies_there, LARGE),
    Action("objects.filter", listing, lists_all),
]


def a_place(bucket: Any, truth: Any, folder: Path, action: Action, chance: random.Random) -> Place:
    """Make what an action needs: an object that is there or not, a file that is there or not."""
    folder.mkdir()
    size = chance.choice(action.sizes)
    old, new = chance.randbytes(size), chance.randbytes(size)
    is_new = action.check is is_stored and chance.random() < 0.5
    place = Place(bucket, truth, folder, folder.name, None if is_new else old, new)
    if place.old is not None:
        truth.put_object(Key=place.key, Body=place.old)
    if action.do in (copy, listing):
        truth.put_object(Key=f"{place.key}.source", Body=new)
    if action.do is download_file and chance.random() < 0.5:
        for name in ("earlier.bin", "down.bin"):
            (folder / name).write_bytes(b"the earlier one")
    return place
