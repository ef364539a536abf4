"""Shows advice in place of a traceback, wherever a program runs.

Python asks sys.excepthook what to show when a program ends with an exception. Notebooks, Thonny,
threads, windows made with tkinter and what writes to a log do not, so each is told in its own way.

If one of your files is called random.py, for example, other imports break. This file must still
work then, so it imports nothing at its start but sys.
This file is given: a reset may replace it, so write your own code in main.py.
"""

import sys


def _explain_nothing(error, trace):  # noqa: ARG001
    return ""


_explain = _explain_nothing  # or what show_advice() was given
_show_traceback = sys.__excepthook__  # or what was there before show_advice()
_told: set[str] = set()  # the names of those that have been told


def show_advice(explain, is_first_choice):
    """From now on, show advice in place of a traceback, if there is any.

    explain: a function that takes an exception and its traceback, and returns what to show,
    or "" for Python's own traceback. is_first_choice: it replaces one that was given before.

    explain, and whatever it refers to, stays in memory until the program ends. So it is not a
    function in b2_client.py: boto3's large objects take a while to clean up.
    """
    global _explain, _show_traceback
    is_new = _explain is _explain_nothing
    if is_new or is_first_choice:
        _explain = explain
    if is_new:
        _show_traceback = sys.excepthook
        sys.excepthook = _show
    tell_all()


def tell_all():
    """Tell all places that have been imported by now; call it again when others may have been."""
    for module, tell in PLACES.items():
        if module in sys.modules and module not in _told:
            _told.add(module)
            tell(sys.modules[module])


def _show(kind, error, trace):
    text = _explain(error, trace)
    if text:
        print(text, file=sys.stderr)
    else:
        _show_traceback(kind, error, trace)
    hold_window()


def hold_window():
    """Wait for Enter if a double click has opened this window: Windows closes it at the end."""
    if not sys.stdin or not sys.stdin.isatty():
        return
    try:
        programs = _list_programs_in_window()
        if programs and all(name.startswith("py") for name in programs):  # py.exe, python.exe
            input("\nPress Enter to close this window. ")
    except (Exception, KeyboardInterrupt):
        pass  # then it closes at once


def _list_programs_in_window():
    """Return the names of all programs in this window of Windows; in a terminal, cmd.exe is there.

    Source: Microsoft docs, GetConsoleProcessList and QueryFullProcessImageName.
    """
    if sys.platform != "win32":
        return []
    import ctypes

    windows = ctypes.windll.kernel32
    ids = (ctypes.c_ulong * 99)()
    names = []
    for number in ids[: windows.GetConsoleProcessList(ids, len(ids))]:
        process = windows.OpenProcess(0x1000, False, number)  # only to ask for its name
        path, size = ctypes.create_unicode_buffer(1000), ctypes.c_ulong(1000)
        windows.QueryFullProcessImageNameW(process, 0, path, ctypes.byref(size))
        windows.CloseHandle(process)
        names.append(path.value.rpartition("\\")[2].lower())
    return names


# Threads. Source: Python docs, threading.excepthook.


def _tell_threading(threading):
    show_in_python = threading.excepthook
    shown = set()  # several threads often fail for the same reason

    def show(failed):
        # sys.exit() ends a thread without a word.
        is_exit = failed.exc_type is SystemExit
        text = "" if is_exit else _explain(failed.exc_value, failed.exc_traceback)
        if text in shown:
            print(f"The same in {failed.thread.name}.", file=sys.stderr)
        elif text:
            shown.add(text)
            print(text, file=sys.stderr)
        else:
            show_in_python(failed)  # it names the thread

    threading.excepthook = show


# Logs: Flask, FastAPI, Streamlit and asyncio write there what a function of yours raised.
# Source: Python docs, logging.setLogRecordFactory.


def _tell_logging(logging):
    make_record = logging.getLogRecordFactory()

    def make_with_advice(*values, **named):
        record = make_record(*values, **named)
        if record.levelno >= logging.ERROR and record.exc_info and record.exc_info[1]:
            text = _explain(*record.exc_info[1:])
            if text:
                what = record.getMessage().partition("\n")[0]
                record.msg, record.args = f"{what}\n{text}", ()
                record.exc_info = None
        return record

    logging.setLogRecordFactory(make_with_advice)


# Notebooks: Jupyter, IPython, Spyder. Source: IPython docs, InteractiveShell.showtraceback; it
# asks an exception for _render_traceback_. A custom handler would not be asked by %run.


def _tell_ipython(ipython):
    shell = ipython.get_ipython()
    if shell is None:
        return
    show_in_ipython = shell.showtraceback

    def show(exc_tuple=None, *values, **named):
        _, error, trace = exc_tuple or sys.exc_info()
        text = _explain(error, trace) if isinstance(error, Exception) else ""
        if text:
            # IPython does not ask a SyntaxError.
            shown = ImportError(text) if isinstance(error, SyntaxError) else error
            setattr(shown, "_render_traceback_", text.splitlines)  # noqa: B010
            exc_tuple = type(shown), shown, trace
        show_in_ipython(exc_tuple, *values, **named)

    shell.showtraceback = show


# These have no place for that, or only one for each program. So what shows an exception asks us
# first. If a later version has no such function, it shows what it always did.


def _ask_first(owner, name, show):
    """Let a function show advice, if there is any, in place of the exception that it is given."""
    show_always = getattr(owner, name, None)
    if show_always is None:
        return

    def show_advice_or_exception(*values, **named):
        error = next((value for value in values if isinstance(value, Exception)), None)
        text = _explain(error, error.__traceback__) if error else ""
        return show(text) if text else show_always(*values, **named)

    setattr(owner, name, show_advice_or_exception)


def _print(text):
    print(text, file=sys.stderr)


def _tell_tkinter(tkinter):
    """A button in a window. Source: Python docs, tkinter, report_callback_exception."""
    _ask_first(tkinter.Tk, "report_callback_exception", _print)


def _tell_thonny(backend):
    """Source: thonny 4 and 5, cp_back.py."""

    def give_lines(text):
        return [(f"{line}\n", None, None, None) for line in text.splitlines()]

    _ask_first(backend, "format_exception_with_frame_info", give_lines)


def _tell_streamlit(error_util):
    """The page, and the terminal. Source: streamlit 1.67, error_util.py."""

    def show_on_page(text):
        error_util.get_dg_singleton_instance().main_dg.code(text.strip())

    _ask_first(error_util, "show_uncaught_app_exception", show_on_page)
    _ask_first(error_util, "_log_uncaught_app_exception", _print)


def _tell_werkzeug(debug):
    """Flask with debug=True: the page, and the terminal. Source: werkzeug 3.1, tbtools.py."""
    if not hasattr(debug, "DebugTraceback"):
        return

    class TracebackWithAdvice(debug.DebugTraceback):  # type: ignore[name-defined]
        def __init__(self, error, *values, **named):
            super().__init__(error, *values, **named)
            self.advice = _explain(error, error.__traceback__)

        def render_traceback_text(self):
            return f"{self.advice}\n" if self.advice else super().render_traceback_text()

        def render_debugger_html(self, *values, **named):
            from html import escape

            page = super().render_debugger_html(*values, **named)
            advice = f"<pre>{escape(self.advice)}</pre>" if self.advice else ""
            return page.replace('<div class="debugger">', f'{advice}<div class="debugger">', 1)

    debug.DebugTraceback = TracebackWithAdvice


def _tell_multiprocessing(process):
    """Source: Python docs, multiprocessing.Process.run; what it raises is printed as it is."""
    run = process.BaseProcess.run

    def run_with_advice(self):
        try:
            run(self)
        except Exception as error:
            text = _explain(error, error.__traceback__)
            if not text:
                raise
            _print(text)
            raise SystemExit(1) from None

    process.BaseProcess.run = run_with_advice


PLACES = {  # module: the function that tells it
    "threading": _tell_threading,
    "logging": _tell_logging,
    "IPython": _tell_ipython,
    "multiprocessing.process": _tell_multiprocessing,
    "tkinter": _tell_tkinter,
    "thonny.plugins.cpython_backend.cp_back": _tell_thonny,
    "streamlit.error_util": _tell_streamlit,
    "werkzeug.debug": _tell_werkzeug,
}
