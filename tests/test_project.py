"""A generated project: what is in it, where it can be, and that it works as it is."""

from __future__ import annotations

import ast
import os
import re
import shlex
import shutil
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path, PurePosixPath, PureWindowsPath

import b2_causes
import pytest
from conftest import (
    APPLICATION_KEY,
    ROOT,
    STARTER,
    Bake,
    Project,
    Run,
    clean_environment,
    env_text,
    run,
    some_thorough,
    tracked_files,
    type_lines,
)

from classroom.hand_ins import is_env
from hooks.post_gen_project import go_to_on_windows

OWN_PYTHON = ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")
FILES = {
    ".env",
    ".env.example",
    ".gitignore",
    ".pytest.ini",
    "README.md",
    "b2-starter.json",
    "b2_client.py",
    "b2_inside/b2_practice/__init__.py",
    "b2_inside/b2_practice/asked.py",
    "b2_inside/b2_practice/bucket.py",
    "b2_inside/b2_practice/conditions.py",
    "b2_inside/b2_practice/folder.py",
    "b2_inside/b2_practice/memory.py",
    "b2_inside/b2_practice/mended.py",
    "b2_inside/b2_practice/names.py",
    "b2_inside/b2_practice/run_folder.py",
    "b2_inside/b2_practice/listing.py",
    "b2_inside/__init__.py",
    "b2_inside/b2_advice.py",
    "b2_inside/b2_causes.py",
    "b2_inside/b2_errors.py",
    "b2_inside/b2_guard.py",
    "b2_inside/b2_refusals.py",
    "b2_inside/b2_problems.py",
    "b2_inside/b2_rules.py",
    "b2_inside/b2_settings.py",
    "check_setup.py",
    "main.py",
    "requirements.txt",
    "tests/conftest.py",
    "tests/grading.py",
    "tests/test_main.py",
    "tests/test_no_keys.py",
}


def test_the_project_holds_these_files_and_no_others(project: Project):
    assert project.files() == FILES
    assert len([path for path in project.path.iterdir() if path.name[0] != "."]) <= 10


def test_other_files_in_the_template_folder_are_not_part_of_it(template: Path):
    """cookiecutter copies the folder, not what git tracks; there must be no key in it."""
    tracked = {name for name in tracked_files() if name.startswith(STARTER.name)}
    listed = subprocess.run(
        ["git", "status", "--porcelain", "--ignored", "-z", "--", STARTER.name],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    ignored = [line[3:] for line in listed.split("\0") if line.startswith("!!")]

    assert [name for name in ignored if "__pycache__" not in name and "_cache" not in name] == []
    assert not any(re.search(r"(^|/)(\.env$|env\.txt$|practice-bucket/)", name) for name in tracked)
    assert (template / STARTER.name / ".gitignore").exists()


def test_no_jinja_is_left(project: Project):
    for name in project.files():
        assert not re.search(r"\{\{|\{%|\{#|cookiecutter\.", project.read(name)), name


def test_only_the_student_may_read_the_keys(project: Project):
    if os.name == "posix":
        assert stat.S_IMODE((project.path / ".env").stat().st_mode) == 0o600
    subprocess.run(["git", "init", "-q"], cwd=project.path, check=True)
    keys = {".env", "env.txt", ".env.txt", ".env.bak", "env.txt.txt", "env.env", "_env", "dotenv"}
    secret = {*keys, "practice-bucket/a"}
    for name in (*secret, ".env.example"):
        done = subprocess.run(["git", "check-ignore", "-q", name], cwd=project.path, check=False)
        assert (done.returncode == 0) == (name in secret), name
        assert is_env(PurePosixPath(name)) == (name in keys), name  # never read from a hand-in


def test_no_name_is_forbidden_on_windows():
    for name in tracked_files():
        for part in name.split("/"):
            assert not re.search(r'[<>:"\\|?*\x00-\x1f]|[. ]$', part), name
            assert not re.fullmatch(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?", part), name
        assert len(name) < 120


def test_line_ends_are_the_same_on_every_system(project: Project):
    assert "* text=auto eol=lf" in (ROOT / ".gitattributes").read_text(encoding="utf-8")
    for name in project.files():
        assert b"\r" not in (project.path / name).read_bytes()


def test_the_readme_is_short_and_names_the_project(bake: Bake):
    project = bake(project_name="Ada's Photos")
    readme = project.read("README.md")

    assert readme.startswith("# Ada's Photos\n")
    assert len(readme.splitlines()) < 160
    reset = "cookiecutter gh:org/b2-starter --replay-file ada-s-photos/b2-starter.json -f"
    assert f"\n{reset}\n" in readme
    assert str(project.path) not in readme


@pytest.mark.parametrize(
    "folder", some_thorough(["it's a Grüße-é-你好", f"{'a' * 60}/{'b' * 60}"], every_day=1)
)
def test_any_output_folder_will_do(bake: Bake, tmp_path: Path, folder: str):
    project = bake(tmp_path / folder)

    assert project.files() == FILES
    done = project.python("main.py")
    assert done.code == 0, done.err
    assert "Saved hello-1.txt" in done.out


@pytest.mark.parametrize(
    "how", some_thorough(["a pipe that nobody reads", "no standard output"], every_day=1)
)
def test_a_project_is_not_removed_because_nobody_reads(template: Path, tmp_path: Path, how: str):
    """cookiecutter removes the project if a hook fails, and Python fails on a closed pipe."""
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "cookiecutter", str(template), "--no-input"]
    if how == "no standard output":
        command = ["bash", "-c", 'exec "$@" >&-', "bash", *command]
    env = {**clean_environment(), "HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}
    with os.fdopen(write, "wb") as pipe:
        done = subprocess.run(
            command, cwd=tmp_path, env=env, stdout=pipe, stderr=subprocess.PIPE, check=False
        )

    assert done.returncode == 0, done.stderr
    assert b"Error" not in done.stderr
    assert Project(tmp_path / "my-bucket-project").files() == FILES


def test_force_leaves_alone_everything_that_is_the_students(bake: Bake, project: Project):
    kept = {
        ".env": f"B2_APPLICATION_KEY={APPLICATION_KEY}\n",
        "main.py": "print('mine')\n",
        "practice-bucket/photo.txt": "a photo",
        "notes.txt": "mine",
        "data/list.csv": "1,2",
        "tests/test_mine.py": "def test_mine(): pass\n",
        "env.txt": "",
    }
    for name, text in kept.items():
        (project.path / name).parent.mkdir(exist_ok=True)
        project.write(name, text)
    (project.path / "b2_client.py").unlink()
    project.write("README.md", "broken")

    again = bake(force=True, bucket_name="another-bucket")

    for name, text in kept.items():
        assert project.read(name) == text
    made = {name for name in project.files() if not name.startswith("backups/")}
    assert made == FILES | set(kept)
    assert project.read("README.md") != "broken"
    assert again.answers()["bucket_name"] == "another-bucket"


def test_generating_twice_changes_nothing(bake: Bake, project: Project):
    before = {name: (project.path / name).read_bytes() for name in project.files()}

    bake(force=True)

    assert {name: (project.path / name).read_bytes() for name in project.files()} == before


@pytest.mark.thorough
def test_a_project_from_a_git_url_equals_one_from_the_folder(
    cli: Callable[..., Run], template: Path, tmp_path: Path, project: Project
):
    repository = tmp_path / "b2-starter"
    shutil.copytree(template, repository)
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.com"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "template"]):
        subprocess.run([*git, *words], cwd=repository, check=True)

    done = cli("--no-input", template=f"file://{repository}")

    assert done.code == 0, done.err
    cloned = Project(tmp_path / "out" / "my-bucket-project")
    assert cloned.files() == project.files() == FILES
    for name in FILES:
        assert cloned.read(name) == project.read(name)


def test_the_second_run_shows_the_object_of_the_first(project: Project):
    first, second = project.python("main.py"), project.python("main.py")

    assert (first.code, first.err, second.code, second.err) == (0, "", 0, "")
    assert "Saved hello-1.txt" in first.out
    assert "['hello-1.txt', 'hello-2.txt']" in second.out
    assert project.read("practice-bucket/hello-1.txt") in first.out
    assert first.out.count("Practice:") == 2
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in first.out
    assert first.out.index("only works with a real bucket") < first.out.index("https://")


def test_importing_main_does_nothing(project: Project):
    done = project.python("-W", "error", "-c", "import main")

    assert done == Run(0, "", "")
    assert project.files() == FILES


def test_main_is_short_and_says_what_to_change(project: Project):
    main = project.read("main.py")

    assert len([line for line in main.splitlines() if line.strip()]) <= 36
    assert [number for number in "1234" if f"# {number}. " in main] == ["1", "2", "3"]


def test_the_sample_tests_pass_and_touch_nothing(project: Project):
    done = project.python("-m", "pytest", "-q", "-p", "no:cacheprovider")

    assert done.code == 0, done.printed
    assert re.search(r"^[6-9] passed", done.out, re.MULTILINE)
    assert project.files() == FILES


def test_the_sample_tests_fail_when_main_is_broken(project: Project):
    broken = project.read("main.py").replace("Body=text.encode()", "Body=b'?'")
    project.write("main.py", broken)

    done = project.python("-m", "pytest", "-q", "-p", "no:cacheprovider")

    assert done.code == 1
    assert "✘ 1   A saved text comes back unchanged" in done.out


@pytest.fixture
def listener(socket_enabled: None):
    """A listening socket that counts connections."""
    server = socket.create_server(("127.0.0.1", 0))
    visits: list[object] = []

    def count() -> None:
        while True:
            try:
                connection, address = server.accept()
            except OSError:
                return
            visits.append(address)
            connection.close()

    thread = threading.Thread(target=count, daemon=True)
    thread.start()
    yield server.getsockname()[1], visits
    server.close()
    thread.join(1)


@pytest.mark.thorough
def test_a_missing_bracket_is_told(project: Project):
    main = project.read("main.py")
    project.write("main.py", main.replace("list_names(bucket))", "list_names(bucket)", 1))

    done = project.python("-m", "pytest", "-q", "-p", "no:cacheprovider")

    assert done.code != 0
    line = main[: main.index("list_names(bucket))")].count("\n") + 1
    assert (
        f"stopped:   Python cannot read line {line} of main.py ('(' was never closed)" in done.out
    )
    assert "hint:      Look there and one line above:" in done.out


@pytest.mark.thorough
def test_with_keys_in_env_the_tests_still_connect_to_nothing(
    project: Project, listener: tuple[int, list[object]]
):
    port, visits = listener
    project.write(".env", env_text(f"http://127.0.0.1:{port}", "my-bucket"))

    tests = project.python("-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert tests.code == 0, tests.printed
    assert visits == []

    program = project.python("main.py")  # and this is how a connection would have shown
    assert program.code == 1
    assert visits != []
    assert APPLICATION_KEY not in program.printed


def test_the_tests_stop_a_program_that_uses_the_network(project: Project):
    project.write(
        "tests/test_net.py",
        "import socket\n\n\ndef test_net(bucket):\n"
        "    socket.create_connection(('127.0.0.1', 9), timeout=1)\n",
    )

    done = project.python("-m", "pytest", "-q", "tests/test_net.py", "-p", "no:cacheprovider")

    assert done.code == 1
    assert "The tests do not use the network" in done.out


def test_the_next_commands_are_right_for_the_system(bake: Bake):
    project = bake()
    printed = project.printed

    assert f"Your project is in {project.path}" in printed
    if os.name == "posix":
        assert f"    cd {shlex.quote(str(project.path))}\n" in printed
        assert "    .venv/bin/python -m pip install -r requirements.txt\n" in printed
        make = re.search(r"^    (.*) -m venv \.venv$", printed, re.MULTILINE)
        assert make
        version = run([*shlex.split(make[1]), "--version"], project.path, clean_environment())
        assert version.out.split()[1].startswith(f"3.{sys.version_info.minor}.")


PYTHON = sys.executable


def go_to(*lines: str, folder: Path) -> str:
    """Type lines into a shell, and return the folder that it is in afterwards."""
    show = f'"{PYTHON}" -c "import os; print(ascii(os.getcwd()))"'
    return ast.literal_eval(type_lines(*lines, show, folder=folder).out)


def test_the_line_that_goes_to_the_project_can_be_typed(cli: Callable[..., Run], tmp_path: Path):
    folder = tmp_path / "Zoë's & Tom's (100%) files"
    done = cli("--no-input", folder=folder)
    line = re.search(r"^    ((?:cd|pushd) .*)$", done.out, re.MULTILINE)
    assert line

    assert go_to(line[1], folder=tmp_path) == str(folder / "my-bucket-project")


def test_on_windows_the_line_also_changes_the_drive(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Path, "home", lambda: PureWindowsPath("C:/Users/zoe"))

    assert go_to_on_windows(PureWindowsPath("C:/a b")) == 'cd "C:\\a b"'
    assert go_to_on_windows(PureWindowsPath("H:/a b")) == 'pushd "H:\\a b"'
    assert go_to_on_windows(PureWindowsPath("C:/$5 it's")) == "cd 'C:\\$5 it''s'"


def test_packages_are_installed_for_a_python_in_a_folder_with_spaces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = tmp_path / "Zoë's & Tom's Python"
    folder.mkdir()
    monkeypatch.setattr(sys, "executable", str(folder / Path(sys.executable).name))
    monkeypatch.setattr(sys, "prefix", str(folder))
    monkeypatch.setattr(b2_causes, "HERE", str(tmp_path))

    _, *lines = b2_causes.how_to_install().splitlines()

    lines = [line.strip() for line in lines]
    if os.name == "nt":
        assert go_to(lines[0], folder=tmp_path) == str(folder)
        name, packages = Path(sys.executable).name, tmp_path / "requirements.txt"
        assert lines[1:] == [f'.\\{name} -m pip install -r "{packages}"']
    else:
        words = [sys.executable, *["-m", "pip", "install", "-r", "requirements.txt"]]
        assert [shlex.split(line) for line in lines] == [words]


def test_a_mistake_in_env_is_named_on_the_screen(project: Project):
    project.write(".env", project.read(".env").replace("_KEY=", "_KEY=abc"))

    done = project.python("main.py")

    assert done.code == 1
    assert done.out == ""
    assert "Traceback" not in done.err
    assert done.err.splitlines()[1:3] == [
        "PROBLEM [value-missing]",
        "B2_APPLICATION_KEY_ID is empty in .env.",
    ]


def test_without_boto3_there_is_advice(project: Project):
    python = Path(".venv", *OWN_PYTHON)

    done = project.python("-I", "-S", "-c", "import sys; sys.path.insert(0, '.'); import main")

    assert done.code == 1
    assert done.err.splitlines()[1:] == [
        "PROBLEM [package-missing]",
        "boto3 is not installed for this Python.",
        "The program needs the packages that requirements.txt lists.",
        *done.err.splitlines()[4:-3],
        f"    {b2_causes._find_python()} -m venv .venv",
        f"    {python} -m pip install -r requirements.txt",
        f"    {python} main.py",
    ]
    assert str(project.path) in done.err


def test_the_advice_names_the_python_of_the_project(project: Project):
    own = project.path.joinpath(".venv", *OWN_PYTHON)
    own.parent.mkdir(parents=True)
    own.write_text("", encoding="utf-8")

    done = project.python("-I", "-S", "-c", "import sys; sys.path.insert(0, '.'); import main")

    assert done.err.strip().endswith(f"type:\n    {Path('.venv', *OWN_PYTHON)} main.py")


@pytest.mark.parametrize(
    "prepare",
    some_thorough(
        [
            "import sys; sys.modules['moto'] = None",
            "import moto.core.request; del moto.core.request.Request.raw_url",
        ],
        every_day=1,
    ),
)
def test_a_missing_or_old_moto_is_named(project: Project, prepare: str):
    done = project.python("-c", f"{prepare}\nimport main; main.main()")

    assert done.code == 1
    assert "PROBLEM [practice-needs-moto]" in done.err
    assert "Traceback" not in done.err


@pytest.mark.thorough
def test_a_copy_of_env_example_practises_at_once(project: Project):
    (project.path / ".env").unlink()
    shutil.copy(project.path / ".env.example", project.path / ".env")

    assert "Saved hello-1.txt" in project.python("main.py").out
