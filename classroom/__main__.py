"""python classroom new_class ... or python classroom grade ...: what the sessions of nox call.

Started by the name of the folder, so that no file of the folder that one works in is imported.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMMANDS = ["new_class", "grade"]


def run(name: str, words: list[str]) -> int:
    """Run a command; return what the process ends with."""
    from classroom.roster import ClassError  # only now is the path what it has to be

    command = importlib.import_module(f"classroom.{name}")
    try:
        return command.run(command.parse_arguments(words))
    except ClassError as error:
        print(error, file=sys.stderr)
    except KeyboardInterrupt:
        print(f"\n{command.INTERRUPTED}")
    return 1


if __name__ == "__main__":
    if sys.argv[1:2] not in ([command] for command in COMMANDS):
        raise SystemExit(f"python classroom {' or '.join(COMMANDS)}, and --help for more")
    sys.path[0] = str(ROOT)
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]  # a console's letters
    sys.stderr.reconfigure(errors="replace")  # type: ignore[union-attr]
    sys.dont_write_bytecode = True  # the template is copied as it lies here
    raise SystemExit(run(sys.argv[1], sys.argv[2:]))
