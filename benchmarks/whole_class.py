"""What a whole class costs: against a loop over the commands for one. `nox -s benchmarks` runs it.

The loops run side by side with the class commands, on a part of the class, before and after; what
is compared is the time for one project and for one hand-in.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
ASSIGNMENT = "guestbook"
TESTS = "tests/test_main.py"
SOLUTIONS = ROOT / "tests" / "solutions" / ASSIGNMENT


class Memory:
    """Watches how much a process and its children hold at most, shared pages counted once."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.most = 0
        self.process = psutil.Process(process.pid)
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()

    def watch(self) -> None:
        while True:
            try:
                family = [self.process, *self.process.children(recursive=True)]
                if self.process.status() == psutil.STATUS_ZOMBIE:
                    return
            except psutil.Error:
                return
            self.most = max(self.most, sum(map(held, family)))
            time.sleep(0.5)  # it costs the class some time, too


def held(process: psutil.Process) -> int:
    try:
        full = process.memory_full_info()
        return getattr(full, "pss", full.uss)
    except psutil.Error:
        return 0


def seconds(words: list[str], folder: Path) -> tuple[float, int]:
    """Run a command; return how long it took, and the most memory that it held, in bytes."""
    start = time.perf_counter()
    process = subprocess.Popen(words, cwd=folder, stdout=subprocess.DEVNULL)
    memory = Memory(process)
    process.wait()
    took = time.perf_counter() - start
    memory.thread.join()
    if process.returncode not in (0, 1):
        raise SystemExit(f"{words} ended with {process.returncode}")
    return took, memory.most


def classroom(*words: str) -> list[str]:
    return [sys.executable, str(ROOT / "classroom"), *words]


def cookiecutter_loop(folder: Path, count: int) -> float:
    """Return the seconds for one project, made by the command for one."""
    start = time.perf_counter()
    for number in range(count):
        words = [sys.executable, "-m", "cookiecutter", str(ROOT), "--no-input", "-o", str(folder),
                 f"assignment={ASSIGNMENT}", f"project_slug=loop-{number}"]
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    took = (time.perf_counter() - start) / count
    shutil.rmtree(folder)
    return took


def pytest_loop(projects: list[Path]) -> tuple[float, list[int]]:
    """Return the seconds for one hand-in, graded by the command for one; and all their points."""
    start = time.perf_counter()
    points = []
    for project in projects:
        words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", TESTS]
        done = subprocess.run(words, cwd=project, check=False, capture_output=True)
        passed = re.search(rb"(\d+) passed", done.stdout)
        points.append(int(passed[1]) if passed else 0)
    return (time.perf_counter() - start) / len(projects), points


def hand_in(projects: list[Path], work: Path) -> None:
    """Let every second student hand in what is right, the others what is wrong in one place."""
    reference = (SOLUTIONS / "main.py").read_text(encoding="utf-8")
    wrong = [file.read_text(encoding="utf-8") for file in sorted(SOLUTIONS.glob("wrong_*.py"))]
    for number, project in enumerate(projects):
        part = "" if number % 2 else wrong[number // 2 % len(wrong)]
        text = reference.replace("\n\ndef main():", f"\n\n{part}\n\ndef main():")
        (project / "main.py").write_text(text, encoding="utf-8")
    work.mkdir(exist_ok=True)


def line(what: str, ratio: float, aim: str, more: str) -> None:
    print(f"{what:<58} {ratio:6.2f}   aim {aim:<8} {more}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--students", type=int, default=300)
    parser.add_argument("--many", type=int, default=1_000)
    parser.add_argument("--loop", type=int, default=20, help="how many of them the loops do")
    given = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="whole-class-"))
    os.environ.update({"HOME": str(work / "home"), "TMPDIR": str(work)})
    try:
        run(work, given.students, given.many, given.loop)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def run(work: Path, students: int, many: int, loop: int) -> None:
    for count in (students, many):
        rows = "".join(f"Student {number}\n" for number in range(count))
        (work / f"{count}.csv").write_text(f"student\n{rows}", encoding="utf-8")

    def make(count: int) -> tuple[float, int]:
        return seconds(classroom("new_class", str(work / f"{count}.csv"), "--out",
                                 str(work / f"class-{count}"), "--assignment", ASSIGNMENT), work)

    cookiecutter_loop(work / "warm", 2)
    before = cookiecutter_loop(work / "loop", loop)
    made, made_memory = make(students)
    after = cookiecutter_loop(work / "loop", loop)
    made_many, many_memory = make(many)
    shutil.rmtree(work / f"class-{students}")
    made_again, _ = make(students)
    alone, made = (before + after) / 2, (made + made_again) / 2
    line("loop over cookiecutter / new_class, for one project", alone / (made / students), ">= 6",
         f"{1000 * alone:.0f} ms / {1000 * made / students:.0f} ms, {students} projects")
    line(f"one of {many} projects / one of {students}",
         (made_many / many) / (made / students), "1.0", f"{1000 * made_many / many:.0f} ms")

    folder = work / f"class-{students}"
    projects = sorted(path for path in folder.iterdir() if path.is_dir())
    hand_in(projects, work)
    pytest_loop(projects[:2])
    before, points = pytest_loop(projects[:loop])
    graded, graded_memory = seconds(
        classroom("grade", str(folder), "--out", str(folder / "grades.csv")), work)
    after, _ = pytest_loop(projects[:loop])
    alone = (before + after) / 2
    grades = json.loads((folder / "grades.json").read_text(encoding="utf-8"))["students"]
    of_folder = {one["hand-in"]: one["points"] for one in grades}
    if [of_folder[project.name] for project in projects[:loop]] != points:
        raise SystemExit("the loop and grade give different points")
    line("loop over pytest / grade, for one hand-in", alone / (graded / students), ">= 4",
         f"{1000 * alone:.0f} ms / {1000 * graded / students:.0f} ms, {students} hand-ins,"
         " the same points")
    for what, memory in (("projects", max(made_memory, many_memory)), ("hand-ins", graded_memory)):
        line(f"memory for {what}, in units of 600 MB", memory / 600e6, "< 1",
             f"{memory / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
