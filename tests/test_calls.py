"""What b2_errors.py says of wrong calls to boto3, and of the wrong use of what it returned.

One program, in practice, makes all the mistakes; each is a line that somebody may well write.
"""

from __future__ import annotations

import json

import pytest
from conftest import Project, copy_given_files
from practising import ENV

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

MISTAKES = [  # the line, the problem, and words of the advice
    # After a dot.
    ("bucket.put_objects(Key='a', Body=b'')", "call-misspelt", "Did you mean put_object?"),
    ("bucket.upload('main.py')", "call-misspelt", "Did you mean upload_file?"),
    ("bucket.object('a.txt')", "call-misspelt", "Did you mean Object?"),
    ("bucket.objects.All()", "call-misspelt", "Did you mean all?"),
    ("bucket.meta.client.get_objects()", "call-misspelt", "Did you mean get_object?"),
    ("bucket.get_object(Key='a.txt')", "call-misspelt", "write bucket.meta.client.get_object"),
    ("bucket.list_buckets()", "call-misspelt", "write bucket.meta.client.list_buckets"),
    ("bucket.exceptions.NoSuchKey", "call-misspelt", "write bucket.meta.client.exceptions"),
    ("bucket.meta.client.Object('b', 'a')", "call-misspelt", "Use get_bucket():"),
    ("bucket.meta.client.Bucket('b')", "call-misspelt", "Use get_bucket():"),
    ("bucket.Object('a.txt').exists()", "call-misspelt", "Compare the call"),
    ("bucket.Object('a.txt').get().ETag", "call-misspelt", "Write answer['ETag']."),
    ("bucket.Object('a.txt').get()['Content']", "call-misspelt", "Compare the call"),
    ("bucket.Object('a.txt').get()['Body'].write('x')", "call-misspelt", "Add .read()"),
    ("bucket.Object('a.txt').get()['Body'].read(encoding='utf8')", "call-misspelt", ".decode()"),
    ("for obj in bucket.objects.all(): obj.name", "call-misspelt", "It is called key."),
    ("for obj in bucket.objects.all(): obj['Key']", "call-misspelt", "Its name is obj.key"),
    ("bucket.generate_presigned_url('get_object')", "call-misspelt", "write bucket.meta.client.g"),
    ("bucket.Object('a.txt').read()", "call-misspelt", ".get()['Body'].read()"),
    ("bucket.Object('a.txt').size", "call-misspelt", "It is called content_length."),
    ("bucket.Object('a.txt').qqq", "call-misspelt", "Compare the call"),
    ("bucket.Object('a.txt').get().read()", "call-misspelt", "answer['Body']"),
    ("bucket.Object('a.txt').get()['Body'].decode()", "call-misspelt", "Add .read()"),
    # In brackets, or without them.
    ("bucket.objects.all.key", "brackets-missing", "Write all()."),
    ("for obj in bucket.objects.all: pass", "brackets-missing", "Write all()."),
    ("bucket.Object('a.txt').get['Body']", "brackets-missing", "Write get()."),
    ("json.loads(bucket.Object('a.txt').get()['Body'].read)", "brackets-missing", "Write read()."),
    ("bucket.Object('a.txt').get('Body')", "call-misspelt", "Write .get()['Body']."),
    ("bucket.meta.client.get_object(bucket.name, 'a')", "call-misspelt", "Write a name before"),
    ("'a.txt' in bucket", "call-misspelt", "All files are bucket.objects.all()."),
    ("len(bucket)", "call-misspelt", "All files are bucket.objects.all()."),
    ("for obj in bucket.objects: pass", "call-misspelt", "bucket.objects.all()"),
    ("bucket.objects[0]", "call-misspelt", "bucket.objects.all()"),
    ("len(bucket.objects.all())", "call-misspelt", "Go through them with for."),
    ("bucket.objects('a.txt')", "call-misspelt", "bucket.objects.all()"),
    ("bucket['a.txt']", "call-misspelt", "bucket.Object('a.txt')"),
    ("bucket.Object('a.txt')['Body']", "call-misspelt", ".get()['Body'].read()"),
    ("bucket.Object('a.txt').get()['body']", "call-misspelt", "Did you mean Body?"),
    ("bucket.objects.filter('photos/')", "call-misspelt", "filter(Prefix='photos/')"),
    ("json.loads(bucket.Object('a.txt').get()['Body'])", "call-misspelt", "Add .read()"),
    ("bucket.upload_file('main.py')", "call-misspelt", "a file, then its name in the bucket"),
    ("bucket.download_file('a.txt')", "call-misspelt", "a name in the bucket, then a file"),
    ("bucket.Object('a').download_file()", "call-misspelt", "one value: the name of a file on"),
    ("bucket.Object('a').upload_file('main.py', 'a')", "call-misspelt", "one value too many?"),
    ("bucket.Object('a.txt').download_file('b', 'b')", "call-misspelt", "one value too many?"),
    ("bucket.meta.client.upload_file('main.py', 'a')", "call-misspelt", "needs three: a file, b"),
    ("bucket.meta.client.download_file('a', 'b')", "call-misspelt", "needs three: bucket.name"),
    ("bucket.upload_file('main.py', key='a')", "call-misspelt", "Did you mean Key?"),
    ("bucket.upload_file('main.py', 'a', ContentType='a/b')", "call-misspelt", "ExtraArgs={"),
    (
        "bucket.upload_file('main.py', 'a', ExtraArgs={'contenttype': 'a/b'})",
        "call-misspelt",
        "Did you mean ContentType?",
    ),
    ("bucket.upload_file('main.py', 'a', 'text/plain')", "call-misspelt", "no attribute 'copy'."),
    ("bucket.copy('a.txt', 'b.txt')", "call-misspelt", "Expecting dictionary"),
    ("bucket.copy({'Key': 'a.txt'}, 'b.txt')", "call-misspelt", "expected string"),
    ("bucket.meta.client.list_objects_v2(Bucket=bucket)", "call-misspelt", "expected string"),
    ("bucket.meta.client.get_paginator('list')", "call-misspelt", "'list'."),
    ("bucket.meta.client.generate_presigned_url('getobject')", "call-misspelt", "getobject"),
    (
        "bucket.meta.client.generate_presigned_url('get_object', Key='a')",
        "call-misspelt",
        "Write it in Params:",
    ),
    (
        "bucket.meta.client.generate_presigned_url('get_object', Params={}, Expiresin=6)",
        "call-misspelt",
        "Did you mean ExpiresIn?",
    ),
    (
        "bucket.meta.client.generate_presigned_url('get_object',"
        " Params={'Bucket': bucket, 'Key': 'a'})",
        "call-misspelt",
        "expected string",
    ),
    ("json.dumps(list(bucket.objects.all()))", "call-misspelt", "such as obj.key"),
    ("json.dumps(bucket.Object('a.txt').get()['Body'].read())", "call-misspelt", "Add .decode()"),
    ("json.dumps(bucket.Object('a.txt').last_modified)", "call-misspelt", "JSON has no dates."),
    ("bucket.put_object(Key='a', Body=open('a.png', encoding='utf-8'))", "bytes-needed", "'rb'"),
    ("bucket.Object(None).get()", "call-misspelt", "Required parameter key not set."),
    ("import boto3; boto3.client('S3')", "call-misspelt", "Use get_client()"),
    # What is read, and what is not found.
    (
        "answer = bucket.Object('a.txt').get(); answer['Body'].read();"
        " json.loads(answer['Body'].read())",
        "read-twice",
        "can be read only once",
    ),
    (
        "try:\n    bucket.Object('no').get()\nexcept NoSuchKey:\n    pass",
        "exception-not-known",
        "except bucket.meta.client.exceptions.NoSuchKey:",
    ),
    *[
        (line, "decode-missing", "Add .decode() after .read()")
        for line in (
            "bucket.Object('a.txt').get()['Body'].read() + ' world'",
            "'hello' + bucket.Object('a.txt').get()['Body'].read()",
            "bucket.Object('a.txt').get()['Body'].read().split(',')",
            "'l' in bucket.Object('a.txt').get()['Body'].read()",
            "open('b.txt', 'w').write(bucket.Object('a.txt').get()['Body'].read())",
            "bucket.Object('a.txt').get()['Body'].read()['name']",
        )
    ],
    ("from b2_client import get_buckets", "import-misspelt", "Did you mean get_bucket?"),
    ("import b2client", "import-misspelt", "Did you mean b2_client?"),
    ("import Boto3", "import-misspelt", "Did you mean boto3?"),
    *[
        (
            f"try:\n    bucket.Object('no').get()\nexcept {wrong}:\n    pass",
            "exception-not-known",
            "except bucket.meta.client.exceptions.NoSuchKey:",
        )
        for wrong in ("client.exceptions.NoSuchKey", "'NoSuchKey'", "bucket.exceptions.NoSuchKey")
    ],
    (
        "try:\n    bucket.Object('no').get()\nexcept ClientError:\n    pass",
        "exception-not-known",
        "from botocore.exceptions import ClientError",
    ),
]
OF_ANOTHER_KIND = [
    "bucket.Object('a.txt').get()['Body'].read(); json.loads('')",
    "own = {'a': 1}\nown.get['a']",
    "try:\n    bucket.Object('no').get()\nexcept Exception:\n    1 / 0",
    "sorted([{}, {}])",
    "import qqq",
    "raise KeyError",
    "1 / 0",
    "{'body': 1}['Body']",
    "{}.get('a')['body']",
    "[].qqq",
    "print(qqq)",
    "json.loads('')",
    "json.qqq",
    "len(json.loads)",
    "def upload_file(): pass\nupload_file('a')",
    "def show(done): done.qqq\nbucket.upload_file('main.py', 'a', Callback=show)",
    "try:\n    1 / 0\nexcept NoSuchKey:\n    pass",
]
START = """\
import json
import check_setup
from b2_client import get_bucket
bucket = get_bucket()
bucket.put_object(Key='a.txt', Body=b'hello')
with open('a.png', 'wb') as file:
    file.write(bytes(range(256)))
said = []
"""
TRY = """
try:
{line}
except Exception as error:
    said.append(check_setup.explain(error))
"""
END = "print('---', json.dumps(said))\n"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = copy_given_files(tmp_path_factory.mktemp("calls") / "project")
    made.write(".env", ENV)
    return made


def explain_all(project: Project, lines: list[str]) -> list[str]:
    """Run a program with all these lines; return what is said of each."""
    tries = [TRY.format(line="    " + line.replace("\n", "\n    ")) for line in lines]
    project.write("main.py", START + "".join(tries) + END)
    done = project.python("main.py")
    assert done.code == 0, done.err
    said: list[str] = json.loads(done.out.partition("--- ")[2])
    assert len(said) == len(lines)
    return said


def test_mistakes_in_calls_are_explained(project: Project):
    wrong = []
    for (line, problem, words), said in zip(
        MISTAKES, explain_all(project, [line for line, _, _ in MISTAKES]), strict=True
    ):
        text = " ".join(said.split())
        is_named = f"[{problem}]" in text and words in text and "main.py, line" in text
        if not is_named or len(said.strip().splitlines()) > 8:
            wrong.append(f"{line}: {said}")

    assert wrong == []


def test_mistakes_of_another_kind_are_left_to_python(project: Project):
    assert explain_all(project, OF_ANOTHER_KIND) == [""] * len(OF_ANOTHER_KIND)
