"""A faulty network, on 127.0.0.1, between boto3 and a real S3 server.

network = FaultyNetwork("http://127.0.0.1:9000", faults)
with network.listen() as endpoint:
    ...  # boto3 with endpoint_url=endpoint; network.counts says what happened
"""

from __future__ import annotations

import gzip
import http.client
import os
import random
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from b2_answers import error
from b2_server import Handler, listen

FAULTS = {
    "cut in the request": "half of what is sent arrives, then the connection is gone",
    "cut before the answer": "the server has done it, but its answer never comes",
    "cut in the answer": "a part of the answer comes, then the connection is gone",
    "500": "InternalError, without asking the server",
    "503": "SlowDown, without asking the server",
    "slow": "the answer comes in small pieces",
    "silent": "the server has done it; nothing comes until boto3 gives up",
    "page": "a log-in page that is XML, too, with status 200, without asking the server",
    "page with an ETag": "a page as a web server keeps it, without asking the server",
    "empty": "status 200 and nothing else, without asking the server",
    "cut without a length": "half of an answer that does not say how long it is",
    "altered": "one bit of an object is changed",
    "compressed": "an object comes compressed, although it was not stored like that",
}
SAYS = {"500": "server error", "503": "slow down"}  # B2's own words
HTML = {"Content-Type": "text/html; charset=utf-8"}
PAGES = {
    "page": ({**HTML, "Cache-Control": "no-store"}, b"<html><p>Please log in.</p></html>"),
    # nginx makes its ETags from a file's time and size (ngx_http_set_etag).
    "page with an ETag": ({**HTML, "ETag": '"5f3c9a1b-264"'}, b"<!doctype html><p>Log in.<br>"),
    "empty": ({}, b""),
}
PAUSE = 0.1  # seconds between the pieces of a slow answer


@dataclass(frozen=True)
class Request:
    """What boto3 asks; path and query as they were sent."""

    method: str
    path: str
    query: str


@dataclass
class FaultyNetwork:
    """Passes requests on to a server, each with the fault that faults() gives it, or with none.

    upstream: the server's endpoint, http://HOST:PORT. faults: gets each request, in the order
    of arrival, and returns a key of FAULTS or None. counts: how often each fault happened.
    cut_at: after how many bytes "cut in the answer" cuts; None: halfway, or before the last byte.
    """

    upstream: str
    faults: Callable[[Request], str | None]
    cut_at: int | None = None
    counts: Counter[str] = field(default_factory=Counter)
    random: random.Random = field(default_factory=lambda: random.Random(7))
    one_at_a_time: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def listen(self) -> Iterator[str]:
        """Listen on 127.0.0.1; yields the endpoint."""
        with listen(self, _Passing) as port:
            yield f"http://127.0.0.1:{port}"

    def next_fault(self, request: Request) -> str | None:
        with self.one_at_a_time:
            fault = self.faults(request)
            if fault:
                self.counts[fault] += 1
            return fault

    def some_of(self, answer: bytes) -> bytes:
        with self.one_at_a_time:
            return answer[: self.cut_at or self.random.choice([len(answer) // 2, -1])]

    def altered(self, content: bytes) -> bytes:
        with self.one_at_a_time:
            place, bit = self.random.randrange(len(content) or 1), self.random.randrange(8)
        return content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1 :]


class _Passing(Handler):
    def pass_on(self) -> None:
        network: FaultyNetwork = self.server.owner
        path, _, query = self.path.partition("?")
        fault = network.next_fault(Request(self.command, path, query))
        length = int(self.headers.get("content-length", 0))
        if fault == "cut in the request":
            self.rfile.read(length // 2)
            self.hang_up()
            return
        body = self.rfile.read(length)
        if fault in SAYS:
            self.connection.sendall(self.refusal(SAYS[fault]))
        elif fault in PAGES:
            headers, page = PAGES[fault]
            page = b"" if self.command == "HEAD" else page
            self.connection.sendall(head(200, {**headers, "Content-Length": str(len(page))}) + page)
        else:
            self.answer_with(fault, *self.ask_server(body))

    def answer_with(
        self, fault: str | None, status: int, headers: dict[str, str], content: bytes
    ) -> None:
        """Send the server's answer, with a fault."""
        network: FaultyNetwork = self.server.owner
        is_object = self.command == "GET" and "etag" in headers
        if fault == "altered" and is_object:
            content = network.altered(content)
        elif fault == "compressed" and is_object:
            content = gzip.compress(content)
            headers = {**headers, "content-encoding": "gzip", "content-length": str(len(content))}
        elif fault == "cut without a length":
            headers = {name: headers[name] for name in headers if name != "content-length"}
            headers["connection"] = "close"
            content = content[: len(content) // 2]
            self.close_connection = True
        self.send(fault, head(status, headers) + content)

    def send(self, fault: str | None, answer: bytes) -> None:
        if fault == "cut before the answer":
            self.hang_up()
        elif fault == "cut in the answer":
            self.connection.sendall(self.server.owner.some_of(answer))
            self.close_connection = True
        elif fault == "silent":
            self.server.closing.wait(30)
            self.close_connection = True
        elif fault == "slow":
            step = len(answer) // 5 + 1
            for start in range(0, len(answer), step):
                self.connection.sendall(answer[start : start + step])
                self.server.closing.wait(PAUSE)
        else:
            self.connection.sendall(answer)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = pass_on  # noqa: N815

    def hang_up(self) -> None:
        """Let the connection end with a reset, as when a router forgets it (SO_LINGER of 0)."""
        on_for_no_time = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, on_for_no_time)
        self.connection.close()
        self.close_connection = True

    def refusal(self, row: str) -> bytes:
        answer = error(row)
        body = b"" if self.command == "HEAD" else answer.body
        return head(answer.status, {**answer.headers, "Content-Length": str(len(body))}) + body

    def ask_server(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        """Return the status, the headers and the content of the server's answer."""
        server = http.client.HTTPConnection(self.server.owner.upstream.partition("//")[2])
        server.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():  # Host, too: it is signed
            if name.lower() != "expect":
                server.putheader(name, value)
        server.endheaders(body)
        answer = server.getresponse()
        content = answer.read()
        server.close()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        headers.pop("connection", None)
        if headers.pop("transfer-encoding", None):
            headers["content-length"] = str(len(content))
        return answer.status, headers, content


def head(status: int, headers: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} {http.client.responses.get(status, '')}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
