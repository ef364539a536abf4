"""Runs one hand-in in its own process, and watches it from outside: time, memory, how it ends."""

from __future__ import annotations

import json
import os
import secrets
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, NamedTuple

from classroom.processes import end_all, measure_use
from classroom.runner import run_tests
from classroom.texts import make_writable

if sys.platform == "win32":
    from multiprocessing.connection import PipeConnection as Connection
else:
    from multiprocessing.connection import Connection

OUTCOMES = ("passed", "failed", "error", "skipped")
ONE_TEST = 15.0  # seconds; the tests themselves end a call after three
LONGEST_START = 120.0  # seconds; each process on Windows imports pytest, boto3 and moto anew
LONGEST_EVENT = 1_000_000  # bytes
MOST_MEMORY = 500_000_000  # bytes, of all processes of a hand-in
MOST_PROCESSES = 30


class Ending(NamedTuple):
    """Why a process ended before all tests were run, and a hint for the student."""

    why: str
    hint: str


NOT_ENDED = Ending("", "")
TOO_LATE = Ending("it did not finish in time", "Is there a loop that never ends?")
ENDED_ITSELF = Ending(
    "it ended the whole program",
    "Remove os._exit(), or whatever else ends Python. To leave a function, use return.",
)
GROWS = "Is there a loop that makes something bigger and bigger?"


@dataclass
class Result:
    """How the tests of one hand-in ended.

    tests: {name: (outcome, words)}; loaded: main.py could be imported; stuck: something did not
    end in time; patched: the part of the tests that main.py changed, or ""; broken: why the tests
    could not be loaded, or ""; output: what main.py printed; failure: why the grading itself
    failed, or ""; has_ended: a process ended by itself or stood still, or another one did that.
    """

    tests: dict[str, tuple[str, str]] = field(default_factory=dict)
    loaded: bool = False
    stuck: bool = False
    patched: str = ""
    broken: str = ""
    output: str = ""
    failure: str = ""
    has_ended: bool = False


@dataclass
class Run:
    """One process.

    running: the test that it is in, or ""; finished: it ran all tests; until: when to stop
    (time.monotonic).
    """

    running: str = ""
    ending: Ending = NOT_ENDED
    finished: bool = False
    until: float = 0


def run_hand_in(
    context: BaseContext,
    projects: Iterator[Path],
    tests: list[str],
    seconds: float,
    hidden: Sequence[str] = (),
) -> Result:
    """Run the tests of a prepared project.

    projects: a folder with it for each process; seconds: for all of them, without starting Python;
    hidden: how paths begin that the program may not read.

    If a process ends early, the test that it was in has failed, and a new process runs the rest.
    """
    result = Result()
    ended_it: list[str] = []
    run = Run()
    while not run.finished and not set(tests) <= set(result.tests):
        before = len(result.tests)
        run = run_once(context, next(projects), result, ended_it, seconds, hidden)
        seconds = run.until - time.monotonic()
        if run.running:
            ended_it.append(run.running)
            result.tests[run.running] = ("failed", describe(run.ending))
        is_stopped = result.failure or len(result.tests) == before or seconds < 0
        if is_stopped or not has_started(result):
            break
    for name in tests:
        result.tests.setdefault(name, ("skipped", run.ending.why or "it was not run"))
    return result


def has_started(result: Result) -> bool:
    """Tell whether main.py can be run at all: if not, the other tests cannot pass, either."""
    return result.loaded or any(outcome == "passed" for outcome, _ in result.tests.values())


def describe(ending: Ending) -> str:
    """Return four lines for a test whose process ended, like those of tests/grading.py."""
    return (
        "called:    main.py\n"
        f"stopped:   {ending.why}\n"
        "expected:  no error\n"
        f"hint:      {ending.hint}"
    )


def run_once(
    context: BaseContext,
    project: Path,
    result: Result,
    ended_it: list[str],
    seconds: float,
    hidden: Sequence[str],
) -> Run:
    """Start a process, note what it sends in result, and end it with all that it started.

    ended_it: the tests that ended an earlier process; seconds: the time for the tests.
    """
    mark = f"{os.getpid()}-{secrets.token_hex(16)}"  # of this grading, and this process
    seal = secrets.token_bytes(16)
    receiver, sender = context.Pipe(duplex=False)
    words = (str(project), mark, seal, list(result.tests), ended_it, list(hidden), sender)
    process = context.Process(target=run_tests, args=words)  # type: ignore[attr-defined]
    process.start()
    sender.close()
    run = Run()
    # If half an event is sent, watch() waits for the rest. Ending the process ends that wait.
    alarm = threading.Timer(seconds + 2, end_all, [process.pid, mark])
    try:
        has_begun = wait_for_start(process, receiver, seal)
        run.until = time.monotonic() + seconds
        alarm.start()
        if has_begun:
            run.ending = watch(process, receiver, seal, run, result)
        else:
            result.failure = describe_start(process)
    except (EOFError, OSError, ValueError, TypeError, LookupError):  # it ended, or sent noise
        run.ending = TOO_LATE if time.monotonic() > run.until else ENDED_ITSELF
    finally:
        alarm.cancel()
        end_all(process.pid, mark)
        process.join()
        receiver.close()
    if run.ending == TOO_LATE:
        result.stuck = True
    if run.ending in (ENDED_ITSELF, TOO_LATE) or result.failure:
        result.has_ended = True
    return run


def receive_event(receiver: Connection, seal: bytes) -> Any:
    """Return the next event. Raises ValueError if it does not come from runner.run_tests()."""
    content = receiver.recv_bytes(LONGEST_EVENT)
    if not content.startswith(seal):
        raise ValueError("somebody else has sent this")
    return json.loads(content.removeprefix(seal))


def wait_for_start(process: BaseProcess, receiver: Connection, seal: bytes) -> bool:
    """Wait until a process is ready to run the tests; return False if it never is."""
    last_moment = time.monotonic() + LONGEST_START
    try:
        while time.monotonic() < last_moment:
            if receiver.poll(0.1):
                return bool(receive_event(receiver, seal) == ["ready"])
            if not process.is_alive() and not receiver.poll(0):
                return False
    except (EOFError, OSError):
        process.join(1)  # it has ended; now its exit code is known
    return False


def describe_start(process: BaseProcess) -> str:
    """Return why a process never began with the tests."""
    if process.exitcode is None:
        return f"its process was not ready after {LONGEST_START:.0f} seconds"
    return f"its process ended before the tests began, with exit code {process.exitcode}"


def watch(
    process: BaseProcess, receiver: Connection, seal: bytes, run: Run, result: Result
) -> Ending:
    """Note what a process sends, until it has finished or has to be ended; return why.

    Raises EOFError if the process ended by itself, and ValueError, TypeError or LookupError if it
    sent something that is not an event.
    """
    heard = time.monotonic()
    while not run.finished:
        if receiver.poll(0.1):
            note_event(receive_event(receiver, seal), run, result)
            heard = time.monotonic()
            continue
        if time.monotonic() > min(heard + ONE_TEST, run.until):
            return TOO_LATE
        if not process.is_alive() and not receiver.poll(0):
            raise EOFError
        ending = find_excess(process)
        if ending != NOT_ENDED:
            return ending
    return NOT_ENDED


def find_excess(process: BaseProcess) -> Ending:
    """Return why a process has to be ended, with those that it started, or NOT_ENDED."""
    memory, processes = measure_use(process.pid)
    if memory > MOST_MEMORY:
        return Ending("it used too much memory", GROWS)
    if processes > MOST_PROCESSES:
        return Ending(f"it started {processes} processes", GROWS)
    return NOT_ENDED


def note_event(event: Any, run: Run, result: Result) -> None:
    """Note one event in run and result; runner.run_tests lists the events."""
    kind, *values = [make_writable(str(value)) for value in event]
    if kind == "start":
        run.running = values[0]
    elif kind == "end":
        note_end(values[0], values[1], values[2], run, result)
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
    elif kind == "failure":
        result.failure = values[0]
    elif kind == "finished" and not run.running:  # else pytest itself stopped early
        run.finished = True


def note_end(name: str, outcome: str, words: str, run: Run, result: Result) -> None:
    """Note how a test ended. A second report can only be that its clean-up failed."""
    if name != run.running and (name not in result.tests or outcome == "passed"):
        result.patched = "the report of the tests"
    result.tests[name] = (outcome if outcome in OUTCOMES else "failed", words)
    run.running = ""
