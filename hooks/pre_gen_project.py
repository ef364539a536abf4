"""Check the answers by the rules in cookiecutter.json, then keep them in b2-starter.json."""
import json
import os
import re
import shlex
import signal
import sys
from pathlib import Path
from typing import Any

QUESTIONS = ["project_name", "project_slug", "bucket_name", "endpoint", "assignment"]
AROUND_A_VALUE = " \t\r\n\"'`\u00a0\u200b\u200e\u2060\ufeff\u2018\u2019\u201c\u201d"
UNQUOTABLE = r'["\u2018-\u201f\x00-\x1f\x7f]|\\$|\{[#%{]'  # in bash, zsh, PowerShell or Jinja


def answers() -> dict[str, Any]:
    return json.loads(r"""{{ cookiecutter | tojson }}""")


def bad_answers(given: dict[str, Any]) -> dict[str, str]:
    bad = {name: rule for name, (form, rule) in given["_rules"].items()
           if not isinstance(given[name], str) or not re.fullmatch(form, given[name])}
    if "endpoint" in bad:
        why = (why for form, why in given["_not_an_endpoint"] if re.search(form, given["endpoint"]))
        bad["endpoint"] = f"{next(why)} {bad['endpoint']}"
    return bad


def retry_command(given: dict[str, Any], bad: dict[str, str]) -> str:
    """Return the command with all good answers, so that only the bad ones are typed again."""
    template = re.sub(r"//[^/@]+@", "//", given["_template"])  # a token is not for the screen
    words = ["cookiecutter", shlex.quote(template)]
    words += ["-c", shlex.quote(given["_checkout"])] if given["_checkout"] else []
    words += ["-f"] if os.listdir() else []
    if os.path.realpath(os.environ.get("PWD", "")) != os.path.realpath(given["_output_dir"]):
        words += ["-o", shlex.quote(given["_output_dir"])]
    good = [q for q in QUESTIONS if q not in bad and not re.search(UNQUOTABLE, given[q])]
    return " ".join(words + [q + "='" + given[q].replace("'", "'\"'\"'") + "'" for q in good])


def refuse(typed: dict[str, Any], given: dict[str, Any], bad: dict[str, str]) -> int:
    lines = ["", "-" * 72, "Nothing was made or changed, because this is not possible:", ""]
    for name, reason in bad.items():
        shown = re.sub(r"K00\d.*", "(an applicationKey)", str(typed[name]))
        lines += [f"{name}: {shown!r}", reason, ""]
    lines += ["Type this, and press Enter where an answer is right:", "", retry_command(given, bad)]
    print(*lines, "-" * 72, "What follows is cookiecutter's own report.", sep="\n", flush=True)
    output, slug = Path(given["_output_dir"]), Path(str(given["project_slug"]))
    if len(slug.parts) > 1:  # a path: of a/b cookiecutter would leave the a, for a/.. remove all
        made = [output / slug, *(output / slug).parents][: len(slug.parts)]
        os.chdir(output)
        for folder in made:
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
        if output.resolve().is_relative_to(made[0].resolve()):  # Ctrl-C: nothing is removed
            deaf = signal.getsignal(signal.SIGINT) is signal.SIG_IGN  # a job in the background
            stop = signal.SIGTERM if deaf else getattr(signal, "CTRL_C_EVENT", signal.SIGINT)
            os.kill(0 if os.name == "nt" else os.getppid(), stop)
    return 1


def main() -> int:
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    typed = answers()
    endpoint = str(typed["endpoint"]).strip(AROUND_A_VALUE).lower().rstrip("/")
    given = typed | {"endpoint": endpoint if "://" in endpoint else f"https://{endpoint}"}
    if bad := bad_answers(given):
        return refuse(typed, given, bad)
    kept = {"cookiecutter": {name: given[name] for name in QUESTIONS}}
    kept["b2-starter"] = {name: given[f"_template_{name}"] for name in ("version", "source")}
    text = json.dumps(kept, indent=2, ensure_ascii=False) + "\n"
    Path("b2-starter.json.part").write_text(text, encoding="utf-8", newline="\n")
    os.replace("b2-starter.json.part", "b2-starter.json")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
