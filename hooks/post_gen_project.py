"""After cookiecutter has rendered the files: lay out the assignment, make .env, say what is next.

cookiecutter runs this file in the project's folder.
"""

from __future__ import annotations

import filecmp
import json
import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path

NOT_WORTH_NAMING = {".venv", "backups", "b2-starter.json", "__pycache__", ".pytest_cache", ".git"}
MOST_NAMES = 8


def read_context() -> dict:
    """Return the checked answers, and what complete() of b2_starter_extension.py has added."""
    return json.loads(r"""{{ cookiecutter | tojson }}""")


def lay_out(context: dict) -> bool:
    """Move the files of the chosen assignment up, path by path, and remove those of the others.

    Returns whether main.py was made: one that is there already is the student's.
    """
    makes_main = not os.path.lexists("main.py")
    for assignment, files in context["_starters"].items():
        for name in files:
            rendered = Path("_starter", assignment, name)
            is_wanted = assignment == context["assignment"]
            if name == "main.py":
                is_wanted = is_wanted and makes_main
            if is_wanted and rendered.exists():
                Path(name).parent.mkdir(exist_ok=True)
                os.replace(rendered, name)
            else:
                rendered.unlink(missing_ok=True)
            with suppress(OSError):
                os.removedirs(rendered.parent)  # only where nothing is in it
    return makes_main


def make_env() -> bool:
    """Make .env from .env.example where there is none; return whether it was made.

    An empty one counts as none: that is what a run leaves that is killed here.
    """
    env = Path(".env")
    is_empty = env.is_file() and not env.is_symlink() and env.stat().st_size == 0
    if os.path.lexists(env) and not is_empty:
        return False
    env.touch(mode=0o600)  # for its owner's eyes only
    env.write_bytes(Path(".env.example").read_bytes())
    return True


# A reset.


def put_back(backup: Path) -> set[str]:
    """Move what need not have been set aside back to its place; return what that is.

    That is every file that equals the new one, with its time and mode, and what the student has
    in _starter.
    """
    unchanged = set()
    copies = sorted(backup.rglob("*"), reverse=True)  # what is in a folder, then the folder
    for copy in copies:
        path = copy.relative_to(backup)
        if copy.is_dir() and not copy.is_symlink():
            with suppress(OSError):
                copy.rmdir()  # only where nothing is in it
        elif is_not_needed(copy, path):
            with suppress(OSError):  # where a program holds one of the two, the copy stays
                path.parent.mkdir(parents=True, exist_ok=True)
                os.replace(copy, path)
                unchanged.add(path.as_posix())
    for folder in (backup, backup.parent):
        with suppress(OSError):
            folder.rmdir()
    return unchanged


def is_not_needed(copy: Path, path: Path) -> bool:
    """Tell whether the copy in the backup can go back to its place in the project."""
    if path.is_file() and not copy.is_symlink() and filecmp.cmp(copy, path, shallow=False):
        return True
    return path.parts[0] == "_starter" and not os.path.lexists(path)


def find_kept(backup: Path) -> list[str]:
    """Return what is left in the backup."""
    copies = [copy for copy in backup.rglob("*") if copy.is_symlink() or not copy.is_dir()]
    return sorted(copy.relative_to(backup).as_posix() for copy in copies)


def find_untouched(context: dict, created: list[str]) -> list[str]:
    """Return the student's own files and folders at the top of the project."""
    given = {name.partition("/")[0] for name in context["_given"]}
    others = given | NOT_WORTH_NAMING | set(created)
    return sorted(path.name for path in Path().iterdir() if path.name not in others)


def join_names(names: list[str]) -> str:
    if len(names) > MOST_NAMES:
        return f"{', '.join(names[:MOST_NAMES])} and {len(names) - MOST_NAMES} more"
    return ", ".join(names)


def show_report(context: dict, unchanged: set[str], created: list[str]) -> None:
    """Say what a reset has done. unchanged, created: names of files in the project."""
    restored = sorted({*context["_given"], "b2-starter.json"} - unchanged)
    kept = find_kept(Path(context["_backup"]))
    dropped = [name for name in context["_dropped"] if name in kept]
    untouched = find_untouched(context, created)

    print(f"\nThe project in {Path.cwd()} is complete again.\n")
    print(f"Restored: {join_names(restored)}" if restored else "Nothing was missing.")
    if created:
        print(f"Created again: {join_names(created)}")
    if ".env" in created:
        print("The two key lines in .env are empty, so your programs use the practice bucket.")
    if dropped:
        print(f"No longer part of a project: {join_names(dropped)}")
    if kept:
        print(f"What was there before is in {context['_backup']}: {join_names(kept)}")
        print("Copy your own lines from there.")
    if untouched:
        print(f"Your files were not changed: {join_names(untouched)}")
    if restored:
        print("If one of the restored files is open in your editor, close it and open it again.")
    print()


# A new project.


def find_next_commands() -> list[str]:
    """Return what to type in a new terminal, from nothing installed to the tests."""
    if os.name == "nt":  # for cmd and PowerShell
        folder = f'"{Path.cwd()}"'
        start = "py" if shutil.which("py") else "python"
        python = r".venv\Scripts\python"
    else:
        import shlex  # Windows does not need it

        folder = shlex.quote(str(Path.cwd()))
        start = shlex.quote(find_python())
        python = ".venv/bin/python"
    return [
        f"cd {folder}",
        f"{start} -m venv .venv",
        f"{python} -m pip install -r requirements.txt",
        f"{python} main.py",
        f"{python} -m pytest",
    ]


def find_python() -> str:
    """Return the Python below this one: cookiecutter may run in an environment of its own."""
    base = getattr(sys, "_base_executable", sys.executable)
    usual = shutil.which("python3")
    if usual and os.path.realpath(usual) == os.path.realpath(base):
        return "python3"
    return base


def show_next_steps(context: dict) -> None:
    print(f"\nYour project is in {Path.cwd()}\n\nType these lines, one after the other:\n")
    for line in find_next_commands():
        print(f"    {line}")
    page = "BRIEF.md" if "BRIEF.md" in context["_given"] else "README.md"
    print(f"\nThen open {page} and main.py in your editor.\n")


def main() -> int:
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    context = read_context()
    backup = Path(context["_backup"]) if context["_backup"] else None
    unchanged = put_back(backup) if backup else set()
    created = ["main.py"] if lay_out(context) else []
    if make_env():
        created.append(".env")
    if backup:
        unchanged |= put_back(backup)  # what was in the way of the assignments
        show_report(context, unchanged, created)
    else:
        show_next_steps(context)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
