"""Many processes at a time: how they start, are watched and end, and how far they have got."""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator

import psutil
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from classroom.template import ROOT

MARK = "B2_GRADING"  # an environment variable of all processes that a hand-in starts


def prepare_context(module: str, fork: bool = True) -> multiprocessing.context.BaseContext:
    """Return a way to start processes that have already imported a module, if that works.

    fork: False means that each process imports everything itself, as on Windows.
    """
    if sys.platform == "win32" or not fork:
        return multiprocessing.get_context("spawn")
    os.environ["PYTHONPATH"] = str(ROOT)  # before Python 3.14, the server does not get sys.path
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([module])
    try:
        start_server(context)
    except OSError:  # the path of its socket is too long, because that of TMPDIR is
        return multiprocessing.get_context("spawn")
    return context


def start_server(context: multiprocessing.context.BaseContext) -> None:
    """Start the process that others are forked from, if it does not run: none has to wait then."""
    if context.get_start_method() != "forkserver":
        return
    from multiprocessing import forkserver, resource_tracker  # Windows does not have them

    resource_tracker.ensure_running()  # the server would start it, and that lets Ctrl-C through
    with without_ctrl_c():
        forkserver.ensure_running()
    first = context.Process(target=int)  # type: ignore[attr-defined]
    first.start()
    first.join()


@contextlib.contextmanager
def without_ctrl_c() -> Iterator[None]:
    """Let Ctrl-C wait; a process that is started meanwhile never sees it (not on Windows)."""
    if sys.platform == "win32":
        yield
        return
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])


def count_processes() -> int:
    """Return how many processes should work at a time.

    Windows can wait for 63 things at once, and a pool waits for each of its processes.
    Source: docs.python.org, ProcessPoolExecutor: max_workers must be at most 61 on Windows.
    """
    return min(os.cpu_count() or 1, 61)


@contextlib.contextmanager
def show_progress(what: str, total: int) -> Iterator[Callable[[], None]]:
    """Yield a function that counts one more: a bar in a terminal, about ten lines elsewhere."""
    if not sys.stdout.isatty():
        yield count_in_lines(total)
        return
    columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()]
    with Progress(*columns, console=Console(soft_wrap=True)) as bar:
        task = bar.add_task(what, total=total)

        def advance() -> None:
            bar.advance(task)

        yield advance


def count_in_lines(total: int) -> Callable[[], None]:
    """Return a function that counts one more, and prints about ten lines in all."""
    step = max(1, total // 10)
    done = 0

    def advance() -> None:
        nonlocal done
        done += 1
        if done % step == 0 or done == total:
            print(f"{done} of {total}", flush=True)

    return advance


def end_as_by_ctrl_c() -> None:
    """Make this process clean up when the system ends it, as it does after Ctrl-C.

    If it was started with nohup, it goes on when the terminal is closed.
    """
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number and signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)


def end_with_parent() -> None:
    """Make this process end when the one that started it ends, in whatever way."""

    def wait() -> None:
        parent = multiprocessing.parent_process()
        if parent:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def adopt_orphans() -> None:
    """Make processes whose parent ends belong to this one, where the system can do that (Linux).

    So they are still found when they are to be ended. Source: man 2 prctl, PR_SET_CHILD_SUBREAPER.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)


def find_server() -> psutil.Process | None:
    """Return the process that hand-ins are forked from, if there is one."""
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error):
            if any("forkserver" in word for word in child.cmdline()):
                return child
    return None


def end_leftovers() -> None:
    """End the processes of gradings that were killed: the mark begins with the grading's number."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError, ValueError):
            grading = process.environ().get(MARK, "").partition("-")[0]
            if grading and not psutil.pid_exists(int(grading)):
                process.kill()


def end_orphans() -> None:
    """End what hand-ins have left behind, and this process has adopted.

    What multiprocessing itself has started stays; it has no public names for that.
    """
    if sys.platform == "win32":
        return
    from multiprocessing import forkserver, resource_tracker

    own = {one.pid for one in multiprocessing.active_children()}
    own.add(getattr(forkserver._forkserver, "_forkserver_pid", None))  # type: ignore[attr-defined]
    own.add(getattr(resource_tracker._resource_tracker, "_pid", None))
    for child in psutil.Process().children():
        if child.pid not in own:
            with contextlib.suppress(psutil.Error):
                end_all(child.pid, f"nothing-{child.pid}")
                child.wait(1)


def keep_server_awake() -> None:
    """Let the process that others are forked from go on, whenever a hand-in has stopped it."""

    def watch() -> None:
        while True:
            time.sleep(1)
            server = find_server()
            with contextlib.suppress(psutil.Error):
                if server and server.status() == psutil.STATUS_STOPPED:
                    server.resume()

    threading.Thread(target=watch, daemon=True).start()


def end_with_grading() -> None:
    """Make this process of a hand-in end when the grading ends, in whatever way.

    It asks once a second: what multiprocessing waits for has been closed here (runner.py).
    """
    parent = multiprocessing.parent_process()

    def wait() -> None:
        while parent and psutil.pid_exists(parent.pid or 0):
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def find_family(root: int, mark: str) -> list[psutil.Process]:
    """Return a process and all that it started, even those that tried to get away.

    They are found as its children, in its session (not on Windows), or by the mark: a value that
    only they have among their environment variables.
    """
    family = {}
    with contextlib.suppress(psutil.Error):
        first = psutil.Process(root)
        for process in [first, *first.children(recursive=True)]:
            family[process.pid] = process
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            in_session = sys.platform != "win32" and os.getsid(process.pid) == root
            if in_session or mark in process.environ().values():
                family[process.pid] = process
    family.pop(os.getpid(), None)
    return list(family.values())


def end_all(root: int, mark: str) -> None:
    """End a process and all that it started; up to five times, as they may start others."""
    for _ in range(5):
        alive = [process for process in find_family(root, mark) if is_alive(process)]
        if not alive:
            return
        for process in alive:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(alive, timeout=1)


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def measure_use(root: int | None) -> tuple[int, int]:
    """Return (bytes of memory, number of processes) of a process with all its children."""
    try:
        first = psutil.Process(root)
        family = [first, *first.children(recursive=True)]
    except psutil.Error:
        return 0, 0
    used = 0
    for process in family:
        with contextlib.suppress(psutil.Error):
            used += process.memory_info().rss
    return used, len(family)
