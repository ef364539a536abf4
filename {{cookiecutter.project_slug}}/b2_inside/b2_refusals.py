"""Finds which problem in the table is meant by an answer with an error, from B2 or from others.

This file is given: a reset may replace it, so write your own code in main.py.
"""

import re
import time

from b2_problems import NEW_KEY, SetupError
from b2_rules import (
    KEY_NAME_RULE,
    MOST_DELETED,
    cut_short,
    find_clock_error,
    format_time,
    is_key_name,
)
from b2_settings import why_key_refused

# What B2's answers mean: a pattern for the code, one for the message, and the problem.
# The code decides; the message only counts if one code has several meanings.
# Of InvalidRequest only the code is sure (b2_problems.py, LIVE); the words are Amazon's.
ANSWERS = [
    ("InvalidAccessKeyId|PermanentRedirect|301|307", "", "key-unknown"),
    ("SignatureDoesNotMatch", "", "application-key-wrong"),
    ("RequestTimeTooSkewed", "", "clock-wrong"),
    ("AccessDenied", "storage cap", "storage-cap"),
    ("AccessDenied", "cap exceeded", "daily-cap"),
    ("AccessDenied|403", "", "key-lacks-permission"),
    ("NoSuchBucket", "", "bucket-not-found"),
    ("NoSuchKey|NoSuchVersion|404", "", "no-such-object"),
    ("NoSuch[A-Za-z]*Configuration|[A-Za-z]*ConfigurationNotFoundError", "", "no-such-setting"),
    ("KeyTooLongError", "", "object-name-impossible"),
    ("NotModified|304", "", "not-changed"),
    ("PreconditionFailed|412", "", "condition-not-met"),
    ("InvalidRange|416", "", "range-outside-file"),
    ("EntityTooSmall", "", "part-too-small"),
    ("EntityTooLarge", "", "object-too-large"),
    ("BadDigest|InvalidDigest", "", "checksum-wrong"),
    ("InvalidRequest", "(content-md5|checksum).*required", "checksum-needed"),
    ("MissingUploadObjectWithObjectLockHeaders", "", "checksum-needed"),
    ("InvalidRequest", "object.?lock|retention", "object-lock-off"),
    ("InvalidRequest", "itself", "copy-onto-itself"),
    ("InvalidRequest", "larger than|too large|maximum allow", "object-too-large"),
    ("InvalidRequest", "smaller than|too small|minimum allow", "part-too-small"),
    ("NotImplemented", "", "not-on-b2"),
    ("InvalidArgument", "unsupported|not supported", "not-on-b2"),
    ("InvalidRequest|InvalidArgument", "", "request-refused"),
    ("SlowDown|InternalError|ServiceUnavailable|RequestTimeout|5..|429", "", "busy"),
]
ACTIONS = {"PutObject": "write", "GetObject": "read", "DeleteObject": "delete"}
GATEWAY = (429, 502, 503, 504)  # from what is in front of a server that is too busy


class Refusal:
    """What is in the ClientError that boto3 makes from an answer with an error."""

    def __init__(self, error):
        reply = error.response.get("Error", {})
        about = error.response.get("ResponseMetadata", {})
        self.operation = error.operation_name  # such as "PutObject"
        self.code = str(reply.get("Code", ""))  # such as "AccessDenied"
        self.message = " ".join(str(reply.get("Message", "")).split())
        self.status = about.get("HTTPStatusCode", 0)
        self.headers = about.get("HTTPHeaders", {})
        self.is_of_our_client = "B2Names" in about  # from b2_guard.py: names in the call
        self.names = about.get("B2Names", [])


def explain_refusal(error, settings):
    """Return the SetupError behind an answer with an error: by its code, then its message.

    error: boto3's ClientError. settings: as read_settings() returns them, or {}.
    """
    answer = Refusal(error)
    problem = _find_another_server(answer)
    if problem:
        return problem
    name = _find_meaning(answer)
    problem = _find_wrong_clock(answer, name)
    if problem:
        return problem
    if name == "bucket-not-found" and answer.operation in ("CopyObject", "UploadPartCopy"):
        reason = "the bucket in CopySource is not there."
        do = "Write CopySource={'Bucket': bucket.name, 'Key': 'the name of the file'}."
        return SetupError("call-misspelt", reason=reason, do=do)
    if name in ("key-unknown", "application-key-wrong") and settings:
        return why_key_refused(settings, name)
    return SetupError(name, **_list_details(answer, name, settings))


def _find_another_server(answer):
    """Return the problem of an answer that is not from B2, or None."""
    is_amazon = answer.headers.get("server") == "AmazonS3" or "AWS Access Key" in answer.message
    if is_amazon and not answer.is_of_our_client:  # ours never asks Amazon
        return SetupError("no-keys-given", reason="talks to Amazon: it gives no endpoint_url")
    if answer.status in GATEWAY:
        return None  # it is busy, whatever the page says
    if "html" in answer.headers.get("content-type", ""):
        return SetupError("not-b2", reason="it is a web page")
    has_no_words = answer.code in ("", str(answer.status))
    is_s3 = any(name.startswith("x-amz-") for name in answer.headers)
    if has_no_words and answer.status in (301, 302, 303, 307, 308) and not is_s3:
        place = answer.headers.get("location", "").partition("//")[2].partition("/")[0]
        return SetupError("not-b2", reason=f"it leads to another address ({place or 'unnamed'})")
    if has_no_words and answer.status != 304 and not answer.operation.startswith("Head"):
        # B2 gives its reasons in XML. If the code is not a word, boto3 found no XML.
        reason = f"it is error {answer.status}, without a readable reason"
        return SetupError("not-b2", reason=reason)
    return None


def _find_meaning(answer):
    """Return the id of the problem that the table ANSWERS has for an answer, or "unknown"."""
    if answer.code == "InvalidRequest" and not all(is_key_name(name) for name in answer.names):
        return "object-name-impossible"
    if answer.code == "InvalidRequest" and len(answer.names) > MOST_DELETED:
        return "too-many-names"
    for codes, words, problem in ANSWERS:
        if re.fullmatch(codes, answer.code) and re.search(words, answer.message, re.IGNORECASE):
            if problem == "no-such-object" and answer.operation == "HeadBucket":
                return "bucket-not-found"
            return problem
    return "unknown"


def _find_wrong_clock(answer, name):
    """Return the problem of a wrong clock if the answer says so or may mean it, else None."""
    clock = find_clock_error(answer.headers.get("date", ""), time.time())
    says_little = answer.code in ("AccessDenied", "InvalidRequest") and not re.search(
        "entitled|cap", answer.message
    )
    is_unsure = name in ("application-key-wrong", "unknown") or answer.code == "403" or says_little
    if name == "clock-wrong" or (clock and answer.status in (400, 401, 403) and is_unsure):
        reason = clock or f"probably wrong: it says {format_time(time.time())}"
        return SetupError("clock-wrong", reason=reason)
    return None


def _list_details(answer, name, settings):
    """Return what fills the braces of the problem with this name, as a dict."""
    code, reason = answer.code, answer.message
    if name == "unknown":
        code = f"the answer to {answer.operation} was {code or 'without a code'} ({answer.status})"
        reason = f"The server said: {reason or 'nothing'}"
    do = "A key that was made as in README.md is not allowed to do that. Do it in the console."
    if answer.operation in ACTIONS:
        do = NEW_KEY
    elif answer.operation == "ListBuckets":
        do = "Use get_bucket(). Or add a new key, and tick Allow List All Bucket Names."
    return {
        "bucket": settings.get("B2_BUCKET_NAME", "the one that your program uses"),
        "the_key": "this keyID",
        "code": code,
        "reason": cut_short(reason),
        "action": ACTIONS.get(answer.operation, f"do this ({answer.operation})"),
        "rule": KEY_NAME_RULE,
        "most": MOST_DELETED,
        "do": do,
    }
