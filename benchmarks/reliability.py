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
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
STARTER = ROOT / "{{cookiecutter.project_slug}}"
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(STARTER), str(STARTER / "b2_inside")]

from actions import ACTIONS, Action, a_place  # noqa: E402
from b2_errors import problem_of  # noqa: E402
from backends import BUCKET, bucket_at, rclone_server  # noqa: E402
from document import keep  # noqa: E402
from faulty_network import FAULTS, FaultyNetwork, Request  # noqa: E402

AT_ONCE = 8  # threads: most of the time is waiting
MOST_HIT = 6  # requests of one action; boto3 gives up after three, a download after more
GIVES_UP = 1  # seconds of silence; 60 in a project
NOT_COMPARED = ("download_file, in parts", "altered")  # S3 has no checksum of a part


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
            if (action.name, fault) != NOT_COMPARED
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
        cells = [f"{end['went well']} + {end['failed']}" if end else "–" for end in ends]
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
