"""What the tests of the practice bucket share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import b2_client
import b2_practice

ENV = """B2_APPLICATION_KEY_ID=
B2_APPLICATION_KEY=
B2_BUCKET_NAME=my-bucket
B2_ENDPOINT=s3.us-east-005.backblazeb2.com
"""


def next_run() -> Any:
    """Return the bucket as the next run of the program sees it: from the folder alone."""
    b2_practice._buckets.clear()
    return b2_client.get_bucket()


def stored(bucket: Any) -> dict[str, bytes]:
    return {obj.key: obj.get()["Body"].read() for obj in bucket.objects.all()}


def files(home: Path) -> dict[str, bytes]:
    folder = home / "practice-bucket"
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".notes" not in path.parts
    }
