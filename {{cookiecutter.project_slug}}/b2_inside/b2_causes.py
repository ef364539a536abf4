"""What boto3, an import or the network raised: which problem of the table it is.

install() lets a program show that problem in place of a traceback.
Most imports are inside the functions: one of your files may have the name of a module that
they need, and this file has to work then, to explain it.
This file is given: a reset may replace it, so write your own code in main.py.
"""

import os
import sys

from b2_problems import NEW_KEY, SetupError, block

HERE = os.path.dirname(os.path.realpath(__file__))
if os.path.basename(HERE) == "b2_inside":  # in an online editor, all files are in one folder
    HERE = os.path.dirname(HERE)

GIVEN = "b2_client b2_causes b2_problems b2_rules b2_settings b2_practice check_setup".split()
PACKAGES = (
    "boto3 botocore s3transfer urllib3 jmespath dateutil six dotenv moto requests certifi"
).split()

# What B2's answers mean: a pattern for the code, one for the message, and the problem.
# The code decides; the message only where one code has several meanings.
ANSWERS = [
    ("InvalidAccessKeyId|PermanentRedirect|301|307", "", "key-unknown"),
    ("SignatureDoesNotMatch", "", "application-key-wrong"),
    ("RequestTimeTooSkewed", "", "clock-wrong"),
    ("AccessDenied", "storage cap", "storage-cap"),
    ("AccessDenied", "cap exceeded", "daily-cap"),
    ("AccessDenied|403", "", "key-lacks-permission"),
    ("NoSuchBucket", "", "bucket-not-found"),
    ("NoSuchKey|NoSuchVersion|404", "", "no-such-object"),
    ("InvalidRequest|KeyTooLongError", "", "object-name-impossible"),
    ("NotImplemented|InvalidArgument", "", "not-on-b2"),
    ("SlowDown|InternalError|ServiceUnavailable|RequestTimeout|5..|429", "", "busy"),
]
ACTIONS = {"PutObject": "write", "GetObject": "read", "DeleteObject": "erase"}
GATEWAY = (429, 502, 503, 504)  # from what is in front of a server that is too busy
PROXIES = ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY")  # small letters win
BACKBLAZE = "api.backblazeb2.com"  # a name that exists; if not even that is found: no network


# Advice in place of a traceback.


def explain_setup(error, trace):  # noqa: ARG001
    """Return what to show for a mistake in the set-up or a failed import, else ""."""
    problem = error if isinstance(error, SetupError) else why_import_failed(error)
    return block(problem) if problem else ""


_explain = explain_setup  # or what install() is given
_show_traceback = sys.__excepthook__  # or what was there before install()
_is_installed = False


def install(explain=None):
    """From now on, show advice in place of a traceback where there is some.

    explain: a function that takes an exception and its traceback, and returns what to show,
    or "" for Python's own traceback. Without one, explain_setup() does it, or what was given
    before. A Python that is too old gets its advice now, and the program ends.

    What these functions can reach stays in memory until the very end of the program. So none
    of them is in b2_client.py: boto3's large objects take their time to go.
    """
    global _explain, _show_traceback, _is_installed
    if explain:
        _explain = explain
    if not _is_installed:
        _is_installed = True
        _show_traceback = sys.excepthook
        sys.excepthook = _show_advice
        import threading  # only now: if a file of yours hides what this needs, it is explained

        threading.excepthook = _show_advice_in_thread
    if sys.version_info < (3, 10):  # it may not even be able to read the other files
        version = sys.version.split()[0]
        print(block(SetupError("python-too-old", version=version, how=how_to_install())))
        raise SystemExit(1)


def _show_advice(kind, error, trace):
    text = _explain(error, trace)
    if text:
        print(text, file=sys.stderr)
    else:
        _show_traceback(kind, error, trace)


def _show_advice_in_thread(failed):
    if failed.exc_type is not SystemExit:  # sys.exit() ends a thread without a word
        _show_advice(failed.exc_type, failed.exc_value, failed.exc_traceback)


# An import that failed.


def why_import_failed(error):
    """Return the SetupError behind a failed import, or None if it is none of ours.

    error: any exception. A given file or a package is missing, or a file of the project has the
    name of a module, so that Python uses it instead of the module.
    """
    name = (getattr(error, "name", None) or "").partition(".")[0]
    if isinstance(error, ModuleNotFoundError) and name in GIVEN:
        return SetupError("given-file-missing", file=name)
    if isinstance(error, ModuleNotFoundError) and name in PACKAGES:
        name = name.replace("botocore", "boto3")  # boto3 brings botocore with it
        return SetupError(
            "package-missing", package=f"{name} is not installed", how=how_to_install()
        )
    if not isinstance(error, (ImportError, AttributeError)):
        return None
    return find_hiding_file(str(error))


def why_boto3_failed(error):
    """Return what to raise where boto3 cannot be imported, or is too old for our settings."""
    problem = find_hiding_file()
    if problem is None and isinstance(error, TypeError):  # a setting that it does not know
        problem = SetupError("package-missing", package="boto3 is too old", how=how_to_install())
    return problem or why_import_failed(error) or error


def why_practice_failed(error):
    """Return the SetupError where the practice bucket, which needs moto, cannot be imported."""
    from importlib.util import find_spec

    problem = find_hiding_file() or why_import_failed(error)
    if problem is None or problem.problem == "package-missing" or not find_spec("moto"):
        problem = SetupError("practice-needs-moto", how=how_to_install())
    return problem


def find_hiding_file(text=None):
    """Return the SetupError for a file of the project that hides a module, or None.

    text: what an error says; then only a file counts that is named there. Without it, a file
    counts that Python is already using instead of the module.
    """
    modules = {*getattr(sys, "stdlib_module_names", ()), *PACKAGES}
    for file in sorted(os.listdir(HERE)):
        name = file[:-3]
        if not file.endswith(".py") or name not in modules:
            continue
        used = getattr(sys.modules.get(name), "__file__", None) or ""
        is_the_cause = name in text if text else used == os.path.join(HERE, file)
        if is_the_cause:
            return SetupError("file-hides-package", file=file)
    return None


def how_to_install():
    """Return what to type when this Python lacks a package, or is too old."""
    program = os.path.basename(sys.argv[0])
    if not program.endswith(".py"):
        program = "main.py"
    own = python_of_project()
    if own and os.path.realpath(sys.prefix) != os.path.realpath(os.path.join(HERE, ".venv")):
        return f"The project has its own Python. In its folder, type:\n    {own} {program}"
    install_all = "-m pip install -r requirements.txt"
    if own or sys.prefix != sys.base_prefix:
        return f"In a terminal in {HERE}, type:\n    {own or sys.executable} {install_all}"
    make = "python3 -m venv .venv"
    own = ".venv/bin/python"
    if os.name == "nt":
        make = "py -m venv .venv"
        own = ".venv\\Scripts\\python"
    return (
        f"In a terminal in {HERE}, type, line by line:"
        f"\n    {make}\n    {own} {install_all}\n    {own} {program}"
    )


def python_of_project():
    """Return the project's own Python, as it is typed in its folder, or "" if there is none."""
    own = ".venv\\Scripts\\python.exe" if os.name == "nt" else ".venv/bin/python"
    return own if os.path.exists(os.path.join(HERE, own)) else ""


# What boto3 raised.


def problem_of(error, settings):
    """Return the SetupError behind an exception, or None where it has nothing to do with B2.

    error: what boto3 raised, or anything else. settings: as read_settings() returns them,
    for the details; {} if they are not known. Asks nobody anything, unless a name was not
    found: then it finds out whether there is a network at all.
    """
    if isinstance(error, SetupError):
        return error
    kind = type(error).__name__
    if isinstance(error, ValueError) and str(error).startswith("Invalid endpoint: "):
        return SetupError("no-keys-given", reason="its endpoint_url has no https:// in front")
    if isinstance(error, TypeError) and "only accepts keyword arguments" in str(error):
        return _explain_call(error)
    if not type(error).__module__.startswith(("boto3", "botocore")):
        return why_import_failed(error)
    if kind in ("NoCredentialsError", "PartialCredentialsError"):
        return SetupError("no-keys-given", reason="gives no keys")
    if kind == "ParamValidationError":
        return _explain_call(error)
    chain = _with_causes(error)
    for link in chain:
        if isinstance(getattr(link, "response", None), dict):
            return _explain_answer(_Answer(link), settings)
    return _explain_network(chain, _find_host_name(chain, settings))


def explain_unknown(error):
    """Return the SetupError for an exception that nothing in the table explains."""
    reason = " ".join(str(error).split())[:300]
    return SetupError("unknown", code=type(error).__name__, reason=f"It says: {reason}")


def _with_causes(error):
    """Return the exception, and those that led to it."""
    chain = []
    while error is not None and error not in chain:
        chain.append(error)
        error = getattr(error, "last_exception", None) or error.__cause__ or error.__context__
    return chain


def _find_host_name(chain, settings):
    """Return the server's name: boto3 mentions it in most errors, else it is that of .env."""
    for link in chain:
        address = str(getattr(link, "kwargs", {}).get("endpoint_url", ""))
        if "//" in address:
            return address.split("//")[1].partition("/")[0]
    return settings.get("B2_ENDPOINT", "").partition("//")[2] or "the server"


def _explain_call(error):
    """Return the problem of a call with wrong arguments; name the one that is perhaps meant."""
    import difflib
    import re

    lines = [line for line in str(error).splitlines() if line != "Parameter validation failed:"]
    unknown_names = [line for line in lines if line.startswith("Unknown parameter")]
    reason = [*unknown_names, *lines, "nothing"][0]
    do = "Compare the call with main.py and BRIEF.md, or with boto3's page on S3."
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
        do = f"Look at what you write after {argument}=."
    wrong_name = re.match(r'Unknown parameter in input: "(\w+)", must be one of: (.*)', reason)
    if wrong_name:
        reason = f'it does not know "{wrong_name[1]}".'
        names = {name.lower(): name for name in wrong_name[2].split(", ")}
        for near in difflib.get_close_matches(wrong_name[1].lower(), names, 1):
            do = f"Did you mean {names[near]}?"
    return SetupError("call-misspelt", reason=reason[:200], do=do)


# What B2 answered.


class _Answer:
    """What is in the ClientError that boto3 makes of an answer with an error."""

    def __init__(self, error):
        reply = error.response.get("Error", {})
        about = error.response.get("ResponseMetadata", {})
        self.operation = error.operation_name  # such as "PutObject"
        self.code = str(reply.get("Code", ""))  # such as "AccessDenied"
        self.message = " ".join(str(reply.get("Message", "")).split())
        self.status = about.get("HTTPStatusCode", 0)
        self.headers = about.get("HTTPHeaders", {})


def _explain_answer(answer, settings):
    """Return the problem that an answer of the server tells: by its code, then its message."""
    problem = _find_another_server(answer)
    if problem:
        return problem
    name = _find_meaning(answer)
    problem = _find_wrong_clock(answer, name)
    if problem:
        return problem
    if name in ("key-unknown", "application-key-wrong") and settings:
        from b2_settings import why_key_refused

        return why_key_refused(settings, name)
    return SetupError(name, **_list_details(answer, name, settings))


def _find_another_server(answer):
    """Return the problem of an answer that is not from B2, or None."""
    if answer.headers.get("server") == "AmazonS3" or "AWS Access Key" in answer.message:
        return SetupError("no-keys-given", reason="talks to Amazon: it gives no endpoint_url")
    if "html" in answer.headers.get("content-type", ""):
        return SetupError("not-b2", reason="it is a web page")
    has_no_words = answer.code in ("", str(answer.status))
    may_have_none = answer.operation.startswith("Head") or answer.status in GATEWAY
    if has_no_words and not may_have_none:
        # B2 gives its reasons in XML. Without a word for a code, boto3 could not read any.
        reason = f"it is an error {answer.status} without a reason that can be read"
        return SetupError("not-b2", reason=reason)
    return None


def _find_meaning(answer):
    """Return the id of the problem that the table ANSWERS has for an answer, or "unknown"."""
    import re

    for codes, words, problem in ANSWERS:
        if re.fullmatch(codes, answer.code) and re.search(words, answer.message, re.IGNORECASE):
            if problem == "no-such-object" and answer.operation == "HeadBucket":
                return "bucket-not-found"
            return problem
    return "unknown"


def _find_wrong_clock(answer, name):
    """Return the problem of a wrong clock, where the answer says so or may mean it, or None."""
    import re

    clock = _compare_clock(answer.headers.get("date", ""))
    says_little = answer.code in ("AccessDenied", "InvalidRequest") and not re.search(
        "entitled|cap", answer.message
    )
    is_unsure = name in ("application-key-wrong", "unknown") or answer.code == "403" or says_little
    if name == "clock-wrong" or (clock and answer.status in (400, 401, 403) and is_unsure):
        reason = clock or f"probably wrong: it says {_format_now()}"
        return SetupError("clock-wrong", reason=reason)
    return None


def _list_details(answer, name, settings):
    """Return what fills the braces of the problem of this name, as a dict."""
    from b2_rules import KEY_NAME_RULE

    code, reason = answer.code, answer.message
    if name == "unknown":
        code = f"{answer.operation} was answered {code or 'without a code'} ({answer.status})"
        reason = f"The server said: {reason or 'nothing'}"
    do = "A key made as README.md says may not do that. Do it in the console."
    if answer.operation in ACTIONS:
        do = NEW_KEY
    elif answer.operation == "ListBuckets":
        do = (
            "get_bucket() needs no list of buckets. Or add a new key, and tick Allow List All"
            " Bucket Names."
        )
    return {
        "bucket": settings.get("B2_BUCKET_NAME", "that your program uses"),
        "the_key": "this keyID",
        "code": code,
        "reason": reason[:300],
        "action": ACTIONS.get(answer.operation, f"do this ({answer.operation})"),
        "rule": KEY_NAME_RULE,
        "do": do,
    }


def _format_now():
    import time

    return time.strftime("%d %B %Y, %H:%M")


def _compare_clock(date):
    """Return how wrong this computer's clock is, by a Date header, or "" if it is right."""
    import time
    from email.utils import parsedate_to_datetime

    try:
        seconds = time.time() - parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError, OverflowError):
        return ""
    minutes = round(abs(seconds) / 60)
    if minutes < 15:
        return ""
    amount = f"{minutes} minutes"
    if minutes >= 2 * 1440:
        amount = f"{minutes // 1440} days"
    elif minutes >= 2 * 60:
        amount = f"{minutes // 60} hours"
    return f"{amount} {'fast' if seconds > 0 else 'slow'}: it says {_format_now()}"


# The way to B2.


def _explain_network(chain, host):
    """Return the problem on the way to the server, or None if it is none of the network's."""
    kinds = {base.__name__ for link in chain for base in type(link).__mro__}
    cut = {"HTTPClientError", "ConnectionError", "IncompleteReadError", "IncompleteRead"}
    problem = None
    if "ProxyConnectionError" in kinds:
        problem = _explain_proxy(chain)
    elif "gaierror" in kinds:
        problem = explain_unknown_host(host)
    elif "SSLError" in kinds:
        problem = _explain_certificate(chain, host)
    elif "ConnectionRefusedError" in kinds:
        problem = _explain_refusal(host)
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


def _explain_refusal(host):
    reason = "Perhaps a firewall is in the way."
    do = "Try another network, such as a phone's hotspot."
    if host.startswith(("127.", "localhost")):
        reason = "No server is running there."
        do = "Start the server."
    return SetupError("connection-refused", host=host, reason=reason, do=do)


def _explain_certificate(chain, host):
    import re

    text = " ".join(str(link) for link in chain)
    bundle = [name for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE") if os.environ.get(name)]
    refused = re.search(r"certificate verify failed: ([\w -]+)", text)
    if any(getattr(link, "verify_code", 0) in (9, 10) for link in chain):  # not yet, no longer
        reason = f"probably wrong: it says {_format_now()}. (If that is right, a filter on the way"
        return SetupError("clock-wrong", reason=f"{reason} is out of date)")
    if re.search(r"doesn't match|Hostname mismatch", text):
        reason = "the certificate belongs to another server"
        return SetupError("certificate-not-trusted", host=host, reason=reason)
    if bundle and refused:
        return explain_variable(bundle, "its certificates do not fit")
    if bundle and re.search(r"X509|PEM|Errno \d|invalid path", text):
        return explain_variable(bundle, "no certificates can be read there")
    if refused:
        return SetupError("certificate-not-trusted", host=host, reason=refused[1].strip())
    if "WRONG_VERSION" in text:
        return SetupError("not-b2", reason="it is not encrypted")
    return SetupError("no-answer", host=host)


def explain_variable(names, state):
    """Return the problem of the first of these variables that is set, with what it leads to."""
    name = next((name for name in names if name in os.environ), "of the system")
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


# The guard: an answer that cannot be B2's, or that came cut, is an error and never a file.


def watch_answers(client):
    """Let this boto3 client refuse what boto3 alone would take for an answer of B2."""
    most_attempts = client.meta.config.retries["total_max_attempts"]
    events = client.meta.events
    events.register("before-call.s3", _follow_no_redirect)
    events.register("after-call.s3", _refuse_web_page)
    events.register(
        "needs-retry.s3", lambda **details: _refuse_half_answer(most_attempts, **details)
    )


def _follow_no_redirect(params, **_):
    """Tell boto3 that it was redirected already: else it would ask Amazon's way for the region."""
    params["context"].setdefault("s3_redirect", {})["redirected"] = True


def _refuse_web_page(http_response, model, **_):
    """Notice a log-in page in place of B2: boto3 would take it for success, and store nothing."""
    is_page = "html" in http_response.headers.get("content-type", "")
    if is_page and model.name not in ("GetObject", "HeadObject"):  # a file may be a page, too
        raise SetupError("not-b2", reason="it is a web page")


def _refuse_half_answer(most_attempts, response, operation, attempts, endpoint, **_):
    """Ask again where the connection ended in the headers of an answer, or right after them.

    boto3 takes that for an empty file, or an empty bucket.
    """
    from botocore.exceptions import ConnectionClosedError

    if response is None or _is_whole(response[0], operation):
        return None
    if attempts < most_attempts:
        return 1  # second to wait
    raise ConnectionClosedError(endpoint_url=endpoint.host)


def _is_whole(answer, operation):
    """Tell whether all of an answer came, by what it says of its length (RFC 9112, 6.3 and 9.6).

    Without a length, the end of the connection ends it: then it says so, or was cut.
    """
    if answer.status_code not in (200, 206) or operation.name == "HeadBucket":
        return True  # it failed anyway, or there is nothing after the headers
    if getattr(answer.raw, "version", 0) != 11:
        return True  # not HTTP/1.1; or moto, in a test of yours
    length = answer.headers.get("content-length", "")
    if not length.isdigit():
        return "transfer-encoding" in answer.headers or answer.headers.get("connection") == "close"
    if operation.name == "HeadObject" or operation.has_streaming_output:
        return True  # a size; or a file, of which boto3 counts the bytes
    return len(answer.content) == int(length)
