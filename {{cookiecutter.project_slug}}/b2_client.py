"""Connect to your bucket.

    from b2_client import get_bucket

    bucket = get_bucket()          # boto3's own Bucket object

What it needs to know stands in .env. While the two key lines there are empty, you get
the practice bucket instead: the same object, but the files stay in this folder.

This file is given: a reset may replace it, so write your own code in main.py.
"""

import codecs
import os
import re
import sys
import threading
from functools import partial
from importlib.util import find_spec
from io import StringIO
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE / "b2_inside"))  # the other given modules; or they lie beside this one

from b2_problems import SetupError, hidden_module, how_to_install, why_import_failed
from b2_rules import (
    CONSOLE_WORDS,
    ENV_FILES,
    KEYS,
    check_bucket_name,
    check_keys,
    clean_endpoint,
    clean_value,
    is_placeholder,
    region_of,
)

ENVIRONMENT = "the variables of your terminal"
MOST_BYTES = 20_000  # of .env; it has four lines


try:
    import botocore.session
    from boto3 import Session
    from botocore.config import Config
    from botocore.exceptions import ConnectionClosedError
except Exception as error:
    raise hidden_module() or why_import_failed(error) or error from None

# Checksums: B2 did not know boto3's newer ones until July 2025; without them every B2 does.
# Retries: B2 answers "500 InternalError, try again" in normal use.
try:
    CONFIG = Config(
        signature_version="s3v4",
        s3={"addressing_style": "path", "us_east_1_regional_endpoint": "regional"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        retries={"mode": "standard", "total_max_attempts": 3},
        connect_timeout=5,
        read_timeout=60,
        user_agent_extra="b2-starter/0.1.0",
    )
    # For check_setup.py: ask once and do not wait long, so that even two silences take under 20 s.
    QUICK = CONFIG.merge(
        Config(connect_timeout=4, read_timeout=6, retries={"total_max_attempts": 1})
    )
except TypeError:  # boto3 before 1.36 knows nothing of checksums
    raise SetupError(
        "package-missing", package="boto3 is too old", how=how_to_install()
    ) from None

# boto3 also reads the settings of Amazon's tools: variables called AWS_... and the folder
# ~/.aws. Nothing of that is meant for B2. Only the certificates that a school may need stay.
NO_AWS_SETTINGS = {
    name: (None, None, default, convert)
    for name, (_, _, default, convert) in botocore.session.Session.SESSION_VARIABLES.items()
    if name != "ca_bundle"
}
NO_AWS_SETTINGS["config_file"] = (None, None, os.devnull, None)
NO_AWS_SETTINGS["credentials_file"] = (None, None, os.devnull, None)

_session = None
_one_at_a_time = threading.Lock()


def get_bucket():
    """Return the bucket of .env as a boto3 Bucket (boto3 docs: S3, Resources, Bucket).

    Raises SetupError when .env is not right; its text says which line to change.
    Does not use the network: a wrong key shows at the first call to the bucket.
    """
    settings = read_settings()
    return connect("resource", settings).Bucket(settings["B2_BUCKET_NAME"])


def get_client():
    """Return a boto3 S3 client for the account of .env (boto3 docs: S3, Client).

    Raises SetupError when .env is not right; its text says which line to change.
    """
    return connect("client", read_settings())


def practice_place(key: str) -> str | None:
    """Return which file in practice-bucket holds an object; None with a real bucket.

    For a page that lies in the bucket, too. Call get_bucket() first. Raises SetupError.
    """
    if not isinstance(key, str):
        raise TypeError(f"A key is a text, such as obj.key, and this is {key!r}.")
    settings = read_settings()
    if settings["B2_APPLICATION_KEY_ID"] != "":
        return None
    from b2_practice import place_of

    return place_of(HERE / "practice-bucket", settings["B2_BUCKET_NAME"], key)


def connect(kind: str, settings: dict[str, str], config: Config = CONFIG):
    """Return a boto3 "resource" or "client"; in practice, the practice bucket answers it.

    settings: what read_settings() returns. Raises SetupError where practice is not possible.
    """
    global _session
    practice = settings["B2_APPLICATION_KEY_ID"] == ""
    if practice:
        join_practice_bucket = _import_practice()
    with _one_at_a_time:
        if _session is None:
            core = botocore.session.Session(session_vars=NO_AWS_SETTINGS)
            _session = Session(botocore_session=core)
        made = getattr(_session, kind)(
            "s3",
            endpoint_url=settings["B2_ENDPOINT"],
            region_name=region_of(settings["B2_ENDPOINT"]),
            aws_access_key_id=settings["B2_APPLICATION_KEY_ID"] or "practice",
            aws_secret_access_key=settings["B2_APPLICATION_KEY"] or "practice",
            config=config,
        )
    client = made if kind == "client" else made.meta.client
    client.meta.events.register("before-call.s3", _follow_no_redirect)
    client.meta.events.register("after-call.s3", _refuse_web_page)
    if practice:
        join_practice_bucket(client, HERE / "practice-bucket", settings["B2_BUCKET_NAME"])
    else:
        attempts = config.retries["total_max_attempts"]  # type: ignore[attr-defined]
        client.meta.events.register("needs-retry.s3", partial(_refuse_half_answer, attempts))
    return made


def _follow_no_redirect(params, **_) -> None:
    """Tell boto3 that it was redirected already: else it would ask Amazon's way for the region."""
    params["context"].setdefault("s3_redirect", {})["redirected"] = True


def _refuse_web_page(http_response, model, **_) -> None:
    """Notice a log-in page in place of B2: boto3 would take it for success, and store nothing."""
    is_page = "html" in http_response.headers.get("content-type", "")
    if is_page and model.name not in ("GetObject", "HeadObject"):  # a file may be a page, too
        raise SetupError("not-b2", reason="it is a web page")


def _refuse_half_answer(most_attempts, response, operation, attempts, endpoint, **_) -> int | None:
    """Ask again where the connection ended in the headers of an answer, or straight after them.

    boto3 takes that for an empty file, or an empty bucket.
    """
    if response is None or _is_whole(response[0], operation):
        return None
    if attempts < most_attempts:
        return 1  # second to wait
    raise ConnectionClosedError(endpoint_url=endpoint.host)


def _is_whole(answer, operation) -> bool:
    """Tell whether all of an answer came, by what it says of its length (RFC 9112, 6.3 and 9.6).

    Without a length, the end of the connection ends it: then it says so, or was cut.
    """
    if answer.status_code not in (200, 206) or operation.name == "HeadBucket":
        return True  # it failed anyway, or there is nothing behind the headers
    if getattr(answer.raw, "version", 0) != 11:
        return True  # not HTTP/1.1; or moto, in a test of yours
    length = answer.headers.get("content-length", "")
    if not length.isdigit():
        return "transfer-encoding" in answer.headers or answer.headers.get("connection") == "close"
    if operation.name == "HeadObject" or operation.has_streaming_output:
        return True  # a size; or a file, of which boto3 counts the bytes
    return len(answer.content) == int(length)


def _import_practice():
    """Return the function that makes a boto3 client a practice client."""
    try:
        from b2_practice import join_practice_bucket
    except (ImportError, AttributeError) as error:
        problem = hidden_module() or why_import_failed(error)
        if problem is None or problem.problem == "package-missing" or not find_spec("moto"):
            problem = SetupError("practice-needs-moto", how=how_to_install())
        raise problem from None
    return join_practice_bucket


def read_settings() -> dict[str, str]:
    """Return the four settings as a dict: B2_APPLICATION_KEY_ID and so on, cleaned.

    Environment variables come first, then the file .env, or env.txt where an editor
    hides names that begin with a dot. Both keys are "" for practice.
    Raises SetupError for every mistake that shows without asking B2.
    """
    values = {name: os.environ[name] for name in CONSOLE_WORDS if name in os.environ}
    where = dict.fromkeys(values, ENVIRONMENT)
    if len(values) < len(CONSOLE_WORDS):
        file_name, in_file = _choose_and_read()
        values = {**in_file, **values}
        where = {**dict.fromkeys([*CONSOLE_WORDS, *in_file], file_name), **where}
    _look_for_all_lines(values, where)
    settings = {name: clean_value(values[name]) for name in CONSOLE_WORDS}
    check_bucket_name(settings["B2_BUCKET_NAME"], where["B2_BUCKET_NAME"])
    settings["B2_ENDPOINT"] = clean_endpoint(settings["B2_ENDPOINT"], where["B2_ENDPOINT"])
    check_keys(settings, where)
    return settings


def _look_for_all_lines(values: dict[str, str], where: dict[str, str]) -> None:
    for name, word in CONSOLE_WORDS.items():
        lost = name not in values
        if lost or (name in KEYS and clean_value(values[name]) == ""):
            for other in sorted(set(values) - set(CONSOLE_WORDS)):
                if _meant(other) == name and clean_value(values[other]):
                    do = f"Rename {other}= to {name}=."
                    if not lost:
                        do = f"Write its value behind {name}=, and delete the line {other}=."
                    raise SetupError(
                        "line-misnamed", file=where[other], other=other, name=name, word=word, do=do
                    )
        if lost:
            raise SetupError("line-missing", where=where[name], name=name, word=word)


def _meant(other: str) -> str | None:
    """Return which of the four names was probably meant by a similar one, such as B2_KEY_ID."""
    other = other.upper()
    same = ("KEYID", "KEY_ID", "APPLICATIONKEY", "APPLICATION_KEY", "ENDPOINT", "BUCKET")
    if not other.startswith(("B2_", "AWS_ACCESS_KEY", "AWS_SECRET")) and other not in same:
        return None
    for sign, name in (
        ("BUCKET", "B2_BUCKET_NAME"),
        ("ENDPOINT", "B2_ENDPOINT"),
        ("KEY_?NAME", None),
        ("ID$", "B2_APPLICATION_KEY_ID"),
        ("KEY|SECRET", "B2_APPLICATION_KEY"),
    ):
        if re.search(sign, other):
            return name
    return None


def _choose_and_read() -> tuple[str, dict[str, str]]:
    """Return the name and the values of .env, or of env.txt where .env has no keys."""
    files = [name for name in ENV_FILES if (HERE / name).is_file()]
    if not files:
        _look_for_another_file(".env")
        raise _no_file()
    values = _read(files[0])
    # A missing line ("?") is named, and no reason to look at env.txt.
    if any(clean_value(values.get(name, "?")) for name in KEYS):
        return files[0], values
    if files == ENV_FILES:
        return "env.txt", _read("env.txt")
    _look_for_another_file("env.txt")
    return files[0], values


def _no_file() -> SetupError:
    do = "Copy .env.example to .env. Where a name may not begin with a dot: copy it to env.txt."
    if not (HERE / ".env.example").is_file():
        lines = "".join(f"\n    {name}=" for name in CONSOLE_WORDS)
        do = f"Make a text file called .env (or env.txt) with these four lines:{lines}"
    return SetupError("env-file-missing", folder=HERE, do=do)


def _look_for_another_file(better: str) -> None:
    """Name the file that was filled in instead of .env. better: how it should be called."""
    known = (*ENV_FILES, ".env.example")
    for file in sorted(file for file in HERE.iterdir() if file.is_file()):
        similar = re.search("env|evn", file.name.lower()) and file.name not in known
        if similar and _has_keys(file, also_empty=better == ".env"):
            raise SetupError("env-file-misnamed", name=file.name, better=better)
    if (HERE / ".env").is_dir():
        raise SetupError(
            "env-file-unreadable",
            file=".env",
            reason="read: it is a folder",
            do="Rename that folder, then copy .env.example to .env.",
        )
    example = HERE / ".env.example"
    if example.is_file() and _has_keys(example):
        raise SetupError("keys-in-example")


def _has_keys(file: Path, also_empty: bool = False) -> bool:
    """Tell whether a file has key lines like .env; also_empty: even if no key is in them."""
    if file.stat().st_size > MOST_BYTES or not os.access(file, os.R_OK):
        return False
    for line in _decode(file.read_bytes()).splitlines():
        found = LINE.fullmatch(line)
        if found and found["name"] in KEYS:
            value = clean_value(_value_of(found))
            if also_empty or (value and not is_placeholder(value)):
                return True
    return False


def _read(file_name: str) -> dict[str, str]:
    file, reason = HERE / file_name, ""
    do = "Save it as plain text (in TextEdit: Format, Make Plain Text)."
    try:
        data = file.read_bytes() if file.stat().st_size <= MOST_BYTES else b""
        if data == b"" and file.stat().st_size > 0:
            reason = "read: it is far too large"
        elif data.startswith((b"{\\rtf", b"PK\x03\x04")):
            reason = "read: it is a document of a word processor"
    except OSError as error:
        reason = f"opened: {error.strerror}"
        do = "Close other programs that use it, or copy .env.example to it once more."
    if reason:
        raise SetupError("env-file-unreadable", file=file_name, reason=reason, do=do)
    return _parse(_decode(data), file_name)


def _decode(data: bytes) -> str:
    """Return the text of a file that any editor may have saved (UTF-8, UTF-16, Windows)."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", errors="replace")
    if b"\0" in data:
        return data.decode("utf-16-be" if data[:1] == b"\0" else "utf-16-le", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


# One line of the file: NAME=value, with quotes or without, perhaps with a comment behind.
LINE = re.compile(
    r"""\s*(?:export\s+)?(?P<name>(?!export\s)[A-Za-z_][\w.-]*)\s*=\s*
    (?: '(?P<single>(?:\\.|[^'\\])*)'\s*(?:\#.*)?
      | "(?P<double>(?:\\.|[^"\\])*)"\s*(?:\#.*)?
      | (?P<plain>[^'"\s].*)? )""",
    re.VERBOSE,
)


def _parse(text: str, file_name: str) -> dict[str, str]:
    """Return the NAME=value lines of the text as a dict.

    Raises SetupError for a line that is something else, and for a name that stands
    twice: python-dotenv would skip the one and guess at the other.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    values: dict[str, str] = {}
    line_of: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip() == "" or line.strip().startswith("#"):
            continue
        found = LINE.fullmatch(line)
        if not found:
            raise _unreadable(line, number, file_name, values)
        value = _value_of(found)
        if values.get(found["name"], value) != value:
            raise SetupError(
                "line-twice",
                name=found["name"],
                file=file_name,
                first=line_of[found["name"]],
                second=number,
            )
        values[found["name"]], line_of[found["name"]] = value, number
    values = _with_dotenv(text) or values
    return {name: re.sub(r"^#.*", "", value) for name, value in values.items()}  # NAME=# comment


def _unreadable(line: str, number: int, file_name: str, above: dict[str, str]) -> SetupError:
    """Return the problem of a line that is no NAME=value, and what it probably should be."""
    names = [name for name in CONSOLE_WORDS if re.search(rf"{name}\b", line)]
    last = list(above)[-1] if above else ""
    if re.match(r"\s*(export\s+)?[\w.-]+\s*=\s*['\"]", line):
        why = "A quote in it has no partner, or something stands behind it."
        do = "Delete the quotes."
    elif "=" not in line and not names and last in CONSOLE_WORDS and above[last] == "":
        why, do = "It has no = sign.", f"Perhaps it belongs behind {last}=, in the line above."
    elif names:
        why = "A line begins with the name, and has an = sign."
        do = f"Write it as {names[0]}= and then the value."
    else:
        why = "Each line is NAME=value."
        do = "Delete it, or write # in front of it. If it is a key, write it behind the key's name."
    return SetupError("line-unreadable", number=number, file=file_name, why=why, do=do)


def _value_of(found: re.Match[str]) -> str:
    """Return the value of a line, read by the rules of python-dotenv."""
    if found["single"] is not None:
        return re.sub(r"\\([\\'])", r"\1", found["single"])
    if found["double"] is not None:
        escape = r"\\[\\'\"abfnrtv]"
        return re.sub(
            escape, lambda part: codecs.decode(part[0], "unicode-escape"), found["double"]
        )
    return re.sub(r"(^|\s+)#.*", "", found["plain"] or "").rstrip()


def _with_dotenv(text: str) -> dict[str, str] | None:
    """Read the text with python-dotenv; return None where that is not installed."""
    try:
        from dotenv import dotenv_values
    except ModuleNotFoundError:
        return None
    except (ImportError, AttributeError) as error:
        raise hidden_module() or why_import_failed(error) or error from None
    values = dotenv_values(stream=StringIO(text), interpolate=False)
    return {name: value or "" for name, value in values.items()}
