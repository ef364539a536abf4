"""Runs the tests on one hand-in. All of this happens in the process of that hand-in.

The guards here are for what a beginner's program does by mistake: write outside its folder, use
the network, print endlessly, end the process. They do not stop hostile code.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import io
import json
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Callable, Iterable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from classroom.landlock import confine_by_kernel
from classroom.processes import MARK, adopt_orphans, end_with_grading
from classroom.template import ROOT

MOST_OUTPUT = 2_000  # bytes that a program prints
MOST_FILE = 20_000_000  # bytes of a file that a program writes
MOST_CPU = 600  # seconds
MOST_WORDS = 2_000  # characters of a message
PYTEST_WORDS = [
    *("-p", "no:cacheprovider"),
    *("-p", "no:unraisableexception"),
    *("-p", "no:faulthandler"),
    *("-c", ".pytest.ini"),
    *("--rootdir", "."),
    *("-s", "-q", "tests/test_main.py"),
]

# The modules whose parts decide on a result. main.py must not change them.
DECIDING = (
    "pytest",
    "_pytest.outcomes",
    "_pytest.runner",
    "_pytest.python",
    "_pytest.reports",
    "grading",
    "conftest",
    "test_main",
    "classroom.runner",
    "builtins",
    "json",
    "json.encoder",
    "os.path",
    "pluggy",
    "pluggy._hooks",
    "pluggy._manager",
    "pluggy._callers",
)

# Audit events. Source: docs.python.org, "Audit events table".
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
    "os.setxattr",
    "os.removexattr",
    "shutil.rmtree",
    "shutil.move",
}
CHANGES_OF_TWO = {"os.rename", "os.link", "os.symlink", "shutil.move"}
READS = {"open", "os.listdir", "os.scandir"}
NETWORK = {
    "socket.connect",
    "socket.bind",
    "socket.sendto",
    "socket.sendmsg",
    "socket.getaddrinfo",
    "socket.gethostbyname",
}


# Commands of fcntl that make the kernel send signals. Source: man 2 fcntl; fcntl.h of Linux.
SIGNALS_BY_FILE = {8, 10, 15}  # F_SETOWN, F_SETSIG, F_SETOWN_EX


class Cut(io.RawIOBase):
    """Takes what a program prints: keeps the beginning, and drops the rest."""

    def __init__(self) -> None:
        self.kept = b""

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        self.kept += bytes(content[: MOST_OUTPUT - len(self.kept)])
        return len(content)

    def as_stream(self) -> io.TextIOWrapper:
        """Return it as print() and sys.stdout.reconfigure() need it."""
        return io.TextIOWrapper(self, "utf-8", "replace", write_through=True)  # type: ignore


def run_tests(
    folder: str,
    mark: str,
    seal: bytes,
    done: list[str],
    failed: list[str],
    hidden: list[str],
    to: Connection,
) -> None:
    """Run tests/test_main.py of the project in a folder, and send each event when it happens.

    mark: the environment variable of all processes of this hand-in; seal: what each event begins
    with, so that main.py cannot send its own; done: names of the tests that are not run again;
    failed: those of them that ended a process; hidden: how paths begin that the program may not
    read: solutions, and other hand-ins.
    The events, as JSON: ["ready"], ["start", name], ["end", name, outcome, words], ["loaded"],
    ["stuck"], ["patched", name], ["broken", words], ["failure", words], ["output", text],
    ["finished"].
    """
    if sys.platform != "win32":  # a forked process inherits what the process server has open
        os.closerange(3, to.fileno())
        os.closerange(to.fileno() + 1, 256)
    # A process that was not forked imports all this now, which can take long on a busy computer.
    importlib.import_module("classroom.pytest_ready")
    adopt_orphans()
    home = str(Path(folder).parent / "home")
    ours = [str(ROOT / name) for name in ("classroom", "hooks")]
    libraries = [path for path in sys.path if path not in ("", str(ROOT))]
    confine_by_kernel([folder, home], [sys.prefix, sys.base_prefix, *libraries, *ours])
    end_with_grading()
    vars(multiprocessing.current_process()).pop("_args", None)  # main.py could ask for the seal
    confine(Path(folder), mark, hidden)
    complaints = Cut()
    sys.stderr = complaints.as_stream()

    write, send = json.dumps, to.send_bytes  # main.py could replace them

    def tell(*event: str) -> None:
        send(seal + write(event).encode())

    tell("ready")
    reporter = Reporter(tell, done, failed)
    code = pytest.main(PYTEST_WORDS, plugins=[reporter])
    if code in (pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR):
        words = complaints.kept.decode("utf-8", "replace").strip()
        tell("failure", reporter.internal_error or words or f"pytest's exit code is {code}")
    tell("output", reporter.printed.kept.decode("utf-8", "replace"))
    tell("finished")
    to.close()
    os._exit(0)  # without waiting for a student's threads


# Confining the process.


def confine(folder: Path, mark: str, hidden: list[str]) -> None:
    """Limit this process, so that it can do little harm outside the folder."""
    home = str(folder.parent / "home")
    if sys.platform != "win32":
        with contextlib.suppress(OSError):
            os.setsid()  # what it starts can be found by this
    os.chdir(folder)
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
    set_limits()
    close_terminal()
    sys.addaudithook(make_guard([str(folder), home], hidden))


def set_limits() -> None:
    """Limit what this process can use, if the system can do that."""
    if sys.platform == "win32":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_FILE, MOST_FILE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_CPU, MOST_CPU))  # in case nobody is watching


def close_terminal() -> None:
    """Make this process read nothing, and print to nowhere."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    sys.stdin = open(os.devnull, encoding="utf-8")
    sys.stdout = open(os.devnull, "w", encoding="utf-8")
    sys.stderr = sys.stdout


def make_guard(own: list[str], hidden: list[str]) -> Callable[[str, tuple[Any, ...]], None]:
    """Return an audit hook that refuses to write elsewhere, to read what is hidden, and a network.

    own: the folders in which it may write; hidden: how paths begin that may not be read; a folder
    ends with the separator. Once it is added, a hook cannot be removed.
    """
    inside = tuple(spell(folder) + os.sep for folder in own)
    outside = tuple(spell(start) + os.sep * start.endswith(os.sep) for start in hidden)
    nothing = spell(os.devnull)
    own_number = os.getpid()

    def check_written(path: Any) -> None:
        real = spell(decode(path))
        if real != nothing and not real.startswith(inside):
            raise PermissionError(f"a graded program may only write in its own folder: {path!r}")

    def check_read(event: str, path: Any) -> None:
        real = spell(decode(path))
        is_inside = f"{real}{os.sep}".startswith(inside)
        is_folder = event == "open" and os.path.isdir(real)  # for dir_fd=, which no event names
        if not is_inside and (is_folder or f"{real}{os.sep}".startswith(outside)):
            raise PermissionError(f"a graded program may not read here: {path!r}")

    def guard(event: str, values: tuple[Any, ...]) -> None:
        for path in filter(is_path, find_written(event, values)):
            check_written(path)
        for path in filter(is_path, values[:1] if event in READS else ()):
            check_read(event, path)
        reason = find_refusal(event, values, own_number)
        if reason:
            raise PermissionError(reason)

    return guard


def is_path(value: Any) -> bool:
    """Tell whether this is a path: it may be the number of an open file, too."""
    return isinstance(value, (str, bytes, os.PathLike))


def decode(path: Any) -> str:
    """Return a path as text. One of another type may be one path now, and another one later."""
    if type(path) not in (str, bytes, type(Path())):
        raise PermissionError("a graded program writes paths as text")
    return os.fsdecode(path)


def spell(path: str) -> str:
    r"""Return a path without links, as it can be compared.

    Windows has many spellings of a path, such as C:\Users and c:/users. Its os.devnull, nul, is
    \\.\nul for pytest, and os.path.realpath() does not make the same of both.
    """
    path = os.path.normcase(path)
    if path.removeprefix("\\\\.\\") == os.devnull:
        return os.devnull
    return os.path.normcase(os.path.realpath(path))


def find_written(event: str, values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the paths that an audit event writes to, renames or deletes."""
    if event == "open":
        return values[:1] if values[2] & WRITES else ()
    if event in CHANGES_OF_TWO:
        return values[:2]
    if event in CHANGES or (event == "sqlite3.connect" and values[0] != ":memory:"):
        return values[:1]
    return ()


def find_refusal(event: str, values: tuple[Any, ...], own: int) -> str:
    """Return why an audit event is refused, whatever it writes to, or "". own: this process."""
    if event in ("os.fork", "os.forkpty"):
        return "a program that is graded cannot fork"
    if event in NETWORK:
        return "a program that is graded has no network"
    if event == "resource.prlimit" and values[0] not in (0, own):
        return "a program that is graded can only limit itself"
    if event == "fcntl.fcntl" and values[1] in SIGNALS_BY_FILE:
        return "a program that is graded can send no signals"
    if event in ("os.kill", "os.killpg") and values[0] not in (0, own):
        return "a program that is graded can only end itself"
    return ""


# Watching pytest.


class Reporter:
    """A pytest plugin that tells the watching process what happens."""

    def __init__(self, tell: Callable[..., None], done: list[str], failed: list[str]) -> None:
        self.tell = tell
        self.done = done
        self.failed = failed
        self.printed = Cut()
        self.internal_error = ""
        self.parts: dict[str, Any] = {}
        self.list_parts = list_parts  # main.py could replace it in the module

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if item.name not in self.done]

    def pytest_collection_finish(self) -> None:
        sys.stdout = self.printed.as_stream()
        sys.stderr = sys.stdout
        grading = sys.modules["grading"]
        self.repeat_failures(grading)
        self.watch(grading)
        self.parts = list_parts()

    def repeat_failures(self, grading: Any) -> None:
        """Tell grading.py which tests failed in an earlier process: 3b waits for 3a here, too."""
        for name in self.failed:
            found = grading.GRADED.match(name)
            if found:
                grading._not_done.setdefault(found[1], found[1] + found[2])

    def watch(self, grading: Any) -> None:
        """Send an event when main.py is loaded (a first call ends), and when a call never ends."""
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

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:  # hello-bucket's tests import main.py at the top
            self.tell("broken", report.longreprtext[-MOST_WORDS:])

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.tell("start", name_of(nodeid))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" and report.outcome == "passed":
            return
        if isinstance(report.longrepr, tuple):  # of a skipped test: file, line, reason
            words = report.longrepr[2].removeprefix("Skipped: ")
        else:
            words = report.longreprtext
        self.tell("end", name_of(report.nodeid), report.outcome, words[:MOST_WORDS])
        self.look_for_changes()

    def pytest_internalerror(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        self.internal_error = excinfo.exconly()[-MOST_WORDS:]

    def pytest_sessionfinish(self) -> None:
        self.look_for_changes()

    def look_for_changes(self) -> None:
        """Tell which part of the tests is another one now: after each test, as it may come back."""
        now = self.list_parts()
        added = [name for name in now if name.startswith("grading.") and name not in self.parts]
        changed = [name for name, part in self.parts.items() if now.get(name) is not part]
        for name in [*changed, *added][:1]:
            self.tell("patched", name)


def name_of(nodeid: str) -> str:
    """Return the name of a test: tests/test_main.py::test_1 is test_1."""
    return nodeid.rpartition("::")[2]


def list_parts() -> dict[str, Any]:
    """Return {full name: function, class or method} of all that decides on a result."""
    parts = {}
    for module in DECIDING:
        for name, part in list_members(sys.modules.get(module, pytest)):
            if callable(part) or inspect.ismodule(part):
                parts[f"{module}.{name}"] = part
            if isinstance(part, type):
                for method, function in list_members(part):
                    if callable(function):
                        parts[f"{module}.{name}.{method}"] = function
    parts.pop("builtins.input", None)  # grading.py replaces it itself, for each call
    codes = {
        f"{name}.__code__": part.__code__
        for name, part in parts.items()
        if inspect.isfunction(part)
    }
    return parts | codes


def list_members(owner: Any) -> Iterable[tuple[str, Any]]:
    """Return (name, value) of what a module or class has now, even if other threads change it."""
    return list(vars(owner).items())
