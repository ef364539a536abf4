"""The practice bucket: boto3 without an account; the files are in the folder practice-bucket/.

bucket.py answers boto3's requests, with the help of moto (docs.getmoto.org); folder.py keeps
the files. So nothing leaves this computer. Each call sees the folder as it is, and what it
changes is there before it returns. Older versions of a file stay until the program ends.

These files are given: a reset may replace them, so write your own code in main.py.
"""

import os
import threading
from pathlib import Path
from typing import Any

from b2_problems import SetupError
from moto.core.models import botocore_stubber

from . import memory
from .bucket import TROUBLE, PracticeBucket

_buckets: dict[tuple[Path, str], PracticeBucket] = {}
_joining = threading.Lock()


def join_practice_bucket(client: Any, folder: Path, name: str) -> None:
    """Let the practice bucket answer all calls from this boto3 client, and from no other.

    client: a boto3 S3 client. folder: for the files; it is made when the first one is stored.
    name: the name of the bucket. Raises SetupError when the folder cannot be read.
    """
    with _joining:
        bucket = _buckets.get((folder, name))
        if bucket is None:
            bucket = PracticeBucket(folder, name)
            _buckets[(folder, name)] = bucket
            print(f"Practice: both keys are empty, so files go to the folder {folder.name}.")
    events = client.meta.events
    events.unregister("before-send", botocore_stubber)  # a test's mock_aws is not for this client
    events.register("before-send.s3", bucket.answer)
    events.register("after-call.s3", _raise_trouble)
    events.register("before-parameter-build.s3", bucket.explain_links)


def find_file(folder: Path, name: str, key: str) -> str | None:
    """Return which file in the folder holds an object, such as "photos/sun.png", or None.

    That is its key, unless a file system refuses such a name. folder, name: of a bucket that was
    joined, as above. Raises TypeError if the key is not text.
    """
    if not isinstance(key, str):
        raise TypeError(f"A key must be text, such as obj.key, but this is {key!r}.")
    return _buckets[(folder, name)].folder.find_place(key)


def _start_anew() -> None:
    """Begin anew in a fork: other threads stay behind, and would never release their locks."""
    global _joining
    _joining = threading.Lock()
    memory.ONE_READS = threading.Lock()
    for bucket in _buckets.values():
        bucket.start()


def _raise_trouble(parsed: dict[str, Any], **_: Any) -> None:
    error = parsed.get("Error", {})
    if error.get("Code") == TROUBLE:
        raise SetupError("practice-folder", what=error["Message"])


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)
