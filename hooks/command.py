"""The cookiecutter command that is running, and commands to type instead.

b2_starter_extension.py runs this file in cookiecutter's process.
"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import click

ANSWERS_FILE = "b2-starter.json"


@dataclass
class Command:
    """What was typed.

    typed: False if a Python program called cookiecutter; then nothing else is known.
    output: the folder that the project goes into. elsewhere: whether -o names a folder other
    than the current one. force: whether -f was typed. hooks: whether hooks may run.
    replay: the path of --replay-file, or None. can_ask: whether somebody is at a terminal.
    """

    template: str
    checkout: str = ""
    typed: bool = False
    output: Path = Path()
    elsewhere: bool = False
    force: bool = False
    hooks: bool = True
    replay: Path | None = None
    can_ask: bool = False

    def line(self, *words: str) -> str:
        """Return a command that uses the same template, to be pasted into any shell."""
        template = re.sub(r"//[^/@]+@", "//", self.template)  # without a password or a token
        checkout = ["-c", self.checkout] if self.checkout else []
        return " ".join(["cookiecutter", *map(quote, [template, *checkout, *words])])

    def answers_line(self, options: list[str], answers: dict[str, str]) -> str:
        """Return a command with options, and with answers to questions: name -> answer."""
        given = [f"{name}={quote(answer)}" for name, answer in answers.items()]
        return " ".join([self.line(*options), *given])

    def reset_line(self, name: str) -> str:
        """Return the command that resets the project in the folder with this name."""
        return self.line("--replay-file", f"{name}/{ANSWERS_FILE}", "-f")

    def go_to_line(self, folder: Path) -> str:
        """Return the command that goes to a folder from the one where this was typed."""
        return "cd .." if folder == self.output.parent else f"cd {quote(str(folder))}"


def find_command(template: str) -> Command:
    """Return the command that is running. template: what to call the template if nobody typed it.

    Source of the names of the options: cookiecutter's cli.py, 2.1 to 2.7.
    """
    context = click.get_current_context(silent=True)
    if context is None or "overwrite_if_exists" not in context.params:
        return Command(template)
    options = context.params
    replay = options["replay_file"]
    template = options["template"]
    output = Path(os.path.abspath(options["output_dir"]))
    if os.path.exists(template):  # after the cd of some advice, a relative path is wrong
        template = os.path.abspath(template)
    return Command(
        template=template,
        checkout=options["checkout"] or "",
        typed=True,
        output=output,
        elsewhere=output != Path.cwd(),
        force=options["overwrite_if_exists"],
        hooks=options["accept_hooks"] != "no",
        # cookiecutter reads the file with the ending .json, whatever was typed.
        replay=Path(os.path.abspath(replay)).with_suffix(".json") if replay else None,
        can_ask=not options["no_input"] and sys.stdin.isatty(),
    )


def quote(word: str) -> str:
    """Return a word in quotes, if it needs them, for bash, zsh, PowerShell and cmd.

    Double quotes mean the same in all four if the word has no $, `, !, %, \\ or quote in it.
    Single quotes mean nothing to cmd; the others accept them. PowerShell treats several quoted
    parts as one word only if something unquoted comes first, such as name=.
    Source: Microsoft Learn, about_Quoting_Rules and about_Parsing; the manuals of bash and zsh.
    """
    if re.fullmatch(r"[A-Za-z0-9_+=:./-]+", word):
        return word
    special = r'["$`!%\u2018-\u201f]' if os.name == "nt" else r'["$`!%\\\u2018-\u201f]'
    if not re.search(special, word):
        return f'"{word}"'
    return "'" + word.replace("'", "'\"'\"'") + "'"


def can_be_quoted(word: str) -> bool:
    """Tell whether a quoted word is safe in every shell, and Jinja leaves it alone."""
    return not re.search(r'["\u2018-\u201f\x00-\x1f\x7f]|\\$|\{[#%{]', word)
