"""A reset brings the given files back, and loses nothing."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from conftest import GOOD_ANSWERS, ROOT, Bake, Project, Run, clean_environment, run
from cookiecutter.exceptions import FailedHookException
from cookiecutter.main import cookiecutter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

GIVEN = json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8"))["_given"]
BROKEN = "# broken by hand\n"
HISTORIES = int(os.environ.get("HISTORIES", "30"))  # nox -s thorough tries 500


def reset(bake: Bake, project: Project, **how: Any) -> Project:
    """Reset a project as its README says, from its own b2-starter.json."""
    return bake.reset(project, **how)


def state(project: Project) -> dict[str, Any]:
    """Return all that a student could miss: bytes, times and modes of every file."""
    found: dict[str, Any] = {}
    for path in project.path.rglob("*"):
        name = path.relative_to(project.path).as_posix()
        if path.is_symlink():
            found[name] = ("link", str(path.readlink()))
        elif path.is_file():
            about = path.stat()
            found[name] = (path.read_bytes(), about.st_mtime_ns, stat.S_IMODE(about.st_mode))
    return found


def backups(project: Project) -> dict[str, bytes]:
    """Return what is below backups/<time>/, by its place in the project."""
    folder = project.path / "backups"
    return {Path(*path.relative_to(folder).parts[1:]).as_posix(): path.read_bytes()
            for path in folder.rglob("*") if path.is_file()}


def test_a_whole_project_stays_as_it_is(bake: Bake, project: Project):
    project.write("notes.txt", "mine")
    before = state(project)

    done = reset(bake, project)

    assert state(project) == before
    assert "is as it should be" in done.printed
    assert not (project.path / "backups").exists()


def test_given_files_return_and_what_was_there_is_kept(bake: Bake, project: Project):
    whole = state(project)
    project.write("b2_client.py", BROKEN)
    (project.path / "tests" / "conftest.py").unlink()
    project.write("main.py", "print('mine')\n")
    project.write(".env", "B2_APPLICATION_KEY=secret\n")
    mine = {name: state(project)[name] for name in ("main.py", ".env")}

    done = reset(bake, project)

    now = state(project)
    assert {name: now[name][0] for name in GIVEN} == {name: whole[name][0] for name in GIVEN}
    assert {name: now[name] for name in mine} == mine
    assert backups(project) == {"b2_client.py": BROKEN.encode()}
    assert "Restored: b2_client.py, tests/conftest.py" in done.printed
    assert "venv" not in done.printed

    again = reset(bake, project)
    assert state(project) == now
    assert "Restored: nothing" in again.printed


def test_what_is_missing_of_yours_is_made_again(bake: Bake, project: Project):
    starter = project.read("main.py")
    for name in ("main.py", ".env"):
        (project.path / name).unlink()

    reset(bake, project)

    assert project.read("main.py") == starter
    assert "B2_APPLICATION_KEY=\n" in project.read(".env")


@pytest.mark.parametrize("name", ["_starter/hello-bucket/main.py", "_starter/mine.txt",
                                  "_starter/hello-bucket/tests/test_main.py", "tests/test_mine.py"])
def test_a_students_files_where_the_template_renders_for_a_moment(
    bake: Bake, project: Project, name: str
):
    (project.path / name).parent.mkdir(parents=True, exist_ok=True)
    project.write(name, "mine")
    before = state(project)

    reset(bake, project)

    assert state(project) == before


@pytest.mark.parametrize("kind", ["folder", "link", "dead link", "read-only"])
def test_something_else_in_the_place_of_a_given_file(bake: Bake, project: Project, kind: str):
    path = project.path / "check_setup.py"
    whole = path.read_bytes()
    path.unlink()
    if kind == "folder":
        path.mkdir()
        (path / "mine.txt").write_text("mine", encoding="utf-8")
    elif kind == "read-only":
        path.write_text("mine", encoding="utf-8")
        path.chmod(0o400)
    else:
        (project.path / "elsewhere.txt").write_text("mine", encoding="utf-8")
        path.symlink_to("elsewhere.txt" if kind == "link" else "nowhere")

    reset(bake, project)

    assert path.read_bytes() == whole
    assert not path.is_symlink()
    kept = next((project.path / "backups").iterdir())
    if kind == "folder":
        assert (kept / "check_setup.py" / "mine.txt").read_text(encoding="utf-8") == "mine"
    elif kind == "read-only":
        assert (kept / "check_setup.py").read_text(encoding="utf-8") == "mine"
    else:
        assert (kept / "check_setup.py").is_symlink()
        if kind == "link":
            assert project.read("elsewhere.txt") == "mine"


def test_a_file_in_the_place_of_a_folder(bake: Bake, project: Project):
    shutil.rmtree(project.path / "tests")
    project.write("tests", "mine")

    reset(bake, project)

    assert (project.path / "tests" / "conftest.py").is_file()
    assert backups(project) == {"tests": b"mine"}


def refused(cli: Callable[..., Run], folder: Path, *words: str) -> Run:
    answers = [f"{name}={value}" for name, value in GOOD_ANSWERS.items()]
    return cli("--no-input", "-f", *answers, *words, folder=folder)


def test_a_folder_that_is_none_of_ours_is_refused(cli: Callable[..., Run], tmp_path: Path):
    project = Project(tmp_path / "out" / "proj")
    project.path.mkdir(parents=True)
    project.write("README.md", "mine")
    before = state(project)

    done = refused(cli, tmp_path / "out")

    assert done.code == 1
    assert "it is no project of b2-starter" in done.out
    assert state(project) == before


@pytest.mark.parametrize("place", ["proj", "proj/tests", "proj/backups", "proj/b2_inside"])
def test_a_link_is_never_followed(cli: Callable[..., Run], tmp_path: Path, place: str):
    out = tmp_path / "out"
    assert refused(cli, out).code == 0
    elsewhere = tmp_path / "elsewhere"
    path = out / place
    if path.exists():
        os.rename(path, elsewhere)
    else:
        elsewhere.mkdir()
    path.symlink_to(elsewhere, target_is_directory=True)
    before = state(Project(out)), state(Project(elsewhere))

    done = refused(cli, out)

    assert done.code == 1
    assert "is a link" in done.out
    assert (state(Project(out)), state(Project(elsewhere))) == before


@pytest.mark.parametrize("text", [
    "", "{", "[]", '{"cookiecutter": {}}', '{"cookiecutter": {"assignment": 7}, "b2-starter": []}',
    '{"cookiecutter": {"assignment": "hello-bucket"}, "b2-starter": {"given": [["x"]]}}',
    '{"cookiecutter": {"assignment": "hello-bucket"}, "b2-starter": [7]}'])
def test_without_readable_answers_the_given_files_tell(
    cli: Callable[..., Run], tmp_path: Path, text: str
):
    out = tmp_path / "out"
    assert refused(cli, out).code == 0
    project = Project(out / "proj")
    whole = project.read("b2-starter.json")
    project.write("b2-starter.json", text)
    (project.path / "check_setup.py").unlink()

    assert refused(cli, out).code == 0
    assert project.read("b2-starter.json") == whole
    assert (project.path / "check_setup.py").is_file()


def test_an_older_project_becomes_newer(bake: Bake, project: Project, tmp_path: Path):
    newer = tmp_path / "newer" / "b2-starter"
    shutil.copytree(bake.template, newer)
    answers = json.loads((newer / "cookiecutter.json").read_text(encoding="utf-8"))
    answers["_given"].remove("check_setup.py")
    answers["_given"].append("b2_new.py")
    answers["_template_version"] = "9.9.9"
    (newer / "cookiecutter.json").write_text(json.dumps(answers), encoding="utf-8")
    inside = newer / "{{cookiecutter.project_slug}}"
    (inside / "check_setup.py").rename(inside / "b2_new.py")
    old_client = project.read("b2_client.py")
    (inside / "b2_client.py").write_text("# newer\n", encoding="utf-8")

    done = reset(bake, project, template=newer)

    assert project.read("b2_client.py") == "# newer\n"
    assert (project.path / "b2_new.py").is_file()
    assert (project.path / "check_setup.py").is_file()
    assert "No longer part of the template, left as it is: check_setup.py" in done.printed
    assert backups(project)["b2_client.py"].decode() == old_client
    assert json.loads(project.read("b2-starter.json"))["b2-starter"]["version"] == "9.9.9"


@pytest.mark.parametrize("words", [["-f"], ["-f", "-s"]])
def test_the_line_of_the_readme(cli: Callable[..., Run], tmp_path: Path, words: list[str]):
    out = tmp_path / "out"
    assert refused(cli, out).code == 0
    project = Project(out / "proj")
    project.write("b2_client.py", BROKEN)

    done = cli("--replay-file", "proj/b2-starter.json", *words, folder=out)

    assert done.code == 0, done.err
    assert "Restored: b2_client.py" in done.out
    assert backups(project) == {"b2_client.py": BROKEN.encode()}


def test_from_git_and_offline_by_the_cached_name(
    cli: Callable[..., Run], tmp_path: Path, template: Path
):
    repo = tmp_path / "b2-starter"
    shutil.copytree(template, repo)
    me = ["-c", "user.name=A", "-c", "user.email=a@localhost"]
    for words in (["init", "-q"], ["add", "."], [*me, "commit", "-qm", "1"]):
        subprocess.run(["git", *words], cwd=repo, check=True)
    out, url = tmp_path / "out", f"file://{repo.as_posix()}"
    answers = [f"{name}={value}" for name, value in GOOD_ANSWERS.items()]
    assert cli("--no-input", *answers, folder=out, template=url).code == 0
    project = Project(out / "proj")
    replay = ("--replay-file", "proj/b2-starter.json", "-f")

    project.write("b2_client.py", BROKEN)
    asked = cli(*replay, folder=out, template=url, typed="\n")  # Enter: download it again
    assert asked.code == 0, asked.err
    assert "Restored: b2_client.py" in asked.out

    project.write("check_setup.py", BROKEN)
    offline = cli(*replay, folder=out, template="b2-starter")
    assert offline.code == 0, offline.err
    assert "Restored: check_setup.py" in offline.out


def test_the_folders_of_a_big_project_are_not_read(bake: Bake, project: Project):
    for name in (".venv/lib", "videos"):
        (project.path / name).mkdir(parents=True)
    (project.path / "videos" / "film.mp4").write_bytes(b"x")
    (project.path / "videos").chmod(0o000)
    try:
        reset(bake, project)
    finally:
        (project.path / "videos").chmod(0o755)


# Any history of a project: what was there is still there, and the given files are whole.

NAMES = [*GIVEN, "main.py", ".env", "b2-starter.json", "tests/test_main.py", "notes.txt",
         "_starter/hello-bucket/main.py", "tests/mine.py", "data/a.csv", "backups/mine.txt"]
CHANGES = st.lists(st.tuples(
    st.sampled_from(["write", "delete", "rename", "crlf", "link", "mode", "folder", "binary"]),
    st.sampled_from(NAMES), st.text(max_size=8)), min_size=1, max_size=8)


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


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, template: Path,
         cookiecutter_config: dict[str, Any]) -> Path:
    """A project to copy for each history."""
    folder = tmp_path_factory.mktemp("made")
    return Path(cookiecutter(str(template), no_input=True, output_dir=str(folder),
                             default_config=cookiecutter_config))  # type: ignore[arg-type]


@pytest.mark.histories
@settings(deadline=None, max_examples=HISTORIES, suppress_health_check=[
    HealthCheck.function_scoped_fixture])
@given(CHANGES)
def test_nothing_is_lost_in_any_history(
    tmp_path_factory: pytest.TempPathFactory, template: Path, made: Path,
    cookiecutter_config: dict[str, Any], changes: list[tuple[str, str, str]],
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
        cookiecutter(str(template), no_input=True, overwrite_if_exists=True, output_dir=str(out),
                     extra_context=answers, default_config=cookiecutter_config)  # type: ignore
    except FailedHookException:
        refused = True

    assert_nothing_is_lost(project, before)
    now = state(project)
    for name in links:
        assert name in now or any(place.endswith(name) for place in now)
    if refused:
        assert now == whole
        assert ours < 2  # too little is left to know the folder by
    else:
        for name in [*GIVEN, "b2-starter.json"]:
            assert (project.path / name).read_bytes() == (made / name).read_bytes(), name
            assert not (project.path / name).is_symlink()


def assert_nothing_is_lost(project: Project, before: dict[str, Any]) -> None:
    """Every byte that was there is still there: in its place, or below backups/."""
    now = state(project)
    for name, about in before.items():
        copies = [now[place][0] for place in now
                  if place == name or (place.startswith("backups/") and place.endswith(name))]
        assert about[0] in copies, f"{name} is lost"


# Put on the path of every Python of a reset: it counts the calls that change something in the
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
    words = [sys.executable, "-m", "cookiecutter", str(template), "--default-config",
             "--replay-file", f"{made.name}/b2-starter.json", "-f"]

    def kill(at: int) -> tuple[Project, int]:
        """Reset a broken project, killed before the change number `at`; return what happened."""
        out, count = tmp_path / f"out-{at}", tmp_path / f"count-{at}"
        project = Project(Path(shutil.copytree(made, out / made.name)))
        for name in ("b2_client.py", "tests/conftest.py", "main.py", "_starter/mine.txt",
                     "_starter/hello-bucket/main.py"):
            (project.path / name).parent.mkdir(parents=True, exist_ok=True)
            project.write(name, f"# mine: {name}\n")
        (project.path / "check_setup.py").unlink()
        before = state(project)
        env = {**clean_environment(), "PYTHONPATH": str(tmp_path), "HOME": str(tmp_path),
               "WATCHED": str(project.path), "COUNT": str(count), "KILL_AT": str(at)}
        done = subprocess.run(words, cwd=out, env=env, capture_output=True, check=False,
                              start_new_session=True)
        assert done.returncode == (0 if at == 0 else -signal.SIGKILL), done.stderr.decode()
        assert_nothing_is_lost(project, before)
        if at:
            again = subprocess.run(words, cwd=out, env={**env, "KILL_AT": "0"},
                                   capture_output=True, check=False)
            assert again.returncode == 0, again.stdout.decode()
            assert_nothing_is_lost(project, before)
        for path in (project.path / "_starter").rglob("*.*"):
            assert path.read_text(encoding="utf-8").startswith("# mine"), (at, path)
        for name in GIVEN:
            assert (project.path / name).read_bytes() == (made / name).read_bytes(), (at, name)
        return project, count.stat().st_size

    _, points = kill(0)
    assert points >= 50
    step = 1 if HISTORIES > 30 else points // 6
    for at in range(1, points + 1, step):
        kill(at)


def test_two_resets_at_once(tmp_path: Path, template: Path, made: Path):
    out = tmp_path / "out"
    project = Project(Path(shutil.copytree(made, out / made.name)))
    project.write("b2_client.py", BROKEN)
    before = state(project)
    words = [sys.executable, "-m", "cookiecutter", str(template), "--default-config",
             "--replay-file", f"{made.name}/b2-starter.json", "-f"]
    env = {**clean_environment(), "HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}
    both = [subprocess.Popen(words, cwd=out, env=env, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE) for _ in range(2)]
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
    """Let nothing in a folder be renamed; root is stopped by a read-only mount alone."""
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


@pytest.mark.parametrize("name", [".", "tests", "b2_inside"])
def test_without_the_right_to_write_nothing_changes(
    cli: Callable[..., Run], tmp_path: Path, made: Path, name: str
):
    project = Project(Path(shutil.copytree(made, tmp_path / made.name)))
    project.write("b2_client.py", BROKEN)
    before = state(project)

    with locked(project.path / name):
        done = cli("--replay-file", f"{made.name}/b2-starter.json", "-f", folder=tmp_path)

    assert done.code == 1
    assert "Mend that first." in done.out
    assert state(project) == before
    assert not (project.path / "backups").exists()


def test_a_reset_while_the_program_is_running(
    cli: Callable[..., Run], tmp_path: Path, made: Path
):
    project = Project(Path(shutil.copytree(made, tmp_path / made.name)))
    project.write("check_setup.py", project.read("check_setup.py") + BROKEN)
    project.write("main.py", "import check_setup\nfrom b2_client import get_bucket\n"
                  "bucket = get_bucket()\nfor number in range(200):\n"
                  "    bucket.put_object(Key=f'{number}.txt', Body=b'kept')\n"
                  "    print(number, flush=True)\nprint('done')\n")
    running = subprocess.Popen([sys.executable, "main.py"], cwd=project.path, text=True,
                               encoding="utf-8", env=clean_environment(),
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert running.stdout is not None
    while running.stdout.readline().strip() != "3":
        assert running.poll() is None

    done = cli("--replay-file", f"{made.name}/b2-starter.json", "-f", folder=tmp_path)

    assert done.code == 0, done.err
    assert running.communicate(timeout=60)[0].endswith("done\n")
    stored = sorted(path.name for path in (project.path / "practice-bucket").glob("*.txt"))
    assert stored == sorted(f"{number}.txt" for number in range(200))


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0,
                    reason="mounting a small disk needs Linux and root")
@pytest.mark.parametrize("how", ["full", "read-only"])
def test_a_disk_that_takes_nothing(
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
        assert state(project) == before
    finally:
        subprocess.run(["umount", str(out)], check=True)
