"""What the practice bucket costs: memory, and time as the files become larger or more."""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from conftest import clean_environment
from side_by_side import Limit, Ratio, measure, process
from using import CALLS, COMPILED, OURS, a_project

MB = 1_000_000  # bytes
LARGE = 200 * MB
IN_MEMORY = """
import boto3
from moto import mock_aws
mock_aws().start()
s3 = boto3.resource("s3", region_name="us-east-1",
    aws_access_key_id="practice", aws_secret_access_key="practice")
bucket = s3.create_bucket(Bucket="practice-only")
"""
# Not getrusage(): what it says begins with the memory of the process that started this one.
MOST_MEMORY = """
import re
def most():
    with open("/proc/self/status", encoding="utf-8") as file:
        return int(re.search(r"VmHWM:\\s*(\\d+) kB", file.read())[1]) * 1024
bucket.put_object(Key="small", Body=b"x" * 1000)
bucket.download_file("small", "small")
before = most()
"""
WORKS = {
    "200 MB up": "bucket.upload_file('large', 'up')",
    "200 MB down": "bucket.download_file('stored', 'down')",
    "ten bytes of 200 MB": "bucket.Object('stored').get(Range='bytes=100-109')['Body'].read()",
    "a copy of 200 MB": "bucket.Object('copy').copy({'Bucket': bucket.name, 'Key': 'stored'})",
}
PUTS = """
for number in range({count}):
    bucket.put_object(Key=f"{{number}}", Body=b"x")
"""


def practice(work: Path, rounds: int) -> list[Ratio | Limit]:
    few = rounds // 2 + 1
    return [
        *calling(work, rounds),
        *large_files(work),
        *becoming_more(work, few),
    ]


def a_practice(folder: Path) -> Path:
    """Return a new project with empty keys."""
    project = a_project(folder, "s3.us-east-005.backblazeb2.com", key="")
    env = project / ".env"
    lines = env.read_text(encoding="utf-8").splitlines()
    emptied = [line if "KEY" not in line else f"{line.partition('=')[0]}=" for line in lines]
    env.write_text("\n".join(emptied), encoding="utf-8")
    return project


def python(project: Path, text: str) -> Callable[[], None]:
    return process(sys.executable, "-c", text, folder=project, env=COMPILED)


def calling(work: Path, rounds: int) -> list[Ratio | Limit]:
    project = a_practice(work / "calling")
    ours, other = measure(
        [python(project, OURS + CALLS), python(project, IN_MEMORY + CALLS)], rounds
    )
    return [Ratio("a program in practice", "with moto in memory", ours, other, 1.10)]


def large_files(work: Path) -> list[Limit]:
    """Measure the most memory above that of a program with small objects."""
    project = a_practice(work / "large")
    (project / "practice-bucket").mkdir()
    for file in (project / "large", project / "practice-bucket" / "stored"):
        file.write_bytes(bytes(LARGE))
    found = []
    for name, line in WORKS.items():
        text = f"{OURS}{MOST_MEMORY}{line}\nprint('used', most() - before)"
        done = subprocess.run(
            [sys.executable, "-c", text],
            cwd=project,
            env=clean_environment(),
            capture_output=True,
            encoding="utf-8",
            check=True,
        )
        used = int(done.stdout.split()[-1]) / MB
        found.append(Limit(f"memory for {name}, in practice", used, 40, "MB"))
    return found


def becoming_more(work: Path, rounds: int) -> list[Limit]:
    """Measure how the time grows when there is twice as much."""
    large = a_practice(work / "larger")
    (large / "practice-bucket").mkdir()
    for size in (1, 2):
        for file in (large / f"large{size}", large / "practice-bucket" / f"stored{size}"):
            file.write_bytes(bytes(size * LARGE // 2))
    many = {count: a_practice(work / f"many{count}") for count in (500, 1000, 2000)}
    for count, project in many.items():
        python(project, OURS + PUTS.format(count=count))()

    def growth(name: str, limit: float, works: list[Callable[[], None]]) -> Limit:
        floor = python(large, OURS)
        start, half, whole = map(statistics.median, measure([floor, *works], rounds))
        return Limit(name, (whole - start) / (half - start), limit, "times")

    def putting(count: int) -> Callable[[], None]:
        return python(large, OURS + PUTS.format(count=count) + "bucket.objects.delete()")

    opening = statistics.median(
        measure([python(many[500], OURS), python(many[500], "import b2_client")], rounds)[0]
    )
    up, down = "bucket.upload_file('large{0}', 'up')", "bucket.download_file('stored{0}', 'down')"
    return [
        growth(
            "200 MB up, against 100 MB",
            2.3,
            [python(large, OURS + up.format(size)) for size in (1, 2)],
        ),
        growth(
            "200 MB down, against 100 MB",
            2.3,
            [python(large, OURS + down.format(size)) for size in (1, 2)],
        ),
        growth("2,000 puts, against 1,000", 2.3, [putting(1000), putting(2000)]),
        growth(
            "2,000 objects opened and listed, against 1,000",
            2,
            [python(many[count], OURS + "list(bucket.objects.all())") for count in (1000, 2000)],
        ),
        Limit("a program that opens practice with 500 files", opening, 1, "s"),
    ]
