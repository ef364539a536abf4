"""import check_setup: a program's failure is explained, whatever else the student has written.

Each program runs in its own process, against B2's double over http on 127.0.0.1.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import b2_answers
import pytest
from b2_double import READ_ONLY, B2Double, Key
from b2_server import serve
from conftest import (
    APPLICATION_KEY,
    INSIDE,
    KEY_ID,
    OTHER_SECRET,
    STARTER,
    Project,
    Run,
    clean_environment,
    some_thorough,
)

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

BUCKET = "ada-photos"


@dataclass
class Desk:
    """A student's project, and the server it leads to."""

    project: Project
    double: B2Double
    endpoint: str

    def run(self, program: str, **settings: str) -> Run:
        values = {
            "B2_APPLICATION_KEY_ID": KEY_ID,
            "B2_APPLICATION_KEY": APPLICATION_KEY,
            "B2_BUCKET_NAME": BUCKET,
            "B2_ENDPOINT": self.endpoint,
            **settings,
        }
        text = "".join(f"{name}={value}\n" for name, value in values.items())
        self.project.write(".env", text)
        self.project.write("main.py", program)
        done = self.project.python("main.py")
        assert APPLICATION_KEY not in done.printed
        assert OTHER_SECRET not in done.printed
        assert KEY_ID not in done.err  # it may be in .out: a printed link contains it
        return done


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    folder = tmp_path / "project"
    folder.mkdir()
    files = [*STARTER.glob("*.py"), *INSIDE.glob("*.py")]
    for file in files:  # side by side, as in an online editor
        shutil.copy(file, folder)
    shutil.copytree(INSIDE / "b2_practice", folder / "b2_practice")
    double = B2Double(buckets=[BUCKET])
    with serve(double) as port:
        yield Desk(Project(folder), double, f"http://127.0.0.1:{port}")


STARTED = (STARTER / "_starter" / "hello-bucket" / "main.py").read_text(encoding="utf-8")
USES_BUCKET = """\
import check_setup
from b2_client import get_bucket
bucket = get_bucket()
bucket.put_object(Key='a.txt', Body=b'a')
{line}
"""
# As OYOclass' page teaches it; only one line is ours.
REWRITTEN = """\
import boto3
import check_setup

s3 = boto3.resource('s3',
endpoint_url = '{endpoint}',
aws_access_key_id = '{key_id}',
aws_secret_access_key = '{key}')

s3.Bucket('ada-photos').put_object(
    Key='example.txt',
    Body='this is an example text document'
)
"""


def problems(done: Run) -> list[str]:
    return re.findall(r"PROBLEM \[([a-z0-9-]+)\]", done.err)


def test_all_is_well(desk: Desk):
    done = desk.run(STARTED)

    assert (done.code, done.err) == (0, "")
    assert "Saved hello-1.txt" in done.out


def test_the_starter_explains_a_wrong_key(desk: Desk):
    done = desk.run(STARTED, B2_APPLICATION_KEY=OTHER_SECRET)

    assert (done.code, problems(done)) == (1, ["application-key-wrong"])
    assert "Traceback" not in done.err
    assert "In your program" not in done.err, "the mistake is in .env"


@pytest.mark.parametrize(
    ("line", "problem"),
    some_thorough(
        [
            ("bucket.Object('b.txt').get()", "no-such-object"),
            ("bucket.download_file('b.txt', 'b.txt')", "no-such-object"),
            ("bucket.Object('b.txt').load()", "no-such-object"),
            ("bucket.put_object(Key='b', Body=b'', ACL='public-read')", "not-on-b2"),
            ("bucket.put_object(Key='b', Body=b'', IfNoneMatch='*')", "not-on-b2"),
            ("bucket.put_object(Key='tab\\t', Body=b'')", "object-name-impossible"),
            ("bucket.put_object(key='b', Body=b'')", "call-misspelt"),
            ("__import__('boto3').client('s3', region_name='x').list_buckets()", "no-keys-given"),
            ("bucket.meta.client.list_objects_v2(Bucket='other')", "other-bucket-not-found"),
        ],
        every_day=2,
    ),
)
def test_what_a_program_asks_for(desk: Desk, line: str, problem: str):
    done = desk.run(USES_BUCKET.format(line=line))

    assert (done.code, problems(done)) == (1, [problem])
    assert f"In your program:\n    main.py, line 5: {line}" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("line", "advice"),
    some_thorough(
        [
            ("bucket.put_object(key='b', Body=b'')", "Did you mean Key?"),
            (
                "bucket.Object('b').copy_from(CopySource='a.txt')",
                "Write CopySource={'Bucket': bucket",
            ),
            ("bucket.put_object('b', b'')", "Write a name before each value: Key=..., Body=..."),
            ("bucket.put_object(Key='b', Body=['b'])", "Body may not be a list; it takes: bytes,"),
            ("bucket.put_object(Key='b', Body=5)", "Body may not be an int; it takes: bytes,"),
        ],
        every_day=1,
    ),
)
def test_a_call_that_boto3_refuses(desk: Desk, line: str, advice: str):
    done = desk.run(USES_BUCKET.format(line=line))

    assert problems(done) == ["call-misspelt"]
    assert advice in " ".join(done.err.split())


@pytest.mark.parametrize(
    "line",
    some_thorough(
        [
            "bucket.Object('a.txt').get()",
            "bucket.Object('a.txt').load()",
            "bucket.download_file('a.txt', 'a.txt')",
        ],
        every_day=1,
    ),
)
def test_a_cap_is_named_even_if_b2_gives_no_reason(desk: Desk, line: str):
    desk.double.fault = b2_answers.download_cap()

    assert problems(desk.run(USES_BUCKET.format(line=line))) == ["daily-cap"]


@pytest.mark.parametrize(
    "line",
    some_thorough(
        [
            "bucket.put_object(Key='a', Body=b'')",
            "bucket.upload_file('main.py', 'main.py')",
        ],
        every_day=1,
    ),
)
def test_a_read_only_key(desk: Desk, line: str):
    desk.double.keys = {KEY_ID: Key(KEY_ID, APPLICATION_KEY, capabilities=READ_ONLY)}
    done = desk.run(
        USES_BUCKET.replace("bucket.put_object(Key='a.txt', Body=b'a')\n", "").format(line=line)
    )

    assert problems(done) == ["key-lacks-permission"]
    assert "Your program is not allowed to write there." in done.err


@pytest.mark.thorough
def test_a_key_for_another_bucket(desk: Desk):
    desk.double.keys = {KEY_ID: Key(KEY_ID, APPLICATION_KEY, buckets=("other-bucket",))}

    assert problems(desk.run(STARTED)) == ["key-for-another-bucket"]


@pytest.mark.thorough
def test_a_failed_upload_shows_its_cause(desk: Desk):
    done = desk.run(
        USES_BUCKET.format(line="bucket.upload_file('main.py', 'main.py')"),
        B2_BUCKET_NAME="ada-fotos",
    )

    assert problems(done) == ["bucket-not-found"]
    assert "In your program" not in done.err, "the mistake is in .env"


@pytest.mark.parametrize(
    ("changes", "problem"),
    some_thorough(
        [
            ({}, None),
            ({"key": OTHER_SECRET}, "application-key-wrong"),
            ({"key_id": "my-key"}, "key-unknown"),
            ({"key_id": "005" + "f" * 22}, "key-unknown"),
            ({"endpoint": "s3.us-east-005.backblazeb2.com"}, "no-keys-given"),
            ({"endpoint": "http://127.0.0.1:9"}, "connection-refused"),
        ],
        every_day=2,
    ),
)
def test_a_program_rewritten_from_scratch(desk: Desk, changes: dict[str, str], problem: str | None):
    values = {"endpoint": desk.endpoint, "key_id": KEY_ID, "key": APPLICATION_KEY, **changes}

    done = desk.run(REWRITTEN.format(**values))

    assert problems(done) == ([problem] if problem else [])
    assert ("Traceback" in done.err) is False


@pytest.mark.parametrize(
    ("line", "said"),
    some_thorough(
        [
            ("1 / 0", "ZeroDivisionError"),
            ("open('missing.txt')", "FileNotFoundError"),
            ("try:\n    bucket.Object('b').get()\nexcept Exception:\n    nmae", "NameError"),
            ("import urllib.request\nurllib.request.urlopen('http://127.0.0.1:9')", "URLError"),
        ],
        every_day=1,
    ),
)
def test_a_mistake_that_has_nothing_to_do_with_b2_is_left_to_python(
    desk: Desk, line: str, said: str
):
    done = desk.run(USES_BUCKET.format(line=line))

    assert done.code == 1
    assert said in done.err
    assert "Traceback" in done.err
    assert problems(done) == []


def test_a_file_that_hides_a_package(desk: Desk):
    desk.project.write("boto3.py", "import boto3\ns3 = boto3.resource('s3')\n")

    done = desk.run(STARTED)

    assert problems(done) == ["file-hides-package"]
    assert "Rename boto3.py, for example to my_boto3.py." in done.err


HIDING = ["random", "string", "datetime", "email", "socket", "json", "uuid", "calendar"]
HIDING += ["types", "math", "textwrap"]


@pytest.mark.parametrize("name", some_thorough(HIDING, every_day=["random"]))
@pytest.mark.parametrize("practice", [False, True])
def test_a_students_file_with_the_name_of_a_module(desk: Desk, name: str, practice: bool):
    desk.project.write(f"{name}.py", "print('hello')\n")
    keys = dict.fromkeys(["B2_APPLICATION_KEY_ID", "B2_APPLICATION_KEY"], "") if practice else {}

    done = desk.run(STARTED, **keys)

    assert problems(done) in ([], ["file-hides-package"])
    assert "Traceback" not in done.err
    if done.code:
        assert f"Rename {name}.py, for example to my_{name}.py." in done.err


@pytest.mark.parametrize(
    "name", some_thorough(["copy", "random", "email", "json", "boto3"], every_day=["copy"])
)
def test_a_students_file_with_the_name_of_a_module_that_uses_the_bucket(desk: Desk, name: str):
    """b2_client.py imports it in the middle of its own import, so get_bucket is not there yet."""
    desk.project.write(f"{name}.py", STARTED)

    done = desk.run(STARTED)

    assert problems(done) in ([], ["file-hides-package"])
    assert "Traceback" not in done.err
    if done.code:
        assert f"Rename {name}.py, for example to my_{name}.py." in done.err


def test_a_file_to_upload_that_is_not_there(desk: Desk):
    done = desk.run(USES_BUCKET.format(line="bucket.upload_file('hoilday.jpg', 'a.jpg')"))

    assert problems(done) == ["file-not-found"]
    assert "hoilday.jpg" in done.err
    lines = done.err.partition("In your program:\n")[2].splitlines()
    assert lines == ["    main.py, line 5: bucket.upload_file('hoilday.jpg', 'a.jpg')"]


def test_pythons_own_words_for_another_file_that_is_not_there(desk: Desk):
    done = desk.run(USES_BUCKET.format(line="open('hoilday.jpg')"))

    assert problems(done) == []
    assert "FileNotFoundError" in done.err


@pytest.mark.thorough
def test_a_failure_in_a_thread(desk: Desk):
    done = desk.run(
        USES_BUCKET.format(
            line="import threading\nthreading.Thread(target=bucket.Object('b').load).start()"
        )
    )

    assert problems(done) == ["no-such-object"]


@pytest.mark.thorough
def test_threads_with_the_same_problem_show_it_once(desk: Desk):
    start = "for number in range(3): threading.Thread(target=bucket.Object('b').load).start()"
    done = desk.run(USES_BUCKET.format(line=f"import threading\n{start}"))

    assert problems(done) == ["no-such-object"]
    assert done.err.count("The same in Thread-") == 2


def test_pythons_own_words_for_a_thread(desk: Desk):
    program = "import check_setup, threading\nthreading.Thread(target=lambda: 1 / 0).start()\n"

    done = desk.run(program)

    assert "Exception in thread Thread-1 (<lambda>):" in done.err
    assert "ZeroDivisionError" in done.err


@pytest.mark.thorough
def test_a_thread_that_ends_itself_says_nothing(desk: Desk):
    done = desk.run(
        "import sys, threading\nimport check_setup\nthreading.Thread(target=sys.exit).start()\n"
    )

    assert (done.code, done.err) == (0, "")


def test_a_key_in_a_line_of_a_program_is_covered_in_pythons_own_traceback(desk: Desk):
    done = desk.run(f"import check_setup\nkey = int('{OTHER_SECRET}')\n")

    assert "ValueError" in done.err
    assert OTHER_SECRET not in done.err


@pytest.mark.thorough
def test_another_key_in_the_program_is_not_mistaken_for_the_one_in_env(desk: Desk):
    done = desk.run(REWRITTEN.format(endpoint=desk.endpoint, key_id="005" + "f" * 22, key="x"))

    assert "B2 does not know this keyID at this endpoint." in done.err


@pytest.mark.thorough
@pytest.mark.skipif(sys.platform == "win32", reason="pipes end differently on Windows")
@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(lines, marks=[] if lines in (0, 4) else [pytest.mark.thorough])
        for lines in range(9)
    ],
)
def test_check_setup_ignores_a_closed_pipe(desk: Desk, lines: int):
    desk.run("")
    for unbuffered in ("", "1"):
        running = subprocess.Popen(
            [sys.executable, "check_setup.py"],
            cwd=desk.project.path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**clean_environment(), "PYTHONUNBUFFERED": unbuffered},
        )
        assert running.stdout
        assert running.stderr
        for _ in range(lines):
            running.stdout.readline()
        running.stdout.close()
        said = running.stderr.read().decode()
        running.stderr.close()

        assert running.wait() == 0
        assert said == ""
        assert desk.double.versions(BUCKET) == []


@pytest.mark.thorough
def test_check_setup_on_a_full_disk_and_an_old_console(desk: Desk):
    desk.run("")
    if Path("/dev/full").exists():
        with open("/dev/full", "wb") as full:
            done = subprocess.run(
                [sys.executable, "check_setup.py"],
                cwd=desk.project.path,
                stdout=full,
                env=clean_environment(),
                check=False,
            )
        assert done.returncode == 0
    for encoding in ("ascii", "cp437"):
        assert desk.project.python("check_setup.py", env={"PYTHONIOENCODING": encoding}).code == 0


@pytest.mark.thorough
def test_two_ctrl_c_in_the_middle_of_a_write_still_name_what_may_be_left(desk: Desk):
    done = desk.run("""
import b2_client, check_setup
client = check_setup.connect_quickly(b2_client.read_settings())
def stop(**_):
    raise KeyboardInterrupt
client.meta.events.register("after-call.s3.PutObject", stop)
client.meta.events.register("before-call.s3.ListObjectVersions", stop)
check_setup._try_changes(client, "ada-photos", [])
""")

    left = [name for name, _ in desk.double.versions(BUCKET)]
    assert done.code != 0
    assert f"the file {left[0]} may still be in the bucket" in done.out


def test_python_too_old(desk: Desk):
    """This Python pretends to be an old one."""
    done = desk.project.python(
        "-c",
        "import sys\nsys.version_info = (3, 9, 1)\n"
        "sys.version = '3.9.1 (default)'\nimport check_setup",
    )

    assert (done.code, done.err) == (1, "")
    assert "PROBLEM [python-too-old]\nThis is Python 3.9.1.\n" in done.out


def test_the_program_asks_b2_nothing_that_b2_refuses(desk: Desk):
    desk.run(STARTED)
    desk.run(
        "import check_setup\ncheck_setup.main()\n"
        + USES_BUCKET.format(
            line="bucket.upload_file('main.py', 'm.py')\nbucket.download_file('m.py', 'n.py')"
        )
    )

    assert len(desk.double.seen) > 8
    for seen in desk.double.seen:
        names = " ".join([*seen.headers, *seen.query])
        assert not re.search("acl|tagging|if-none-match|if-match|checksum|trailer", names)
        assert " b2-starter/" in seen.headers["user-agent"]


PRACTICE = {"B2_APPLICATION_KEY_ID": "", "B2_APPLICATION_KEY": ""}
OWN_CLIENT = """\
import boto3
import check_setup
from dotenv import dotenv_values
env = dotenv_values()
s3 = boto3.client(
    's3',
    endpoint_url=env['B2_ENDPOINT'],
    aws_access_key_id=env['B2_APPLICATION_KEY_ID'],
    aws_secret_access_key=env['B2_APPLICATION_KEY'],
)
s3.list_buckets()
"""


def test_a_client_of_ones_own_with_empty_keys(desk: Desk):
    done = desk.run(OWN_CLIENT, **PRACTICE)

    assert problems(done) == ["own-client-in-practice"]
    assert "main.py, line 11: s3.list_buckets()" in done.err


def test_a_client_of_ones_own_with_keys_in_the_program(desk: Desk):
    """Then it is these keys that are wrong, and not that .env has none."""
    program = REWRITTEN.format(endpoint=desk.endpoint, key_id=KEY_ID, key=OTHER_SECRET)

    assert problems(desk.run(program, **PRACTICE)) == ["application-key-wrong"]


def test_an_error_of_python_that_s3fs_made_of_one_of_boto3(desk: Desk):
    """fsspec docs, s3fs, errors.py: translate_boto_error() raises it from that of boto3."""
    line = (
        "try:\n    bucket.Object('b.txt').get()\n"
        "except Exception as error:\n    raise FileNotFoundError('b.txt') from error"
    )

    assert problems(desk.run(USES_BUCKET.format(line=line))) == ["no-such-object"]


def test_a_name_in_the_brackets(desk: Desk):
    done = desk.run("import check_setup\nfrom b2_client import get_bucket\nget_bucket('photos')\n")

    assert problems(done) == ["brackets-not-empty"]
    assert "main.py, line 3: get_bucket('photos')" in done.err


def test_brackets_that_are_missing(desk: Desk):
    program = "import check_setup\nfrom b2_client import get_bucket\nget_bucket.objects.all()\n"
    done = desk.run(program)

    assert problems(done) == ["brackets-missing"]
    assert "Write get_bucket()." in done.err


def test_without_a_network_the_shape_of_a_key_comes_first(desk: Desk):
    """The name is one that nobody has; a lookup that fails is what being offline looks like."""
    program = USES_BUCKET.format(line="")
    address = {"B2_ENDPOINT": "https://s3.us-east-005.backblazeb2.com"}
    cut = {**address, "B2_APPLICATION_KEY": APPLICATION_KEY[:-2]}

    assert problems(desk.run(program, **cut)) == ["key-incomplete"]
    assert problems(desk.run(program, **address)) == ["no-network"]


LOADED = "from dotenv import load_dotenv\nload_dotenv()\n"


def test_load_dotenv_makes_no_difference(desk: Desk):
    """It puts the lines of .env into the variables of the program."""
    done = desk.run(LOADED + USES_BUCKET.format(line=""), B2_APPLICATION_KEY="")

    assert problems(done) == ["value-missing"]
    assert "B2_APPLICATION_KEY is empty in .env." in done.err
    assert "terminal" not in done.err


def test_a_variable_that_differs_from_env_is_named(desk: Desk):
    change = "import os\nos.environ['B2_BUCKET_NAME'] = 'of-last-week'\n"
    done = desk.run(LOADED + change + USES_BUCKET.format(line=""))

    said = " ".join(done.err.split())
    assert "Not from .env, but from your terminal: B2_BUCKET_NAME." in said
    assert "open a new terminal (in a notebook: restart the kernel)" in said


READS = """\
import json
import check_setup
from b2_client import get_bucket
bucket = get_bucket()
book = json.loads(bucket.Object('book.json').get()['Body'].read())
{line}
"""


def run_with_book(desk: Desk, content: bytes, line: str) -> Run:
    """Run a line of a program that reads what an earlier one has saved in book.json."""
    (desk.project.path / "practice-bucket").mkdir()
    (desk.project.path / "practice-bucket" / "book.json").write_bytes(content)
    return desk.run(READS.format(line=line), **PRACTICE)


def test_what_the_program_itself_has_just_saved_is_its_own(desk: Desk):
    save = "bucket.put_object(Key='book.json', Body=b'null')\nbook ="
    done = desk.run(READS.replace("book =", save).format(line="len(book)"), **PRACTICE)

    assert problems(done) == ["object-not-usable"]
    assert "Your program itself has just saved that" in done.err
    assert "delete" not in done.err


@pytest.mark.parametrize(
    ("content", "line", "explained"),
    some_thorough(
        [
            (b"null", "book.append('Ada')", True),
            (b"null", "len(book)", True),
            (b"{half", "book.append('Ada')", True),
            (b"", "book.append('Ada')", True),
            (b"caf\xe9 \xff", "pass", True),
            (b'{"a": 1}', "book.append('Ada')", True),
            (b"null", "book['Ada']", True),
            (b"[]", "book.apend('Ada')", False),
            (b'{"a": 1}', "book.iteems()", False),
            (b"[1]", "1 / 0", False),
            (b"[]", "book.append(nobody)", False),
        ],
        every_day=3,
    ),
)
def test_an_object_that_an_earlier_try_has_saved(
    desk: Desk, content: bytes, line: str, explained: bool
):
    done = run_with_book(desk, content, line)

    assert problems(done) == (["object-not-usable"] if explained else [])
    assert ("Traceback" in done.err) is not explained
    if explained:
        said = " ".join(done.err.split())
        assert f"book.json, holds: {content.decode(errors='replace') or 'nothing'}" in said
        assert "bucket.Object('book.json').delete()" in said
        assert "main.py, line" in said
        assert len(done.err.strip().splitlines()) <= 8


@pytest.mark.parametrize(
    "line", ["book.append('Ada')", "bucket.put_object(key='a')"], ids=["the file", "the call"]
)
def test_advice_has_at_most_eight_lines(desk: Desk, line: str):
    """However many functions have called each other, the line with the problem is shown."""
    functions = "".join(f"def step_{number}():\n    step_{number + 1}()\n\n" for number in range(5))
    program = f"{functions}def step_5():\n    {line}\n\nstep_0()"
    done = run_with_book(desk, b"null", program)

    assert len(problems(done)) == 1
    assert f": {line}" in done.err.splitlines()[-1]
    assert len(done.err.strip().splitlines()) <= 8


@pytest.mark.parametrize(
    ("content", "line", "error"),
    [
        (b'["4"]', "print(sorted([*book, 5]))", "TypeError: '<' not supported"),
        (b'[{"name": "Ada"}]', "print(book[0]['stars'])", "KeyError: 'stars'"),
    ],
)
def test_a_value_of_another_type_may_come_from_the_bucket(
    desk: Desk, content: bytes, line: str, error: str
):
    done = run_with_book(desk, content, line)

    assert error in done.err
    assert "The last file that it read from the bucket is book.json." in done.err


def test_a_mistake_in_another_process_is_explained(desk: Desk):
    """The pool's own process makes a text of the traceback."""
    program = (
        "import check_setup, multiprocessing\nfrom b2_client import get_bucket\n"
        "def work(number):\n    get_bucket().put_object(key='a', Body=b'a')\n"
        "if __name__ == '__main__':\n    multiprocessing.Pool(2).map(work, range(2))\n"
    )
    done = desk.run(program, **PRACTICE)

    assert problems(done) == ["call-misspelt"]
    assert "main.py, line 4: get_bucket().put_object(key='a', Body=b'a')" in done.err
