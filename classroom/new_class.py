"""Makes a project for every student of a roster."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from classroom import roster
from classroom.class_file import COLUMNS, read_class, write_class
from classroom.processes import end_as_by_ctrl_c, end_with_parent, prepare_context, show_progress
from classroom.roster import BadRowError, ClassError, Student
from classroom.template import ROOT, copy_template, digest_of_tests
from hooks.project import ASSIGNMENTS, SETTINGS

UNFINISHED = ".new_class-"
INTERRUPTED = "Interrupted. What was made is whole; the same line makes the rest."


@dataclass
class Job:
    """A project to make. target: where it will lie; zip_target: its zip, or None."""

    student: Student
    target: Path
    zip_target: Path | None
    answers: dict[str, str]


def source_of_clone() -> str:
    """Return where this clone came from, or the template's own address."""
    git = shutil.which("git")
    words = [git or "git", "-C", str(ROOT), "remote", "get-url", "origin"]
    told = subprocess.run(words, capture_output=True, check=False) if git else None
    found = told.stdout.decode(errors="replace").strip() if told and told.returncode == 0 else ""
    return found or SETTINGS["_template_source"]


def source_line(source: str) -> str:
    """Return the source as the reset lines name it: without a token, in quotes if need be."""
    ssh = re.fullmatch(r"(?:ssh://)?git@([\w.-]+)(?::\d+/|[:/])(.+)", source)  # that needs a key
    if ssh:
        source = f"https://{ssh[1]}/{ssh[2]}"
    return shlex.quote(re.sub(r"//[^/]*@", "//", source))


def make_project(template: str, unfinished: str, job: Job) -> str:
    """Generate one project and move it to its place, complete; return what went wrong, or ""."""
    from cookiecutter.exceptions import CookiecutterException
    from cookiecutter.main import cookiecutter

    with tempfile.TemporaryDirectory(dir=unfinished) as own:
        tempfile.tempdir = own  # cookiecutter leaves copies of the hooks there
        config: Any = {"replay_dir": f"{own}/replay", "cookiecutters_dir": f"{own}/cache"}
        with printing_to(Path(own, "printed")) as printed:
            try:
                made = cookiecutter(
                    template,
                    no_input=True,
                    extra_context=job.answers,
                    output_dir=own,
                    default_config=config,
                )
            except OSError as error:  # a full disk, a path that is too long
                return f"{error.strerror} ({Path(str(error.filename)).name})"
            except CookiecutterException as error:
                said = printed.read_text("utf-8", "replace").split()
                return " ".join(said) or str(error)
        try:
            move_to_its_place(Path(made), job)
        except OSError as error:
            return f"{error.strerror} ({Path(str(error.filename)).name})"
    return ""


def move_to_its_place(made: Path, job: Job) -> None:
    if job.zip_target:
        archive = shutil.make_archive(f"{made}-archive", "zip", made.parent, made.name)
        os.replace(archive, job.zip_target)
    if not job.target.exists():
        os.rename(made, job.target)


@contextlib.contextmanager
def printing_to(file: Path) -> Iterator[Path]:
    """Send what the hooks print to a file: they are processes of their own."""
    sys.stdout.flush()
    kept = [os.dup(1), os.dup(2)]
    with file.open("wb") as out:
        os.dup2(out.fileno(), 1)
        os.dup2(out.fileno(), 2)
    try:
        yield file
    finally:
        for number, copy in enumerate(kept, start=1):
            os.dup2(copy, number)
            os.close(copy)


def plan(
    students: list[Student], folder: Path, assignment: str, source: str, zipped: bool
) -> tuple[list[Job], list[BadRowError]]:
    """Return what is missing, and the rows whose place is taken by something else."""
    jobs, bad = [], []
    for student in students:
        slug = f"{assignment}-{student.alias}"
        target = folder / slug
        zip_target = folder / f"{slug}.zip" if zipped else None
        if os.path.lexists(target) and assignment_in(target) != assignment:
            rule = f"In {folder} this is no project of {assignment}. Rename it first."
            bad.append(BadRowError(student.row, slug, rule))
            continue
        if target.exists() and not (zip_target and not zip_target.exists()):
            continue
        answers = {  # bucket and endpoint: the questions' own defaults mean: none yet
            "project_name": f"{assignment} {student.alias}",
            "project_slug": slug,
            "bucket_name": student.bucket_name or SETTINGS["bucket_name"],
            "endpoint": student.endpoint or SETTINGS["endpoint"],
            "assignment": assignment,
            "_class_source": source,
        }
        jobs.append(Job(student, target, zip_target, answers))
    return jobs, bad


def assignment_in(folder: Path) -> str:
    """Return the assignment of a project; "" if the folder is none."""
    try:
        kept = json.loads((folder / "b2-starter.json").read_text(encoding="utf-8"))
        return str(kept["cookiecutter"]["assignment"])
    except (OSError, ValueError, LookupError, TypeError):
        return ""


def make_all(jobs: list[Job], folder: Path, assignment: str) -> dict[str, str]:
    """Make the projects, some at a time; return {alias: what went wrong}."""
    failures = {}
    for left in folder.glob(f"{UNFINISHED}*"):  # of a run that was killed
        if not psutil.pid_exists(int(left.name.split("-")[1])):
            shutil.rmtree(left, ignore_errors=True)
    unfinished = tempfile.mkdtemp(prefix=f"{UNFINISHED}{os.getpid()}-", dir=folder)
    end_as_by_ctrl_c()
    pool = ProcessPoolExecutor(
        os.cpu_count(),
        mp_context=prepare_context("classroom.cookiecutter_ready"),
        initializer=end_with_parent,
    )
    try:
        template = str(copy_template(Path(unfinished, "template"), assignment))
        with show_progress("projects", len(jobs)) as count:
            waiting = {pool.submit(make_project, template, unfinished, job): job for job in jobs}
            for future in as_completed(waiting):
                if failure := future.result():
                    failures[waiting[future].student.alias] = failure
                count()
    finally:
        pool.shutdown(cancel_futures=True)
        shutil.rmtree(unfinished, ignore_errors=True)
    return failures


def class_rows(
    students: list[Student], earlier: list[dict[str, str]], folder: Path, assignment: str
) -> list[dict[str, str]]:
    """Return the rows of class.csv: the students of the roster, then those of earlier ones."""
    rows = []
    before = {row["alias"].lower(): row for row in earlier}
    for student in students:
        slug = f"{assignment}-{student.alias}"
        row = {
            "student": student.name,
            "alias": student.alias,
            "folder": slug,
            "assignment": assignment,
            "bucket_name": student.bucket_name,
            "endpoint": student.endpoint,
            "state": "made" if (folder / slug).is_dir() else "not made",
            "tests": "" if student.alias.lower() in before else digest_of_tests(assignment),
            **{name: value for name, value in student.others.items() if name not in COLUMNS},
        }
        kept = before.get(student.alias.lower(), {})  # the teacher may have written into it
        rows.append({**kept, **{name: value or kept.get(name, "") for name, value in row.items()}})
    aliases = {row["alias"].lower() for row in rows}
    return rows + [row for row in earlier if row["alias"].lower() not in aliases]


def parse_arguments(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="nox -s new_class --", description=__doc__)
    parser.add_argument("roster", type=Path, help="a CSV file with the column student")
    parser.add_argument("--out", type=Path, required=True, help="the folder for the projects")
    parser.add_argument(
        "--assignment",
        choices=ASSIGNMENTS,
        default=ASSIGNMENTS[0],
        help=f"default: {ASSIGNMENTS[0]}",
    )
    parser.add_argument(
        "--source",
        help="what the reset lines of the projects name (default: where this clone came from)",
    )
    parser.add_argument("--zip", action="store_true", help="also a zip for each student")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be made")
    return parser.parse_args(words)


def run(options: argparse.Namespace) -> int:
    folder = options.out.absolute()
    if folder.exists() and not folder.is_dir():
        raise ClassError(f"{folder} is a file. Name a folder with --out.")
    students, bad = roster.read_roster(options.roster)
    earlier = read_class(folder)
    others = {row.get("assignment", "") for row in earlier} - {options.assignment}
    if others:
        raise ClassError(
            f"{folder} holds {', '.join(sorted(others))}. Use one folder for each"
            f" assignment, such as --out {folder.name}-{options.assignment}."
        )
    bad += roster.give_aliases(
        students, {row["alias"]: roster.fold(row["student"]) for row in earlier}
    )
    source = source_line(options.source or source_of_clone())
    jobs, taken = plan(students, folder, options.assignment, source, options.zip)
    bad += taken
    print(f"{options.assignment}, students: {len(students)}. Reset lines name {source}.")
    if Path(source.strip("'")).exists():
        print("Students cannot reach that folder of this computer. --source names another.")
    if options.dry_run:
        for job in jobs:
            print(f"would make {job.target.name} for {job.student.name}")
    elif students:
        make(students, jobs, folder, options.assignment, earlier, bad)
    for row in sorted(bad, key=lambda one: one.row):
        print(row)
    there = len(students) - len(taken) - len(jobs)
    made = len(jobs) if options.dry_run else sum(job.target.is_dir() for job in jobs)
    print(
        f"{made} {'would be made' if options.dry_run else 'made'}, {there} there already,"
        f" {len(bad)} {'row' if len(bad) == 1 else 'rows'} to mend."
    )
    if bad:
        print("The others are as they should be. Mend those rows and type the line again.")
    return 1 if bad else 0


def make(
    students: list[Student],
    jobs: list[Job],
    folder: Path,
    assignment: str,
    earlier: list[dict[str, str]],
    bad: list[BadRowError],
) -> None:
    """Make what is missing, and say in class.csv what is there; adds to bad what did not work."""
    folder.mkdir(parents=True, exist_ok=True)
    # Written first, too: an alias stays the student's, whatever happens now.
    write_class(folder, class_rows(students, earlier, folder, assignment))
    try:
        failures = make_all(jobs, folder, assignment)
    finally:
        write_class(folder, class_rows(students, earlier, folder, assignment))
    rows = {student.alias: student.row for student in students}
    bad += [BadRowError(rows[alias], alias, failure) for alias, failure in failures.items()]
