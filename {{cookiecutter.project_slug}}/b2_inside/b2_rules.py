"""What Backblaze B2 expects of an endpoint, a bucket name, a key and the name of a file.

Each rule is written once, here, with its source. This file has only facts, and functions
that work on text: it opens no files and uses no network.
This file is given: a reset may replace it, so write your own code in main.py.
"""

from __future__ import annotations

import re
import time
from difflib import get_close_matches
from textwrap import shorten
from urllib.parse import quote

# The four lines of .env, and the words that the Backblaze console uses for them.
CONSOLE_WORDS = {
    "B2_APPLICATION_KEY_ID": "keyID",
    "B2_APPLICATION_KEY": "applicationKey",
    "B2_BUCKET_NAME": "your bucket's name",
    "B2_ENDPOINT": "Endpoint",
}
KEYS = ["B2_APPLICATION_KEY_ID", "B2_APPLICATION_KEY"]

# The default answer of the template: nobody has such a bucket, so with keys it is a placeholder.
PLACEHOLDER_BUCKET = "your-bucket-name"

# 6 to 63 letters, digits and hyphens, not beginning with b2-, which Backblaze keeps for
# itself. Capitals are allowed: the console lets you make "Testbucket".
# Source: Backblaze docs, "Cloud Storage Buckets" and "Create and manage buckets".
FEWEST_IN_BUCKET_NAME, MOST_IN_BUCKET_NAME = 6, 63
BUCKET_NAME_RULE = (
    "A bucket name has 6 to 63 letters, digits and hyphens, and does not begin with b2-."
)

# The console shows s3.<region>.backblazeb2.com, without https://. Regions are not listed
# here, because Backblaze opens new ones.
# Source: Backblaze docs, "S3-compatible API"; Backblaze's own b2-mcp has the same pattern.
ENDPOINT = r"https://s3\.(?!-)[a-z0-9-]{1,63}(?<!-)\.backblazeb2\.com"
# A server on your own computer may be used instead, for tests.
OWN_SERVER = r"http://(?:127\.0\.0\.1|localhost):([1-9][0-9]{0,4})"
ENDPOINT_RULE = (
    "Copy the Endpoint from the console's Buckets page, below your bucket:"
    " it looks like s3.us-east-005.backblazeb2.com."
)

# What the console shows once, when a key is made: keyID, 25 characters, and applicationKey, 31.
# Keys from before 2018 look different, so these shapes are for hints, never for refusing.
# Source: b2-sdk-python, glossary.
# The keyID of the Master Application Key is the account's: 12 characters.
KEY_ID = r"00\d[0-9a-f]{22}"
APPLICATION_KEY = r"K00\d[A-Za-z0-9+/]{27}"
MASTER_KEY_ID = r"[0-9a-f]{12}"
STRANGE = r"[^A-Za-z0-9+/_-]"  # a character that no key has
KEY_SHAPES = {
    KEYS[0]: (25, "A keyID has 25 characters, only 0 to 9 and a to f, and begins with 00."),
    KEYS[1]: (31, "An applicationKey has 31 characters and begins with K00."),
}
# An applicationKey that was copied from a chat or a PDF file, with spaces or a line break in it.
BROKEN_KEY = r"K\s*0\s*0\s*\d(?:\s*[A-Za-z0-9+/]){27}(?![A-Za-z0-9+/])"
WHERE_A_KEY_BELONGS = {
    "keyID": "It contains a keyID. That belongs in .env, after B2_APPLICATION_KEY_ID=.",
    "applicationKey": (
        "It contains an applicationKey. That belongs in .env, after B2_APPLICATION_KEY=."
    ),
}
PLACEHOLDER_KEY = (
    r"[<>\u2026]|\.\.\.|^[x*\u2022\u25cf]+$|your|paste|example|change.?me|key.?id|application.?key"
)

# What people write instead of an endpoint, as clean_endpoint() returns it: a pattern, the
# problem, and the reason. The first pattern that matches decides.
NOT_AN_ENDPOINT = [
    (r"^https://\W*$", "value-missing", "It is empty."),
    (
        r"//api\d*\.backblaze",
        "endpoint-not-s3",
        "That is the address of B2's native API, not of S3.",
    ),
    (
        r"//f\d{3}\.backblaze",
        "endpoint-not-s3",
        "That is the address for downloads, not the S3 endpoint.",
    ),
    (
        r"amazonaws\.com",
        "endpoint-not-s3",
        "That is the address of Amazon's S3, not of Backblaze.",
    ),
    (
        r"^http://s3\.[^/]*backblazeb2\.com$",
        "endpoint-http",
        "B2 only answers https://, not http://.",
    ),
    (
        r"[^/]\.s3\.[^/]*backblazeb2\.com",
        "endpoint-has-bucket",
        "Leave out the bucket's name in front of s3.",
    ),
    (
        r"//s3\.[^/]*backblazeb2\.com/",
        "endpoint-has-bucket",
        "Leave out everything after .com, such as the bucket's name.",
    ),
    (
        r"//s3\.backblazeb2\.com",
        "endpoint-not-s3",
        "The region between s3 and backblazeb2.com is missing.",
    ),
    (
        r"//(127\.|localhost)",
        "endpoint-not-s3",
        "Write a server on this computer as http://127.0.0.1:PORT.",
    ),
    # In lower case, and without a / at the end: clean_endpoint() has changed the key like this.
    (
        r"k\s*0\s*0\s*\d(?:\s*[a-z0-9+/]){26}",
        "endpoint-not-s3",
        WHERE_A_KEY_BELONGS["applicationKey"],
    ),
    (
        rf"(?<![a-z0-9]){KEY_ID}(?![a-z0-9])",
        "endpoint-not-s3",
        WHERE_A_KEY_BELONGS["keyID"],
    ),
]

# The name of an object, which boto3 calls its key: at most 1024 bytes, no control characters.
# Source: live tests of B2 by the project vdavid/cmdr (October 2026).
KEY_NAME_RULE = "A name has at most 1024 bytes, and no control characters such as a tab."
MOST_DELETED = 1000  # files per call of delete_objects; the same source
MOST_METADATA = 7000  # bytes, names and values (Backblaze docs, "File information")
MOST_METADATA_RULE = f"Metadata has at most {MOST_METADATA} bytes, with the names."
MOST_DELETED_RULE = f"At most {MOST_DELETED} files can be deleted at once."

# What B2 refuses, although Amazon's S3 can do it: its answers (status, code, message), the
# only value that B2 accepts for each header, and what a request may neither read nor change
# (it is after the ? in the address). The practice bucket refuses the same.
# Sources: Backblaze docs, "S3-compatible API"; "not entitled" is what a key limited to one
# bucket gets; for if-match and if-none-match, live tests by vdavid/cmdr (October 2026).
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
    "bad digest": (400, "BadDigest", "The checksum does not match the content."),
}
REFUSED_HEADERS = {
    "x-amz-acl": ("private", "acl"),
    "x-amz-grant-full-control": ("", "header"),
    "x-amz-grant-read": ("", "header"),
    "x-amz-grant-read-acp": ("", "header"),
    "x-amz-grant-write": ("", "header"),
    "x-amz-grant-write-acp": ("", "header"),
    "x-amz-storage-class": ("STANDARD", "header"),
    "x-amz-server-side-encryption": ("AES256", "header"),
    "x-amz-tagging": ("", "header"),
    "if-match": ("", "not implemented"),
    "if-none-match": ("", "not implemented"),
}
NOT_ON_B2 = {
    "tagging",
    "policy",
    "policyStatus",
    "website",
    "accelerate",
    "requestPayment",
    "publicAccessBlock",
    "ownershipControls",
    "torrent",
    "restore",
    "select",
}

# Names that Windows keeps for its devices, with any extension, and with spaces before it.
# Sources: Microsoft, "Naming Files, Paths, and Namespaces"; Python's os.path.isreserved().
WINDOWS_NAME = r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3]) *(?:\..*)?"

# White space, quotes, and the invisible characters that get copied along with a value.
AROUND_A_VALUE = " \t\r\n\"'`\u00a0\u200b\u200e\u2060\ufeff\u2018\u2019\u201c\u201d"


# A line of .env.


def guess_name(other: str) -> str:
    """Return which of the four names is probably meant by one such as B2_KEY_ID, or ""."""
    other = other.upper()
    near = get_close_matches(other, CONSOLE_WORDS, 1, cutoff=0.9)
    if near:
        return near[0]
    others = {"KEYID", "KEY_ID", "APPLICATIONKEY", "APPLICATION_KEY", "ENDPOINT", "BUCKET"}
    others.add("BUCKET_NAME")
    if not other.startswith(("B2_", "AWS_ACCESS_KEY", "AWS_SECRET")) and other not in others:
        return ""
    for pattern, name in (
        ("BUCKET", "B2_BUCKET_NAME"),
        ("ENDPOINT", "B2_ENDPOINT"),
        ("KEY_?NAME", ""),
        ("ID$", "B2_APPLICATION_KEY_ID"),
        ("KEY|SECRET", "B2_APPLICATION_KEY"),
    ):
        if re.search(pattern, other):
            return name
    return ""


def clean_value(text: str) -> str:
    """Return a value as it was meant: without quotes or white space around it."""
    return text.strip(AROUND_A_VALUE)


# An endpoint.


def clean_endpoint(text: str) -> str:
    """Return an endpoint as boto3 needs it, with https:// in front, whatever the text is.

    The console shows s3.<region>.backblazeb2.com; that, and harmless variations of it,
    become https://s3.<region>.backblazeb2.com. find_endpoint_problem() judges the rest.
    """
    endpoint = clean_value(text).lower().rstrip("/")
    if "://" not in endpoint:
        endpoint = f"https://{endpoint}"
    return endpoint


def find_endpoint_problem(endpoint: str) -> tuple[str, str] | None:
    """Return the id of the problem and the reason, or None if the endpoint can be used.

    endpoint: what clean_endpoint() returns.
    """
    if re.fullmatch(ENDPOINT, endpoint):
        return None
    own_server = re.fullmatch(OWN_SERVER, endpoint)
    if own_server and 1 <= int(own_server[1]) <= 65535:
        return None
    for pattern, problem, reason in NOT_AN_ENDPOINT:
        if re.search(pattern, endpoint):
            return problem, reason
    return "endpoint-not-s3", "That is not a Backblaze B2 endpoint."


def region_of(endpoint: str) -> str:
    """Return the region that a clean endpoint names.

    boto3 needs it to sign links with Signature V4, the only one that B2 accepts
    (Backblaze docs, "Call the S3-compatible API"). A server on your own computer has no
    region; it gets boto3's usual one.
    """
    host = endpoint.partition("//")[2]
    return host.split(".")[1] if host.startswith("s3.") else "us-east-1"


# The names of buckets and files.


def find_bucket_name_problem(name: str) -> str:
    """Return what is wrong with the name of a bucket, or "" if B2 could have one."""
    key = find_key(name)
    if key:
        return WHERE_A_KEY_BELONGS[key]
    if name == "":
        return f"It is empty. A bucket name has at least {FEWEST_IN_BUCKET_NAME} characters."
    if name.lower().startswith("b2-"):
        return "It begins with b2-. Backblaze keeps such bucket names for itself."
    bucket, slash, folder = name.partition("/")
    if slash and re.fullmatch(r"[A-Za-z0-9-]+", bucket):
        return (
            "The part behind the / is a folder, and B2 has no place for it here. Write only"
            f" {bucket}. A folder belongs in front of a file's name, as in"
            f" {folder.strip('/') or 'homework'}/a.txt."
        )
    strange = re.search(r"[^A-Za-z0-9-]", name)
    if strange:
        return (
            f"There is {_describe_character(strange[0])} in it. A bucket name has only letters"
            " from a to z, digits and hyphens."
        )
    has = _count_characters(name)
    if len(name) < FEWEST_IN_BUCKET_NAME:
        return f"It has only {has}. A bucket name has at least {FEWEST_IN_BUCKET_NAME}."
    if len(name) > MOST_IN_BUCKET_NAME:
        return f"It has {has}. A bucket name has at most {MOST_IN_BUCKET_NAME}."
    return ""


def _describe_character(character: str) -> str:
    """Return a character in words, for a message."""
    words = {" ": "a space", ".": "a dot", "_": "an underscore", "\n": "a line break"}
    if character in words:
        return words[character]
    if not character.isprintable():
        return "an invisible character"
    return f"the character {character}"


def _count_characters(text: str) -> str:
    return "1 character" if len(text) == 1 else f"{len(text)} characters"


def is_key_name(text: str) -> bool:
    """Tell whether B2 accepts this as the name of an object."""
    size = len(text.encode(errors="replace"))
    return 0 < size <= 1024 and not re.search(r"[\x00-\x1f\x7f\ud800-\udfff]", text)


def is_windows_name(name: str) -> bool:
    """Tell whether Windows keeps this name, one part of a path, for itself: con, NUL.txt."""
    return re.fullmatch(WINDOWS_NAME, name, re.IGNORECASE | re.DOTALL) is not None


# Keys.


def find_key(text: str) -> str:
    """Return "applicationKey" or "keyID" if the text holds something like that, else "".

    An applicationKey is found even if spaces or a line break cut it into pieces.
    """
    if re.search(f"{APPLICATION_KEY}|{BROKEN_KEY}", text):
        return "applicationKey"
    if re.search(rf"(?<![A-Za-z0-9]){KEY_ID}(?![A-Za-z0-9])", text):
        return "keyID"
    return ""


def is_placeholder(text: str) -> bool:
    """Tell whether a key is still an example, such as <your keyID>."""
    if re.search(f"{KEY_ID}|{APPLICATION_KEY}", text) or "@" in text:
        return False
    return re.search(PLACEHOLDER_KEY, text, re.IGNORECASE) is not None


def find_key_flaw(name: str, value: str) -> str:
    """Return what is wrong with a key that was not copied correctly; name: its line in .env."""
    length, _shape = KEY_SHAPES[name]
    strange = re.search(STRANGE, value)
    if strange and re.search(f"{KEY_ID}|{APPLICATION_KEY}", value):
        return "there is something else next to the key"
    if strange:
        what = "a space" if strange[0].isspace() else f"a character that no key has ({strange[0]})"
        return f"there is {what} at position {strange.start() + 1}"
    if len(value) != length:
        return f"it has {len(value)} characters instead of {length}"
    return "a character is wrong"


# The clock.


def find_clock_error(date: str, now: float) -> str:
    """Return how wrong this computer's clock is, going by an answer's Date header, or "".

    now: what the clock says, in seconds since 1970.
    B2 accepts a clock that is right to within 15 minutes.
    Source: AWS docs, RequestTimeTooSkewed; B2's own wording is not known.
    """
    from email.utils import parsedate_to_datetime  # only here: one of your files may hide it

    try:
        seconds = now - parsedate_to_datetime(date).timestamp()
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
    return f"{amount} {'fast' if seconds > 0 else 'slow'}: it says {format_time(now)}"


def count_of(number: int, word: str) -> str:
    """Return "1 file", "2 files" and so on."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def format_size(size: float) -> str:
    """Return a number of bytes as the console shows it: 1,000 bytes are 1 KB."""
    for unit in ("bytes", "KB", "MB", "GB"):
        if size < 1000:
            return count_of(int(size), "byte") if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def format_time(now: float) -> str:
    """Return the time of this computer, given in seconds since 1970: "01 May 2026, 09:00"."""
    return time.strftime("%d %B %Y, %H:%M", time.localtime(now))


# What may be shown.


def cut_short(text: str) -> str:
    """Return a text as one sentence of about 300 characters at most, cut between two words.

    Half a key would not be recognised as one, and so it would be shown.
    """
    text = shorten(text, 300, placeholder=" ...")
    return text if text.endswith((".", "!", "?")) or not text else f"{text}."


def shown(text: str) -> str:
    """Return a value in quotes, fit for a message: an applicationKey in it is covered."""
    in_small_letters = r"k\s*0\s*0\s*\d(?:\s*[a-z0-9+/]){20}.*"  # as clean_endpoint() leaves it
    for pattern in (r"K\s*0\s*0\s*\d.*", in_small_letters):
        text = re.sub(pattern, "(an applicationKey)", text, flags=re.DOTALL)
    return repr(cover(text, {}))


def short_key_id(key_id: str) -> str:
    """Return a keyID that is fit for a message: 0051...0001."""
    return f"{key_id[:4]}...{key_id[-4:]}" if re.fullmatch(KEY_ID, key_id) else "(not shown)"


def cover(text: str, settings: dict) -> str:
    """Return the text without keys: those of settings, and whatever has their shape."""
    key_id, key = (settings.get(name, "") for name in KEYS)
    if len(key) > 5:
        for secret in (key, quote(key, safe="")):
            text = text.replace(secret, "(an applicationKey)")
    if len(key_id) > 12:
        text = text.replace(key_id, short_key_id(key_id))
    text = re.sub(r"K?00\d[A-Za-z0-9+/%]{27,}", "(an applicationKey)", text)
    text = re.sub(r"K00\d[A-Za-z0-9+/%]{20,}", "(an applicationKey)", text)
    return re.sub(KEY_ID, lambda found: short_key_id(found[0]), text)
