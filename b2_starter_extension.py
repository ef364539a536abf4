"""Checks and cleans the answers to the questions, and asks again if one cannot be used.

cookiecutter.json names this file in _extensions, so cookiecutter loads it and calls its filters
in its own process: after each question (the lines that begin with __ in cookiecutter.json), and
when it renders hooks/pre_gen_project.py. The rules for what Backblaze B2 accepts are loaded from
the generated project.

A filter gets the answers so far as a dict, and may change them: cookiecutter renders every file
and hook from that same dict. Source: cookiecutter's prompt.py, generate.py, hooks.py, 2.1 to 2.7.
"""

from __future__ import annotations

import atexit
import functools
import inspect
import json
import logging
import os
import runpy
import sys
import textwrap
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import click
from cookiecutter import prompt
from cookiecutter.exceptions import CookiecutterException
from jinja2 import Environment
from jinja2.ext import Extension

HERE = Path(__file__).resolve().parent  # the folder of the template


def load(name: str) -> Any:
    """Run a Python file of the template, and return what it defines.

    It is not imported: importing would leave a __pycache__ that cookiecutter copies into projects,
    and a second version of the template in the same process would get the first one's files.
    """
    return SimpleNamespace(**runpy.run_path(str(HERE / name)))


if TYPE_CHECKING:
    from hooks import answer as checks
    from hooks import command as commands
    from hooks import leftovers
    from hooks import project as projects
    from hooks.command import Command
else:
    checks = load("hooks/answer.py")
    commands = load("hooks/command.py")
    leftovers = load("hooks/leftovers.py")
    projects = load("hooks/project.py")

SETTINGS = projects.SETTINGS
QUESTIONS = [name for name in SETTINGS if not name.startswith("_")]

WELCOME = """
This makes a project that stores files in Backblaze B2 with Python. No bucket
yet? Press Enter: you can fill it in later, in the file .env.
"""


class AnswerError(click.ClickException, CookiecutterException):
    """An answer cannot be used, or a command was typed in the wrong place.

    Its text says what is wrong and what to type instead. It is raised before anything is created
    or changed. On the command line, click prints the text and ends with exit code 1.
    """

    def __init__(self, text: str) -> None:
        super().__init__("\n".join(wrap(text)))


class AnswersExtension(Extension):
    """Gives cookiecutter the filters that cookiecutter.json and the pre_gen hook use."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        environment.filters.update(find_filters(find_template()))
        if find_command({}).typed:
            logging.getLogger("cookiecutter.hooks").addFilter(hide_traceback)


def find_template() -> Path:
    """Return the folder of the template that cookiecutter is using now.

    That may not be this file's folder: Python imports only one file with a given name, and
    another copy of the template may come earlier on its path. cookiecutter appends the template's
    folder to the path, and works in it while it runs the hooks.
    """
    for place in (sys.path[-1], os.curdir):
        folder = Path(place).resolve()
        if (folder / Path(__file__).name).is_file():
            return folder
    return HERE


@functools.cache  # new_class makes hundreds of projects in one process
def find_filters(template: Path) -> dict[str, Any]:
    """Return the filters of the copy of this file that belongs to a template."""
    if template == HERE:
        return FILTERS
    return runpy.run_path(str(template / Path(__file__).name))["FILTERS"]


def hide_traceback(record: logging.LogRecord) -> bool:
    """Let cookiecutter report that a hook failed, without a traceback: the hook said why."""
    record.exc_info = None
    return True


# The filters of cookiecutter.json, in the order in which they are called.


def start(answers: dict[str, Any]) -> str:
    """Say what is being made, before the first question; refuse a command in the wrong place."""
    command = find_command(answers)
    if command.template.lower().endswith(".zip"):
        atexit.register(leftovers.remove_unpacked, HERE.parent)
    if not command.hooks:
        raise AnswerError(
            "Nothing was created.\n\nThis template only works with its hooks: they save your"
            " answers and make the file .env. Type the command again without --accept-hooks no."
        )
    if command.replay:
        answers.update(read_replayed(command.replay))
        go_to_project(command, answers)
    elif command.typed:
        refuse_wrong_place(command)
    if command.can_ask and not command.replay:
        click.echo(WELCOME)
    return ""


def suggest_folder(answers: dict[str, Any]) -> str:
    """Return a folder name made from the project's name: the default answer."""
    return checks.make_folder_name(str(answers.get("project_name", "")))


def suggest_assignment(answers: dict[str, Any]) -> str:
    """Return the assignment of the project that already exists, or else the first one."""
    folder = find_folder(answers)
    there = projects.find_assignment(folder) if folder else ""
    return there or projects.ASSIGNMENTS[0]


def show_assignments(answers: dict[str, Any]) -> str:
    """Show the menu that the last question is about."""
    command = find_command(answers)
    if command.can_ask and not command.replay:
        click.echo("\n  You can start with:")
        for number, (name, words) in enumerate(SETTINGS["_assignments"].items(), start=1):
            click.echo(f"    {number}  {name:13} {words}")
    return ""


def check_answers(answers: dict[str, Any]) -> str:
    """Clean the answers so far, in place, and ask again for each that cannot be used.

    If nobody can be asked, wait until all answers are known, and refuse all bad ones at once.
    Raises AnswerError.
    """
    command = find_command(answers)
    known = [name for name in QUESTIONS if name in answers]
    if known != QUESTIONS and not command.can_ask:
        return ""
    problems = {}
    for name in known:
        problem = clean_and_check(name, answers, command)
        while problem and command.can_ask:
            click.echo("\n".join(["", *wrap(problem), ""]))
            answers[name] = ask(name, answers)
            problem = clean_and_check(name, answers, command)
        if problem:
            problems[name] = problem
    if problems:
        raise AnswerError(explain_refusal(answers, problems, command))
    return ""


def complete(context: dict[str, Any]) -> dict[str, Any]:
    """Check all answers once more, and add what the hooks need to know.

    Called in the tag of the pre_gen hook, when the project's folder already exists; the answers
    of a replay get here without being asked for. Adds to the context: _given, the given files of
    this project; _starters, the files below _starter/ of each assignment; _backups, the backup
    folders of resets that were stopped, and then the one for this reset, [] for a new project;
    _dropped, what is no longer given.
    Raises AnswerError, and leaves nothing behind.
    """
    is_reset = False
    folder = find_folder(context)
    try:
        refuse_wrong_folder(context)
        check_answers(context)
        is_reset = folder is not None and any(folder.iterdir())
    except BaseException:
        leftovers.remove_hook_file()
        if has_folder(context):
            output = Path(context["_output_dir"])
            leftovers.remove_empty_folders(output / str(context["project_slug"]), output)
        raise
    for name in ("_template_version", "_template_source"):
        context[name] = SETTINGS[name]  # a replay file may have older ones
    given = projects.given_files() + projects.starter_files(context["assignment"])
    context["_given"] = given
    context["_starters"] = {
        name: ["main.py", *projects.starter_files(name)] for name in projects.ASSIGNMENTS
    }
    context["_backups"] = context["_dropped"] = []
    if folder and is_reset:
        now = datetime.now().strftime("%Y-%m-%d_%H-%M-%S-%f")
        context["_backups"] = [*projects.find_unfinished_backups(folder), f"backups/{now}"]
        context["_dropped"] = projects.find_dropped(folder, given)
    return context


FILTERS = {
    function.__name__: function
    for function in (
        start,
        suggest_folder,
        suggest_assignment,
        show_assignments,
        check_answers,
        complete,
    )
}


# What an answer may be.


def clean_and_check(name: str, answers: dict[str, Any], command: Command) -> str:
    """Clean one answer, in place. Return what is wrong with it in plain sentences, or ""."""
    answer = answers[name]
    if isinstance(answer, str):
        answer = checks.clean(name, answer, projects.ASSIGNMENTS)
    problem = checks.find_problem(name, answer, projects.ASSIGNMENTS)
    if problem:
        return problem
    answers[name] = answer
    folder = find_folder(answers)
    if folder and name == "project_slug" and not has_folder(answers):
        return projects.find_folder_problem(command, folder)
    if folder and name == "assignment":
        return projects.find_other_assignment(folder, answer)
    return ""


def has_folder(answers: dict[str, Any]) -> bool:
    """Tell whether cookiecutter has made the project's folder: it adds _output_dir then."""
    return "_output_dir" in answers


def find_folder(answers: dict[str, Any]) -> Path | None:
    """Return the project's folder; None if it is not known yet, or has a bad name.

    cruft, which generates without cookiecutter's own main(), never says which folder it is.
    """
    command = find_command(answers)
    name = str(answers.get("project_slug", ""))
    if checks.find_folder_name_problem(name) or not (command.typed or has_folder(answers)):
        return None
    return command.output / name


def refuse_wrong_folder(context: dict[str, Any]) -> None:
    """Raise AnswerError if the folder that now exists cannot be used for a project.

    Nobody is asked again: cookiecutter would go on with this folder, whatever the answer.
    """
    command = find_command(context)
    if command.typed and not command.replay:
        refuse_wrong_place(command)
    folder = find_folder(context)
    name = context["project_slug"]
    problem = checks.find_problem("project_slug", name, projects.ASSIGNMENTS)
    if folder and not problem:
        problem = projects.find_reset_problem(folder)
    if problem:
        raise AnswerError(explain_refusal(context, {"project_slug": problem}, command))


def refuse_wrong_place(command: Command) -> None:
    """Raise AnswerError if no project can be made here, or if it would be inside another one."""
    project = projects.find_project_around(command.output)
    if project and not command.elsewhere:
        raise AnswerError(projects.explain_inside_project(command, project))
    existing = command.output
    while not existing.exists():
        existing = existing.parent
    if not os.access(existing, os.W_OK):
        raise AnswerError(
            f"Nothing was created.\n\nYou cannot save anything in {existing}. Go to a folder where"
            " you can, such as Documents, and type the command again."
        )


# Asking and refusing.


def find_command(answers: dict[str, Any]) -> Command:
    """Return the command that is running."""
    command = commands.find_command(SETTINGS["_template_source"])
    if has_folder(answers):  # by then cookiecutter works in the template's folder
        command.output = Path(answers["_output_dir"])
    return command


def ask(name: str, answers: dict[str, Any]) -> str:
    """Ask a question once more, in cookiecutter's own way; return the answer."""
    default = SETTINGS[name]
    if name == "project_slug":
        default = suggest_free_folder(answers)
    elif name == "assignment":
        default = suggest_assignment(answers)
    words = {
        "prompts": SETTINGS["__prompts__"],
        "prefix": f"  [dim][{QUESTIONS.index(name) + 1}/{len(QUESTIONS)}][/] ",
    }
    accepted = inspect.signature(prompt.read_user_variable).parameters  # 2.1 has neither
    words = {word: value for word, value in words.items() if word in accepted}
    return prompt.read_user_variable(name, default, **words)


def explain_refusal(answers: dict[str, Any], problems: dict[str, str], command: Command) -> str:
    """Return the reasons, and the command in which only the refused answers are missing."""
    happened = "changed" if command.force else "created"
    which = "One answer" if len(problems) == 1 else "Some answers"
    lines = [f"Nothing was {happened}. {which} cannot be used:", ""]
    for name, problem in problems.items():
        lines += [f"{name}: {checks.show(answers[name])}", problem, ""]
    options = ["-f"] if command.force else []
    if command.elsewhere:
        options += ["-o", str(command.output)]
    hidden = set(problems)
    if "project_name" in problems:
        hidden.add("project_slug")  # it is made from that name, which may hold a key
    good = {
        name: str(answers[name])
        for name in QUESTIONS
        if name not in hidden and commands.can_be_quoted(str(answers[name]))
    }
    lines += ["Run this command. Press Enter to keep an answer:", ""]
    return "\n".join([*lines, command.answers_line(options, good)])


def suggest_free_folder(answers: dict[str, Any]) -> str | None:
    """Return a free folder name that is similar to the refused one; None with -f."""
    refused = str(answers["project_slug"])
    command = find_command(answers)
    if command.force:
        return None
    first = suggest_folder(answers)  # a key must not come back in another form
    if not checks.find_key(refused):
        first = checks.make_folder_name(refused)
    name, number = first, 2
    while os.path.lexists(command.output / name):
        name = f"{first}-{number}"
        number += 1
    return name


def wrap(text: str) -> list[str]:
    """Return text as lines of up to 79 characters; commands and answers stay in one piece."""
    whole = ("    ", "cookiecutter ", *(f"{name}: " for name in QUESTIONS))
    lines: list[str] = []
    for line in text.split("\n"):
        if line.startswith(whole):
            lines.append(line)
        else:
            broken = textwrap.wrap(line, 79, break_long_words=False, break_on_hyphens=False)
            lines += broken or [""]
    return lines


# A replay, and the place where it was typed.


def read_replayed(file: Path) -> dict[str, Any]:
    """Return the answers in a file that cookiecutter replays, and has read without trouble."""
    kept = json.loads(file.read_text(encoding="utf-8"))["cookiecutter"]
    return {name: kept[name] for name in QUESTIONS if name in kept}


def go_to_project(command: Command, answers: dict[str, Any]) -> None:
    """Make sure that a reset uses the project that its b2-starter.json belongs to.

    If the folder was renamed, its new name is used. Raises AnswerError if the command was typed
    in another place, because it would make a second project there, and if the project cannot be
    reset, because another folder is not what the student wants.
    """
    if command.replay is None:
        return
    project = command.replay.parent
    target = command.output / str(answers.get("project_slug", ""))
    if projects.is_project(project) and not projects.is_same_folder(project, target):
        if projects.is_same_folder(project.parent, command.output):
            use_new_name(command, project.name, answers)
        elif not command.elsewhere:
            raise AnswerError(projects.explain_wrong_place(command, project))
    folder = find_folder(answers)
    problem = projects.find_folder_problem(command, folder) if folder else ""
    if problem:
        raise AnswerError(f"Nothing was changed.\n\n{problem}")


def use_new_name(command: Command, name: str, answers: dict[str, Any]) -> None:
    """Use the name that the project's folder has now."""
    problem = checks.find_folder_name_problem(name)
    if problem:
        better = checks.make_folder_name(name)
        raise AnswerError(
            f"Nothing was changed.\n\nThe project's folder is now called {name}. {problem}"
            f"\nRename the folder to {better} and type:\n\n    {command.reset_line(better)}"
        )
    click.echo(f"\nThe project's folder is now called {name}; its files will use that name, too.")
    answers["project_slug"] = name
