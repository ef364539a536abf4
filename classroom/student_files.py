"""The files of a student's project that name its bucket and hold its keys, and their zip.

The applicationKey is written into .env and the zip, readable for their owner only.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path

from dotenv import dotenv_values

from classroom.tables import ClassError
from classroom.whole_files import FOR_OWNER, write_whole
from hooks.project import ANSWERS_FILE

ENV, EXAMPLE = ".env", ".env.example"
KEY_ID, KEY = "B2_APPLICATION_KEY_ID", "B2_APPLICATION_KEY"
BUCKET, ENDPOINT = "B2_BUCKET_NAME", "B2_ENDPOINT"


def read_values(project: Path) -> dict[str, str]:
    """Return {name: value} of a project's .env."""
    values = dotenv_values(stream=io.StringIO(read(project / ENV)), interpolate=False)
    return {name: value or "" for name, value in values.items()}


def read(path: Path) -> str:
    """Return the text of a file; "" if it is not there."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return ""
    except (OSError, ValueError):
        raise ClassError(f"{path} cannot be read. Repair it, or delete it.") from None


def set_values(text: str, values: dict[str, str]) -> str:
    """Return the text of a .env with these values; all its other lines stay."""
    for name, value in values.items():
        line = f"{name}={value}"
        text, found = re.subn(rf"^[ \t]*#?[ \t]*{name}[ \t]*=.*$", line, text, count=1, flags=re.M)
        if not found:
            text = f"{text.rstrip()}\n{line}\n".lstrip("\n")
    return text


def fill_project(project: Path, values: dict[str, str]) -> None:
    """Write a bucket and its key into a project, and into its zip if there is one.

    values: those of KEY_ID, KEY, BUCKET and ENDPOINT. .env is written last: with it, the folder
    is complete.
    """
    place = {name: values[name] for name in (BUCKET, ENDPOINT)}
    answers = read(project / ANSWERS_FILE)
    if answers:
        kept = json.loads(answers)
        kept["cookiecutter"].update(bucket_name=place[BUCKET], endpoint=place[ENDPOINT])
        write_whole(project / ANSWERS_FILE, (json.dumps(kept, indent=2) + "\n").encode())
    example = set_values(read(project / EXAMPLE), place)
    write_whole(project / EXAMPLE, example.encode())
    write_whole(
        project / ENV, set_values(read(project / ENV) or example, values).encode(), FOR_OWNER
    )
    renew_zip(project)


def copy_keys(earlier: Path, project: Path) -> None:
    """Give a new project the bucket and the keys of an earlier one, if that has them."""
    found = read_values(earlier)
    values = {name: found.get(name, "") for name in (KEY_ID, KEY, BUCKET, ENDPOINT)}
    if all(values.values()):
        fill_project(project, values)


def has_key(project: Path) -> bool:
    """Tell whether the .env of a project has a key."""
    return bool(read_values(project).get(KEY))


def renew_zip(project: Path) -> None:
    """Bring the zip of a project up to date with the files that name its bucket."""
    path = project.with_name(f"{project.name}.zip")
    if not path.exists():
        return
    new = {
        f"{project.name}/{name}": (project / name).read_bytes()
        for name in (ANSWERS_FILE, EXAMPLE, ENV)
        if (project / name).exists()
    }
    with zipfile.ZipFile(path) as old:
        there = {entry.filename: entry for entry in old.infolist()}
        if all(name in there and old.read(name) == new[name] for name in new):
            return
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, entry in there.items():
                archive.writestr(entry, new[name] if name in new else old.read(entry))
            for name in new.keys() - there.keys():
                archive.writestr(name, new[name])
    write_whole(path, content.getvalue(), FOR_OWNER)


def remove_parts(project: Path) -> None:
    """Remove what a killed run has left: it may hold a key."""
    for path in (project / ENV, project.with_name(f"{project.name}.zip")):
        path.with_name(f"{path.name}.part").unlink(missing_ok=True)
