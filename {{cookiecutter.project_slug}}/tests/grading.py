"""Runs main.py for the tests of an assignment, and says in plain words what is missing.

A test such as test_3_... belongs to TODO 3 in main.py. Its docstring is the hint that is shown
when it fails. Of 3a and 3b, the second waits until the first passes. All else is plain pytest.
This file is given: a reset may replace it.
"""

import builtins
import ctypes
import importlib
import inspect
import re
import sys
import threading
import traceback
from pathlib import Path

import pytest
from b2_causes import problem_of

MAIN = Path(__file__).resolve().parent.parent / "main.py"
PATIENCE = 3  # seconds for one call
MOST = 160  # characters of a value that is shown
GRADED = re.compile(r"test_(\d+)([a-z]?)_(\w+)")

_not_done = {}  # number of a TODO: the first of its tests that has failed
_loaded = {}  # "main": the module; "failed": the test that could not load it
_stops = {}  # (line, error): the number of the test that it stopped first


class StuckError(Exception):
    """A call did not end in time. Its text says where it was."""


class AskedError(Exception):
    """A call asked a question with input()."""


def ask_nobody(*words):
    raise AskedError


def in_time(work):
    """Run work() and return what it returns; raise what it raises, or StuckError."""
    outcome = {}

    def run():
        try:
            outcome["value"] = work()
        except BaseException as error:  # exit() also
            outcome["error"] = error

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    frame = sys._current_frames().get(thread.ident)
    if thread.is_alive():  # docs.python.org: c-api, PyThreadState_SetAsyncExc
        lines = lines_of_main(traceback.extract_stack(frame))
        number, end = ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(number, end)
        raise StuckError(f" (line {lines[-1].lineno})" if lines else "")
    if "error" in outcome:
        raise outcome["error"]
    return outcome["value"]


def lines_of_main(stack):
    """Return those lines of a stack, or of a traceback, that stand in main.py."""
    return [line for line in stack if Path(line.filename) == MAIN]


def short(value):
    """Return a value as one line that is not too long."""
    if type(value).__name__ == "s3.Bucket":
        return "bucket"
    given = isinstance(value, Path) and value.is_file()  # by a test: somewhere, under this name
    try:
        return cut(f"Path({value.name!r})" if given else repr(value))
    except Exception:  # a class of the student's own
        return f"a {type(value).__name__} that cannot be shown"


def cut(text):
    """Return the text on one line, without its middle if it is too long."""
    text = " ".join(text.split())
    return text if len(text) <= MOST else text[: MOST - 50] + " ... " + text[-45:]


def what_happened(error):
    """Return what came back instead of an answer, and a hint."""
    stack = lines_of_main(traceback.extract_tb(error.__traceback__))
    lines = [line.lineno for line in stack]
    if isinstance(error, StuckError):
        return (
            f"nothing: it did not end within {PATIENCE} seconds{error}",
            "Is there a loop that never ends?",
        )
    if isinstance(error, AskedError):
        return (
            f"nothing: line {lines[-1]} asks a question with input()",
            "Nobody can answer during the tests. Move input() into main().",
        )
    if isinstance(error, SystemExit):
        return (
            f"nothing: line {lines[-1] if lines else '?'} ends the whole program",
            "Take exit() out; return leaves a function.",
        )
    if (isinstance(error, SyntaxError) and not error.lineno) or "null bytes" in str(error):
        return (
            f"nothing: Python cannot read main.py ({cut(str(error))})",
            "Let your editor save main.py with the encoding UTF-8.",
        )
    if isinstance(error, IndentationError):
        return (
            f"nothing: Python cannot read line {error.lineno} of main.py ({error.msg})",
            "The lines of one block begin with the same number of spaces.",
        )
    if isinstance(error, SyntaxError):
        return (
            f"nothing: Python cannot read line {error.lineno} of main.py ({error.msg})",
            "Look there and one line above: is a bracket, quote, comma or colon missing?",
        )
    where = f"it stopped in line {lines[-1]}" if lines else "it stopped"
    problem = problem_of(error, {})
    if problem and problem.problem == "call-misspelt":
        reason, hint = problem.details["reason"], problem.details["do"]
        return f"nothing: {where}: boto3 says: {cut(reason)}", hint
    return f"nothing: {where}: {type(error).__name__}: {cut(str(error))}", None


def stopped_before(error, name):
    """Return a hint if the same line stopped an earlier test in the same way."""
    stack = lines_of_main(traceback.extract_tb(error.__traceback__))
    if not stack:
        return None
    number = GRADED.match(name)[1]
    first = _stops.setdefault((stack[-1].lineno, repr(error)), number)
    return None if first == number else f"As in {first}: mend line {stack[-1].lineno} first."


def runs_while_read(error):
    """Tell whether a line at the left edge of main.py calls one of its functions."""
    return any(
        line.name != "<module>" for line in lines_of_main(traceback.extract_tb(error.__traceback__))
    )


class Program:
    """main.py for a test: program.read_note(bucket, "a") calls its read_note.

    functions: the first lines of its functions, such as "read_note(bucket, name)".
    hint: one sentence that helps when the test fails.
    """

    def __init__(self, test, module, functions, hint):
        self._test = test
        self._module = module
        self._functions = {line.partition("(")[0]: line for line in functions}
        self._hint = hint
        self._called = "main.py"
        self._came_back = None

    def __getattr__(self, name):
        def call(*values, **named):
            return self._call(name, values, named)

        return call

    def value(self, name):
        """Return what stands behind NAME = at the top of main.py."""
        self._called = name
        if not hasattr(self._module, name):
            self.fail(f"nothing: main.py has no {name}", f"a line {name} = ...")
        return getattr(self._module, name)

    def _call(self, name, values, named):
        shown = [*map(short, values), *(f"{word}={short(value)}" for word, value in named.items())]
        self._called = f"{name}({', '.join(shown)})"
        line = f"def {self._functions[name]}:"
        function = getattr(self._module, name, None)
        if not callable(function):
            self.fail("nothing: main.py has no such function", line, f"Write the line {line}")
        if not takes(function, self._functions[name], values, named):
            own = f"def {name}{inspect.signature(function)}:"
            self.fail(f"nothing: your line is {own}", line, "Write that line as it was.")
        try:
            self._came_back = in_time(lambda: function(*values, **named))
            return self._came_back
        except BaseException as error:
            came_back, hint = what_happened(error)
            hint = stopped_before(error, self._test) or hint
        return self.fail(came_back, "that it runs to its end", hint)

    def error_of(self, name, *values):
        """Return the exception that a call ends with, or None if it returns something."""
        self._called = f"{name}({', '.join(map(short, values))})"
        try:
            self._came_back = in_time(lambda: getattr(self._module, name)(*values))
        except Exception as error:
            return error
        return None

    def check(self, came_back, expected, where=""):
        """Fail if they differ. where: what to say before them, such as "in the bucket: "."""
        is_number = isinstance(expected, int) and isinstance(came_back, float)
        if came_back != expected or is_number:
            missing = " Nothing came back: is there a return? print() only shows."
            hint = self._hint + missing if came_back is None and not where else None
            self.fail(where + short(came_back), where + short(expected), hint)

    def fail(self, came_back, expected, hint=None):
        """End the test with four lines."""
        pytest.fail(self.message(came_back, expected, hint), pytrace=False)

    def message(self, came_back, expected, hint=None):
        return "\n".join(
            (
                f"called:    {self._called}",
                f"came back: {came_back}",
                f"expected:  {expected}",
                f"hint:      {hint or self._hint}",
            )
        )

    def useless(self):
        """Return the message for an answer with which the test itself could not go on."""
        hint = self._hint
        if self._came_back is None:
            hint += " Nothing came back: is there a return? print() only shows."
        return self.message(short(self._came_back), "what BRIEF.md says", hint)


def takes(function, line, values, named):
    """Tell whether a function takes these values, in the order of its line in BRIEF.md."""
    try:
        inspect.signature(function).bind(*values, **named)
    except TypeError:
        return False
    expected = re.findall(r"\w+", line)[1:]
    own = list(inspect.signature(function).parameters)[: len(expected)]
    return own == expected or sorted(own) != sorted(expected)


@pytest.fixture
def program(request, monkeypatch):
    """main.py, for a test that says in FUNCTIONS what it needs of it."""
    if _loaded.get("failed") not in (None, request.node.name):
        pytest.skip("main.py does not run yet")
    monkeypatch.setattr(builtins, "input", ask_nobody)
    hint = " ".join(request.node.obj.__doc__.split())
    name = request.node.name
    program = Program(name, _loaded.get("main"), request.module.FUNCTIONS, hint)
    if "main" not in _loaded:
        _loaded["failed"] = name
        try:
            program._module = _loaded["main"] = in_time(lambda: importlib.import_module("main"))
        except BaseException as error:
            came_back, hint = what_happened(error)
            if runs_while_read(error):
                came_back = "nothing: a function was called while main.py was read"
                hint = "main() starts while main.py is read. if __name__ == '__main__': stops that."
        if "main" not in _loaded:
            hint = hint or "Look at that line first."
            program.fail(came_back, "that Python can read it to its end", hint)
        del _loaded["failed"]
    return program


def keys_in(bucket):
    """Return the names of all objects in the bucket."""
    return [obj.key for obj in bucket.objects.all()]


# What pytest calls for every test, and at the end (docs.pytest.org: API Reference, Hooks).


def pytest_runtest_setup(item):
    found = GRADED.match(item.name)
    if found and found[2] > "a" and found[1] in _not_done:
        pytest.skip(f"first {_not_done[found[1]]}")


def pytest_runtest_logreport(report):
    found = GRADED.match(report.nodeid.split("::")[-1])
    if found and report.failed:
        _not_done.setdefault(found[1], found[1] + found[2])


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Where an answer is such that the test itself stops, say what the answer was."""
    outcome = yield
    program = getattr(item, "funcargs", {}).get("program")
    told = (pytest.fail.Exception, pytest.skip.Exception)
    if program and call.excinfo and not call.excinfo.errisinstance(told):
        outcome.get_result().longrepr = program.useless()


def is_graded(report):
    return bool(GRADED.match(report.nodeid.split("::")[-1]))


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter):
    """Show a table of the graded tests; of all others, what pytest shows."""
    stats = terminalreporter.stats
    kept = {kind: stats[kind] for kind in ("failed", "error") if kind in stats}
    for kind, reports in kept.items():
        stats[kind] = [report for report in reports if not is_graded(report)]
    yield
    stats.update(kept)
    graded = [
        (kind, report)
        for kind in ("passed", "failed", "error", "skipped")
        for report in stats.get(kind, [])
        if is_graded(report)
    ]
    show_table(terminalreporter, graded)


def show_table(terminal, graded):
    """Write a line for each graded test, and under a failed one what was missing."""
    signs = {"passed": "✔", "failed": "✘", "error": "✘", "skipped": "–"}
    try:
        "✔✘–".encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        signs = {"passed": "+", "failed": "x", "error": "x", "skipped": "-"}
    rows = [(GRADED.match(report.nodeid.split("::")[-1]), kind, report) for kind, report in graded]
    for found, kind, report in sorted(rows, key=lambda row: (int(row[0][1]), row[0][2])):
        sentence = found[3].replace("_", " ").capitalize()
        reason = f"  ({report.longrepr[2].removeprefix('Skipped: ')})" if kind == "skipped" else ""
        colour = {"passed": {"green": True}, "skipped": {"yellow": True}}.get(kind, {"red": True})
        terminal.write_line(f" {signs[kind]} {found[1] + found[2]:3} {sentence}{reason}", **colour)
        if kind in ("failed", "error"):
            for line in report.longreprtext.strip().splitlines()[-5:]:
                terminal.write_line(f"       {line}")
    to_do = [found[1] for found, kind, _ in rows if kind in ("failed", "error")]
    if to_do:
        terminal.write_line(f" Begin with {min(to_do, key=int)}. BRIEF.md tells more.")
