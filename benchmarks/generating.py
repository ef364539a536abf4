"""What generating and resetting cost, compared with empty hooks, no hooks, a first run."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from conftest import tracked_files
from side_by_side import ROOT, Limit, Ratio, Work, measure, process


def template_copy(folder: Path, hooks: str) -> Path:
    """Copy the template; hooks: "our", "empty" or "no"."""
    for name in tracked_files():
        if not (hooks == "no" and name.endswith("_gen_project.py")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    if hooks == "empty":
        for name in ("pre", "post"):
            (folder / "hooks" / f"{name}_gen_project.py").write_text("", encoding="utf-8")
    return folder


def home(work: Path) -> dict[str, str]:
    """An empty home, and an empty folder for temporary files: a full one slows Python down."""
    names = ("HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP")
    return {name: str(work) for name in names}


def generating(work: Path, rounds: int) -> list[Ratio | Limit]:
    def generate(hooks: str) -> Work:
        template = template_copy(work / f"template-{hooks}", hooks)
        output = work / f"out-{hooks}"
        output.mkdir()
        command = process(
            sys.executable,
            "-m",
            "cookiecutter",
            str(template),
            "--no-input",
            "-o",
            str(output),
            folder=work,
            env=home(work),
        )

        def once() -> None:
            shutil.rmtree(output)
            output.mkdir()
            command()

        return once

    works = [generate(hooks) for hooks in ("our", "empty", "no")]
    ours, empty, none = measure(works, 2 * rounds)  # the differences are small
    return [
        Ratio("generating", "two empty hooks", ours, empty, 1.15),
        Ratio("generating", "no hooks", ours, none, None),
    ]


def resetting(work: Path, rounds: int) -> list[Ratio | Limit]:
    """Reset a project with a broken file and a missing one: alone, and next to large files."""
    template = template_copy(work / "template", "our")

    def cookiecutter(output: Path, *words: str) -> Work:
        output.mkdir(exist_ok=True)
        return process(
            sys.executable,
            "-m",
            "cookiecutter",
            str(template),
            *(words or ["--no-input"]),
            folder=output,
            env=home(work),
        )

    def first_generation() -> None:
        shutil.rmtree(work / "first")
        cookiecutter(work / "first")()

    def reset(output: Path) -> Work:
        cookiecutter(output)()
        project = output / "my-bucket-project"

        def once() -> None:
            (project / "b2_client.py").write_text("# broken\n", encoding="utf-8")
            (project / "check_setup.py").unlink()
            cookiecutter(output, "--replay-file", f"{project}/b2-starter.json", "-f")()

        return once

    (work / "first").mkdir()
    works = [reset(work / "reset"), first_generation, reset(work / "big")]
    packages = work / "big" / "my-bucket-project" / ".venv" / "lib"
    packages.mkdir(parents=True)
    for number in range(3000):
        (packages / f"module{number}.py").write_text("pass\n", encoding="utf-8")
    with open(packages.parent.parent / "film.mp4", "wb") as film:
        film.truncate(2 * 1024**3)
    small, first, big = measure(works, rounds)
    return [
        Ratio("a reset", "a first generation", small, first, 1.50),
        Ratio("a reset next to 3,000 files and 2 GiB", "a reset", big, small, 1.10),
    ]
