"""Files are written in one step, and folders removed whatever is in them, and nothing else."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest
from conftest import make_link

from classroom.whole_files import FOR_OWNER, remove_tree, write_whole


def test_a_file_is_replaced_in_one_step(tmp_path: Path):
    path = tmp_path / "class.csv"
    path.write_bytes(b"old")
    (tmp_path / "class.csv.part").write_bytes(b"of a run that was killed")

    write_whole(path, b"new", FOR_OWNER)

    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("class.csv", b"new")]
    if os.name != "nt":
        assert stat.S_IMODE(path.stat().st_mode) == FOR_OWNER


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
def test_what_would_never_end_is_in_the_way(tmp_path: Path):
    os.mkfifo(tmp_path / "class.csv.part")  # type: ignore[attr-defined]

    write_whole(tmp_path / "class.csv", b"new")

    assert [one.name for one in tmp_path.iterdir()] == ["class.csv"]


def test_what_cannot_be_written_leaves_the_old_file(tmp_path: Path):
    (tmp_path / "class.csv").mkdir()

    with pytest.raises(OSError, match="class"):
        write_whole(tmp_path / "class.csv", b"new")

    assert [one.name for one in tmp_path.iterdir()] == ["class.csv"]


def test_a_folder_is_removed_and_nothing_around_it(tmp_path: Path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "mine.txt").write_text("mine", encoding="utf-8")
    tmp_path.chmod(0o755)
    folder = tmp_path / "folder"
    for number in range(3):
        place = folder / "a" / str(number) / "b"
        place.mkdir(parents=True)
        (place / "c.txt").write_text("x", encoding="utf-8")
        (place / "c.txt").chmod(0o400)
        place.chmod(0o500)
    make_link(folder / "link", outside)

    remove_tree(folder)

    assert [one.name for one in tmp_path.iterdir()] == ["outside"]
    assert [one.name for one in outside.iterdir()] == ["mine.txt"]
    if os.name != "nt":
        assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755
