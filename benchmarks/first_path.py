"""What the first path costs, as ratios to the least it could cost. Run by `nox -s benchmarks`.

Each pair is measured side by side in one run: in turns, after a warm-up, as whole processes
or whole commands, and reported as the ratio of the medians.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STARTER = ROOT / "{{cookiecutter.project_slug}}"
sys.path[:0] = [str(ROOT / "tests"), str(STARTER), str(STARTER / "b2_inside")]

from backends import BUCKET, rclone_server  # noqa: E402
from conftest import APPLICATION_KEY, KEY_ID, clean_environment, tracked_files  # noqa: E402

Work = Callable[[], None]

# The same calls as main.py, with nothing of ours.
BARE = f"""
import boto3
from botocore.config import Config
s3 = boto3.resource("s3", endpoint_url="{{endpoint}}", region_name="us-east-1",
    aws_access_key_id="{KEY_ID}", aws_secret_access_key="{APPLICATION_KEY}",
    config=Config(signature_version="s3v4"))
bucket = s3.Bucket("{BUCKET}")
{{calls}}
"""
OURS = "import check_setup\nfrom b2_client import get_bucket\nbucket = get_bucket()\n{calls}"
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


def processor_seconds() -> float:
    """Return the processor time of all processes that were started here and have ended."""
    times = os.times()
    return times.children_user + times.children_system


def measure(
    works: dict[str, Work], rounds: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, list[float]]:
    """Run the works in turns; return the seconds that each took, per round."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for number in range(rounds + 1):
        for name, work in works.items():
            start = clock()
            work()
            if number > 0:  # the first round warms the caches
                seconds[name].append(clock() - start)
    return seconds


def report(title: str, seconds: dict[str, list[float]], limit: float) -> None:
    """Print the first work against each of the others; the limit is for the second."""
    (ours, ours_seconds), *floors = seconds.items()
    for number, (floor, floor_seconds) in enumerate(floors):
        our_median, floor_median = statistics.median(ours_seconds), statistics.median(floor_seconds)
        ratios = sorted(a / b for a, b in zip(ours_seconds, floor_seconds, strict=True))
        middle = f"{ratios[len(ratios) // 4]:.2f} to {ratios[-1 - len(ratios) // 4]:.2f}"
        aim = f"at most {limit:.2f}" if number == 0 else "no limit"
        print(f"{title}: {ours} / {floor} = {our_median / floor_median:.2f} ({aim};"
              f" middle half {middle}; {our_median:.2f} s / {floor_median:.2f} s)")


def process(
    *words: str, folder: Path, code: int = 0, env: dict[str, str] | None = None
) -> Work:
    def run() -> None:
        done = subprocess.run(words, cwd=folder, env={**clean_environment(), **(env or {})},
                              capture_output=True, check=False)
        assert done.returncode == code, (done.stdout.decode(), done.stderr.decode())

    return run


def template_copy(folder: Path, hooks: str) -> Path:
    """Copy the template; hooks: "our", "empty" or "no"."""
    for name in tracked_files():
        if not (hooks == "no" and name.startswith("hooks/")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    if hooks == "empty":
        for name in ("pre", "post"):
            (folder / "hooks" / f"{name}_gen_project.py").write_text("", encoding="utf-8")
    return folder


def home(work: Path) -> dict[str, str]:
    """An empty home, and a folder of its own for temporary files: a full one slows Python down."""
    names = ("HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP")
    return {name: str(work) for name in names}


def generating(work: Path, rounds: int) -> None:
    def generate(hooks: str) -> Work:
        template = template_copy(work / f"template-{hooks}", hooks)
        output = work / f"out-{hooks}"
        output.mkdir()
        command = process(sys.executable, "-m", "cookiecutter", str(template), "--no-input",
                          "-o", str(output), folder=work,
                          env=home(work))

        def once() -> None:
            shutil.rmtree(output)
            output.mkdir()
            command()

        return once

    works = {f"{hooks} hooks": generate(hooks) for hooks in ("our", "empty", "no")}
    report("generating", measure(works, rounds), 1.20)


def resetting(work: Path, rounds: int) -> None:
    """Reset a project with two broken files, one of them gone: as it is, and between big things."""
    template = template_copy(work / "template", "our")

    def cookiecutter(output: Path, *words: str) -> Work:
        output.mkdir(exist_ok=True)
        return process(sys.executable, "-m", "cookiecutter", str(template),
                       *(words or ["--no-input"]), folder=output, env=home(work))

    def first_generation() -> None:
        shutil.rmtree(work / "first")
        cookiecutter(work / "first")()

    def reset(output: Path) -> Work:
        cookiecutter(output)()
        project = output / "my-bucket-project"

        def once() -> None:
            (project / "b2_client.py").write_text("# broken\n", encoding="utf-8")
            (project / "check_setup.py").unlink()
            cookiecutter(output, "--replay-file", f"{project}/b2-starter.json", "-f")()

        return once

    (work / "first").mkdir()
    works = {"reset": reset(work / "reset"), "first generation": first_generation}
    works["reset of a big project"] = reset(work / "big")
    packages = work / "big" / "my-bucket-project" / ".venv" / "lib"
    packages.mkdir(parents=True)
    for number in range(3000):
        (packages / f"module{number}.py").write_text("pass\n", encoding="utf-8")
    with open(packages.parent.parent / "film.mp4", "wb") as film:
        film.truncate(2 * 1024**3)
    seconds = measure(works, rounds)
    big = {name: seconds[name] for name in ("reset of a big project", "reset")}
    report("resetting", {name: seconds[name] for name in ("reset", "first generation")}, 1.50)
    report("resetting, with 3,000 files and 2 GiB beside", big, 1.10)


def using(work: Path, rounds: int) -> None:
    project = work / "project"
    shutil.copytree(STARTER, project, ignore=shutil.ignore_patterns("__pycache__"))
    (work / "served" / BUCKET).mkdir(parents=True)
    with rclone_server(work / "served") as endpoint:
        (project / ".env").write_text(
            f"B2_APPLICATION_KEY_ID={KEY_ID}\nB2_APPLICATION_KEY={APPLICATION_KEY}\n"
            f"B2_BUCKET_NAME={BUCKET}\nB2_ENDPOINT={endpoint}\n", encoding="utf-8")
        (project / "ours.py").write_text(OURS.format(calls=CALLS), encoding="utf-8")
        bare = BARE.format(endpoint=endpoint, calls=CALLS)
        (project / "bare.py").write_text(bare, encoding="utf-8")
        compiled = {"PYTHONDONTWRITEBYTECODE": ""}
        works = {name: process(sys.executable, f"{name}.py", folder=project, env=compiled)
                 for name in ("ours", "bare")}
        report("three calls to a local server", measure(works, 2 * rounds), 1.10)
        processor = measure(works, 2 * rounds, processor_seconds)
        report("three calls, processor time", processor, 1.10)


def testing(work: Path, rounds: int) -> None:
    project = work / "tested"
    shutil.copytree(STARTER, project, ignore=shutil.ignore_patterns("__pycache__"))
    starter = project / "_starter" / "hello-bucket"
    shutil.copy(starter / "main.py", project)
    shutil.copy(starter / "tests" / "test_main.py", project / "tests")
    floor = work / "floor"
    floor.mkdir()
    (floor / "test_floor.py").write_text(TEST_FLOOR, encoding="utf-8")
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:hypothesis"]
    compiled = {"PYTHONDONTWRITEBYTECODE": ""}
    works = {"generated tests": process(*words, "tests", folder=project, env=compiled),
             "one mocked call": process(*words, "test_floor.py", folder=floor, env=compiled)}
    report("testing", measure(works, rounds), 1.50)


def checking(work: Path, rounds: int) -> None:
    """Let check_setup.py meet a silent server; then a mistake that its last offline step finds."""
    project = work / "checked"
    shutil.copytree(STARTER, project, ignore=shutil.ignore_patterns("__pycache__"))

    def env_file(key: str, endpoint: str) -> None:
        (project / ".env").write_text(
            f"B2_APPLICATION_KEY_ID={KEY_ID}\nB2_APPLICATION_KEY={key}\n"
            f"B2_BUCKET_NAME={BUCKET}\nB2_ENDPOINT={endpoint}\n", encoding="utf-8")

    compiled = {"PYTHONDONTWRITEBYTECODE": ""}
    check = process(sys.executable, "check_setup.py", folder=project, code=1, env=compiled)
    with socket.create_server(("127.0.0.1", 0)) as server:
        env_file(APPLICATION_KEY, f"http://127.0.0.1:{server.getsockname()[1]}")
        start = time.perf_counter()
        check()
        print(f"check_setup.py and a silent server: {time.perf_counter() - start:.1f} s"
              " (at most 20)")
    env_file(APPLICATION_KEY[:-1], "s3.us-east-005.backblazeb2.com")
    works = {"offline checks": check, "import boto3": process(
        sys.executable, "-c", "import boto3", folder=project, env=compiled)}
    offline, floor = map(statistics.median, measure(works, rounds).values())
    print(f"check_setup.py, offline, beyond import boto3: {offline - floor:.2f} s (at most 0.30;"
          f" {offline:.2f} s - {floor:.2f} s)")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--only", help="generating, resetting, using, testing or checking")
    words = parser.parse_args()
    rounds = words.rounds
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, {rounds} rounds")
    for part in (generating, resetting, using, testing, checking):
        if words.only not in (None, part.__name__):
            continue
        with tempfile.TemporaryDirectory() as folder:
            part(Path(folder), rounds)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
