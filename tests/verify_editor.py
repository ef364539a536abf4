"""A project in an online editor that has boto3 alone, as OYOclass' has. Run by `nox -s verify`.

The environment is new, and the server is real: rclone, on 127.0.0.1.
"""

from __future__ import annotations

import shutil
import subprocess
import venv
from collections.abc import Callable
from pathlib import Path

import pytest
from backends import BUCKET
from conftest import Project, env_text, python_in

pytestmark = pytest.mark.enable_socket


@pytest.fixture(scope="module")
def editor(generated: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Project:
    """What the README says for OYOclass: main.py, the given files, and boto3 alone."""
    project = generated()
    folder = tmp_path_factory.mktemp("editor")
    for file in [*project.glob("*.py"), *(project / "b2_inside").glob("*.py")]:
        shutil.copy(file, folder)
    venv.create(folder / "python", with_pip=True)
    python = python_in(folder / "python")
    subprocess.run([python, "-m", "pip", "install", "-q", "boto3"], check=True)
    return Project(folder, interpreter=python)


def test_with_boto3_alone_blank_keys_give_advice(editor: Project, rclone_endpoint: str):
    editor.write("env.txt", env_text(rclone_endpoint, BUCKET, "", ""))

    done = editor.python("main.py")

    assert (done.code, done.out) == (1, "")
    assert "PROBLEM [practice-needs-moto]" in done.err
    assert "To use your own bucket, fill in both keys in .env (or env.txt)." in done.err
    assert "Traceback" not in done.err


def test_with_boto3_alone_the_program_uses_a_server(editor: Project, rclone_endpoint: str):
    editor.write("env.txt", env_text(rclone_endpoint, BUCKET))

    done = editor.python("main.py")

    assert (done.code, done.err) == (0, "")
    assert "Read back: Hello, bucket!" in done.out
    assert editor.python("check_setup.py").code == 0
    installed = editor.python("-m", "pip", "list").out
    assert "boto3" in installed
    assert "dotenv" not in installed
    assert "moto" not in installed
