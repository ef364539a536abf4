"""Runs main.py for the tests of an assignment, and says in plain words what is missing.

A test such as test_3_... belongs to TODO 3 in main.py. Its docstring is the hint that you see
when it fails. Test 3b waits until 3a passes. Everything else is plain pytest.
This file is given: a reset may replace it.
"""

import ast
import builtins
import ctypes
import difflib
import hashlib
import importlib
import inspect
import re
import sys
import textwrap
import threading
import traceback
from pathlib import Path

import pytest

try:
    from b2_errors import problem_of
    from b2_problems import sentences
except ModuleNotFoundError:  # conftest.py has not told Python where they are
    if Path(__file__).with_name("conftest.py").exists():  # so this is not pytest
        raise SystemExit("In the project's folder, type: python -m pytest") from None
    raise pytest.Collector.CollectError(
        "tests/conftest.py is missing. Bring it back: README.md says how, under Reset."
    ) from None

MAIN = Path(__file__).resolve().parent.parent / "main.py"
PATIENCE = 3  # seconds for one call
MOST = 160  # characters of a value that is shown
GRADED = re.compile(r"test_(\d+)([a-z]?)_(\w+)")
HELPFUL = ("brackets-missing", "exception-not-known", "decode-missing", "bytes-needed")
FINISHES = "no error"
CHANGING = ("append", "clear", "extend", "insert", "remove", "reverse", "sort", "update")

_graded = set()  # the ids that pytest gives to the graded tests
_not_done = {}  # number of a TODO: the first of its tests that has failed
_loaded = {}  # "main": the module; "failed": the test that could not load it
_stops = {}  # (line, error): the number of the test that it stopped first


# A call of main.py.


class StuckError(Exception):
    """A call did not finish in time. Its text says where it was."""


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
        except BaseException as error:  # even exit()
            outcome["error"] = error

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    frame = sys._current_frames().get(thread.ident)
    if thread.is_alive():
        lines = find_lines_of_main(traceback.extract_stack(frame))
        end_thread(thread)
        raise StuckError(f" (line {lines[-1].lineno})" if lines else "")
    if "error" in outcome:
        raise outcome["error"]
    return outcome["value"]


def end_thread(thread):
    """Raise SystemExit in a thread (docs.python.org: C API, PyThreadState_SetAsyncExc)."""
    number = ctypes.c_ulong(thread.ident)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(number, ctypes.py_object(SystemExit))


class Program:
    """main.py for a test: program.read_note(bucket, "a") calls its read_note.

    functions: the first lines of its functions, such as "read_note(bucket, name)".
    started: their names, and what hash_of() gives for them before anybody has changed them.
    hint: one sentence that helps when the test fails. It may say how to write the function, so
    it is shown to those who have begun.
    """

    def __init__(self, test, module, functions, started, hint):
        self._test = test
        self._number = GRADED.match(test)[1]
        self._module = module
        self._functions = {line.partition("(")[0]: line for line in functions}
        self._started = started
        self._hint = hint
        self._called = "main.py"
        self._came_back = None

    def __getattr__(self, name):
        def call(*values, **named):
            return self._call(name, values, named)

        return call

    def value(self, name):
        """Return the value after NAME = at the top of main.py."""
        self._called = name
        if not hasattr(self._module, name):
            self.fail(f"nothing, because main.py has no {name}", f"a line {name} = ...")
        return getattr(self._module, name)

    def _call(self, name, values, named):
        arguments = [short(value) for value in values]
        arguments += [f"{word}={short(value)}" for word, value in named.items()]
        self._called = f"{name}({', '.join(arguments)})"
        self._check_first_line(name, values, named)
        function = getattr(self._module, name)
        try:
            self._came_back = in_time(lambda: function(*values, **named))
            return self._came_back
        except BaseException as error:
            stop, hint = describe_stop(error)
            hints = [hint, find_other_todo(error, self._number)]
            hint = find_earlier_stop(error, self._test) or " ".join(filter(None, hints))
        return self.fail_stopped(stop, FINISHES, hint)

    def _check_first_line(self, name, values, named):
        """Fail unless main.py has a function with this name that accepts these values."""
        line = f"def {self._functions[name]}:"
        function = getattr(self._module, name, None)
        if not callable(function):
            reason = "nothing, because main.py has no such function"
            self.fail(reason, line, f"Write the line {line}")
        if not accepts(function, self._functions[name], values, named):
            own = f"def {name}{inspect.signature(function)}:"
            self.fail(f"nothing, because your line is {own}", line, "Change that line back.")

    def error_of(self, name, *values):
        """Return the exception that a call ends with, or None if it returns something."""
        self._called = f"{name}({', '.join(map(short, values))})"
        raised = None
        try:
            self._came_back = in_time(lambda: getattr(self._module, name)(*values))
        except Exception as error:
            raised = error
        if isinstance(raised, (StuckError, AskedError)):
            stop, hint = describe_stop(raised)
            self.fail_stopped(stop, "it stops with an error", hint)
        return raised

    def check(self, came_back, expected, where=""):
        """Fail if they differ. where: what to say before them, such as "in the bucket: "."""
        found = make_plain(came_back)
        is_wrong_kind = isinstance(expected, int) and isinstance(found, float)
        if found != expected or is_wrong_kind:
            hint = self.describe_none() if came_back is None and not where else ""
            self.fail(where + short(came_back), where + short(expected), hint + self.own_hint())

    def fail(self, came_back, expected, hint=None):
        """End the test with four lines: what was called, came back, was expected, and a hint."""
        pytest.fail(self.message(f"came back: {came_back}", expected, hint), pytrace=False)

    def fail_stopped(self, stop, expected, hint=None):
        """End the test with four lines: what was called, where it stopped, and so on."""
        pytest.fail(self.message(f"stopped:   {stop}", expected, hint), pytrace=False)

    def message(self, outcome, expected, hint=None):
        return "\n".join(
            (
                f"called:    {self._called}",
                outcome,
                f"expected:  {expected}",
                f"hint:      {hint or self.own_hint()}",
            )
        )

    def own_hint(self):
        """Return the test's own hint, or where to begin if nobody has changed the function yet."""
        name = self._called.partition("(")[0]
        function = getattr(self._module, name, None)
        if name in self._started and hash_of(function) == self._started[name]:
            return f"This is TODO {self._number} in main.py. BRIEF.md says what to do there."
        return self._hint

    def describe_none(self):
        """Return why the function that was called has returned None."""
        function = getattr(self._module, self._called.partition("(")[0], None)
        returned = find_returned(function)
        if returned and re.search(rf"\.({'|'.join(CHANGING)})\(.*\)$", returned):
            return f"{returned} changes a value, and returns None itself. "
        if returned:
            return "Your function returned None. "
        return "Your function returned None. Did you forget return? print() only shows a value. "

    def describe_useless_answer(self, error):
        """Return the message for an answer that makes the test itself stop, with an error."""
        is_none = self._came_back is None and "NoneType" in str(error)
        hint = (self.describe_none() if is_none else "") + self.own_hint()
        came_back = f"came back: {short(self._came_back)}"
        return self.message(came_back, "what BRIEF.md says", hint)


def make_plain(value):
    """Return a value of Python's own types, as those compare it: a class may say that it is equal.

    A value of any other type becomes one that is equal to nothing.
    """
    own = type(value).__mro__  # isinstance() would believe what a class says of itself
    if value is None or bool in own:
        return value
    if str in own:
        return str.__str__(value)
    if bytes in own or bytearray in own:
        return bytes(memoryview(value))
    if int in own:
        return int.__int__(value)
    if float in own:
        return float.__float__(value)
    if dict in own:
        pairs = [(key, dict.__getitem__(value, key)) for key in dict.keys(value)]
        return {make_plain(key): make_plain(part) for key, part in pairs}
    for kind in (list, tuple, set, frozenset):
        if kind in own:
            return kind(make_plain(part) for part in kind.__iter__(value))
    return object()


def find_returned(function):
    """Return what stands after the last return of a function, or ""."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return ""
    returns = [node for node in ast.walk(tree) if isinstance(node, ast.Return) and node.value]
    return ast.unparse(returns[-1].value) if returns else ""


def hash_of(function):
    """Return a short hash of a function's lines; comments and empty lines do not count."""
    try:
        lines = [line.strip() for line in inspect.getsource(function).splitlines()]
    except (OSError, TypeError):
        return ""
    text = "\n".join(line for line in lines if line and not line.startswith("#"))
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def accepts(function, line, values, named):
    """Tell whether a function accepts these values, in the order of its line in BRIEF.md."""
    try:
        inspect.signature(function).bind(*values, **named)
    except TypeError:
        return False
    expected = re.findall(r"\w+", line)[1:]
    own = list(inspect.signature(function).parameters)[: len(expected)]
    return own == expected or sorted(own) != sorted(expected)


@pytest.fixture
def program(request, monkeypatch):
    """main.py, for a test that says in FUNCTIONS and STARTED what it needs from it."""
    name = request.node.name
    if _loaded.get("failed") not in (None, name):
        pytest.skip("main.py does not run yet")
    monkeypatch.setattr(builtins, "input", ask_nobody)
    hint = " ".join(request.node.obj.__doc__.split())
    started = getattr(request.module, "STARTED", {})
    program = Program(name, None, request.module.FUNCTIONS, started, hint)
    if "main" not in _loaded:
        _loaded["failed"] = name
        load_main(program)
        del _loaded["failed"]
    program._module = _loaded["main"]
    return program


def load_main(program):
    """Import main.py, or fail with the reason why that is not possible."""
    try:
        _loaded["main"] = in_time(lambda: importlib.import_module("main"))
        return
    except BaseException as error:
        stop, hint = describe_stop(error)
        if was_called_on_import(error):
            stop = "a function was called while Python was reading main.py"
            hint = "main() starts too early. Call it under: if __name__ == '__main__':"
    program.fail_stopped(stop, "a file that Python can read", hint or "Look at that line first.")


def keys_in(bucket):
    """Return the names of all objects in the bucket."""
    return [obj.key for obj in bucket.objects.all()]


# Words for what happened.


def short(value):
    """Return a value as one line that is not too long."""
    if type(value).__name__ == "s3.Bucket":
        return "bucket"
    try:
        if isinstance(value, Path) and value.is_file():  # from a test: only its name matters
            return cut_middle(f"Path({value.name!r})")
        return cut_middle(repr(value))
    except Exception:  # the student's own class
        return f"a {type(value).__name__} that cannot be shown"


def cut_middle(text):
    """Return the text on one line, without its middle if it is too long."""
    text = " ".join(text.split())
    if len(text) <= MOST:
        return text
    return text[: MOST - 50] + " ... " + text[-45:]


def describe_stop(error):
    """Return what stopped a call, and a hint; the hint is None if the test's own is better."""
    lines = [line.lineno for line in find_lines_of_main(traceback.extract_tb(error.__traceback__))]
    where = f"line {lines[-1]}" if lines else "it"  # perhaps in another file that main.py uses
    if isinstance(error, StuckError):
        stop = f"it did not finish within {PATIENCE} seconds{error}"
        return stop, "Is there a loop that never ends?"
    if isinstance(error, AskedError):
        stop = f"{where} asks a question with input()"
        return stop, "Nobody can answer during the tests. Move input() into main()."
    if isinstance(error, SystemExit):
        stop = f"{where} ends the whole program"
        return stop, "Remove exit(). To leave a function, use return."
    if isinstance(error, SyntaxError) or "null bytes" in str(error):
        return describe_syntax(error)
    if isinstance(error, ModuleNotFoundError) and error.name == "main":
        stop = f"there is no main.py in {MAIN.parent}"
        return stop, "Has it another name, or is it in another folder? It belongs there."
    stop = f"{type(error).__name__}: {cut_middle(str(error))}"
    hint = describe_mistake(error)
    problem = problem_of(error, {})
    if problem and problem.problem in ("given-file-missing", "given-file-damaged"):
        hint = f"{sentences(problem)[0]} {sentences(problem)[-1]}"
    elif problem and problem.problem == "call-misspelt":
        stop = f"boto3 says: {cut_middle(problem.details['reason'])}"
        hint = problem.details["do"]
    elif problem and problem.problem in HELPFUL:
        hint = " ".join(" ".join(sentences(problem)).split())
    return f"{where}: {stop}" if lines else stop, hint


def describe_mistake(error):
    """Return a hint for a mistake that Python names, or None."""
    if isinstance(error, NameError):
        return describe_unknown_name(error)
    if isinstance(error, AttributeError):
        near = difflib.get_close_matches(str(error.name), dir(error.obj), 1, 0.7)
        return f"There is no {error.name}. Did you mean {near[0]}?" if near else None
    if isinstance(error, RecursionError):
        return "The function calls itself, again and again."
    return None


def describe_unknown_name(error):
    """Return a hint for a name that Python does not know: an import, a near name, or quotes."""
    name = getattr(error, "name", None) or ""  # Python 3.10 and newer
    if name in sys.stdlib_module_names:
        return f"Python does not know {name}. Write at the top of main.py: import {name}"
    frame = traceback.walk_tb(error.__traceback__)
    known = {word for part, _ in frame for word in (*part.f_locals, *part.f_globals)}
    near = difflib.get_close_matches(name, known | set(dir(builtins)), 1, 0.7)
    if near:
        return f"Python does not know {name}. Did you mean {near[0]}?"
    return f"Python does not know {name}. If it is text, write quotes around all of the text."


def find_other_todo(error, number):
    """Return a hint if the line that stopped belongs to another TODO than the test, or None.

    number: of the test. A line belongs to the nearest TODO above it, in the same function.
    """
    lines = find_lines_of_main(traceback.extract_tb(error.__traceback__))
    if not lines:
        return None
    above = MAIN.read_text(encoding="utf-8-sig").splitlines()[: lines[-1].lineno]
    todos = []  # there may be several above a line
    for line in reversed(above):
        found = re.search(r"# TODO (\d+)", line)
        if found:
            todos.append(found[1])
        elif todos or line.startswith("def "):
            break
    if todos and number not in todos:
        return f"Line {lines[-1].lineno} belongs to TODO {todos[-1]}: fix that first."
    return None


def describe_syntax(error):
    """Return why Python cannot read main.py, and a hint."""
    line = getattr(error, "lineno", None)
    if not line or re.search("null bytes|unicode error|Non-UTF-8", str(error)):
        stop = f"Python cannot read main.py ({cut_middle(str(error))})"
        return stop, "In your editor, save main.py again, with the encoding UTF-8."
    stop = f"Python cannot read line {line} of main.py ({error.msg})"
    if "after '" in error.msg:  # expected an indented block after 'if' statement
        return stop, "Write what belongs to it below, with four spaces in front."
    if "expected 'except'" in error.msg:
        return stop, "A try needs an except below it, which says what to do then."
    if isinstance(error, IndentationError):
        return stop, "All lines of a block must begin with the same number of spaces."
    return stop, "Look there and one line above: is a bracket, quote, comma or colon missing?"


def find_earlier_stop(error, name):
    """Return a hint if the same line stopped an earlier test in the same way."""
    lines = find_lines_of_main(traceback.extract_tb(error.__traceback__))
    if not lines:
        return None
    line = lines[-1].lineno
    number = GRADED.match(name)[1]
    first = _stops.setdefault((line, repr(error)), number)
    return None if first == number else f"Same problem as in {first}: fix line {line} first."


def find_lines_of_main(stack):
    """Return those lines of a stack, or of a traceback, that are in main.py."""
    return [line for line in stack if Path(line.filename) == MAIN]


def was_called_on_import(error):
    """Tell whether a line at the left edge of main.py calls one of its functions."""
    lines = find_lines_of_main(traceback.extract_tb(error.__traceback__))
    return any(not line.name.startswith("<") for line in lines)  # not <module> or <genexpr>


# What pytest calls for every test, and at the end (docs.pytest.org: API Reference, Hooks).


def pytest_collection_modifyitems(items):
    """Note which tests are graded: those with such a name that use main.py through program."""
    _graded.update(item.nodeid for item in items if "program" in item.fixturenames)


def pytest_exception_interact(call, report):
    """If Python cannot read main.py, say only that, and not how pytest came to read it."""
    error = call.excinfo.value.__cause__
    if isinstance(error, SyntaxError) and Path(error.filename or "") == MAIN:
        report.longrepr = "\n".join(describe_syntax(error))


def pytest_runtest_setup(item):
    found = match_graded(item)
    if found and found[2] > "a" and found[1] in _not_done:
        pytest.skip(f"do {_not_done[found[1]]} first")


def pytest_runtest_logreport(report):
    found = match_graded(report)
    if found and report.failed:
        _not_done.setdefault(found[1], found[1] + found[2])


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """If an answer makes the test itself stop, say what the answer was."""
    outcome = yield
    program = getattr(item, "funcargs", {}).get("program")
    explained = (pytest.fail.Exception, pytest.skip.Exception)
    if program and call.excinfo and not call.excinfo.errisinstance(explained):
        message = program.describe_useless_answer(call.excinfo.value)
        outcome.get_result().longrepr = message


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter):
    """Show a table of the graded tests; for all others, what pytest shows."""
    stats = terminalreporter.stats
    kept = {kind: stats[kind] for kind in ("failed", "error") if kind in stats}
    for kind, reports in kept.items():
        stats[kind] = [report for report in reports if not match_graded(report)]
    yield
    stats.update(kept)
    rows = []
    for kind in ("passed", "failed", "error", "skipped"):
        for report in stats.get(kind, []):
            found = match_graded(report)
            if found:
                rows.append((int(found[1]), found[2], found[3], kind, report))
    rows.sort(key=lambda row: row[:2])
    show_table(terminalreporter, rows)


def match_graded(test):
    """Return number, letter and words of a graded test, as a match; None for any other test.

    test: pytest's item, or its report.
    """
    if test.nodeid not in _graded:
        return None
    return GRADED.match(test.nodeid.split("::")[-1])


def show_table(terminal, rows):
    """Write a line for each graded test, and below a failed one, what was missing.

    rows: (number, letter, words, kind of outcome, pytest's report), sorted.
    """
    signs = choose_signs()
    colours = {"passed": "green", "skipped": "yellow", "failed": "red", "error": "red"}
    is_first = True
    for number, letter, words, kind, report in rows:
        sentence = words.replace("_", " ").capitalize()
        if kind == "skipped":
            sentence += f"  ({report.longrepr[2].removeprefix('Skipped: ')})"
        colour = {colours[kind]: True}
        terminal.write_line(f" {signs[kind]} {f'{number}{letter}':3} {sentence}", **colour)
        if kind in ("failed", "error") and is_first:
            is_first = False  # one at a time: the others are explained when this one is done
            for line in report.longreprtext.strip().splitlines()[-5:]:
                terminal.write_line(f"       {line}")
    to_do = {number for number, _, _, kind, _ in rows if kind != "passed"}
    test_file = MAIN.parent / "tests" / "test_main.py"
    if not test_file.exists() or b"def test_" not in test_file.read_bytes():
        reset = "Bring it back: README.md says how, under Reset."
        terminal.write_line(f" tests/test_main.py has no tests. {reset}", red=True)
    if rows:
        count = len({row[0] for row in rows})
        terminal.write_line(f" {count - len(to_do)} of {count} done.")
    for name in [] if to_do else list_unknown_names():
        terminal.write_line(f" But Python does not know {name}, which main() uses.", red=True)
    if to_do:
        more = " BRIEF.md tells you more." if MAIN.with_name("BRIEF.md").exists() else ""
        terminal.write_line(f" Begin with {min(to_do)}.{more}")


def list_unknown_names():
    """Return the names that main() uses, and that nothing in main.py defines: no test calls it."""
    module = _loaded.get("main")
    source = MAIN.read_text(encoding="utf-8-sig") if module else ""
    functions = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    parts = [part for node in functions if node.name == "main" for part in ast.walk(node)]
    names = [part for part in parts if isinstance(part, ast.Name)]
    known = {part.id for part in names if not isinstance(part.ctx, ast.Load)}
    known |= {part.arg for part in parts if isinstance(part, ast.arg)}
    known |= {part.name for part in parts if isinstance(part, (ast.alias, ast.ExceptHandler))}
    known |= {part.name for part in parts if isinstance(part, ast.FunctionDef)}
    known |= {*dir(module), *dir(builtins)}
    return sorted({part.id for part in names} - known)


def choose_signs():
    """Return a sign for each outcome of a test, one that this terminal can show."""
    signs = {"passed": "✔", "failed": "✘", "error": "✘", "skipped": "–"}
    try:
        "✔✘–".encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        signs = {"passed": "+", "failed": "x", "error": "x", "skipped": "-"}
    return signs
