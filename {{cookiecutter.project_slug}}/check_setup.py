"""Find out what is wrong with your set-up, and what to do about it.

    python check_setup.py

It looks at this computer, at .env, at the way to B2, the key and the bucket; then it writes,
reads and erases one small file. It stops at the first problem. No key is in what it prints.

A program with the line "import check_setup" explains its own failures in the same way.
This file is given: a reset may replace it, so write your own code in main.py.
"""

import os
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.realpath(__file__)), "b2_inside"))

import b2_problems  # first: it explains when an import fails
import time
import traceback
import uuid
from contextlib import suppress

from b2_problems import GIVEN, SetupError, block, find_host, problem_of, unknown
from b2_rules import CONSOLE_WORDS, KEYS, check_key_shapes, cover, find_leaks, short_key_id

PROVED = [  # by the first request
    "the server answers",
    "B2 knows the keyID, and the applicationKey belongs to it",
    "the bucket is there, and the key may list it",
]
OF_THE_PROGRAM = (  # the problems for which the lines of the program matter
    "no-such-object", "object-name-impossible", "not-on-b2", "call-misspelt", "no-keys-given",
    "key-lacks-permission", "other-bucket-not-found", "unknown",
)


def main():
    """Check everything and print what was found. Returns 0 when all is well, else 1."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")  # old consoles lack some characters
    settings: dict = {}
    try:
        check(settings)
        return 0
    except KeyboardInterrupt:
        _print("Stopped.")
    except Exception as error:
        _print(cover(block(problem_of(error, settings) or unknown(error)), settings))
    return 1


def check(settings):
    """Check step by step, and fill settings on the way; raise the first problem."""
    _print(f"Checking {b2_problems.HERE}")
    import b2_client
    import boto3

    _say("ok", f"Python {sys.version.split()[0]}, boto3 {boto3.__version__}")
    settings.update(b2_client.read_settings())
    _say("ok", "the four settings are there")
    for text in _from_terminal():
        _say("warning", text)
    for leak in find_leaks(settings[KEYS[1]]):
        raise leak
    bucket_name, endpoint = settings["B2_BUCKET_NAME"], settings["B2_ENDPOINT"]
    if settings[KEYS[0]] == "":
        _try_changes(b2_client.get_client(), bucket_name, [])
        how = "close this terminal" if KEYS[0] in os.environ else "fill in both keys in .env"
        _print(f"\nPractice works. To leave it, {how}: README.md says more.")
        return
    check_key_shapes(settings)
    _say("ok", f"they look right: {short_key_id(settings[KEYS[0]])}, {bucket_name}, {endpoint}")
    _say("ok", find_host(endpoint))
    client = b2_client.connect("client", settings, b2_client.QUICK)
    names = _twice(lambda: ask_bucket(client, settings))
    for text in PROVED:
        _say("ok", text)
    if _try_changes(client, bucket_name, names):
        _print(f"\nAll is well: your programs can use the bucket {bucket_name}.")
    else:
        _print(f"\nYour programs can read the bucket {bucket_name}, but not write. For that, add"
               "\na new key with the Type of Access Read and Write (README.md, step 4).")


def _from_terminal():
    """Return a sentence for each setting that does not come from .env."""
    names = sorted(set(CONSOLE_WORDS) & set(os.environ))
    return [f"{name} comes from a variable of your terminal, not from .env." for name in names]


def _say(word, text):
    _print(f"  {word:8} {text}")


def _print(text):
    """Print; go on in silence when nobody listens any more, as behind `| head`."""
    try:
        print(text, flush=True)
    except (OSError, ValueError):
        sys.stdout = None


def ask_bucket(client, settings):
    """Return a list of the first name in the bucket; raise what is in the way."""
    bucket_name = settings["B2_BUCKET_NAME"]
    try:
        listed = client.list_objects_v2(Bucket=bucket_name, MaxKeys=1)
    except client.exceptions.ClientError as error:
        if _id_of(error) != "key-lacks-permission":
            raise
    else:
        if "KeyCount" not in listed:
            raise SetupError("not-b2", reason="it is no list of the bucket")
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


def _id_of(error):
    problem = problem_of(error, {})
    return problem and problem.problem


def _try_changes(client, bucket_name, names):
    """Write, read and erase one small file; return whether the key may write."""
    where = {"Bucket": bucket_name, "Key": f"b2-starter-check-{uuid.uuid4()}.txt"}
    body = where["Key"].encode()
    try:
        put = _may("write", lambda: client.put_object(**where, Body=body))
        if put and "VersionId" not in put and client.meta.endpoint_url.startswith("https"):
            raise SetupError("not-b2", reason="it does not name the version that was stored")
    except BaseException as error:
        if _id_of(error) in ("busy", "no-answer", "not-b2", "unknown", None):
            with suppress(Exception):  # the first problem is the one to show
                _erase_all(client, where)  # it may be stored all the same
        raise
    if put is None:
        for name in names:
            _read(client, {"Bucket": bucket_name, "Key": name})
        return False
    try:
        _say("ok", "write")
        if _read(client, where) not in (None, body[:1]):
            raise SetupError("not-b2", reason="another text came back than was stored")
    finally:
        version = {"VersionId": put["VersionId"]} if "VersionId" in put else {}
        _erase(client, {**where, **version})
    return True


def _read(client, where):
    """Return the first byte of a file, or None where the key may not read."""
    got = _may("read", lambda: first_byte(client, where))
    if got is not None:
        _say("ok", "read")
    return got


def first_byte(client, where):
    """Return the first byte of a file, b"" if it is empty; raise what is in the way."""
    try:
        return client.get_object(**where, Range="bytes=0-0")["Body"].read(1)
    except client.exceptions.ClientError as error:
        if error.response["Error"].get("Code") != "InvalidRange":
            raise
        return b""


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
    versions = None
    try:
        listed = client.list_object_versions(Bucket=where["Bucket"], Prefix=where["Key"])
        versions = listed.get("Versions", []) if "Name" in listed else None
    finally:
        if versions is None:
            _say("warning", f"perhaps the file {where['Key']} is left in the bucket")
    for version in versions or []:
        _erase(client, {**where, "VersionId": version["VersionId"]})


def explain(error, trace):
    """Return what to show in place of a traceback, or "" where Python shall show its own."""
    settings: dict = {}
    problem = None
    try:
        problem = problem_of(error, {})
        if problem and problem is not error and "b2_client" in sys.modules:
            settings.update(sys.modules["b2_client"].read_settings())
            problem = _ask_more(error, settings)
    except Exception:
        pass  # then without the details
    if problem is None:  # Python's own way, unless a key stands in a line of the program
        shown = "".join(traceback.format_exception(type(error), error, trace))
        return "" if cover(shown, {}) == shown else cover(shown, {})
    lines = lines_of_program(trace) if problem.problem in OF_THE_PROGRAM else []
    return cover("\n".join([block(problem), *lines, *_from_terminal()]), settings)


def lines_of_program(trace):
    """Return the lines of the student's program that led to a problem, with a heading."""
    lines = []
    for frame in traceback.extract_tb(trace):
        folder, name = os.path.split(frame.filename)
        if os.path.realpath(folder) == b2_problems.HERE and name.partition(".")[0] not in GIVEN:
            line = f"    {name}, line {frame.lineno}: {frame.line}"
            lines += [line] if line not in lines else []
    return ["In your program:", *lines] if lines else []


def _ask_more(error, settings):
    """Return the problem behind an error; where it may have several causes, ask B2 which."""
    problem = problem_of(error, settings)
    if problem.details.get("code") not in ("403", "404", "AccessDenied", "NoSuchBucket"):
        return problem
    from b2_client import QUICK, connect

    client, bucket_name = connect("client", settings, QUICK), settings["B2_BUCKET_NAME"]
    try:
        for name in ask_bucket(client, settings):
            first_byte(client, {"Bucket": bucket_name, "Key": name})
    except Exception as better:
        return problem_of(better, settings) or problem
    if problem.problem == "bucket-not-found":  # then the program names another one
        return SetupError("other-bucket-not-found", bucket=bucket_name)
    return problem


if __name__ == "__main__":
    raise SystemExit(main())

# Another program imports this file: from now on its failures are explained in the same way.
b2_problems.explain = explain
