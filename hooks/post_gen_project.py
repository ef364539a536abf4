"""Lay out the chosen assignment, make .env, and say what to type next."""
import json
import os
import shlex
import shutil
import sys
from pathlib import Path


def answers() -> dict:
    return json.loads(r"""{{ cookiecutter | tojson }}""")


def lay_out(given: dict) -> None:
    """Move the files of the assignment up, path by path, and remove those of the others."""
    for name, files in given["_starters"].items():
        for file in files:
            rendered = Path("_starter", name, file)
            yours = file in given["_yours"] and os.path.lexists(file)
            if name != given["assignment"] or yours:
                rendered.unlink(missing_ok=True)
            elif rendered.exists():
                Path(file).parent.mkdir(exist_ok=True)
                os.replace(rendered, file)
            remove_empty(rendered.parent)


def remove_empty(folder: Path) -> None:
    """Remove this folder and those above it that are empty then."""
    while folder != Path() and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def put_back(backup: Path) -> list[str]:
    """Take what a reset need not have moved back to its place; return what stays set aside."""
    kept = []
    for folder, folders, files in os.walk(backup, topdown=False):
        for file in files + [name for name in folders if Path(folder, name).is_symlink()]:
            copy = Path(folder, file)
            path = copy.relative_to(backup)
            plain = path.is_file() and not path.is_symlink() and not copy.is_symlink()
            same = plain and copy.stat().st_size == path.stat().st_size
            if path.parts[0] == "_starter" and not os.path.lexists(path):
                path.parent.mkdir(parents=True, exist_ok=True)
                os.replace(copy, path)
            elif same and copy.read_bytes() == path.read_bytes():
                os.replace(copy, path)  # with its time and its mode, as it was
            else:
                kept.append(path.as_posix())
        remove_empty(Path(folder))
    return sorted(kept)


def make_env() -> bool:
    """Make .env like .env.example, for its owner's eyes only; leave one that is there."""
    kept = json.loads(Path("b2-starter.json").read_text(encoding="utf-8"))["cookiecutter"]
    example = Path(".env.example")  # was rendered with the endpoint as it was typed
    lines = example.read_text(encoding="utf-8").partition("\nB2_ENDPOINT=")
    text = f"{lines[0]}{lines[1]}{kept['endpoint']}\n"
    example.write_text(text, encoding="utf-8", newline="\n")
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


def report(given: dict, backup: Path, there: set[str]) -> None:
    """Say what a reset has done. there: what was set aside first."""
    kept = put_back(backup)
    missing = sorted(name for name in given["_given"] if name not in there)
    print(f"\nThe project in {Path.cwd()} is as it should be.\n")
    for what, names in (("Made again", missing), ("Made new", kept)):
        if names:
            print(f"{what}: {', '.join(names)}")
    if kept:
        print(f"What was there of these lies in {backup}. Copy your own lines from there.")
    print("Yours, and not touched: main.py, .env, practice-bucket, and all that you added.")
    print("Reopen files that are open in your editor.\n")


def main() -> int:
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    given = answers()
    backups = sorted(Path("backups").glob(f"*_{os.getppid()}_*"))
    there = {path.relative_to(backups[-1]).as_posix() for path in backups[-1].rglob("*")} \
        if backups else set()
    lay_out(given)
    made_env = make_env()
    if backups:
        report(given, backups[-1], there)
        return 0
    print(f"\nYour project is in {Path.cwd()}\n")
    if made_env:
        print("It practises without an account until your keys are in the file .env.")
        print("Do you have an .env from an earlier project? Copy it here.\n")
    print("Type this, line by line:\n", *next_commands(), sep="\n    ")
    print("\nThen open README.md and main.py.\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
