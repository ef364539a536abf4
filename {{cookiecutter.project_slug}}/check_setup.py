"""Find out what is wrong with your set-up, and what to do about it.

    python check_setup.py

It looks from the outside in: this computer, the file .env, its four values, the way to B2,
the key, the bucket; then it writes, reads and erases one small file, so that your bucket is
as it was. It stops at the first problem. What it prints is safe to show: there is no key in it.

A program with the line "import check_setup" explains its own mistakes in the same way.
This file is given: a reset may replace it, so write your own code in main.py.
"""

import os
import sys
import time
import traceback
import uuid
from pathlib import Path

from b2_problems import SetupError, block, find_host, problem_of, unknown
from b2_rules import CONSOLE_WORDS, KEYS, check_key_shapes, cover, find_leaks, short_key_id

HERE = Path(__file__).resolve().parent
WAIT = (4, 6)  # seconds for connecting and for an answer; twice at most, so less than 20
GIVEN = ("b2_client.py", "b2_rules.py", "b2_problems.py", "check_setup.py")
# What the first request proves, and how much of it where it finds a problem (else nothing).
PROVED = [
    "the connection is safe (TLS)",
    "B2 knows the keyID",
    "the applicationKey belongs to it",
    "the bucket is there, and the key may list it",
]
PROVED_BEFORE = {
    "key-unknown": 1, "key-of-another-region": 1, "clock-wrong": 1, "application-key-wrong": 2,
    "bucket-not-found": 3, "key-for-another-bucket": 3, "key-limited-to-names": 3,
}

if sys.version_info < (3, 10):  # an older Python cannot even read b2_client.py
    print(block(SetupError("python-too-old", version=sys.version.split()[0])))
    raise SystemExit(1)


def main():
    """Check everything and print what was found. Returns 0 when all is well, else 1."""
    settings: dict = {}
    try:
        check(settings)
        return 0
    except KeyboardInterrupt:
        print("Stopped.")
    except Exception as error:
        problem = problem_of(error, settings) or unknown(error)
        print(cover(block(problem), settings))
    return 1


def check(settings):
    """Check step by step, and fill settings on the way; raise the first problem."""
    print("Checking", HERE)
    import b2_client
    import boto3

    _say("ok", f"Python {sys.version.split()[0]}, boto3 {boto3.__version__}")
    settings.update(b2_client.read_settings())
    _say("ok", "the four settings are there")
    for name in sorted(set(CONSOLE_WORDS) & set(os.environ)):
        _say("warning", f"{name} comes from a variable of your terminal, not from the file .env")
    for leak in find_leaks(settings[KEYS[1]]):
        raise leak
    bucket_name, endpoint = settings["B2_BUCKET_NAME"], settings["B2_ENDPOINT"]
    if settings[KEYS[0]] == "":
        _try_changes(b2_client.get_client(), bucket_name, [])
        print("\nPractice works. To leave it, fill in both keys in .env: README.md says how.")
        return
    check_key_shapes(settings)
    _say("ok", f"they look right: {short_key_id(settings[KEYS[0]])}, {bucket_name}, {endpoint}")
    _say("ok", find_host(endpoint))
    client = _quick_client(settings)
    names = _first_request(client, settings)
    _try_changes(client, bucket_name, names)
    print(f"\nAll is well: your programs can use the bucket {bucket_name}.")


def _say(word, text):
    print(f"  {word:8}", text)


def _quick_client(settings):
    """Return a client that asks once and does not wait long: at most 6 requests, 20 seconds."""
    from b2_client import CONFIG, Config, connect

    connecting, reading = WAIT
    quick = Config(
        connect_timeout=connecting, read_timeout=reading, retries={"total_max_attempts": 1}
    )
    return connect("client", settings, CONFIG.merge(quick))


def _first_request(client, settings):
    """List the bucket, say what that proves, and return the names: one, or none."""
    proved = 0
    try:
        names = _twice(lambda: ask_bucket(client, settings))
        proved = len(PROVED)
        return names
    except Exception as error:
        proved = PROVED_BEFORE.get(_id_of(error, settings), 0)
        raise
    finally:
        for text in PROVED[:proved]:
            _say("ok", text)


def ask_bucket(client, settings):
    """Return a list of the first name in the bucket; raise what is in the way."""
    bucket_name = settings["B2_BUCKET_NAME"]
    try:
        listed = client.list_objects_v2(Bucket=bucket_name, MaxKeys=1)
    except client.exceptions.ClientError as error:
        if problem_of(error, settings).problem != "key-lacks-permission":
            raise
    else:
        if "KeyCount" not in listed:
            raise SetupError("not-b2", reason="a page came back instead of a list")
        return [found["Key"] for found in listed.get("Contents", [])]
    # Not entitled. May the key use the bucket at all? A key made in the console may ask.
    try:
        client.head_bucket(Bucket=bucket_name)
    except client.exceptions.ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 403:
            raise
        raise SetupError("key-for-another-bucket", bucket=bucket_name) from None
    raise SetupError("key-limited-to-names", bucket=bucket_name)


def _twice(call):
    """Return what the call returns; where B2 was only busy, try it once more."""
    try:
        return call()
    except Exception as error:
        if _id_of(error) not in ("busy", "no-answer"):
            raise
        time.sleep(1)
        return call()


def _may(action, call):
    """Return what the call returns, or None, with a warning, where the key may not do it."""
    try:
        return call()
    except Exception as error:
        if _id_of(error) != "key-lacks-permission":
            raise
        _say("warning", f"the key may not {action}")
        return None


def _id_of(error, settings=None):
    problem = problem_of(error, settings or {})
    return problem and problem.problem


def _try_changes(client, bucket_name, names):
    """Write, read and erase one small file; where the key may not write, read another."""
    where = {"Bucket": bucket_name, "Key": f"b2-starter-check-{uuid.uuid4()}.txt"}
    body = where["Key"].encode()
    try:
        put = _may("write", lambda: client.put_object(**where, Body=body))
        if put and "VersionId" not in put and client.meta.endpoint_url.startswith("https"):
            raise SetupError("not-b2", reason="it does not name the version that was stored")
    except BaseException as error:
        if _id_of(error) in ("busy", "no-answer", "not-b2", "unknown", None):
            _erase_all(client, where)  # it may be stored all the same
        raise
    if put is None:
        _say("warning", "that is fine if your programs only read")
        for name in names:
            _read(client, {"Bucket": bucket_name, "Key": name})
        return
    _say("ok", "write")
    try:
        if _read(client, where) not in (None, body[:1]):
            raise SetupError("not-b2", reason="another text came back than was stored")
    finally:
        version = {"VersionId": put["VersionId"]} if "VersionId" in put else {}
        _erase(client, {**where, **version})


def _read(client, where):
    """Return the first byte of a file, or None where the key may not read."""
    got = _may("read", lambda: client.get_object(**where, Range="bytes=0-0")["Body"].read(1))
    if got is not None:
        _say("ok", "read")
    return got


def _erase(client, where):
    """Erase what was written, this version for good; if that fails, name what is left."""
    done = None
    try:
        done = _may("erase", lambda: _twice(lambda: client.delete_object(**where)))
    finally:
        if done and done["ResponseMetadata"]["HTTPStatusCode"] == 204:
            _say("ok", "erase")
        else:
            _say("warning", f"the file {where['Key']} is left in the bucket")


def _erase_all(client, where):
    """Erase every version of a file of which nobody knows whether it was stored."""
    try:
        listed = client.list_object_versions(Bucket=where["Bucket"], Prefix=where["Key"])
        listed["Name"]  # an answer of B2 has it
    except Exception:
        listed = {}
        _say("warning", f"perhaps the file {where['Key']} is left in the bucket")
    for version in listed.get("Versions", []):
        _erase(client, {**where, "VersionId": version["VersionId"]})


def _explain(kind, error, trace):
    """Show a problem with the set-up or with B2 as what it is; leave others to Python."""
    settings: dict = {}
    try:
        problem = problem_of(error, {})
        if problem and problem is not error:
            from b2_client import read_settings

            settings.update(read_settings())
            problem = _ask_more(error, settings)
    except Exception:
        pass  # then without the details
    if problem is None:
        _python_shows(kind, error, trace)
        return
    text = block(problem)
    files = [(Path(frame.filename), frame) for frame in traceback.extract_tb(trace)]
    own = [frame for file, frame in files if file.parent == HERE and file.name not in GIVEN]
    if own and problem is not error:
        text += f"\nIt happened in {Path(own[-1].filename).name}, line {own[-1].lineno}."
    print(cover(text, settings), file=sys.stderr)


def _ask_more(error, settings):
    """Return the problem behind an error; where it may have several causes, ask B2 which."""
    problem = problem_of(error, settings)
    if problem.problem != "key-lacks-permission":
        return problem
    client = _quick_client(settings)
    try:
        for name in ask_bucket(client, settings):
            client.get_object(Bucket=settings["B2_BUCKET_NAME"], Key=name, Range="bytes=0-0")
    except Exception as better:
        return problem_of(better, settings) or problem
    return problem


if __name__ == "__main__":
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")  # old consoles lack some characters
    raise SystemExit(main())

_python_shows, sys.excepthook = sys.excepthook, _explain
