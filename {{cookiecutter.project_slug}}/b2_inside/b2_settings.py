"""Read the settings: .env in, four values out.

Every mistake that shows without asking B2 is named here, with the line to change.
This file is given: a reset may replace it, so write your own code in main.py.
"""

import codecs
import os
import re
from io import StringIO
from pathlib import Path

from b2_problems import SetupError
from b2_rules import (
    APPLICATION_KEY,
    BUCKET_NAME_RULE,
    CONSOLE_WORDS,
    ENDPOINT_RULE,
    KEY_ID,
    KEY_SHAPES,
    KEYS,
    MASTER_KEY_ID,
    PLACEHOLDER_BUCKET,
    STRANGE,
    clean_endpoint,
    clean_value,
    find_bucket_name_problem,
    find_endpoint_problem,
    find_key_flaw,
    guess_name,
    is_placeholder,
    region_of,
    short_key_id,
    shown,
)

HERE = Path(__file__).resolve().parent
if HERE.name == "b2_inside":  # in an online editor, all files are in one folder
    HERE = HERE.parent

ENV_FILES = [".env", "env.txt"]
ENVIRONMENT = "the variables of your terminal"
EDITORS_COPY = r"(~|\.(bak|swp|orig|save|tmp))$"  # how editors name a file's earlier version
MOST_BYTES = 20_000  # of .env; it has four lines


def read_settings() -> dict[str, str]:
    """Return the four settings as a dict: B2_APPLICATION_KEY_ID and so on, cleaned.

    Environment variables come first, then the file .env, or env.txt if an editor
    hides names that begin with a dot. Both keys are "" for practice.
    Raises SetupError for every mistake that shows without asking B2.
    """
    try:
        return _read_and_check()
    except SetupError as problem:
        if problem.details.get("where") == ENVIRONMENT and not list_overriding():
            problem.details["where"] = _read_file_again()[0]  # load_dotenv() has put them there
        raise


def list_overriding() -> list[str]:
    """Return the names of the variables of the terminal that differ from the lines in .env."""
    _, in_file = _read_file_again()
    return [
        name
        for name in CONSOLE_WORDS
        if name in os.environ
        and clean_value(os.environ[name]) != clean_value(in_file.get(name, "?"))
    ]


def _read_file_again() -> tuple[str, dict[str, str]]:
    """Return the name and the values of .env or env.txt; without values if it cannot be read."""
    try:
        return _choose_and_read_file()
    except SetupError:
        return ENV_FILES[0], {}


def _read_and_check() -> dict[str, str]:
    values = {name: os.environ[name] for name in CONSOLE_WORDS if name in os.environ}
    where = dict.fromkeys(values, ENVIRONMENT)
    if len(values) < len(CONSOLE_WORDS):
        file_name, in_file = _choose_and_read_file()
        values = {**in_file, **values}
        where = {**dict.fromkeys([*CONSOLE_WORDS, *in_file], file_name), **where}
    _check_all_lines_are_there(values, where)
    settings = {name: clean_value(values[name]) for name in CONSOLE_WORDS}
    settings["B2_ENDPOINT"] = clean_endpoint(settings["B2_ENDPOINT"])
    _check_bucket_name(settings["B2_BUCKET_NAME"], where["B2_BUCKET_NAME"])
    _check_endpoint(settings["B2_ENDPOINT"], values["B2_ENDPOINT"], where["B2_ENDPOINT"])
    _check_keys(settings, where)
    return settings


def is_practice(settings: dict[str, str]) -> bool:
    """Tell whether these settings are for the practice bucket: both keys are empty."""
    return not any(settings[name] for name in KEYS)


def practice_folder() -> Path:
    """Return the folder that keeps the files of the practice bucket."""
    return HERE / "practice-bucket"


# The file.


def _choose_and_read_file() -> tuple[str, dict[str, str]]:
    """Return the name and the values of .env, or of env.txt if .env has no keys."""
    files = [name for name in ENV_FILES if (HERE / name).is_file()]
    if not files:
        _look_for_another_file(".env")
        raise _describe_missing_file()
    values = _read_file(files[0])
    has_keys = any(clean_value(values.get(name, "")) for name in KEYS)
    lines_are_missing = any(name not in values for name in KEYS)  # that is a mistake in this file
    if has_keys or lines_are_missing:
        return files[0], values
    if files == ENV_FILES:
        return "env.txt", _read_file("env.txt")
    _look_for_another_file("env.txt")
    return files[0], values


def _describe_missing_file() -> SetupError:
    do = "Copy .env.example to .env. If your editor hides such names, copy it to env.txt."
    if not (HERE / ".env.example").is_file():
        lines = "".join(f"\n    {name}=" for name in CONSOLE_WORDS)
        do = f"Make a text file called .env (or env.txt) with these four lines:{lines}"
    return SetupError("env-file-missing", folder=HERE, do=do)


def _look_for_another_file(better: str) -> None:
    """Raise SetupError for a file that was filled in instead of .env.

    better: what it should be called.
    """
    known = (*ENV_FILES, ".env.example")
    for file in sorted(file for file in HERE.iterdir() if file.is_file()):
        if better != ".env" and re.search(EDITORS_COPY, file.name):
            continue  # what .env was before both keys were emptied
        is_similar = re.search("env|evn", file.name.lower()) and file.name not in known
        if is_similar and _has_keys(file, also_empty=better == ".env"):
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
    """Tell whether a file has key lines like .env. also_empty: empty ones count, too."""
    if file.stat().st_size > MOST_BYTES or not os.access(file, os.R_OK):
        return False
    for line in _decode(file.read_bytes()).splitlines():
        found = LINE.fullmatch(line)
        if found and found["name"] in KEYS:
            value = clean_value(_read_value(found))
            if also_empty or (value and not is_placeholder(value)):
                return True
    return False


def _read_file(file_name: str) -> dict[str, str]:
    file = HERE / file_name
    reason = ""
    do = "Save it as plain text (in TextEdit: Format, Make Plain Text)."
    try:
        size = file.stat().st_size
        data = file.read_bytes() if size <= MOST_BYTES else b""
        if size > MOST_BYTES:
            reason = "read: it is far too large"
        elif data.startswith((b"{\\rtf", b"PK\x03\x04")):
            reason = "read: it is a word processor's document"
    except OSError as error:
        reason = f"opened: {error.strerror}"
        do = "Close other programs that use it, or copy .env.example to it again."
    if reason:
        raise SetupError("env-file-unreadable", file=file_name, reason=reason, do=do)
    return _parse(_decode(data), file_name)


def _decode(data: bytes) -> str:
    """Return the text of a file that any editor may have saved (UTF-8, UTF-16, Windows)."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", errors="replace")
    if b"\0" in data:
        encoding = "utf-16-be" if data[:1] == b"\0" else "utf-16-le"
        return data.decode(encoding, errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


# Its lines.


# NAME=value, with quotes or without, perhaps with a comment after it.
LINE = re.compile(
    r"""\s*(?:export\s+)?(?P<name>(?!export\s)[A-Za-z_][\w.-]*)\s*=\s*
    (?: '(?P<single>(?:\\.|[^'\\])*)'\s*(?:\#.*)?
      | "(?P<double>(?:\\.|[^"\\])*)"\s*(?:\#.*)?
      | (?P<plain>[^'"\s].*)? )""",
    re.VERBOSE,
)


def _parse(text: str, file_name: str) -> dict[str, str]:
    """Return the NAME=value lines of the text as a dict.

    Raises SetupError for a line that is something else, and for a name that appears
    twice: python-dotenv would skip the line, and pick one of the two values.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    values: dict[str, str] = {}
    line_of: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip() == "" or line.strip().startswith("#"):
            continue
        found = LINE.fullmatch(line)
        if not found:
            why, do = _explain_line(line, values)
            raise SetupError("line-unreadable", number=number, file=file_name, why=why, do=do)
        name = found["name"]
        value = _read_value(found)
        others = [other for other in CONSOLE_WORDS if f" {other}=" in value]
        if others:
            why = f"{others[0]} is on the same line."
            do = "Write each name on a line of its own."
            raise SetupError("line-unreadable", number=number, file=file_name, why=why, do=do)
        if values.get(name, value) != value:
            raise SetupError(
                "line-twice", name=name, file=file_name, first=line_of[name], second=number
            )
        values[name] = value
        line_of[name] = number
    values = _read_with_dotenv(text) or values
    values = {name: re.sub(r"^#.*", "", value) for name, value in values.items()}  # NAME=# comment
    for name in KEYS:
        if re.search(rf"^\s*#\s*{name}\s*=", text, re.MULTILINE):
            values.setdefault(name, "")  # a key line with # in front is an empty one
    return values


def _explain_line(line: str, above: dict[str, str]) -> tuple[str, str]:
    """Return why a line is not NAME=value, and what to do about it.

    above: the values of the lines above it.
    """
    names = [name for name in CONSOLE_WORDS if re.search(rf"{name}\b", line)]
    last = list(above)[-1] if above else ""
    if re.match(r"\s*(export\s+)?[\w.-]+\s*=\s*['\"]", line):
        why = "A quote is not closed, or there is something after the closing quote."
        do = "Delete the quotes."
    elif "=" not in line and not names and last in CONSOLE_WORDS and above[last] == "":
        why = "It has no = sign."
        do = f"Maybe it belongs after {last}=, on the line above."
    elif names:
        why = "A line must begin with the name, and then have an = sign."
        do = f"Write it as {names[0]}= and then the value."
    else:
        why = "Each line must be NAME=value."
        do = "Delete it, or write # in front of it. If it is a key, write it after the key's name."
    return why, do


def _read_value(found: re.Match[str]) -> str:
    """Return the value of a line, read by the rules of python-dotenv."""
    if found["single"] is not None:
        return re.sub(r"\\([\\'])", r"\1", found["single"])
    if found["double"] is not None:
        escape = r"\\[\\'\"abfnrtv]"
        return re.sub(
            escape, lambda part: codecs.decode(part[0], "unicode-escape"), found["double"]
        )
    return re.sub(r"(^|\s+)#.*", "", found["plain"] or "").rstrip()


def _read_with_dotenv(text: str) -> dict[str, str] | None:
    """Read the text with python-dotenv; return None if that cannot be imported.

    In an online editor it may not be installed, and one of your files may hide what it needs.
    """
    try:
        from dotenv import dotenv_values
    except (ImportError, AttributeError):
        return None
    values = dotenv_values(stream=StringIO(text), interpolate=False)
    return {name: value or "" for name, value in values.items()}


def _check_all_lines_are_there(values: dict[str, str], where: dict[str, str]) -> None:
    for name in CONSOLE_WORDS:
        is_missing = name not in values
        is_empty_key = name in KEYS and clean_value(values.get(name, "")) == ""
        other = _find_misnamed_line(name, values) if is_missing or is_empty_key else ""
        if other:
            do = f"Write its value after {name}=, and delete the line {other}=."
            if is_missing:
                do = f"Rename {other}= to {name}=."
            raise SetupError(
                "line-misnamed",
                file=where[other],
                other=other,
                name=name,
                word=_name_value(name),
                do=do,
            )
        if is_missing:
            raise SetupError("line-missing", where=where[name], name=name, word=_name_value(name))


def _name_value(name: str) -> str:
    """Return the console's word for a value, as used in a sentence: "the keyID"."""
    word = CONSOLE_WORDS[name]
    return word if word.startswith("your") else f"the {word}"


def _find_misnamed_line(name: str, values: dict[str, str]) -> str:
    """Return the name of a filled-in line that was probably meant to be this one, or ""."""
    for other in sorted(set(values) - set(CONSOLE_WORDS)):
        if guess_name(other) == name and clean_value(values[other]):
            return other
    return ""


# The values.


def _check_bucket_name(name: str, where: str) -> None:
    """Raise SetupError unless this can be the name of a bucket. where: the file it is in."""
    if name == "":
        why = "It is the name of your bucket. To practise, any name will do."
        raise SetupError(
            "value-missing", name="B2_BUCKET_NAME", where=where, why=why, do=BUCKET_NAME_RULE
        )
    reason = find_bucket_name_problem(name)
    if reason:
        raise SetupError("bucket-name-impossible", where=where, value=shown(name), rule=reason)


def _check_endpoint(endpoint: str, typed: str, where: str) -> None:
    """Raise SetupError unless this clean endpoint can be used. typed: as it is in the file."""
    found = find_endpoint_problem(endpoint)
    if found is None:
        return
    problem, reason = found
    if problem == "value-missing":
        raise SetupError(problem, name="B2_ENDPOINT", where=where, why="", do=ENDPOINT_RULE)
    value = shown(clean_value(typed))
    raise SetupError(problem, where=where, value=value, reason=reason, rule=ENDPOINT_RULE)


def _check_keys(settings: dict[str, str], where: dict[str, str]) -> None:
    """Raise SetupError for a mistake in the two keys that is certain without asking B2.

    settings: the four values, cleaned, under their names. where: the file each is in.
    Both keys empty is practice, not a mistake.
    """
    empty = [name for name in KEYS if settings[name] == ""]
    if len(empty) == len(KEYS):
        return
    if empty:
        raise SetupError(
            "value-missing",
            name=empty[0],
            where=where[empty[0]],
            why="The other key is filled in; the two belong together.",
            do=f"Copy {_name_value(empty[0])} there, or empty both lines to practise.",
        )
    _check_placeholders(settings, where)
    if settings["B2_ENDPOINT"].startswith("https"):  # your own server has other keys
        _check_mixed_up_keys(settings, where)
        for name in KEYS:
            if re.search(STRANGE, settings[name]):
                raise _describe_incomplete_key(name, settings[name])


def _check_placeholders(settings: dict[str, str], where: dict[str, str]) -> None:
    """Raise SetupError for an example that is still there, and for a key in the bucket's line."""
    for name in KEYS:
        if is_placeholder(settings[name]):
            raise SetupError(
                "placeholder-left",
                name=name,
                where=where[name],
                word=_name_value(name),
                do=f"Copy {_name_value(name)} there, or empty both key lines to practise.",
            )
    bucket_name = settings["B2_BUCKET_NAME"]
    if bucket_name in (settings[KEYS[0]], settings[KEYS[1]]):
        raise SetupError(
            "bucket-name-impossible",
            where=where["B2_BUCKET_NAME"],
            value="This value (not shown here)",
            rule="It is the same as one of the keys.",
        )
    if bucket_name == PLACEHOLDER_BUCKET:
        raise SetupError(
            "placeholder-left",
            name="B2_BUCKET_NAME",
            where=where["B2_BUCKET_NAME"],
            word="the name of your own bucket",
            do="Copy it there from the console's Buckets page.",
        )


def _check_mixed_up_keys(settings: dict[str, str], where: dict[str, str]) -> None:
    """Raise SetupError if a key line holds the wrong key: swapped, or the master key."""
    key_id, key = (settings[name] for name in KEYS)
    has_key_as_id = re.fullmatch(APPLICATION_KEY, key_id)
    has_id_as_key = re.fullmatch(KEY_ID, key)
    if has_key_as_id or has_id_as_key:
        name = KEYS[0] if has_key_as_id else KEYS[1]
        do = f"Copy {_name_value(name)} there."
        if has_key_as_id and has_id_as_key:
            do = "Swap the two values."
        raise SetupError("keys-swapped", name=name, where=where[name], do=do)
    if re.fullmatch(MASTER_KEY_ID, key_id.lower()):
        raise SetupError("master-key", where=where[KEYS[0]])


def check_key_shapes(settings: dict[str, str]) -> None:
    """Raise SetupError if a key does not look like a B2 key.

    All keys since 2018 have these shapes, but older ones do not. So this is only for
    check_setup.py, and for keys that B2 has refused.
    """
    if not settings["B2_ENDPOINT"].startswith("https"):  # your own server has other keys
        return
    key_id, key = (settings[name] for name in KEYS)
    if re.fullmatch(KEY_ID, key_id) is None:
        if not re.match(r"0[0-9a-f]{8}|0[0-9a-f]*$", key_id.lower().replace("o", "0")):
            raise SetupError("key-name-as-id", count=len(key_id))
        raise _describe_incomplete_key(KEYS[0], key_id)
    if key.startswith("K00") and re.fullmatch(APPLICATION_KEY, key) is None:
        raise _describe_incomplete_key(KEYS[1], key)


def _describe_incomplete_key(name: str, value: str) -> SetupError:
    """Return the problem of a key that was not copied correctly, with what is wrong with it."""
    is_short = len(value) < KEY_SHAPES[name][0]
    return SetupError(
        "key-incomplete",
        name=name,
        quality="complete" if is_short else "right",
        flaw=find_key_flaw(name, value),
        shape=KEY_SHAPES[name][1],
        word=_name_value(name),
    )


def why_key_refused(settings: dict[str, str], problem: str) -> SetupError:
    """Return the most likely reason why B2 refuses the key.

    problem: "key-unknown" or "application-key-wrong", as B2 answered.
    The third character of a keyID is the last digit of its region: 005... is from us-east-005.
    All pairs that were seen agree, but Backblaze promises nothing: a hint, not a rule.
    Source: s3-image-port, pull request 104.
    """
    try:
        check_key_shapes(settings)
    except SetupError as reason:
        return reason
    region = region_of(settings["B2_ENDPOINT"])
    key_id = settings[KEYS[0]]
    if problem == "key-unknown" and re.search(r"-\d{3}$", region) and region[-3:] != key_id[:3]:
        problem = "key-of-another-region"
    return SetupError(
        problem,
        the_key=f"the keyID {short_key_id(key_id)}",
        digits=key_id[:3],
        host=settings["B2_ENDPOINT"].partition("//")[2],
    )
