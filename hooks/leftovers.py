"""Removes what is left of a project that was refused, and of a zip.

b2_starter_extension.py runs this file in cookiecutter's process.
"""

from __future__ import annotations

import shutil
import tempfile
import traceback
from pathlib import Path


def remove_unpacked(unpacked: Path) -> None:
    """Remove what cookiecutter unpacked from a zip; it does that itself only if all went well."""
    if unpacked.parent == Path(tempfile.gettempdir()).resolve():
        shutil.rmtree(unpacked, ignore_errors=True)


def remove_hook_file() -> None:
    """Remove the empty file that cookiecutter has made for the hook that it is rendering."""
    for frame, _ in traceback.walk_stack(None):
        if frame.f_code.co_name == "run_script_with_context" and "temp" in frame.f_locals:
            frame.f_locals["temp"].close()
            Path(frame.f_locals["temp"].name).unlink(missing_ok=True)


def remove_empty_folders(folder: Path, output: Path) -> None:
    """Remove a project's folder, and those above it up to output, if they are empty."""
    stays = [output.resolve(), *output.resolve().parents]
    for made in [folder, *folder.parents]:
        if made == output or made.resolve() in stays:
            return
        try:
            made.rmdir()
        except OSError:
            return
