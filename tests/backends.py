"""The places that the storage tests run against, and what each of them cannot do."""

from __future__ import annotations

import itertools
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import b2_client
import b2_practice
import b2_settings
import pytest
from b2_double import B2Double
from b2_server import serve
from botocore.config import Config
from conftest import APPLICATION_KEY, KEY_ID
from faulty_network import FaultyNetwork, Request
from moto import mock_aws

BUCKET = "storage-tests"
SWIFT_ACCOUNTS = itertools.count()  # each test has its own

# Each entry is shown as a skipped test, with this reason.
CANNOT = {
    "practice": {
        "links": "nothing listens at the address of a practice link",
        "wrong secret": "practice has no keys",
    },
    "moto": {
        "links": "moto answers boto3 only, not urllib; nothing listens",
        "wrong secret": "moto does not check signatures unless it is told to",
        "checksums": "moto compares no checksum",
        "conditions": "moto looks at each condition for itself",
        "conditions of a copy": "moto looks at if-none-match only",
        "limits": "moto takes metadata of any length, and suspends versions",
        "odd calls": "moto stops with a Python error, or ignores what is odd",
        "V1 folders": "moto counts no folders in a V1 list",
        "marker header": "moto does not tell that it was a delete marker",
        "parts": "moto gives the whole object in place of a part",
    },
    "rclone": {
        "settings": "rclone serve s3 has no settings of a bucket",
        "versions": "rclone serve s3 keeps one version of an object",
        "checksums": "rclone compares Content-MD5 only",
        "conditions": "rclone never answers that a condition is not met",
        "conditions of a copy": "rclone looks at no condition of a copy",
        "limits": "rclone has other limits, and no versions",
        "odd calls": "rclone answers most odd calls as it likes",
        "parts": "rclone gives the whole object in place of a part",
        "copies of parts": "rclone's answer to upload_part_copy has no XML",
        "multipart ETag": "rclone gives the MD5 of the whole object",
        "folder beside file": "rclone stores keys as paths: a and a/b exclude each other",
    },
    "swift": {
        "settings": "Swift has no CORS rules of a bucket",
        "conditions": "Swift looks at each condition for itself",
        "limits": "Swift has a smaller limit for metadata, and suspends versions",
        "marker header": "Swift does not tell that it was a delete marker",
    },
    "double": {},
}
CANNOT["faulty"] = {**CANNOT["rclone"], "links": "urllib does not ask again"}


@dataclass
class Backend:
    """A place with an empty bucket in it."""

    name: str
    bucket: Any  # boto3's Bucket, from get_bucket()
    client: Any  # boto3's client, from get_client()
    cannot: dict[str, str] = field(default_factory=dict)

    def needs(self, ability: str) -> None:
        """Skip the test, with the reason, if the backend cannot do this."""
        if ability in self.cannot:
            pytest.skip(f"{self.name}: {self.cannot[ability]}")


def settings(patch: pytest.MonkeyPatch, endpoint: str, key_id: str, key: str) -> None:
    patch.setenv("B2_APPLICATION_KEY_ID", key_id)
    patch.setenv("B2_APPLICATION_KEY", key)
    patch.setenv("B2_BUCKET_NAME", BUCKET)
    patch.setenv("B2_ENDPOINT", endpoint)


def bucket_at(endpoint: str, **config: Any) -> Any:
    """Return what get_bucket() gives to a program, with other boto3 settings."""
    given = {
        "B2_APPLICATION_KEY_ID": KEY_ID,
        "B2_APPLICATION_KEY": APPLICATION_KEY,
        "B2_ENDPOINT": endpoint,
    }
    changed = b2_client.CONFIG.merge(Config(**config))
    return b2_client.connect(given, changed).Bucket(BUCKET)


@contextmanager
def practice(patch: pytest.MonkeyPatch, folder: Path) -> Iterator[None]:
    patch.setattr(b2_settings, "HERE", folder)
    patch.setattr(b2_practice, "_buckets", {})
    settings(patch, "s3.us-east-005.backblazeb2.com", "", "")
    yield


@contextmanager
def moto(patch: pytest.MonkeyPatch, folder: Path) -> Iterator[None]:
    endpoint = "https://s3.us-east-005.backblazeb2.com"
    settings(patch, endpoint, KEY_ID, APPLICATION_KEY)
    patch.setenv("MOTO_S3_CUSTOM_ENDPOINTS", endpoint)
    with mock_aws():
        bucket = b2_client.get_bucket()
        bucket.create(CreateBucketConfiguration={"LocationConstraint": "us-east-005"})
        bucket.Versioning().enable()
        yield


@contextmanager
def rclone(patch: pytest.MonkeyPatch, folder: Path) -> Iterator[None]:
    (folder / "served" / BUCKET).mkdir(parents=True)
    with rclone_server(folder / "served") as endpoint:
        settings(patch, endpoint, KEY_ID, APPLICATION_KEY)
        yield


@contextmanager
def faulty(patch: pytest.MonkeyPatch, folder: Path) -> Iterator[None]:
    """rclone behind a faulty network; boto3 gets past its faults by asking again."""
    (folder / "served" / BUCKET).mkdir(parents=True)
    with (
        rclone_server(folder / "served") as upstream,
        FaultyNetwork(upstream, now_and_then()).listen() as endpoint,
    ):
        settings(patch, endpoint, KEY_ID, APPLICATION_KEY)
        yield


def now_and_then() -> Callable[[Request], str | None]:
    """Return faults for the first requests, and for every hundredth; no request gets a second.

    A POST may not be done twice, and boto3 reads the body of a GET only once: neither gets a
    fault that comes too late to ask again. Silence would last for 60 seconds.
    """
    early = ["500", "cut in the request", "503", "slow"]
    late = ["cut before the answer", "cut in the answer"]
    count, hit = itertools.count(), set[Request]()

    def fault_of(request: Request) -> str | None:
        number = next(count)
        if request in hit or (number > 3 and number % 100):
            return None
        hit.add(request)
        is_read = request.method == "GET" and request.path.count("/") > 1
        names = early if request.method == "POST" or is_read else early + late
        return names[len(hit) % len(names)]

    return fault_of


@contextmanager
def rclone_server(folder: Path) -> Iterator[str]:
    """Start `rclone serve s3` on 127.0.0.1 with a free port; a folder in folder is a bucket.

    Yields the endpoint. Source of the options: rclone.org/commands/rclone_serve_s3.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    program = shutil.which("rclone", path=str(Path(sys.executable).parent)) or "rclone"
    words = [
        "serve",
        "s3",
        "--addr",
        f"127.0.0.1:{port}",
        "--config",
        "",
        "--auth-key",
        f"{KEY_ID},{APPLICATION_KEY}",
        str(folder),
    ]
    server = subprocess.Popen([program, *words], stderr=subprocess.PIPE, encoding="utf-8")
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert server.poll() is None, server.stderr and server.stderr.read()
                time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(10)
        if server.stderr:
            server.stderr.close()


@contextmanager
def swift(patch: pytest.MonkeyPatch, folder: Path, endpoint: str) -> Iterator[None]:
    """Use the next account of a running Swift: it is empty."""
    settings(patch, endpoint, f"{next(SWIFT_ACCOUNTS)}:{KEY_ID}", APPLICATION_KEY)
    bucket = b2_client.get_bucket()
    bucket.create()
    bucket.Versioning().enable()  # every B2 bucket keeps versions
    yield


@contextmanager
def swift_server(folder: Path) -> Iterator[str]:
    """Start swift_server.py; yields the endpoint. It ends with this process, at the latest."""
    program = str(Path(__file__).with_name("swift_server.py"))
    words = [sys.executable, program, str(folder), KEY_ID, APPLICATION_KEY]
    log = folder / "log.txt"
    with (
        log.open("wb") as errors,
        subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, encoding="utf-8"
        ) as server,
    ):
        try:
            port = server.stdout.readline().strip() if server.stdout else ""
            assert port, log.read_text(encoding="utf-8")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.kill()


@contextmanager
def double(patch: pytest.MonkeyPatch, folder: Path) -> Iterator[None]:
    with serve(B2Double(buckets=[BUCKET])) as port:
        settings(patch, f"http://127.0.0.1:{port}", KEY_ID, APPLICATION_KEY)
        yield


BACKENDS: dict[str, Callable[..., AbstractContextManager[None]]] = {
    "practice": practice,
    "moto": moto,
    "rclone": rclone,
    "faulty": faulty,
    "swift": swift,
    "double": double,
}


@pytest.fixture(scope="module")
def rclone_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The endpoint of a real server with an empty bucket, BUCKET."""
    folder = tmp_path_factory.mktemp("served")
    (folder / BUCKET).mkdir()
    with rclone_server(folder) as endpoint:
        yield endpoint
