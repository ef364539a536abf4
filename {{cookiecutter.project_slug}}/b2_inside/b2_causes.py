"""Finds out why an import failed: what is missing, damaged or hidden by a file of yours.

If one of your files is called random.py, for example, other imports break. This file must still
work then, to explain it, so most of its imports are inside the functions.
This file is given: a reset may replace it, so write your own code in main.py.
"""

import os
import sys

from b2_advice import show_advice
from b2_problems import SetupError, block

HERE = os.path.dirname(os.path.realpath(__file__))
if os.path.basename(HERE) == "b2_inside":  # in an online editor, all files are in one folder
    HERE = os.path.dirname(HERE)

PARTS = "advice causes errors guard practice problems refusals rules settings".split()
INSIDE = [f"b2_{part}" for part in PARTS]
GIVEN = [*INSIDE, "b2_client", "check_setup", "grading"]
OTHER_PLACES = {"b2_practice.py": "folder b2_practice", "grading.py": "tests/grading.py"}
THEIRS = "boto3 botocore s3transfer urllib3 jmespath dateutil six dotenv moto requests certifi"
PACKAGES = THEIRS.split()


# Advice in place of a traceback.


def explain_setup(error, trace):
    """Return what to show in place of a traceback, as check_setup.explain(), or "".

    If check_setup.py itself cannot be imported: only for .env, and for an import that failed.
    """
    try:
        from importlib import import_module

        return import_module("check_setup").explain(error, trace)
    except Exception:
        pass  # then with what is in this file
    problem = error if isinstance(error, SetupError) else why_import_failed(error)
    return block(problem) if problem else ""


def install(explain=None):
    """From now on, show advice in place of a traceback, if there is any.

    explain: as b2_advice.show_advice() expects it. Without it, explain_setup() is used, or what
    was given before. If Python is too old, this shows the advice now and ends the program.
    """
    show_advice(explain or explain_setup, is_first_choice=explain is not None)
    if sys.version_info < (3, 10):  # it may not even be able to read the other files
        version = sys.version.split()[0]
        print(block(SetupError("python-too-old", version=version, how=how_to_install())))
        raise SystemExit(1)


# An import that failed.


def why_import_failed(error):
    """Return the SetupError behind a failed import, or None if it is not about this project.

    error: any exception. A given file is missing or damaged, a package is missing or too old, or
    a file of the project has the name of a module, so that Python uses it instead of the module.
    """
    name = (getattr(error, "name", None) or "").partition(".")[0]
    if isinstance(error, ModuleNotFoundError) and name in GIVEN:
        file = str(error.name).replace(".", "/") + ".py"
        return SetupError("given-file-missing", file=OTHER_PLACES.get(file, file))
    hiding = find_hiding_file(error)
    if hiding:
        return hiding
    if isinstance(error, ModuleNotFoundError) and name in PACKAGES:
        name = name.replace("botocore", "boto3")  # boto3 brings botocore with it
        reason = f"{name} is not installed"
        return SetupError("package-missing", package=reason, how=how_to_install())
    if isinstance(error, TypeError) and "'request_checksum_calculation'" in str(error):
        reason = "boto3 is too old"  # before 1.36 it does not know this setting
        return SetupError("package-missing", package=reason, how=how_to_install())
    return _find_damage(error)


def explain_boto3(error):
    """Return what to raise if boto3 cannot be imported: a SetupError, or the error itself."""
    return find_file_in_use() or why_import_failed(error) or error


def explain_practice(error):
    """Return the SetupError if the practice bucket, which needs moto, cannot be imported."""
    from importlib.util import find_spec

    problem = find_file_in_use() or why_import_failed(error)
    if problem is None or problem.problem == "package-missing" or not find_spec("moto"):
        problem = SetupError("practice-needs-moto", how=how_to_install())
    return problem


def _find_damage(error):
    """Return the SetupError for a given file that somebody has changed by mistake, or None."""
    path, line = list_frames(error)[-1]
    reason = f"Python does not know a name on line {line}"
    if isinstance(error, SyntaxError):
        path = error.filename
        reason = f"Python cannot read line {error.lineno or 1}"
    elif isinstance(error, ImportError):
        is_whole = hasattr(sys.modules.get(error.name or ""), "get_bucket") and not is_given(path)
        path = "" if is_whole else error.path  # not damaged: main.py imports a wrong name
        reason = "a part of it is missing"
    elif isinstance(error, AttributeError) and type(error.obj) is type(sys) and is_given(path):
        path = getattr(error.obj, "__file__", None)  # of what a given file asked for a part of it
        reason = f"{error.name} is missing in it"
    elif not isinstance(error, NameError):
        return None
    if not path or not is_given(os.path.realpath(path)):
        return None
    file = os.path.realpath(path).replace(HERE + os.sep, "").replace(os.sep, "/")
    return SetupError("given-file-damaged", file=file, reason=reason)


def find_hiding_file(error):
    """Return the SetupError for a file of the project that hides a module, or None.

    Either the error came from the file itself, which a given file made Python import, or it is
    an ImportError or AttributeError that mentions the module.
    """
    frames = list_frames(error)
    while frames and not is_given(frames[0][0]):
        frames.pop(0)
    hiding = _list_hiding_files()
    for path, _line in frames:
        if path in hiding:
            return SetupError("file-hides-package", file=hiding[path])
    for file in hiding.values():
        module = os.path.splitext(file)[0]
        if isinstance(error, (ImportError, AttributeError)) and _speaks_of(str(error), module):
            return SetupError("file-hides-package", file=file)
    return None


def find_file_in_use():
    """Return the SetupError for a file that Python is using instead of a module, or None."""
    for path, file in _list_hiding_files().items():
        if getattr(sys.modules.get(os.path.splitext(file)[0]), "__file__", None) == path:
            return SetupError("file-hides-package", file=file)
    return None


def _list_hiding_files():
    """Return {path: name} of the files and folders in the project that have a module's name.

    For example, {".../random.py": "random.py", ".../json/__init__.py": "json"}.
    """
    inside = os.path.join(HERE, "b2_inside")
    ours = [name for name in INSIDE if os.path.isfile(os.path.join(inside, f"{name}.py"))]
    names = {*getattr(sys, "stdlib_module_names", ()), *PACKAGES, *ours}
    hiding = {}
    for name in sorted(os.listdir(HERE)):
        if name.endswith(".py") and name[:-3] in names:
            hiding[os.path.join(HERE, name)] = name
        elif name in names and os.path.isfile(os.path.join(HERE, name, "__init__.py")):
            hiding[os.path.join(HERE, name, "__init__.py")] = name
    return hiding


def _speaks_of(text, name):
    """Tell whether an error's text is about the module with this name, or one inside it."""
    text = text.replace(".", "'")  # 'email.utils' is inside 'email'
    return any(f"{word} '{name}'" in text for word in ("module", "named", "from"))


def list_frames(error):
    """Return a list of (path, line): the way through the program to where an error came up."""
    frames = [("", 0)]
    trace = error.__traceback__
    while trace:
        frames.append((os.path.realpath(trace.tb_frame.f_code.co_filename), trace.tb_lineno))
        trace = trace.tb_next
    return frames


def is_given(path):
    """Tell whether this is the path of a module, or a part of one, that belongs to the project."""
    folder, name = os.path.split(path)
    practice = os.path.join(os.path.dirname(os.path.realpath(__file__)), "b2_practice")
    return name.partition(".")[0] in GIVEN or folder == practice


def is_yours(path):
    """Tell whether a path is that of a program in the project, and not of a given file."""
    is_here = path.startswith(HERE + os.sep) and os.path.isfile(path)
    return is_here and not is_given(path)


def how_to_install():
    """Return what to type when this Python lacks a package, or is too old."""
    program = os.path.basename(sys.argv[0])
    if not program.endswith(".py"):
        program = "main.py"
    make = _find_python() + " -m venv .venv"
    own = ".venv\\Scripts\\python.exe" if os.name == "nt" else ".venv/bin/python"
    install_all = "-m pip install -r requirements.txt"
    if os.path.exists(os.path.join(HERE, own)):
        if os.path.realpath(sys.prefix) != os.path.realpath(os.path.join(HERE, ".venv")):
            return f"The project has its own Python. In its folder, type:\n    {own} {program}"
        return f"In a terminal in {HERE}, type:\n    {own} {install_all}"
    if sys.prefix != sys.base_prefix:
        return _use_this_python()
    return (
        f"In a terminal in {HERE}, type, line by line:"
        f"\n    {make}\n    {own} {install_all}\n    {own} {program}"
    )


def _find_python():
    """Return what starts Python in a new terminal."""
    if os.name != "nt":
        return "python3"
    import shutil

    return "py" if shutil.which("py") else "python"


def _use_this_python():
    """Return the lines that install the packages for the Python that is running."""
    import re
    import shlex

    folder, name = os.path.split(sys.executable)
    packages = os.path.join(HERE, "requirements.txt")
    if os.name == "nt" and re.search(r"[^\w:\\.-]", sys.executable):
        # cmd and PowerShell both have a way to start a program whose path has a space in it, but
        # not the same one.
        return (
            "In a terminal, type, line by line:"
            f'\n    pushd "{folder}"\n    .\\{name} -m pip install -r "{packages}"'
        )
    python = sys.executable if os.name == "nt" else shlex.quote(sys.executable)
    return f"In a terminal in {HERE}, type:\n    {python} -m pip install -r requirements.txt"
