"""A program's failure is explained wherever a student works: notebooks, editors, frameworks.

Each row is a real process, kernel or server, with the program of a student who practises.
`nox -s places` installs what is needed.
"""

from __future__ import annotations

import os
import queue
import re
import signal
import socket
import subprocess
import sys
import textwrap
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Project, clean_environment, copy_given_files
from practising import ENV

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

START = "import check_setup\nfrom b2_client import get_bucket\n"
HALF = ENV.replace("B2_APPLICATION_KEY=\n", "B2_APPLICATION_KEY=K005" + "x" * 27 + "\n")
MISTAKES = {  # the problem: the line that leads to it, and .env
    "value-missing": ("get_bucket()", HALF),
    "call-misspelt": ("get_bucket().put_object(Kee='a.txt', Body=b'a')", ENV),
    "no-such-object": ("get_bucket().Object('missing.txt').get()", ENV),
    "brackets-not-empty": ("get_bucket('photos')", ENV),
    "brackets-missing": ("get_bucket.objects", ENV),
    "object-name-impossible": ("get_bucket().put_object(Key='a\\nb', Body=b'a')", ENV),
}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return copy_given_files(tmp_path / "project")


def run(project: Project, *words: str, text: str = "", folder: Path | None = None) -> str:
    """Run a program until it ends; return what it printed."""
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder or project.path,
        env=clean_environment(),
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        timeout=60,
        check=False,
    )
    return done.stdout


# The places. Each takes a project and a line that fails, and returns what is on the screen.


def in_a_terminal(project: Project, line: str) -> str:
    project.write("main.py", START + line + "\n")
    return run(project, "main.py")


def in_the_debugger_of_vs_code(project: Project, line: str) -> str:
    """F5 in VS Code starts debugpy, which runs the program; here, no editor is connected to it."""
    project.write("main.py", START + line + "\n")
    return run(project, "-m", "debugpy", "--listen", "127.0.0.1:0", "main.py")


def from_another_folder(project: Project, line: str) -> str:
    project.write("main.py", START + line + "\n")
    return run(project, str(project.path / "main.py"), folder=project.path.parent)


def at_pythons_prompt(project: Project, line: str) -> str:
    project.write("main.py", START)
    return run(project, "-i", "-q", "main.py", text=line + "\n")


def by_exec(project: Project, line: str) -> str:
    project.write("main.py", START + line + "\n")
    return run(project, "-c", "exec(open('main.py', encoding='utf-8').read())")


def in_a_thread(project: Project, line: str) -> str:
    text = f"import threading\nthreading.Thread(target=lambda: {line}).start()\n"
    project.write("main.py", START + text)
    return run(project, "main.py")


def in_a_pool(project: Project, line: str) -> str:
    text = f"""
        from concurrent.futures import ThreadPoolExecutor
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda number: {line}, range(3)))
    """
    project.write("main.py", START + textwrap.dedent(text))
    return run(project, "main.py")


def in_asyncio(project: Project, line: str) -> str:
    text = f"""
        import asyncio
        async def work():
            {line}
        async def main():
            task = asyncio.create_task(work())
            await asyncio.sleep(0.1)
        asyncio.run(main())
    """
    project.write("main.py", START + textwrap.dedent(text))
    return run(project, "main.py")


def in_a_window(project: Project, line: str) -> str:
    """What tkinter calls when the function of a button fails; no screen is needed for that."""
    text = f"""
        import sys, tkinter
        b = None
        try:
            get_bucket()
        except Exception:
            pass
        try:
            {line}
        except Exception:
            tkinter.Tk.report_callback_exception(None, *sys.exc_info())
    """
    pytest.importorskip("tkinter", reason="this Python has no tkinter")
    project.write("main.py", START + textwrap.dedent(text))
    return run(project, "main.py")


def in_idle(project: Project, line: str) -> str:
    """Run as IDLE's second process does; the window, and the socket to it, are left out."""
    pytest.importorskip("tkinter", reason="this Python has no tkinter, so no IDLE")
    project.write("main.py", START + line + "\n")
    text = """
        import sys
        from idlelib import run
        class Console:
            def getvar(self, name):
                return False
        class Handler:
            console = interp = Console()
        executive = run.Executive.__new__(run.Executive)
        executive.rpchandler, executive.locals = Handler(), {"__name__": "__main__"}
        executive.user_exc_info = None
        sys.path.insert(0, "")
        with open("main.py", encoding="utf-8") as file:
            executive.runcode(compile(file.read(), "main.py", "exec"))
    """
    return run(project, "-c", textwrap.dedent(text))


def in_thonny(project: Project, line: str) -> str:
    """Run as Thonny's second process does; what it sends to the window is taken apart."""
    from thonny.common import EOFCommand, ToplevelCommand, serialize_message

    project.write("main.py", START + line + "\n")
    command = ToplevelCommand("Run", args=["main.py"], argv=["main.py"], id=1)
    options = {"run.clear_memory": False}
    import thonny.plugins.cpython_backend as backend

    launcher = Path(next(iter(backend.__path__)), "cp_launcher.py")
    sent = run(
        project,
        str(launcher),
        str(project.path),
        repr(options),
        text="".join(f"{serialize_message(one)}\n" for one in (command, EOFCommand())),
    )
    answer = sent[sent.index("user_exception") :]
    items = re.search(r"'items': \[(.*?)\], 'filename'", answer)
    assert items, answer
    lines = re.findall(r"\(['\"](.*?)['\"], ", items[1])
    return "".join(lines).replace("\\n", "\n")


def with_ipython(project: Project, line: str) -> str:
    project.write("main.py", START + line + "\n")
    return run(project, "-m", "IPython", "--no-banner", "--simple-prompt", "main.py")


def in_a_notebook(project: Project, line: str) -> str:
    return ask_kernel(project, ["ipykernel_launcher"], START + line)


def in_spyder(project: Project, line: str) -> str:
    project.write("main.py", START + line + "\n")
    return ask_kernel(project, ["spyder_kernels.console"], "%runfile main.py")


def ask_kernel(project: Project, module: list[str], code: str) -> str:
    """Run code in a Jupyter kernel; return what a notebook shows of it."""
    from jupyter_client.manager import KernelManager

    manager = KernelManager()
    manager.kernel_spec.argv = [sys.executable, "-m", *module, "-f", "{connection_file}"]
    manager.start_kernel(cwd=str(project.path), env=clean_environment())
    client = manager.client()
    try:
        client.start_channels()
        client.wait_for_ready(timeout=60)
        client.execute(code)
        return read_outputs(client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def read_outputs(client: object) -> str:
    shown = []
    while True:
        try:
            message = client.get_iopub_msg(timeout=30)  # type: ignore[attr-defined]
        except queue.Empty:
            return "nothing came"
        content = message["content"]
        if message["msg_type"] == "stream":
            shown.append(content["text"])
        elif message["msg_type"] == "error":
            shown.append("\n".join(content["traceback"]) + "\n")
        elif message["msg_type"] == "execute_result":
            shown.append(f"Out: {content['data']['text/plain']}\n")
        elif message["msg_type"] == "status" and content["execution_state"] == "idle" and shown:
            return "".join(shown)


def in_flask(project: Project, line: str) -> str:
    text = f"""
        from flask import Flask
        app = Flask(__name__)
        @app.route("/")
        def page():
            {line}
        app.run(port=PORT)
    """
    return ask_server(project, text)


def in_flask_with_debug(project: Project, line: str) -> str:
    if "get_bucket" in line and "get_bucket()" not in line:
        pytest.skip("Flask's debugger starts after our imports, and no call of ours came since")
    text = f"""
        from flask import Flask
        app = Flask(__name__)
        @app.route("/")
        def page():
            {line}
        app.run(port=PORT, debug=True, use_reloader=False)
    """
    return ask_server(project, text)


def in_streamlit_itself(project: Project, line: str) -> str:
    """Without any line of ours around the program; what it shows, and what it logs."""
    project.write("main.py", START + line + "\n")
    page = """
        from streamlit.testing.v1 import AppTest
        app = AppTest.from_file("main.py", default_timeout=30).run()
        print("\\n".join(shown.value for shown in [*app.code, *app.exception]))
    """
    screen = run(project, "-c", textwrap.dedent(page))
    if "PROBLEM" in screen:
        assert screen.count("PROBLEM") == 2, "once in the terminal, and once on the page"
        assert "Traceback" not in screen
        screen = screen[screen.rindex("PROBLEM") :]
    return screen


def in_a_process(project: Project, line: str) -> str:
    text = f"""
        import multiprocessing
        def work():
            {line}
        if __name__ == "__main__":
            multiprocessing.Process(target=work).start()
    """
    project.write("main.py", START + textwrap.dedent(text))
    return run(project, "main.py")


def on_a_page_of_flask(project: Project, line: str) -> str:
    """In Flask's debug mode, with the lines of README.md: no log is asked then."""
    text = f"""
        import traceback
        from flask import Flask
        from werkzeug.exceptions import HTTPException
        app = Flask(__name__)
        @app.errorhandler(Exception)
        def show(error):
            if isinstance(error, HTTPException):
                return error
            text = check_setup.explain(error) or traceback.format_exc()
            return text, 500, {{"Content-Type": "text/plain; charset=utf-8"}}
        @app.route("/")
        def page():
            {line}
        app.debug = True
        print(app.test_client().get("/missing").status)
        print(app.test_client().get("/").text)
    """
    project.write("main.py", START + textwrap.dedent(text))
    screen = run(project, "main.py")
    assert "404 NOT FOUND" in screen
    return screen


def in_fastapi(project: Project, line: str) -> str:
    text = f"""
        import uvicorn
        from fastapi import FastAPI
        app = FastAPI()
        @app.get("/")
        def page():
            {line}
        uvicorn.run(app, port=PORT, log_level="error")
    """
    return ask_server(project, text)


def ask_server(project: Project, text: str) -> str:
    """Start a server, open its page, and return what it printed in the terminal."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = START + textwrap.dedent(text).replace("PORT", str(port))
    project.write("main.py", program)
    log = project.path / "log.txt"
    with log.open("wb") as out:
        server = subprocess.Popen(
            [sys.executable, "main.py"],
            cwd=project.path,
            env=clean_environment(),
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        status = open_page(f"http://127.0.0.1:{port}/", server)
        time.sleep(0.5)  # Flask's debugger writes into the terminal after the page is sent
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=20)
    assert status == 500
    shown = log.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    return "".join(line for line in shown if "GET / HTTP" not in line)  # of every page


def open_page(address: str, server: subprocess.Popen[bytes]) -> int:
    for _ in range(200):
        try:
            return urllib.request.urlopen(address, timeout=20).status
        except urllib.error.HTTPError as error:
            error.close()
            return error.code
        except OSError:  # it has not started yet
            assert server.poll() is None
            time.sleep(0.1)
    raise TimeoutError(address)


def in_streamlit(project: Project, line: str) -> str:
    """A page with the lines of README.md around the program."""
    text = f"""
        import streamlit as st
        try:
            {line}
        except Exception as error:
            text = check_setup.explain(error)
            if not text:
                raise
            st.code(text)
    """
    project.write("main.py", START + textwrap.dedent(text))
    page = """
        from streamlit.testing.v1 import AppTest
        app = AppTest.from_file("main.py", default_timeout=30).run()
        print("\\n".join(shown.value for shown in [*app.code, *app.exception]))
    """
    return run(project, "-c", textwrap.dedent(page))


PLACES: list[Callable[[Project, str], str]] = [
    in_a_terminal,
    in_the_debugger_of_vs_code,
    from_another_folder,
    at_pythons_prompt,
    by_exec,
    in_a_thread,
    in_a_pool,
    in_asyncio,
    in_a_window,
    in_idle,
    in_thonny,
    with_ipython,
    in_a_notebook,
    in_spyder,
    in_flask,
    in_flask_with_debug,
    in_a_process,
    in_streamlit_itself,
    on_a_page_of_flask,
    in_fastapi,
    in_streamlit,
]


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("place", PLACES)
def test_a_mistake_is_explained(
    project: Project, place: Callable[[Project, str], str], mistake: str
):
    line, env = MISTAKES[mistake]
    project.write(".env", env)

    screen = place(project, line)

    assert "Traceback" not in screen, screen
    assert re.findall(r"PROBLEM \[([a-z0-9-]+)\]", screen) == [mistake], screen
    advice = screen[screen.index("PROBLEM") :].strip().splitlines()
    assert len([line for line in advice if line.strip()]) <= 8, screen


@pytest.mark.parametrize("place", PLACES)
def test_a_mistake_of_another_kind_is_left_to_python(
    project: Project, place: Callable[[Project, str], str]
):
    project.write(".env", ENV)
    assert "ZeroDivisionError" in place(project, "1 / 0")


def test_a_check_in_a_notebook_leaves_no_number(project: Project):
    project.write(".env", ENV)
    shown = ask_kernel(project, ["ipykernel_launcher"], "import check_setup\ncheck_setup.main()")

    assert "Practice works." in shown
    assert "Out:" not in shown


def test_cells_of_a_notebook_are_named(project: Project):
    project.write(".env", ENV)
    shown = in_a_notebook(project, "bucket = get_bucket()\nbucket.put_object(Kee='a')")

    assert "a cell, line 4: bucket.put_object(Kee='a')" in shown, shown
    assert os.sep + "ipykernel" not in shown
