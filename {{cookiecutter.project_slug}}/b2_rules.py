"""What Backblaze B2 expects of an endpoint, a bucket name and a key.

Each rule stands here once, with its source. This file is given: a reset may
replace it, so write your own code in main.py.
"""

import re
import sys

# The default answer of the template: nobody's bucket, so a placeholder when there are keys.
PLACEHOLDER_BUCKET = "your-bucket-name"

# The four lines of .env, and the words that the Backblaze console uses for them.
CONSOLE_WORDS = {
    "B2_APPLICATION_KEY_ID": "keyID",
    "B2_APPLICATION_KEY": "applicationKey",
    "B2_BUCKET_NAME": "your bucket's name",
    "B2_ENDPOINT": "Endpoint",
}

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
    "The console shows it on the page Buckets, below your bucket, as Endpoint:"
    " for example s3.us-east-005.backblazeb2.com."
)

# What people write instead, after https:// was added. The first that fits is the reason.
NOT_AN_ENDPOINT = [
    (r"^https://\W*$", "It is blank."),
    (r"//api\d*\.backblaze", "That is the address of B2's native API, not of S3."),
    (r"//f\d{3}\.backblaze", "That is an address for downloads, not the S3 endpoint."),
    (r"amazonaws\.com", "That is an address of Amazon's S3, not of Backblaze."),
    (r"^http://s3\.[^/]*backblazeb2\.com$", "B2 answers only to https://, not to http://."),
    (r"[^/]\.s3\.[^/]*backblazeb2\.com", "Leave out the bucket's name in front of s3."),
    (
        r"//s3\.[^/]*backblazeb2\.com/",
        "Leave out what stands behind .com, such as the bucket's name.",
    ),
    (r"//s3\.backblazeb2\.com", "The region between s3 and backblazeb2.com is missing."),
    (r"//(127\.|localhost)", "A server on this computer is written http://127.0.0.1:PORT."),
    (r"", "That is not an endpoint of Backblaze B2."),
]

# What the console shows once, when a key is made: keyID, 25 characters, and applicationKey, 31.
# Keys from before 2018 look different, so these shapes are for hints, never for refusing.
# Source: b2-sdk-python, glossary.
KEY_ID = r"00\d[0-9a-f]{22}"
APPLICATION_KEY = r"K00\d[A-Za-z0-9+/]{27}"
PLACEHOLDER_KEY = (
    r"[<>\u2026]|\.\.\.|^[x*]+$|your|paste|example|change.?me|key.?id|application.?key"
)

# The name of an object, which boto3 calls its key: at most 1024 bytes, no control characters.
# Source: live tests of B2 by the project vdavid/cmdr (October 2026).
KEY_NAME_RULE = "A name has at most 1024 bytes, and no control characters such as a tab."

# What B2 refuses, although Amazon's S3 can do it: its answers (status, code, message), and
# for each header the only value that B2 takes. The practice bucket refuses the same.
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
}
REFUSED_HEADERS = {
    "x-amz-acl": ("private", "acl"),
    "x-amz-storage-class": ("STANDARD", "header"),
    "x-amz-server-side-encryption": ("AES256", "header"),
    "x-amz-tagging": ("", "header"),
    "if-match": ("", "not implemented"),
    "if-none-match": ("", "not implemented"),
}

# White space, quotes, and the invisible characters that come along when copying.
AROUND_A_VALUE = " \t\r\n\"'`\u00a0\u200b\u200e\u2060\ufeff\u2018\u2019\u201c\u201d"


class SetupError(Exception):
    """A mistake in the set-up. Its text says what is wrong and what to do now."""


def _show_advice(kind, error, traceback):
    """Print a set-up mistake as its advice alone; leave every other error to Python."""
    if issubclass(kind, SetupError):
        print(f"\n{error}", file=sys.stderr)
    else:
        _python_shows(kind, error, traceback)


# Set here and not in b2_client.py: what this function can reach stays in memory until the very
# end of the program, and boto3's large objects take their time to go.
_python_shows, sys.excepthook = sys.excepthook, _show_advice


def clean_value(text: str) -> str:
    """Return a value as it was meant: without quotes or white space around it."""
    return text.strip(AROUND_A_VALUE)


def shown(text: str) -> str:
    """Return a value in quotes, fit for a message: an applicationKey in it is covered."""
    return repr(re.sub(r"K00\d.*", "(an applicationKey)", text))


def clean_endpoint(text: str) -> str:
    """Return the endpoint as boto3 needs it: https://s3.<region>.backblazeb2.com.

    The form that the console shows is accepted, and harmless variations of it.
    Raises SetupError for anything else, with the reason.
    """
    endpoint = clean_value(text).lower().rstrip("/")
    if "://" not in endpoint:
        endpoint = f"https://{endpoint}"
    if re.fullmatch(ENDPOINT, endpoint):
        return endpoint
    reasons = [reason for pattern, reason in NOT_AN_ENDPOINT if re.search(pattern, endpoint)]
    raise SetupError(f"{reasons[0]} {ENDPOINT_RULE}")


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
    if re.fullmatch(f"{KEY_ID}|{APPLICATION_KEY}", text):
        return False
    return re.search(PLACEHOLDER_KEY, text, re.IGNORECASE) is not None
