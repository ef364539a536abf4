"""Write PROBLEMS.md from the table of problems, and say if it had changed."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "{{cookiecutter.project_slug}}" / "b2_inside"))

from b2_problems import NEW_KEY, PROBLEMS, SetupError, block  # noqa: E402
from b2_rules import (  # noqa: E402
    ENDPOINT_RULE,
    KEY_NAME_RULE,
    MOST_DELETED,
    clean_endpoint,
    find_bucket_name_problem,
    find_endpoint_problem,
    find_key_flaw,
)

HEAD = """\
# What can go wrong, and what to do

Made by `nox -s docs` from the table in `b2_problems.py`; change it there.

When something is wrong, a project shows one of these problems: its name in brackets, what
happened, why, and what to do. `check_setup.py` looks for problems with this computer, `.env`, the
connection to B2 and the key, and stops at the first one. A program with the line
`import check_setup` shows these problems, and problems with its own calls, in place of a
traceback. Below is an example of each.

"""


def reason_of(endpoint: str) -> str:
    """Return why this cannot be an endpoint."""
    _problem, reason = find_endpoint_problem(clean_endpoint(endpoint)) or ("", "")
    return reason


# What fills the braces, for the examples.
KEYS = {"name": "B2_APPLICATION_KEY", "where": ".env", "file": ".env", "word": "the applicationKey"}
EXAMPLE = {
    **KEYS,
    "folder": "/home/ada/my-bucket-project",
    "host": "s3.us-east-005.backblazeb2.com",
    "bucket": "ada-photos",
    "the_key": "the keyID 0050...0001",
    "digits": "005",
    "number": 4,
    "call": "get_bucket",
    "stop": "AttributeError: 'NoneType' object has no attribute 'append'",
    "content": "null",
    "version": "3.9.1",
    "package": "boto3 is not installed",
    "first": 2,
    "second": 7,
    "how": "In a terminal in its folder, type, line by line:\n    python3 -m venv .venv\n"
    "    .venv/bin/python -m pip install -r requirements.txt",
    "count": 14,
    "rule": ENDPOINT_RULE,
    "value": "'us-east-005'",
    "code": "InternalError",
    "most": MOST_DELETED,
    "reason": reason_of("us-east-005"),
    "action": "write",
    "do": "Copy the applicationKey there, or empty both key lines to practise.",
    "why": "The other key is filled in; the two belong together.",
    "state": "nothing answers there",
}
ONLY_HERE: dict[str, dict[str, object]] = {
    "practice-folder": {
        "what": "The disk is full, so nothing was stored. Free some space, then try again."
    },
    "file-hides-package": {"file": "random.py"},
    "given-file-missing": {"file": "b2_client.py"},
    "given-file-damaged": {"file": "b2_client.py", "reason": "Python cannot read line 12"},
    "env-file-missing": {"do": "Copy .env.example to .env."},
    "env-file-misnamed": {"name": ".env.txt", "better": ".env"},
    "env-file-unreadable": {
        "reason": "read: it is a word processor's document",
        "do": "Save it as plain text.",
    },
    "line-unreadable": {
        "why": "A quote is not closed, or there is something after the closing quote.",
        "do": "Delete the quotes.",
    },
    "line-misnamed": {"other": "B2_SECRET", "do": "Rename B2_SECRET= to B2_APPLICATION_KEY=."},
    "bucket-name-impossible": {
        "value": "'ada_photos'",
        "rule": find_bucket_name_problem("ada_photos"),
    },
    "endpoint-has-bucket": {
        "value": "'ada-photos.s3.us-east-005.backblazeb2.com'",
        "reason": reason_of("ada-photos.s3.us-east-005.backblazeb2.com"),
    },
    "endpoint-http": {
        "value": "'http://s3.us-east-005.backblazeb2.com'",
        "reason": reason_of("http://s3.us-east-005.backblazeb2.com"),
    },
    "keys-swapped": {"do": "Swap the two values."},
    "key-incomplete": {
        "quality": "complete",
        "flaw": find_key_flaw("B2_APPLICATION_KEY", "K005" + "A" * 25),
        "shape": "An applicationKey has 31 characters and begins with K00.",
    },
    "key-in-code": {"file": "main.py"},
    "connection-refused": {
        "host": "127.0.0.1:9000",
        "reason": "No server is running there.",
        "do": "Start the server.",
    },
    "certificate-not-trusted": {"reason": "unable to get local issuer certificate"},
    "network-variable-wrong": {"name": "HTTPS_PROXY", "value": "proxy.school:8080"},
    "not-b2": {"reason": "it is a web page"},
    "clock-wrong": {"reason": "3 hours slow: it says 01 May 2026, 09:00"},
    "key-of-another-region": {"host": "s3.eu-central-003.backblazeb2.com"},
    "key-lacks-permission": {"do": NEW_KEY},
    "daily-cap": {"reason": "Cannot download file, download bandwidth cap exceeded."},
    "file-not-found": {
        "what": "The file photo.jpg, which your program wants to upload, is not there.",
        "do": "Correct the file's name in your program, or put the file into that folder.",
    },
    "file-mode-wrong": {"reason": "not readable"},
    "bytes-altered": {"name": "holiday.jpg"},
    "exception-not-known": {
        "line": "except NoSuchKey:",
        "how": "except bucket.meta.client.exceptions.NoSuchKey:",
    },
    "decode-missing": {"reason": "can't concat str to bytes."},
    "import-misspelt": {"what": "get_buckets in b2_client", "do": "Did you mean get_bucket?"},
    "object-not-usable": {
        "name": "guestbook.json",
        "do": "Look at your line first. If it is right, an earlier try saved that: delete it.\n"
        "    bucket.Object('guestbook.json').delete()",
    },
    "part-too-small": {"reason": "Your proposed upload is smaller than the minimum allowed size."},
    "object-too-large": {"reason": "The copy source is larger than the maximum allowable size."},
    "copy-onto-itself": {"reason": "This copy request is illegal: it is from an object to itself."},
    "checksum-wrong": {"reason": "The checksum does not match the content."},
    "checksum-needed": {"reason": "Content-MD5 or a checksum is required with Object Lock."},
    "object-lock-off": {"reason": "Bucket is missing Object Lock Configuration."},
    "request-refused": {"reason": "The request is not valid."},
    "no-such-setting": {"code": "NoSuchCORSConfiguration"},
    "bytes-needed": {"reason": "Strings must be encoded before hashing"},
    "metadata-not-text": {"reason": "'int' object has no attribute 'encode'"},
    "link-too-long": {"seconds": 2592000, "most": 604800},
    "object-name-impossible": {"rule": KEY_NAME_RULE},
    "not-on-b2": {"reason": "Unsupported header 'x-amz-tagging' received for this API call."},
    "call-misspelt": {"reason": 'there is no argument called "key".', "do": "Did you mean Key?"},
    "no-keys-given": {"reason": "gives no keys"},
    "unknown": {
        "code": "the answer to PutObject was Teapot (418)",
        "reason": "The server said: ...",
    },
}


def page() -> str:
    """Return the page as Markdown."""
    parts = [HEAD, *(f"- [{name}](#{name})\n" for name in PROBLEMS), "\n"]
    for name, problem in PROBLEMS.items():
        shown = block(SetupError(name, **{**EXAMPLE, **ONLY_HERE.get(name, {})})).strip()
        parts.append(
            f"## {name}\n\n```text\n{shown}\n```\n\n"
            f"Recognised: {problem.sign}. Source: {problem.source}\n\n"
        )
    return "".join(parts).rstrip() + "\n"


def main() -> int:
    """Write the page. Returns 1 if it was not up to date, else 0."""
    target = HERE / "PROBLEMS.md"
    before = target.read_text(encoding="utf-8") if target.exists() else ""
    target.write_text(page(), encoding="utf-8", newline="\n")
    print("docs/PROBLEMS.md", "was up to date." if before == page() else "was updated.")
    return int(before != page())


if __name__ == "__main__":
    raise SystemExit(main())
