"""Runs one hand-in in a process of its own, and watches it from outside: time, memory, its end."""

from __future__ import annotations

import json
import secrets
import threading
import time
from dataclasses import dataclass, field
from multiprocessing.context import BaseContext
from pathlib import Path

from classroom.processes import end_all, memory_of
from classroom.runner import run_tests
from classroom.texts import make_writable

ONE_TEST = 15.0  # seconds; the tests themselves end a call after three
MOST_MEMORY = 500_000_000  # bytes, of all processes of a hand-in
MOST_PROCESSES = 30

# Why a process was no longer there, and a hint.
TOO_LATE = ("it did not end in time", "Is there a loop that never ends?")
ENDED = (
    "it ended the whole program",
    "Take os._exit() and its like out; return leaves a function.",
)


@dataclass
class Result:
    """How the tests of one hand-in ended. tests: {name: (outcome, words)}."""

    tests: dict[str, tuple[str, str]] = field(default_factory=dict)
    loaded: bool = False
    stuck: bool = False
    patched: str = ""
    broken: str = ""
    output: str = ""


@dataclass
class Run:
    """One process: which test was running when it ended, and why that was not the end."""

    running: str = ""
    why: str = ""
    hint: str = ""
    finished: bool = False


def run_hand_in(context: BaseContext, project: Path, tests: list[str], seconds: float) -> Result:
    """Run the tests of a prepared project; where its process ends early, the rest in a new one.

    seconds: for all of it.
    """
    result = Result()
    until = time.monotonic() + seconds
    ended_it: list[str] = []
    run = Run()
    while not run.finished and not set(tests) <= set(result.tests):
        before = len(result.tests)
        run = run_once(context, project, result, ended_it, until)
        if run.running:
            ended_it.append(run.running)
            result.tests[run.running] = ("failed", message(run))
        loaded = result.loaded or any(kind == "passed" for kind, _ in result.tests.values())
        if not loaded or len(result.tests) == before or time.monotonic() > until:
            break
    for name in tests:
        result.tests.setdefault(name, ("skipped", run.why or "it was not run"))
    return result


def message(run: Run) -> str:
    """Return what the tests would have said, had their process lived on."""
    return (
        f"called:    main.py\ncame back: nothing: {run.why}\n"
        f"expected:  that it runs to its end\nhint:      {run.hint}"
    )


def run_once(
    context: BaseContext, project: Path, result: Result, ended_it: list[str], until: float
) -> Run:
    """Start a process, take in what it sends, and end it with all that it has started."""
    mark = secrets.token_hex(16)
    run = Run()
    receiver, sender = context.Pipe(duplex=False)
    words = (str(project), mark, list(result.tests), ended_it, sender)
    process = context.Process(target=run_tests, args=words)  # type: ignore[attr-defined]
    process.start()
    sender.close()
    heard = time.monotonic()
    # Half a message would keep recv_bytes waiting: then this ends the process, and so the message.
    alarm = threading.Timer(until - heard + 2, end_all, [process.pid, mark])
    alarm.start()
    try:
        while not run.finished:
            if receiver.poll(0.1):
                take_in(json.loads(receiver.recv_bytes(1_000_000)), run, result)
                heard = time.monotonic()
            elif time.monotonic() > min(heard + ONE_TEST, until):
                run.why, run.hint = TOO_LATE
                break
            elif not process.is_alive() and not receiver.poll(0):
                raise EOFError
            else:
                used, count = memory_of(process.pid)
                if used > MOST_MEMORY or count > MOST_PROCESSES:
                    run.why = (
                        "it used too much memory"
                        if used > MOST_MEMORY
                        else f"it started {count} processes"
                    )
                    run.hint = "Is there a loop in which something grows and grows?"
                    break
    except (EOFError, OSError, ValueError, TypeError, LookupError):  # no end, or no message of ours
        run.why, run.hint = TOO_LATE if time.monotonic() > until else ENDED
    finally:
        alarm.cancel()
        end_all(process.pid, mark)
        process.join()
        receiver.close()
    result.stuck = result.stuck or run.why == TOO_LATE[0]
    return run


def take_in(event: list, run: Run, result: Result) -> None:
    """Note one event; runner.run_tests lists them."""
    kind, *values = (make_writable(str(value)) for value in event)
    if kind == "start":
        run.running = values[0]
    elif kind == "end":
        result.tests[values[0]] = (values[1], values[2])
        run.running = ""
    elif kind == "loaded":
        result.loaded = True
    elif kind == "stuck":
        result.stuck = True
    elif kind == "patched":
        result.patched = values[0]
    elif kind == "output":
        result.output = values[0]
    elif kind == "broken":
        result.broken = values[0]
    elif kind == "finished" and not run.running:  # else the tests themselves could not go on
        run.finished = True
