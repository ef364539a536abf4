"""Grades all hand-ins of a class, several at a time; one never costs another a point."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, as_completed
from multiprocessing.context import BaseContext
from pathlib import Path

from classroom.grades import Grade
from classroom.marking import Work, clear_leftovers, grade_one, make_empty_grade
from classroom.matching import Member
from classroom.processes import (
    adopt_orphans,
    count_processes,
    end_orphans,
    find_server,
    is_alive,
    keep_server_awake,
    prepare_context,
    show_progress,
    start_server,
)
from classroom.texts import make_writable


def grade_all(
    works: list[Work], assignment: str, folder: Path, seconds: float, fork: bool
) -> list[Grade]:
    """Return the grades of all students, in the order of works. Several are graded at a time.

    A process that ended too early may have been ended by another hand-in. So it runs again, alone.
    """
    clear_leftovers()
    adopt_orphans()
    context = prepare_context("classroom.pytest_ready", fork)
    keep_server_awake()
    grades: dict[int, Grade] = {}
    with (
        show_progress("hand-ins", len(works)) as advance,
        ThreadPoolExecutor(count_processes()) as pool,
    ):
        waiting = {}
        for number, work in enumerate(works):
            future = pool.submit(grade_one, context, work, assignment, folder, seconds)
            waiting[future] = number
        try:
            for future in as_completed(waiting):
                number = waiting[future]
                try:
                    grades[number] = future.result()
                except Exception as error:  # one hand-in does not stop the others
                    grades[number] = make_failed_grade(works[number].member, assignment, error)
                advance()
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    for number, grade in grades.items():
        if grade.is_unsure:
            grades[number] = grade_alone(context, works[number], assignment, folder, seconds)
    end_orphans()
    return [grades[number] for number in range(len(works))]


def grade_alone(
    context: BaseContext, work: Work, assignment: str, folder: Path, seconds: float
) -> Grade:
    """Grade one hand-in while no other one runs; note if it ends what all are forked from."""
    start_server(context)
    server = find_server()
    try:
        grade = grade_one(context, work, assignment, folder, seconds)
    except Exception as error:
        grade = make_failed_grade(work.member, assignment, error)
    if server and not is_alive(server):
        grade.asides.append("it ended the processes of the grading")
    return grade


def make_failed_grade(member: Member, assignment: str, error: Exception) -> Grade:
    """Return the grade of a hand-in that broke the grading itself."""
    grade = make_empty_grade(member, assignment, "not graded")
    grade.is_unsure = True
    reason = make_writable(f"the grading failed: {type(error).__name__}: {error}")
    grade.asides.append(reason)
    return grade
