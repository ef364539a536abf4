"""A wrong answer at a terminal is explained, and its question asked again; good ones are kept."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import (
    APPLICATION_KEY,
    KEY_ID,
    Project,
    Run,
    clean_environment,
    contents_of,
    some_thorough,
)
from test_template_sources import in_zip

pexpect = pytest.importorskip("pexpect", reason="Windows has no terminals of this kind")
if sys.platform == "win32":
    pytest.skip("Windows has no terminals of this kind", allow_module_level=True)

QUESTIONS = ["project called", "folder be called", "bucket called", "Endpoint", "start with? Type"]


def hear_ctrl_c() -> None:
    """A background job of a shell ignores Ctrl-C, and so would anything that it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@dataclass
class Terminal:
    """A person at a terminal, with their own home and folder."""

    folder: Path
    home: Path
    template: Path
    session: Any = None
    shown: str = ""

    def type(self, *words: str, template: str | Path = "", folder: Path | None = None) -> None:
        """Type a cookiecutter command."""
        env = {
            **clean_environment(),
            "HOME": str(self.home),
            "TERM": "xterm",
            "TMPDIR": str(self.home / "tmp"),
            "PYTHONWARNDEFAULTENCODING": "",
        }
        self.session = pexpect.spawn(
            sys.executable,
            ["-m", "cookiecutter", str(template or self.template), *words],
            cwd=str(folder or self.folder),
            env=env,
            encoding="utf-8",
            timeout=30,
            dimensions=(40, 200),
            preexec_fn=hear_ctrl_c,
        )

    def expect(self, text: str) -> None:
        """Wait until the screen shows this text."""
        self.session.expect_exact(text)
        self.shown += self.session.before + text

    def answer(self, question: str, text: str = "") -> None:
        """Wait for a question, and type an answer; "" means just Enter."""
        self.expect(question)
        self.expect(": ")
        self.session.sendline(text)

    def end(self) -> int:
        """Wait for the end; return the exit code."""
        self.session.expect(pexpect.EOF)
        self.shown += self.session.before
        self.session.close()
        return self.session.exitstatus

    def kept(self) -> dict[str, Any]:
        """Return what cookiecutter remembers of the answers."""
        file = self.home / ".cookiecutter_replay" / "b2-starter.json"
        return json.loads(file.read_text(encoding="utf-8"))["cookiecutter"]


@pytest.fixture
def terminal(tmp_path: Path, template: Path) -> Terminal:
    for name in ("desk", "ada", "ada/tmp"):
        (tmp_path / name).mkdir()
    return Terminal(tmp_path / "desk", tmp_path / "ada", template)


WRONG: list[tuple[list[str], str, str, str]] = [  # wrong answers, what is said, right, kept
    (["x" * 101, "\t"], "A project name is one line", "Ada", "Ada"),
    (["a/b", "..", "/tmp", "has space"], "A folder name has 1 to 60 letters", "ada", "ada"),
    (["short", "my_bucket", "b2-mine"], "bucket name", " 'ada-photos' ", "ada-photos"),
    (
        ["s3.amazonaws.com", "https://f005.backblazeb2.com"],
        "Copy the Endpoint",
        "S3.eu-central-003.backblazeb2.com/",
        "https://s3.eu-central-003.backblazeb2.com",
    ),
    (["9", "photos"], "Type a number from 1 to 5", "3", "guestbook"),
]


@pytest.mark.parametrize("number", some_thorough(range(5), every_day=[2]))
def test_after_a_wrong_answer_the_question_comes_again_at_once(terminal: Terminal, number: int):
    wrong, said, right, kept = WRONG[number]
    terminal.type()
    for question in QUESTIONS[:number]:
        terminal.answer(question)
    for answer in wrong:
        terminal.answer(QUESTIONS[number], answer)
        terminal.expect(said)
    terminal.answer(QUESTIONS[number], right)
    for question in QUESTIONS[number + 1 :]:
        terminal.answer(question)

    assert terminal.end() == 0
    name = ["project_name", "project_slug", "bucket_name", "endpoint", "assignment"][number]
    (folder,) = terminal.folder.iterdir()
    assert Project(folder).answers()[name] == kept
    assert terminal.kept()[name] == kept
    if name == "endpoint":
        assert f"B2_ENDPOINT={kept}\n" in Project(folder).read(".env")
    assert "Traceback" not in terminal.shown


@pytest.mark.parametrize("number", some_thorough(range(5), every_day=[2]))
def test_a_pasted_key_is_not_kept_anywhere(terminal: Terminal, number: int):
    terminal.type()
    for question in QUESTIONS[:number]:
        terminal.answer(question)
    for key, said in ((APPLICATION_KEY, "That is an applicationKey."), (KEY_ID, "a keyID.")):
        terminal.answer(QUESTIONS[number], key)
        terminal.expect(said)
    for question in QUESTIONS[number:]:
        terminal.answer(question)

    assert terminal.end() == 0
    assert "0050a1b2" not in terminal.shown.rpartition("keyID.")[2]
    for content, _ in contents_of(terminal.home.parent).values():
        assert APPLICATION_KEY.encode() not in content
        assert KEY_ID.encode() not in content


def test_the_first_and_the_last_screen(terminal: Terminal):
    terminal.type()
    for question in QUESTIONS:
        terminal.answer(question)

    assert terminal.end() == 0
    before, _, rest = terminal.shown.partition("[1/5]")
    assert len(before.strip().splitlines()) == 4  # two lines, a blank one, the question
    assert "Press Enter: you can fill it in later, in the file .env." in before
    last = rest.partition("Your project is in ")[2].splitlines()
    assert last[0] == str(terminal.folder / "my-bucket-project")
    assert last[-2] == "Then open README.md and main.py in your editor."
    assert len([line for line in last if line.startswith("    ")]) == 5


@pytest.mark.thorough
def test_an_existing_folder_is_named_right_after_its_question(terminal: Terminal):
    mine = terminal.folder / "my-bucket-project"
    mine.mkdir()
    (mine / "mine.txt").write_text("mine", encoding="utf-8")
    (terminal.folder / "a-file").write_text("mine", encoding="utf-8")
    terminal.type()
    terminal.answer(QUESTIONS[0])
    terminal.answer(QUESTIONS[1])
    terminal.expect("There is already a folder called my-bucket-project here. Choose another name.")
    terminal.answer("(my-bucket-project-2)", "a-file")
    terminal.expect("There is already a file called a-file here.")
    terminal.answer(QUESTIONS[1], "other")
    for question in QUESTIONS[2:]:
        terminal.answer(question)

    assert terminal.end() == 0
    assert "--replay-file" not in terminal.shown, "it is not a project"
    assert sorted(path.name for path in mine.iterdir()) == ["mine.txt"]
    assert (terminal.folder / "other" / "main.py").is_file()


def test_for_an_existing_project_the_reset_command_is_shown(terminal: Terminal, cli: Any):
    assert cli("--no-input", folder=terminal.folder).code == 0
    terminal.type()
    terminal.answer(QUESTIONS[0])
    terminal.answer(QUESTIONS[1])
    terminal.expect("To repair the project in it, press Ctrl-C and type:")
    terminal.expect("--replay-file my-bucket-project/b2-starter.json -f")
    terminal.expect(QUESTIONS[1])
    terminal.session.sendintr()

    assert terminal.end() == 1
    assert terminal.shown.rstrip().endswith("Aborted!")


@pytest.mark.parametrize("how", some_thorough(["sendintr", "sendeof"], every_day=1))
@pytest.mark.parametrize("number", some_thorough(range(5), every_day=[3]))
def test_stopping_leaves_nothing_behind(terminal: Terminal, how: str, number: int):
    terminal.type()
    for question in QUESTIONS[:number]:
        terminal.answer(question)
    if number != 1:  # even when a question is asked again
        terminal.answer(QUESTIONS[number], "\t" if number == 0 else "?")
    terminal.expect(QUESTIONS[number])
    terminal.expect(": ")
    getattr(terminal.session, how)()

    assert terminal.end() == 1
    assert "Aborted!" in terminal.shown
    assert "Traceback" not in terminal.shown
    left = [path for path in terminal.home.parent.rglob("*") if path.is_file()]
    assert left == []
    assert list(terminal.folder.iterdir()) == []


@pytest.mark.thorough
def test_stopping_removes_what_was_unpacked_from_a_zip(terminal: Terminal):
    terminal.type(template=in_zip(terminal.template, terminal.folder.parent))
    terminal.expect(QUESTIONS[0])
    assert list((terminal.home / "tmp").iterdir()) != []
    terminal.session.sendintr()

    assert terminal.end() == 1
    assert list((terminal.home / "tmp").iterdir()) == []


def test_f_asks_for_a_folder_that_can_be_repaired(terminal: Terminal, cli: Callable[..., Run]):
    assert cli("--no-input", folder=terminal.folder).code == 0
    (terminal.folder / "my-bucket-project").rename(terminal.folder / "homework")
    (terminal.folder / "homework" / "check_setup.py").unlink()
    terminal.type("-f")
    terminal.answer(QUESTIONS[0])
    terminal.answer(QUESTIONS[1])  # Enter: no folder is called my-bucket-project any more
    terminal.expect("is not a b2-starter project")
    terminal.expect("projects here are: homework.")
    terminal.answer(QUESTIONS[1], "homework")
    for question in QUESTIONS[2:]:
        terminal.answer(question)

    assert terminal.end() == 0
    assert (terminal.folder / "homework" / "check_setup.py").is_file()
    assert [path.name for path in terminal.folder.iterdir()] == ["homework"]


@pytest.mark.thorough
def test_an_answer_given_in_the_command_is_checked_at_its_question_too(terminal: Terminal):
    terminal.type("bucket_name=my_bucket", "endpoint=s3.eu-central-003.backblazeb2.com")
    terminal.answer(QUESTIONS[0])
    terminal.answer(QUESTIONS[1])
    terminal.answer("(my_bucket)")
    terminal.answer("(your-bucket-name)", "my-bucket")
    terminal.answer("(s3.eu-central-003.backblazeb2.com)")
    terminal.answer(QUESTIONS[4])

    assert terminal.end() == 0
    answers = Project(terminal.folder / "my-bucket-project").answers()
    assert answers["bucket_name"] == "my-bucket"
    assert answers["endpoint"] == "https://s3.eu-central-003.backblazeb2.com"


@pytest.mark.thorough
def test_a_wrong_answer_in_a_replay_is_asked_for_again(terminal: Terminal, cli: Callable[..., Run]):
    assert cli("--no-input", folder=terminal.folder).code == 0
    project = Project(terminal.folder / "my-bucket-project")
    text = project.read("b2-starter.json")
    project.write("b2-starter.json", text.replace("your-bucket-name", "my_bucket"))
    terminal.type("--replay-file", "my-bucket-project/b2-starter.json", "-f")
    terminal.answer(QUESTIONS[2], "my-bucket")

    assert terminal.end() == 0
    assert project.answers()["bucket_name"] == "my-bucket"
    assert "B2_BUCKET_NAME=my-bucket\n" in project.read(".env.example")
    assert "is repaired" in terminal.shown


@pytest.mark.thorough
def test_the_last_replay_is_checked_too(terminal: Terminal, cli: Callable[..., Run]):
    """--replay uses cookiecutter's own file, and asks no questions."""
    terminal.type()
    for question in QUESTIONS:
        terminal.answer(question)
    assert terminal.end() == 0
    file = terminal.home / ".cookiecutter_replay" / "b2-starter.json"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("your-bucket-name", "my_bucket"), encoding="utf-8")

    terminal.type("--replay", "-f")
    terminal.answer(QUESTIONS[2], "my-bucket")

    assert terminal.end() == 0
    project = Project(terminal.folder / "my-bucket-project")
    assert project.answers()["bucket_name"] == "my-bucket"

    file.write_text(text.replace('"my-bucket-project"', '"con"'), encoding="utf-8")
    terminal.type("--replay", "-f")
    assert terminal.end() == 1
    assert "Windows does not allow the name con." in terminal.shown
    assert not (terminal.folder / "con").exists()
