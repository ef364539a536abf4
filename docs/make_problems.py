"""Write PROBLEMS.md from the table of problems, and say if it had changed."""

from __future__ import annotations

import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "{{cookiecutter.project_slug}}"))

from b2_problems import PROBLEMS  # noqa: E402

HEAD = """\
# What can go wrong, and what to do

Made by `nox -s docs` from the table in `b2_problems.py`; change it there.

When something is wrong, a project shows one of these problems: its name in brackets, what
happened, why, and what to do. `python check_setup.py` looks for all of them, one step after the
other, and stops at the first; a program with the line `import check_setup` shows them in place of
a traceback. Words in CAPITALS are filled in.

"""


def page() -> str:
    """Return the page as Markdown."""
    parts = [HEAD]
    for name, problem in PROBLEMS.items():
        said = "\n".join(text for text in (problem.what, problem.why, problem.do) if text)
        said = re.sub(r"\{(\w+)\}", lambda found: found[1].upper(), said)
        parts.append(f"## {name}\n\n```text\n{said}\n```\n\n"
                     f"Recognised: {problem.sign}. Source: {problem.source}\n\n")
    return "".join(parts).rstrip() + "\n"


def main() -> int:
    """Write the page. Returns 1 if it was not up to date, else 0."""
    target = HERE / "PROBLEMS.md"
    before = target.read_text(encoding="utf-8") if target.exists() else ""
    target.write_text(page(), encoding="utf-8", newline="\n")
    print("docs/PROBLEMS.md", "was up to date." if before == page() else "is new.")
    return int(before != page())


if __name__ == "__main__":
    raise SystemExit(main())
