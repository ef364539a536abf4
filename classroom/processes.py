"""Many processes at a time: how they are started, watched and ended, and how far the work is."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator

import psutil
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from classroom.template import ROOT


def warmed(module: str, fork: bool = True) -> multiprocessing.context.BaseContext:
    """Return a way to start processes that have imported the module already, where that can be."""
    if not fork or "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    os.environ["PYTHONPATH"] = str(ROOT)  # before Python 3.14, the server does not get sys.path
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([module])
    first = context.Process(target=int)  # so that no other one waits for the server to be ready
    first.start()
    first.join()
    return context


@contextlib.contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[], None]]:
    """Yield a function that counts: as a bar in a terminal, as some lines elsewhere."""
    if not sys.stdout.isatty():
        done = 0

        def count() -> None:
            nonlocal done
            done += 1
            if done % max(1, total // 10) == 0 or done == total:
                print(f"{done} of {total}", flush=True)

        yield count
        return
    columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()]
    with Progress(*columns, console=Console(soft_wrap=True)) as bar:
        task = bar.add_task(what, total=total)
        yield lambda: bar.advance(task)


def end_as_by_ctrl_c() -> None:
    """Let this process end as by Ctrl-C, so that it cleans up, where the system ends it.

    Not where nohup was typed before it: then it goes on when the terminal is closed.
    """
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # SIGHUP is not on Windows
        if number and signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)


def end_with_parent() -> None:
    """Let this process end when the one that wanted it has ended, in whatever way."""

    def wait() -> None:
        parent = multiprocessing.parent_process()
        if parent:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def all_of(root: int, mark: str) -> list[psutil.Process]:
    """Return a process, and what it has started: also what has left it, as long as it can be told.

    A process belongs to it by descent, by its session (not on Windows), or by the mark among its
    environment variables.
    """
    found = {}
    with contextlib.suppress(psutil.Error):
        first = psutil.Process(root)
        found = {process.pid: process for process in [first, *first.children(recursive=True)]}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            same_session = os.name != "nt" and os.getsid(process.pid) == root
            if same_session or mark in process.environ().values():
                found[process.pid] = process
    found.pop(os.getpid(), None)
    return list(found.values())


def end_all(root: int, mark: str) -> None:
    """End a process and all that it has started; a few times, for what starts others meanwhile."""
    for _ in range(5):
        left = [process for process in all_of(root, mark) if is_alive(process)]
        if not left:
            return
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(left, timeout=1)


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def memory_of(root: int) -> tuple[int, int]:
    """Return how many bytes a process and its children use, and how many they are."""
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
