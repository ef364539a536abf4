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


# Threads. Source: Python docs, threading.excepthook.


def _tell_threading(threading):
    show_in_python = threading.excepthook

    def show(failed):
        # sys.exit() ends a thread without a word.
        is_exit = failed.exc_type is SystemExit
        text = "" if is_exit else _explain(failed.exc_value, failed.exc_traceback)
        if text:
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


# Thonny has no place for that; this is what it calls (thonny 4 and 5).


def _tell_thonny(backend):
    format_in_thonny = getattr(backend, "format_exception_with_frame_info", None)
    if format_in_thonny is None:
        return

    def format_with_advice(kind, error, trace, *values, **named):
        text = _explain(error, trace)
        if text:
            return [(f"{line}\n", None, None, None) for line in text.splitlines()]
        return format_in_thonny(kind, error, trace, *values, **named)

    backend.format_exception_with_frame_info = format_with_advice


# A button in a window. Source: Python docs, tkinter, "Handy Reference", report_callback_exception.


def _tell_tkinter(tkinter):
    show_in_tkinter = tkinter.Tk.report_callback_exception

    def show(window, kind, error, trace):
        text = _explain(error, trace)
        if text:
            print(text, file=sys.stderr)
        else:
            show_in_tkinter(window, kind, error, trace)

    tkinter.Tk.report_callback_exception = show


PLACES = {  # module: the function that tells it
    "threading": _tell_threading,
    "logging": _tell_logging,
    "IPython": _tell_ipython,
    "thonny.plugins.cpython_backend.cp_back": _tell_thonny,
    "tkinter": _tell_tkinter,
}
