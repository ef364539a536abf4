"""What the generated project costs, compared with bare boto3 and with almost empty tests."""

from __future__ import annotations

import os
import shutil
import socket
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
from backends import BUCKET, bucket_at, rclone_server
from conftest import APPLICATION_KEY, KEY_ID, env_text
from side_by_side import STARTER, Limit, Ratio, measure, process

COMPILED = {"PYTHONDONTWRITEBYTECODE": ""}  # as on a student's computer, from the second run on
FILM = 256 * 1024**2  # bytes
SONG, PICTURE, PICTURES = 7_000_000, 1_000_000, 100

BARE = f"""
import boto3
s3 = boto3.resource("s3", endpoint_url="{{endpoint}}", region_name="us-east-1",
    aws_access_key_id="{KEY_ID}", aws_secret_access_key="{APPLICATION_KEY}")
bucket = s3.Bucket("{BUCKET}")
"""
OURS = "from b2_client import get_bucket\nbucket = get_bucket()\n"
CALLS = """
bucket.put_object(Key="hello.txt", Body=b"Hello, bucket!")
print([obj.key for obj in bucket.objects.all()])
print(bucket.Object("hello.txt").get()["Body"].read().decode())
"""

TEST_FLOOR = """
import boto3, moto, pytest
from moto import mock_aws

def test_floor():
    with mock_aws():
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="bucket")
"""


def a_project(folder: Path, endpoint: str, key: str = APPLICATION_KEY) -> Path:
    shutil.copytree(STARTER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / ".env").write_text(env_text(endpoint, BUCKET, key=key), encoding="utf-8")
    return folder


def client(work: Path, rounds: int) -> list[Ratio | Limit]:
    (work / "served" / BUCKET).mkdir(parents=True)
    with rclone_server(work / "served") as endpoint:
        return [*starting(work, rounds, endpoint), *calling(work, rounds, endpoint)]


def starting(work: Path, rounds: int, endpoint: str) -> list[Ratio | Limit]:
    """Programs, from the start of Python to their end."""
    project = a_project(work / "project", endpoint)
    bare = BARE.format(endpoint=endpoint)
    for name, program in {
        "ours": OURS,
        "bare": bare,
        "check": "import check_setup\n" + OURS,
        "ours_calls": OURS + CALLS,
        "bare_calls": bare + CALLS,
    }.items():
        (project / f"{name}.py").write_text(program, encoding="utf-8")
    names = ("ours", "check", "bare", "ours_calls", "bare_calls")
    ours, check, floor, ours_calls, bare_calls = measure(
        [process(sys.executable, f"{name}.py", folder=project, env=COMPILED) for name in names],
        2 * rounds,
    )
    return [
        Ratio("start-up with `get_bucket()`", "with bare boto3", ours, floor, 1.10),
        Ratio("the same, with `import check_setup`", "with bare boto3", check, floor, 1.10),
        Ratio("a program with three calls", "with bare boto3", ours_calls, bare_calls, 1.10),
    ]


def calling(work: Path, rounds: int, endpoint: str) -> list[Ratio | Limit]:
    """Calls in a running program: boto3's own settings also send what B2 does not need."""
    ours = bucket_at(endpoint)
    bare = boto3.resource(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=KEY_ID,
        aws_secret_access_key=APPLICATION_KEY,
    ).Bucket(BUCKET)
    (work / "film.bin").write_bytes(os.urandom(FILM))
    ours.put_object(Key="song.bin", Body=os.urandom(SONG))
    for number in range(PICTURES):
        ours.put_object(Key=f"{number}.bin", Body=os.urandom(PICTURE))

    def put(bucket: Any) -> object:
        return bucket.put_object(Key="hello.txt", Body=b"Hello, bucket!")

    def up(bucket: Any) -> None:
        bucket.upload_file(str(work / "film.bin"), "film.bin")

    def down(bucket: Any) -> None:
        bucket.download_file("film.bin", str(work / "down.bin"))

    def song(bucket: Any) -> None:
        bucket.download_file("song.bin", str(work / "down.bin"))

    def pictures(bucket: Any) -> None:
        for number in range(PICTURES):
            bucket.download_file(f"{number}.bin", str(work / "down.bin"))

    def ratio(what: str, call: Callable[[Any], object], times: int) -> Ratio:
        our_seconds, bare_seconds = measure([lambda: call(ours), lambda: call(bare)], times)
        return Ratio(what, "with bare boto3", our_seconds, bare_seconds, 1.10)

    return [
        ratio("one small put", put, 20 * rounds),
        ratio("256 MiB up", up, rounds // 2 + 1),
        ratio("256 MiB down", down, rounds // 2 + 1),
        ratio("one object of 7 MB down", song, 4 * rounds),
        ratio("100 objects of 1 MB down", pictures, rounds // 2 + 1),
    ]


def testing(work: Path, rounds: int) -> list[Ratio | Limit]:
    project = work / "tested"
    shutil.copytree(STARTER, project, ignore=shutil.ignore_patterns("__pycache__"))
    starter = project / "_starter" / "hello-bucket"
    shutil.copy(starter / "main.py", project)
    shutil.copy(starter / "tests" / "test_main.py", project / "tests")
    floor = work / "floor"
    floor.mkdir()
    (floor / "test_floor.py").write_text(TEST_FLOOR, encoding="utf-8")
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:hypothesis"]
    ours, other = measure(
        [
            process(*words, "tests", folder=project, env=COMPILED),
            process(*words, "test_floor.py", folder=floor, env=COMPILED),
        ],
        rounds,
    )
    return [Ratio("the generated tests", "one test with one call of moto", ours, other, 1.50)]


def checking(work: Path, rounds: int) -> list[Ratio | Limit]:
    """Run check_setup.py with a silent server; then with a mistake its last offline step finds."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        project = a_project(work / "silent", f"http://127.0.0.1:{server.getsockname()[1]}")
        start = time.perf_counter()
        process(sys.executable, "check_setup.py", folder=project, code=1)()
        silent = time.perf_counter() - start
    project = a_project(work / "offline", "s3.us-east-005.backblazeb2.com", APPLICATION_KEY[:-1])
    offline, floor = map(
        statistics.median,
        measure(
            [
                process(sys.executable, "check_setup.py", folder=project, code=1, env=COMPILED),
                process(sys.executable, "-c", "import boto3", folder=project, env=COMPILED),
            ],
            rounds,
        ),
    )
    return [
        Limit("`check_setup.py` and a silent server", silent, 20, "s"),
        Limit("`check_setup.py` offline, beyond `import boto3`", offline - floor, 0.3, "s"),
    ]
