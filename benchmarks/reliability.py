"""What is lost on a faulty network: nothing, or the exit code is 1. Run by `nox -s reliability`.

Each action of a program meets each fault many times, on the way to a real S3 server (rclone). The
fault hits the first one to six of its requests. Then the bucket and the folder are checked without
the network: what was reported as stored must be there, a failed download must have left no file
with its name, or the earlier one, and b2_problems.py must explain each failure.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
STARTER = ROOT / "{{cookiecutter.project_slug}}"
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(STARTER), str(STARTER / "b2_inside")]

from b2_causes import problem_of  # noqa: E402
from backends import BUCKET, bucket_at, rclone_server  # noqa: E402
from botocore.exceptions import ClientError  # noqa: E402
from document import keep  # noqa: E402
from faulty_network import FAULTS, FaultyNetwork, Request  # noqa: E402

SMALL = (20, 50_000)  # bytes: in the first, the headers are the larger part
LARGE = (9_000_000,)  # boto3 splits anything over 8 MiB into parts
AT_ONCE = 8  # threads: most of the time is waiting
MOST_HIT = 6  # requests of one action; boto3 gives up after three, a download after more
GIVES_UP = 1  # seconds of silence; 60 in a project


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
    Action("download_file", download_file, lies_there),
    Action("download_file, in parts", download_file, lies_there, LARGE),
    Action("objects.filter", listing, lists_all),
]


@dataclass
class Campaign:
    """All trials, and how they ended. tried: (action, fault) -> Counter of outcomes."""

    rounds: int
    folder: Path
    upstream: str
    tried: dict[tuple[str, str], Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    bad: list[str] = field(default_factory=list)
    unfinished: tuple[int, int] = (0, 0)  # large uploads left open; those with parts
    waiting: dict[str, tuple[str, int]] = field(default_factory=dict)  # path -> fault, how often
    one_at_a_time: threading.Lock = field(default_factory=threading.Lock)

    def fault_of(self, request: Request) -> str | None:
        path = request.path
        if path.rstrip("/") == f"/{BUCKET}" and "prefix=" in request.query:
            path = f"/{BUCKET}/" + request.query.partition("prefix=")[2].partition("&")[0]
        fault, left = self.waiting.get(path, ("", 0))
        self.waiting[path] = fault, left - 1
        return fault if left > 0 else None

    def run(self) -> None:
        network = FaultyNetwork(self.upstream, self.fault_of)
        trials = [
            (action, fault, number)
            for number in range(self.rounds)
            for action in ACTIONS
            for fault in FAULTS
        ]
        with network.listen() as endpoint, ThreadPoolExecutor(AT_ONCE) as pool:
            truth = bucket_at(self.upstream)
            list(pool.map(lambda trial: self.one(endpoint, truth, *trial), trials))
            left = list(truth.multipart_uploads.all())
            self.unfinished = len(left), sum(bool(list(upload.parts.all())) for upload in left)

    def one(self, endpoint: str, truth: Any, action: Action, fault: str, number: int) -> None:
        """Run one action with a fault; count how it ended."""
        chance = random.Random(f"{action.name} {fault} {number}")
        key = f"{ACTIONS.index(action)}-{list(FAULTS).index(fault)}-{number}"
        bucket = bucket_at(endpoint, read_timeout=GIVES_UP)
        place = a_place(bucket, truth, self.folder / key, action, chance)
        self.waiting[f"/{BUCKET}/{key}"] = fault, chance.randint(1, MOST_HIT)
        end, words = "went well", ""
        try:
            action.do(place)
        except Exception as error:  # whatever it is, it must be explained
            problem = problem_of(error, {"B2_ENDPOINT": "http://127.0.0.1"})
            told = problem is not None and problem.problem != "unknown"
            end = "failed" if told else "not explained"
            words = f"{type(error).__name__}: {error}"
        if not action.check(place, end == "went well"):
            end = "lost"
        with self.one_at_a_time:
            self.tried[action.name, fault][end] += 1
            if end in ("lost", "not explained"):
                self.bad.append(f"{action.name}, {fault}, {number}: {end}. {words}")
        shutil.rmtree(place.folder)


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


@contextmanager
def campaign(rounds: int) -> Iterator[Campaign]:
    with tempfile.TemporaryDirectory() as work:
        (Path(work) / "served" / BUCKET).mkdir(parents=True)
        (Path(work) / "trials").mkdir()
        with rclone_server(Path(work) / "served") as upstream:
            yield Campaign(rounds, Path(work) / "trials", upstream)


def table(done: Campaign) -> str:
    """Return a row for each action and a column for each fault: how many went well + failed."""
    every = sum(done.tried.values(), Counter())
    rows = [
        f"{date.today():%d %B %Y}: {every.total()} trials; {every['went well']} went well,"
        f" {every['failed']} failed and said so, {every['not explained']} failed without an"
        f" explanation, **{every['lost']} lost something**. Unfinished large uploads that were"
        f" left behind: {done.unfinished[0]}, of which {done.unfinished[1]} contained parts.",
        "",
        f"| went well + failed | {' | '.join(FAULTS)} |",
        "|---" * (len(FAULTS) + 1) + "|",
    ]
    for action in ACTIONS:
        ends = [done.tried[action.name, fault] for fault in FAULTS]
        cells = [f"{end['went well']} + {end['failed']}" for end in ends]
        rows.append(f"| `{action.name}` | {' | '.join(cells)} |")
    return "\n".join(rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--write", action="store_true", help="into docs/RELIABILITY.md, too")
    options = parser.parse_args()
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    with campaign(options.rounds) as done:
        done.run()
    print(table(done), *done.bad, sep="\n")
    if options.write:
        keep(ROOT / "docs" / "RELIABILITY.md", table(done))
    return 1 if done.bad else 0


if __name__ == "__main__":
    raise SystemExit(main())
