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
from io import StringIO
from pathlib import Path

from b2_rules import (
    BUCKET_NAME_RULE,
    CONSOLE_WORDS,
    PLACEHOLDER_BUCKET,
    SetupError,
    clean_endpoint,
    clean_value,
    is_bucket_name,
    is_placeholder,
    region_of,
    shown,
)

HERE = Path(__file__).resolve().parent


def how_to_install() -> str:
    """Return what to type when this Python lacks a package."""
    own = Path(".venv", "Scripts", "python.exe") if os.name == "nt" else Path(".venv/bin/python")
    if (HERE / own).exists() and Path(sys.prefix).resolve() != HERE / ".venv":
        return f"The project has a Python of its own. In its folder, type: {own} main.py"
    python = own if (HERE / own).exists() else sys.executable
    return f"In a terminal in {HERE}, type: {python} -m pip install -r requirements.txt"


try:
    import boto3
    import botocore.session
    from botocore.config import Config
except ModuleNotFoundError as missing:
    if missing.name not in ("boto3", "botocore"):
        raise
    raise SetupError(f"boto3 is not installed for this Python. {how_to_install()}") from None

# Checksums: B2 did not know boto3's newer ones until July 2025; without them every B2 does.
# Retries: B2 answers "500 InternalError, try again" in normal use.
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
    s3 = _connect("resource", settings)
    return s3.Bucket(settings["B2_BUCKET_NAME"])


def get_client():
    """Return a boto3 S3 client for the account of .env (boto3 docs: S3, Client).

    Raises SetupError when .env is not right; its text says which line to change.
    """
    return _connect("client", read_settings())


def _connect(kind: str, settings: dict[str, str]):
    """Make a boto3 "resource" or "client"; in practice, let the practice bucket answer."""
    global _session
    practice = settings["B2_APPLICATION_KEY_ID"] == ""
    if practice:
        join_practice_bucket = _import_practice()
    with _one_at_a_time:
        if _session is None:
            core = botocore.session.Session(session_vars=NO_AWS_SETTINGS)
            _session = boto3.Session(botocore_session=core)
        made = getattr(_session, kind)(
            "s3",
            endpoint_url=settings["B2_ENDPOINT"],
            region_name=region_of(settings["B2_ENDPOINT"]),
            aws_access_key_id=settings["B2_APPLICATION_KEY_ID"] or "practice",
            aws_secret_access_key=settings["B2_APPLICATION_KEY"] or "practice",
            config=CONFIG,
        )
    if practice:
        client = made if kind == "client" else made.meta.client
        join_practice_bucket(client, HERE / "practice-bucket", settings["B2_BUCKET_NAME"])
    return made


def _import_practice():
    """Return the function that makes a boto3 client a practice client."""
    try:
        from b2_practice import join_practice_bucket
    except ImportError:
        raise SetupError(
            "There are no keys yet: fill in B2_APPLICATION_KEY_ID (keyID) and"
            " B2_APPLICATION_KEY (applicationKey) in .env or env.txt. Or practise without keys:"
            f" that needs the package moto, which is missing or too old. {how_to_install()}"
        ) from None
    return join_practice_bucket


def read_settings() -> dict[str, str]:
    """Return the four settings as a dict: B2_APPLICATION_KEY_ID and so on, cleaned.

    Environment variables come first, then the file .env, or env.txt where an editor
    hides names that begin with a dot. Both keys are "" for practice.
    Raises SetupError for every mistake that shows without asking B2.
    """
    values = {name: os.environ[name] for name in CONSOLE_WORDS if name in os.environ}
    file_name = "the environment"
    if len(values) < len(CONSOLE_WORDS):
        file_name, in_file = _read_file()
        values = {**in_file, **values}

    for name, word in CONSOLE_WORDS.items():
        if name not in values:
            raise SetupError(
                f"{file_name} has no line {name}=. Add that line; behind the = comes {word}."
                " Both keys may stay empty, to practise."
            )
        values[name] = clean_value(values[name])
    settings = {name: values[name] for name in CONSOLE_WORDS}
    _check_bucket_and_endpoint(settings, file_name)
    _check_keys(settings, file_name, values)
    return settings


def _check_bucket_and_endpoint(settings: dict[str, str], file_name: str) -> None:
    bucket_name = settings["B2_BUCKET_NAME"]
    if bucket_name == "":
        raise SetupError(
            f"B2_BUCKET_NAME is blank in {file_name}. Write the name of your bucket there;"
            f" to practise, any name will do. {BUCKET_NAME_RULE}"
        )
    if not is_bucket_name(bucket_name):
        raise SetupError(
            f"B2_BUCKET_NAME in {file_name} cannot be {shown(bucket_name)}. {BUCKET_NAME_RULE}"
        )
    try:
        settings["B2_ENDPOINT"] = clean_endpoint(settings["B2_ENDPOINT"])
    except SetupError as reason:
        raise SetupError(
            f"B2_ENDPOINT in {file_name} cannot be {shown(settings['B2_ENDPOINT'])}. {reason}"
        ) from None


def _check_keys(settings: dict[str, str], file_name: str, values: dict[str, str]) -> None:
    names = ["B2_APPLICATION_KEY_ID", "B2_APPLICATION_KEY"]
    blank = [name for name in names if settings[name] == ""]
    if blank:
        for other in sorted(set(values) - set(CONSOLE_WORDS)):
            if other.upper().startswith("B2_") and clean_value(values[other]):
                raise SetupError(
                    f"{file_name} has a line {other}=, which nothing reads, and {blank[0]} is"
                    f" blank. Write the value behind {' or '.join(blank)}."
                )
    if len(blank) == 1:
        raise SetupError(
            f"{blank[0]} is blank in {file_name}, the other key is filled in."
            f" Copy the {CONSOLE_WORDS[blank[0]]} there, or empty both lines to practise."
        )
    for name in names:
        if is_placeholder(settings[name]):
            raise SetupError(
                f"{name} in {file_name} still has an example in it."
                f" Copy the {CONSOLE_WORDS[name]} there, or empty both key lines to practise."
            )
        if re.search(r"[^A-Za-z0-9+/_-]", settings[name]):
            raise SetupError(
                f"{name} in {file_name} has a character that no key has, such as a space."
                f" Copy the {CONSOLE_WORDS[name]} there once more."
            )
    if not blank and settings["B2_BUCKET_NAME"] == PLACEHOLDER_BUCKET:
        raise SetupError(
            f"B2_BUCKET_NAME in {file_name} is still {PLACEHOLDER_BUCKET}."
            " Write the name of your own bucket there."
        )


def _read_file() -> tuple[str, dict[str, str]]:
    """Return the name and the values of .env, or of env.txt where .env has no keys."""
    files = [name for name in (".env", "env.txt") if (HERE / name).is_file()]
    if not files and (HERE / ".env.txt").is_file():
        raise SetupError("Your file is called .env.txt. Rename it: .env, or env.txt.")
    if not files:
        raise SetupError(
            f"There is no file .env in {HERE}. Copy .env.example to .env"
            " (where names may not begin with a dot: to env.txt)."
        )
    values = _read(files[0])
    keys = [values.get(name) for name in ("B2_APPLICATION_KEY_ID", "B2_APPLICATION_KEY")]
    if files == [".env", "env.txt"] and keys == ["", ""]:
        return "env.txt", _read("env.txt")
    if keys == ["", ""] and (HERE / ".env.txt").is_file():
        raise SetupError(
            f"{files[0]} has no keys, and beside it is a file .env.txt, which nothing reads."
            " Rename it to env.txt, or delete it to practise."
        )
    return files[0], values


def _read(file_name: str) -> dict[str, str]:
    try:
        data = (HERE / file_name).read_bytes()
    except OSError as error:
        raise SetupError(f"{HERE / file_name} cannot be opened: {error.strerror}.") from None
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
            about = [name for name in CONSOLE_WORDS if re.search(rf"{name}\b", line)]
            raise SetupError(
                f"Line {number} of {file_name} cannot be read."
                f" Write it as {about[0] if about else 'NAME'}=value:"
                " nothing in front, an = sign, and quotes that are closed or none."
            )
        value = _value_of(found)
        if values.get(found["name"], value) != value:
            raise SetupError(
                f"{found['name']} stands twice in {file_name}, with different values:"
                f" in line {line_of[found['name']]} and in line {number}. Delete one of them."
            )
        values[found["name"]], line_of[found["name"]] = value, number
    return _with_dotenv(text) or values


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
    values = dotenv_values(stream=StringIO(text), interpolate=False)
    return {name: re.sub(r"^#.*", "", value or "") for name, value in values.items()}
