#!/usr/bin/env -S uv run --script
# /// script
# dependencies = ["nox>=2025.5.1"]
# ///
"""Checks for the template. `nox` runs lint, tests and verify; `nox -l` lists the others."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nox

if sys.version_info < (3, 10):  # noqa: UP036  # Xcode's python3 is 3.9; pip's words are no help
    raise SystemExit(
        f"b2-starter needs Python 3.10 or newer, and this is {sys.version.split()[0]}.\n"
        "Install it from python.org, delete the folder .venv, and type the line again."
    )

nox.needs_version = ">=2025.5.1"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"
os.environ.setdefault("UV_COMPILE_BYTECODE", "1")  # as pip does; or each start compiles boto3

ROOT = Path(__file__).resolve().parent
STARTER = ROOT / "{{cookiecutter.project_slug}}"
IN_PARALLEL = ["-n", "auto", "--dist", "loadfile"]  # what the tests in a file share is made once
GROUPS = nox.project.load_toml("pyproject.toml")["dependency-groups"]

if any(word.startswith("pythons") for word in sys.argv) and shutil.which("pyenv"):
    # pyenv hides all versions but the chosen ones: choose all, the current one first.
    chosen = [
        subprocess.check_output(["pyenv", *words], encoding="utf-8").replace("\n", ":")
        for words in (["version-name"], ["versions", "--bare"])
    ]
    os.environ["PYENV_VERSION"] = "".join(chosen).rstrip(":")
PYTHONS = [f"3.{minor}" for minor in range(10, 20) if shutil.which(f"python3.{minor}")]


@nox.session
def lint(session: nox.Session) -> None:
    """Check style (ruff) and types (mypy)."""
    session.install(*GROUPS["lint"], *GROUPS["test"], *GROUPS["classroom"], "nox")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    inside = STARTER / "b2_inside"
    path = {"MYPYPATH": os.pathsep.join([str(STARTER), str(inside)])}
    files = sorted([*STARTER.glob("*.py"), *inside.glob("b2_*.py")])
    words = ["--explicit-package-bases", *map(str, files), str(inside / "b2_practice")]
    session.run("mypy", *words, env=path)
    ours = ["b2_starter_extension.py", "hooks", "classroom", "tests", "benchmarks", "docs"]
    for platform in ("linux", "win32", "darwin"):
        words = ["--platform", platform, "--cache-dir", f".mypy_cache/{platform}"]
        session.run("mypy", *words, *ours, "noxfile.py", env=path)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests of the template; words after -- go to pytest."""
    session.install(*GROUPS["test"], *GROUPS["classroom"])
    words = ["-m", "not thorough", "--durations=10", *session.posargs]
    session.run("python", "-m", "pytest", *IN_PARALLEL, *words, env=quiet())


@nox.session
def verify(session: nox.Session) -> None:
    """Use a generated project as a student does, in new environments and in a browser."""
    session.install(*GROUPS["test"], *GROUPS["classroom"], *GROUPS["real-s3"])
    files = [f"tests/verify_{what}.py" for what in ("project", "editor", "album")]
    session.run("python", "-m", "pytest", "-v", *IN_PARALLEL, *files, env=quiet())


@nox.session(default=False)
def places(session: nox.Session) -> None:
    """Make mistakes in notebooks, editors and web frameworks; words after -- go to pytest."""
    session.install(*GROUPS["test"], *GROUPS["places"])
    words = [*IN_PARALLEL[:2], "tests/verify_places.py", *session.posargs]
    session.run("python", "-m", "pytest", *words, env=quiet())


@nox.session(default=False)
def demo(session: nox.Session) -> None:
    """Generate a project in demo/, run it and its tests, and say where it is."""
    session.install("cookiecutter", "-r", str(STARTER / "requirements.txt"))
    folder = ROOT / "demo"
    folder.mkdir(exist_ok=True)
    session.run(
        "cookiecutter",
        str(ROOT),
        "--no-input",
        "--default-config",
        "-f",
        "-o",
        str(folder),
        silent=True,
        env=quiet(),
    )
    project = folder / "my-bucket-project"
    with session.chdir(project):
        session.run("python", "main.py", env=quiet())
        session.run("python", "-m", "pytest", env=quiet())
    session.log(f"The project is in {project}. It is yours: change main.py and run it again.")


@nox.session(default=False)
def thorough(session: nox.Session) -> None:
    """Run the slow tests: kills, many threads, 500 project histories, older cookiecutters."""
    session.install(*GROUPS["test"], *GROUPS["classroom"])
    session.run(
        "python",
        "-m",
        "pytest",
        *IN_PARALLEL,
        "-m",
        "thorough or histories",
        *(session.posargs or ["tests", "tests/verify_class.py", "tests/verify_versions.py"]),
        env={**quiet(), "HISTORIES": "500"},
    )


@nox.session(default=False)
def real_s3(session: nox.Session) -> None:
    """Run the storage tests against real S3 servers on 127.0.0.1: rclone and, on Linux, Swift."""
    session.install(*GROUPS["test"], *GROUPS["real-s3"], *GROUPS["swift"])
    backends = "rclone,faulty,swift" if sys.platform == "linux" else "rclone,faulty"
    words = ["tests/test_storage.py", f"--backends={backends}", *session.posargs]
    session.run("python", "-m", "pytest", *words, env=quiet())


@nox.session(default=False)
def reliability(session: nox.Session) -> None:
    """Try each action many times on a faulty network; exit code 1 if anything is lost."""
    session.install(*GROUPS["test"], *GROUPS["real-s3"])
    session.run("python", "benchmarks/reliability.py", *session.posargs, env=quiet())


@nox.session(default=False)
def windows(session: nox.Session) -> None:
    """Run the tests on a Windows Python, under Wine, on Linux; words after -- go to pytest."""
    if sys.platform != "linux":
        session.error("This is for Linux, without Windows. On Windows, run nox itself.")
    session.install("uv", *GROUPS["test"], *GROUPS["classroom"])
    folder = str(Path(session.virtualenv.location, "rig"))
    rig = ["python", "tests/windows_rig.py", folder]
    session.run(*rig, "set-up", *GROUPS["test"], *GROUPS["classroom"], "pytest-rerunfailures")
    # Wine sometimes fails to start a process, with this error of its own.
    pytest = [*rig, "run", "-m", "pytest", "-q", "--reruns=2", "--only-rerun=WinError 1359"]
    pytest += [*IN_PARALLEL, "-p", "no:cacheprovider"]
    session.run(*pytest, "-m", "not thorough", *session.posargs)
    if session.posargs:
        return
    grading = [f"tests/test_{what}.py" for what in ("grade", "mischief", "supervise")]
    session.run(*pytest, "-m", "thorough", *grading)
    env = {**quiet(), "WINDOWS_RIG": folder}
    session.run("python", "-m", "pytest", "-v", "tests/verify_windows.py", env=env)


@nox.session(default=False)
def live(session: nox.Session) -> None:
    """Use a real bucket, from B2_APPLICATION_KEY_ID and so on, and leave it as it was."""
    needed = ["B2_APPLICATION_KEY_ID", "B2_APPLICATION_KEY", "B2_BUCKET_NAME", "B2_ENDPOINT"]
    missing = [name for name in needed if not os.environ.get(name)]
    if missing:
        session.error(f"Set {', '.join(missing)} first: this session uses your real bucket.")
    session.install("-r", str(STARTER / "requirements.txt"))
    session.run("python", "tests/live.py")
    if os.environ.get("SCHOOL_KEY_ID") and os.environ.get("SCHOOL_KEY"):
        session.install(*GROUPS["classroom"])
        session.run("python", "tests/live_account.py")
    else:
        session.log(
            "With SCHOOL_KEY_ID and SCHOOL_KEY, it also makes and removes a bucket and key."
        )


@nox.session(default=False, python=PYTHONS)
def pythons(session: nox.Session) -> None:
    """Run the tests on every Python from 3.10 on that is installed here."""
    session.install(*GROUPS["test"], *GROUPS["classroom"])
    session.run("python", "-m", "pytest", "-q", *IN_PARALLEL, *session.posargs, env=quiet())


@nox.session(default=False, venv_backend="uv")
def lowest(session: nox.Session) -> None:
    """Run the tests with the lowest versions that requirements.txt allows."""
    lines = (STARTER / "requirements.txt").read_text(encoding="utf-8").split()
    lines += [line for line in GROUPS["classroom"] if line.startswith("b2sdk")]
    pins = [re.sub(r">=([\d.]+).*", r"==\1", line) for line in lines]
    names = {re.split(r"[\[><=]", line)[0] for line in lines}
    others = [
        line
        for line in [*GROUPS["test"], *GROUPS["classroom"]]
        if re.split(r"[\[><=]", line)[0] not in names
    ]
    session.install(*pins, *others)
    session.run("python", "-m", "pytest", "-q", *IN_PARALLEL, *session.posargs, env=quiet())


@nox.session(default=False, venv_backend="none")
def new_class(session: nox.Session) -> None:
    """Make a project for every student: nox -s new_class -- roster.csv --out DIR."""
    session.notify("classroom", ["new_class", *session.posargs])


@nox.session(default=False, venv_backend="none")
def accounts(session: nox.Session) -> None:
    """Give each student a bucket and a key of the school's account: nox -s accounts -- DIR."""
    session.notify("classroom", ["accounts", *session.posargs])


@nox.session(default=False, venv_backend="none")
def grade(session: nox.Session) -> None:
    """Grade what was handed in: nox -s grade -- DIR --out grades.csv."""
    session.notify("classroom", ["grade", *session.posargs])


@nox.session(default=False)
def classroom(session: nox.Session) -> None:
    """Do what new_class, accounts and grade ask for, in the one environment that all need."""
    session.install("-q", *GROUPS["classroom"], "-r", str(STARTER / "requirements.txt"))
    with session.chdir(session.invoked_from):  # so that the teacher's relative paths work
        session.run("python", str(ROOT / "classroom"), *session.posargs)


@nox.session(default=False)
def benchmarks(session: nox.Session) -> None:
    """Print what everything costs, compared with the minimum; -- --write puts it in docs."""
    session.install(*GROUPS["test"], *GROUPS["classroom"], *GROUPS["real-s3"])
    session.run("python", "benchmarks", *session.posargs)


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """Write docs/PROBLEMS.md from the table of problems."""
    session.run("python", "docs/make_problems.py", success_codes=[0, 1])


@nox.session(default=False)
def pictures(session: nox.Session) -> None:
    """Make the pictures of README.md from real runs, into docs/pictures."""
    session.install(*GROUPS["test"], *GROUPS["classroom"])
    session.run("python", "docs/make_pictures.py")


def quiet() -> dict[str, str]:
    """Return an environment in which a forgotten encoding= causes a warning.

    Bytecode goes into .nox: cookiecutter would copy a __pycache__ of the template into projects.
    """
    return {
        "PYTHONWARNDEFAULTENCODING": "1",
        "PYTHONPYCACHEPREFIX": str(ROOT / ".nox" / "bytecode"),
        "PYTHONDONTWRITEBYTECODE": "",  # else pytest compiles everything at each start
    }


if __name__ == "__main__":
    nox.main()
