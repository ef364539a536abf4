"""Makes a project for every student of a class list."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from classroom.class_file import CLASS_FILE, COLUMNS, read_class, write_class
from classroom.processes import (
    count_processes,
    end_as_by_ctrl_c,
    end_with_parent,
    prepare_context,
    show_progress,
)
from classroom.roster import (
    LEFT,
    BadRowError,
    Student,
    fold,
    give_aliases,
    read_roster,
)
from classroom.student_files import copy_keys, has_key
from classroom.tables import ClassError
from classroom.template import (
    ROOT,
    copy_template,
    digest_of_starter,
    digest_of_tests,
    read_starter,
)
from classroom.texts import count
from classroom.whole_files import FOR_OWNER
from hooks.command import quote
from hooks.project import ASSIGNMENTS, SETTINGS, find_assignment

UNFINISHED = ".new_class-"


@dataclass
class Job:
    """A project to make.

    target: its folder; zip_target: its zip, or None for no zip; earlier: a project of the same
    student, whose bucket and keys the new one gets, or None.
    """

    student: Student
    target: Path
    zip_target: Path | None
    answers: dict[str, str]
    earlier: Path | None


# The command line.


def parse_arguments(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="nox -s new_class --", description=__doc__)
    parser.add_argument(
        "roster", type=Path, help="the class list: a CSV file with a column called student"
    )
    parser.add_argument("--out", type=Path, required=True, help="the folder for the projects")
    parser.add_argument(
        "--assignment",
        choices=ASSIGNMENTS,
        default=ASSIGNMENTS[0],
        help=f"default: {ASSIGNMENTS[0]}",
    )
    parser.add_argument(
        "--source",
        help="where the reset commands of the projects get the template from"
        " (default: where your copy came from)",
    )
    parser.add_argument("--zip", action="store_true", help="also make a zip for each student")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be made")
    return parser.parse_args(words)


def run(options: argparse.Namespace) -> int:
    """Make the projects that are missing; return the exit code. Raises ClassError if it cannot."""
    folder = options.out.absolute()
    if folder.exists() and not folder.is_dir():
        raise ClassError(f"{folder} is a file. Choose a folder with --out.")
    students, bad = read_roster(options.roster)
    earlier = read_class(folder)
    check_assignment(folder, earlier, options.assignment)
    known = {row["alias"]: row["student"] for row in earlier}
    check_completeness(options.roster, students, earlier)
    bad += give_aliases(students, known)
    typed = clean_source(options.source) if options.source else find_remembered(students, earlier)
    source = typed or clean_source(find_source())
    version = "" if typed else find_version()
    jobs, taken = plan(students, folder, options.assignment, (source, version), options.zip)
    for job in jobs:
        job.earlier = find_earlier(job, options.roster)
    bad += refuse_unknown_keys(students, jobs, folder, options.assignment, known)
    bad += taken
    print(
        f"{options.assignment} for {count(len(students), 'student')}."
        f" The reset commands use {' at '.join(filter(None, (source, version)))}."
    )
    if Path(source.strip("'\"")).exists():
        print("Students cannot reach that folder on your computer. Choose a place with --source.")
    show_changes(students, [error.row for error in bad], earlier)
    if options.dry_run:
        for job in jobs:
            print(f"would make {job.target.name} for {job.student.name}")
    elif students:
        bad += make_and_record(
            students, jobs, folder, options.assignment, earlier, (source, version)
        )
    for row in sorted(bad, key=lambda one: one.row):
        print(row)
    already_there = len(students) - len(taken) - len(jobs)
    if options.dry_run:
        made = f"{len(jobs)} would be made"
    else:
        made = f"{sum(job.target.is_dir() for job in jobs)} made"
    print(f"{made}, {already_there} already there, {count(len(bad), 'row')} to fix.")
    if bad:
        print("All other rows are fine. Fix these, and run the same command again.")
        return 1
    return 0


def check_assignment(folder: Path, earlier: list[dict[str, str]], assignment: str) -> None:
    """Raise ClassError if class.csv has projects of another assignment."""
    others = {row.get("assignment", "") for row in earlier} - {assignment}
    if others:
        raise ClassError(
            f"{folder} already has projects for {', '.join(sorted(others))}. Use one folder for"
            f" each assignment, such as --out {folder.name}-{assignment}."
        )


def check_completeness(
    roster: Path, students: list[Student], earlier: list[dict[str, str]]
) -> None:
    """Raise ClassError if most of the class is missing in a list: then it is not the whole list."""
    names = {student.key for student in students}
    there = [row for row in earlier if row.get("state") != LEFT]
    missing = [row["student"] for row in there if fold(row["student"]) not in names]
    if len(missing) > 2 and len(missing) > len(there) / 2:
        raise ClassError(
            f"{roster} lacks {len(missing)} of the {len(there)} students in class.csv, such as"
            f" {missing[0]}. Use a list of the whole class."
        )


def show_changes(
    students: list[Student], bad_rows: list[int], earlier: list[dict[str, str]]
) -> None:
    """Print who has another name now, and who is no longer in the list."""
    rows = {row["alias"].lower(): row for row in earlier}
    for student in students:
        old = rows.get(student.alias.lower(), {}).get("student", student.name)
        if fold(old) != student.key:
            print(f"{student.alias} is called {student.name} now; it was {old}.")
    show_buckets(students, rows)
    left = [row for row in find_left(students, earlier) if row.get("state") != LEFT]
    for row in [] if bad_rows else left:
        print(
            f"{row['student']} ({row['alias']}) is no longer in the list, and is not graded any"
            f" more. If that is only a new name, give it the alias {row['alias']} in the list."
        )


def show_buckets(students: list[Student], rows: dict[str, dict[str, str]]) -> None:
    """Print whose bucket the list has changed, and which bucket several students share."""
    for student in students:
        old = rows.get(student.alias.lower(), {}).get("bucket_name", "")
        if old and student.bucket_name not in ("", old):
            print(
                f"{student.alias} has the bucket {student.bucket_name} in the list now. Its project"
                f" is there already, and its .env still has {old}."
            )
    counts = Counter(student.bucket_name for student in students if student.bucket_name)
    for name, number in counts.items():
        if number > 1:
            print(f"{number} students have the same bucket, {name}.")


# The place that students reset from.


def find_source() -> str:
    """Return where this copy came from (git's origin), or the template's own address."""
    return ask_git("remote", "get-url", "origin") or SETTINGS["_template_source"]


def ask_git(*words: str) -> str:
    """Return what git says of this copy; "" if it is not git's, or git is not there."""
    git = shutil.which("git")
    if not git or not (ROOT / ".git").exists():
        return ""
    done = subprocess.run([git, "-C", str(ROOT), *words], capture_output=True, check=False)
    return "" if done.returncode else done.stdout.decode(errors="replace").strip()


def find_version() -> str:
    """Return the tag or commit of this copy if students can get it from its origin, else "".

    With it, a later change of the template does not reach a class in the middle of a term.
    """
    if not ask_git("branch", "--remotes", "--contains", "HEAD"):
        return ""
    return ask_git("describe", "--tags", "--exact-match") or ask_git("rev-parse", "HEAD")[:12]


def find_remembered(students: list[Student], earlier: list[dict[str, str]]) -> str:
    """Return the source of earlier projects of the class, from class.csv, or ""."""
    sources = [row.get("source", "") for row in earlier]
    sources += [student.others.get("source", "") for student in students]
    return next(filter(None, sources), "")


def clean_source(source: str) -> str:
    """Return a source for the reset commands: without a token, and in quotes if it needs them.

    An address for ssh becomes one for https, because students have no key for ssh.
    """
    ssh = re.fullmatch(r"(?:ssh://)?git@([\w.-]+)(?::\d+/|[:/])(.+)", source)
    if ssh:
        source = f"https://{ssh[1]}/{ssh[2]}"
    return quote(re.sub(r"//[^/]*@", "//", source))


# What to make.


def plan(
    students: list[Student],
    folder: Path,
    assignment: str,
    origin: tuple[str, str],
    with_zip: bool,
) -> tuple[list[Job], list[BadRowError]]:
    """Return the projects that are missing, and the rows whose place is taken.

    origin: the source and the version that the reset commands name.
    """
    jobs = []
    bad = []
    for student in students:
        name = name_project(student, assignment)
        target = folder / name
        zip_target = folder / f"{name}.zip" if with_zip else None
        if os.path.lexists(target) and find_assignment(target) != assignment:
            rule = (
                f"{folder} already has something else with this name. Rename it, and run the same"
                " command again."
            )
            bad.append(BadRowError(student.row, name, rule))
            continue
        zip_is_missing = zip_target is not None and not zip_target.exists()
        if not target.exists() or zip_is_missing:
            answers = make_answers(student, assignment, origin)
            jobs.append(Job(student, target, zip_target, answers, None))
    return jobs, bad


def refuse_unknown_keys(
    students: list[Student],
    jobs: list[Job],
    folder: Path,
    assignment: str,
    known: dict[str, str],
) -> list[BadRowError]:
    """Return the rows whose folder has a key of nobody knows whom, without making anything there.

    That is so if class.csv is lost: then the aliases may belong to others now.
    """
    bad = []
    for student in list(students):
        project = folder / name_project(student, assignment)
        if student.alias not in known and has_key(project):
            rule = (
                "This folder has a key, and class.csv does not say whose. Bring class.csv back, or"
                " rename the folder."
            )
            bad.append(BadRowError(student.row, project.name, rule))
            students.remove(student)
            jobs[:] = [job for job in jobs if job.student is not student]
    return bad


def find_earlier(job: Job, roster: Path) -> Path | None:
    """Return a project of the same student: this one itself, or that of the class.csv before."""
    if job.target.is_dir():
        return job.target
    folder = job.student.others.get("folder")
    return roster.absolute().parent / folder if folder and roster.name == CLASS_FILE else None


def name_project(student: Student, assignment: str) -> str:
    return f"{assignment}-{student.alias}"


def make_answers(student: Student, assignment: str, origin: tuple[str, str]) -> dict[str, str]:
    """Return the answers to the template's questions.

    If the list has no bucket or endpoint, the default answers mean that there is none yet.
    """
    return {
        "project_name": f"{assignment} {student.alias}",
        "project_slug": name_project(student, assignment),
        "bucket_name": student.bucket_name or SETTINGS["bucket_name"],
        "endpoint": student.endpoint or SETTINGS["endpoint"],
        "assignment": assignment,
        "_class_source": origin[0],
        "_class_version": origin[1],
    }


# Making it.


def make_and_record(
    students: list[Student],
    jobs: list[Job],
    folder: Path,
    assignment: str,
    earlier: list[dict[str, str]],
    origin: tuple[str, str],
) -> list[BadRowError]:
    """Make the projects, and write class.csv; return the rows for which that failed.

    class.csv is also written first, so that students keep their aliases whatever happens.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_class(folder, make_rows(students, earlier, folder, assignment, origin))
    try:
        failures = make_all(jobs, folder, assignment)
    finally:
        write_class(folder, make_rows(students, earlier, folder, assignment, origin))
    return [
        BadRowError(student.row, student.alias, failures[student.alias])
        for student in students
        if student.alias in failures
    ]


def make_rows(
    students: list[Student],
    earlier: list[dict[str, str]],
    folder: Path,
    assignment: str,
    origin: tuple[str, str],
) -> list[dict[str, str]]:
    """Return the rows of class.csv: the students of the list, then those who are no longer in it.

    What a teacher has written into class.csv stays, unless the class list says something else.
    """
    rows = []
    kept_rows = {row["alias"].lower(): row for row in earlier}
    for student in students:
        kept = kept_rows.get(student.alias.lower(), {})
        new = make_row(student, folder, assignment)
        if not kept:
            new["source"], new["version"] = origin
            new["tests"] = digest_of_tests(assignment)
            new["starter"] = digest_of_starter(read_starter(assignment))
            new["account_class"] = student.others.get("account_class", "")
        row = dict(kept)
        for name, value in new.items():
            row[name] = value or kept.get(name, "")
        rows.append(row)
    return rows + [{**row, "state": LEFT} for row in find_left(students, earlier)]


def find_left(students: list[Student], earlier: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return the rows of class.csv whose students are no longer in the list."""
    aliases = {student.alias.lower() for student in students}
    return [row for row in earlier if row["alias"].lower() not in aliases]


def make_row(student: Student, folder: Path, assignment: str) -> dict[str, str]:
    """Return a student's row of class.csv: the known columns, and those of the class list."""
    name = name_project(student, assignment)
    row = {
        "student": student.name,
        "alias": student.alias,
        "folder": name,
        "assignment": assignment,
        "bucket_name": student.bucket_name,
        "endpoint": student.endpoint,
        "state": "made" if (folder / name).is_dir() else "not made",
    }
    for column, value in student.others.items():
        if column not in COLUMNS:
            row[column] = value
    return row


def make_all(jobs: list[Job], folder: Path, assignment: str) -> dict[str, str]:
    """Make the projects, several at a time; return {alias: what went wrong}."""
    failures = {}
    remove_leftovers(folder)
    unfinished = tempfile.mkdtemp(prefix=f"{UNFINISHED}{os.getpid()}-", dir=folder)
    end_as_by_ctrl_c()
    pool = ProcessPoolExecutor(
        count_processes(),
        mp_context=prepare_context("classroom.cookiecutter_ready"),
        initializer=end_with_parent,
    )
    try:
        template = str(copy_template(Path(unfinished, "template"), assignment))
        with show_progress("projects", len(jobs)) as advance:
            waiting = {pool.submit(make_project, template, unfinished, job): job for job in jobs}
            for future in as_completed(waiting):
                failure = future.result()
                if failure:
                    failures[waiting[future].student.alias] = failure
                advance()
    finally:
        pool.shutdown(cancel_futures=True)
        shutil.rmtree(unfinished, ignore_errors=True)
    return failures


def remove_leftovers(folder: Path) -> None:
    """Remove what killed runs left behind. Its name has the number of the run's process."""
    for path in folder.glob(f"{UNFINISHED}*"):
        process = int(path.name.split("-")[1])
        if not psutil.pid_exists(process):
            shutil.rmtree(path, ignore_errors=True)


# What happens in the processes that make the projects.


def make_project(template: str, unfinished: str, job: Job) -> str:
    """Make one project, and move it to its place when it is complete.

    unfinished: the folder in which that happens. Returns what went wrong, or "".
    """
    # Imported here because it costs 150 ms, and these processes have it already: see
    # cookiecutter_ready.py.
    from cookiecutter.exceptions import CookiecutterException
    from cookiecutter.main import cookiecutter

    with tempfile.TemporaryDirectory(dir=unfinished) as own:
        tempfile.tempdir = own  # cookiecutter leaves copies of the hooks there
        config: Any = {"replay_dir": f"{own}/replay", "cookiecutters_dir": f"{own}/cache"}
        with redirect_output(Path(own, "printed")) as printed:
            try:
                made = cookiecutter(
                    template,
                    no_input=True,
                    extra_context=job.answers,
                    output_dir=own,
                    default_config=config,
                )
            except OSError as error:
                return describe_os_error(error)
            except CookiecutterException as error:
                words = printed.read_text(encoding="utf-8", errors="replace").split()
                return " ".join(words) or str(error)
        try:
            if job.earlier:
                copy_keys(job.earlier, Path(made))
            move_to_place(Path(made), job)
        except OSError as error:
            return describe_os_error(error)
        except ClassError as error:
            return str(error)
    return ""


def describe_os_error(error: OSError) -> str:
    """Return why a file could not be written: a full disk, a path that is too long."""
    return f"{error.strerror} ({Path(str(error.filename)).name})"


def move_to_place(made: Path, job: Job) -> None:
    """Move a complete project to its folder, and its zip next to it. Existing ones stay."""
    if job.zip_target:
        archive = shutil.make_archive(f"{made}-archive", "zip", made.parent, made.name)
        if has_key(made):
            Path(archive).chmod(FOR_OWNER)
        os.replace(archive, job.zip_target)
    if not job.target.exists():
        os.rename(made, job.target)


@contextlib.contextmanager
def redirect_output(file: Path) -> Iterator[Path]:
    """Send what this process prints, and what the hooks print in their own processes, to a file."""
    sys.stdout.flush()
    copies = {number: os.dup(number) for number in (1, 2)}
    with file.open("wb") as out:
        for number in copies:
            os.dup2(out.fileno(), number)
    try:
        yield file
    finally:
        for number, copy in copies.items():
            os.dup2(copy, number)
            os.close(copy)
