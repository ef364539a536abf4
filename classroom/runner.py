"""Runs the tests on one hand-in. This is what happens in the process of that hand-in.

Guards here are for what a beginner's program does by mistake: writing beside its folder, talking
to the network, printing without end, ending the process. They are no jail for hostile code.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import json
import os
import sys
import tempfile
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from classroom.template import ROOT

MOST_OUTPUT = 2_000  # bytes of what a program prints
MOST_FILE = 20_000_000  # bytes of a file that a program writes
MOST_CPU = 600  # seconds
MARK = "B2_GRADING"  # in the environment of all processes that a hand-in starts

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = {
    "os.remove",
    "os.rmdir",
    "os.mkdir",
    "os.rename",
    "os.link",
    "os.symlink",
    "os.truncate",
    "os.chmod",
    "os.chown",
    "os.utime",
    "shutil.rmtree",
    "shutil.move",
}
OF_TWO = {"os.rename", "os.link", "os.symlink", "shutil.move"}
NETWORK = {
    "socket.connect",
    "socket.bind",
    "socket.sendto",
    "socket.sendmsg",
    "socket.getaddrinfo",
    "socket.gethostbyname",
}


class Cut(io.RawIOBase):
    """Where a program prints to: keeps the beginning, drops the rest."""

    def __init__(self) -> None:
        self.kept = b""

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        self.kept += bytes(content[: MOST_OUTPUT - len(self.kept)])
        return len(content)

    def as_stream(self) -> io.TextIOWrapper:
        """Return it as print() and sys.stdout.reconfigure() want it."""
        return io.TextIOWrapper(self, "utf-8", "replace", write_through=True)  # type: ignore


def run_tests(folder: str, mark: str, done: list[str], failed: list[str], to: Connection) -> None:
    """Run tests/test_main.py of the project in the folder, and send what happens as it happens.

    done: names of the tests that are not run again; failed: those of them that ended a process.
    Sent, as JSON, are ["start", name], ["end", name, outcome, words], ["loaded"], ["stuck"],
    ["patched", name], ["broken", words], ["output", text], ["finished"].
    """
    if os.name != "nt":  # what the server of processes has open is none of its business
        os.closerange(3, to.fileno())
        os.closerange(to.fileno() + 1, 256)
    shut_in(Path(folder), mark)

    def tell(*event: str) -> None:
        to.send_bytes(json.dumps(event).encode())

    reporter = Reporter(tell, done, failed)
    words = [
        "-p",
        "no:cacheprovider",
        "-p",
        "no:unraisableexception",
        "-p",
        "no:faulthandler",
        "-c",
        ".pytest.ini",
        "--rootdir",
        ".",
        "-s",
        "-q",
        "tests/test_main.py",
    ]
    pytest.main(words, plugins=[reporter])
    tell("output", reporter.printed.kept.decode("utf-8", "replace"))
    tell("finished")
    to.close()
    os._exit(0)  # not waiting for a student's threads


def shut_in(folder: Path, mark: str) -> None:
    """Make this process one that can do little harm outside of the folder."""
    with contextlib.suppress(AttributeError, OSError):
        os.setsid()  # what it starts can be found by this
    os.chdir(folder)
    home = str(folder.parent / "home")
    os.environ.update(
        {
            MARK: mark,
            "HOME": home,
            "USERPROFILE": home,
            "TMPDIR": home,
            "TEMP": home,
            "TMP": home,
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "NO_COLOR": "1",
        }
    )
    os.environ.pop("PYTHONPATH", None)
    tempfile.tempdir = home
    sys.dont_write_bytecode = True
    sys.path[:] = [path for path in sys.path if path not in ("", str(ROOT))]
    with contextlib.suppress(ImportError):
        import resource  # not on Windows

        resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_FILE, MOST_FILE))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (MOST_CPU, MOST_CPU))  # if nobody watches any more
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    sys.stdin = open(os.devnull, encoding="utf-8")
    sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8")
    sys.addaudithook(guard(str(folder), home))


def guard(*own_folders: str) -> Callable[[str, tuple[Any, ...]], None]:
    """Return an audit hook that refuses to write outside of these folders, and the network.

    docs.python.org, "Audit events table", lists the events. A hook cannot be taken out again.
    """
    inside = tuple(os.path.realpath(folder) + os.sep for folder in own_folders)
    nothing = os.path.realpath(os.devnull)
    own = os.getpid()

    def check(path: Any) -> None:
        if isinstance(path, int) or path is None:
            return
        real = os.path.realpath(os.fsdecode(path))
        if real != nothing and not real.startswith(inside):
            raise PermissionError(f"in the grading, programs write in their own folder: {path!r}")

    def hook(event: str, values: tuple[Any, ...]) -> None:
        for path in find_written(event, values):
            check(path)
        reason = find_refusal(event, values, own)
        if reason:
            raise PermissionError(f"in the grading, {reason}")

    return hook


def find_written(event: str, values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the paths that an audit event writes to, renames or deletes."""
    if event == "open":
        return values[:1] if values[2] & WRITES else ()
    if event in OF_TWO:
        return values[:2]
    if event in CHANGES or (event == "sqlite3.connect" and values[0] != ":memory:"):
        return values[:1]
    return ()


def find_refusal(event: str, values: tuple[Any, ...], own: int) -> str:
    """Return why an audit event is refused whatever it writes to, or "". own: this process."""
    if event in ("os.fork", "os.forkpty"):
        return "a program does not fork"
    if event in NETWORK:
        return "there is no network"
    if event in ("os.kill", "os.killpg") and values[0] not in (0, own):
        return "a program ends itself only"
    return ""


class Reporter:
    """A plugin of pytest that sends what happens to the process that watches."""

    def __init__(self, tell: Callable[..., None], done: list[str], failed: list[str]) -> None:
        self.tell = tell
        self.done = done
        self.failed = failed
        self.printed = Cut()
        self.parts: dict[str, Any] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if item.name not in self.done]

    def pytest_collection_finish(self) -> None:
        sys.stdout = sys.stderr = self.printed.as_stream()
        self.parts = parts_of_pytest()
        grading = sys.modules["grading"]
        for name in self.failed:
            if number := grading.GRADED.match(name):
                # 3b waits for 3a, also in this second process
                grading._not_done.setdefault(number[1], number[1] + number[2])
        self.watch(grading)

    def watch(self, grading: Any) -> None:
        """Tell when main.py is loaded (the first call that ends), and when a call does not end."""
        in_time = grading.in_time

        def watched(work: Callable[[], Any]) -> Any:
            try:
                value = in_time(work)
            except grading.StuckError:
                self.tell("stuck")
                raise
            self.tell("loaded")
            return value

        grading.in_time = watched
        self.parts["grading.in_time"] = watched

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:  # hello-bucket imports main.py at its top
            self.tell("broken", report.longreprtext[-2_000:])

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.tell("start", nodeid.rpartition("::")[2])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            skipped = isinstance(report.longrepr, tuple)  # file, line, reason
            words = (
                report.longrepr[2].removeprefix("Skipped: ")  # type: ignore[index]
                if skipped
                else report.longreprtext
            )
            name = report.nodeid.rpartition("::")[2]
            self.tell("end", name, report.outcome, words[:2_000])

    def pytest_sessionfinish(self) -> None:
        now = parts_of_pytest()
        for name, part in self.parts.items():
            if now.get(name) is not part:
                self.tell("patched", name)
                break


def parts_of_pytest() -> dict[str, Any]:
    """Return the functions, classes and methods that decide on a result, by their full names."""
    parts = {}
    for name in (
        "pytest",
        "_pytest.outcomes",
        "_pytest.runner",
        "_pytest.python",
        "_pytest.reports",
        "grading",
        "conftest",
        "test_main",
    ):
        for word, part in list(vars(sys.modules.get(name, pytest)).items()):
            if callable(part) or inspect.ismodule(part):
                parts[f"{name}.{word}"] = part
            if isinstance(part, type):
                for method, function in list(vars(part).items()):
                    if callable(function):
                        parts[f"{name}.{word}.{method}"] = function
    return parts
