"""On a faulty network, whatever fails says so, and half is never mistaken for the whole.

`nox -s reliability` tries it in hundreds of ways; here are those that could lose something.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from b2_causes import problem_of
from b2_double import B2Double
from b2_server import listen, serve
from backends import BUCKET, bucket_at
from botocore.exceptions import BotoCoreError, ClientError
from conftest import APPLICATION_KEY, KEY_ID, STARTER, clean_environment, some_thorough
from faulty_network import FaultyNetwork

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

NOTE = b"a note"  # its length has one digit: half of a longer number is still a number


@contextmanager
def network() -> Iterator[tuple[FaultyNetwork, str]]:
    """Yield a network to a bucket, still without faults, and its endpoint."""
    with serve(B2Double(buckets=[BUCKET])) as port:
        made = FaultyNetwork(f"http://127.0.0.1:{port}", lambda request: None)
        with made.listen() as endpoint:
            yield made, endpoint


ASKS: dict[str, Callable[[Any], Any]] = {
    "read": lambda bucket: bucket.Object("a").get()["Body"].read(),
    "size": lambda bucket: bucket.Object("a").content_length,
    "list": lambda bucket: [obj.key for obj in bucket.objects.all()],
}


@pytest.mark.filterwarnings("ignore:tzname")  # caused by half a date
@pytest.mark.parametrize("what", some_thorough(ASKS, every_day=1))
@pytest.mark.parametrize("step", some_thorough([3, 11], every_day=[11]))
def test_wherever_an_answer_is_cut_it_is_whole_or_an_error(what: str, step: int):
    ask = ASKS[what]
    with network() as (way, endpoint):
        bucket = bucket_at(endpoint, retries={"total_max_attempts": 1})
        bucket.put_object(Key="a", Body=NOTE)
        whole = ask(bucket)
        way.faults = lambda request: "cut in the answer"
        failed = 0
        for way.cut_at in range(1, 1000, step):  # beyond the end, too
            try:
                assert ask(bucket) == whole, way.cut_at
            except (BotoCoreError, ClientError) as error:
                assert problem_of(error, {}), error
                failed += 1
            except ValueError:  # boto3's own error if a header is cut right before its value
                failed += 1
    assert 10 < failed < 300


@pytest.mark.parametrize("what", some_thorough(ASKS, every_day=1))
def test_boto3_asks_again_if_an_answer_was_cut_off(what: str):
    with network() as (way, endpoint):
        bucket = bucket_at(endpoint)
        bucket.put_object(Key="a", Body=NOTE)
        whole = ASKS[what](bucket)
        rest = iter(["cut in the answer"])
        way.faults, way.cut_at = lambda request: next(rest, None), 60

        assert ASKS[what](bucket) == whole


PROGRAM = """
from b2_client import get_bucket
get_bucket().download_file('film', 'film.bin')
"""


@pytest.mark.parametrize("earlier", some_thorough([b"", b"the earlier film"], every_day=1))
def test_a_download_that_is_killed_leaves_no_half_file(tmp_path: Path, earlier: bytes):
    shutil.copytree(STARTER, tmp_path / "project")
    film = tmp_path / "project" / "film.bin"
    (tmp_path / "project" / "main.py").write_text(PROGRAM, encoding="utf-8")
    if earlier:
        film.write_bytes(earlier)
    with network() as (way, endpoint):
        bucket_at(endpoint).put_object(Key="film", Body=bytes(2_000_000))
        way.faults = lambda request: "slow" if request.method == "GET" else None
        env = {
            "B2_APPLICATION_KEY_ID": KEY_ID,
            "B2_APPLICATION_KEY": APPLICATION_KEY,
            "B2_BUCKET_NAME": BUCKET,
            "B2_ENDPOINT": endpoint,
        }
        running = subprocess.Popen(
            [sys.executable, "main.py"],
            cwd=tmp_path / "project",
            env={**clean_environment(), **env},
        )
        while not list((tmp_path / "project").glob("film.bin.*")):  # boto3's own half-finished file
            time.sleep(0.01)
            assert running.poll() is None, "it was too fast to be killed"
        running.kill()
        running.wait()

    assert (film.read_bytes() if film.exists() else b"") == earlier


class _OnlyHeaders(BaseHTTPRequestHandler):
    """Answers HEAD without a length, as a server may (RFC 9110, 8.6)."""

    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_a_head_of_a_bucket_needs_no_length():
    with listen(None, _OnlyHeaders) as port:
        bucket = bucket_at(f"http://127.0.0.1:{port}")

        bucket.meta.client.head_bucket(Bucket=BUCKET)
