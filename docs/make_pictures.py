"""Make the pictures of README.md from real runs: terminals as SVG, pages as PNG. Linux, macOS.

Everything is typed and run as a reader would do it, in a new folder; only the name of that
folder is shown as /home/ada. Run by `nox -s pictures`.
"""

from __future__ import annotations

import io
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

assert sys.platform != "win32", "Windows has no pseudo-terminals."

ROOT = Path(__file__).resolve().parent.parent
STARTER = ROOT / "{{cookiecutter.project_slug}}"
PICTURES = ROOT / "docs" / "pictures"
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(STARTER), str(STARTER / "b2_inside")]

from browsing import BROWSER  # noqa: E402
from conftest import APPLICATION_KEY, clean_environment, env_text, tracked_files  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.terminal_theme import TerminalTheme  # noqa: E402
from rich.text import Text  # noqa: E402

WIDTH = 100  # characters
SOLUTIONS = ROOT / "tests" / "solutions"
THEME = TerminalTheme(
    (28, 30, 38),
    (222, 224, 230),
    [
        (60, 62, 72),
        (224, 90, 90),
        (120, 190, 100),
        (220, 180, 80),
        (100, 150, 230),
        (190, 120, 210),
        (90, 190, 200),
        (222, 224, 230),
    ],
)


class Desk:
    """Ada's computer: a folder, and what a terminal in it has shown."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.shown = ""
        self.env = {
            **clean_environment(),
            "HOME": str(folder),
            "PWD": str(folder),
            "COLUMNS": str(WIDTH),
            "TERM": "xterm-256color",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        }  # a student has no plugins
        for name in ("NO_COLOR", "PYTHONWARNDEFAULTENCODING"):
            self.env.pop(name, None)

    def type(self, line: str, words: Sequence[str], folder: Path | None = None) -> None:
        """Run words, as if line had been typed; press Enter at each question."""
        self.shown += "\n" * bool(self.shown) + f"\033[1m$ {line}\033[0m\n"
        ours, theirs = pty.openpty()
        running = subprocess.Popen(
            words,
            cwd=folder or self.folder,
            env=self.env,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        said = b""
        while True:
            if select.select([ours], [], [], 0.3)[0]:
                try:
                    said += os.read(ours, 65536)
                except OSError:  # the other end is closed
                    break
            elif re.search(rb"[:\]] $", said) and running.poll() is None:
                os.write(ours, b"\n")
        running.wait()
        os.close(ours)
        self.shown += said.decode().replace("\r\n", "\n")

    def picture(self, name: str, title: str) -> None:
        """Write what was shown to docs/pictures/NAME.svg, and clear the screen."""
        text = self.shown.replace(str(self.folder), "/home/ada").rstrip()
        console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
        console.print(Text.from_ansi(text))
        svg = console.export_svg(title=title, theme=THEME, unique_id=name)
        svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)  # nothing is fetched
        (PICTURES / f"{name}.svg").write_text(svg, encoding="utf-8")
        self.shown = ""


def starting(desk: Desk, template: Path) -> None:
    desk.type(
        "cookiecutter gh:org/b2-starter", [sys.executable, "-m", "cookiecutter", str(template)]
    )
    desk.picture("start", "start: five questions, Enter is always a good answer")
    project = desk.folder / "my-bucket-project"
    desk.type("python main.py", [sys.executable, "main.py"], project)
    desk.type("python -m pytest", [sys.executable, "-m", "pytest"], project)
    desk.picture("run", "before there is an account: the practice bucket")


def a_mistake(desk: Desk) -> None:
    """A key whose last character was not copied."""
    project = desk.folder / "my-bucket-project"
    text = env_text("s3.us-east-005.backblazeb2.com", "ada-photos", key=APPLICATION_KEY[:-1])
    (project / ".env").write_text(text, encoding="utf-8")
    desk.type("python check_setup.py", [sys.executable, "check_setup.py"], project)
    desk.picture("mistake", "a mistake: its name, what happened, why, what to do")


def project_of(assignment: str, desk: Desk, template: Path) -> Path:
    words = [
        sys.executable,
        "-m",
        "cookiecutter",
        str(template),
        "--no-input",
        f"assignment={assignment}",
        f"project_slug={assignment}",
    ]
    subprocess.run(words, check=True, cwd=desk.folder, env=desk.env, stdout=subprocess.DEVNULL)
    return desk.folder / assignment


def an_assignment(desk: Desk, template: Path) -> None:
    project = project_of("cloud-notes", desk, template)
    main = project / "main.py"
    text = (SOLUTIONS / "cloud-notes" / "main.py").read_text(encoding="utf-8")
    text = text.replace("return sorted(names)", "return names[::-1]")
    text = text.replace("    bucket.Object(note_key(name)).delete()", "    return None")
    main.write_text(text, encoding="utf-8")
    desk.type("python -m pytest", [sys.executable, "-m", "pytest"], project)
    desk.picture("assignment", "an assignment: what was called, what came back, what was expected")


def an_album(desk: Desk, template: Path) -> None:
    project = project_of("photo-album", desk, template)
    shutil.copy(SOLUTIONS / "photo-album" / "main.py", project)
    subprocess.run(
        [sys.executable, "main.py"],
        cwd=project,
        env=desk.env,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    screenshot(project / "practice-bucket" / "album.html", "album", 360, 720, desk.folder)


def a_class(desk: Desk, template: Path) -> None:
    """The class commands; what nox itself says before and after is left out."""
    names = ["Anna Müller", "Ben Li", "Cara Diaz", "Dan Okafor", "Eve Roy", "Finn Berg"]
    (desk.folder / "roster.csv").write_text("\n".join(["student", *names]), encoding="utf-8")
    command = [sys.executable, str(template / "classroom")]
    for words in (
        ["new_class", "roster.csv", "--out", "class", "--assignment", "guestbook"],
        ["grade", "class", "--out", "grades.csv"],
    ):
        if words[0] == "grade":
            some_hand_in(sorted((desk.folder / "class").glob("*/main.py")))
        desk.type(f"nox -s {words[0]} -- {' '.join(words[1:])}", [*command, *words])
    desk.picture("class", "a class: projects from a list, grades from what comes back")
    screenshot(desk.folder / "grades.html", "grades", 900, 1060, desk.folder)


def some_hand_in(mains: list[Path]) -> None:
    """All right, one part wrong, nothing done, a bracket missing, all right."""
    right = (SOLUTIONS / "guestbook" / "main.py").read_text(encoding="utf-8")
    part = (SOLUTIONS / "guestbook" / "wrong_4_adds_at_front.py").read_text(encoding="utf-8")
    texts = [
        right,
        right.replace("\n\ndef main():", f"\n\n{part}\n\ndef main():"),
        None,
        right + "\nprint('done'\n",
        right,
    ]
    for main, text in zip(mains, texts, strict=False):
        if text:
            main.write_text(text, encoding="utf-8")


def screenshot(page: Path, name: str, width: int, height: int, folder: Path) -> None:
    if BROWSER is None:
        print(f"Chromium is not installed, so docs/pictures/{name}.png was not changed.")
        return
    words = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={folder / 'user'}",
        f"--window-size={width},{height}",
        "--hide-scrollbars",
        f"--screenshot={PICTURES / f'{name}.png'}",
        page.as_uri(),
    ]
    subprocess.run([BROWSER, *words], capture_output=True, timeout=120, check=True)


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as made:
        desk = Desk(Path(made) / "ada")
        desk.folder.mkdir()
        template = Path(made) / "b2-starter"
        for name in tracked_files():
            (template / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, template / name)
        starting(desk, template)
        a_mistake(desk)
        an_assignment(desk, template)
        an_album(desk, template)
        a_class(desk, template)
    print(*sorted(path.name for path in PICTURES.iterdir()), sep="\n")


if __name__ == "__main__":
    main()
