"""check_setup.py names the right cause: each situation is real, and each problem has its id.

The server is B2's double, over TLS, at the name of the real one: only the name lookup is replaced,
so that s3.us-east-005.backblazeb2.com leads to 127.0.0.1.
"""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import b2_answers
import b2_client
import b2_double
import b2_errors
import b2_rules
import check_setup
import pytest
from b2_double import READ_ONLY, WRITE_ONLY, B2Double
from b2_problems import SetupError
from conftest import APPLICATION_KEY, KEY_ID, OTHER_SECRET
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scenes import BUCKET, EU_ID, GOOD, HOST, UNKNOWN_ID, Scene

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

# What students do, and the problem that it causes. Each one changes a set-up that works.

Change = Callable[[Scene], Any]


def env(**values: str) -> Change:
    return lambda scene: scene.env(**values)


def without(*names: str) -> Change:
    """Leave out lines of .env."""
    lines = "".join(f"{name}={value}\n" for name, value in GOOD.items() if name not in names)
    return lambda scene: scene.file(".env", lines)


def more(text: str, **values: str) -> Change:
    """Add a line to .env."""

    def change(scene: Scene) -> None:
        scene.env(**values)
        scene.file(".env", (scene.folder / ".env").read_text(encoding="utf-8") + text)

    return change


def instead(name: str, content: str | bytes | None = None) -> Change:
    """Use another file instead of .env."""

    def change(scene: Scene) -> None:
        text = (scene.folder / ".env").read_bytes()
        scene.remove(".env")
        scene.file(name, text if content is None else content)

    return change


def beside(name: str, content: str | bytes | None = None) -> Change:
    """Add another file next to a .env with empty keys."""

    def change(scene: Scene) -> None:
        text = (scene.folder / ".env").read_bytes()
        scene.env(APPLICATION_KEY_ID="", APPLICATION_KEY="")
        scene.file(name, text if content is None else content)

    return change


def file(name: str, content: str) -> Change:
    return lambda scene: scene.file(name, content)


def variable(name: str, value: str) -> Change:
    return lambda scene: scene.patch.setenv(name, value)


def key(**changes: Any) -> Change:
    return lambda scene: scene.key(**changes)


def fault(made: Any) -> Change:
    return lambda scene: setattr(scene.double, "fault", made)


def answer(status: int, body: bytes = b"", kind: str = "application/xml") -> Change:
    return fault(b2_answers.raw(status, body, {"Content-Type": kind}))


def clock(**wrong: float) -> Change:
    """Let the server's clock differ from ours."""
    now = lambda: datetime.now(timezone.utc) + timedelta(**wrong)  # noqa: E731
    return lambda scene: setattr(scene.double, "clock", now)


def unknown_host(scene: Scene) -> None:
    scene.env(ENDPOINT="s3.us-east-050.backblazeb2.com")


def no_network(scene: Scene) -> None:
    scene.ports.clear()


def closed_port(scene: Scene) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        scene.ports[HOST] = free.getsockname()[1]


def no_uploads(scene: Scene) -> None:
    refused = b2_answers.Answer(403, b"No uploads here.", {"Content-Type": "text/plain"})
    scene.double.fault = lambda seen: refused if seen.method == "PUT" else None


def plain_http(scene: Scene) -> None:
    scene.ports[HOST] = scene.local(B2Double(buckets=[BUCKET]))


def on_this_computer(scene: Scene, **values: str) -> None:
    """Your own server, with its own keys; http, so no TLS."""
    port = scene.local(B2Double(buckets=["my-bucket"]))
    scene.env(ENDPOINT=f"http://127.0.0.1:{port}", BUCKET_NAME="my-bucket", **values)


def proxy_refuses(status: int) -> Change:
    """Use a proxy that answers CONNECT with this status."""

    def change(scene: Scene) -> None:
        port = scene.local(scene.double)  # not a proxy: it does not know CONNECT
        scene.double.fault = b2_answers.raw(status, b"")
        scene.patch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")

    return change


def git(*names: str) -> Change:
    """Keep these files in git."""

    def change(scene: Scene) -> None:
        for words in (["init", "-q"], ["add", "-f", *names]):
            subprocess.run(["git", *words], cwd=scene.folder, check=True)

    return change


def git_history(scene: Scene) -> None:
    """Add .env to git, commit it, and remove it from git again."""
    git(".env")(scene)
    me = ["-c", "user.name=Ada", "-c", "user.email=ada@localhost"]
    for words in (
        [*me, "commit", "-qm", "1"],
        ["rm", "-q", "--cached", ".env"],
        [*me, "commit", "-qm", "2"],
    ):
        subprocess.run(["git", *words], cwd=scene.folder, check=True)


def both(*changes: Change) -> Change:
    return lambda scene: [change(scene) for change in changes]


def boto3_missing(scene: Scene) -> None:
    for name in [name for name in sys.modules if name == "b2_client"]:
        scene.patch.delitem(sys.modules, name)
    scene.patch.setitem(sys.modules, "boto3", None)


def boto3_too_old(scene: Scene) -> None:
    import botocore.config

    def old_config(**options: Any) -> None:
        raise TypeError("Got unexpected keyword argument 'request_checksum_calculation'")

    scene.patch.delitem(sys.modules, "b2_client")
    scene.patch.setattr(botocore.config, "Config", old_config)


def moto_missing(scene: Scene) -> None:
    scene.env(APPLICATION_KEY_ID="", APPLICATION_KEY="")
    for name in [name for name in sys.modules if name.startswith("b2_practice")]:
        scene.patch.delitem(sys.modules, name)
    scene.patch.setitem(sys.modules, "moto", None)
    scene.patch.setitem(sys.modules, "moto.core.models", None)


def practice_in_the_way(scene: Scene) -> None:
    scene.env(APPLICATION_KEY_ID="", APPLICATION_KEY="")
    scene.file("practice-bucket", "a file")


CUT = "not-b2 or no-answer"  # boto3 1.44 calls it an answer that cannot be read, 1.37 a cut
KEY_LINES = f"B2_APPLICATION_KEY_ID={KEY_ID}\nB2_APPLICATION_KEY={APPLICATION_KEY}\n"
BUCKET_LINES = f"B2_BUCKET_NAME={BUCKET}\nB2_ENDPOINT={HOST}\n"
SITUATIONS: dict[str, tuple[str, Change]] = {
    # The file.
    "no .env": ("env-file-missing", lambda scene: scene.remove(".env")),
    ".env.txt": ("env-file-misnamed", instead(".env.txt")),
    "env": ("env-file-misnamed", instead("env")),
    "env.env": ("env-file-misnamed", instead("env.env")),
    "env.txt.txt": ("env-file-misnamed", instead("env.txt.txt")),
    ".env - Copy": ("env-file-misnamed", instead(".env - Copy")),
    "env.example": ("env-file-misnamed", instead("env.example")),
    "my.env": ("env-file-misnamed", beside("my.env")),
    ".env.txt beside the blank .env": ("env-file-misnamed", beside(".env.txt")),
    "keys in .env.example, no .env": ("keys-in-example", instead(".env.example")),
    "keys in .env.example, .env blank": ("keys-in-example", beside(".env.example")),
    ".env is a folder": ("env-file-unreadable", instead(".env/python", "")),
    ".env saved as RTF": ("env-file-unreadable", file(".env", "{\\rtf1\\ansi B2_ENDPOINT=")),
    ".env saved by a word processor": ("env-file-unreadable", file(".env", "PK\x03\x04word/")),
    "an empty .env": ("line-missing", file(".env", "")),
    "all on one line": (
        "line-unreadable",
        file(".env", " ".join((KEY_LINES + BUCKET_LINES).split())),
    ),
    "a line left out": ("line-missing", without("B2_ENDPOINT")),
    "the key lines left out": ("line-missing", without(*b2_rules.KEYS)),
    "B2_KEY_ID": ("line-misnamed", more(f"B2_KEY_ID={KEY_ID}", APPLICATION_KEY_ID="")),
    "B2_BUCKET": (
        "line-misnamed",
        both(
            without("B2_BUCKET_NAME"),
            lambda scene: scene.file(
                ".env", (scene.folder / ".env").read_text(encoding="utf-8") + "B2_BUCKET=x\n"
            ),
        ),
    ),
    "Amazon's names": (
        "line-misnamed",
        more(
            f"AWS_ACCESS_KEY_ID={KEY_ID}\nAWS_SECRET_ACCESS_KEY={APPLICATION_KEY}",
            APPLICATION_KEY_ID="",
            APPLICATION_KEY="",
        ),
    ),
    "the key on the next line": (
        "line-unreadable",
        file(".env", f"B2_APPLICATION_KEY_ID=\n{KEY_ID}\n"),
    ),
    "a large file": ("env-file-unreadable", file(".env", "#" * 30000)),
    "small letters": (
        "line-misnamed",
        more(f"b2_application_key={APPLICATION_KEY}", APPLICATION_KEY_ID="", APPLICATION_KEY=""),
    ),
    "a misspelt name": (
        "line-misnamed",
        file(".env", f"{KEY_LINES}B2_BUKET_NAME={BUCKET}\nB2_ENDPOINT={HOST}\n"),
    ),
    "a name without B2_": (
        "line-misnamed",
        file(".env", f"{KEY_LINES}BUCKET_NAME={BUCKET}\nB2_ENDPOINT={HOST}\n"),
    ),
    "a # before one of the keys": (
        "value-missing",
        file(".env", f"#{KEY_LINES}{BUCKET_LINES}"),
    ),
    "a colon for =": ("line-unreadable", more(f"B2_APPLICATION_KEY: {APPLICATION_KEY}")),
    "a quote left open": ("line-unreadable", env(BUCKET_NAME='"ada-photos')),
    "the keys alone, without names": ("line-unreadable", file(".env", f"{KEY_ID}\n")),
    "set in front": ("line-unreadable", more(f"set B2_BUCKET_NAME={BUCKET}")),
    "a name twice": ("line-twice", more("B2_BUCKET_NAME=another-bucket")),
    # The values.
    "no bucket": ("value-missing", env(BUCKET_NAME="")),
    "no endpoint": ("value-missing", env(ENDPOINT="")),
    "only the keyID": ("value-missing", env(APPLICATION_KEY="")),
    "only the applicationKey": ("value-missing", env(APPLICATION_KEY_ID="")),
    "a blank variable of the shell": ("value-missing", variable("B2_ENDPOINT", "")),
    "the default bucket": ("placeholder-left", env(BUCKET_NAME="your-bucket-name")),
    "<YOUR KEYID>": ("placeholder-left", env(APPLICATION_KEY_ID="<YOUR KEYID>")),
    "xxxx": ("placeholder-left", env(APPLICATION_KEY="xxxxxxxx")),
    "a bucket with a _": ("bucket-name-impossible", env(BUCKET_NAME="ada_photos")),
    "a short bucket": ("bucket-name-impossible", env(BUCKET_NAME="ada")),
    "b2- in front": ("bucket-name-impossible", env(BUCKET_NAME="b2-ada-photos")),
    "an address as bucket": ("bucket-name-impossible", env(BUCKET_NAME=f"{BUCKET}.{HOST}")),
    "the native API": ("endpoint-not-s3", env(ENDPOINT="https://api.backblazeb2.com")),
    "the download host": ("endpoint-not-s3", env(ENDPOINT="https://f005.backblazeb2.com")),
    "Amazon": ("endpoint-not-s3", env(ENDPOINT="s3.us-east-1.amazonaws.com")),
    "another domain": ("endpoint-not-s3", env(ENDPOINT="https://example.com")),
    "only the region": ("endpoint-not-s3", env(ENDPOINT="us-east-005")),
    "the console's address": (
        "endpoint-not-s3",
        env(ENDPOINT="https://secure.backblaze.com/b2_buckets.htm"),
    ),
    "bucket in the path": ("endpoint-has-bucket", env(ENDPOINT=f"https://{HOST}/{BUCKET}")),
    "bucket in the host": ("endpoint-has-bucket", env(ENDPOINT=f"https://{BUCKET}.{HOST}")),
    "plain http": ("endpoint-http", env(ENDPOINT=f"http://{HOST}")),
    "keys swapped": (
        "keys-swapped",
        env(APPLICATION_KEY_ID=APPLICATION_KEY, APPLICATION_KEY=KEY_ID),
    ),
    "the keyID twice": ("keys-swapped", env(APPLICATION_KEY=KEY_ID)),
    "the applicationKey twice": ("keys-swapped", env(APPLICATION_KEY_ID=APPLICATION_KEY)),
    "the master key": ("master-key", env(APPLICATION_KEY_ID="0a1b2c3d4e5f")),
    "a keyID that is cut after its beginning": (
        "key-incomplete",
        env(APPLICATION_KEY_ID="005a"),
    ),
    "keyName for keyID": ("key-name-as-id", env(APPLICATION_KEY_ID="ada-school-key")),
    "a truncated keyID": ("key-incomplete", env(APPLICATION_KEY_ID=KEY_ID[:-3])),
    "a truncated applicationKey": ("key-incomplete", env(APPLICATION_KEY=APPLICATION_KEY[:-2])),
    "an applicationKey with a tail": ("key-incomplete", env(APPLICATION_KEY=APPLICATION_KEY + "K")),
    "the label copied along": ("key-incomplete", env(APPLICATION_KEY_ID=f"keyID: {KEY_ID}")),
    "O for 0 at the beginning": ("key-incomplete", env(APPLICATION_KEY_ID="O" + KEY_ID[1:])),
    "the master key in capitals": ("master-key", env(APPLICATION_KEY_ID="0A1B2C3D4E5F")),
    "dots for a hidden key": ("placeholder-left", env(APPLICATION_KEY="\u2022" * 12)),
    "O for 0": ("key-incomplete", env(APPLICATION_KEY_ID=KEY_ID.replace("0", "O", 1))),
    "capitals in the keyID": ("key-incomplete", env(APPLICATION_KEY_ID=KEY_ID.upper())),
    "the keyID as bucket": ("bucket-name-impossible", env(BUCKET_NAME=KEY_ID)),
    "the applicationKey as bucket": ("bucket-name-impossible", env(BUCKET_NAME=APPLICATION_KEY)),
    "an old applicationKey as bucket": (
        "bucket-name-impossible",
        env(BUCKET_NAME="0" * 42, APPLICATION_KEY="0" * 42),
    ),
    "a space in the keyID": ("key-incomplete", env(APPLICATION_KEY_ID=KEY_ID[:9] + " 0000001")),
    # Keys where others can see them.
    ".env in git": ("env-in-git", git(".env")),
    "the key in git's history": ("key-in-git-history", git_history),
    "the key in main.py": ("key-in-code", file("main.py", f"print()\nKEY = '{APPLICATION_KEY}'\n")),
    "another key in a module": ("key-in-code", file("lib/save.py", f"KEY = '{OTHER_SECRET}'")),
    "the key in notes that git keeps": (
        "key-in-code",
        both(file("notes.md", f"My key: {APPLICATION_KEY}"), git("notes.md")),
    ),
    "keys in .env and in .env.example": ("key-in-code", file(".env.example", KEY_LINES)),
    # The connection.
    "no network": ("no-network", no_network),
    "a misspelt region": ("host-not-found", unknown_host),
    "refused": ("connection-refused", closed_port),
    "no server on this computer": ("connection-refused", env(ENDPOINT="http://127.0.0.1:9")),
    "silence": ("no-answer", fault(b2_answers.silent(3))),
    "a byte now and then": ("no-answer", fault(b2_answers.dripping(0.3))),
    "cut in the middle": (CUT, fault(b2_answers.cut())),
    "hung up": ("no-answer", fault(b2_answers.silent(0))),
    "a school that opens TLS": (
        "certificate-not-trusted",
        lambda scene: scene.patch.delenv("AWS_CA_BUNDLE"),
    ),
    "a certificate of another host": (
        "certificate-not-trusted",
        both(
            env(ENDPOINT="s3.us-west-004.backblazeb2.com"),
            lambda scene: scene.ports.update({"s3.us-west-004.backblazeb2.com": scene.ports[HOST]}),
        ),
    ),
    "no certificates at that path": (
        "network-variable-wrong",
        variable("AWS_CA_BUNDLE", "/nowhere/school.pem"),
    ),
    "a proxy that is gone": (
        "network-variable-wrong",
        variable("HTTPS_PROXY", "http://ada:secret@127.0.0.1:9"),
    ),
    "a sign-in page": ("not-b2", fault(b2_answers.html(200, parses_as_xml=False))),
    "a sign-in page in good XML": ("not-b2", fault(b2_answers.html(200, parses_as_xml=True))),
    "a filter says no": ("not-b2", fault(b2_answers.html(403, parses_as_xml=True))),
    "a filter says no, in bad XML": ("not-b2", fault(b2_answers.html(403, parses_as_xml=False))),
    "an empty 200": ("not-b2", answer(200)),
    "half an XML": ("not-b2", answer(200, b"<ListBucketResult><Name>ada")),
    "garbage": ("not-b2", answer(200, b"\xff\x00", "")),
    "JSON": ("not-b2", answer(200, b'{"ok": true}', "application/json")),
    "B2 says that the key is elsewhere": (
        "key-unknown",
        answer(301, b"<Error><Code>PermanentRedirect</Code></Error>"),
    ),
    "a redirect": ("not-b2", fault(b2_answers.raw(302, b"", {"Location": "http://127.0.0.1:9/"}))),
    "a filter says no, in plain text": ("not-b2", answer(403, b"Blocked.", "text/plain")),
    "a filter says no, without a word": ("not-b2", answer(403)),
    "a filter knows nothing": ("not-b2", answer(404, b"{}", "application/json")),
    "a network wants a log-in": ("not-b2", answer(511)),
    "a filter forbids uploads": ("not-b2", no_uploads),
    "plain http at the port of https": ("not-b2", plain_http),
    "a proxy that wants a log-in": ("network-variable-wrong", proxy_refuses(407)),
    "a proxy that refuses": ("network-variable-wrong", proxy_refuses(403)),
    "a proxy without an address": (
        "network-variable-wrong",
        variable("HTTPS_PROXY", "http://proxy:port"),
    ),
    "a certificate as Windows exports it": (
        "network-variable-wrong",
        both(
            file("school.cer", "\x30\x82\x03 no PEM"),
            lambda scene: scene.patch.setenv("AWS_CA_BUNDLE", str(scene.folder / "school.cer")),
        ),
    ),
    "the clock is slow": ("clock-wrong", clock(hours=3)),
    "the clock is slow, and B2 gives another reason": (
        "clock-wrong",
        both(
            clock(hours=5),
            answer(403, b"<Error><Code>AccessDenied</Code><Message>too old</Message></Error>"),
        ),
    ),
    "the clock is fast": ("clock-wrong", clock(days=-400)),
    # What B2 says.
    "a deleted key": ("key-unknown", env(APPLICATION_KEY_ID=UNKNOWN_ID)),
    "a wrong key of a server on this computer": (
        "key-unknown",
        lambda scene: on_this_computer(scene, APPLICATION_KEY_ID="0a1b2c3d4e5f"),
    ),  # which would be B2's master key
    "a key of another region": ("key-of-another-region", env(APPLICATION_KEY_ID=EU_ID)),
    "the endpoint of another region": (
        "key-of-another-region",
        both(
            env(ENDPOINT="s3.eu-central-003.backblazeb2.com"),
            lambda scene: setattr(scene.double, "region", "eu-central-003"),
            lambda scene: scene.ports.update(
                {"s3.eu-central-003.backblazeb2.com": scene.ports[HOST]}
            ),
        ),
    ),
    "another key's applicationKey": ("application-key-wrong", env(APPLICATION_KEY=OTHER_SECRET)),
    "a misspelt bucket": ("bucket-not-found", env(BUCKET_NAME="ada-fotos")),
    "a key for another bucket": ("key-for-another-bucket", key(buckets=("other-bucket",))),
    "such a key, and a misspelt bucket": (
        "key-for-another-bucket",
        both(key(buckets=("other-bucket",)), env(BUCKET_NAME="other-bukket")),
    ),
    "a key limited to names": ("key-limited-to-names", key(prefix="photos/")),
    "a key that only writes": ("key-limited-to-names", key(capabilities=WRITE_ONLY)),
    "download cap": ("daily-cap", fault(b2_answers.download_cap())),
    "transaction cap": ("daily-cap", fault(b2_answers.transaction_cap())),
    "storage cap": ("storage-cap", fault(b2_answers.storage_cap())),
    "slow down": ("busy", fault(b2_answers.slow_down())),
    "server error, even after trying again": ("busy", fault(b2_answers.server_error())),
    "502 of a gateway": ("busy", answer(502)),
    "503 of a gateway, with a page": ("busy", fault(b2_answers.html(503, parses_as_xml=False))),
    "504 of a gateway, with a page": ("busy", fault(b2_answers.html(504, parses_as_xml=True))),
    "an answer that nobody foresaw": (
        "unknown",
        answer(418, b"<Error><Code>Teapot</Code><Message>short and stout</Message></Error>"),
    ),
    # This computer.
    "boto3 missing": ("package-missing", boto3_missing),
    "boto3 too old": ("package-missing", boto3_too_old),
    "practice without moto": ("practice-needs-moto", moto_missing),
    "a file in the place of practice-bucket": ("practice-folder", practice_in_the_way),
}


@pytest.mark.parametrize(("problem", "change"), SITUATIONS.values(), ids=SITUATIONS)
def test_the_problem_is_named(scene: Scene, problem: str, change: Change):
    change(scene)

    assert scene.check() == 1
    assert len(scene.problems()) == 1, scene.printed
    assert scene.problems()[0] in problem.split(" or "), scene.printed
    assert_fit_to_show(scene)


def assert_fit_to_show(scene: Scene) -> None:
    """What was printed holds no key; there were few requests, and the bucket is as it was."""
    for secret in (APPLICATION_KEY, OTHER_SECRET, KEY_ID, EU_ID, UNKNOWN_ID, "ada:secret"):
        assert secret not in scene.printed
    assert "Traceback" not in scene.printed
    assert len(scene.double.seen) <= 6, [(seen.method, seen.path) for seen in scene.double.seen]
    scene.double.fault = None
    assert scene.double.versions(BUCKET) == []


# Set-ups that work, or are odd in a harmless way: no alarm.


def objects(scene: Scene) -> None:
    """Put something into the bucket without using the key."""
    scene.double._moto.put_object(BUCKET, "cat.png", b"png")


def odd_amazon(scene: Scene) -> None:
    for name in (
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_PROFILE",
        "AWS_ENDPOINT_URL",
        "AWS_DEFAULT_REGION",
        "AWS_MAX_ATTEMPTS",
    ):
        scene.patch.setenv(name, "junk")
    scene.file(".aws/config", "[[[")
    scene.patch.setenv("HOME", str(scene.folder))
    scene.patch.setenv("USERPROFILE", str(scene.folder))


def capitals(scene: Scene) -> None:
    scene.env(BUCKET_NAME="Testbucket")
    scene.double._moto.add_bucket("Testbucket")


def old_key(scene: Scene) -> None:
    """An applicationKey from before 2018 has another shape."""
    scene.env(APPLICATION_KEY="0" * 42)
    scene.key(application_key="0" * 42)


def other_kind_of_key(scene: Scene) -> None:
    """Other servers have keys of other shapes."""
    on_this_computer(scene)
    text = (scene.folder / ".env").read_text(encoding="utf-8")
    scene.file(".env", text.replace(APPLICATION_KEY, "mini"))
    scene.servers[-1].keys[KEY_ID].application_key = "mini"


def through_a_proxy(scene: Scene) -> None:
    scene.patch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{scene.proxy()}")
    scene.ports.pop(b2_errors.BACKBLAZE)  # behind a proxy, names can be unknown here


def all_variables(scene: Scene) -> None:
    scene.remove(".env")
    for name, value in GOOD.items():
        scene.patch.setenv(name, value)


def saved_by_notepad(scene: Scene) -> None:
    text = (scene.folder / ".env").read_text(encoding="utf-8")
    scene.file(".env", text.replace("\n", "\r\n").encode("utf-16"))


HEALTHY: dict[str, tuple[str, Change]] = {
    # what it is: (what is said, the change)
    "as it should be": ("All is well", lambda scene: None),
    "with files in the bucket": ("All is well", objects),
    "a key for this bucket": ("All is well", key(buckets=(BUCKET,))),
    "a read-only key": (
        "can read the bucket ada-photos, but not write",
        both(objects, key(capabilities=READ_ONLY)),
    ),
    "a read-only key, an empty bucket": ("but not write", key(capabilities=READ_ONLY)),
    "a read-only key, an empty file": (
        "but not write",
        both(
            lambda scene: scene.double._moto.put_object(BUCKET, "a/", b""),
            key(capabilities=READ_ONLY),
        ),
    ),
    "a key of another kind, on this computer": ("All is well", other_kind_of_key),
    "other settings in .env": (
        "Practice works",
        more("B2_REGION=us-east-005\nSECRET_KEY=x\n", APPLICATION_KEY_ID="", APPLICATION_KEY=""),
    ),
    "an .env.bak without keys": (
        "Practice works",
        both(
            env(APPLICATION_KEY_ID="", APPLICATION_KEY=""), file(".env.bak", "B2_APPLICATION_KEY=")
        ),
    ),
    "a key that may not read": (
        "is not allowed to read",
        key(capabilities=b2_double.READ_AND_WRITE - {"readFiles"}),
    ),
    "capital letters in the bucket's name": ("Testbucket", capitals),
    "an old applicationKey": ("All is well", old_key),
    "odd AWS variables and files": ("All is well", odd_amazon),
    "practice": ("Practice works", env(APPLICATION_KEY_ID="", APPLICATION_KEY="")),
    "a # before both keys": (
        "Practice works",
        file(".env", KEY_LINES.replace("B2_", "# B2_") + BUCKET_LINES),
    ),
    "an editor's copy beside a blank .env": ("Practice works", beside(".env~")),
    "env.txt": ("All is well", instead("env.txt")),
    "env.txt beside a blank .env": ("All is well", beside("env.txt")),
    "saved by Notepad": ("All is well", saved_by_notepad),
    "variables of the terminal": ("from your terminal: B2_", all_variables),
    "a server on this computer": ("All is well", on_this_computer),
    "through a proxy": ("through the proxy", through_a_proxy),
    "B2 was busy once": ("All is well", fault(b2_answers.slow_down(1))),
    "B2 was busy twice": ("All is well", fault(b2_answers.slow_down(2))),
    "B2 failed once": ("All is well", fault(b2_answers.server_error(1))),
    "a clock that is a little wrong": ("All is well", clock(minutes=9)),
    ".env is ignored by git": ("All is well", both(file("main.py", ""), git("main.py"))),
    "a virtual environment with odd files": (
        "All is well",
        file(".venv/lib/x.py", f"KEY = '{OTHER_SECRET}'"),
    ),
    "a virtual environment called env": ("All is well", file("env/pyvenv.cfg", "")),
    "a virtual environment with another name": (
        "All is well",
        both(file("my python/pyvenv.cfg", ""), file("my python/x.py", f"KEY = '{OTHER_SECRET}'")),
    ),
    "an empty env.txt.txt beside it": ("All is well", file("env.txt.txt", "")),
}


def test_a_proxy_needs_no_port(monkeypatch: pytest.MonkeyPatch):
    """boto3 takes port 80, or 443, as a browser does."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.school")

    said = check_setup.find_host(f"https://{HOST}")

    assert said == "the connection to B2 goes through the proxy http://proxy.school"


def test_the_first_problem_is_the_one_to_show(scene: Scene, monkeypatch: pytest.MonkeyPatch):
    """What was written is erased then, and a failure of that must not hide the reason."""

    def refuse(*_: object) -> None:
        raise SetupError("no-answer", host=HOST)

    def refuse_again(*_: object) -> None:
        raise SetupError("not-b2", reason="it is a web page")

    monkeypatch.setattr(check_setup, "_read", refuse)
    monkeypatch.setattr(check_setup, "_erase", refuse_again)

    assert scene.check() == 1
    assert scene.problems() == ["no-answer"]


@pytest.mark.parametrize(("said", "change"), HEALTHY.values(), ids=HEALTHY)
def test_there_is_no_false_alarm(scene: Scene, said: str, change: Change):
    change(scene)
    before = scene.double.versions(BUCKET)

    assert scene.check() == 0, scene.printed
    assert scene.problems() == []
    assert said in scene.printed
    assert len(scene.double.seen) <= 8
    assert scene.double.versions(BUCKET) == before


def fill(bucket: Any, count: int = 2) -> None:
    """Save some files, one of them twice, and begin an upload in parts."""
    for number in range(count):
        bucket.put_object(Key=f"secret-{number}.txt", Body=b"x" * 1500)
    bucket.put_object(Key="secret-0.txt", Body=b"")
    bucket.Object("secret-film.mp4").initiate_multipart_upload()


def test_it_ends_with_what_is_in_the_bucket(scene: Scene):
    fill(b2_client.get_bucket())
    scene.double.seen.clear()

    assert scene.check() == 0
    assert len(scene.double.seen) <= 8
    assert scene.printed.endswith(
        "In the bucket: 2 files (1.5 KB), 1 old version (1.5 KB), 1 unfinished upload.\n"
        "README.md says how to erase them for good, under Old versions.\n"
    )
    assert "secret" not in scene.printed


@pytest.mark.thorough
def test_of_a_large_bucket_only_the_first_page_is_counted(scene: Scene):
    scene.patch.setattr(check_setup, "LONGEST", 30)  # the double takes a while for a long list
    scene.patch.setitem(check_setup.QUICK, "read_timeout", 30)
    fill(b2_client.get_bucket(), count=1001)
    scene.double.seen.clear()

    assert scene.check() == 0
    assert "In the bucket: at least 999 files (" in scene.printed
    assert len(scene.double.seen) <= 8


def test_a_practice_bucket_is_counted_to_its_end(scene: Scene):
    scene.env(APPLICATION_KEY="", APPLICATION_KEY_ID="")
    fill(b2_client.get_bucket())

    assert scene.check() == 0
    assert "In the bucket: 2 files (1.5 KB), 1 old version (1.5 KB)" in scene.printed


def test_an_answer_without_a_count_is_no_problem(scene: Scene, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: Any) -> None:
        raise SetupError("no-answer", host=HOST)

    monkeypatch.setattr(check_setup, "describe_contents", refuse)

    assert scene.check() == 0
    assert scene.problems() == []
    assert "In the bucket" not in scene.printed


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 KB"),
        (3_400_000, "3.4 MB"),
        (5e13, "50.0 TB"),
    ],
)
def test_sizes_in_words(size: float, text: str):
    assert b2_rules.format_size(size) == text


def test_a_file_that_the_key_may_not_erase_is_named(scene: Scene):
    scene.key(capabilities=b2_double.READ_AND_WRITE - {"deleteFiles"})

    assert scene.check() == 0
    left = [name for name, _ in scene.double.versions(BUCKET)]
    assert len(left) == 1
    assert f"the file {left[0]} is still in the bucket" in scene.printed


# Things that go wrong after the first request.


def after_storing(answer: b2_answers.Answer) -> Change:
    """Let B2 store what it was sent, but lose its answer."""

    def change(scene: Scene) -> None:
        def lose(seen: b2_answers.Seen) -> b2_answers.Answer | None:
            if seen.method != "PUT":
                return None
            scene.double._answer(seen)
            return answer

        scene.double.fault = lose

    return change


@pytest.mark.parametrize(
    ("problem", "answer"),
    [
        ("busy", b2_answers.error("server error")),
        ("no-answer", b2_answers.Answer(0)),
        ("no-answer", b2_answers.Answer(0, after=2)),
        ("busy", b2_answers.error("slow down")),
    ],
)
def test_a_file_whose_answer_was_lost_is_erased(
    scene: Scene, problem: str, answer: b2_answers.Answer
):
    after_storing(answer)(scene)

    assert scene.check() == 1
    assert scene.problems() == [problem]
    assert [seen.method for seen in scene.double.seen].count("PUT") == 1
    assert_fit_to_show(scene)


ANSWERS = st.builds(
    b2_answers.Answer,
    # Not 204: after a DELETE that means success, and nobody can tell that nothing was deleted.
    st.sampled_from(
        [
            200,
            206,
            301,
            302,
            307,
            400,
            401,
            403,
            404,
            405,
            409,
            416,
            418,
            429,
            500,
            501,
            502,
            503,
            504,
            599,
        ]
    ),
    st.one_of(
        st.just(b""),
        st.binary(max_size=40),
        st.sampled_from(
            [
                b"<Error><Code>",
                b"<Error/>",
                b"<html><body>no</body></html>",
                b"<html>",
                b"<ListBucketResult><KeyCount>1</KeyCount></ListBucketResult>",
                b"<ListBucketResult><KeyCount>x</KeyCount><Contents/></ListBucketResult>",
                b'{"code": "bad_auth_token", "status": 401}',
                b"<?xml version='1.0'?>",
                KEY_ID.encode(),
                APPLICATION_KEY.encode(),
            ]
        ),
        st.builds(
            "<Error><Code>{}</Code><Message>{}</Message></Error>".format,
            st.sampled_from(
                [
                    "AccessDenied",
                    "InvalidAccessKeyId",
                    "Odd",
                    "",
                    "InternalError",
                    "RequestTimeTooSkewed",
                    "NoSuchKey",
                    "NoSuchBucket",
                    "5xx",
                ]
            ),
            st.sampled_from(
                [
                    "not entitled",
                    "cap exceeded",
                    "",
                    "storage cap exceeded",
                    f"The key '{KEY_ID}' {APPLICATION_KEY}",
                    "{braces} %s",
                ]
            ),
        ).map(str.encode),
    ),
    st.dictionaries(
        st.sampled_from(
            [
                "Content-Type",
                "Date",
                "Retry-After",
                "x-amz-version-id",
                "Location",
                "ETag",
                "x-amz-bucket-region",
            ]
        ),
        st.sampled_from(
            [
                "text/html",
                "application/xml",
                "now",
                "Mon, 31 Nov",
                "",
                "0",
                "Mon, 01 Jan 1990 00:00:00 GMT",
                "http://127.0.0.1:9/",
            ]
        ),
    ),
)


@pytest.mark.thorough
@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(first=st.integers(0, 4), times=st.integers(1, 6), wrong=ANSWERS)
def test_whatever_the_server_answers_there_is_a_diagnosis(
    scene: Scene, first: int, times: int, wrong: b2_answers.Answer
):
    scene.double.seen.clear()
    scene.double._moto.buckets.clear()
    scene.double._moto.add_bucket(BUCKET)

    def odd(seen: b2_answers.Seen) -> b2_answers.Answer | None:
        return wrong if first < len(scene.double.seen) <= first + times else None

    scene.double.fault = odd

    code = scene.check()

    assert code in (0, 1)
    assert len(scene.problems()) == code, scene.printed
    for secret in (APPLICATION_KEY, KEY_ID):
        assert secret not in scene.printed
    assert "Traceback" not in scene.printed
    assert len(scene.double.seen) <= 8
    scene.double.fault = None
    for name, _ in scene.double.versions(BUCKET):
        assert name in scene.printed, "what is left is named"


@settings(
    deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.text(max_size=300)
    | st.binary(max_size=200)
    | st.lists(
        st.builds(
            "{}{}{}".format,
            st.sampled_from([*GOOD, "B2_KEY", "", "export B2_ENDPOINT"]),
            st.sampled_from(["=", ": ", " = ", ""]),
            st.sampled_from([*GOOD.values(), "", "{0}", "'", "x"]),
        )
    ).map("\n".join)
)
def test_whatever_is_in_env_there_is_a_diagnosis(scene: Scene, content: str | bytes):
    scene.file(".env", content.encode(errors="replace") if isinstance(content, str) else content)

    code = scene.check()

    assert code in (0, 1)
    assert len(scene.problems()) == code
    assert APPLICATION_KEY not in scene.printed
    assert KEY_ID not in scene.printed


def test_ctrl_c_shows_no_traceback_and_leaves_nothing(scene: Scene):
    real_read = check_setup._read

    def interrupted(*args: Any) -> Any:
        real_read(*args)
        raise KeyboardInterrupt

    scene.patch.setattr(check_setup, "_read", interrupted)
    assert scene.check() == 1
    assert scene.printed.endswith("Stopped.\n")
    assert scene.double.versions(BUCKET) == []
