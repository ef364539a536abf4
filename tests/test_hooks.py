"""The functions of the hooks and their helpers, each on its own, in this process."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import sys
from pathlib import Path

import pytest
from conftest import ROOT, contents_of, make_link

from hooks import post_gen_project, pre_gen_project
from hooks.command import can_be_quoted, quote
from hooks.project import find_dropped, find_reset_problem, read_kept


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project folder, in which a hook runs."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def write(folder: Path, *names: str) -> list[Path]:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"content of {name}", encoding="utf-8")
    return [Path(name) for name in names]


def test_what_was_set_aside_is_put_back_when_the_disk_refuses(
    here: Path, monkeypatch: pytest.MonkeyPatch
):
    paths = write(here, "a.py", "b_inside/b.py", "c.py", "b2-starter.json")[:3]
    before = contents_of(here)
    rename = Path.rename

    def refuse_the_last(path: Path, target: Path) -> Path:
        if path.name == "c.py":  # as Windows does while another program has the file open
            raise PermissionError(errno.EACCES, "used by another process", str(path))
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse_the_last)
    moved: list[Path] = []
    backup = Path("backups/now")

    with pytest.raises(PermissionError):
        pre_gen_project.set_aside(paths, backup, moved)
    assert moved == paths[:2]
    pre_gen_project.undo(backup, moved)

    assert contents_of(here) == before
    assert not (here / "backups").exists()


def test_what_cannot_go_back_either_stays_in_the_backup_and_is_named(
    here: Path, monkeypatch: pytest.MonkeyPatch
):
    paths = write(here, "a.py", "b.py", "c.py")
    rename, replace = Path.rename, os.replace

    def refuse_c(path: Path, target: Path) -> Path:
        if path.name == "c.py":
            raise PermissionError(errno.EACCES, "used by another process", str(path))
        return rename(path, target)

    def refuse_b(source: Path, target: Path) -> None:
        if Path(target).name == "b.py":
            raise PermissionError(errno.EACCES, "used by another process", str(target))
        replace(source, target)

    monkeypatch.setattr(Path, "rename", refuse_c)
    monkeypatch.setattr(os, "replace", refuse_b)
    moved: list[Path] = []
    backup = Path("backups/now")

    with pytest.raises(PermissionError) as stopped:
        pre_gen_project.set_aside(paths, backup, moved)
    stuck = pre_gen_project.undo(backup, moved)
    text = pre_gen_project.explain(stopped.value, backup, stuck)

    assert stuck == [Path("b.py")]
    assert sorted(contents_of(here)) == [
        "a.py",
        "backups/now/.unfinished",
        "backups/now/b.py",
        "c.py",
    ]
    assert f"Nothing is lost: b.py is now in {backup}." in text


def test_the_backups_of_earlier_resets_stay(here: Path):
    write(here, "backups/earlier/a.py", "a.py")
    before = contents_of(here)
    moved: list[Path] = []

    pre_gen_project.set_aside([Path("a.py")], Path("backups/now"), moved)
    assert (here / "backups/now/a.py").exists()
    pre_gen_project.undo(Path("backups/now"), moved)

    assert contents_of(here) == before


@pytest.mark.parametrize(("version", "is_too_old"), [((3, 9, 6), True), ((3, 10, 0), False)])
def test_a_python_that_is_too_old_is_named_before_the_lines_to_type(
    here: Path, monkeypatch: pytest.MonkeyPatch, version: tuple[int, int, int], is_too_old: bool
):
    with monkeypatch.context() as patch:
        patch.setattr(sys, "version_info", version)
        lines = post_gen_project.describe_next_steps({"_given": []})

    assert ("too old. First install Python" in lines[0]) == is_too_old


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (32, "Close programs that use main.py, such as your editor."),
        (5, "Close programs that use main.py, such as your editor."),
        (0, "Move the project to a folder where you can save files"),
    ],
)
def test_a_locked_file_is_named_with_what_to_do(number: int, advice: str):
    error = PermissionError(errno.EACCES, "Permission denied", "main.py")
    error.winerror = number  # type: ignore[attr-defined]

    text = pre_gen_project.explain(error)

    assert text.startswith("Nothing was changed. main.py: Permission denied.")
    assert advice in text


def test_the_message_for_a_full_disk_names_no_file(here: Path):
    text = pre_gen_project.explain(OSError(errno.ENOSPC, "No space left on device"))

    assert text.startswith("Nothing was changed. The disk: No space left on device.")


def test_only_what_differs_stays_in_the_backup(here: Path):
    write(here, "backups/now/same.py", "backups/now/inside/mine.py", "backups/now/_starter/x.txt")
    write(here, "inside/mine.py")
    (here / "same.py").write_text("content of backups/now/same.py", encoding="utf-8")
    old = (here / "backups/now/same.py").stat().st_mtime_ns

    unchanged = post_gen_project.put_back(Path("backups/now"))

    assert unchanged == {"same.py", "_starter/x.txt"}
    assert (here / "same.py").stat().st_mtime_ns == old
    assert post_gen_project.finish(Path("backups/now")) == ["inside/mine.py"]


def test_a_copy_that_a_program_has_open_stays_in_the_backup(
    here: Path, monkeypatch: pytest.MonkeyPatch
):
    write(here, "backups/now/same.py")
    shutil.copy(here / "backups/now/same.py", here / "same.py")

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "used by another process")

    monkeypatch.setattr(os, "replace", refuse)

    assert post_gen_project.put_back(Path("backups/now")) == set()
    assert post_gen_project.finish(Path("backups/now")) == ["same.py"]


def test_what_cannot_be_read_stays_in_the_backup(here: Path, monkeypatch: pytest.MonkeyPatch):
    write(here, "backups/now/locked.py", "locked.py")

    def refuse(*_: object, **__: object) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(post_gen_project.filecmp, "cmp", refuse)

    assert post_gen_project.put_back(Path("backups/now")) == set()
    assert post_gen_project.finish(Path("backups/now")) == ["locked.py"]


def test_a_starter_may_have_folders_in_folders(here: Path):
    write(here, "_starter/stories/data/raw/a.csv", "_starter/stories/main.py")
    files = {"stories": ["main.py", "data/raw/a.csv"]}

    post_gen_project.lay_out({"assignment": "stories", "_starters": files})

    assert sorted(contents_of(here)) == ["data/raw/a.csv", "main.py"]


def test_an_empty_env_becomes_one_that_only_its_owner_can_read(here: Path):
    write(here, ".env.example")
    (here / ".env").touch(mode=0o644)

    assert post_gen_project.make_env()

    assert (here / ".env").read_bytes() == (here / ".env.example").read_bytes()
    if os.name == "posix":
        assert stat.S_IMODE((here / ".env").stat().st_mode) == 0o600


def test_a_name_cannot_change_the_screen():
    lines = post_gen_project.name_files("Restored", ["a\x1b[2J.txt", "Größe.txt"])

    assert lines == ["Restored: 'a\\x1b[2J.txt', Größe.txt"]


def test_many_names_are_cut_short():
    names = [f"{number}.txt" for number in range(12)]

    assert post_gen_project.cut_short(names[:8]) == names[:8]
    assert post_gen_project.cut_short(names) == [*names[:8], "and 4 more"]


@pytest.mark.parametrize(
    ("word", "quoted"),
    [
        ("gh:org/b2-starter", "gh:org/b2-starter"),
        ("a b", '"a b"'),
        ("it's", '"it\'s"'),
        ("$HOME", "'$HOME'"),
        ("100%", "'100%'"),
        ("it's $5", "'it'\"'\"'s $5'"),
        ("", '""'),
    ],
)
def test_the_quotes_work_in_most_shells(word: str, quoted: str):
    assert quote(word) == quoted


def test_a_windows_path_keeps_its_backslashes(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "name", "nt")

    assert quote(r"C:\My Projects\b2") == r'"C:\My Projects\b2"'
    assert not can_be_quoted("ends with \\")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "7",
        '{"cookiecutter": []}',
        '{"cookiecutter": {"assignment": "x"}}',
        "\udcff",
        '{"cookiecutter": {"assignment": "x"}, "b2-starter": {"given": 7}}',
    ],
)
def test_a_broken_b2_starter_json_counts_as_missing(tmp_path: Path, text: str):
    (tmp_path / "b2-starter.json").write_bytes(text.encode(errors="surrogateescape"))

    assert read_kept(tmp_path) == {}


def test_what_is_dropped_and_what_is_the_students(tmp_path: Path):
    given = "This file is given: a reset may replace it."
    for name, text in {
        "old.py": given,
        "mine.py": "print(1)",
        "old.txt": "x",
        "new.py": given,
    }.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "b2-starter.json").write_text(
        '{"cookiecutter": {"assignment": "guestbook"}, "b2-starter": {"given":'
        ' ["old.py", "mine.py", "old.txt", "new.py", "gone.py", "", "."]}}',
        encoding="utf-8",
    )

    assert find_dropped(tmp_path, ["new.py"]) == ["old.py", "old.txt"]


def test_a_dropped_name_that_is_a_link_or_outside_stays(tmp_path: Path):
    project = tmp_path / "project"
    project.mkdir()
    (tmp_path / "outside.txt").write_text("mine", encoding="utf-8")
    make_link(project / "link.txt", tmp_path / "outside.txt")
    (project / "b2-starter.json").write_text(
        '{"cookiecutter": {"assignment": "guestbook"}, "b2-starter": {"given": ["link.txt",'
        f' "../outside.txt", "{tmp_path.as_posix()}/outside.txt", "main.py", ".env", "./.env"]}}}}',
        encoding="utf-8",
    )
    (project / "main.py").write_text("given: a reset may replace", encoding="utf-8")
    (project / ".env").write_text("x", encoding="utf-8")

    assert find_dropped(project, []) == []


def test_an_empty_folder_can_be_used(tmp_path: Path):
    assert find_reset_problem(tmp_path) == ""
    assert ROOT.is_dir()
