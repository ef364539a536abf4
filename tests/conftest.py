"""What all tests share: the template as git tracks it, and a way to generate projects."""

from __future__ import annotations

import ast
import functools
import gc
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import b2_practice
import b2_settings
import pytest
from botocore.loaders import JSONFileLoader
from cookiecutter.main import cookiecutter
from practising import ENV

from hooks.project import SETTINGS

pytest_plugins = ["backends", "scenes", "browsing", "school"]  # their fixtures are for all tests

ROOT = Path(__file__).resolve().parent.parent
STARTER = ROOT / "{{cookiecutter.project_slug}}"
INSIDE = STARTER / "b2_inside"
SOLUTIONS = ROOT / "tests" / "solutions"
VERSION = SETTINGS["_template_version"]

# Shaped like real ones, but they belong to no account.
KEY_ID = "005" + "0a1b2c3d4e5f" + "0000000001"
APPLICATION_KEY = "K005" + "AbCdEfGhIjKlMnOpQrStUvWxYz/"
OTHER_SECRET = "K005" + "Zz9/" * 6 + "abc"

GOOD_ANSWERS = {
    "project_name": "A Project",
    "project_slug": "proj",
    "bucket_name": "a-bucket",
    "endpoint": "https://s3.us-east-005.backblazeb2.com",
    "assignment": "hello-bucket",
}


def env_text(endpoint: str, bucket: str, key_id: str = KEY_ID, key: str = APPLICATION_KEY) -> str:
    """Return what a student has in .env; both keys empty means practice."""
    return (
        f"B2_APPLICATION_KEY_ID={key_id}\nB2_APPLICATION_KEY={key}\n"
        f"B2_BUCKET_NAME={bucket}\nB2_ENDPOINT={endpoint}\n"
    )


def tracked_files() -> list[str]:
    """Return what git tracks: that, and nothing else in this folder, is what users get."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True
    ).stdout.decode()
    return [name for name in listed.split("\0") if name]


PLAIN_PARSE = ast.parse


def parse_without_gc(*source: Any, **options: Any) -> Any:
    """Parse Python, without the garbage collector: in Python 3.11 it may run code in the middle,
    and then the parser fails (cpython, issue 106905)."""
    gc.disable()
    try:
        return PLAIN_PARSE(*source, **options)
    finally:
        gc.enable()


ast.parse = parse_without_gc  # also for pytest, which parses each file of tests


PLAIN_LOAD = JSONFileLoader.load_file


@functools.cache
def load_once(path: str) -> Any:
    return PLAIN_LOAD(JSONFileLoader(), path)


# boto3's descriptions of S3 are long. Each session reads them anew; all tests here share them.
JSONFileLoader.load_file = lambda _, path: load_once(path)  # type: ignore[method-assign,assignment]


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the template that holds only what git tracks."""
    folder = tmp_path_factory.mktemp("template") / "b2-starter"
    for name in tracked_files():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)
    return folder


@dataclass
class Project:
    """A generated project."""

    path: Path
    printed: str = ""
    interpreter: Path = Path(sys.executable)

    def files(self) -> set[str]:
        found = (path for path in self.path.rglob("*") if not path.is_dir())
        return {path.relative_to(self.path).as_posix() for path in found}

    def answers(self) -> dict[str, str]:
        return json.loads(self.read("b2-starter.json"))["cookiecutter"]

    def read(self, name: str) -> str:
        return (self.path / name).read_text(encoding="utf-8")

    def write(self, name: str, text: str) -> None:
        (self.path / name).write_text(text, encoding="utf-8", newline="\n")

    def python(self, *words: str, env: dict[str, str] | None = None) -> Run:
        """Run Python in the project, without any B2 or AWS variables."""
        words = (str(self.interpreter), *words)
        return run([*words], self.path, {**clean_environment(), **(env or {})})


def copy_given_files(folder: Path) -> Project:
    """Make a project of the given files alone: no template is needed for that."""
    hide = shutil.ignore_patterns("__pycache__")
    shutil.copytree(INSIDE, folder / "b2_inside", ignore=hide)
    for name in ("b2_client.py", "check_setup.py"):
        shutil.copy(STARTER / name, folder)
    return Project(folder)


def python_in(environment: Path) -> Path:
    """Return the Python of a virtual environment."""
    windows = os.name == "nt"
    return environment / ("Scripts/python.exe" if windows else "bin/python")


def some_thorough(values: Iterable[Any], every_day: Iterable[Any] | int) -> list[Any]:
    """Return parameters: some are tried every day, the others by `nox -s thorough`.

    every_day: those values, or how many of the first ones.
    """
    values = list(values)
    daily = values[:every_day] if isinstance(every_day, int) else list(every_day)
    return [
        pytest.param(
            *(value if isinstance(value, tuple) else [value]),
            marks=[] if value in daily else [pytest.mark.thorough],
        )
        for value in values
    ]


def contents_of(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Return {name: (content, time of the last change)} of all files below a folder."""
    return {
        path.relative_to(folder).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


def make_link(path: Path, target: str | Path, to_folder: bool = False) -> None:
    """Make a link; skip the test where that is impossible."""
    try:
        path.symlink_to(target, to_folder)
    except OSError:
        pytest.skip("Windows lets only some users make links")
    if not path.is_symlink():
        pytest.skip("Wine makes no links")


def type_lines(*lines: str, folder: Path, env: dict[str, str] | None = None) -> Run:
    """Type lines into sh, or into cmd on Windows, until one of them fails."""
    line = " && ".join(lines)
    # cmd takes its line as it is; a list would get backslashes before its quotes.
    words: Any = f'cmd /d /s /c "{line}"' if os.name == "nt" else ["sh", "-c", line]
    return run(words, folder, env or clean_environment())


@dataclass
class Run:
    """A process that has ended."""

    code: int
    out: str
    err: str

    @property
    def printed(self) -> str:
        return self.out + self.err


def run(words: list[str], folder: Path, env: dict[str, str], typed: str = "") -> Run:
    done = subprocess.run(
        words,
        cwd=folder,
        env=env,
        input=typed.encode(),
        capture_output=True,
        timeout=600,  # where nothing is forked, grading a class takes minutes
        check=False,
    )
    return Run(done.returncode, *[with_lf(out.decode()) for out in (done.stdout, done.stderr)])


def with_lf(text: str) -> str:
    """Return what a program printed with the line ends that Python gives its own strings."""
    return text.replace(os.linesep, "\n")


def clean_environment() -> dict[str, str]:
    keep = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("B2_", "AWS_", "MOTO_", "PYTEST_", "PYTHONPYCACHEPREFIX"))
    }
    return {
        **keep,
        "PYTHONIOENCODING": "utf-8",
        "NO_COLOR": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # a student has pytest alone
    }


@pytest.fixture(scope="session", autouse=True)
def temporary_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give cookiecutter, which leaves a copy of each hook behind, a temporary folder of ours."""
    folder = str(tmp_path_factory.mktemp("temporary"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", folder)
        for name in ("TMPDIR", "TEMP", "TMP"):
            patch.setenv(name, folder)
        yield


@pytest.fixture(scope="session")
def cookiecutter_config(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Separate folders for cookiecutter, so that no test reads or writes the user's."""
    home = tmp_path_factory.mktemp("cookiecutter")
    return {"replay_dir": str(home / "replay"), "cookiecutters_dir": str(home / "cache")}


@dataclass
class Bake:
    """Generates projects through cookiecutter's API, in this process."""

    template: Path
    output: Path
    config: dict[str, Any]
    capfd: pytest.CaptureFixture[str]

    def __call__(self, output: Path | None = None, force: bool = False, **answers: Any) -> Project:
        return self._generate(output, force, no_input=True, extra_context=answers or None)

    def replay(self, output: Path | None = None, **answers: Any) -> Project:
        """Generate from a replay file, which cookiecutter itself does not check."""
        file = self.template.parent / "answers.json"
        file.write_text(json.dumps({"cookiecutter": {**GOOD_ANSWERS, **answers}}), encoding="utf-8")
        return self._generate(output, replay=str(file))

    def reset(self, project: Project, template: Path | None = None) -> Project:
        """Generate into a project once more, from its own b2-starter.json."""
        replay = str(project.path / "b2-starter.json")
        return self._generate(project.path.parent, force=True, template=template, replay=replay)

    def _generate(
        self, output: Path | None, force: bool = False, template: Path | None = None, **how: Any
    ) -> Project:
        output = output or self.output
        output.mkdir(parents=True, exist_ok=True)
        self.capfd.readouterr()
        path = cookiecutter(
            str(template or self.template),
            output_dir=str(output),
            overwrite_if_exists=force,
            default_config=self.config,
            **how,  # type: ignore[arg-type]
        )
        return Project(Path(path), with_lf(self.capfd.readouterr().out))


@pytest.fixture
def bake(
    template: Path,
    tmp_path: Path,
    cookiecutter_config: dict[str, Any],
    capfd: pytest.CaptureFixture[str],
) -> Bake:
    return Bake(template, tmp_path, cookiecutter_config, capfd)


@pytest.fixture(scope="session")
def generated(
    template: Path, cookiecutter_config: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Path]:
    """Return a function that gives a generated project to copy; it is made once for its answers."""
    projects: dict[str, Path] = {}

    def make(**answers: str) -> Path:
        name = json.dumps(answers)
        if name not in projects:
            path = cookiecutter(
                str(template),
                no_input=True,
                extra_context=answers,
                output_dir=str(tmp_path_factory.mktemp("made")),
                default_config=cookiecutter_config,  # type: ignore[arg-type]
            )
            projects[name] = Path(path)
        return projects[name]

    return make


@pytest.fixture
def project(generated: Callable[..., Path], tmp_path: Path) -> Project:
    """A project with all the default answers."""
    whole = generated()
    return Project(Path(shutil.copytree(whole, tmp_path / whole.name)))


@pytest.fixture
def cli(template: Path, tmp_path: Path) -> Callable[..., Run]:
    """Return a function that runs the real command in a new home."""
    home = tmp_path / "home"
    home.mkdir()
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    env = {
        **clean_environment(),
        "HOME": str(home),
        "USERPROFILE": str(home),
        **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temporary)),
    }

    def run_cookiecutter(
        *words: str,
        typed: str = "",
        folder: Path | None = None,
        template: str | Path = template,
    ) -> Run:
        folder = folder or tmp_path / "out"
        folder.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "cookiecutter", str(template), *words]
        return run(command, folder, {**env, "PWD": str(folder)}, typed)

    return run_cookiecutter


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--backends", default="practice,moto,double", help="for the storage tests")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "backend_name" in metafunc.fixturenames:
        names = metafunc.config.getoption("--backends").split(",")
        only_for_tests = {name: [pytest.mark.thorough] for name in ("moto", "double")}
        metafunc.parametrize(
            "backend_name",
            [pytest.param(name, marks=only_for_tests.get(name, [])) for name in names],
        )


@pytest.fixture
def no_b2_variables(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Remove the B2 and AWS variables from this process."""
    for name in list(os.environ):
        if name.startswith(("B2_", "AWS_", "MOTO_")):
            monkeypatch.delenv(name)
    yield


@pytest.fixture
def home(no_b2_variables: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that b2_settings uses, with a .env for practice and its own practice buckets."""
    monkeypatch.setattr(b2_settings, "HERE", tmp_path)
    monkeypatch.setattr(b2_practice, "_buckets", {})
    (tmp_path / ".env").write_text(ENV, encoding="utf-8")
    return tmp_path
