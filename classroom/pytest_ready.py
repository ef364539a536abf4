"""Gets everything ready that the tests of a hand-in need. grade imports it once.

The processes of the hand-ins are forked from the one that imported this, so that they already
have what a run of the tests imports, and the files that boto3 and moto read. This is the one kind
of module here that does something on import: nothing else is called before the server of processes
forks (docs.python.org, multiprocessing, set_forkserver_preload).
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
    """Make the calls that the tests make, so that boto3 and moto load what they need."""
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
    """Run one test that passes and one that fails, so that pytest loads all its parts."""
    lines = [
        "import pytest",
        "def test_1(monkeypatch):",
        "    pass",
        "def test_2():",
        "    pytest.fail('no', pytrace=False)",
    ]
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        Path(folder, "test_warm.py").write_text("\n".join(lines), encoding="utf-8")
        pytest.main(["-p", "no:cacheprovider", "-q", "-s", "--rootdir", folder, folder])


os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # as in runner.py
use_a_bucket()
use_pytest()
gc.collect()
gc.freeze()  # all processes share what is here now; the collector leaves it alone
