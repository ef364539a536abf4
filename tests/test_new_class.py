"""Projects from a roster, by the real command: what can be made is made, once and completely."""

from __future__ import annotations

import csv
import json
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from conftest import (
    ROOT,
    Bake,
    Project,
    Run,
    clean_environment,
    contents_of,
    run,
    tracked_files,
)

from classroom.new_class import clean_source

NewClass = Callable[..., Run]


@pytest.fixture
def new_class(tmp_path: Path) -> NewClass:
    """Return a function that makes a class in tmp_path/class from these lines."""
    home = tmp_path / "home"
    home.mkdir()

    def make(lines: str, *words: str) -> Run:
        (tmp_path / "roster.csv").write_text(lines, encoding="utf-8")
        command = [
            sys.executable,
            str(ROOT / "classroom"),
            "new_class",
            "roster.csv",
            "--out",
            "class",
            "--source",
            "gh:school/b2-starter",
            *words,
        ]
        return run(command, tmp_path, {**clean_environment(), "HOME": str(home)})

    return make


def class_rows(tmp_path: Path) -> list[dict[str, str]]:
    with (tmp_path / "class" / "class.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.skipif(sys.platform == "win32", reason="there, nothing is forked")
def test_a_long_way_to_the_temporary_folder(tmp_path: Path):
    """A socket has at most 108 characters: then nothing is forked."""
    long = tmp_path / ("long" * 25)
    long.mkdir()
    (tmp_path / "list.csv").write_text("student\nAnna\n", encoding="utf-8")
    words = [sys.executable, str(ROOT / "classroom"), "new_class", "list.csv", "--out", "class"]

    done = run(words, tmp_path, {**clean_environment(), "TMPDIR": str(long)})

    assert (done.code, "1 made" in done.out) == (0, True), done.printed


def test_every_good_row_gets_its_project_and_the_bad_ones_are_named(
    new_class: NewClass, tmp_path: Path, bake: Bake
):
    lines = (
        "student;bucket_name;endpoint;group\nZoë O'Neil;zoes-files;s3.eu-central-003.backblaze"
        "b2.com;7b\n\nBen Li;;;7a\nben li;;;7a\nDan;b2-dan;;7a\n"
    )

    done = new_class(lines, "--assignment", "cloud-notes", "--zip")

    assert done.code == 1
    bad = (
        "Row 5: 'ben li': Row 4 already has this name. If they are two people, give both an alias."
    )
    assert bad in done.out
    assert "Row 6: 'b2-dan': It begins with b2-. Backblaze keeps such bucket names" in done.out
    assert "2 made, 0 already there, 2 rows to fix." in done.out
    rows = class_rows(tmp_path)
    assert [(row["student"], row["folder"], row["state"], row["group"]) for row in rows] == [
        ("Zoë O'Neil", "cloud-notes-s01", "made", "7b"),
        ("Ben Li", "cloud-notes-s02", "made", "7a"),
    ]
    project = Project(tmp_path / "class" / "cloud-notes-s01")
    assert project.answers() == {
        "project_name": "cloud-notes s01",
        "project_slug": "cloud-notes-s01",
        "bucket_name": "zoes-files",
        "endpoint": "https://s3.eu-central-003.backblazeb2.com",
        "assignment": "cloud-notes",
        "_class_source": "gh:school/b2-starter",
    }
    readme = project.read("README.md")
    reset = "cookiecutter gh:school/b2-starter --replay-file cloud-notes-s01/b2-starter.json -f"
    assert reset in readme
    for name, (content, _) in contents_of(project.path).items():
        assert b"Neil" not in content, f"a student's name in {name}"
    assert project.files() == bake(assignment="cloud-notes").files()
    with zipfile.ZipFile(tmp_path / "class" / "cloud-notes-s02.zip") as archive:
        assert "cloud-notes-s02/main.py" in archive.namelist()
        assert "cloud-notes-s02/.env" in archive.namelist()
    left = {path.name for path in (tmp_path / "class").iterdir()}
    assert left == {
        "class.csv",
        "cloud-notes-s01",
        "cloud-notes-s01.zip",
        "cloud-notes-s02",
        "cloud-notes-s02.zip",
    }


@pytest.mark.thorough
def test_a_reset_keeps_the_source_of_the_class(new_class: NewClass, tmp_path: Path, bake: Bake):
    new_class("student\nAnna\n")
    project = Project(tmp_path / "class" / "hello-bucket-s01")
    before = project.read("README.md")
    (project.path / "README.md").unlink()

    bake.reset(project)

    assert project.read("README.md") == before
    assert "cookiecutter gh:school/b2-starter -f" in before


@pytest.mark.thorough
def test_the_source_that_was_typed_first_is_remembered(new_class: NewClass, tmp_path: Path):
    new_class("student\nAnna\n", "--source", "gh:first/b2-starter")
    words = [sys.executable, str(ROOT / "classroom"), "new_class"]
    roster = tmp_path / "roster.csv"
    roster.write_text("student\nAnna\nBen\n", encoding="utf-8")

    again = run([*words, str(roster), "--out", "class"], tmp_path, clean_environment())
    other = [*words, "class/class.csv", "--out", "next", "--assignment", "guestbook"]
    later = run(other, tmp_path, clean_environment())

    for done, name in ((again, "class/hello-bucket-s02"), (later, "next/guestbook-s01")):
        assert "The reset commands use gh:first/b2-starter." in done.out
        assert "cookiecutter gh:first/b2-starter -f" in Project(tmp_path / name).read("README.md")


@pytest.mark.thorough
def test_a_project_names_the_version_that_it_was_made_with(tmp_path: Path):
    """From a clone, whose commit its origin has; a student gets the same by -c."""
    origin, copy = tmp_path / "origin", tmp_path / "copy"
    git = ["git", "-c", "user.name=A", "-c", "user.email=a@x", "-c", "protocol.file.allow=always"]
    subprocess.run([*git, "clone", "-q", "--bare", str(ROOT), str(origin)], check=True)
    subprocess.run([*git, "clone", "-q", str(origin), str(copy)], check=True)
    for name in tracked_files():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, copy / name)
    in_copy = [*git, "-C", str(copy)]
    subprocess.run([*in_copy, "add", "-A"], check=True)
    subprocess.run([*in_copy, "commit", "-q", "--allow-empty", "-m", "now"], check=True)
    roster = tmp_path / "roster.csv"
    roster.write_text("student\nAnna\n", encoding="utf-8")
    words = [sys.executable, str(copy / "classroom"), "new_class", str(roster), "--out"]

    before = run([*words, "unknown"], tmp_path, clean_environment())
    subprocess.run([*in_copy, "push", "-q", "origin", "HEAD"], check=True)
    subprocess.run([*in_copy, "tag", "v9"], check=True)
    after = run([*words, "class"], tmp_path, clean_environment())

    assert (before.code, after.code) == (0, 0), before.printed + after.printed
    assert f"The reset commands use {origin}.\n" in before.out, "nobody else has that commit"
    assert f"The reset commands use {origin} at v9.\n" in after.out
    project = Project(tmp_path / "class" / "hello-bucket-s01")
    assert f"cookiecutter {origin} -c v9 --replay-file hello" in project.read("README.md")
    assert project.answers()["_class_version"] == "v9"


def test_a_second_run_makes_only_what_is_missing(new_class: NewClass, tmp_path: Path):
    assert new_class("student\nAnna\nBen\nCara\n").code == 0
    folder = tmp_path / "class"
    (folder / "hello-bucket-s01" / "main.py").write_text("# Anna's", encoding="utf-8")
    shutil.rmtree(folder / "hello-bucket-s02")
    before = {name: found for name, found in contents_of(folder).items() if name != "class.csv"}

    done = new_class("student\nNew\nCara\nAnna\nBen\n")

    assert done.code == 0
    assert "2 made, 2 already there, 0 rows to fix." in done.out
    after = contents_of(folder)
    assert {name: after[name] for name in before} == before
    assert [(row["student"], row["alias"]) for row in class_rows(tmp_path)] == [
        ("New", "s04"),
        ("Cara", "s03"),
        ("Anna", "s01"),
        ("Ben", "s02"),
    ]
    assert (folder / "hello-bucket-s02" / "main.py").is_file()


@pytest.mark.thorough
def test_who_leaves_is_marked_and_keeps_the_alias(new_class: NewClass, tmp_path: Path):
    new_class("student,group\nAnna,1\nBen,2\n")

    done = new_class("student,group\nBen,2\nCara,1\n")

    assert "Anna (s01) is no longer in the list, and is not graded any more." in done.out
    assert {row["alias"]: (row["student"], row["state"]) for row in class_rows(tmp_path)} == {
        "s01": ("Anna", "left"),
        "s02": ("Ben", "made"),
        "s03": ("Cara", "made"),
    }

    new_class("student,group\nBen,2\nCara,1\nAnna,1\n")

    assert sorted((row["alias"], row["state"]) for row in class_rows(tmp_path)) == [
        ("s01", "made"),
        ("s02", "made"),
        ("s03", "made"),
    ]


@pytest.mark.thorough
def test_who_has_a_new_name_keeps_the_project(new_class: NewClass, tmp_path: Path):
    new_class("student\nAnna Schmidt\nBen\n")

    done = new_class("student,alias\nAnna Weber,s01\nBen,\n")

    assert "s01 is called Anna Weber now; it was Anna Schmidt." in done.out
    assert [(row["student"], row["alias"]) for row in class_rows(tmp_path)] == [
        ("Anna Weber", "s01"),
        ("Ben", "s02"),
    ]


@pytest.mark.thorough
def test_a_list_that_lacks_most_of_the_class_is_refused(new_class: NewClass, tmp_path: Path):
    new_class("student\nAnna\nBen\nCara\nDan\n")

    done = new_class("student\nNew\nAnna\n")

    assert done.code == 1
    assert "lacks 3 of the 4 students in class.csv, such as Ben." in done.err
    assert [row["state"] for row in class_rows(tmp_path)] == ["made"] * 4


@pytest.mark.thorough
def test_what_a_teacher_wrote_into_the_class_file_stays(new_class: NewClass, tmp_path: Path):
    new_class("student\nAnna\n")
    file = tmp_path / "class" / "class.csv"
    text = file.read_text(encoding="utf-8-sig")
    text = text.replace("state", "state,mark").replace(",made", ",made,good")
    file.write_text(text, encoding="utf-8")

    new_class("student\nAnna\nBen\n")

    assert [row["mark"] for row in class_rows(tmp_path)] == ["good", ""]


def test_a_dry_run_writes_nothing(new_class: NewClass, tmp_path: Path):
    done = new_class("student\nAnna\n", "--dry-run")

    assert done.code == 0
    assert "would make hello-bucket-s01 for Anna" in done.out
    assert not (tmp_path / "class").exists()


@pytest.mark.thorough
def test_a_place_that_is_taken_is_a_bad_row(new_class: NewClass, tmp_path: Path):
    taken = tmp_path / "class" / "hello-bucket-s01"
    taken.mkdir(parents=True)
    (taken / "thesis.txt").write_text("mine", encoding="utf-8")

    done = new_class("student\nAnna\nBen\n")

    assert done.code == 1
    row = next(line for line in done.out.splitlines() if line.startswith("Row "))
    assert row.startswith("Row 2: 'hello-bucket-s01': ")
    assert "class already has something else with this name. Rename it" in row
    assert [path.name for path in taken.iterdir()] == ["thesis.txt"]
    assert (tmp_path / "class" / "hello-bucket-s02" / "main.py").is_file()


@pytest.mark.thorough
def test_another_assignment_goes_into_another_folder(new_class: NewClass):
    new_class("student\nAnna\n")

    done = new_class("student\nAnna\n", "--assignment", "guestbook")

    assert done.code == 1
    assert "already has projects for hello-bucket. Use one folder for each assignment" in done.err


@pytest.mark.thorough
def test_the_class_file_of_one_assignment_is_the_roster_of_the_next(
    new_class: NewClass, tmp_path: Path
):
    new_class("student,alias\nAnna,blue\nBen,\n")
    lines = (tmp_path / "class" / "class.csv").read_text(encoding="utf-8-sig")
    (tmp_path / "class").rename(tmp_path / "first")

    assert new_class(lines, "--assignment", "guestbook").code == 0

    rows = class_rows(tmp_path)
    assert [(row["student"], row["alias"], row["folder"]) for row in rows] == [
        ("Anna", "blue", "guestbook-blue"),
        ("Ben", "s01", "guestbook-s01"),
    ]


def test_an_unknown_assignment_is_refused_with_the_list(new_class: NewClass):
    done = new_class("student\nAnna\n", "--assignment", "photos")

    assert done.code == 2
    assert "invalid choice: 'photos'" in done.err
    assert "photo-album" in done.err


@pytest.mark.thorough
def test_other_files_in_the_template_are_not_handed_out(tmp_path: Path):
    """A maintainer's keys, a cache: cookiecutter itself would copy them into each project."""
    clone = tmp_path / "clone"
    shutil.copytree(ROOT, clone, ignore=shutil.ignore_patterns(".nox", ".venv", ".git", "demo"))
    starter = clone / "{{cookiecutter.project_slug}}"
    (starter / ".env").write_text("B2_APPLICATION_KEY=a-maintainers-own", encoding="utf-8")
    (tmp_path / "roster.csv").write_text("student\nAnna\n", encoding="utf-8")

    words = [sys.executable, str(clone / "classroom"), "new_class", "roster.csv", "--out", "class"]
    done = run(words, tmp_path, clean_environment())

    assert done.code == 0, done.printed
    assert "hello-bucket for 1 student. The reset commands use gh:org/b2-starter." in done.out
    everything = contents_of(tmp_path / "class")
    assert not [name for name, (found, _) in everything.items() if b"a-maintainers-own" in found]


@pytest.mark.thorough
@pytest.mark.skipif(sys.platform == "win32", reason="signals of this kind are not on Windows")
@pytest.mark.parametrize("how", ["SIGINT", "SIGTERM", "SIGHUP", "SIGKILL"])
def test_an_interrupted_run_leaves_whole_projects(tmp_path: Path, how: str):
    names = "".join(f"Student {number}\n" for number in range(24))
    (tmp_path / "roster.csv").write_text(f"student\n{names}", encoding="utf-8")
    words = [sys.executable, str(ROOT / "classroom"), "new_class", "roster.csv", "--out", "class"]
    folder = tmp_path / "class"
    env = {**clean_environment(), "TERM": str(tmp_path)}  # a variable that its processes have
    # A background job of a shell ignores Ctrl-C, and what nohup starts ignores SIGHUP. So would
    # anything that is started from there.
    ignorable = [signal.SIGINT, getattr(signal, "SIGHUP", signal.SIGINT)]
    before = {number: signal.getsignal(number) for number in ignorable}
    for number in before:
        signal.signal(number, signal.SIG_DFL)
    process = subprocess.Popen(
        words, cwd=tmp_path, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    for number, handler in before.items():
        signal.signal(number, handler)
    until = time.monotonic() + 30
    while not list(folder.glob("hello-bucket-s*")) and time.monotonic() < until:
        time.sleep(0.01)
    process.send_signal(getattr(signal, how))
    process.wait(30)

    made = list(folder.glob("hello-bucket-s*"))
    assert 0 < len(made) < 24
    until = time.monotonic() + 10
    while left := [
        one
        for one in psutil.process_iter(["environ"])
        if (one.info["environ"] or {}).get("TERM") == str(tmp_path)
    ]:
        assert time.monotonic() < until, left
        time.sleep(0.1)
    made = list(folder.glob("hello-bucket-s*"))
    shape = {frozenset(Project(path).files()) for path in made}
    assert len(shape) == 1
    if how != "SIGKILL":
        assert not list(folder.glob(".new_class-*"))
    done = run(words, tmp_path, clean_environment())
    assert done.code == 0
    assert {frozenset(Project(path).files()) for path in folder.glob("hello-bucket-s*")} == shape
    assert len(list(folder.glob("hello-bucket-s*"))) == 24
    assert not list(folder.glob(".new_class-*"))
    assert json.loads((made[0] / "b2-starter.json").read_text(encoding="utf-8"))


@pytest.mark.skipif(sys.platform == "win32", reason="there is no nohup on Windows")
def test_a_command_started_with_nohup_goes_on_when_the_terminal_is_closed():
    program = (
        "import os, signal\nfrom classroom.processes import end_as_by_ctrl_c\n"
        "end_as_by_ctrl_c()\nos.kill(os.getpid(), signal.SIGHUP)\nprint('goes on')\n"
    )

    done = run(["nohup", sys.executable, "-c", program], ROOT, clean_environment())

    assert done.out == "goes on\n", done.err


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("https://github.com/school/b2-starter.git", "https://github.com/school/b2-starter.git"),
        ("https://me:ghp_token@github.com/school/b2.git", "https://github.com/school/b2.git"),
        ("git@github.com:school/b2.git", "https://github.com/school/b2.git"),
        ("ssh://git@example.org/school/b2.git", "https://example.org/school/b2.git"),
        ("ssh://git@example.org:2222/school/b2.git", "https://example.org/school/b2.git"),
        ("https://me:p@ss@example.org/school/b2.git", "https://example.org/school/b2.git"),
        ("/srv/our templates/b2", '"/srv/our templates/b2"'),
        ("gh:school/b2", "gh:school/b2"),
    ],
)
def test_the_reset_lines_name_a_source_that_students_can_use(source: str, line: str):
    assert clean_source(source) == line
