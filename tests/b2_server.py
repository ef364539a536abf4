"""Lets B2Double answer over a socket on 127.0.0.1."""

from __future__ import annotations

import io
import random
import re
import select
import socket
import socketserver
import ssl
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote

from b2_answers import Seen
from b2_double import B2Double


def serve(double: B2Double, context: ssl.SSLContext | None = None) -> AbstractContextManager[int]:
    """Let the double answer on 127.0.0.1, over TLS if there is a context; yields the port."""
    return listen(double, _Handler, context)


@contextmanager
def listen(
    owner: Any, handler: type[Handler], context: ssl.SSLContext | None = None
) -> Iterator[int]:
    """Serve on 127.0.0.1; yields the port. handler: it finds owner as self.server.owner.

    At the end, connections that are still open are closed, and all threads have ended.
    """
    server = Server(owner, handler, context)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.closing.set()
        for connection in list(server.connections):
            with suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
        server.server_close()


class Server(ThreadingHTTPServer):
    daemon_threads = False  # so that server_close() waits for them
    request_queue_size = 64

    def __init__(self, owner: Any, handler: type[Handler], context: ssl.SSLContext | None):
        self.owner = owner
        self.context = context
        self.closing = threading.Event()
        self.connections: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), handler)

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)  # HTTPServer would look up the host's name
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]

    def finish_request(self, request: Any, client_address: Any) -> None:
        if self.context:
            request = self.context.wrap_socket(
                request, server_side=True, do_handshake_on_connect=False
            )
        self.connections.add(request)
        try:
            if self.closing.is_set():
                return
            if self.context:
                request.do_handshake()
            super().finish_request(request, client_address)
        finally:
            self.connections.discard(request)
            if self.context:
                request.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], OSError):  # a client may hang up, or not trust us
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """Answers the requests of one connection, until the server is closed."""

    protocol_version = "HTTP/1.1"  # keeps connections open, and answers Expect: 100-continue
    disable_nagle_algorithm = True
    server: Server

    def handle_one_request(self) -> None:
        # On Windows, what waits in recv() does not always notice that its connection is closed.
        while not self.server.closing.is_set():
            has_more = isinstance(self.connection, ssl.SSLSocket) and self.connection.pending()
            if has_more or select.select([self.connection], [], [], 0.1)[0]:
                super().handle_one_request()
                return
        self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Say nothing: what arrived is in B2Double.seen."""


class _Handler(Handler):
    def answer(self) -> None:
        answer = self.server.owner.answer(self._read())
        self.server.closing.wait(answer.after)
        if not answer.status:
            self.close_connection = True
            return
        given = {name.lower(): value for name, value in answer.headers.items()}
        no_body = self.command == "HEAD" or answer.status in (204, 304)
        if no_body and answer.status >= 400:
            given = {}  # a HEAD gets only the status of an error
        headers = {
            "date": format_datetime(self.server.owner.clock(), usegmt=True),
            "server": "nginx",
            "x-amz-request-id": f"{random.getrandbits(64):016x}",
            "content-length": "0" if no_body else str(len(answer.body)),
            **given,
        }
        if answer.status in (204, 304):
            del headers["content-length"]
        self.send_response_only(answer.status)
        for name, value in headers.items():
            if value:  # an empty one is left out
                self.send_header(name, value)
        self.end_headers()
        if not no_body and answer.drip:
            for byte in answer.body:
                if self.server.closing.wait(answer.drip):
                    return
                self.wfile.write(bytes([byte]))
        elif not no_body:
            self.wfile.write(answer.body)
            self.close_connection |= int(headers["content-length"]) != len(answer.body)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = answer  # noqa: N815
    do_CONNECT = answer  # noqa: N815  # for a proxy: a fault may refuse it

    def _read(self) -> Seen:
        headers = {name.lower(): ", ".join(self.headers.get_all(name, [])) for name in self.headers}
        trailers: dict[str, str] = {}
        if "chunked" in headers.get("transfer-encoding", ""):
            body, _ = _dechunk(self.rfile)
        else:
            body = self.rfile.read(int(headers.get("content-length", 0)))
        if headers.get("x-amz-content-sha256") == "STREAMING-UNSIGNED-PAYLOAD-TRAILER":
            body, trailers = _dechunk(io.BytesIO(body))
        path, _, query = self.path.partition("?")
        inside = path[1:]
        if in_host := re.match(r"(.+)\.s3\.[a-z0-9-]+\.backblazeb2\.com", headers.get("host", "")):
            inside = f"{in_host[1]}/{inside}"  # the bucket may come before the host's name
        bucket, _, key = inside.partition("/")
        return Seen(
            self.command,
            path,
            dict(parse_qsl(query, keep_blank_values=True)),
            {**trailers, **headers},
            unquote(bucket),
            unquote(key),
            body,
        )


def _dechunk(file: Any) -> tuple[bytes, dict[str, str]]:
    """Return the content of a chunked body (HTTP's own or S3's) and the headers after it."""
    content, trailers = bytearray(), {}
    while size := int(file.readline().split(b";")[0] or b"0", 16):
        content += file.read(size)
        file.readline()
    while line := file.readline().strip():
        name, _, value = line.decode("latin-1").partition(":")
        trailers[name.lower()] = value.strip()
    return bytes(content), trailers
