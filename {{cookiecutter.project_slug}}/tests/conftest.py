"""A pretend bucket for the tests: made by moto in memory, empty for every test.

The tests never use your keys, your bucket or the network, and never touch practice-bucket.
This file is given: a reset may replace it.
"""

import os
import socket
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
PROJECT = TESTS.parent
sys.path[:0] = [str(TESTS), str(PROJECT), str(PROJECT / "b2_inside")]  # grading.py is ours

try:
    # moto comes before b2_client, which makes the session that moto has to watch.
    from moto import mock_aws  # noqa: I001
    import check_setup  # noqa: F401  # is it there, and whole?
    import grading
    from b2_client import get_bucket
except Exception as error:
    from b2_causes import explain_setup

    advice = explain_setup(error, None)
    if not advice:
        raise
    raise SystemExit(advice) from error
sys.path.remove(str(TESTS))  # from now on, the project comes first

# Set before main.py is imported. Environment variables come before .env, so nothing reads it.
ENDPOINT = "https://s3.pretend-region-000.backblazeb2.com"
os.environ["B2_APPLICATION_KEY_ID"] = "000" + "0" * 22
os.environ["B2_APPLICATION_KEY"] = "K000" + "0" * 27
os.environ["B2_BUCKET_NAME"] = "pretend-bucket"
os.environ["B2_ENDPOINT"] = ENDPOINT
os.environ["MOTO_S3_CUSTOM_ENDPOINTS"] = ENDPOINT  # moto answers for this address


def refuse_network(*address, **_):
    raise RuntimeError(
        "The tests do not use the network. Does your test have bucket in its brackets,"
        " as in: def test_something(bucket)?"
    )


socket.socket.connect = refuse_network
socket.getaddrinfo = refuse_network


def pytest_configure(config):
    if config.pluginmanager.is_registered(grading):  # by another project, in the same folder
        session = config.pluginmanager.get_plugin("session")
        session.shouldfail = f"There are several projects here. Begin with: cd {PROJECT}"
    else:
        config.pluginmanager.register(grading)


@pytest.fixture
def bucket():
    """An empty bucket, as get_bucket() returns it."""
    with mock_aws():
        bucket = get_bucket()
        place = {"LocationConstraint": "pretend-region-000"}
        bucket.create(CreateBucketConfiguration=place)
        bucket.Versioning().enable()  # B2 keeps every version
        yield bucket
