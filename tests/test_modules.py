"""The given modules: who imports whom, and that importing one of b2_inside does nothing."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from conftest import INSIDE, STARTER, clean_environment, some_thorough

MODULES = sorted(file for file in INSIDE.glob("*.py") if file.stem != "__init__")
FILES = [*sorted(STARTER.glob("*.py")), *MODULES, INSIDE / "b2_practice"]
NAMES = {file.stem for file in FILES}


def imported_by(path: Path) -> set[str]:
    """Return the names of all modules that a file or folder imports, even inside functions."""
    files = sorted(path.glob("*.py")) if path.is_dir() else [path]
    names: set[str] = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names.add((node.module or "").partition(".")[0])
    return names


def test_there_are_no_circles_among_the_modules():
    imports = {file.stem: imported_by(file) & NAMES for file in FILES}

    order = list(TopologicalSorter(imports).static_order())  # raises CycleError

    assert set(order) == NAMES
    assert imports["b2_rules"] == imports["b2_problems"] == set()
    assert order[-1] == "check_setup"


def test_at_most_ten_files_go_to_an_online_editor():
    assert len([file for file in FILES if file.is_file()]) <= 10


def test_the_rules_and_the_problems_need_next_to_nothing():
    assert imported_by(INSIDE / "b2_rules.py") == {
        "__future__",
        "difflib",
        "email",
        "re",
        "textwrap",
        "time",
        "urllib",
    }
    assert imported_by(INSIDE / "b2_problems.py") == {"textwrap"}
    assert imported_by(INSIDE / "b2_advice.py") == {"ctypes", "html", "sys"}


@pytest.mark.parametrize("name", [file.stem for file in MODULES])
def test_importing_a_module_of_b2_inside_only_defines_things(name: str, tmp_path: Path):
    program = f"""
import os, sys, threading
sys.path.append({str(INSIDE)!r})
hooks = sys.excepthook, threading.excepthook, list(sys.path), dict(os.environ), os.getcwd()
events = []
sys.addaudithook(lambda event, args: events.append((event, args)))
import {name}
assert hooks == (
    sys.excepthook, threading.excepthook, list(sys.path), dict(os.environ), os.getcwd())
changed = [event for event, args in events
           if event.startswith(("socket", "subprocess", "os.remove", "os.rename", "os.mkdir"))
           or (event == "open" and args[1] not in (None, "r", "rb"))]
assert changed == [], changed
assert "boto3" not in sys.modules
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        capture_output=True,
        check=False,
        env=clean_environment(),
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def run(program: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-c", f"import sys\nsys.path[:0] = [{str(STARTER)!r}]\n{program}"]
    return subprocess.run(
        words, capture_output=True, encoding="utf-8", check=False, env=clean_environment()
    )


@pytest.mark.parametrize(
    "imports",
    some_thorough(
        [
            "import check_setup",
            "import b2_client",
            "import check_setup, b2_client",
            "import b2_client, check_setup",
            "import b2_client; b2_client.b2_causes.install()",
            "import check_setup; check_setup.b2_causes.install(check_setup.explain)",
        ],
        every_day=1,
    ),
)
def test_however_often_the_hook_is_installed_advice_and_traceback_come_once(imports: str):
    advice = run(f"{imports}\nfrom b2_problems import SetupError\nraise SetupError('no-network')")
    python = run(f"{imports}\n1 / 0")

    assert (advice.returncode, python.returncode) == (1, 1)
    assert advice.stderr.count("PROBLEM [no-network]") == 1
    assert "Traceback" not in advice.stderr
    assert python.stderr.count("Traceback") == python.stderr.count("ZeroDivisionError") == 1


@pytest.mark.parametrize(
    "imports",
    ["import check_setup, b2_client", "import b2_client, check_setup", "import b2_client"],
)
def test_errors_of_boto3_are_explained_whichever_module_is_imported(imports: str):
    done = run(
        f"{imports}\nfrom botocore.exceptions import NoCredentialsError\nraise NoCredentialsError()"
    )

    assert "PROBLEM [no-keys-given]" in done.stderr
