"""Everything once, on the real bucket that B2_APPLICATION_KEY_ID and so on lead to.

Run by `nox -s live`. Needs under 30 requests, works below one new prefix, and erases every
version that it made, even if something fails.
"""

from __future__ import annotations

import os
import sys
import urllib.request
import uuid
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "{{cookiecutter.project_slug}}"))

from b2_client import get_bucket

MOST_REQUESTS = 29


def main() -> int:
    bucket = get_bucket()
    sent: list[str] = []

    def count(model: Any, **_: Any) -> None:
        sent.append(model.name)

    bucket.meta.client.meta.events.register("before-call.s3", count)
    prefix = f"b2-starter-live-{uuid.uuid4()}/"
    try:
        use(bucket, prefix, sent)
    finally:
        for upload in bucket.multipart_uploads.filter(Prefix=prefix):
            upload.abort()
        for version in bucket.object_versions.filter(Prefix=prefix):
            version.delete()
    left = list(bucket.object_versions.filter(Prefix=prefix))
    print(f"{len(sent)} requests: {', '.join(sent)}")
    if left or len(sent) > MOST_REQUESTS:
        print(f"{len(left)} versions are left below {prefix}; at most {MOST_REQUESTS} requests.")
        return 1
    print("1 passed, 0 failed")
    return 0


def use(bucket: Any, prefix: str, sent: list[str]) -> None:
    """Save, list, read, copy, replace, delete, and share by link."""
    client, key = bucket.meta.client, f"{prefix}ä b.txt"
    bucket.put_object(Key=key, Body=b"one", ContentType="text/plain", Metadata={"student": "Ada"})
    again = bucket.Object(key).get()
    assert again["Body"].read() == b"one"
    assert again["ContentType"].split(";")[0] == "text/plain"
    assert again["Metadata"] == {"student": "Ada"}
    assert [obj.key for obj in bucket.objects.filter(Prefix=prefix)] == [key]

    bucket.put_object(Key=key, Body=b"two")
    bucket.Object(f"{prefix}copy").copy_from(CopySource={"Bucket": bucket.name, "Key": key})
    assert bucket.Object(f"{prefix}copy").get()["Body"].read() == b"two"
    bucket.Object(key).delete()
    assert [obj.key for obj in bucket.objects.filter(Prefix=prefix)] == [f"{prefix}copy"]
    try:
        bucket.Object(key).get()
        raise AssertionError("a deleted object was read")
    except client.exceptions.NoSuchKey:
        pass

    upload = bucket.Object(f"{prefix}parts").initiate_multipart_upload()
    parts = [os.urandom(5 * 1024 * 1024), b"the end"]
    done = [
        {"PartNumber": number, "ETag": upload.Part(number).upload(Body=part)["ETag"]}
        for number, part in enumerate(parts, start=1)
    ]
    upload.complete(MultipartUpload={"Parts": done})

    where = {"Bucket": bucket.name, "Key": f"{prefix}gift"}
    put_link = client.generate_presigned_url("put_object", Params=where, ExpiresIn=60)
    gift = urllib.request.Request(
        put_link, data=b"gift", method="PUT", headers={"Content-Type": "application/octet-stream"}
    )
    urllib.request.urlopen(gift).close()
    get_link = client.generate_presigned_url("get_object", Params=where, ExpiresIn=60)
    with urllib.request.urlopen(get_link) as answer:
        assert answer.read() == b"gift"
    sent.extend(["PutObject by link", "GetObject by link"])


if __name__ == "__main__":
    raise SystemExit(main())
