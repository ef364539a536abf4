"""A reset loses nothing, whatever happened before, and whatever happens during it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from conftest import Project, Run, clean_environment, run, some_thorough
from cookiecutter.exceptions import CookiecutterException
from cookiecutter.main import cookiecutter
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from resetting import BROKEN, GIVEN, state

from hooks import pre_gen_project

KILLED = -9  # the exit code of a process that got SIGKILL
HISTORIES = int(os.environ.get("HISTORIES", "8"))  # nox -s thorough tries 500
NAMES = [
    *GIVEN,
    "main.py",
    ".env",
    "b2-starter.json",
    "tests/test_main.py",
    "notes.txt",
    "_starter/hello-bucket/main.py",
    "tests/mine.py",
    "data/a.csv",
    "backups/mine.txt",
]
CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["write", "delete", "rename", "crlf", "link", "mode", "folder", "binary"]),
        st.sampled_from(NAMES),
        st.text(max_size=8),
    ),
    min_size=1,
    max_size=8,
)


def change(root: Path, what: str, name: str, text: str) -> None:
    """Do to a file of a project what a student might do; what is not possible is left out."""
    path = root / name
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        if what in ("write", "binary"):
            path.write_bytes(text.encode(errors="replace") if what == "write" else b"\0\xff" * 9)
        elif what == "delete":
            path.unlink()
        elif what == "rename":
            path.rename(path.with_name(f"my {path.name}"))
        elif what == "crlf":
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
        elif what == "mode":
            path.chmod(0o444)
        else:
            path.unlink()
            path.mkdir() if what == "folder" else path.symlink_to("notes.txt")
            if what == "folder":
                (path / "inside.txt").write_bytes(text.encode(errors="replace"))


@pytest.fixture
def made(generated: Callable[..., Path]) -> Path:
    """A project to copy for each history."""
    return generated()


@pytest.mark.histories
@example(changes=[("write", ".env", "")])
@settings(
    deadline=None,
    max_examples=HISTORIES,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(CHANGES)
def test_nothing_is_lost_in_any_history(
    tmp_path_factory: pytest.TempPathFactory,
    template: Path,
    made: Path,
    cookiecutter_config: dict[str, Any],
    changes: list[tuple[str, str, str]],
):
    out = tmp_path_factory.mktemp("history")
    project = Project(Path(shutil.copytree(made, out / made.name, symlinks=True)))
    for what, name, text in changes:
        change(project.path, what, name, text)
    whole = state(project)
    before = {name: about for name, about in whole.items() if about[0] != "link"}
    links = {name for name, about in whole.items() if about[0] == "link"}
    answers = {"project_name": "My Bucket Project"}

    ours = len([name for name in GIVEN if name[:3] == "b2_" and (project.path / name).is_file()])
    refused = False
    try:
        cookiecutter(
            str(template),
            no_input=True,
            overwrite_if_exists=True,
            output_dir=str(out),
            extra_context=answers,
            default_config=cookiecutter_config,
        )  # type: ignore
    except CookiecutterException:
        refused = True

    assert_nothing_is_lost(project, before)
    now = state(project)
    for name in links:
        assert name in now or any(place.endswith(name) for place in now)
    if refused:
        assert now == whole
        assert ours < 2  # too little is left to recognise the project
    else:
        for name in [*GIVEN, "b2-starter.json"]:
            assert (project.path / name).read_bytes() == (made / name).read_bytes(), name
            assert not (project.path / name).is_symlink()


def reset_command(template: Path, made: Path) -> list[str]:
    """Return the command that resets a copy of a project, for the folder above it."""
    command = [sys.executable, "-m", "cookiecutter", str(template), "--default-config"]
    return [*command, "--replay-file", f"{made.name}/b2-starter.json", "-f"]


def assert_nothing_is_lost(project: Project, before: dict[str, Any]) -> None:
    """Every byte that was there is still there: in its place, or below backups/."""
    now = state(project)
    for name, about in before.items():
        if (name, about[0]) == (".env", b""):
            continue  # a run that was killed leaves that, so a reset fills it
        copies = [
            now[place][0]
            for place in now
            if place == name or (place.startswith("backups/") and place.endswith(name))
        ]
        assert about[0] in copies, f"{name} is lost"


# Put on the path of every Python in a reset: it counts the calls that change something in the
# project, and kills the whole process group before the call whose number is wanted.
WATCH = """
import os, signal, sys
CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.chmod"}
def watch(event, args):
    if event == "open":
        if not isinstance(args[2], int) or not args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            return
    elif event not in CHANGES:
        return
    if not os.path.abspath(os.fspath(args[0])).startswith(os.environ["WATCHED"]):
        return
    count = os.open(os.environ["COUNT"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(count, b".")
    if os.fstat(count).st_size == int(os.environ["KILL_AT"]):
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os.close(count)
sys.addaudithook(watch)
"""


@pytest.mark.thorough
@pytest.mark.skipif(not hasattr(os, "killpg"), reason="this system has no process groups to kill")
def test_a_killed_reset_loses_nothing_and_the_next_one_repairs(
    tmp_path: Path, template: Path, made: Path
):
    (tmp_path / "sitecustomize.py").write_text(WATCH, encoding="utf-8")
    words = reset_command(template, made)

    def kill(at: int) -> tuple[Project, int]:
        """Reset a broken project, killed before change number `at`; return what happened."""
        out, count = tmp_path / f"out-{at}", tmp_path / f"count-{at}"
        project = Project(Path(shutil.copytree(made, out / made.name)))
        for name in (
            "b2_client.py",
            "tests/conftest.py",
            "main.py",
            "_starter/mine.txt",
            "_starter/hello-bucket/main.py",
        ):
            (project.path / name).parent.mkdir(parents=True, exist_ok=True)
            project.write(name, f"# mine: {name}\n")
        (project.path / "check_setup.py").unlink()
        before = state(project)
        env = {
            **clean_environment(),
            "PYTHONPATH": str(tmp_path),
            "HOME": str(tmp_path),
            "WATCHED": str(project.path),
            "COUNT": str(count),
            "KILL_AT": str(at),
        }
        done = subprocess.run(
            words, cwd=out, env=env, capture_output=True, check=False, start_new_session=True
        )
        assert done.returncode == (0 if at == 0 else KILLED), done.stderr.decode()
        assert_nothing_is_lost(project, before)
        if at:
            again = subprocess.run(
                words, cwd=out, env={**env, "KILL_AT": "0"}, capture_output=True, check=False
            )
            assert again.returncode == 0, again.stdout.decode()
            assert_nothing_is_lost(project, before)
        for path in (project.path / "_starter").rglob("*.*"):
            assert path.read_text(encoding="utf-8").startswith("# mine"), (at, path)
        for name in GIVEN:
            assert (project.path / name).read_bytes() == (made / name).read_bytes(), (at, name)
        return project, count.stat().st_size

    _, points = kill(0)
    assert points >= 50
    step = 1 if HISTORIES > 12 else points // 6
    for at in range(1, points + 1, step):
        kill(at)


@pytest.mark.thorough
def test_two_resets_at_once(tmp_path: Path, template: Path, made: Path):
    out = tmp_path / "out"
    project = Project(Path(shutil.copytree(made, out / made.name)))
    project.write("b2_client.py", BROKEN)
    before = state(project)
    words = reset_command(template, made)
    env = {**clean_environment(), "HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}
    both = [
        subprocess.Popen(words, cwd=out, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    for running in both:
        running.communicate(timeout=60)

    assert_nothing_is_lost(project, before)
    done = run(words, out, env)
    assert done.code == 0, done.err
    assert_nothing_is_lost(project, before)
    for name in GIVEN:
        assert (project.path / name).read_bytes() == (made / name).read_bytes(), name


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Let nothing in a folder be renamed; only a read-only mount stops root."""
    if sys.platform == "win32":
        pytest.skip("on Windows a folder has no such permission")
    if os.geteuid() != 0:
        folder.chmod(0o555)
        yield
        folder.chmod(0o755)
        return
    if subprocess.run(["mount", "--bind", folder, folder], check=False).returncode != 0:
        pytest.skip("this system does not let us mount a folder")
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True)
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize("name", some_thorough([".", "tests", "b2_inside"], every_day=1))
def test_without_write_permission_nothing_changes(
    cli: Callable[..., Run], tmp_path: Path, made: Path, name: str
):
    project = Project(Path(shutil.copytree(made, tmp_path / made.name)))
    project.write("b2_client.py", BROKEN)
    before = state(project)

    with locked(project.path / name):
        done = cli("--replay-file", f"{made.name}/b2-starter.json", "-f", folder=tmp_path)

    assert done.code == 1
    assert "Nothing was changed. " in done.out
    assert "type the command again." in done.out or "Move the project" in done.out
    assert "Traceback" not in done.printed
    assert state(project) == before
    assert not (project.path / "backups").exists()


@pytest.mark.skipif(
    sys.platform != "win32", reason="other systems let a program move a file that is open"
)
@pytest.mark.parametrize("name", ["b2_client.py", "b2-starter.json"])
def test_a_file_that_another_program_has_open_is_named(
    cli: Callable[..., Run], tmp_path: Path, made: Path, name: str
):
    project = Project(Path(shutil.copytree(made, tmp_path / made.name)))
    project.write("check_setup.py", BROKEN)
    before = state(project)

    with open(project.path / name, "rb"):
        done = cli("--replay-file", f"{made.name}/b2-starter.json", "-f", folder=tmp_path)

    assert done.code == 1
    assert "Nothing was changed. " in done.out
    assert f"Close programs that use {name}, such as your editor." in done.out
    assert state(project) == before


@pytest.mark.skipif(
    sys.platform != "win32", reason="other systems let a program move a file that is open"
)
def test_a_file_that_is_open_for_a_moment_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    held = open("b2_client.py", "wb")
    threading.Timer(0.3, held.close).start()
    moved: list[Path] = []

    pre_gen_project.set_aside([Path("b2_client.py")], Path("backups", "now"), moved)

    assert moved == [Path("b2_client.py")]
    assert Path("backups", "now", "b2_client.py").is_file()


def test_a_folder_that_is_not_writable_is_named_before_the_first_question(
    cli: Callable[..., Run], tmp_path: Path
):
    (tmp_path / "out").mkdir()
    with locked(tmp_path / "out"):
        done = cli(folder=tmp_path / "out")

    assert done.code == 1
    assert f"You cannot save anything in {tmp_path / 'out'}." in " ".join(done.err.split())
    assert "?" not in done.out


@pytest.mark.thorough
def test_a_reset_while_the_program_is_running(cli: Callable[..., Run], tmp_path: Path, made: Path):
    project = Project(Path(shutil.copytree(made, tmp_path / made.name)))
    project.write("check_setup.py", project.read("check_setup.py") + BROKEN)
    project.write(
        "main.py",
        "import check_setup\nfrom b2_client import get_bucket\n"
        "bucket = get_bucket()\nfor number in range(200):\n"
        "    bucket.put_object(Key=f'{number}.txt', Body=b'kept')\n"
        "    print(number, flush=True)\nprint('done')\n",
    )
    running = subprocess.Popen(
        [sys.executable, "main.py"],
        cwd=project.path,
        text=True,
        encoding="utf-8",
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert running.stdout is not None
    while running.stdout.readline().strip() != "3":
        assert running.poll() is None

    done = cli("--replay-file", f"{made.name}/b2-starter.json", "-f", folder=tmp_path)

    assert done.code == 0, done.err
    assert running.communicate(timeout=60)[0].endswith("done\n")
    stored = sorted(path.name for path in (project.path / "practice-bucket").glob("*.txt"))
    assert stored == sorted(f"{number}.txt" for number in range(200))


@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0,
    reason="mounting a small disk needs Linux and root",
)
@pytest.mark.parametrize("how", ["full", "read-only"])
def test_a_disk_that_is_full_or_read_only(
    cli: Callable[..., Run], tmp_path: Path, made: Path, how: str
):
    out = tmp_path / "disk"
    out.mkdir()
    size = ["-o", "size=1500k"]
    mounted = subprocess.run(["mount", "-t", "tmpfs", *size, "tmpfs", str(out)], check=False)
    if mounted.returncode != 0:
        pytest.skip("this system does not let us mount a small disk")
    try:
        project = Project(Path(shutil.copytree(made, out / made.name)))
        project.write("b2_client.py", BROKEN)
        if how == "full":
            (out / "film.mp4").write_bytes(b"x" * 600_000)
        else:
            subprocess.run(["mount", "-o", "remount,ro", str(out)], check=True)
        before = state(project)

        done = cli("--replay-file", f"{made.name}/b2-starter.json", "-f", folder=out)

        assert done.code == 1
        assert ("No space left" if how == "full" else "Read-only file system") in done.out
        assert "Traceback" not in done.printed
        assert state(project) == before
    finally:
        subprocess.run(["umount", str(out)], check=True)
