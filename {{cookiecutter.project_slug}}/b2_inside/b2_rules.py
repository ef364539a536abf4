"""What Backblaze B2 expects of an endpoint, a bucket name and a key; where keys may not be seen.

Each rule stands here once, with its source. This file is given: a reset may
replace it, so write your own code in main.py.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path
from urllib.parse import quote

import b2_problems
from b2_problems import SetupError

# The default answer of the template: nobody's bucket, so a placeholder when there are keys.
PLACEHOLDER_BUCKET = "your-bucket-name"

HERE = Path(b2_problems.HERE)

# The four lines of .env, and the words that the Backblaze console uses for them.
CONSOLE_WORDS = {
    "B2_APPLICATION_KEY_ID": "keyID",
    "B2_APPLICATION_KEY": "applicationKey",
    "B2_BUCKET_NAME": "your bucket's name",
    "B2_ENDPOINT": "Endpoint",
}

KEYS = ["B2_APPLICATION_KEY_ID", "B2_APPLICATION_KEY"]
ENV_FILES = [".env", "env.txt"]

# 6 to 63 letters, digits and hyphens, not beginning with b2-. Capitals are allowed:
# the console lets you make "Testbucket".
# Source: Backblaze docs, "Cloud Storage Buckets" and "Create and manage buckets".
# A name that looks like an applicationKey was pasted into the wrong line.
BUCKET_NAME = r"(?![bB]2-)(?!.*K00[0-9][A-Za-z0-9+/]{27})[A-Za-z0-9-]{6,63}"
BUCKET_NAME_RULE = (
    "A bucket name has 6 to 63 letters, digits and hyphens, and does not begin with b2-."
)

# The console shows s3.<region>.backblazeb2.com, without https://. Regions are not listed
# here, for Backblaze opens new ones.
# Source: Backblaze docs, "S3-compatible API"; the same pattern stands in Backblaze's b2-mcp.
# A server on your own computer may be used instead, for tests.
ENDPOINT = (
    r"https://s3\.(?!-)[a-z0-9-]{1,63}(?<!-)\.backblazeb2\.com"
    r"|http://(?:127\.0\.0\.1|localhost):"
    r"(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
)
ENDPOINT_RULE = (
    "Copy the Endpoint from the console, page Buckets, below your bucket:"
    " it looks like s3.us-east-005.backblazeb2.com."
)

# What people write instead, after https:// was added: the first that fits is the problem.
NOT_AN_ENDPOINT = [
    (r"^https://\W*$", "value-missing", "It is empty."),
    (r"//api\d*\.backblaze", "endpoint-not-s3",
     "That is the address of B2's native API, not of S3."),
    (r"//f\d{3}\.backblaze", "endpoint-not-s3",
     "That is an address for downloads, not the S3 endpoint."),
    (r"amazonaws\.com", "endpoint-not-s3",
     "That is an address of Amazon's S3, not of Backblaze."),
    (r"^http://s3\.[^/]*backblazeb2\.com$", "endpoint-http",
     "B2 answers only to https://, not to http://."),
    (r"[^/]\.s3\.[^/]*backblazeb2\.com", "endpoint-has-bucket",
     "Leave out the bucket's name in front of s3."),
    (r"//s3\.[^/]*backblazeb2\.com/", "endpoint-has-bucket",
     "Leave out what stands behind .com, such as the bucket's name."),
    (r"//s3\.backblazeb2\.com", "endpoint-not-s3",
     "The region between s3 and backblazeb2.com is missing."),
    (r"//(127\.|localhost)", "endpoint-not-s3",
     "A server on this computer is written http://127.0.0.1:PORT."),
    (r"", "endpoint-not-s3", "That is not an endpoint of Backblaze B2."),
]

# What the console shows once, when a key is made: keyID, 25 characters, and applicationKey, 31.
# Keys from before 2018 look different, so these shapes are for hints, never for refusing.
# Source: b2-sdk-python, glossary.
# The keyID of the Master Application Key is the account's: 12 characters.
KEY_ID = r"00\d[0-9a-f]{22}"
MASTER_KEY_ID = r"[0-9a-f]{12}"
STRANGE = r"[^A-Za-z0-9+/_-]"  # a character that no key has
KEY_SHAPES = {
    KEYS[0]: (25, "A keyID has 25 characters, only 0 to 9 and a to f, and begins with 00."),
    KEYS[1]: (31, "An applicationKey has 31 characters and begins with K00."),
}
APPLICATION_KEY = r"K00\d[A-Za-z0-9+/]{27}"
PLACEHOLDER_KEY = (
    r"[<>\u2026]|\.\.\.|^[x*\u2022\u25cf]+$|your|paste|example|change.?me|key.?id|application.?key"
)

# The name of an object, which boto3 calls its key: at most 1024 bytes, no control characters.
# Source: live tests of B2 by the project vdavid/cmdr (October 2026).
KEY_NAME_RULE = "A name has at most 1024 bytes, and no control characters such as a tab."
MOST_DELETED = 1000  # files by one call of delete_objects; the same source
MOST_DELETED_RULE = f"At most {MOST_DELETED} files can be deleted at once."

# What B2 refuses, although Amazon's S3 can do it: its answers (status, code, message), for
# each header the only value that B2 takes, and what a request may not ask for (behind the ? of
# its address), neither to read nor to change it. The practice bucket refuses the same.
# Sources: Backblaze docs, "S3-compatible API"; "not entitled" is what a key limited to one
# bucket hears; for if-match and if-none-match, live tests by vdavid/cmdr (October 2026).
REFUSED = {
    "acl": (400, "InvalidArgument", "Unsupported value for canned acl '{value}'"),
    "header": (
        400,
        "InvalidArgument",
        "Unsupported header '{name}' received for this API call.",
    ),
    "not implemented": (
        501,
        "NotImplemented",
        "A header you provided implies functionality that is not implemented.",
    ),
    "not entitled": (403, "AccessDenied", "not entitled"),
    "bad request": (400, "InvalidRequest", "{why}"),
}
REFUSED_HEADERS = {
    "x-amz-acl": ("private", "acl"),
    "x-amz-storage-class": ("STANDARD", "header"),
    "x-amz-server-side-encryption": ("AES256", "header"),
    "x-amz-tagging": ("", "header"),
    "if-match": ("", "not implemented"),
    "if-none-match": ("", "not implemented"),
}
NOT_ON_B2 = {
    "tagging", "policy", "policyStatus", "website", "accelerate", "requestPayment",
    "publicAccessBlock", "ownershipControls", "torrent", "restore", "select",
}

# White space, quotes, and the invisible characters that come along when copying.
AROUND_A_VALUE = " \t\r\n\"'`\u00a0\u200b\u200e\u2060\ufeff\u2018\u2019\u201c\u201d"


def clean_value(text: str) -> str:
    """Return a value as it was meant: without quotes or white space around it."""
    return text.strip(AROUND_A_VALUE)


def shown(text: str) -> str:
    """Return a value in quotes, fit for a message: an applicationKey in it is covered."""
    return repr(cover(re.sub(r"K00\d.*", "(an applicationKey)", text), {}))


def clean_endpoint(text: str, where: str = ".env") -> str:
    """Return the endpoint as boto3 needs it: https://s3.<region>.backblazeb2.com.

    The form that the console shows is accepted, and harmless variations of it.
    Raises SetupError for anything else, with the reason. where: the file it stands in.
    """
    endpoint = clean_value(text).lower().rstrip("/")
    if "://" not in endpoint:
        endpoint = f"https://{endpoint}"
    if re.fullmatch(ENDPOINT, endpoint):
        return endpoint
    found = next(kind for kind in NOT_AN_ENDPOINT if re.search(kind[0], endpoint))
    problem, reason = found[1:]
    details = {"name": "B2_ENDPOINT", "value": shown(text), "where": where}
    if problem == "value-missing":
        raise SetupError(problem, **details, why="", do=ENDPOINT_RULE)
    raise SetupError(problem, **details, reason=reason, rule=ENDPOINT_RULE)


def region_of(endpoint: str) -> str:
    """Return the region that a clean endpoint names.

    boto3 needs it to sign links with Signature V4, the only one that B2 accepts
    (Backblaze docs, "Call the S3-compatible API"). A server on your own computer has no
    region; it gets boto3's usual one.
    """
    host = endpoint.partition("//")[2]
    return host.split(".")[1] if host.startswith("s3.") else "us-east-1"


def is_bucket_name(text: str) -> bool:
    """Tell whether B2 could have a bucket of this name."""
    return re.fullmatch(BUCKET_NAME, text) is not None


def is_key_name(text: str) -> bool:
    """Tell whether B2 takes this as the name of an object."""
    size = len(text.encode(errors="replace"))
    return 0 < size <= 1024 and not re.search(r"[\x00-\x1f\x7f\ud800-\udfff]", text)


def is_placeholder(text: str) -> bool:
    """Tell whether a key is still an example that nobody has replaced."""
    if re.search(f"{KEY_ID}|{APPLICATION_KEY}", text) or "@" in text:
        return False
    return re.search(PLACEHOLDER_KEY, text, re.IGNORECASE) is not None


def check_bucket_name(name: str, where: str) -> None:
    """Raise SetupError unless this can be the name of a bucket. where: the file it stands in."""
    if name == "":
        why = "It is the name of your bucket; to practise, any name will do."
        raise SetupError(
            "value-missing", name="B2_BUCKET_NAME", where=where, why=why, do=BUCKET_NAME_RULE
        )
    if not is_bucket_name(name):
        raise SetupError(
            "bucket-name-impossible", where=where, value=shown(name), rule=BUCKET_NAME_RULE
        )
    if re.fullmatch(KEY_ID, name):
        raise SetupError(
            "bucket-name-impossible", where=where, value=shown(name), rule="That is a keyID."
        )


def check_keys(settings: dict, where: dict) -> None:
    """Raise SetupError for a mistake in the two keys that is certain without asking B2.

    settings: the four values, cleaned, under their names. where: the file each stands in.
    Both keys empty is practice, and no mistake.
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
            do=f"Copy the {CONSOLE_WORDS[empty[0]]} there, or empty both lines to practise.",
        )
    for name in KEYS:
        if is_placeholder(settings[name]):
            raise SetupError(
                "placeholder-left",
                name=name,
                where=where[name],
                word=f"the {CONSOLE_WORDS[name]}",
                do=f"Copy the {CONSOLE_WORDS[name]} there, or empty both key lines to practise.",
            )
    if settings["B2_BUCKET_NAME"] in (settings[KEYS[0]], settings[KEYS[1]]):
        rule, value = "It is the same as one of the keys.", "this (it is not shown)"
        where_it_is = where["B2_BUCKET_NAME"]
        raise SetupError("bucket-name-impossible", where=where_it_is, value=value, rule=rule)
    if settings["B2_BUCKET_NAME"] == PLACEHOLDER_BUCKET:
        raise SetupError(
            "placeholder-left",
            name="B2_BUCKET_NAME",
            where=where["B2_BUCKET_NAME"],
            word="the name of your own bucket",
            do="Copy it there from the console, page Buckets.",
        )
    if settings["B2_ENDPOINT"].startswith("https"):  # a server of yours has other keys
        check_mixed_up_keys(settings, where)
        for name in KEYS:
            if re.search(STRANGE, settings[name]):
                raise _incomplete(name, settings[name])


def check_mixed_up_keys(settings: dict, where: dict) -> None:
    """Raise SetupError where a key line holds another key: swapped, or the master key."""
    key_id, key = (settings[name] for name in KEYS)
    if re.fullmatch(APPLICATION_KEY, key_id) or re.fullmatch(KEY_ID, key):
        both = re.fullmatch(APPLICATION_KEY, key_id) and re.fullmatch(KEY_ID, key)
        name = KEYS[0] if re.fullmatch(APPLICATION_KEY, key_id) else KEYS[1]
        raise SetupError(
            "keys-swapped",
            name=name,
            where=where[name],
            do="Swap the two values." if both else f"Copy the {CONSOLE_WORDS[name]} there.",
        )
    if re.fullmatch(MASTER_KEY_ID, key_id.lower()):
        raise SetupError("master-key", where=where[KEYS[0]])


def check_key_shapes(settings: dict) -> None:
    """Raise SetupError where a key does not look like one of B2.

    The shapes are those of all keys since 2018, so this is for check_setup.py and for keys
    that B2 has refused, and not for refusing a key that nobody has tried.
    """
    if not settings["B2_ENDPOINT"].startswith("https"):  # a server of yours has other keys
        return
    key_id, key = (settings[name] for name in KEYS)
    if re.fullmatch(KEY_ID, key_id) is None:
        if not re.match(r"0[0-9a-f]{8}", key_id.lower().replace("o", "0")):
            raise SetupError("key-name-as-id", count=len(key_id))
        raise _incomplete(KEYS[0], key_id)
    if key.startswith("K00") and re.fullmatch(APPLICATION_KEY, key) is None:
        raise _incomplete(KEYS[1], key)


def _incomplete(name: str, value: str) -> SetupError:
    """Return the problem of a key that was not copied well, with what is wrong with it."""
    length, shape = KEY_SHAPES[name]
    strange = re.search(STRANGE, value)
    if strange and re.search(f"{KEY_ID}|{APPLICATION_KEY}", value):
        flaw = "something else stands beside the key"
    elif strange:
        what = "a space" if strange[0].isspace() else f"a character that no key has ({strange[0]})"
        flaw = f"there is {what}, at place {strange.start() + 1}"
    elif len(value) != length:
        flaw = f"it has {len(value)} characters instead of {length}"
    else:
        flaw = "a character is wrong"
    return SetupError(
        "key-incomplete", name=name, flaw=flaw, shape=shape, word=CONSOLE_WORDS[name]
    )


def why_key_refused(settings: dict, problem: str) -> SetupError:
    """Return the most likely reason why B2 refuses the key.

    problem: "key-unknown" or "application-key-wrong", as B2 answered.
    The third character of a keyID is the last digit of its region: 005... is of us-east-005.
    All pairs that were seen agree, but Backblaze promises nothing: a hint, and no rule.
    Source: s3-image-port, pull request 104.
    """
    try:
        check_key_shapes(settings)
    except SetupError as reason:
        return reason
    region, key_id = region_of(settings["B2_ENDPOINT"]), settings[KEYS[0]]
    other = re.search(r"-\d{3}$", region) and region[-3:] != key_id[:3]
    return SetupError(
        "key-of-another-region" if other and problem == "key-unknown" else problem,
        the_key=f"the keyID {short_key_id(key_id)}",
        digits=key_id[:3],
        host=settings["B2_ENDPOINT"].partition("//")[2],
    )


def short_key_id(key_id: str) -> str:
    """Return a keyID that is fit for a message: 0051...0001."""
    return f"{key_id[:4]}...{key_id[-4:]}" if re.fullmatch(KEY_ID, key_id) else "(not shown)"


def cover(text: str, settings: dict) -> str:
    """Return the text without keys: those of settings, and whatever has their shape."""
    key_id, key = (settings.get(name, "") for name in KEYS)
    for secret in (key, quote(key, safe="")) if len(key) > 5 else ():
        text = text.replace(secret, "(an applicationKey)")
    if len(key_id) > 12:
        text = text.replace(key_id, short_key_id(key_id))
    text = re.sub(r"K?00\d[A-Za-z0-9+/%]{27,}", "(an applicationKey)", text)
    text = re.sub(r"K00\d[A-Za-z0-9+/%]{20,}", "(an applicationKey)", text)
    return re.sub(KEY_ID, lambda found: short_key_id(found[0]), text)


def find_leaks(application_key: str = "") -> list:
    """Return a list of SetupError: one for each place where others could see a key.

    application_key: yours, if it is known; any other is recognised by its shape.
    """
    tracked = [os.fsdecode(name) for name in _git("ls-files", "-z").split(b"\0") if name]
    leaks = [SetupError("env-in-git", file=name) for name in ENV_FILES if name in tracked]
    shape = rf"(?<![A-Za-z0-9+/]){APPLICATION_KEY}(?![A-Za-z0-9+/])"
    if len(application_key) > 20:
        shape += f"|{re.escape(application_key)}"
        history = _git("log", "--all", "-p", "--", *ENV_FILES)
        if application_key.encode() in history and not leaks:
            leaks.append(SetupError("env-in-git", file=".env in its history"))
    for name in sorted({*tracked, *_programs(), ".env.example"} - set(ENV_FILES)):
        file = HERE / name
        if file.is_file() and file.stat().st_size < 1_000_000 and os.access(file, os.R_OK):
            text = file.read_bytes().decode("latin-1")
            found = re.search(shape, text)
            if found:
                number = text.count("\n", 0, found.start()) + 1
                leaks.append(SetupError("key-in-code", file=name, number=number))
    return leaks


def _git(*words: str) -> bytes:
    """Return what git prints in the project's folder, b"" where there is no git."""
    git = shutil.which("git")
    if git is None or not any((folder / ".git").exists() for folder in (HERE, *HERE.parents)):
        return b""
    try:
        done = subprocess.run(
            [git, *words], cwd=HERE, stdin=subprocess.DEVNULL, capture_output=True, timeout=5,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return b""
    return done.stdout


def _programs() -> list:
    names = []
    for folder, folders, files in os.walk(HERE):
        skip = ("venv", "env", "backups", "practice-bucket", "node_modules", "__pycache__")
        folders[:] = [name for name in folders if name not in skip and name[0] != "."]
        here = Path(folder).relative_to(HERE)
        names += [(here / name).as_posix() for name in files if name.endswith(".py")]
    return names
