"""Imported once, before the processes of the hand-ins are forked from it.

What a run of the tests imports, and the files that boto3 and moto read, are then there already.
"""

import contextlib
import gc
import io
import os
import tempfile
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

import classroom.runner  # noqa: F401

ENDPOINT = "https://s3.pretend-region-000.backblazeb2.com"


def use_a_bucket() -> None:
    """Make the calls that the tests make, so that what they load is loaded."""
    os.environ["MOTO_S3_CUSTOM_ENDPOINTS"] = ENDPOINT
    with mock_aws():
        s3 = boto3.resource(
            "s3",
            endpoint_url=ENDPOINT,
            region_name="pretend-region-000",
            aws_access_key_id="no",
            aws_secret_access_key="no",
        )
        bucket = s3.Bucket("pretend-bucket")
        place: Any = {"LocationConstraint": "pretend-region-000"}
        bucket.create(CreateBucketConfiguration=place)
        bucket.Versioning().enable()
        bucket.put_object(Key="a", Body=b"a", ContentType="text/plain")
        bucket.Object("a").get()["Body"].read()
        for obj in bucket.objects.all():
            obj.delete()
        with contextlib.suppress(s3.meta.client.exceptions.NoSuchKey):
            bucket.Object("a").get()
    del os.environ["MOTO_S3_CUSTOM_ENDPOINTS"]


def use_pytest() -> None:
    """Run two tests, of which one fails, so that all parts of pytest are loaded."""
    lines = (
        "def test_1(monkeypatch):\n    pass\n\ndef test_2():\n    import pytest\n"
        "    pytest.fail('no', pytrace=False)\n"
    )
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        Path(folder, "test_warm.py").write_text(lines, encoding="utf-8")
        pytest.main(["-p", "no:cacheprovider", "-q", "-s", "--rootdir", folder, folder])


use_a_bucket()
use_pytest()
gc.collect()
gc.freeze()  # what is there now is shared, and never looked at again
