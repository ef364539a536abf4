"""Check the answers, keep them in b2-starter.json, set aside what a reset will replace."""
import json
import os
import re
import sys
import time
from contextlib import suppress
from pathlib import Path

KEPT, PART, BACKUPS = Path("b2-starter.json"), Path("b2-starter.json.part"), Path("backups")
UNQUOTABLE = r'["\u2018-\u201f\x00-\x1f\x7f]|\\$|\{[#%{]'  # in bash, zsh, PowerShell or Jinja


def bad_answers(context: dict) -> dict[str, str]:
    bad = {name: rule for name, (form, rule) in context["_rules"].items()
           if not isinstance(context[name], str) or not re.fullmatch(form, context[name])}
    if "endpoint" in bad:
        kind = next(k for k in context["_not_an_endpoint"] if re.search(k[0], context["endpoint"]))
        bad["endpoint"] = f"{kind[1]} {bad['endpoint']}"
    return bad


def retry_command(context: dict, bad: dict[str, str]) -> str:
    """Return the command with all good answers and no token; only the bad are typed again."""
    import shlex  # only a refusal needs it
    words = ["cookiecutter", shlex.quote(re.sub("//[^/@]+@", "//", context["_template"]))]
    words += ["-c", shlex.quote(context["_checkout"])] if context["_checkout"] else []
    words += ["-f"] if os.listdir() else []
    if os.path.realpath(os.environ.get("PWD", "")) != os.path.realpath(context["_output_dir"]):
        words += ["-o", shlex.quote(context["_output_dir"])]
    good = [q for q in context["_questions"] if not (q in bad or re.search(UNQUOTABLE, context[q]))]
    return " ".join(words + [q + "='" + context[q].replace("'", "'\"'\"'") + "'" for q in good])


def refuse(typed: dict, context: dict, bad: dict[str, str]) -> int:
    lines = ["", "-" * 72, "Nothing was made or changed, because this is not possible:", ""]
    for name, reason in bad.items():
        shown = re.sub(r"K00\d.*", "(an applicationKey)", str(typed[name]))
        lines += [f"{name}: {shown!r}", reason, ""]
    lines += ["Type this, and press Enter where an answer is right:\n", retry_command(context, bad)]
    print(*lines, "-" * 72, "What follows is cookiecutter's own report.", sep="\n", flush=True)
    if len((slug := Path(str(typed["project_slug"]))).parts) > 1:
        keep_output_folder(slug, context)
    return 1


def keep_output_folder(slug: Path, context: dict) -> None:
    """Where the slug is a path: of a/b cookiecutter would leave the a, for a/.. remove all."""
    import signal
    os.chdir(context["_output_dir"])
    for folder in [slug, *slug.parents][:-1]:
        with suppress(OSError):
            folder.rmdir()  # only where nothing is in it
    if os.name != "nt" and slug.resolve().exists():  # Ctrl-C: cookiecutter removes nothing
        deaf = signal.getsignal(signal.SIGINT) is signal.SIG_IGN  # a job in the background
        os.kill(os.getppid(), signal.SIGTERM if deaf else signal.SIGINT)


def read_kept() -> tuple[str, list[str]]:
    """Return the assignment and the given files that an earlier run kept; "" and [] if none."""
    try:
        kept = json.loads((KEPT if KEPT.is_file() else PART).read_text(encoding="utf-8"))
        return str(kept["cookiecutter"]["assignment"]), [*map(str, kept["b2-starter"]["given"])]
    except (OSError, ValueError, LookupError, TypeError):
        return "", []


def why_not_here(context: dict) -> str:
    """Return why the folder that is there cannot be reset; "" if it can, or if it is new."""
    known = [name for name in context["_given"] if name[:3] == "b2_" and Path(name).is_file()]
    folders = {BACKUPS}.union(*(Path(name).parents for name in context["given_files"]))
    links = sorted(str(folder) for folder in folders if folder.is_symlink())
    if Path(context["_output_dir"], context["project_slug"]).is_symlink():
        return "This folder is a link. Type the name of the folder that it leads to."
    if os.listdir() and not read_kept()[0] and len(known) < 2:
        return "A folder of this name is there, and it is no project of b2-starter. Choose another."
    if read_kept()[0] not in ("", context["assignment"]):
        return "The project in this folder has another assignment. Choose another name."
    return f"In this project, {links[0]} is a link. Rename it first." if links else ""


def prepare(context: dict, kept: bytes) -> str:
    """Keep the answers; in a reset, set aside what it replaces. Return "", or why not."""
    from shutil import copy2  # only a reset needs it
    start = f"{time.strftime('%Y-%m-%d_%H-%M-%S')}_{os.getppid()}_"  # post_gen finds it by this
    backup = next(new for n in range(99) if not (new := BACKUPS / f"{start}{n:02}").exists())
    paths = set(map(Path, [*context["given_files"], "_starter"])) if os.listdir() else set()
    paths |= {folder for path in paths for folder in path.parents if folder.is_file()}
    moved: list[Path] = []
    try:
        PART.write_bytes(kept + b" " * 1_000_000 * bool(paths))  # a full disk shows here
        PART.write_bytes(kept)
        for path in filter(os.path.lexists, [KEPT, *sorted(paths)]):
            (backup / path).parent.mkdir(parents=True, exist_ok=True)
            stays = path == KEPT and path.is_file() and not path.is_symlink()
            with suppress(FileNotFoundError):  # another reset, at the same time, was faster
                (copy2 if stays else os.rename)(path, backup / path)
                moved.append(path)
        os.replace(PART, KEPT)
    except OSError as error:
        for path in reversed(moved):
            os.replace(backup / path, path)
        for folder in [folder for folder, _, _ in os.walk(backup, topdown=False)]:
            with suppress(OSError):
                os.removedirs(folder)  # only where nothing is in it
        with suppress(OSError):
            PART.unlink()
        return f"{error.filename or 'The disk'}: {error.strerror}. Mend that first."
    return ""


def main() -> int:
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    typed = json.loads(r"""{{ cookiecutter | tojson }}""")
    endpoint = str(typed["endpoint"]).strip(typed["_around_a_value"]).lower().rstrip("/")
    context = typed | {"endpoint": endpoint if "://" in endpoint else f"https://{endpoint}"}
    if bad := bad_answers(context):
        return refuse(typed, context, bad)
    context["given_files"] = context["_given"] + context["_starters"][context["assignment"]]
    answers = {q: context[q] for q in [*context["_questions"], "_class_source"] if context[q]}
    about = {"version": context["_template_version"], "given": context["given_files"]}
    kept = json.dumps({"cookiecutter": answers, "b2-starter": about}, indent=2, ensure_ascii=False)
    dropped = [name for name in read_kept()[1] if name not in context["given_files"]]
    if reason := why_not_here(context) or prepare(context, f"{kept}\n".encode()):
        return refuse(typed, context, {"project_slug": reason})
    for name in filter(os.path.lexists, dropped):
        print(f"No longer part of the template, left as it is: {name}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
