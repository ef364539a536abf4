"""A student's folder with a .env, and the server that it leads to: for check_setup.py."""

from __future__ import annotations

import os
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import b2_causes
import b2_errors
import b2_settings
import check_setup
import pytest
import trustme
from b2_double import B2Double, Key
from b2_server import serve
from conftest import APPLICATION_KEY, KEY_ID

SLOWER = 4 if os.name == "nt" else 1  # Wine, on a computer that is busy
BUCKET = "ada-photos"
HOST = "s3.us-east-005.backblazeb2.com"
GOOD = {
    "B2_APPLICATION_KEY_ID": KEY_ID,
    "B2_APPLICATION_KEY": APPLICATION_KEY,
    "B2_BUCKET_NAME": BUCKET,
    "B2_ENDPOINT": HOST,
}
UNKNOWN_ID = "005" + "ffffffffffff" + "0000000009"
EU_ID = "003" + "0a1b2c3d4e5f" + "0000000001"


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """A certificate authority that this test trusts, and its certificate for B2's hosts."""
    return trustme.CA()


@dataclass
class Scene:
    """A student's folder, the server it leads to, and what is found out about it."""

    folder: Path
    double: B2Double
    patch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]
    ports: dict[str, int] = field(default_factory=dict)  # host -> port on 127.0.0.1
    printed: str = ""
    servers: list[B2Double] = field(default_factory=list)
    open: ExitStack = field(default_factory=ExitStack)  # closed at the end of the test

    def local(self, double: B2Double) -> int:
        """Start another server, over http; return its port."""
        self.servers.append(double)
        return self.open.enter_context(serve(double))

    def proxy(self) -> int:
        """Start a proxy that connects to whatever it is asked for; return its port."""
        return self.open.enter_context(proxy(self.ports))

    def env(self, **values: str) -> None:
        """Write .env as it should be, except for these values."""
        lines = {**GOOD, **{f"B2_{name}": value for name, value in values.items()}}
        self.file(".env", "".join(f"{name}={value}\n" for name, value in lines.items()))

    def file(self, name: str, content: str | bytes) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def remove(self, name: str) -> None:
        (self.folder / name).unlink()

    def key(self, **changes: Any) -> None:
        """Change what B2 knows about the key in .env, such as what it may do."""
        self.double.keys = {KEY_ID: replace(Key(KEY_ID, APPLICATION_KEY), **changes)}

    def check(self) -> int:
        """Run check_setup.py; return its exit code."""
        self.capsys.readouterr()
        code = check_setup.main()
        self.printed = self.capsys.readouterr().out
        return code

    def problems(self) -> list[str]:
        return re.findall(r"\[([a-z0-9-]+)\]", self.printed)


@pytest.fixture
def scene(
    tmp_path: Path,
    no_b2_variables: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    authority: trustme.CA,
) -> Iterator[Scene]:
    folder = tmp_path / "project"
    folder.mkdir()
    double = B2Double(buckets=[BUCKET, "other-bucket"])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(
        "s3.us-east-005.backblazeb2.com",
        "*.s3.us-east-005.backblazeb2.com",
        "s3.eu-central-003.backblazeb2.com",
    ).configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    with serve(double, context) as port:
        made = Scene(folder, double, monkeypatch, capsys, {HOST: port, b2_errors.BACKBLAZE: port})
        made.env()
        monkeypatch.setattr(b2_settings, "HERE", folder)
        monkeypatch.setattr(b2_causes, "HERE", str(folder))
        monkeypatch.setitem(check_setup.QUICK, "connect_timeout", SLOWER)
        monkeypatch.setitem(check_setup.QUICK, "read_timeout", 0.5 * SLOWER)
        monkeypatch.setattr(check_setup, "LONGEST", 1.2 * SLOWER)
        monkeypatch.setattr(check_setup.time, "sleep", lambda seconds: None)
        monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "authority.pem"))
        for name in (
            "HTTPS_PROXY",
            "https_proxy",
            "HTTP_PROXY",
            "http_proxy",
            "NO_PROXY",
            "REQUESTS_CA_BUNDLE",
        ):
            monkeypatch.delenv(name, raising=False)

        def look_up(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
            name = host.decode() if isinstance(host, bytes) else host
            if name in made.ports:
                return real_look_up("127.0.0.1", made.ports[name], *rest, **more)
            if name in ("127.0.0.1", "localhost"):
                return real_look_up(host, port, *rest, **more)
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        real_look_up = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        with made.open:
            yield made


@contextmanager
def proxy(ports: dict[str, int]) -> Iterator[int]:
    """A proxy on 127.0.0.1 that knows CONNECT (RFC 9110, 9.3.6), for one connection after another.

    ports: where the hosts really are. Yields the port of the proxy.
    """
    listening = socket.create_server(("127.0.0.1", 0))

    def pump(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def serve_all() -> None:
        with suppress(OSError):
            while True:
                client, _ = listening.accept()
                host = client.recv(4096).split()[1].decode().partition(":")[0]
                server = socket.create_connection(("127.0.0.1", ports[host]))
                client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                pipes = [
                    threading.Thread(target=pump, args=pair, daemon=True)
                    for pair in ((client, server), (server, client))
                ]
                for pipe in pipes:
                    pipe.start()
                sockets.extend((client, server))

    sockets: list[socket.socket] = []
    thread = threading.Thread(target=serve_all, daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        for end in sockets:
            end.close()
