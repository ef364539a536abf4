"""Check the answers, keep them in b2-starter.json, set aside what a reset will replace."""
import json
import os
import re
import shlex
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

QUESTIONS = ["project_name", "project_slug", "bucket_name", "endpoint", "assignment"]
AROUND_A_VALUE = " \t\r\n\"'`\u00a0\u200b\u200e\u2060\ufeff\u2018\u2019\u201c\u201d"
KEPT, PART, BACKUPS = Path("b2-starter.json"), Path("b2-starter.json.part"), Path("backups")
ROOM = 1_000_000  # bytes; more than all that a reset writes
UNQUOTABLE = r'["\u2018-\u201f\x00-\x1f\x7f]|\\$|\{[#%{]'  # in bash, zsh, PowerShell or Jinja


def answers() -> dict:
    return json.loads(r"""{{ cookiecutter | tojson }}""")


def bad_answers(given: dict) -> dict[str, str]:
    bad = {name: rule for name, (form, rule) in given["_rules"].items()
           if not isinstance(given[name], str) or not re.fullmatch(form, given[name])}
    if "endpoint" in bad:
        why = (why for form, why in given["_not_an_endpoint"] if re.search(form, given["endpoint"]))
        bad["endpoint"] = f"{next(why)} {bad['endpoint']}"
    return bad


def retry_command(given: dict, bad: dict[str, str]) -> str:
    """Return the command with all good answers, so that only the bad ones are typed again."""
    template = re.sub(r"//[^/@]+@", "//", given["_template"])  # a token is not for the screen
    words = ["cookiecutter", shlex.quote(template)]
    words += ["-c", shlex.quote(given["_checkout"])] if given["_checkout"] else []
    words += ["-f"] if os.listdir() else []
    if os.path.realpath(os.environ.get("PWD", "")) != os.path.realpath(given["_output_dir"]):
        words += ["-o", shlex.quote(given["_output_dir"])]
    good = [q for q in QUESTIONS if q not in bad and not re.search(UNQUOTABLE, given[q])]
    return " ".join(words + [q + "='" + given[q].replace("'", "'\"'\"'") + "'" for q in good])


def refuse(typed: dict, given: dict, bad: dict[str, str]) -> int:
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


def read_kept() -> dict:
    """Return what an earlier run kept in b2-starter.json, {} if it cannot be read."""
    try:
        kept = json.loads(KEPT.read_text(encoding="utf-8"))
        files = kept.setdefault("b2-starter", {}).setdefault("given", [])
        good = isinstance(kept["cookiecutter"]["assignment"], str)
        return kept if good and all(isinstance(name, str) for name in files) else {}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}


def replaced(given: dict) -> list[Path]:
    """Return every path that this run writes, also those that are rendered for a moment."""
    paths = [Path(name) for name in given["_given"]]
    for name, files in given["_starters"].items():
        paths += [Path("_starter", name, file) for file in files]
        if name == given["assignment"]:
            paths += [Path(file) for file in files if file not in given["_yours"]]
    return paths


def why_not_here(given: dict) -> str:
    """Return why the folder that is there cannot be reset; "" if it can, or if it is new."""
    if not os.listdir():
        return ""
    if Path(given["_output_dir"], given["project_slug"]).is_symlink():
        return "This folder is a link. Type the name of the folder that it leads to."
    known = [name for name in given["_given"] if name[:3] == "b2_" and Path(name).is_file()]
    kept = read_kept()
    if not kept and len(known) < 2:
        return "A folder of this name is there, and it is no project of b2-starter. Choose another."
    if kept and kept["cookiecutter"]["assignment"] != given["assignment"]:
        return "The project in this folder has another assignment. Choose another name."
    folders = {folder for path in replaced(given) for folder in path.parents} | {BACKUPS}
    links = sorted(str(folder) for folder in folders if folder.is_symlink())
    return f"In this project, {links[0]} is a link. Rename it first." if links else ""


def set_aside(paths: list[Path], backup: Path) -> None:
    """Move what is there to the backup folder; move all of it back if one cannot be moved."""
    blocking = {folder for path in paths for folder in path.parents if folder.is_file()}
    moved: list[Path] = []
    try:
        for path in filter(os.path.lexists, sorted({*paths, *blocking})):
            (backup / path).parent.mkdir(parents=True, exist_ok=True)
            os.rename(path, backup / path)
            moved.append(path)
    except FileNotFoundError:  # another reset, at the same time, was faster
        return set_aside(paths, backup)
    except OSError:
        for path in moved:
            os.rename(backup / path, path)
        raise


def prepare(given: dict, text: str) -> None:
    """Keep the answers; in a reset, set aside what it replaces. Raises OSError, unchanged."""
    start = f"{time.strftime('%Y-%m-%d_%H-%M-%S')}_{os.getppid()}_"  # post_gen finds it by this
    backup = next(new for n in range(99) if not (new := BACKUPS / f"{start}{n:02}").exists())
    old = KEPT.read_bytes() if KEPT.is_file() else None
    reset = os.listdir()
    PART.write_bytes(text.encode() + b" " * ROOM * bool(reset))  # a full disk shows here
    PART.write_bytes(text.encode())
    if reset:
        backup.mkdir(parents=True)
    if old == text.encode():
        PART.unlink()
    else:
        if old is not None:
            (backup / KEPT).write_bytes(old)
        os.replace(PART, KEPT)
    try:
        set_aside(replaced(given) if reset else [], backup)
    except OSError:
        KEPT.unlink() if old is None else KEPT.write_bytes(old)
        raise


def main() -> int:
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    typed = answers()
    endpoint = str(typed["endpoint"]).strip(AROUND_A_VALUE).lower().rstrip("/")
    given = typed | {"endpoint": endpoint if "://" in endpoint else f"https://{endpoint}"}
    bad = bad_answers(given)
    if not bad and (reason := why_not_here(given)):
        bad = {"project_slug": reason}
    if bad:
        return refuse(typed, given, bad)
    now = [path.as_posix() for path in replaced(given) if path.parts[0] != "_starter"]
    about = {name: given[f"_template_{name}"] for name in ("version", "source")}
    kept = {"cookiecutter": {name: given[name] for name in QUESTIONS},
            "b2-starter": {**about, "given": now}}
    before = read_kept()["b2-starter"]["given"] if read_kept() else []
    try:
        prepare(given, json.dumps(kept, indent=2, ensure_ascii=False) + "\n")
    except OSError as error:
        for folder, _, _ in os.walk(BACKUPS, topdown=False):
            with suppress(OSError):
                os.rmdir(folder)  # only where nothing is in it
        with suppress(OSError):
            PART.unlink()
        reason = f"{error.filename or 'The disk'}: {error.strerror}. Mend that first."
        return refuse(typed, given, {"project_slug": reason})
    for name in before:
        if name not in now and os.path.lexists(name):
            print(f"No longer part of the template, left as it is: {name}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
