"""Finds which problem in the table an error means: one from boto3, an import or the network.

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

INSIDE = "b2_advice b2_causes b2_guard b2_problems b2_refusals b2_rules b2_settings b2_practice"
GIVEN = [*INSIDE.split(), "b2_client", "check_setup", "grading"]
OTHER_PLACES = {"b2_practice.py": "folder b2_practice", "grading.py": "tests/grading.py"}
THEIRS = "boto3 botocore s3transfer urllib3 jmespath dateutil six dotenv moto requests certifi"
PACKAGES = THEIRS.split()

# What boto3 raises before it asks B2: a pattern for the exception, one for its text, the problem.
# As boto3 1.44 does.
MISTAKES = [
    (
        "TypeError",
        "encoded before hashing|must be str, not bytes|got 'bytes'|bytes-like object is required",
        "bytes-needed",
    ),
    ("UnsupportedOperation|OSError", "seek|Invalid argument$", "stream-not-rewindable"),
    ("TypeError", "supporting the buffer API", "stream-not-rewindable"),
    ("UnsupportedOperation|RuntimeError", "read|write|is not supported", "file-mode-wrong"),
    ("ValueError", "must implement|must be a string", "call-misspelt"),
    ("AttributeError", "has no attribute 'encode'", "metadata-not-text"),
    ("TypeError", "Expecting dictionary formatted|got 's3.Bucket'", "call-misspelt"),
    ("ValueError", "Required parameter .* not set", "call-misspelt"),
    ("UnknownClientMethodError", "", "call-misspelt"),
]
COMPARE = "Compare the call with those in main.py and BRIEF.md, or on boto3's page about S3."
PROXIES = ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY")  # lower case wins
BACKBLAZE = "api.backblazeb2.com"  # a name that exists; if not even that is found: no network


# Advice in place of a traceback.


def explain_setup(error, trace):  # noqa: ARG001
    """Return what to show for a mistake in the set-up or a failed import, else ""."""
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
    for path, _line in frames:
        if path in _list_hiding_files():
            return SetupError("file-hides-package", file=os.path.basename(path))
    for path in _list_hiding_files():
        file = os.path.basename(path)
        if isinstance(error, (ImportError, AttributeError)) and _speaks_of(str(error), file[:-3]):
            return SetupError("file-hides-package", file=file)
    return None


def find_file_in_use():
    """Return the SetupError for a file that Python is using instead of a module, or None."""
    for path in _list_hiding_files():
        file = os.path.basename(path)
        if getattr(sys.modules.get(file[:-3]), "__file__", None) == path:
            return SetupError("file-hides-package", file=file)
    return None


def _list_hiding_files():
    """Return the paths of the project's files that have a module's name: .../random.py."""
    inside = os.path.join(HERE, "b2_inside")
    ours = [name for name in INSIDE.split() if os.path.isfile(os.path.join(inside, f"{name}.py"))]
    names = {*getattr(sys, "stdlib_module_names", ()), *PACKAGES, *ours}
    files = [file for file in sorted(os.listdir(HERE)) if file.endswith(".py")]
    return [os.path.join(HERE, file) for file in files if file[:-3] in names]


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


# What boto3 raised.


def problem_of(error, settings):
    """Return the SetupError behind an exception, or None if it has nothing to do with B2.

    error: what boto3 raised, or anything else. settings: as read_settings() returns them,
    for the details; {} if they are not known. Uses no network, unless a name was not found:
    then it finds out whether there is a network at all.
    """
    if isinstance(error, SetupError):
        return error
    kind = type(error).__name__
    problem = _explain_brackets(error)
    if problem:
        return problem
    if isinstance(error, OSError) and _is_of_boto3(error.__cause__):
        error = error.__cause__  # s3fs, and so pandas, raises Python's own errors
    if isinstance(error, ValueError) and str(error).startswith("Invalid endpoint: "):
        return SetupError("no-keys-given", reason="its endpoint_url has no https:// in front")
    is_from_boto3 = _is_from_boto3(error)
    problem = _explain_call(error) if is_from_boto3 or _is_of_boto3(error) else None
    if problem:
        return problem
    is_urllib3 = type(error).__module__.startswith("urllib3")
    if not _is_of_boto3(error) and not (is_urllib3 and is_from_boto3):
        return why_import_failed(error)
    if kind in ("NoCredentialsError", "PartialCredentialsError"):
        return SetupError("no-keys-given", reason="gives no keys")
    chain = _with_causes(error)
    for link in chain:
        if isinstance(getattr(link, "response", None), dict):
            from b2_refusals import explain_refusal

            return explain_refusal(link, settings)
    return _explain_network(chain, _find_host_name(chain, settings))


def _explain_brackets(error):
    """Return the problem of get_bucket without brackets, or with something in them, or None."""
    if isinstance(error, TypeError) and str(error).startswith(("get_bucket() ", "get_client() ")):
        return SetupError("brackets-not-empty", call=str(error).partition("(")[0])
    if isinstance(error, AttributeError) and type(error.obj) is type(_explain_brackets):
        name = getattr(error.obj, "__name__", "")
        if name in ("get_bucket", "get_client"):
            return SetupError("brackets-missing", call=name)
    return None


def _is_of_boto3(error):
    """Tell whether an exception is one of boto3's own."""
    return type(error).__module__.partition(".")[0] in ("boto3", "botocore", "s3transfer")


def explain_unknown(error):
    """Return the SetupError for an exception that nothing in the table explains."""
    from b2_rules import cut_short

    text = cut_short(str(error))
    return SetupError("unknown", code=type(error).__name__, reason=f"It says: {text}")


def _with_causes(error):
    """Return the exception, and those that led to it."""
    chain = []
    while error is not None and error not in chain:
        chain.append(error)
        error = getattr(error, "last_exception", None) or error.__cause__ or error.__context__
    return chain


def _find_host_name(chain, settings):
    """Return the server's name: boto3 mentions it in most errors; otherwise .env has it."""
    for link in chain:
        address = str(getattr(link, "kwargs", {}).get("endpoint_url", ""))
        if "//" in address:
            return address.split("//")[1].partition("/")[0]
    return settings.get("B2_ENDPOINT", "").partition("//")[2] or "the server"


def _is_from_boto3(error):
    """Tell whether an exception came up in boto3: not in a function of yours that boto3 called."""
    folders = [f"{os.sep}{name}{os.sep}" for name in ("boto3", "botocore", "s3transfer")]
    for path, _line in reversed(list_frames(error)):
        if any(folder in path for folder in folders):
            return True
        is_yours = path.startswith(HERE + os.sep) and os.path.isfile(path)
        if is_yours and not is_given(path):
            return False
    return False


def _explain_call(error):
    """Return the problem of a call that boto3 itself refused, before it asked B2, or None."""
    import re

    from b2_rules import cut_short

    kind, text = type(error).__name__, str(error)
    inner = getattr(error, "kwargs", {}).get("error", error)  # what a HTTPClientError is about
    if type(inner).__module__.startswith("urllib3") and inner.args:
        inner = inner.args[-1]
    if isinstance(inner, OSError) and inner.filename:
        return _explain_file(inner)
    if kind == "ParamValidationError" or "only accepts keyword arguments" in text:
        return _explain_arguments(text)
    for kinds, words, problem in MISTAKES:
        if re.fullmatch(kinds, kind) and re.search(words, text):
            return SetupError(problem, reason=cut_short(text), do=COMPARE)
    return None


def _explain_file(error):
    """Return the problem of a file on this computer that boto3 cannot read or write, or None."""
    name = str(error.filename2 or error.filename)
    if isinstance(error, PermissionError) and not os.path.isdir(name):
        return SetupError("file-not-allowed", file=name)
    if not isinstance(error, (FileNotFoundError, IsADirectoryError, PermissionError)):
        return None
    what = f"The file {name}, which your program wants to upload, is not there."
    do = "Correct the file's name in your program, or put the file into that folder."
    folder = os.path.dirname(name)
    if os.path.isdir(name):
        what = f"{name} is a folder, and your program uses it as a file."
        do = f"Write the name of a file, such as {os.path.join(name, 'a.txt')}."
    elif folder and not os.path.isdir(folder):
        what = f"The folder {folder}, which your program uses, is not there."
        do = "Make the folder first, or correct its name in your program."
    return SetupError("file-not-found", what=what, folder=os.getcwd(), do=do)


def _explain_arguments(text):
    """Return the problem of a call with wrong arguments; suggest the one that was meant."""
    import difflib
    import re

    from b2_rules import cut_short

    lines = [line for line in text.splitlines() if line != "Parameter validation failed:"]
    unknown_names = [line for line in lines if line.startswith("Unknown parameter")]
    reason = [*unknown_names, *lines, "nothing"][0]
    if reason.startswith("Non ascii characters found in S3 metadata"):
        return SetupError("metadata-not-text", reason=cut_short(reason))
    do = COMPARE
    if "only accepts keyword arguments" in reason:
        do = "Write a name before each value: Key=..., Body=..."
    wrong_type = re.match(
        r"Invalid type for parameter (\S+), value: .*, type: <class '([\w.]+)'>,"
        r" valid types: (.*)",
        reason,
    )
    if wrong_type:
        argument, kind = wrong_type[1], wrong_type[2].rpartition(".")[2]
        article = "an" if kind[0] in "aeiou" else "a"
        fine = re.sub(r"<class '([\w.]+)'>", r"\1", wrong_type[3])
        reason = f"{argument} may not be {article} {kind}; it takes: {fine}."
        do = f"Check what you wrote after {argument}=."
    wrong_name = re.match(r'Unknown parameter in input: "(\w+)", must be one of: (.*)', reason)
    if wrong_name:
        reason = f'there is no argument called "{wrong_name[1]}".'
        names = {name.lower(): name for name in wrong_name[2].split(", ")}
        for near in difflib.get_close_matches(wrong_name[1].lower(), names, 1):
            do = f"Did you mean {names[near]}?"
    return SetupError("call-misspelt", reason=cut_short(reason), do=do)


# The connection to B2.


def _explain_network(chain, host):
    """Return the problem on the way to the server, or None if it is not the network."""
    kinds = {base.__name__ for link in chain for base in type(link).__mro__}
    cut = {"HTTPClientError", "ConnectionError", "IncompleteReadError", "IncompleteRead"}
    cut |= {"ProtocolError", "TimeoutError"}  # of urllib3
    problem = None
    if "ProxyConnectionError" in kinds:
        problem = _explain_proxy(chain)
    elif "gaierror" in kinds:
        problem = explain_unknown_host(host)
    elif "SSLError" in kinds:
        problem = _explain_certificate(chain, host)
    elif "ConnectionRefusedError" in kinds:
        problem = _explain_closed_port(host)
    elif "ResponseParserError" in kinds:
        problem = SetupError("not-b2", reason="it cannot be read")
    elif cut & kinds:
        problem = SetupError("no-answer", host=host)
    return problem


def _explain_proxy(chain):
    text = " ".join(str(link) for link in chain)
    state = "nothing answers there"
    if "Tunnel" in text:
        state = "the proxy there does not let this through"
    if "Tunnel" in text and " 407" in text:
        state = "the proxy there wants you to log in"
    return explain_variable(PROXIES, state)


def _explain_closed_port(host):
    reason = "Maybe a firewall is in the way."
    do = "Try another network, such as a phone's hotspot."
    if host.startswith(("127.", "localhost")):
        reason = "No server is running there."
        do = "Start the server."
    return SetupError("connection-refused", host=host, reason=reason, do=do)


def _explain_certificate(chain, host):
    import re
    import time

    from b2_rules import format_time

    text = " ".join(str(link) for link in chain)
    bundle = [name for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE") if os.environ.get(name)]
    refused = re.search(r"certificate verify failed: ([\w -]+)", text)
    if any(getattr(link, "verify_code", 0) in (9, 10) for link in chain):  # not yet, no longer
        reason = f"probably wrong: it says {format_time(time.time())}. (If that is right, a filter"
        return SetupError("clock-wrong", reason=f"{reason} on the way is out of date)")
    if re.search(r"doesn't match|Hostname mismatch", text):
        reason = "the certificate belongs to another server"
        return SetupError("certificate-not-trusted", host=host, reason=reason)
    if bundle and refused:
        return explain_variable(bundle, "the certificates there do not match")
    if bundle and re.search(r"X509|PEM|Errno \d|invalid path", text):
        return explain_variable(bundle, "no certificates can be read there")
    if refused:
        return SetupError("certificate-not-trusted", host=host, reason=refused[1].strip())
    if "WRONG_VERSION" in text:
        return SetupError("not-b2", reason="it is not encrypted")
    return SetupError("no-answer", host=host)


def explain_variable(names, state):
    """Return the problem of the first of these variables that is set, with what it leads to."""
    name = next((name for name in names if name in os.environ), "for the network")
    value = os.environ.get(name, "a proxy").rpartition("@")[2]  # without a password
    return SetupError("network-variable-wrong", name=name, value=value, state=state)


def explain_unknown_host(host):
    """Return the problem behind a name that cannot be looked up."""
    import socket

    from b2_rules import ENDPOINT_RULE

    try:
        socket.getaddrinfo(BACKBLAZE, 443)
    except OSError:
        return SetupError("no-network")
    return SetupError("host-not-found", host=host, rule=ENDPOINT_RULE)
