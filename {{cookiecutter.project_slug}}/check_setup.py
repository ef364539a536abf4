"""Find out what is wrong with your set-up, and what to do about it.

    python check_setup.py

It looks at this computer, .env, the connection to B2, the key and the bucket; then it saves,
reads and deletes one small file. It stops at the first problem. If all is well, it says how much
is in the bucket. It never prints a key.

A program with the line "import check_setup" explains its own failures in the same way.
This file is given: a reset may replace it, so write your own code in main.py.
"""

import os
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.realpath(__file__)), "b2_inside"))

try:
    import b2_causes
    from b2_causes import is_given
except Exception as error:  # without this file, nothing else can explain what is wrong
    where = ""
    step = error.__traceback__
    while step and isinstance(error, NameError):  # others name the file themselves
        where = f", in {step.tb_frame.f_code.co_filename}"
        step = step.tb_next
    raise SystemExit(
        "\nPROBLEM [given-file-missing]\n"
        f"A file of the project is missing or damaged: {error}{where}.\n"
        "Bring back the folder b2_inside: README.md says how, under Reset."
    ) from None

b2_causes.install()  # from here on, an import that fails is explained

import difflib
import json
import re
import shutil
import subprocess
import threading
import time
import traceback
import uuid
from contextlib import suppress
from pathlib import Path
from textwrap import shorten
from urllib.parse import urlsplit

import b2_settings
from b2_advice import hold_window
from b2_errors import (
    PROXIES,
    explain_unknown,
    explain_unknown_host,
    explain_variable,
    problem_of,
)
from b2_guard import LAST_READ, WRITTEN
from b2_problems import OF_A_CLIENT, OF_THE_PROGRAM, SetupError, block
from b2_rules import (
    APPLICATION_KEY,
    KEYS,
    count_of,
    cover,
    cut_short,
    format_size,
    short_key_id,
)
from b2_settings import ENV_FILES, check_key_shapes, is_practice, read_settings

# For boto3: ask once and do not wait long: two tries to list the bucket take less than 20 s.
QUICK: dict = {"connect_timeout": 4, "read_timeout": 6, "retries": {"total_max_attempts": 1}}
LONGEST = 8  # seconds for one try, even if single bytes still come
PAUSES = {"busy": [1, 2], "no-answer": [1]}  # seconds before each further try

PROVED = [  # by the first request
    "the server answers",
    "B2 knows the keyID, and the applicationKey belongs to it",
    "the bucket is there, and the key can list it",
]
MOST_LINES = 8  # of advice: more would not be read
SKIPPED_FOLDERS = ("venv", "env", "backups", "practice-bucket", "node_modules", "__pycache__")


def main():
    """Check everything and print what was found.

    Returns 0 when all is well, else 1; nothing at a prompt or in a notebook, which would show it.
    """
    code = _check_and_print()
    is_shown = hasattr(sys, "ps1") or not {"idlelib.run", "thonny"}.isdisjoint(sys.modules)
    return None if is_shown else code


def _check_and_print():
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")  # old consoles lack some characters
    settings: dict = {}
    try:
        check(settings)
        return 0
    except KeyboardInterrupt:
        _print("Stopped.")
    except Exception as error:
        problem = problem_of(error, settings) or explain_unknown(error)
        _print(cover(block(problem), settings))
    return 1


def check(settings):
    """Check step by step, and fill settings on the way; raise the first problem."""
    _print(f"Checking {b2_causes.HERE}")
    import b2_client  # only now: if boto3 is missing, the line above is printed first
    import boto3

    _ = b2_client.get_bucket  # is it whole?
    _report("ok", f"Python {sys.version.split()[0]}, boto3 {boto3.__version__}")
    settings.update(read_settings())
    _report("ok", "your settings can be read")
    for text in _list_variables():
        _report("warning", text)
    leaks = find_leaks(settings[KEYS[1]])
    if leaks:
        raise leaks[0]
    bucket_name = settings["B2_BUCKET_NAME"]
    endpoint = settings["B2_ENDPOINT"]
    if is_practice(settings):
        _try_changes(b2_client.get_client(), bucket_name, [])
        how = "close this terminal" if KEYS[0] in os.environ else "fill in both keys in .env"
        _print(f"\nPractice works. To use your own bucket, {how} (see README.md).")
        _show_contents(b2_client.get_client(), bucket_name, is_whole=True)
        return
    check_key_shapes(settings)
    key_id = short_key_id(settings[KEYS[0]])
    _report("ok", f"keyID, bucket, endpoint: {key_id}, {bucket_name}, {endpoint}")
    _report("ok", find_host(endpoint))
    client = connect_quickly(settings)
    names = _try_again(lambda: ask_bucket(client, settings))
    for text in PROVED:
        _report("ok", text)
    if _try_changes(client, bucket_name, names):
        _print(f"\nAll is well: your programs can use the bucket {bucket_name}.")
    else:
        _print(
            f"\nYour programs can read the bucket {bucket_name}, but not write to it. To write,"
            "\nadd a new key with the Type of Access Read and Write (README.md, step 4)."
        )
    _show_contents(client, bucket_name, is_whole=False)


def _list_variables():
    """Return a sentence about the settings that do not come from .env, in a list; or []."""
    names = b2_settings.list_overriding()
    if not names:
        return []
    return [
        f"Not from .env, but from your terminal: {', '.join(names)}."
        " To use .env, open a new terminal (in a notebook: restart the kernel)."
    ]


def _report(word, text):
    _print(f"  {word:8} {text}")


def _print(text):
    """Print, and ignore a closed pipe, as with `| head`."""
    try:
        print(text, flush=True)
    except (OSError, ValueError):
        sys.stdout = None


# Keys where others could see them.


def find_leaks(application_key=""):
    """Return a list of SetupError: one for each place where others could see a key.

    application_key: yours, if it is known; any other is recognised by its shape.
    """
    tracked = [os.fsdecode(name) for name in _ask_git("ls-files", "-z").split(b"\0") if name]
    leaks = [SetupError("env-in-git", file=name) for name in ENV_FILES if name in tracked]
    pattern = rf"(?<![A-Za-z0-9+/]){APPLICATION_KEY}(?![A-Za-z0-9+/])"
    if len(application_key) > 20:
        pattern += f"|{re.escape(application_key)}"
        history = _ask_git("log", "--all", "-p", "--", *ENV_FILES)
        if application_key.encode() in history and not leaks:
            leaks.append(SetupError("key-in-git-history"))
    for name in sorted({*tracked, *_find_programs(), ".env.example"} - set(ENV_FILES)):
        number = _find_line_with_key(b2_settings.HERE / name, pattern)
        if number:
            leaks.append(SetupError("key-in-code", file=name, number=number))
    return leaks


def _find_line_with_key(file, pattern):
    """Return the number of the first line in which the pattern is found, or 0."""
    if not file.is_file() or file.stat().st_size >= 1_000_000 or not os.access(file, os.R_OK):
        return 0
    text = file.read_bytes().decode("latin-1")
    found = re.search(pattern, text)
    return text.count("\n", 0, found.start()) + 1 if found else 0


def _ask_git(*words):
    """Return the bytes that git prints in the project's folder, or b"" without git."""
    git = shutil.which("git")
    here = b2_settings.HERE
    if git is None or not any((folder / ".git").exists() for folder in (here, *here.parents)):
        return b""
    try:
        done = subprocess.run(
            [git, *words],
            cwd=here,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return b""
    return done.stdout


def _find_programs():
    """Return the names of the Python files of the project, without installed packages."""
    names = []
    for folder, folders, files in os.walk(b2_settings.HERE):
        folders[:] = [name for name in folders if _is_searched(Path(folder, name))]
        here = Path(folder).relative_to(b2_settings.HERE)
        names += [(here / name).as_posix() for name in files if name.endswith(".py")]
    return names


def _is_searched(folder):
    """Tell whether a folder may have programs of yours: not a Python, and nothing hidden."""
    is_python = (folder / "pyvenv.cfg").is_file()
    return not is_python and folder.name not in SKIPPED_FOLDERS and folder.name[0] != "."


# The connection to B2, and the bucket.


def find_host(endpoint):
    """Look up the server's name; return what to say about it. SetupError if it is unknown."""
    import socket  # only here: these two take 20 ms, and most programs do not need them
    from urllib.request import getproxies, proxy_bypass

    address = urlsplit(endpoint)
    proxy = getproxies().get(address.scheme)
    if proxy and not proxy_bypass(address.hostname):  # then the proxy looks it up
        try:
            _ = urlsplit(proxy if "//" in proxy else f"//{proxy}").port
        except ValueError:
            raise explain_variable(PROXIES, "the part after the : is not a number") from None
        return "the connection to B2 goes through the proxy " + proxy.rpartition("@")[2]
    try:
        socket.getaddrinfo(address.hostname, address.port or 443)
    except OSError:
        raise explain_unknown_host(address.hostname) from None
    return f"there is a server called {address.hostname}"


def connect_quickly(settings):
    """Return a boto3 client that does not wait long."""
    from b2_client import CONFIG, Config, connect

    return connect(settings, CONFIG.merge(Config(**QUICK))).meta.client


def ask_bucket(client, settings):
    """Return a list with the first name in the bucket; raise the problem if there is one."""
    bucket_name = settings["B2_BUCKET_NAME"]
    try:
        listed = client.list_objects_v2(Bucket=bucket_name, MaxKeys=1)
    except client.exceptions.ClientError as error:
        if _name_problem(error) != "key-lacks-permission":
            raise
    else:
        return [found["Key"] for found in listed.get("Contents", [])]
    # Not entitled. Can the key use the bucket at all? A key from the console may ask that.
    try:
        client.head_bucket(Bucket=bucket_name)
    except client.exceptions.ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 403:
            raise
        raise SetupError("key-for-another-bucket", bucket=bucket_name) from None
    raise SetupError("key-limited-to-names", bucket=bucket_name)


def _try_again(call):
    """Return what the call returns; if B2 was busy or silent, try again."""
    tries = 0
    while True:
        try:
            return _in_time(call)
        except Exception as error:
            pauses = PAUSES.get(_name_problem(error), [])[tries:]
            if not pauses:
                raise
        time.sleep(pauses[0])
        tries += 1


def _in_time(call, *values, **named):
    """Return what the call returns, or give up: boto3 waits anew for each byte that comes."""
    ended = {}

    def run():
        try:
            ended["returned"] = call(*values, **named)
        except BaseException as error:
            ended["raised"] = error

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(LONGEST)
    if "raised" in ended:
        raise ended["raised"]
    if "returned" not in ended:
        raise SetupError("no-answer", host="The server")
    return ended["returned"]


def _try_if_allowed(action, call):
    """Return what the call returns, or None, with a warning, if the key may not do it."""
    try:
        return call()
    except Exception as error:
        if _name_problem(error) != "key-lacks-permission":
            raise
        _report("warning", f"the key is not allowed to {action}")
        return None


def _name_problem(error):
    """Return the id of the problem behind an exception, or None."""
    problem = problem_of(error, {})
    return problem and problem.problem


def _try_changes(client, bucket_name, names):
    """Save, read and delete one small file; return whether the key may write.

    names: files in the bucket; they are read if the key may not write.
    """
    where = {"Bucket": bucket_name, "Key": f"b2-starter-check-{uuid.uuid4()}.txt"}
    body = where["Key"].encode()
    put = _write(client, where, body)
    if put is None:
        for name in names:
            _read(client, {"Bucket": bucket_name, "Key": name})
        return False
    version = {"VersionId": put["VersionId"]} if "VersionId" in put else {}
    _report("ok", "saved a test file")
    try:
        if _read(client, where) not in (None, body[:1]):
            raise SetupError("not-b2", reason="it is not the text that was stored")
    except BaseException:
        with suppress(Exception):  # the first problem is the one to show
            _erase(client, {**where, **version})
        raise
    _erase(client, {**where, **version})
    return True


def _write(client, where, body):
    """Store the file once; return B2's answer, or None if the key may not write."""
    try:
        put = _try_if_allowed("write", lambda: _in_time(client.put_object, **where, Body=body))
        if put and "VersionId" not in put and client.meta.endpoint_url.startswith("https"):
            raise SetupError("not-b2", reason="it does not name the version that was stored")
    except BaseException as error:
        name = _name_problem(error)
        if name in ("busy", "no-answer", "not-b2", "unknown", None):
            with suppress(Exception):  # the first problem is the one to show
                _erase_all(client, where, may_come=name in ("no-answer", None))
        raise
    return put


def _read(client, where):
    """Return the first byte of a file, or None if the key may not read."""
    got = _try_if_allowed("read", lambda: _try_again(lambda: read_first_byte(client, where)))
    if got is not None:
        _report("ok", "read a file")
    return got


def read_first_byte(client, where):
    """Return the first byte of a file, b"" if it is empty; raise the problem if there is one."""
    try:
        return client.get_object(**where, Range="bytes=0-0")["Body"].read(1)
    except client.exceptions.ClientError as error:
        if error.response["Error"].get("Code") != "InvalidRange":
            raise
        return b""


def _erase(client, where):
    """Delete what was written, this version for good; if that fails, name it."""
    done = None
    try:
        done = _try_if_allowed("delete", lambda: _try_again(lambda: client.delete_object(**where)))
    finally:
        if done and done["ResponseMetadata"]["HTTPStatusCode"] == 204:
            _report("ok", "deleted the test file")
        else:
            _report("warning", f"the file {where['Key']} is still in the bucket")


def _erase_all(client, where, may_come):
    """Delete every version of a file that may have been stored; may_come: or be stored later."""
    versions = None
    try:
        prefix = {"Bucket": where["Bucket"], "Prefix": where["Key"]}
        versions = _in_time(client.list_object_versions, **prefix).get("Versions", [])
    finally:
        if versions is None or (may_come and not versions):
            _report("warning", f"the file {where['Key']} may still be in the bucket, or come later")
    for version in versions or []:
        _erase(client, {**where, "VersionId": version["VersionId"]})


# What is in the bucket.


def _show_contents(client, bucket_name, is_whole):
    """Print how much is in the bucket, but no names. If that cannot be counted, print nothing.

    is_whole: count everything; or else the first page of each list, which is one request.
    """
    with suppress(Exception):
        text, has_old = _in_time(describe_contents, client, bucket_name, is_whole)
        _print(f"In the bucket: {text}.")
        if has_old:
            _print("README.md says how to erase them for good, under Old versions.")


def describe_contents(client, bucket_name, is_whole):
    """Return the contents in words, and whether there are old versions or unfinished uploads."""
    listed = _list_pages(client, "list_object_versions", bucket_name, is_whole)
    versions = [version for page in listed for version in page.get("Versions", [])]
    files = [version for version in versions if version["IsLatest"]]
    old = [version for version in versions if not version["IsLatest"]]
    pages = _list_pages(client, "list_multipart_uploads", bucket_name, is_whole)
    uploads = [upload for page in pages for upload in page.get("Uploads", [])]
    parts = [
        f"{count_of(len(files), 'file')} ({format_size(sum(one['Size'] for one in files))})",
        f"{count_of(len(old), 'old version')} ({format_size(sum(one['Size'] for one in old))})",
        count_of(len(uploads), "unfinished upload"),
    ]
    start = "at least " if listed[-1]["IsTruncated"] or pages[-1]["IsTruncated"] else ""
    return start + ", ".join(parts), bool(old or uploads)


def _list_pages(client, operation, bucket_name, is_whole):
    pages = client.get_paginator(operation).paginate(Bucket=bucket_name)
    return list(pages) if is_whole else [next(iter(pages))]


# For a program that imports this file.


def explain(error, trace=None):
    """Return what to show in place of a traceback, or "" for Python's own traceback.

    A program whose framework shows errors in its own way, such as Flask, can call it.
    error: any exception. trace: its traceback, if it is another than error.__traceback__.
    """
    trace = trace or error.__traceback__
    settings: dict = {}
    problem = None
    try:
        problem = problem_of(error, {})
        if problem and problem is not error:
            settings.update(read_settings())
            problem = _look_closer(error, problem, settings)
        problem = problem or _explain_content(error)
    except Exception:
        pass  # then without the details
    if problem is None:  # Python's own way, unless there is a key in a line of the program
        shown = "".join(traceback.format_exception(type(error), error, trace))
        note = _suspect_content(error)
        return "" if not note and cover(shown, {}) == shown else cover(shown + note, {})
    text, lines = block(problem), []
    if problem.problem in OF_THE_PROGRAM:
        room = MOST_LINES - len(text.strip().splitlines()) - 1
        lines = list_lines_of_program(error, trace, max(room, 1))
    with suppress(Exception):  # one of your files may hide what this needs
        lines += _list_variables()
    return cover("\n".join([text, *lines]), settings)


def list_lines_of_program(error, trace, most):
    """Return the lines of the student's program that led to a problem, with a heading.

    most: how many; the last ones are the nearest to the problem.
    """
    lines = []
    for file, number, text in _list_steps(error, trace):
        folder, name = os.path.split(file)
        is_yours = os.path.realpath(folder) == b2_causes.HERE and name.endswith(".py")
        if "IPython" in sys.modules and text and not os.path.exists(file):
            is_yours, name = True, "a cell"
        line = f"    {name}, line {number}: {text}"
        if is_yours and not is_given(name) and line not in lines:
            lines.append(line)
    return ["In your program:", *lines[-most:]] if lines else []


def _list_steps(error, trace):
    """Return (file, line number, line) of each step; also of those in a process of a pool."""
    steps = [(step.filename, step.lineno, step.line) for step in traceback.extract_tb(trace)]
    if type(error.__cause__).__name__.endswith("RemoteTraceback"):  # of a pool: a text
        steps += re.findall(r'File "(.+)", line (\d+), in .*\n +(.+)', str(error.__cause__))
    return steps


def _look_closer(error, problem, settings):
    """Return the problem behind an error, after a look at .env."""
    if is_practice(settings):
        is_ours = "B2Names" in getattr(error, "response", {}).get("ResponseMetadata", {})
        if problem.problem in OF_A_CLIENT and not is_ours and not find_leaks():
            return SetupError("own-client-in-practice")
    elif problem.problem in ("no-network", "host-not-found"):
        try:
            check_key_shapes(settings)
        except SetupError as better:  # that can be corrected without a network
            return better
    return _ask_more(error, settings) if "b2_client" in sys.modules else problem


def _explain_content(error):
    """Return the problem if the object that was read last holds what the program cannot use."""
    name, content = LAST_READ.get("name"), LAST_READ.get("content")
    if content is None or not isinstance(error, (AttributeError, TypeError, ValueError)):
        return None
    text = content.decode(errors="replace")
    if LAST_READ.get("is_read_again") and getattr(error, "doc", None) == "":  # a JSONDecodeError
        return SetupError("read-twice", name=name)
    try:
        value = json.loads(text)
    except ValueError:
        # of a JSONDecodeError, of a UnicodeDecodeError
        is_about_it = text == getattr(error, "doc", None) or content == getattr(error, "object", 0)
    else:
        kind = type(value).__name__
        is_about_it = f"'{kind}'" in str(error) or str(error).startswith(f"{kind} ")
        near_names = difflib.get_close_matches(str(getattr(error, "name", "")), dir(value))
        if kind == "list" or near_names:  # then it is rather the line that is wrong
            return None
    if not is_about_it:
        return None
    stop = f"{type(error).__name__}: {cut_short(str(error))}"
    content = shorten(text, 40, placeholder=" ...") or "nothing"
    do = (
        "Look at your line first. If it is right, an earlier try saved that: delete it.\n"
        f"    bucket.Object({name!r}).delete()"
    )
    if name in WRITTEN:
        do = "Your program itself has just saved that: look at the lines that save it."
    return SetupError("object-not-usable", stop=stop, name=name, content=content, do=do)


def _suspect_content(error):
    """Return a note if values of two types met, and one may come from a file in the bucket."""
    words = "between instances|unsupported operand|can't multiply"
    name = LAST_READ.get("name")
    types = re.findall(r"'(\w+)'", str(error))
    is_about_types = isinstance(error, TypeError) and re.search(words, str(error))
    is_json = LAST_READ.get("content", b"")[:1] in (b"[", b"{")
    is_about_json = isinstance(error, KeyError) and is_json
    if not name or not (is_about_types or is_about_json):
        return ""
    if len(types) > 1 and types[-1] == types[-2]:  # two dictionaries
        return ""
    return (
        f"\nThe last file that it read from the bucket is {name}. If your program is"
        " right,\nan earlier try may have saved a value of another type there: look into it.\n"
    )


def _ask_more(error, settings):
    """Return the problem behind an error; if it may have several causes, ask B2 which one."""
    problem = problem_of(error, settings)
    if problem.details.get("code") not in ("403", "404", "AccessDenied", "NoSuchBucket"):
        return problem
    client = connect_quickly(settings)
    bucket_name = settings["B2_BUCKET_NAME"]
    try:
        for name in _in_time(ask_bucket, client, settings):
            _in_time(read_first_byte, client, {"Bucket": bucket_name, "Key": name})
    except Exception as better:
        return problem_of(better, settings) or problem
    if problem.problem == "bucket-not-found":  # then the program names another one
        return SetupError("other-bucket-not-found", bucket=bucket_name)
    return problem


if __name__ == "__main__":
    exit_code = main()
    hold_window()
    raise SystemExit(exit_code)
else:
    b2_causes.install(explain)  # instead of the simple explanations above
