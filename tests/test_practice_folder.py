"""The folder of the practice bucket: what is stored is there, whole, before the call returns."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import b2_client
import b2_settings
import pytest
from b2_practice import folder as practice_folder
from b2_practice import memory, names, run_folder
from b2_problems import SetupError
from conftest import Project, clean_environment, make_link
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from practising import ENV, files, next_run, stored

pytestmark = pytest.mark.usefixtures("home")


def test_files_put_there_and_removed_by_hand_count(home: Path):
    bucket = b2_client.get_bucket()
    bucket.put_object(Key="a.txt", Body=b"a")
    folder = home / "practice-bucket"
    (folder / "a.txt").unlink()
    (folder / "sub").mkdir()
    (folder / "sub" / "cat.png").write_bytes(b"png")
    for junk in (".DS_Store", "THUMBS.DB", "._cat.png", "sub/~$essay.docx"):
        (folder / junk).write_bytes(b"of another program")

    again = next_run()

    assert stored(again) == {"sub/cat.png": b"png"}
    assert again.Object("sub/cat.png").content_type == "image/png"


def test_files_changed_and_removed_by_hand_during_a_run(home: Path):
    bucket = b2_client.get_bucket()
    for key in ("changed.txt", "gone.txt", "kept.txt"):
        bucket.put_object(Key=key, Body=b"as it was", ContentType="text/x-mine")
    (home / "practice-bucket" / "changed.txt").write_bytes(b"by hand, and longer")
    (home / "practice-bucket" / "gone.txt").unlink()

    changed = bucket.Object("changed.txt").get()
    assert changed["Body"].read() == b"by hand, and longer"
    assert changed["ContentType"] == "text/plain"  # text/x-mine was that of the other bytes
    with pytest.raises(bucket.meta.client.exceptions.NoSuchKey):
        bucket.Object("gone.txt").get()
    bucket.put_object(Key="gone.txt", Body=b"back")
    (home / "practice-bucket" / "kept.txt").unlink()
    assert [obj.key for obj in bucket.objects.all()]
    assert stored(next_run()) == {"changed.txt": b"by hand, and longer", "gone.txt": b"back"}


def test_a_note_that_cannot_be_read_loses_no_file(home: Path):
    b2_client.get_bucket().put_object(Key="a.txt", Body=b"a")
    for note in (home / "practice-bucket" / ".notes").glob("*.json"):
        note.write_text("{half", encoding="utf-8")

    assert stored(next_run()) == {"a.txt": b"a"}


ESCAPED_BY_HAND = "~what%3F~abcdef012345"
ODD_KEYS = [
    "a",
    "a/b",
    "a/b/c",
    "A",
    "a.txt",
    "A.txt",
    "photos/",
    "photos/cat.png",
    "/lead",
    "a//b",
    "..",
    "../evil.txt",
    "x/../../evil.txt",
    ".",
    "./x",
    "CON",
    "con.txt",
    "aux/x",
    "NUL.tar.gz",
    "COM1",
    "trail.",
    "trail ",
    "a b",
    "é",
    "e\u0301",
    "😀/😀.png",
    "a+b",
    "a%20b",
    "100%",
    "a:b",
    "a\\b",
    'q"q',
    "a*b?",
    "<x>",
    "pipe|",
    "C:\\x",
    "C:/x",
    ".notes/x.json",
    ".notes",
    ".DS_Store",
    "._cat.png",
    "~$essay.docx",
    "#1",
    "x" * 1000,
    "y" * 300 + "/" + "z" * 300,
    "ü" * 500,
    "~x",
    "$HOME",
    "a&b=c",
    "?versions",
    "%2F",
]


def test_no_name_is_lost_or_leaves_the_folder(home: Path):
    bucket = b2_client.get_bucket()

    def around() -> set[Path]:
        inside = home / "practice-bucket"
        return {path for path in home.parent.rglob("*") if inside not in path.parents}

    before = around()
    for number, key in enumerate(ODD_KEYS):
        bucket.put_object(Key=key, Body=str(number).encode(), Metadata={"n": str(number)})

    expected = {key: str(number).encode() for number, key in enumerate(ODD_KEYS)}
    assert stored(bucket) == expected
    assert len(files(home)) == len(ODD_KEYS)
    for name in files(home):
        parts = name.split("/")
        assert all(names.is_safe_name(part) for part in parts), name
    assert len({names.fold(name) for name in files(home)}) == len(ODD_KEYS)
    assert around() - before <= {home / "practice-bucket"}

    again = next_run()
    assert stored(again) == expected
    for number, key in enumerate(ODD_KEYS):
        assert again.Object(key).metadata == {"n": str(number)}
        again.Object(key).delete()
    assert files(home) == {}


def test_a_and_A_are_never_one_folder(home: Path):  # noqa: N802
    bucket = b2_client.get_bucket()
    expected = {
        key: key.encode()
        for key in ("a/a", "A/b.txt", "é/x", "e\u0301/y", "deep/in/it", "deep/In/that", "Deep/x")
    }
    for key, body in expected.items():
        bucket.put_object(Key=key, Body=body)

    folders = {str(parent) for name in files(home) for parent in Path(name).parents}
    assert len({names.fold(folder) for folder in folders}) == len(folders)
    assert stored(next_run()) == expected


def test_a_folder_that_another_program_wrote_otherwise_is_another_one(home: Path):
    bucket = b2_client.get_bucket()
    (home / "practice-bucket" / "Photos").mkdir(parents=True)

    bucket.put_object(Key="photos/cat.png", Body=b"cat")

    assert stored(next_run()) == {"photos/cat.png": b"cat"}


@pytest.mark.parametrize(
    ("name", "other"), [("Photo.JPG", "photo.jpg"), ("A/b", "a/b"), ("é", "e\u0301")]
)
def test_a_file_is_not_found_by_another_name(home: Path, name: str, other: str):
    """Windows and macOS would open it."""
    file = home / "practice-bucket" / name
    file.parent.mkdir(parents=True)
    file.write_bytes(b"by hand")
    bucket = b2_client.get_bucket()

    with pytest.raises(bucket.meta.client.exceptions.NoSuchKey):
        bucket.Object(other).get()
    bucket.put_object(Key=other, Body=b"by program")

    assert stored(bucket) == {name: b"by hand", other: b"by program"} == stored(next_run())
    bucket.Object(other).delete()
    assert files(home) == {name: b"by hand"}


def test_a_name_that_another_program_adds_meanwhile_is_noticed(home: Path):
    """A.txt beside a.txt would be one file after a copy to Windows or macOS."""
    bucket = b2_client.get_bucket()
    bucket.put_object(Key="photos/first.txt", Body=b"1")
    for name in ("A.txt", "photos/Cat.png"):
        (home / "practice-bucket" / name).write_bytes(b"by another program")

    bucket.put_object(Key="a.txt", Body=b"2")
    bucket.put_object(Key="photos/cat.png", Body=b"3")

    assert {"A.txt", "photos/Cat.png"} == set(files(home)) & {
        "A.txt",
        "a.txt",
        "photos/Cat.png",
        "photos/cat.png",
    }
    assert stored(bucket)["photos/cat.png"] == b"3"


def test_a_call_about_one_key_looks_at_its_own_folder(home: Path, monkeypatch: pytest.MonkeyPatch):
    bucket = b2_client.get_bucket()
    inside = home / "practice-bucket"
    (inside / "other").mkdir(parents=True)
    listed: list[Path] = []
    for name, real in (("listdir", os.listdir), ("scandir", os.scandir)):

        def note(path: Any, real: Any = real) -> Any:
            listed.append(Path(path))
            return real(path)

        monkeypatch.setattr(os, name, note)

    for number in range(20):
        bucket.put_object(Key=f"photos/É-{number}.txt", Body=b"1")
        bucket.Object(f"photos/É-{number}.txt").get()["Body"].read()
    bucket.Object("photos/É-0.txt").delete()

    assert inside / "other" not in listed
    assert listed.count(inside / "photos") <= 2
    list(bucket.objects.all())
    assert inside / "other" in listed


def test_many_files_put_there_by_hand_are_noted_in_linear_time(
    home: Path, monkeypatch: pytest.MonkeyPatch
):
    """The notes were listed once for each of them."""
    notes = home / "practice-bucket" / ".notes"
    for number in range(50):
        (home / "practice-bucket" / f"{number}.txt").parent.mkdir(exist_ok=True)
        (home / "practice-bucket" / f"{number}.txt").write_bytes(b"by hand")
    bucket = b2_client.get_bucket()
    listed: list[Path] = []
    real = os.listdir

    def listdir(path: Any) -> list[str]:
        listed.append(Path(path))
        return real(path)

    monkeypatch.setattr(os, "listdir", listdir)
    assert len(stored(bucket)) == 50
    assert listed.count(notes) < 10


def test_a_file_in_a_folder_that_nobody_may_write_to_is_hashed_once(
    home: Path, monkeypatch: pytest.MonkeyPatch
):
    """Refused as the system does it; the tests may run as root, who may write everywhere."""
    file = home / "practice-bucket" / "a.txt"
    file.parent.mkdir()
    file.write_bytes(b"by hand")
    hashed: list[Path] = []
    md5_of = practice_folder._md5_of

    def count(path: Path) -> str:
        hashed.append(path)
        return md5_of(path)

    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(practice_folder, "_md5_of", count)
    monkeypatch.setattr(practice_folder.PracticeFolder, "_write_note", refuse)
    bucket = b2_client.get_bucket()
    for _ in range(3):
        assert stored(bucket) == {"a.txt": b"by hand"}
    assert len(hashed) == 1


@pytest.mark.parametrize("key", ["what?" + "x" * 100, "~what%3F.txt~0123456789ab"])
def test_what_a_list_names_can_be_read_and_deleted(home: Path, key: str):
    """A long name is cut in that of its file; the whole of it is in the note, which is lost."""
    bucket = b2_client.get_bucket()
    bucket.put_object(Key=key, Body=b"text")
    place = b2_client.practice_place(key)
    (home / "practice-bucket" / str(place)).rename(home / "practice-bucket" / ESCAPED_BY_HAND)
    shutil.rmtree(home / "practice-bucket" / ".notes")

    bucket = next_run()

    assert stored(bucket) == {ESCAPED_BY_HAND: b"text"}
    bucket.objects.all().delete()
    assert stored(bucket) == {} == files(home)


def test_an_object_that_is_a_link_can_be_replaced_and_deleted(home: Path):
    folder = home / "practice-bucket"
    folder.mkdir()
    (folder / "data.csv").write_bytes(b"1")
    make_link(folder / "link.csv", Path("data.csv"))
    bucket = b2_client.get_bucket()
    assert stored(bucket) == {"data.csv": b"1", "link.csv": b"1"}

    bucket.put_object(Key="link.csv", Body=b"new")
    assert stored(bucket) == {"data.csv": b"1", "link.csv": b"new"}
    bucket.Object("link.csv").delete()
    assert files(home) == {"data.csv": b"1"}


@pytest.mark.parametrize("target", ["loop", "ok.txt/x", "x" * 300, "nothing"])
def test_a_link_that_leads_nowhere_is_left_out(home: Path, target: str):
    bucket = b2_client.get_bucket()
    bucket.put_object(Key="ok.txt", Body=b"ok")
    make_link(home / "practice-bucket" / "loop", Path(target))

    assert stored(bucket) == {"ok.txt": b"ok"}


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_names_that_only_linux_has_are_left_out(home: Path):
    bucket = b2_client.get_bucket()
    bucket.put_object(Key="ok.txt", Body=b"ok")
    folder = os.fsencode(home / "practice-bucket")
    (home / "practice-bucket" / ".Notes").mkdir()
    for name in (b"~\xff~0123456789ab", b"\xff.txt", b".Notes/x"):
        with open(folder + b"/" + name, "wb") as file:
            file.write(b"by hand")

    assert stored(bucket) == {"ok.txt": b"ok"}


def test_a_folder_that_may_not_be_read_is_named(home: Path, monkeypatch: pytest.MonkeyPatch):
    """Refused as the system does it; the tests may run as root, who may read everything."""
    bucket = b2_client.get_bucket()
    bucket.put_object(Key="secret/a", Body=b"a")
    real_scandir = os.scandir

    def refuse(path: Any) -> Any:
        if Path(path).name == "secret":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real_scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)

    with pytest.raises(SetupError, match=r"does not let you use .*secret"):
        list(bucket.objects.all())


def test_a_name_of_windows_with_spaces_or_a_raised_digit(home: Path):
    bucket = b2_client.get_bucket()
    expected = {key: key.encode() for key in ("con .txt", "com¹", "LPT².log", "aux/x", "nul")}
    for key, body in expected.items():
        bucket.put_object(Key=key, Body=body)

    assert all(name.startswith("~") for name in files(home))
    assert stored(next_run()) == expected


def test_a_list_reads_no_file_that_is_known(home: Path, monkeypatch: pytest.MonkeyPatch):
    bucket = b2_client.get_bucket()
    bucket.put_object(Key="by program", Body=b"1")
    (home / "practice-bucket" / "by hand").write_bytes(b"2")
    read: list[str] = []
    real_md5 = practice_folder._md5_of

    def note(path: Path) -> str:
        read.append(path.name)
        return real_md5(path)

    monkeypatch.setattr(practice_folder, "_md5_of", note)

    for again in (bucket, bucket, next_run()):
        assert {obj.key for obj in again.objects.all()} == {"by program", "by hand"}
        again.Object("by hand").load()
    assert read == ["by hand"]


def test_a_range_reads_the_range(home: Path, monkeypatch: pytest.MonkeyPatch):
    bucket = b2_client.get_bucket()
    bucket.put_object(Key="a", Body=bytes(range(256)) * 40_000)
    read: list[int] = []
    real_read = memory.Body.read_at

    def note(body: memory.Body, offset: int, size: int) -> bytes:
        read.append(size)
        return real_read(body, offset, size)

    monkeypatch.setattr(memory.Body, "read_at", note)

    assert bucket.Object("a").get(Range="bytes=300-309")["Body"].read() == bytes(range(44, 54))
    assert sum(read) == 10


only_windows = pytest.mark.skipif(
    sys.platform != "win32", reason="other systems let a program replace a file that is open"
)


@only_windows
def test_a_file_that_another_program_has_open_is_named(home: Path):
    bucket = b2_client.get_bucket()
    bucket.put_object(Key="cat.png", Body=b"old")
    file = home / "practice-bucket" / "cat.png"

    with open(file, "rb"):
        for call in (
            lambda: bucket.put_object(Key="cat.png", Body=b"new"),
            lambda: bucket.Object("cat.png").delete(),
        ):
            with pytest.raises(SetupError, match=r"cat\.png") as refused:
                call()
            assert ".notes" not in str(refused.value)
            assert "Close other" in str(refused.value)

    assert stored(bucket) == stored(next_run()) == {"cat.png": b"old"}


@only_windows
def test_a_file_that_is_open_for_a_moment_is_waited_for(home: Path):
    bucket = b2_client.get_bucket()
    bucket.put_object(Key="cat.png", Body=b"old")
    held = open(home / "practice-bucket" / "cat.png", "rb")
    threading.Timer(0.3, held.close).start()

    bucket.put_object(Key="cat.png", Body=b"new")

    assert stored(next_run()) == {"cat.png": b"new"}


@pytest.mark.thorough
@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.dictionaries(
        st.lists(
            st.sampled_from(["a", "A", "b.txt", "..", ".", "", "con", "é", " ", "x" * 130]),
            min_size=1,
            max_size=4,
        )
        .map("/".join)
        .filter(bool),
        st.binary(max_size=5),
        max_size=8,
    )
)
def test_any_names_come_back_at_the_next_run(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    objects: dict[str, bytes],
):
    home = tmp_path_factory.mktemp("any")
    (home / ".env").write_text(ENV, encoding="utf-8")
    monkeypatch.setattr(b2_settings, "HERE", home)
    bucket = b2_client.get_bucket()
    for key, body in objects.items():
        bucket.put_object(Key=key, Body=body)

    assert stored(bucket) == objects
    assert stored(next_run()) == objects


def test_a_folder_that_is_a_link_is_not_followed(home: Path, tmp_path_factory: Any):
    outside = tmp_path_factory.mktemp("outside")
    (home / "practice-bucket").mkdir()
    make_link(home / "practice-bucket" / "photos", outside, to_folder=True)

    bucket = b2_client.get_bucket()
    bucket.put_object(Key="photos/cat.png", Body=b"cat")

    assert list(outside.iterdir()) == []
    assert stored(next_run()) == {"photos/cat.png": b"cat"}


@pytest.mark.parametrize(
    ("key", "place"),
    [
        ("photos/sun.png", "photos/sun.png"),
        ("not-there.png", None),
        ("../main.py", None),
        ("/etc/passwd", None),
    ],
)
def test_the_place_of_an_object_is_known_at_once(home: Path, key: str, place: str | None):
    """Also in a program that has not called get_bucket() yet."""
    (home / "practice-bucket" / "photos").mkdir(parents=True)
    (home / "practice-bucket" / "photos" / "sun.png").write_bytes(b"sun")

    assert b2_client.practice_place(key) == place


KILLED = """
import os, signal, b2_client
bucket = b2_client.get_bucket()
for number in range(50):
    bucket.put_object(Key=f"{number}.txt", Body=b"x" * number, Metadata={"n": str(number)})
bucket.put_object(Key="1.txt", Body=b"newer")
bucket.Object("2.txt").delete()
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.thorough
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no kill -9")
def test_a_kill_straight_after_a_call_loses_nothing(project: Project):
    done = subprocess.run(
        [sys.executable, "-c", KILLED],
        cwd=project.path,
        check=False,
        env=clean_environment(),
        capture_output=True,
    )
    assert done.returncode == -9

    shown = project.python(
        "-c",
        "import b2_client\nfor o in b2_client.get_bucket().objects.all():"
        " print(o.key, o.size, o.Object().metadata)",
    )

    expected = {f"{n}.txt {n} {{'n': '{n}'}}" for n in range(50) if n not in (1, 2)}
    assert set(shown.out.splitlines()[1:]) == expected | {"1.txt 5 {}"}


ENDS_EARLY = """
import os, sys, b2_client
left, act = int(sys.argv[1]), sys.argv[2]
bucket = b2_client.get_bucket()
CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.utime", "os.link")

def end_instead(event, details):
    global left
    is_write = event == "open" and isinstance(details[1], str) and set(details[1]) & set("wxa+")
    if event in CHANGES or is_write:
        if left == 0:
            os._exit(9)
        left -= 1

def put(key, text):
    told = {"ContentType": f"text/{text}", "Metadata": {"is": text}}
    bucket.put_object(Key=key, Body=text.encode(), **told)

put("a", "older")
put("b", "other")
sys.addaudithook(end_instead)  # Python docs, Audit events table
if act == "put":
    put("a", "newer")
elif act == "same size":
    put("a", "young")
elif act == "delete":
    bucket.Object("a").delete()
elif act == "copy":
    bucket.Object("a").copy_from(CopySource=f"{bucket.name}/b")
else:
    upload = bucket.Object("a").initiate_multipart_upload(
        ContentType="text/parts", Metadata={"is": "parts"}
    )
    etag = upload.Part(1).upload(Body=b"parts")["ETag"]
    upload.complete(MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]})
left = 1_000_000  # what comes now is the end of the program
"""


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("act", "expected"),
    [
        ("put", "newer"),
        ("same size", "young"),
        ("delete", None),
        ("copy", "other"),
        ("parts", "parts"),
    ],
)
def test_a_kill_at_each_change_mixes_nothing(
    project: Project, monkeypatch: pytest.MonkeyPatch, act: str, expected: str | None
):
    """A file and its note are two files, so a program can end between them."""
    monkeypatch.setattr(b2_settings, "HERE", project.path)

    def line(key: str, text: str) -> str:
        return f"{key} {text} text/{text} {{'is': '{text}'}}"

    def show() -> list[str]:
        found = {obj.key: obj.get() for obj in next_run().objects.all()}
        return [
            f"{key} {one['Body'].read().decode()} {one['ContentType']} {one['Metadata']}"
            for key, one in found.items()
        ]

    project.write("ends_early.py", ENDS_EARLY)
    seen = []
    for steps in range(40):
        shutil.rmtree(project.path / "practice-bucket", ignore_errors=True)
        code = project.python("ends_early.py", str(steps), act).code
        shown = [show(), show()]
        assert shown[0] == shown[1], "what was mended stays so"
        assert shown[0][-1] == line("b", "other")
        seen.append(shown[0][0] if len(shown[0]) == 2 else None)
        assert run_folders(project.path) == set(), steps
        if code == 0:
            break

    after = None if expected is None else line("a", expected)
    change = seen.index(after)
    assert seen[:change] == [line("a", "older")] * change
    assert seen[change:] == [after] * (len(seen) - change)
    assert change > 0
    assert len(seen) > 2


ENDLESS = """
import b2_client, itertools
bucket = b2_client.get_bucket()
for number in itertools.count(1):
    bucket.put_object(Key="same.txt", Body=str(number).encode() * 20000)
    print(number, flush=True)
"""


@pytest.mark.thorough
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no kill -9")
def test_a_kill_in_the_middle_of_a_call_leaves_the_last_object_whole(project: Project):
    for wanted in (3, 17, 40):
        running = subprocess.Popen(
            [sys.executable, "-c", ENDLESS],
            cwd=project.path,
            env=clean_environment(),
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        assert running.stdout
        last = 0
        for line in running.stdout:
            last = int(line) if line.strip().isdigit() else last
            if last == wanted:
                running.kill()
        running.wait()

        text = project.read("practice-bucket/same.txt")
        assert text in (str(last) * 20000, str(last + 1) * 20000)
        assert project.python("main.py").code == 0


def test_a_full_disk_gives_one_sentence_and_no_half_files(
    home: Path, monkeypatch: pytest.MonkeyPatch
):
    """The error of a full disk, raised where the bytes are written."""
    bucket = b2_client.get_bucket()
    bucket.put_object(Key="old.txt", Body=b"old")
    real_write = practice_folder.NewFile.write

    def full(new: Any, data: bytes) -> None:
        real_write(new, b"the first bytes")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(practice_folder.NewFile, "write", full)
    (home / "local.bin").write_bytes(os.urandom(9_000_000))
    for change in (
        lambda: bucket.put_object(Key="new.txt", Body=b"new"),
        lambda: bucket.put_object(Key="old.txt", Body=b"new"),
        lambda: bucket.upload_file(str(home / "local.bin"), "large.bin"),
    ):
        with pytest.raises(SetupError, match=r"^The disk is full, so nothing was stored"):
            change()
    monkeypatch.setattr(practice_folder.NewFile, "write", real_write)

    assert stored(bucket) == {"old.txt": b"old"} == files(home)
    assert not [path for path in home.rglob("run-*/*") if path.is_file()]
    bucket.put_object(Key="new.txt", Body=b"new")
    assert stored(next_run()) == {"old.txt": b"old", "new.txt": b"new"}


@pytest.mark.thorough
@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0,
    reason="mounting a small disk needs Linux and root",
)
def test_a_really_full_disk(project: Project):
    folder = project.path / "practice-bucket"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)],
        check=False,
        capture_output=True,
    )
    if mounted.returncode != 0:
        pytest.skip("this system does not let us mount a small disk")
    try:
        done = project.python(
            "-c",
            "import b2_client\nbucket = b2_client.get_bucket()\n"
            "bucket.put_object(Key='a', Body=b'small')\n"
            "bucket.put_object(Key='b', Body=b'x' * 200000)",
        )
        assert done.code == 1
        assert done.err.splitlines()[1:] == [
            "PROBLEM [practice-folder]",
            "The disk is full, so nothing was stored. Free some space, then try again.",
        ]
        assert (folder / "a").read_bytes() == b"small"
        assert not (folder / "b").exists()
    finally:
        subprocess.run(["umount", str(folder)], check=True)


STAYS_OPEN = """
import sys, b2_client
bucket, key = b2_client.get_bucket(), sys.argv[1]
bucket.put_object(Key=key, Body=b"older")
bucket.put_object(Key=key, Body=b"newer")
print("ready", flush=True)
sys.stdin.readline()
versions = bucket.object_versions.filter(Prefix=key)
print(sorted(version.get()["Body"].read() for version in versions))
"""


def run_folders(home: Path) -> set[str]:
    return {path.name for path in (home / "practice-bucket" / ".notes").glob("run-*")}


@pytest.mark.thorough
def test_what_killed_programs_left_is_cleared_by_the_next_run(project: Project):
    running, killed = (
        subprocess.Popen(
            [sys.executable, "-c", STAYS_OPEN, key],
            cwd=project.path,
            env=clean_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        for key in ("running", "killed")
    )
    for program in (running, killed):
        assert program.stdout
        while program.stdout.readline() != "ready\n":
            pass
    assert len(run_folders(project.path)) == 2
    killed.kill()
    killed.communicate()

    assert project.python("main.py").code == 0

    assert len(run_folders(project.path)) == 1
    out, _ = running.communicate("go on\n")
    assert out == "[b'newer', b'older']\n"
    assert run_folders(project.path) == set()


def test_a_number_that_another_process_has_now_keeps_its_folder(home: Path):
    notes = home / "practice-bucket" / ".notes"
    of_us = notes / f"run-{run_folder.COMPUTER}-{os.getpid()}-1234abcd"
    of_nobody = notes / f"run-{run_folder.COMPUTER}-{ended_process()}-1234abcd"
    for folder in (of_us, of_nobody):
        folder.mkdir(parents=True)

    b2_client.get_bucket()

    assert of_us.is_dir()
    assert not of_nobody.exists()


def ended_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_what_another_computer_left_is_cleared_after_a_day(home: Path):
    b2_client.get_bucket().put_object(Key="a", Body=b"a")
    notes = home / "practice-bucket" / ".notes"
    for name in ("run-elsewhere-1", "run-elsewhere-2", "older-1"):
        (notes / name).mkdir()
        (notes / name / "body").write_bytes(b"x")
    (notes / "1.part-1").write_bytes(b"x")
    for rest in ("run-elsewhere-1", "older-1", "1.part-1"):
        os.utime(notes / rest, (0, 0))

    assert stored(next_run()) == {"a": b"a"}
    assert "run-elsewhere-2" in run_folders(home)
    assert not [
        name for name in ("run-elsewhere-1", "older-1", "1.part-1") if (notes / name).exists()
    ]


def test_replacing_a_file_that_was_put_there_by_hand(home: Path):
    (home / "practice-bucket").mkdir()
    (home / "practice-bucket" / "a.txt").write_bytes(b"by hand")
    bucket = b2_client.get_bucket()

    bucket.put_object(Key="a.txt", Body=b"by program")

    assert files(home) == {"a.txt": b"by program"}
    bodies = [version.get()["Body"].read() for version in bucket.object_versions.all()]
    assert sorted(bodies) == [b"by hand", b"by program"]


def test_one_file_in_the_way_stops_only_itself(home: Path, monkeypatch: pytest.MonkeyPatch):
    """Of many deletes, one is refused by the disk, as Windows does for a file in use."""
    bucket = b2_client.get_bucket()
    for key in ("a", "in use", "z"):
        bucket.put_object(Key=key, Body=key.encode())
    real_unlink = Path.unlink

    def refuse(path: Path, missing_ok: bool = False) -> None:
        if path.name == "in use":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        real_unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(SetupError, match=r"does not let you use .*in use"):
        bucket.objects.all().delete()
    monkeypatch.undo()
    monkeypatch.setattr(b2_settings, "HERE", home)

    assert stored(bucket) == {"in use": b"in use"} == files(home)
    bucket.Object("in use").delete()
    assert files(home) == {}


def test_a_folder_removed_by_hand_is_not_in_the_way(home: Path):
    bucket = b2_client.get_bucket()
    for key in ("d/x", "e", "f"):
        bucket.put_object(Key=key, Body=b"1")
    shutil.rmtree(home / "practice-bucket" / "d")

    bucket.objects.all().delete()

    assert files(home) == {}
    assert stored(next_run()) == {}


def test_a_file_removed_by_hand_after_delete_and_put(home: Path):
    bucket = b2_client.get_bucket()
    bucket.put_object(Key="x", Body=b"1")
    bucket.Object("x").delete()
    bucket.put_object(Key="x", Body=b"2")
    (home / "practice-bucket" / "x").unlink()

    with pytest.raises(bucket.meta.client.exceptions.NoSuchKey):
        bucket.Object("x").get()
    bucket.put_object(Key="x", Body=b"3")
    assert stored(next_run()) == {"x": b"3"}


@pytest.mark.parametrize("key", ["what?.txt", "~what%3F.txt~148ae7398a93"])
def test_an_escaped_name_tells_its_key(home: Path, key: str):
    """Also without the notes, as when only visible files are copied."""
    bucket = b2_client.get_bucket()
    bucket.put_object(Key=key, Body=b"first")
    shutil.rmtree(home / "practice-bucket" / ".notes")

    bucket = next_run()
    assert stored(bucket) == {key: b"first"}
    bucket.put_object(Key=key, Body=b"second")

    assert stored(bucket) == {key: b"second"} == stored(next_run())
    assert len(files(home)) == 1


def test_the_hidden_folder_may_vanish_during_a_run(home: Path):
    client = b2_client.get_client()
    client.put_object(Bucket="my-bucket", Key="q", Body=b"1")
    client.put_object(Bucket="my-bucket", Key="q", Body=b"2")
    shutil.rmtree(home / "practice-bucket" / ".notes")

    first = client.put_object(Bucket="my-bucket", Key="r", Body=b"old")["VersionId"]
    client.put_object(Bucket="my-bucket", Key="r", Body=b"newer")

    old = client.get_object(Bucket="my-bucket", Key="r", VersionId=first)
    assert old["Body"].read() == b"old"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such file names")
def test_file_names_that_b2_cannot_have_are_left_out(
    home: Path, capsys: pytest.CaptureFixture[str]
):
    folder = home / "practice-bucket"
    folder.mkdir()
    (folder / "good.txt").write_bytes(b"good")
    (folder / "line\nbreak").write_bytes(b"")
    (Path(os.fsdecode(os.fsencode(folder) + b"/bad\xff.txt"))).write_bytes(b"")

    bucket = b2_client.get_bucket()

    assert stored(bucket) == {"good.txt": b"good"}
    assert capsys.readouterr().out.count("is left out") == 2
    bucket.objects.all().delete()
    assert len(list(folder.iterdir())) == 2 + (folder / ".notes").exists()


@pytest.mark.parametrize(
    "note",
    [
        '{"key": "a", "file": "a", "metadata": [1], "etag": "x"}',
        '{"key": "a", "file": "a"}',
        '{"key": "a\\ud800", "file": "a", "metadata": {}, "etag": "x"}',
        "[]",
        "7",
        '{"key": "", "file": "a", "metadata": {}, "etag": "x"}',
        '{"key": 7, "file": ["a"], "metadata": {"x": 1}, "etag": 7}',
    ],
)
def test_a_damaged_note_never_stops_the_program(home: Path, note: str):
    b2_client.get_bucket().put_object(Key="a", Body=b"a")
    for file in (home / "practice-bucket" / ".notes").glob("*.json"):
        file.write_text(note, encoding="utf-8")

    assert stored(next_run()) == {"a": b"a"}


def test_a_file_put_there_during_the_run_is_kept_as_a_version(home: Path):
    bucket = b2_client.get_bucket()
    bucket.put_object(Key="other", Body=b"")
    (home / "practice-bucket" / "by hand").write_bytes(b"by hand")

    assert bucket.Object("by hand").get()["Body"].read() == b"by hand"
    (home / "practice-bucket" / "too").write_bytes(b"by hand too")
    bucket.put_object(Key="too", Body=b"by program")
    bodies = [v.get()["Body"].read() for v in bucket.object_versions.filter(Prefix="too")]
    assert sorted(bodies) == [b"by hand too", b"by program"]


def test_a_file_in_the_place_of_the_folder(home: Path):
    (home / "practice-bucket").write_bytes(b"not a folder")

    with pytest.raises(SetupError, match="cannot be used"):
        b2_client.get_bucket().put_object(Key="a", Body=b"a")


def test_a_mistake_of_ours_while_saving_is_not_taken_for_an_unknown_upload(
    home: Path, monkeypatch: pytest.MonkeyPatch
):
    """moto raises KeyError for an upload that it does not know; nothing else may look like that."""
    bucket = b2_client.get_bucket()

    def fail(*_: Any) -> None:
        raise KeyError("ours")

    monkeypatch.setattr(practice_folder.PracticeFolder, "store", fail)

    with pytest.raises(KeyError, match="ours"):
        bucket.put_object(Key="a.txt", Body=b"a")
