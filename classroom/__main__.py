"""python classroom new_class ..., accounts ..., grade ...: the sessions of nox call these.

Python runs this folder by its name, so that it imports no file from the folder that the teacher
works in.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMMANDS = ["new_class", "accounts", "grade"]


def run(name: str, words: list[str]) -> int:
    """Run a command, and return the exit code."""
    from classroom.tables import ClassError  # it can be found only when sys.path is set, below
    from classroom.texts import INTERRUPTED

    try:
        command = importlib.import_module(f"classroom.{name}")
        return command.run(command.parse_arguments(words))
    except ClassError as error:
        print(error, file=sys.stderr)
    except KeyboardInterrupt:
        print(f"\n{INTERRUPTED[name]}")
    return 1


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in COMMANDS:
        commands = " or ".join(f"python classroom {name} --help" for name in COMMANDS)
        raise SystemExit(f"Type {commands}.")
    sys.path[0] = str(ROOT)
    # A console may not be able to show all letters in the students' names.
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    sys.stderr.reconfigure(errors="replace")  # type: ignore[union-attr]
    sys.dont_write_bytecode = True  # new_class copies the template from this folder
    raise SystemExit(run(sys.argv[1], sys.argv[2:]))
