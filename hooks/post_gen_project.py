"""Lay out the chosen assignment, make .env, and say what to type next."""
import json
import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

# What is rendered below _starter/, named path by path, so that nothing else is ever removed.
STARTERS = {"hello-bucket": ["main.py", "tests/test_main.py"]}
YOURS = ["main.py"]  # made when it is missing, never written over


def answers() -> dict[str, Any]:
    return json.loads(r"""{{ cookiecutter | tojson }}""")


def lay_out(assignment: str) -> None:
    """Move the files of the assignment up, and remove those of the others."""
    for name, files in STARTERS.items():
        for file in files:
            rendered = Path("_starter", name, file)
            if name != assignment or (file in YOURS and os.path.lexists(file)):
                rendered.unlink()
            else:
                Path(file).parent.mkdir(exist_ok=True)
                os.replace(rendered, file)
            for folder in list(rendered.parents)[:-1]:
                if not any(folder.iterdir()):
                    folder.rmdir()


def make_env() -> bool:
    """Make .env from .env.example, for its owner's eyes only; leave one that is there."""
    kept = json.loads(Path("b2-starter.json").read_text(encoding="utf-8"))["cookiecutter"]
    lines = Path(".env.example").read_text(encoding="utf-8").partition("\nB2_ENDPOINT=")
    text = f"{lines[0]}{lines[1]}{kept['endpoint']}\n"
    try:
        opened = os.open(".env", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with open(opened, "w", encoding="utf-8", newline="\n") as env:
        env.write(text)
    return True


def next_commands() -> list[str]:
    """Return what to type in a new terminal, from nothing installed to the tests."""
    base = getattr(sys, "_base_executable", sys.executable)  # not pipx' or uvx' own environment
    if os.name == "nt":  # for cmd and PowerShell
        start, python = f'cd "{Path.cwd()}"', r".venv\Scripts\python"
        any_python = "py" if shutil.which("py") else f'& "{base}"'
    else:
        start, python = f"cd {shlex.quote(str(Path.cwd()))}", ".venv/bin/python"
        usual = os.path.realpath(shutil.which("python3") or "") == os.path.realpath(base)
        any_python = "python3" if usual else shlex.quote(base)
    steps = ["-m pip install -r requirements.txt", "main.py", "-m pytest"]
    return [start, f"{any_python} -m venv .venv", *[f"{python} {step}" for step in steps]]


def main() -> int:
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    lay_out(answers()["assignment"])
    print(f"\nYour project is in {Path.cwd()}\n")
    if make_env():
        print("It practises without an account until your keys are in the file .env.")
        print("Do you have an .env from an earlier project? Copy it here.\n")
    print("Type this, line by line:\n", *next_commands(), sep="\n    ")
    print("\nThen open README.md and main.py.\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
