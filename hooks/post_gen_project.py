"""After cookiecutter has rendered the files: lay out the assignment, make .env, say what to do.

cookiecutter runs this file in the project's folder.
"""

from __future__ import annotations

import filecmp
import json
import os
import re
import shlex
import shutil
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path, PurePath

NOT_WORTH_NAMING = {".venv", "backups", "b2-starter.json", "__pycache__", ".pytest_cache", ".git"}
MOST_NAMES = 8  # of the student's own files: there may be hundreds
UNFINISHED = ".unfinished"  # marks a backup while the reset that made it is running
PAUSES = (0.05, 0.15, 0.3, 0.5) if os.name == "nt" else ()  # seconds


def read_context() -> dict:
    """Return the checked answers, and what complete() of b2_starter_extension.py has added."""
    return json.loads(r"""{{ cookiecutter | tojson }}""")


def lay_out(context: dict) -> bool:
    """Move the files of the chosen assignment up, path by path, and remove those of the others.

    Returns whether main.py was made: one that already exists is the student's.
    """
    makes_main = not os.path.lexists("main.py")
    for assignment, files in context["_starters"].items():
        for name in files:
            rendered = Path("_starter", assignment, name)
            is_wanted = assignment == context["assignment"]
            if name == "main.py":
                is_wanted = is_wanted and makes_main
            if is_wanted and rendered.exists():
                Path(name).parent.mkdir(parents=True, exist_ok=True)
                patiently(os.replace, rendered, Path(name))
            else:
                rendered.unlink(missing_ok=True)
            with suppress(OSError):
                os.removedirs(rendered.parent)  # only if it is empty
    return makes_main


def make_env() -> bool:
    """Make .env from .env.example if there is none; return whether it was made.

    An empty one counts as none: a run that is killed here leaves one.
    """
    env = Path(".env")
    is_empty = env.is_file() and not env.is_symlink() and env.stat().st_size == 0
    if os.path.lexists(env) and not is_empty:
        return False
    env.touch()
    env.chmod(0o600)  # for its owner's eyes only
    env.write_bytes(Path(".env.example").read_bytes())
    return True


def patiently(act: Callable[..., object], *paths: Path) -> None:
    """Do something with files, and try again for a second if another program has one open.

    Only Windows keeps open files from being moved; a virus scanner opens each new file, a cloud
    drive each changed one.
    """
    for seconds in PAUSES:
        try:
            act(*paths)
            return
        except PermissionError:
            time.sleep(seconds)
    act(*paths)


# A reset.


def put_back(backup: Path) -> set[str]:
    """Move back what did not have to be set aside; return its paths.

    That is every file with the same content as the new one (it keeps its time and mode), and
    whatever the student has in _starter.
    """
    put = set()
    for copy in sorted(backup.rglob("*"), reverse=True):  # what is in a folder, then the folder
        path = copy.relative_to(backup)
        with suppress(OSError):  # if a program has one of the two open, the copy stays
            if copy.is_dir() and not copy.is_symlink():
                copy.rmdir()  # only if it is empty
            elif can_go_back(copy, path):
                path.parent.mkdir(parents=True, exist_ok=True)
                patiently(os.replace, copy, path)
                put.add(path.as_posix())
    return put


def can_go_back(copy: Path, path: Path) -> bool:
    """Tell whether a copy in a backup can go back to its place in the project."""
    if path.is_file() and not copy.is_symlink() and filecmp.cmp(copy, path, shallow=False):
        return True
    return path.parts[0] == "_starter" and not os.path.lexists(path)


def finish(backup: Path) -> list[str]:
    """Remove a backup's mark, and the backup too if it is empty; return what is left in it."""
    with suppress(OSError):
        (backup / UNFINISHED).unlink()
    for folder in (backup, backup.parent):
        with suppress(OSError):
            folder.rmdir()  # only if it is empty
    copies = [copy for copy in backup.rglob("*") if copy.is_symlink() or not copy.is_dir()]
    return sorted(copy.relative_to(backup).as_posix() for copy in copies)


def find_untouched(context: dict, created: list[str]) -> list[str]:
    """Return the student's own files and folders at the top of the project."""
    given = {name.partition("/")[0] for name in context["_given"]}
    others = given | NOT_WORTH_NAMING | set(created)
    return sorted(path.name for path in Path().iterdir() if path.name not in others)


def name_files(what: str, names: list[str]) -> list[str]:
    """Return a line with these names after a few words; no line if there are no names."""
    shown = [name if name.isprintable() else ascii(name) for name in names]
    return [f"{what}: {', '.join(shown)}"] if shown else []


def describe_reset(
    context: dict, put: set[str], created: list[str], kept: dict[str, list[str]]
) -> list[str]:
    """Return the lines that say what a reset has done.

    put: what was put back; created: what was made again; kept: what is left in each backup.
    """
    everything_kept = {name for names in kept.values() for name in names}
    answers = {"b2-starter.json"} - everything_kept  # an earlier one that was replaced is kept
    restored = sorted({*context["_given"], *answers} - put)

    lines = [f"\nYour project in {Path.cwd()} is repaired.\n"]
    lines += name_files("Restored or brought up to date", restored)
    lines += name_files("Created again", created)
    if ".env" in created:
        lines.append(
            "The two key lines in .env are empty, so your programs use the practice bucket."
        )
    if not restored and not created:
        lines.append("Nothing was missing.")
    lines += name_files("No longer needed", sorted(everything_kept & set(context["_dropped"])))
    for backup, names in kept.items():
        lines += name_files(f"The earlier versions are in {backup}", names)
    if everything_kept:
        lines.append("If you had changed one of them, copy your lines from there.")
    lines += name_files("Your files were not changed", cut_short(find_untouched(context, created)))
    lines += describe_unusable_files()
    if restored:
        lines.append(
            "If one of the restored files is open in your editor, close it and open it again."
        )
    return [*lines, ""]


def cut_short(names: list[str]) -> list[str]:
    more = len(names) - MOST_NAMES
    return [*names[:MOST_NAMES], f"and {more} more"] if more > 0 else names


def describe_unusable_files() -> list[str]:
    """Return a line for each of the student's own files that no program can use."""
    return [
        f"{name} is a folder or a broken link. Rename it and run the reset again."
        for name in ("main.py", ".env")
        if not Path(name).is_file()
    ]


# A new project.


def find_next_commands() -> list[str]:
    """Return what to type in a new terminal, from installing everything to running the tests."""
    if os.name == "nt":  # for cmd and PowerShell
        go_to_folder = go_to_on_windows(Path.cwd())
        start = "py" if shutil.which("py") else "python"
        python = r".venv\Scripts\python"
    else:
        go_to_folder = f"cd {shlex.quote(str(Path.cwd()))}"
        start = shlex.quote(find_python())
        python = ".venv/bin/python"
    return [
        go_to_folder,
        f"{start} -m venv .venv",
        f"{python} -m pip install -r requirements.txt",
        f"{python} main.py",
        f"{python} -m pytest",
    ]


def go_to_on_windows(folder: PurePath) -> str:
    """Return the command that goes to a folder from a new terminal, in cmd and in PowerShell.

    In cmd, cd stays on the drive, and pushd does not. PowerShell takes what follows $ and ` in
    double quotes for something else; then only its single quotes help, which cmd does not know.
    Source: Microsoft Learn, "cd", "pushd", about_Quoting_Rules.
    """
    command = "cd" if folder.drive == Path.home().drive else "pushd"
    if re.search("[$`\u201c-\u201e]", str(folder)):
        doubled = re.sub("(['\u2018-\u201b])", r"\1\1", str(folder))
        return f"{command} '{doubled}'"
    return f'{command} "{folder}"'


def find_python() -> str:
    """Return the Python that this one is based on: cookiecutter may have its own environment."""
    base = getattr(sys, "_base_executable", sys.executable)
    usual = shutil.which("python3")
    if usual and os.path.realpath(usual) == os.path.realpath(base):
        return "python3"
    return base


def describe_next_steps(context: dict) -> list[str]:
    """Return the lines that say what to do with a new project."""
    page = "BRIEF.md" if "BRIEF.md" in context["_given"] else "README.md"
    first = ""
    if sys.version_info < (3, 10):  # noqa: UP036  # such as Xcode's: cookiecutter still runs there
        first = (
            f"\nThis Python is {sys.version.split()[0]}, which is too old. First install Python"
            " 3.10 or newer\nfrom python.org, and open a new terminal.\n"
        )
    return [
        f"\nYour project is in {Path.cwd()}\n{first}\nType these lines, one after the other:\n",
        *(f"    {line}" for line in find_next_commands()),
        f"\nThen open {page} and main.py in your editor.\n",
    ]


def complete_project(context: dict) -> list[str]:
    """Do everything that is left after rendering; return the lines that say what was done."""
    backups = [Path(name) for name in context["_backups"]]  # [] for a new project
    put = set()
    for backup in backups:
        put |= put_back(backup)
    created = ["main.py"] if lay_out(context) else []
    if make_env():
        created.append(".env")
    for backup in backups:
        put |= put_back(backup)  # what was in the way of the assignments
    if not backups:
        return describe_next_steps(context)
    kept = {backup: finish(Path(backup)) for backup in context["_backups"]}
    return describe_reset(context, put, created, kept)


def show(lines: list[str]) -> None:
    """Print lines; ignore a closed pipe, as with `| head`, and whatever else is in the way.

    If this hook failed, cookiecutter would remove the project, which is complete by now.
    """
    try:
        print("\n".join(lines), flush=True)
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())  # Python flushes once more when it ends


def main() -> int:
    if sys.stdout:  # there is none if it was closed
        sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        lines = complete_project(read_context())
    except OSError as error:
        print(f"The project is not complete. {error.filename or 'The disk'}: {error.strerror}.")
        print("Close programs that use it, such as your editor. Then type the command again.")
        return 1
    show(lines)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
