"""Finds which problem in the table an exception means: a wrong call, or one of the network.

This file is given: a reset may replace it, so write your own code in main.py.
"""

import difflib
import linecache
import os
import re
import sys
import time
from pathlib import Path

from b2_causes import (
    GIVEN,
    PACKAGES,
    is_given,
    is_yours,
    list_frames,
    why_import_failed,
)
from b2_guard import LAST_READ
from b2_problems import SetupError
from b2_refusals import explain_refusal
from b2_rules import ENDPOINT_RULE, cut_short, format_time

LIBRARIES = ("boto3", "botocore", "s3transfer")

# What boto3 raises before it asks B2: a pattern for the exception, one for its text, the problem.
# As boto3 1.44 does. Any other of Python's own exceptions in boto3 is "call-misspelt".
MISTAKES = [
    (
        "TypeError",
        "encoded before hashing|must be str, not bytes|got 'bytes'|bytes-like object is required",
        "bytes-needed",
    ),
    ("UnsupportedOperation|OSError", "seek|Invalid argument$", "stream-not-rewindable"),
    ("TypeError", "supporting the buffer API", "stream-not-rewindable"),
    ("UnicodeDecodeError", "", "bytes-needed"),  # open('a.png') without 'rb'
    ("WaiterError", "404|Not Found", "no-such-object"),
    ("UnsupportedOperation|RuntimeError", "read|write|is not supported", "file-mode-wrong"),
    ("AttributeError", "has no attribute 'encode'", "metadata-not-text"),
    ("TypeError|ValueError|AttributeError|KeyError", "", "call-misspelt"),
]

# A TypeError in a line of yours that is about what boto3 returned; boto3 makes these names.
ABOUT_BOTO3 = (
    r"\bs3\.\w+|StreamingBody\b|_load_documented_collection_methods"
    r"|\w+_(up|down)load_file(obj)?\(\)|generate_presigned_url\(\)"
    r"|Object of type (bytes|datetime) is not JSON"
)
BYTES_AND_TEXT = (  # a TypeError in a line of yours that takes bytes for text
    "can't concat str to bytes|not .bytes.. to str|bytes-like object is required, not 'str'"
    "|must be str, not bytes|byte indices must be integers"
)
COMPARE = "Compare the call with those in main.py and BRIEF.md, or on boto3's page about S3."
READ = "Its bytes are what .get()['Body'].read() returns."
HINTS = [  # a pattern for the reason, and what to do
    ("^put_object.. only accepts", "Write a name before each value: Key=..., Body=..."),
    ("only accepts keyword arguments", "Write a name before each value, such as Key='a.txt'."),
    (r"^filter\(\) takes", "Write a name before the value: filter(Prefix='photos/')."),
    (r"StreamingBody\.", "Write only .read() there; .decode() after it makes text of the bytes."),
    ("StreamingBody", "Add .read() to get its bytes: answer['Body'].read()"),
    ("type bytes is not JSON", "Add .decode() after .read(): JSON holds text."),
    ("type datetime is not JSON", "Write str(...) around it: JSON has no dates."),
    ("is not JSON serializable", "Take what you need of it, such as obj.key."),
    ("'await' expression", "Leave out await: boto3 waits itself."),
    (
        r"_file\w*\(\) got an unexpected keyword argument '(Cache|Content|Metadata|ACL)",
        "Write it in ExtraArgs, such as ExtraArgs={'ContentType': 'image/png'}.",
    ),
    ("^bucket_upload.* missing", "It takes a file, then its name in the bucket: two values."),
    ("^bucket_download.* missing", "It takes a name in the bucket, then a file: two values."),
    ("^object_.* missing", "It takes one value: the name of a file on this computer."),
    ("^upload.* missing", "A client needs three: a file, bucket.name, the name in the bucket."),
    ("^download.* missing", "A client needs three: bucket.name, the name in the bucket, a file."),
    (
        "'str' object has no attribute 'copy'",
        "Is there one value too many? ExtraArgs is a dictionary.",
    ),
    (
        r"url\(\) got an unexpected .* '(Bucket|Key)",
        "Write it in Params: Params={'Bucket': ..., 'Key': ...}",
    ),
    ("Unknown service", "Use get_client() from b2_client.py."),
    (r"'s3\.Bucket\.\w+'", "All files are bucket.objects.all(). Go through them with for."),
    (r"'s3\.Bucket' object is not sub", "One file is bucket.Object('a.txt'), with its own name."),
    (r"'s3\.Bucket' .*(iterable|len)", "All files are bucket.objects.all()."),
    (r"'s3\.ObjectSummary' object is not", "Its name is obj.key, its size obj.size."),
    (r"'s3\.Object' object is not", READ),
]
OTHER_NAMES = {  # in place of a name that boto3 does not have
    "read": READ,
    "size": "It is called content_length. (In a list of all files, it is size.)",
    "name": "It is called key.",
}
OURS = ("get_bucket", "get_client")
OF_A_BUCKET = ("Bucket", "Object", "objects", "object_versions")  # a client does not have them
OF_A_LINK = ["ClientMethod", "Params", "ExpiresIn", "HttpMethod"]
OF_A_BODY = ["read", "readlines", "iter_lines", "iter_chunks", "close"]
OF_FILES = ["Filename", "Fileobj", "Key", "ExtraArgs", "Callback", "Config"]
OF_AN_ANSWER = [
    "Body",
    "ContentLength",
    "ContentType",
    "ETag",
    "LastModified",
    "Metadata",
    "VersionId",
]
PROXIES = ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY")  # lower case wins
BACKBLAZE = "api.backblazeb2.com"  # a name that exists; if not even that is found: no network


def problem_of(error, settings):
    """Return the SetupError behind an exception, or None if it has nothing to do with B2.

    error: what boto3 raised, or anything else. settings: as read_settings() returns them,
    for the details; {} if they are not known. Uses no network, unless a name was not found:
    then it finds out whether there is a network at all.
    """
    if isinstance(error, SetupError):
        return error
    if isinstance(error, OSError) and _is_of_boto3(error.__cause__):
        error = error.__cause__  # s3fs, and so pandas, raises Python's own errors
    is_of_boto3 = _is_of_boto3(error)
    problem = None if is_of_boto3 else why_import_failed(error)
    if problem:
        return problem
    is_boto3s = is_of_boto3 or _is_from_boto3(error)
    problem = _explain_refused_call(error) if is_boto3s else _explain_misuse(error)
    if problem or not (is_of_boto3 or (is_boto3s and _is_of(("urllib3",), error))):
        return problem
    chain = _with_causes(error)
    for link in chain:
        if isinstance(getattr(link, "response", None), dict):
            return explain_refusal(link, settings)
    return _explain_network(chain, _find_host_name(chain, settings))


def _is_of_boto3(error):
    """Tell whether an exception is one of boto3's own."""
    return _is_of(LIBRARIES, error)


def _is_of(libraries, error):
    return type(error).__module__.partition(".")[0] in libraries


def explain_unknown(error):
    """Return the SetupError for an exception that nothing in the table explains."""
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


# Whose line is it?


def _is_from_boto3(error):
    """Tell whether an exception came up in boto3: not in a function of yours that boto3 called."""
    for path, _line in reversed(list_frames(error)):
        if _is_path_of_boto3(path):
            return True
        if is_yours(path):
            return False
    return False


def _is_path_of_boto3(path):
    return any(f"{os.sep}{name}{os.sep}" in path for name in LIBRARIES)


def _find_line(error):
    """Return the line of your program, or of a cell, in which an exception came up, or ""."""
    for path, number in reversed(list_frames(error)):
        if is_yours(path) or not os.path.isfile(path):
            return linecache.getline(path, number).strip()
    return ""


def _misspelt(reason, do=""):
    """Return the problem of a call that is not right; without do, the hint for this reason."""
    hints = [hint for pattern, hint in HINTS if re.search(pattern, reason)]
    reason = cut_short(re.sub("^(bucket|object)_(?=(up|down)load)", "", reason))
    return SetupError("call-misspelt", reason=reason, do=do or [*hints, COMPARE][0])


# boto3 refused a call, before it asked B2.


def _explain_refused_call(error):
    inner = getattr(error, "kwargs", {}).get("error", error)  # what a HTTPClientError is about
    if type(inner).__module__.startswith("urllib3") and inner.args:
        inner = inner.args[-1]
    if isinstance(inner, OSError) and inner.filename:
        return _explain_file(inner)
    return _explain_kind(error, type(error).__name__, str(error)) or _explain_text(error)


def _explain_kind(error, kind, text):
    """Return the problem of an exception that boto3 has a class for, or that its text names."""
    if kind == "ParamValidationError":
        return _explain_arguments(text)
    if kind in ("NoCredentialsError", "PartialCredentialsError"):
        return SetupError("no-keys-given", reason="gives no keys")
    if "only accepts keyword arguments" in text and re.search(r"\.get\(.Body", _find_line(error)):
        return _misspelt(text, "Write .get()['Body'].")
    if kind in ("UnknownClientMethodError", "UnknownServiceError"):
        return _misspelt(text.partition(" Valid service names")[0])
    missing = re.fullmatch(r"'S3' object has no attribute '(\w+)'", text)
    if missing:  # a client looks for its methods itself
        return _explain_name(_find_self(error), missing[1])
    return None


def _explain_text(error):
    """Return the problem of another exception in boto3, by the table MISTAKES, or None."""
    kind, text = type(error).__name__, str(error)
    for kinds, words, problem in MISTAKES:
        if re.fullmatch(kinds, kind) and re.search(words, text):
            if problem == "call-misspelt":
                return _explain_other_words(text) if _is_called_by_you(error) else None
            return SetupError(problem, reason=cut_short(text))
    return None


def _find_self(error):
    """Return the object whose method raised an exception."""
    step = error.__traceback__
    while step.tb_next:
        step = step.tb_next
    return step.tb_frame.f_locals.get("self")


def _is_called_by_you(error):
    """Tell whether boto3 itself raised an exception, in a call that is not one of ours."""
    paths = [path for path, _line in list_frames(error)]
    paths = [path for path in paths if not path.endswith("b2_guard.py")]  # it only listens
    first = next(place for place, path in enumerate(paths) if _is_path_of_boto3(path))
    return not any(is_given(path) for path in paths[first - 1 :])


def _explain_other_words(text):
    """Return the problem of a call, by the text of one of Python's own exceptions."""
    if text.startswith("Invalid endpoint: "):
        return SetupError("no-keys-given", reason="its endpoint_url has no https:// in front")
    wrong_key = re.match(r"Invalid extra_args key '(.*)', must be one of: (.*)", text)
    if wrong_key and len(wrong_key[1]) == 1:  # a letter of a text
        return _misspelt("'str' object has no attribute 'copy'")
    if wrong_key:
        do = _suggest(wrong_key[1], wrong_key[2].split(", "))
        return _misspelt(f"there is nothing called {wrong_key[1]!r} for ExtraArgs.", do)
    return _misspelt(text)


def _explain_file(error):
    """Return the problem of a file on this computer that boto3 cannot read or write, or None."""
    path = Path(os.fsdecode(error.filename2 or error.filename))
    if isinstance(error, PermissionError) and not path.is_dir():
        return SetupError("file-not-allowed", file=path)
    if not isinstance(error, (FileNotFoundError, IsADirectoryError, PermissionError)):
        return None
    what = f"The file {path}, which your program wants to upload, is not there."
    do = "Correct the file's name in your program, or put the file into that folder."
    if path.is_dir():
        what = f"{path} is a folder, and your program uses it as a file."
        do = f"Write the name of a file, such as {path / 'a.txt'}."
    elif not path.parent.is_dir():
        what = f"The folder {path.parent}, which your program uses, is not there."
        do = "Make the folder first, or correct its name in your program."
    return SetupError("file-not-found", what=what, folder=Path.cwd(), do=do)


def _explain_arguments(text):
    """Return the problem of a call with wrong arguments; suggest the one that was meant."""
    lines = [line for line in text.splitlines() if line != "Parameter validation failed:"]
    unknown_names = [line for line in lines if line.startswith("Unknown parameter")]
    reason = [*unknown_names, *lines, "nothing"][0]
    if reason.startswith("Non ascii characters found in S3 metadata"):
        return SetupError("metadata-not-text", reason=cut_short(reason))
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
        return _misspelt(reason, f"Check what you wrote after {argument}=.")
    wrong_name = re.match(r'Unknown parameter in input: "(\w+)", must be one of: (.*)', reason)
    if wrong_name:
        reason = f'there is no argument called "{wrong_name[1]}".'
        return _misspelt(reason, _suggest(wrong_name[1], wrong_name[2].split(", ")))
    return _misspelt(reason)


def _suggest(wrong, names):
    """Return a question with the name that is most like a wrong one, or "" if there is none."""
    by_lower = {name.lower(): name for name in names}
    wrong = wrong.lower()
    near = [wrong] if wrong in by_lower else []
    near += [name for name in by_lower if name.startswith(f"{wrong}_")]
    near += difflib.get_close_matches(wrong, by_lower, 1, 0.8)
    return f"Did you mean {by_lower[near[0]]}?" if near else ""


# A line of the program uses what boto3, or b2_client.py, returned, but not as it is meant.


def _explain_misuse(error):
    line = _find_line(error)
    problem = _explain_except(error, line)
    if problem:
        return problem
    if isinstance(error, AttributeError):
        return _explain_name(error.obj, str(error.name))
    if isinstance(error, TypeError):
        return _explain_type_error(str(error), line)
    if isinstance(error, KeyError):
        return _explain_name_in_answer(str(*error.args[:1]), line)
    if isinstance(error, ImportError):
        return _explain_import(error)
    return None


def _explain_name(thing, name):
    """Return the problem of a name after a dot, as in bucket.upload, or None.

    thing: what is before the dot, such as a Bucket; name: what is after it.
    """
    if isinstance(thing, dict) and "ResponseMetadata" in thing:
        do = f"Write answer[{name!r}]." if name in thing else _suggest(name, thing)
        do = "Write answer['Body'].read()." if name == "read" else do
        return _misspelt(f"its answer has no .{name}; it is a dictionary.", do)
    call = getattr(thing, "__name__", "")
    if call and callable(thing) and (call in OURS or _has_boto3_made(thing)):
        return SetupError("brackets-missing", call=call)
    if not _has_boto3_made(type(thing)):
        return None
    kind = type(thing).__name__
    reason = f"'{kind}' object has no attribute '{name}'"
    if name in OF_A_BUCKET:
        return _misspelt(reason, "Use get_bucket(): it returns a bucket, which has all files.")
    if hasattr(getattr(getattr(thing, "meta", None), "client", None), name):
        return _misspelt(reason, f"A client has it: write bucket.meta.client.{name}")
    of_an_object = OTHER_NAMES.get(name, "") if kind.startswith("s3.Object") else ""
    names = [known for known in dir(thing) if not known.startswith("_")]
    names = OF_A_BODY if kind == "StreamingBody" else names
    return _misspelt(reason, of_an_object or _suggest(name, names))


def _has_boto3_made(thing):
    return str(getattr(thing, "__module__", "")).startswith(LIBRARIES)


def _explain_type_error(text, line):
    if LAST_READ and re.search(BYTES_AND_TEXT, text):
        return SetupError("decode-missing", reason=cut_short(text))
    called = text.partition("()")[0]
    if called in OURS:
        return SetupError("brackets-not-empty", call=called)
    without_brackets = re.search(r"\.(all|filter|get|read)\b(?!\s*\()", line)
    if without_brackets and re.search(r"(?<!_)\bmethod\b", text):
        return SetupError("brackets-missing", call=without_brackets[1])
    # Before boto3 1.38, this text has no more than the name of the call.
    is_of_a_client = re.fullmatch("(up|down)load_file(obj)?", called) and f".{called}(" in line
    if not is_of_a_client and not re.search(ABOUT_BOTO3, text):
        return None
    text = re.sub(r"^[\w.]+<locals>\.|^\w+\.(?=generate)", "", text)
    wrong_name = re.search(r"(load|url)\w*\(\) got an unexpected keyword argument '(\w+)'", text)
    names = OF_A_LINK if "url" in text else OF_FILES
    return _misspelt(text, _suggest(wrong_name[2], names) if wrong_name else "")


def _explain_name_in_answer(name, line):
    is_of_answer = re.search(rf"\bget(\(\)|_object\(.*\))\[\s*['\"]{re.escape(name)}", line)
    if not is_of_answer:
        return None
    return _misspelt(f"its answer has no {name!r}.", _suggest(name, OF_AN_ANSWER))


def _explain_import(error):
    """Return the problem of a misspelt name in an import, or None."""
    module = str(error.name)
    if isinstance(error, ModuleNotFoundError):
        do = _suggest(module, [*GIVEN, *PACKAGES])
        what = f"module called {module}"
    else:
        wrong = re.match(r"cannot import name '(\w+)'", str(error))
        do = _suggest(wrong[1], dir(sys.modules[module])) if wrong and module in GIVEN else ""
        what = f"{wrong[1]} in {module}" if wrong else ""
    return SetupError("import-misspelt", what=what, do=do) if do else None


def _explain_except(error, line):
    """Return the problem of what stands after except, while boto3's own error is handled."""
    code = getattr(error.__context__, "response", {}).get("Error", {}).get("Code", "")
    if not code or not line.startswith("except"):
        return None
    how = "from botocore.exceptions import ClientError"
    if re.fullmatch("NoSuch(Key|Bucket)", code) and "ClientError" not in line:
        how = f"except bucket.meta.client.exceptions.{code}:"
    return SetupError("exception-not-known", line=line, how=how)


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
    import socket  # only here: it takes 20 ms, and most programs do not need it

    try:
        socket.getaddrinfo(BACKBLAZE, 443)
    except OSError:
        return SetupError("no-network")
    return SetupError("host-not-found", host=host, rule=ENDPOINT_RULE)
