"""python classroom new_class ... or python classroom grade ...: what the sessions of nox call.

Started by the name of the folder, so that no file of the folder that one works in is imported.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMMANDS = ["new_class", "grade"]

if __name__ == "__main__":
    if sys.argv[1:2] not in ([command] for command in COMMANDS):
        raise SystemExit(f"python classroom {' or '.join(COMMANDS)}, and --help for more")
    sys.path[0] = str(ROOT)
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]  # a console's letters
    sys.stderr.reconfigure(errors="replace")  # type: ignore[union-attr]
    sys.dont_write_bytecode = True  # the template is copied as it lies here
    raise SystemExit(importlib.import_module(f"classroom.{sys.argv[1]}").main(sys.argv[2:]))
