"""Measures two ways of doing a thing in turn, in one run, and returns their ratio."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from conftest import clean_environment

ROOT = Path(__file__).resolve().parent.parent
STARTER = ROOT / "{{cookiecutter.project_slug}}"

Work = Callable[[], object]


@dataclass
class Ratio:
    """How long ours takes, divided by how long the other takes: seconds, round by round.

    aim: the most that the ratio should be; None if there is no aim.
    """

    ours: str
    other: str
    our_seconds: list[float]
    other_seconds: list[float]
    aim: float | None

    def line(self) -> str:
        rounds = sorted(a / b for a, b in zip(self.our_seconds, self.other_seconds, strict=True))
        quarter = len(rounds) // 4
        ours, other = map(statistics.median, (self.our_seconds, self.other_seconds))
        aim = "" if self.aim is None else f"{self.aim:.2f}"
        return (
            f"| {self.ours} | {self.other} | **{ours / other:.2f}** | {rounds[quarter]:.2f} to"
            f" {rounds[-1 - quarter]:.2f} | {aim} | {shown(ours)} | {shown(other)} |"
        )


@dataclass
class Limit:
    """A figure with its own limit."""

    what: str
    found: float
    limit: float
    unit: str

    def line(self) -> str:
        return f"| {self.what} | {self.found:.2f} {self.unit} | {self.limit:g} {self.unit} |"


def shown(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{1000 * seconds:.1f} ms"


def measure(works: list[Work], rounds: int) -> list[list[float]]:
    """Do the jobs in turn; return the seconds of each, round by round, after a warm-up.

    The order changes from round to round, so that no job always follows the same one.
    """
    seconds: list[list[float]] = [[] for _ in works]
    for number in range(rounds + 1):
        for place in range(len(works)):
            place = (place + number) % len(works)  # noqa: PLW2901
            start = time.perf_counter()
            works[place]()
            if number > 0:  # the first round warms the caches
                seconds[place].append(time.perf_counter() - start)
    return seconds


def process(
    *words: str, folder: Path, code: int = 0, env: dict[str, str] | None = None
) -> Callable[[], None]:
    """Return a function that runs a command and expects this exit code."""

    def run() -> None:
        done = subprocess.run(
            words,
            cwd=folder,
            env={**clean_environment(), **(env or {})},
            capture_output=True,
            check=False,
        )
        assert done.returncode == code, (done.stdout.decode(), done.stderr.decode())

    return run
