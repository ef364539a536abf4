"""Before cookiecutter renders the files: keep the answers, and move aside what a reset replaces.

cookiecutter runs this file in the project's folder, which is empty for a new project. The
answers were checked when the tag in read_context() was rendered, by b2_starter_extension.py.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

ANSWERS = Path("b2-starter.json")
PART = Path("b2-starter.json.part")
UNFINISHED = ".unfinished"  # marks a backup while the reset that made it is running
ROOM = 1_000_000  # bytes that a reset needs: all given files, twice
PAUSES = (0.05, 0.15, 0.3, 0.5) if os.name == "nt" else ()  # seconds
QUESTIONS = ("project_name", "project_slug", "bucket_name", "endpoint", "assignment")


def read_context() -> dict:
    """Return the checked answers, and what complete() of b2_starter_extension.py has added.

    cookiecutter before 2.4 has no filters in a replay: then nothing is checked or added.
    """
    return json.loads(
        r"""{{ (cookiecutter | complete if "complete" is filter else cookiecutter) | tojson }}"""
    )


def answers_to_keep(context: dict) -> bytes:
    """Return the content of b2-starter.json: the answers for a replay, and the given files."""
    names = [*QUESTIONS, "_class_source", "_class_version"]
    answers = {name: context[name] for name in names if context.get(name)}
    about = {"version": context["_template_version"], "given": context["_given"]}
    kept = {"cookiecutter": answers, "b2-starter": about}
    return (json.dumps(kept, indent=2, ensure_ascii=False) + "\n").encode()


def find_paths_to_replace(context: dict) -> list[Path]:
    """Return what has to go before the files are rendered: given files, and what is in their way.

    These are in the way: _starter, which cookiecutter uses for a moment, and any file where a
    folder should be.
    """
    paths = {Path(name) for name in [*context["_given"], *context["_dropped"], "_starter"]}
    for path in list(paths):
        paths.update(folder for folder in path.parents if folder.is_file())
    return sorted(path for path in paths if os.path.lexists(path))


def write_part(content: bytes, room: int) -> None:
    """Write the answers next to their file. room: bytes that must also be free on the disk."""
    PART.write_bytes(content + b" " * room)  # a full disk shows here, before anything is moved
    with open(PART, "wb") as part:
        part.write(content)
        os.fsync(part.fileno())  # else a power cut could leave an empty file


def set_aside(paths: list[Path], backup: Path, moved: list[Path]) -> None:
    """Move paths of the project into the backup, and copy the old answers there.

    moved: gets the paths that were moved, even if an OSError stops this.
    """
    backup.mkdir(parents=True)
    (backup / UNFINISHED).touch()  # until the other hook has gone through it
    if ANSWERS.is_file() and not ANSWERS.is_symlink():
        shutil.copy2(ANSWERS, backup / ANSWERS)  # never moved: a reset that was killed needs it
    elif os.path.lexists(ANSWERS):
        paths = [ANSWERS, *paths]
    for path in paths:
        (backup / path).parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):  # another reset, at the same time, was faster
            patiently(path.rename, backup / path)
            moved.append(path)


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


def undo(backup: Path, moved: list[Path]) -> list[Path]:
    """Move everything back, and remove what was made; return what could not be moved back."""
    stuck = []
    for path in reversed(moved):
        try:
            patiently(os.replace, backup / path, path)
        except OSError:  # another program may hold this file, too
            stuck.append(path)
    if not stuck:
        for copy in (ANSWERS, UNFINISHED):
            with suppress(OSError):
                (backup / copy).unlink()
    for folder, _, _ in os.walk(backup, topdown=False):
        with suppress(OSError):
            os.rmdir(folder)  # only if it is empty
    with suppress(OSError):
        backup.parent.rmdir()
    with suppress(OSError):
        PART.unlink()
    return stuck


def explain(error: OSError, backup: Path | None = None, stuck: Sequence[Path] = ()) -> str:
    """Return what the disk refused, and what to do about it.

    stuck: files of the project that are in the backup now, because they could not be moved back.
    """
    what = error.filename or "The disk"
    if what == str(PART) and error.filename2:
        what = error.filename2  # the new answers are fine; the old ones cannot be replaced
    do = "Fix that, then type the command again."
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        do = "Your disk is full. Free some space, then type the command again."
    elif getattr(error, "winerror", 0) in (5, 32, 33):  # another program has the file open
        do = f"Close programs that use {what}, such as your editor. Then type the command again."
    elif isinstance(error, PermissionError):
        do = "Move the project to a folder where you can save files, such as Documents."
    happened = "Nothing was changed."
    if stuck:
        names = ", ".join(path.as_posix() for path in stuck)
        happened = f"The reset stopped halfway. Nothing is lost: {names} is now in {backup}."
        do += " The next reset brings back what is missing."
    return f"{happened} {what}: {error.strerror}.\n{do}"


def main() -> int:
    if sys.stdout:  # there is none if it was closed
        sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    context = read_context()
    if "_given" not in context:
        print("This needs cookiecutter 2.4 or newer. Type: python -m pip install -U cookiecutter")
        return 1
    backup = Path(context["_backups"][-1]) if context["_backups"] else None
    moved: list[Path] = []
    try:
        write_part(answers_to_keep(context), ROOM if backup else 0)
        if backup:
            set_aside(find_paths_to_replace(context), backup, moved)
        patiently(os.replace, PART, ANSWERS)
    except OSError as error:
        stuck = undo(backup, moved) if backup else []
        print(explain(error, backup, stuck))
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
