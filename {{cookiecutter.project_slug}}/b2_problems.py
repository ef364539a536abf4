"""What can go wrong, and what to do about it: the table of problems.

Every problem has an id, and stands here once: how it is recognised, the three sentences that
you see, and how we know. What stands in {braces} is filled in where the problem is found.
This file is given: a reset may replace it, so write your own code in main.py.
"""

import os
import re
import socket
import sys
import time
from email.utils import parsedate_to_datetime
from typing import NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass


class SetupError(Exception):
    """A mistake in the set-up. Its text says what is wrong and what to do now.

    problem: the id of the problem, a name in the table PROBLEMS.
    """

    def __init__(self, problem, **details):
        super().__init__(problem)
        self.problem = problem
        self.details = details

    def __str__(self):
        return " ".join(sentences(self))


def sentences(error):
    """Return what happened, why, and what to do: the sentences of a SetupError, filled in."""
    found = PROBLEMS[error.problem]
    parts = [part.format(**error.details).strip() for part in (found.what, found.why, found.do)]
    return [part for part in parts if part]


def block(error):
    """Return a SetupError as it is shown: its id, then a line for each sentence."""
    return "\n".join(["", f"PROBLEM [{error.problem}]", *sentences(error)])


def _show_advice(kind, error, traceback):
    """Print a set-up mistake as its advice alone; leave every other error to Python."""
    if issubclass(kind, SetupError):
        print(block(error), file=sys.stderr)
    else:
        _python_shows(kind, error, traceback)


# Set here and not in b2_client.py: what this function can reach stays in memory until the very
# end of the program, and boto3's large objects take their time to go.
_python_shows, sys.excepthook = sys.excepthook, _show_advice


class Problem(NamedTuple):
    """What can go wrong: how it is recognised, what to say, and how we know."""

    sign: str  # how it is recognised
    what: str  # what happened
    why: str
    do: str  # what to do now
    source: str


ACTIONS = {"PutObject": "write", "GetObject": "read", "DeleteObject": "erase"}
BACKBLAZE = "api.backblazeb2.com"  # a name that exists; not even found, there is no network

OUR_RULE = "This project's own rule."
KEYS_DOC = "Backblaze docs, Application Keys; b2-sdk-python, glossary."
LIVE = "Live tests of B2 by vdavid/cmdr (October 2026)."
BOTOCORE = "boto3 1.44, tried out against a server on this computer."
NEW_KEY = (
    "In the console, App Keys: Add a New Application Key, and copy its two values at once."
)

PROBLEMS = {
    # This computer.
    "python-too-old": Problem(
        "sys.version_info is below 3.10",
        "This is Python {version}.",
        "boto3 needs Python 3.10 or newer.",
        "Install a new one from python.org, delete the folder .venv, and make it again.",
        "boto3's package metadata, Requires-Python.",
    ),
    "package-missing": Problem(
        "import boto3 fails, or boto3 does not know one of our settings",
        "{package} for this Python.",
        "The program needs the packages that requirements.txt lists.",
        "{how}",
        "boto3 changelog: the checksum settings came with 1.36.",
    ),
    "file-hides-package": Problem(
        "importing boto3 fails, and a file in the project has the name of a module",
        "Your file {file} has the same name as a part of Python or of boto3.",
        "Python takes your file in its place.",
        "Rename {file}, for example to my_{file}.",
        "Python docs, The initialization of the sys.path module search path.",
    ),
    "practice-needs-moto": Problem(
        "both keys are blank, and moto cannot be imported",
        "There are no keys yet: fill in B2_APPLICATION_KEY_ID (keyID) and B2_APPLICATION_KEY"
        " (applicationKey) in .env or env.txt.",
        "To practise without keys needs the package moto, which is missing or too old.",
        "{how}",
        OUR_RULE,
    ),
    "practice-folder": Problem(
        "the disk refuses to read or write in practice-bucket",
        "{what}",
        "",
        "{do}",
        "Python docs, errno.",
    ),
    # The file with the settings.
    "env-file-missing": Problem(
        "neither .env nor env.txt is there",
        "There is no file .env in {folder}.",
        "The program looks there for your keys, your bucket and your endpoint.",
        "Copy .env.example to .env (where names may not begin with a dot: to env.txt).",
        OUR_RULE,
    ),
    "env-file-misnamed": Problem(
        "a file with a name like .env.txt is there, and no keys are in .env or env.txt",
        "Your file is called {name}.",
        "Only .env and env.txt are read.",
        "Rename it: .env, or env.txt{or_else}.",
        "Windows hides known endings, and some editors add one.",
    ),
    "keys-in-example": Problem(
        "the key lines of .env.example are filled in, and those of .env are not",
        "Your keys are in .env.example.",
        "Nothing reads that file, and git would publish it.",
        "Move both keys to .env, and empty the two key lines of .env.example.",
        OUR_RULE,
    ),
    "env-file-unreadable": Problem(
        "the file cannot be opened, or begins as a document of a word processor does",
        "{file} cannot be {reason}.",
        "It has to be a plain text file which you may read.",
        "{do}",
        "Python docs, errno; RTF and ZIP files are known by their first bytes.",
    ),
    "line-unreadable": Problem(
        "a line is not NAME=value",
        "Line {number} of {file} cannot be read.",
        "A line is NAME=value: nothing in front, an = sign, and quotes that are closed or none.",
        "Write it as {name}=value.",
        "python-dotenv's grammar.",
    ),
    "line-twice": Problem(
        "a name stands twice, with different values",
        "{name} stands twice in {file}, with different values.",
        "It stands in line {first} and in line {second}.",
        "Delete one of them.",
        OUR_RULE,
    ),
    "line-missing": Problem(
        "one of the four names is neither in the file nor a variable",
        "{where} has no line {name}=.",
        "All four lines have to be there; both keys may stay empty, to practise.",
        "Add that line; behind the = comes {word}.",
        OUR_RULE,
    ),
    "line-misnamed": Problem(
        "a line B2_... that nothing reads has a value, and one of the four has none",
        "{file} has a line {other}=, which nothing reads.",
        "The program looks for {name}=, and {state}.",
        "Write the value behind {name}=, and delete the line {other}=.",
        "Other tools say B2_KEY_ID, B2_BUCKET and the like.",
    ),
    # The values.
    "value-missing": Problem(
        "a value is blank that is needed",
        "{name} is blank in {where}.",
        "{reason}",
        "{hint}",
        OUR_RULE,
    ),
    "placeholder-left": Problem(
        "a value is an example, such as <your keyID> or the template's own bucket name",
        "{name} in {where} is still an example{value}.",
        "The place is for {word}.",
        "{do}",
        OUR_RULE,
    ),
    "bucket-name-impossible": Problem(
        "the bucket's name breaks the rule for names",
        "B2_BUCKET_NAME in {where} cannot be {value}.",
        "{rule}",
        "Copy the name of your bucket from the console, page Buckets.",
        "Backblaze docs, Cloud Storage Buckets.",
    ),
    "endpoint-not-s3": Problem(
        "the endpoint is an address of something else",
        "The endpoint in {where} cannot be {value}.",
        "{reason}",
        "{hint}",
        "Backblaze docs, S3-compatible API.",
    ),
    "endpoint-has-bucket": Problem(
        "something stands in front of s3. or behind .com",
        "B2_ENDPOINT in {where} cannot be {value}.",
        "{reason}",
        "{hint}",
        BOTOCORE + " With it, files would go to the wrong place.",
    ),
    "endpoint-http": Problem(
        "the endpoint begins with http:// instead of https://",
        "B2_ENDPOINT in {where} cannot be {value}.",
        "{reason}",
        "Write https:// in front, or nothing.",
        "Backblaze docs, Call the S3-compatible API.",
    ),
    "keys-swapped": Problem(
        "a key line holds a value of the other key's shape",
        "{name} in {where} has the value of the other key line in it.",
        "A keyID has 25 characters and begins with 00, an applicationKey has 31 and begins"
        " with K00.",
        "{do}",
        KEYS_DOC,
    ),
    "master-key": Problem(
        "the keyID has 12 characters, all of 0-9 and a-f",
        "B2_APPLICATION_KEY_ID in {where} is the keyID of your Master Application Key.",
        "B2 does not take that key here.",
        NEW_KEY,
        "Backblaze docs, S3-Compatible Application Keys; b2-sdk-python, glossary.",
    ),
    "key-name-as-id": Problem(
        "the keyID does not begin with 00",
        "B2_APPLICATION_KEY_ID is no keyID: {value}.",
        "A keyID has 25 characters and begins with 00. The name of a key (keyName) is only a"
        " label.",
        "Copy the keyID from the console, page App Keys.",
        KEYS_DOC,
    ),
    "key-incomplete": Problem(
        "a key begins as it should, but has another length or a strange character",
        "{name} is not copied well: it has {count}, and should have {length}.",
        "When it was copied, a part was left out, or something else came along.",
        "Copy the {word} once more. If the console does not show it any more, add a new key.",
        KEYS_DOC,
    ),
    # Keys in the wrong place.
    "env-in-git": Problem(
        "git ls-files lists .env or env.txt",
        "git keeps your file {file}.",
        "Everybody who gets the repository can read your keys.",
        "Type: git rm --cached {file}. If it was ever pushed, delete the key in the console,"
        " and add a new one.",
        "git docs, gitignore: what is tracked already is not ignored.",
    ),
    "key-in-code": Problem(
        "a file of the project has an applicationKey in it",
        "There is an applicationKey in {file}, line {number}.",
        "Everybody who sees this file can use your bucket.",
        "Take it out of there; it belongs in .env alone. If anybody has seen it, delete the key"
        " in the console, and add a new one.",
        KEYS_DOC,
    ),
    # The way to B2.
    "no-network": Problem(
        "no name can be looked up, not even that of Backblaze",
        "This computer has no connection to the internet.",
        "Not even the address of Backblaze can be found.",
        "Turn on the network (in a school: log in to it), and try again.",
        BOTOCORE,
    ),
    "host-not-found": Problem(
        "the endpoint's name cannot be looked up, but Backblaze's can",
        "There is no server called {host}.",
        "The region in B2_ENDPOINT is probably misspelt.",
        "{rule}",
        BOTOCORE,
    ),
    "connection-refused": Problem(
        "the server's computer refuses the connection",
        "{host} refuses the connection.",
        "{reason}",
        "{do}",
        BOTOCORE,
    ),
    "no-answer": Problem(
        "the connection or the answer does not come in time, or is cut",
        "{host} does not answer.",
        "The network is very slow, or a firewall (in a school?) lets nothing through.",
        "Try again, and then with another network, such as a phone's hotspot.",
        BOTOCORE,
    ),
    "certificate-not-trusted": Problem(
        "the TLS certificate cannot be verified",
        "The connection to {host} is not safe: {reason}.",
        "Something between you and B2 opens what is sent, as the filters of some schools do.",
        "Use another network. Or ask the school for the file with its certificate, and set the"
        " variable AWS_CA_BUNDLE to its path.",
        "Python docs, ssl; botocore docs, AWS_CA_BUNDLE.",
    ),
    "network-variable-wrong": Problem(
        "a proxy cannot be reached, or the file with certificates is not there",
        "The variable {name} leads to {value}, and {state}.",
        "Programs take that way, because the variable says so.",
        "Correct the variable {name}, or remove it.",
        "botocore docs, Config; requests docs, SSL Cert Verification.",
    ),
    "not-b2": Problem(
        "the answer is a web page, or nothing that B2 would say",
        "What comes back is no answer of B2: {reason}.",
        "Something on the way answers or cuts it off: a network that wants a log-in, or a filter.",
        "Open any web page in a browser, log in if you are asked, and try again.",
        BOTOCORE,
    ),
    "clock-wrong": Problem(
        "the server's Date, or a certificate's dates, do not fit this computer's clock",
        "The clock of this computer is {reason}.",
        "B2 refuses what is not from about now (15 minutes).",
        "Set date, time and time zone in the system's settings; automatically is best.",
        "AWS docs, RequestTimeTooSkewed; B2's own wording is not known.",
    ),
    # What B2 answers.
    "key-unknown": Problem(
        "InvalidAccessKeyId",
        "B2 does not know the keyID{key_id}.",
        "The key was deleted or has expired, or it belongs to an account in another region.",
        "Compare it with the console, page App Keys, and the Endpoint with the page Buckets."
        " If the key is not there: add a new one.",
        "s5cmd issue 269. " + LIVE,
    ),
    "key-of-another-region": Problem(
        "InvalidAccessKeyId, and the third digit of the keyID is not that of the endpoint",
        "B2 does not know the keyID{key_id} at {host}.",
        "A keyID that begins with {digits} usually belongs to an endpoint with {digits} in it.",
        "Copy the Endpoint once more, from the page Buckets of the account that has the key.",
        "s3-image-port, pull request 104: all pairs that were seen agree. A hint, never a rule.",
    ),
    "application-key-wrong": Problem(
        "SignatureDoesNotMatch",
        "B2 knows the keyID, but the applicationKey does not belong to it.",
        "A character is wrong, or it is the applicationKey of another key.",
        "Copy the applicationKey once more. The console shows it only once: if it is gone, add"
        " a new key, and copy both values.",
        "joplin issue 7359. " + LIVE,
    ),
    "key-for-another-bucket": Problem(
        "AccessDenied for the list, and for the bucket itself",
        "The key may not use the bucket {bucket}.",
        "It was made for another bucket, or the bucket is somebody else's.",
        "Check B2_BUCKET_NAME; or add a new key, and choose {bucket} below Allow access to"
        " Bucket(s).",
        LIVE + " Somebody else's bucket: inferred.",
    ),
    "key-limited-to-names": Problem(
        "AccessDenied for the list, but not for the bucket itself",
        "The key may use the bucket {bucket}, but may not list all of it.",
        "It has a File name prefix, or is of the type Write Only.",
        "Add a new key: leave File name prefix empty, and choose Read and Write.",
        "cyberduck issue 14103. " + LIVE,
    ),
    "key-lacks-permission": Problem(
        "AccessDenied 'not entitled', although the key may list the bucket",
        "The key may not {action} in the bucket {bucket}.",
        "B2 answered: not entitled. So the key lacks this permission.",
        "Add a new key, with the Type of Access Read and Write.",
        "Backblaze docs, Application Key Capabilities. " + LIVE,
    ),
    "bucket-not-found": Problem(
        "NoSuchBucket",
        "There is no bucket {bucket} at {host}.",
        "Its name is misspelt, or it is in another account.",
        "Copy the name from the console, page Buckets, to B2_BUCKET_NAME.",
        LIVE,
    ),
    "daily-cap": Problem(
        "AccessDenied with the words 'cap exceeded'",
        "A daily limit of your account is used up: {reason}.",
        "Accounts have a free amount for each day. The key is right.",
        "Wait until midnight UTC, or raise the limit: console, Caps & Alerts.",
        LIVE + " Transactions: public code, less sure.",
    ),
    "storage-cap": Problem(
        "AccessDenied with the words 'storage cap exceeded'",
        "Your account is full.",
        "The limit for stored bytes is reached; older versions of files count, too.",
        "Delete old versions (console, Browse Files), or raise the limit: Caps & Alerts.",
        "restic issue 3265.",
    ),
    "busy": Problem(
        "SlowDown, InternalError or another answer from 500 on, also after trying again",
        "B2 could not answer just now ({code}).",
        "That is not your mistake: the server is busy or has trouble.",
        "Wait some minutes and try again.",
        "Backblaze docs, Rate Limits. " + LIVE,
    ),
    # What a program asks for.
    "no-such-object": Problem(
        "NoSuchKey, or 404 for an object",
        "There is no such file in the bucket.",
        "It was never saved, was deleted, or is spelt differently: capitals count.",
        "Print the names: for obj in bucket.objects.all(): print(obj.key)",
        "Backblaze docs, S3 Get Object.",
    ),
    "not-on-b2": Problem(
        "NotImplemented, InvalidArgument or InvalidRequest",
        "B2 refuses this call: {reason}",
        "B2 lacks some things of Amazon's S3: ACLs, tags, conditions such as IfNoneMatch. {rule}",
        "Leave that argument out, or change the name.",
        "Backblaze docs, S3-compatible API. " + LIVE,
    ),
    "unknown": Problem(
        "nothing of the above",
        "Something went wrong that this program does not know: {code}.",
        "{reason}",
        "Show these lines to your teacher; there is no key in them.",
        OUR_RULE,
    ),
}

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
    ("NotImplemented|InvalidArgument|InvalidRequest|KeyTooLongError", "", "not-on-b2"),
    ("SlowDown|InternalError|ServiceUnavailable|RequestTimeout|5..|429", "", "busy"),
]


# How the problems show in what boto3 raises.


def problem_of(error, settings):
    """Return the SetupError behind an exception, or None where it has nothing to do with B2.

    error: what boto3 raised, or anything else. settings: as read_settings() returns them,
    for the details; {} if they are not known. Asks nobody anything, but where a name is not
    found: then it looks whether there is a network at all.
    """
    if isinstance(error, SetupError):
        return error
    if isinstance(error, ValueError) and str(error).startswith("Invalid endpoint: "):
        return SetupError(
            "endpoint-not-s3",
            where="your program",
            value=repr(str(error).partition(": ")[2]),
            reason="boto3 needs https:// in front of it.",
            hint="Better: let get_bucket() of b2_client.py connect.",
        )
    if not type(error).__module__.startswith(("boto3", "botocore")):
        return None
    chain = _with_causes(error)
    for link in chain:
        if isinstance(getattr(link, "response", None), dict):
            return _from_answer(link, settings)
    return _from_network(chain, settings.get("B2_ENDPOINT", "//B2").partition("//")[2])


def unknown(error):
    """Return the SetupError for an exception that nothing in this table explains."""
    reason = " ".join(str(error).split())[:300]
    return SetupError("unknown", code=type(error).__name__, reason=f"It says: {reason}")


def _with_causes(error):
    """Return the exception, and those that led to it."""
    chain = []
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__ or error.__context__
    return chain


def _from_answer(error, settings):
    """Return the problem that an answer of the server tells: by its code, then its message."""
    from b2_rules import KEY_NAME_RULE, why_key_refused  # which needs SetupError of this file

    answer, meta = error.response.get("Error", {}), error.response.get("ResponseMetadata", {})
    headers, status = meta.get("HTTPHeaders", {}), meta.get("HTTPStatusCode", 0)
    code, message = str(answer.get("Code", "")), " ".join(str(answer.get("Message", "")).split())
    if "html" in headers.get("content-type", ""):
        return SetupError("not-b2", reason="the answer is a web page")
    found = "unknown"
    for codes, words, problem in reversed(ANSWERS):
        if re.fullmatch(codes, code) and re.search(words, message, re.IGNORECASE):
            found = problem
    head = error.operation_name.startswith("Head")
    if found == "no-such-object" and error.operation_name == "HeadBucket":
        found = "bucket-not-found"
    if code == "500" and not head:  # B2 says InternalError; boto3 says 500 to what it cannot read
        return SetupError("not-b2", reason="it cannot be read")
    clock = _clock_is(headers.get("date", ""))
    unsure = found in ("application-key-wrong", "unknown") or code == "403"
    if found == "clock-wrong" or (clock and status in (400, 401, 403) and unsure):
        return SetupError("clock-wrong", reason=clock or f"probably wrong: it says {_now()}")
    if found == "key-unknown" and settings:
        return why_key_refused(settings)
    if found == "unknown":
        code = f"{error.operation_name} was answered {code or 'without a code'} ({status})"
        message = f"The server said: {message or 'nothing'}"
    return SetupError(
        found,
        bucket=settings.get("B2_BUCKET_NAME", "of your program"),
        host=settings.get("B2_ENDPOINT", "").partition("//")[2] or "that endpoint",
        key_id="",
        code=code,
        reason=message[:300],
        action=ACTIONS.get(error.operation_name, f"do this ({error.operation_name})"),
        rule=KEY_NAME_RULE,
    )


def _now():
    return time.strftime("%d %B %Y, %H:%M")


def _clock_is(date):
    """Return how wrong this computer's clock is, by a Date header, or "" if it is right."""
    try:
        seconds = time.time() - parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError):
        return ""
    minutes = round(abs(seconds) / 60)
    if minutes < 15:
        return ""
    amount = f"{minutes // 1440} days" if minutes >= 1440 else f"{minutes} minutes"
    return f"{amount} {'fast' if seconds > 0 else 'slow'}: it says {_now()}"


def _from_network(chain, host):
    """Return the problem on the way to the server, or None if it is none of the network's."""
    kinds = {base.__name__ for link in chain for base in type(link).__mro__}
    if "ProxyConnectionError" in kinds:
        names = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")
        problem = _wrong_variable(names, "nothing answers there")
    elif "gaierror" in kinds:
        problem = host_not_found(host)
    elif "SSLError" in kinds:
        problem = _from_tls(chain, host)
    elif "ConnectionRefusedError" in kinds:
        local = host.startswith(("127.", "localhost"))
        reason = "No server runs there." if local else "A firewall is in the way, perhaps."
        do = "Start the server." if local else "Try another network, such as a phone's hotspot."
        problem = SetupError("connection-refused", host=host, reason=reason, do=do)
    elif "ResponseParserError" in kinds:
        problem = SetupError("not-b2", reason="the answer cannot be read")
    elif {"HTTPClientError", "ConnectionError", "IncompleteReadError"} & kinds:
        problem = SetupError("no-answer", host=host)
    else:
        problem = None
    return problem


def _from_tls(chain, host):
    text = " ".join(str(link) for link in chain)
    if re.search(r"Errno 2\b|invalid path", text):
        names = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE")
        return _wrong_variable(names, "that file is not there")
    if any(getattr(link, "verify_code", 0) in (9, 10) for link in chain):  # not yet, no longer
        return SetupError("clock-wrong", reason=f"probably wrong: it says {_now()}")
    reason = re.search(r"certificate verify failed: ([\w -]+)", text)
    what = reason[1] if reason else "TLS fails"
    return SetupError("certificate-not-trusted", host=host, reason=what)


def find_host(endpoint):
    """Look the server's name up; return what to say about it. Raises SetupError without it."""
    address = urlsplit(endpoint)
    proxy = getproxies().get(address.scheme)
    if proxy and not proxy_bypass(address.hostname):  # then the proxy looks it up
        return "the way to B2 goes through the proxy " + proxy.rpartition("@")[2]
    try:
        socket.getaddrinfo(address.hostname, address.port or 443)
    except OSError:
        raise host_not_found(address.hostname) from None
    return f"there is a server called {address.hostname}"


def host_not_found(host):
    """Return the problem behind a name that cannot be looked up."""
    from b2_rules import ENDPOINT_RULE

    try:
        socket.getaddrinfo(BACKBLAZE, 443)
    except OSError:
        return SetupError("no-network")
    return SetupError("host-not-found", host=host, rule=ENDPOINT_RULE)


def _wrong_variable(names, state):
    name = next((name for name in names if name in os.environ), "of the system")
    value = os.environ.get(name, "a proxy").rpartition("@")[2]  # without a password
    return SetupError("network-variable-wrong", name=name, value=value, state=state)
