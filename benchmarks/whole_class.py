"""What a whole class costs, compared with a loop that runs the commands for one student.

The loops run before and after the class commands, on a part of the class; what is compared is the
time for one project and for one hand-in.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from side_by_side import ROOT, Limit, Ratio

ASSIGNMENT = "guestbook"
TESTS = "tests/test_main.py"
SOLUTIONS = ROOT / "tests" / "solutions" / ASSIGNMENT


class Memory:
    """Watches how much memory a process and its children use at most; shared pages count once."""

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
    """Return the seconds for one project, made by the command for one project."""
    start = time.perf_counter()
    for number in range(count):
        words = [
            sys.executable,
            "-m",
            "cookiecutter",
            str(ROOT),
            "--no-input",
            "-o",
            str(folder),
            f"assignment={ASSIGNMENT}",
            f"project_slug=loop-{number}",
        ]
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    took = (time.perf_counter() - start) / count
    shutil.rmtree(folder)
    return took


def pytest_loop(projects: list[Path]) -> tuple[float, list[int]]:
    """Return the seconds for one hand-in, graded by pytest alone; and all their points."""
    start = time.perf_counter()
    points = []
    for project in projects:
        words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", TESTS]
        done = subprocess.run(words, cwd=project, check=False, capture_output=True)
        passed = re.search(rb"(\d+) passed", done.stdout)
        points.append(int(passed[1]) if passed else 0)
    return (time.perf_counter() - start) / len(projects), points


def hand_in(projects: list[Path]) -> None:
    """Let every second student hand in a right program, the others a program with one mistake."""
    reference = (SOLUTIONS / "main.py").read_text(encoding="utf-8")
    wrong = [file.read_text(encoding="utf-8") for file in sorted(SOLUTIONS.glob("wrong_*.py"))]
    for number, project in enumerate(projects):
        part = "" if number % 2 else wrong[number // 2 % len(wrong)]
        text = reference.replace("\n\ndef main():", f"\n\n{part}\n\ndef main():")
        (project / "main.py").write_text(text, encoding="utf-8")


def whole_class(
    work: Path, students: int = 300, many: int = 1_000, loop: int = 20
) -> list[Ratio | Limit]:
    """Make and grade a class with this many students. loop: how many of them the loops do.

    Raises AssertionError if the loop and `grade` give different points.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP"):
            patch.setenv(name, str(work))
        rows, made_memory = making(work, students, many, loop)
        more, graded_memory = grading(work / f"class-{students}", students, loop)
    return [
        *rows,
        *more,
        Limit(f"memory for {many} projects", made_memory / 1e6, 600, "MB"),
        Limit(f"memory for {students} hand-ins", graded_memory / 1e6, 600, "MB"),
    ]


def making(work: Path, students: int, many: int, loop: int) -> tuple[list[Ratio], int]:
    for count in (students, many):
        names = "".join(f"Student {number}\n" for number in range(count))
        (work / f"{count}.csv").write_text(f"student\n{names}", encoding="utf-8")

    def make(count: int) -> tuple[float, int]:
        folder = work / f"class-{count}"
        shutil.rmtree(folder, ignore_errors=True)
        took, memory = seconds(
            classroom(
                "new_class",
                str(work / f"{count}.csv"),
                "--out",
                str(folder),
                "--assignment",
                ASSIGNMENT,
            ),
            work,
        )
        return took / count, memory

    cookiecutter_loop(work / "warm", 2)
    one, alone = [], []
    for _ in range(2):
        alone.append(cookiecutter_loop(work / "loop", loop))
        one.append(make(students)[0])
    of_many, memory = make(many)
    return [
        Ratio(
            f"one of {students} projects of a class", "`cookiecutter` for one", one, alone, 1 / 6
        ),
        Ratio(f"one of {many} projects", f"one of {students}", [of_many], one[-1:], 1.10),
    ], memory


def grading(folder: Path, students: int, loop: int) -> tuple[list[Ratio], int]:
    projects = sorted(path for path in folder.iterdir() if path.is_dir())
    hand_in(projects)
    pytest_loop(projects[:2])
    before, points = pytest_loop(projects[:loop])
    took, memory = seconds(
        classroom("grade", str(folder), "--out", str(folder / "grades.csv")), folder.parent
    )
    after, _ = pytest_loop(projects[:loop])
    grades = json.loads((folder / "grades.json").read_text(encoding="utf-8"))["students"]
    of_folder = {one["hand-in"]: one["points"] for one in grades}
    assert [of_folder[project.name] for project in projects[:loop]] == points
    return [
        Ratio(
            f"one of {students} hand-ins, graded",
            "`pytest` for one",
            [took / students],
            [(before + after) / 2],
            1 / 4,
        )
    ], memory
