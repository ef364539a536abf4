"""A real Windows Python under Wine, on Linux, made from Debian's and PyPI's packages alone.

    python tests/windows_rig.py FOLDER set-up PACKAGES    set it up, or go on where it stopped
    python tests/windows_rig.py FOLDER run WORDS          python.exe WORDS, in C:\\b2-starter

It is not Windows, but sys.platform is "win32": paths, processes, sockets and the console are those
of Wine. What is wrong with Wine is mended here, and never in the product.

`nox -s windows` installs uv and runs this. Each step leaves a file in FOLDER/done; it is repeated,
with all steps after it, if that file is deleted or what it was made from has changed.
"""

from __future__ import annotations

import json
import os
import re
import selectors
import shutil
import signal
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

assert sys.platform == "linux", "This makes a Windows Python on Linux. On Windows, run nox itself."

DEBIAN_PACKAGES = ["wine", "wine64", "gcc-mingw-w64-x86-64"]
LONGEST_RUN = 30 * 60  # seconds
COMPILER = "x86_64-w64-mingw32-gcc"

# This wheel for Windows brings python311.dll, the .pyd files of the standard library, and the DLLs
# that they need: nothing else on PyPI does.
DLLS = (
    "panda3d==1.10.16"
    " --hash=sha256:37acfb92655c4226879f95c988e2ef1449a53c54486d6c1ebc00e2772429af82"
)

PYTHON_EXE = """\
#include <wchar.h>
__declspec(dllimport) int Py_Main(int, wchar_t **);
int wmain(int argc, wchar_t **argv) { return Py_Main(argc, argv); }
"""

# Programs in Rust (cryptography) load bcryptprimitives.dll, which Wine 8 does not have.
BCRYPTPRIMITIVES_DLL = """\
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE buffer, SIZE_T size) {
    return SystemFunction036(buffer, (ULONG)size);
}
"""

# There is no git for Windows here: git.exe lets the git of Linux do it, through Bridge.
GIT_EXE = """\
#include <stdlib.h>
#include <wchar.h>
__declspec(dllimport) int Py_Main(int, wchar_t **);
int wmain(int argc, wchar_t **argv) {
    wchar_t **words = malloc((argc + 2) * sizeof *words);
    words[0] = argv[0];
    words[1] = L"C:\\\\py\\\\git.py";
    for (int number = 1; number <= argc; number++) words[number + 1] = argv[number];
    return Py_Main(argc + 1, words);
}
"""
GIT_PY = """\
import json, os, socket, sys
env = {name: value for name, value in os.environ.items() if name.startswith(("GIT_", "HOME"))}
with socket.create_connection(("127.0.0.1", int(open(r"C:\\py\\git-port").read()))) as bridge:
    bridge.sendall(json.dumps([os.getcwd(), sys.argv[1:], env]).encode() + b"\\n")
    code, out, err = json.loads(bridge.makefile().read())
sys.stdout.buffer.write(out.encode("latin-1"))
sys.stderr.buffer.write(err.encode("latin-1"))
sys.exit(code)
"""


class Rig:
    """Where everything is. folder: of the rig, on Linux."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.prefix = self.folder / "prefix"
        self.drive = self.prefix / "drive_c"
        self.python = self.drive / "py"
        of_linux = ("PYTHON", "TMP", "TEMP")  # their paths mean something else on Windows
        kept = {name: one for name, one in os.environ.items() if not name.startswith(of_linux)}
        self.env = {
            **kept,
            "WINEPATH": r"C:\py",  # becomes a part of PATH
            "WINEPREFIX": str(self.prefix),
            "WINEDEBUG": "-all",
            "WINEDLLOVERRIDES": "winemenubuilder.exe=d;mscoree=;mshtml=",  # asks no questions
        }


def stop(text: str) -> NoReturn:
    print(text, file=sys.stderr)
    sys.exit(1)


def run(*command: str | Path, env: dict[str, str] | None = None) -> str:
    """Run a command and return what it printed; stop with its last lines if it fails."""
    done = subprocess.run(
        command,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        env=env,
    )
    if done.returncode:
        last_lines = "\n".join(done.stdout.splitlines()[-20:])
        stop(f"{last_lines}\nexit code {done.returncode}: {' '.join(map(str, command))}")
    return done.stdout


# The steps.


def install_wine(_: Rig, packages: list[str]) -> None:
    if shutil.which("wine") and shutil.which(COMPILER):
        return
    apt = shutil.which("apt-get")
    command = f"apt-get install --no-install-recommends {' '.join(packages)}"
    if not apt:
        stop(f"Wine is needed, and this is not Debian. There it is: {command}")
    if os.geteuid() != 0:
        stop(f"Wine is needed. Run as root: {command}")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run(apt, "update", env=env)
    run(apt, "install", "--yes", "--no-install-recommends", *packages, env=env)


def make_drive(rig: Rig, _: list[str]) -> None:
    """Make drive C: with Wine's own Windows files, and the registry."""
    subprocess.run(["wineserver", "--kill"], check=False, env=rig.env)  # of an interrupted run
    shutil.rmtree(rig.prefix, ignore_errors=True)
    nothing = subprocess.DEVNULL  # Wine's services would keep a pipe open
    for command in (["wine", "wineboot", "--init"], ["wineserver", "--wait"]):
        subprocess.run(
            command, stdin=nothing, stdout=nothing, stderr=nothing, check=True, env=rig.env
        )
    (rig.python / "DLLs").mkdir(parents=True)


def fetch_dlls(rig: Rig, requirements: list[str]) -> None:
    """Put python311.dll and what it needs into C:\\py, the .pyd files into C:\\py\\DLLs."""
    fetched = rig.folder / "fetched"
    listed = rig.folder / "dlls.txt"
    listed.write_text("\n".join(requirements), encoding="utf-8")
    install_packages(fetched, "--no-deps", "--require-hashes", "-r", listed)
    for file in (fetched / "deploy_libs").iterdir():
        if not file.name.startswith("api-ms-"):  # Wine brings these itself
            file.replace((rig.python / "DLLs" if file.suffix == ".pyd" else rig.python) / file.name)
    shutil.rmtree(fetched)


def install_packages(folder: Path, *words: str | Path) -> None:
    platform = ["--python-platform", "windows", "--python-version", "3.11"]
    only_wheels = ["--only-binary", ":all:"]
    run("uv", "pip", "install", "--target", folder, *platform, *only_wheels, *words)


def find_library() -> Path:
    """Return the standard library of a Python 3.11 on Linux: its .py files are the same."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    of_pyenv = [str(python) for python in pyenv.glob("versions/3.11.*/bin/python")]
    code = "import os, sys; print(os.path.dirname(os.__file__), *sys.version_info[:2])"
    for name in ["python3.11", *of_pyenv, "/usr/bin/python3"]:
        python = shutil.which(name)
        if python:
            asked = [python, "-c", code]
            answer = subprocess.run(asked, check=False, capture_output=True, encoding="utf-8")
            if answer.stdout.split()[1:] == ["3", "11"]:
                return Path(answer.stdout.split()[0])
    stop("A Python 3.11 of Linux is needed, for its standard library: apt-get install python3.11")


def copy_library(rig: Rig, _: list[str]) -> None:
    ignored = shutil.ignore_patterns(
        "test", "tests", "lib-dynload", "*-packages", "config-3.11*", "__pycache__"
    )
    target = rig.python / "Lib"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(find_library(), target, ignore=ignored)
    pool = target / "concurrent" / "futures" / "process.py"  # Wine hangs on an empty message
    before, empty_message, after = pool.read_text(encoding="utf-8").partition('send_bytes(b"")')
    if not empty_message:
        stop(f"{pool} is not as expected: it sends no empty message")
    pool.write_text(f'{before}send_bytes(b"x"){after}', encoding="utf-8")


def compile_programs(rig: Rig, sources: list[str]) -> None:
    """Compile python.exe, and the two DLLs that neither the wheel nor Wine brings.

    python3.dll, which psutil loads, only forwards each name to python311.dll.
    """
    python, bcryptprimitives, git = sources
    compile_c(python, rig.python / "python.exe", "-municode", rig.python / "python311.dll")
    compile_c(git, rig.python / "git.exe", "-municode", rig.python / "python311.dll")
    system = rig.drive / "windows" / "system32"
    compile_c(bcryptprimitives, system / "bcryptprimitives.dll", "-shared", "-ladvapi32")
    table = run("x86_64-w64-mingw32-objdump", "-p", rig.python / "python311.dll")
    table = table.partition("[Ordinal/Name Pointer] Table")[2].partition("\n\n")[0]
    names = re.findall(r"\] (\w+)$", table, re.MULTILINE)
    forwards = [f"  {name} = python311.{name}" for name in names]
    lines = ["LIBRARY python3.dll", "EXPORTS", *forwards, ""]
    definition = rig.python / "python3.def"
    definition.write_text("\n".join(lines), encoding="utf-8")
    options = ["-shared", "-nostdlib", "-Wl,--entry=0"]
    run(COMPILER, *options, definition, "-o", rig.python / "python3.dll")


def compile_c(source: str, target: Path, *options: str | Path) -> None:
    file = target.with_suffix(".c")
    file.write_text(source, encoding="utf-8")
    run(COMPILER, file, *options, "-o", target)


def install_ours(rig: Rig, packages: list[str]) -> None:
    """Install packages for Windows, as a teacher and a student there would have them."""
    site = rig.python / "Lib" / "site-packages"
    shutil.rmtree(site, ignore_errors=True)
    install_packages(site, *packages)


def set_up(rig: Rig, packages: list[str]) -> None:
    """Do each step that is not done yet, or whose input has changed, and all after it."""
    steps: list[tuple[Callable[[Rig, list[str]], None], list[str]]] = [
        (install_wine, DEBIAN_PACKAGES),
        (make_drive, []),
        (fetch_dlls, [DLLS]),
        (copy_library, []),
        (compile_programs, [PYTHON_EXE, BCRYPTPRIMITIVES_DLL, GIT_EXE]),
        (install_ours, packages),
    ]
    done = rig.folder / "done"
    done.mkdir(parents=True, exist_ok=True)
    must_run = False
    for number, (step, inputs) in enumerate(steps, start=1):
        mark = done / f"{number}-{step.__name__}"
        made_from = "\n".join(inputs)
        must_run = must_run or not mark.exists() or mark.read_text(encoding="utf-8") != made_from
        if not must_run:
            continue
        mark.unlink(missing_ok=True)
        print(
            f"[{number} of {len(steps)}] {step.__name__.replace('_', ' ')} ... ", end="", flush=True
        )
        start = time.monotonic()
        step(rig, inputs)
        mark.write_text(made_from, encoding="utf-8")
        print(f"{time.monotonic() - start:.0f} s", flush=True)


# Using it.


def copy_template(rig: Rig) -> Path:
    """Copy what git tracks here to C:\\b2-starter, a repository, too; return it, on Linux."""
    source = Path(__file__).resolve().parent.parent
    target = rig.drive / "b2-starter"
    shutil.rmtree(target, ignore_errors=True)
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=source, check=True, capture_output=True
    ).stdout.decode()
    for name in filter(None, listed.split("\0")):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source / name, target / name)
    for command in (["init", "-q"], ["add", "-A"]):
        run("git", "-C", target, *command)
    return target


class Bridge(socketserver.ThreadingTCPServer):
    """Runs git on Linux for git.exe: C:\\a in its words is a path in drive_c."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        super().__init__(("127.0.0.1", 0), self.GitHandler)
        (rig.python / "git.py").write_text(GIT_PY, encoding="utf-8")
        (rig.python / "git-port").write_text(str(self.server_address[1]), encoding="utf-8")

    def to_linux(self, word: str) -> str:
        found = re.fullmatch(r"([CZcz]):[\\/](.*)", word)
        if not found:
            return word
        root = self.rig.drive if found[1] in "Cc" else Path("/")
        return str(root / found[2].replace("\\", "/"))

    class GitHandler(socketserver.StreamRequestHandler):
        server: Bridge

        def handle(self) -> None:
            folder, words, env = json.loads(self.rfile.readline())
            to_linux = self.server.to_linux
            done = subprocess.run(
                ["git", *map(to_linux, words)],
                cwd=to_linux(folder),
                env={**os.environ, **{name: to_linux(value) for name, value in env.items()}},
                check=False,
                capture_output=True,
                stdin=subprocess.DEVNULL,
            )
            answer = [done.returncode, done.stdout.decode("latin-1"), done.stderr.decode("latin-1")]
            self.wfile.write(json.dumps(answer).encode())


def run_python(rig: Rig, words: list[str], folder: Path) -> int:
    """Run python.exe in a folder, pass on what it prints, and return its exit code.

    It gets pipes, because Wine cannot describe a redirected file to it. Nobody waits for a pipe's
    end, because Wine's services, started by the first run, keep it open.
    """
    process = subprocess.Popen(
        ["wine", r"C:\py\python.exe", *words],
        cwd=folder,
        env={**rig.env, "PYTHONUTF8": "0"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,  # its children belong to its group, Wine's services do not
    )
    last_moment = time.monotonic() + LONGEST_RUN
    try:
        pass_on_output(process, last_moment)
    except (TimeoutError, KeyboardInterrupt) as error:
        os.killpg(process.pid, signal.SIGKILL)
        stop(f"ended: {error or 'Ctrl-C'}")
    return process.returncode


def pass_on_output(process: subprocess.Popen[bytes], last_moment: float) -> None:
    """Copy both pipes until the process has ended and they are silent."""
    selector = selectors.DefaultSelector()
    for pipe, stream in ((process.stdout, sys.stdout), (process.stderr, sys.stderr)):
        assert pipe
        selector.register(pipe, selectors.EVENT_READ, stream.buffer)
    while True:
        has_ended = process.poll() is not None
        ready = selector.select(0.2)
        for key, _ in ready:
            content = os.read(key.fd, 65536)
            key.data.write(content.replace(b"\r\n", b"\n"))
            key.data.flush()
            if not content:
                selector.unregister(key.fileobj)
        if has_ended and not ready:
            return
        if not has_ended and time.monotonic() > last_moment:
            raise TimeoutError(f"it took more than {LONGEST_RUN // 60} minutes")


def main() -> int:
    folder, command, *words = sys.argv[1:]
    rig = Rig(Path(folder))
    if command == "set-up":
        set_up(rig, words)
        return 0
    with Bridge(rig) as bridge:
        threading.Thread(target=bridge.serve_forever, daemon=True).start()
        code = run_python(rig, words, copy_template(rig))
        bridge.shutdown()
    return code


if __name__ == "__main__":
    raise SystemExit(main())
