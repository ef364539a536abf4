"""Lay out the chosen assignment, make .env, and say what to type next."""
import json
import os
import shlex
import shutil
import sys
from contextlib import suppress
from pathlib import Path


def lay_out(context: dict) -> None:
    """Move the files of the assignment up, path by path, and remove those of the others."""
    for name, files in context["_starters"].items():
        for file in ["main.py", *files]:
            rendered = Path("_starter", name, file)
            if name != context["assignment"] or (file == "main.py" and os.path.lexists(file)):
                rendered.unlink(missing_ok=True)
            elif rendered.exists():
                Path(file).parent.mkdir(exist_ok=True)
                os.replace(rendered, file)
            with suppress(OSError):
                os.removedirs(rendered.parent)  # only where nothing is in it


def put_back(backup: Path) -> set[str]:
    """Move what a reset need not have set aside back to its place; return what that is."""
    from filecmp import cmp  # only a reset needs it
    unchanged = set()
    for copy in [*sorted(backup.rglob("*"), reverse=True), backup, backup.parent]:
        path = Path(os.path.relpath(copy, backup))
        equal = path.is_file() and not copy.is_symlink() and cmp(copy, path, shallow=False)
        if copy.is_dir() and not copy.is_symlink():
            with suppress(OSError):
                copy.rmdir()  # only where nothing is in it
        elif equal or (path.parts[:1] == ("_starter",) and not os.path.lexists(path)):
            path.parent.mkdir(parents=True, exist_ok=True)
            os.replace(copy, path)  # with its time and its mode, as it was
            unchanged.add(path.as_posix())
    return unchanged


def next_commands() -> list[str]:
    """Return what to type in a new terminal, from nothing installed to the tests."""
    base = getattr(sys, "_base_executable", sys.executable)  # not pipx' or uvx' own environment
    usual = os.path.realpath(shutil.which("python3") or "") == os.path.realpath(base)
    here, first = shlex.quote(str(Path.cwd())), "python3" if usual else shlex.quote(base)
    python = ".venv/bin/python"
    if os.name == "nt":  # for cmd and PowerShell
        here, first = f'"{Path.cwd()}"', "py" if shutil.which("py") else f'& "{base}"'
        python = r".venv\Scripts\python"
    return [f"cd {here}", f"{first} -m venv .venv", f"{python} -m pip install -r requirements.txt",
            f"{python} main.py", f"{python} -m pytest"]


def report(context: dict, unchanged: set[str], backup: Path) -> None:
    """Say what a reset has done."""
    files = {*context["_given"], *context["_starters"][context["assignment"]], "b2-starter.json"}
    restored = ", ".join(sorted(files - unchanged)) or "nothing, for all was there"
    print(f"\nThe project in {Path.cwd()} is as it should be.\n\nRestored: {restored}")
    if backup.exists():
        print(f"What was there before lies in {backup}. Copy your own lines from there.")
    print("Yours, and not touched: main.py, .env, practice-bucket, and all that you added.")
    print("Reopen files that are open in your editor.\n")


def main() -> int:
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    context = json.loads(r"""{{ cookiecutter | tojson }}""")
    backups = sorted(Path("backups").glob(f"*_{os.getppid()}_*"))  # in a reset, pre_gen made one
    unchanged = put_back(backups[-1]) if backups else set()
    lay_out(context)
    with suppress(FileExistsError), open(".env", "xb") as env:  # yours is left as it is
        Path(".env").chmod(0o600)  # for its owner's eyes only
        env.write(Path(".env.example").read_bytes())
    if backups:
        report(context, unchanged | put_back(backups[-1]), backups[-1])
        return 0
    print(f"\nYour project is in {Path.cwd()}\n")
    print("It practises without an account until your keys are in the file .env.")
    print("Do you have an .env from an earlier project? Copy it here.\n")
    print("Type this, line by line:\n", *next_commands(), sep="\n    ")
    print(f"\nThen open {'BRIEF.md' if Path('BRIEF.md').exists() else 'README.md'} and main.py.\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
