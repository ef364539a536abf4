"""album.html in a real browser. Run by `nox -s verify`."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from backends import BUCKET, rclone_server
from browsing import look
from conftest import SOLUTIONS, Project, clean_environment, env_text, run
from cookiecutter.main import cookiecutter

pytestmark = pytest.mark.enable_socket

ODD = "<img src=x onerror=\"document.title='hurt'\"> & me"  # allowed on Linux and macOS


@pytest.fixture
def album(template: Path, cookiecutter_config: dict[str, Any], tmp_path: Path) -> Project:
    """A solved project; one of its pictures has a name that could do harm."""
    made = cookiecutter(
        str(template),
        no_input=True,
        output_dir=str(tmp_path),
        extra_context={"assignment": "photo-album", "bucket_name": BUCKET},
        default_config=cookiecutter_config,
    )  # type: ignore[arg-type]
    project = Project(Path(made))
    shutil.copy(SOLUTIONS / "photo-album" / "main.py", project.path / "main.py")
    if sys.platform != "win32":  # Windows does not allow this name
        pictures = project.path / "pictures"
        shutil.copy(pictures / "sun.png", pictures / f"{ODD}.png")
    return project


def assert_all_is_shown(seen: dict[str, Any]) -> None:
    names = ["boat", "hills", "sun"]
    if sys.platform != "win32":
        names.insert(0, ODD)
    assert seen["title"] == "My album"
    assert [name for name, _, _ in seen["pictures"]] == names
    for name, natural, shown in seen["pictures"]:
        assert natural > 0, f"{name} is not shown"
        assert 0 < shown <= 360
    assert seen["width"] <= 360


def test_the_album_opens_from_the_practice_folder(browser: str, album: Project, tmp_path: Path):
    done = album.python("main.py")
    assert "Open this in a browser: practice-bucket/album.html" in done.out, done.err

    page = album.path / "practice-bucket" / "album.html"
    assert_all_is_shown(look(browser, page.as_uri(), tmp_path))


def test_the_album_opens_from_a_server_through_its_link(
    browser: str, album: Project, tmp_path: Path
):
    (tmp_path / "served" / BUCKET).mkdir(parents=True)
    with rclone_server(tmp_path / "served") as endpoint:
        album.write(".env", env_text(endpoint, BUCKET))
        done = run([sys.executable, "main.py"], album.path, clean_environment())
        found = re.search(r"Open this in a browser: (http://\S+)", done.out)
        assert found, done.printed
        assert_all_is_shown(look(browser, found[1], tmp_path))


def test_a_missing_picture_is_noticed(browser: str, tmp_path: Path):
    """Shows that the tests above can fail: a page with a broken picture and an attack."""
    (tmp_path / "album.html").write_text(
        "<!doctype html><title>My album</title><img src='none.png' alt='none'>"
        "<img src=x onerror=\"document.title='hurt'\">",
        encoding="utf-8",
    )

    seen = look(browser, (tmp_path / "album.html").as_uri(), tmp_path)

    assert seen["pictures"][0][:2] == ["none", 0]
    assert seen["title"] == "hurt"
