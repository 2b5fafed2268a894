"""A reverse proxy before a CalDAV server: asks for the password, and does harm.

Faults strike the next requests, in the order in which they were set. It runs in
threads, so that a test's event loop may ask it and disturb it at once.
"""

import re
import socket
from base64 import b64decode
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import BoundedSemaphore, Event, Lock, Thread
from urllib.parse import unquote

from typing_extensions import override

from universal_calendar.clock import utc_now

_HOP = {"connection", "transfer-encoding", "content-length", "host", "keep-alive"}
_ALL = re.compile(rb"<(\w+:)?all ?/>")


@dataclass(frozen=True)
class Heard:
    """A request that came, before any fault."""

    method: str
    path: str
    headers: dict[str, str]
    content: bytes


@dataclass(frozen=True)
class Answer:
    status: int
    headers: list[tuple[str, str]]
    content: bytes


@dataclass(frozen=True)
class Fault:
    """What happens to a request; `seconds` is how late, or Retry-After."""

    kind: str
    seconds: float = 0
    status: int = 500
    as_date: bool = False


@dataclass
class Proxy:
    """Stands before the server on `backend`; `passwords` has who may ask."""

    backend: int
    passwords: dict[str, str]
    read_only: str | None = None
    """A path below which nothing can be written, where the server knows none."""
    answers: Callable[[Heard], Answer | None] = lambda _heard: None
    """What is answered in the server's place."""
    translates: Callable[[Answer], Answer] = lambda answer: answer
    heard: list[Heard] = field(default_factory=list)
    faults: deque[Fault] = field(default_factory=deque)
    forgets: int = 0
    """How many sync tokens still are to be none that the server knows."""
    is_over: Event = field(default_factory=Event)
    lock: Lock = field(default_factory=Lock)
    port: int = 0
    few: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(4))
    """Radicale resets connections while more than five wait for it."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def next_fault(self) -> Fault | None:
        with self.lock:
            return self.faults.popleft() if self.faults else None

    def content(self, heard: Heard) -> bytes:
        """Return what is sent on of the request's body."""
        if self.forgets and b"sync-collection" in heard.content:
            self.forgets -= 1
            unknown = rb"\g<1>" + b"0" * 40 + b"<"
            return re.sub(rb"(sync-token>)[^<]+<", unknown, heard.content)
        return heard.content


class _Handler(BaseHTTPRequestHandler):
    proxy: Proxy
    protocol_version = "HTTP/1.1"
    timeout = 30

    @override
    def log_message(self, *_arguments: object) -> None:
        pass

    def _serve(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        content = self.rfile.read(length)
        headers = {name.lower(): value for name, value in self.headers.items()}
        heard = Heard(self.command, self.path, headers, content)
        self.proxy.heard.append(heard)
        with suppress(ConnectionError, OSError, HTTPException):
            if self._passes(heard, self.proxy.next_fault()):
                return
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    do_GET = do_PUT = do_DELETE = do_OPTIONS = do_PROPFIND = _serve  # noqa: N815 - names that http.server calls
    do_REPORT = do_PROPPATCH = do_MKCALENDAR = do_HEAD = do_POST = _serve  # noqa: N815 - as above

    def _passes(self, heard: Heard, fault: Fault | None) -> bool:
        """Answer the request; tell whether its connection is to stay."""
        kind = "" if fault is None else fault.kind
        if kind == "hang":
            self.proxy.is_over.wait(60)
        if kind in {"hang", "drop"}:
            return False
        if fault is not None and kind in {"failure", "throttle"}:
            self._answer(_throttled(fault) if kind == "throttle" else _failed(fault))
            return True
        if (
            fault is not None
            and kind == "latency"
            and (self.proxy.is_over.wait(fault.seconds))
        ):
            return False
        answer = self._result(heard)
        if kind == "lost_answer":
            return False
        self._answer(answer)
        return True

    def _result(self, heard: Heard) -> Answer:
        user = self._user(heard)
        if user is None:
            return Answer(401, [("WWW-Authenticate", 'Basic realm="x"')], b"")
        own = self.proxy.answers(heard)
        if own is not None:
            return own
        below = self.proxy.read_only
        if below and heard.path.startswith(below) and heard.method in {"PUT", "DELETE"}:
            return Answer(403, [], b"")
        with self.proxy.few:
            answer = self._forward(heard, user)
        return self.proxy.translates(self._only_read(answer))

    def _user(self, heard: Heard) -> str | None:
        scheme, _, pair = heard.headers.get("authorization", "").partition(" ")
        if scheme != "Basic":
            return None
        user, _, password = b64decode(pair).decode().partition(":")
        return user if self.proxy.passwords.get(user) == password else None

    def _forward(self, heard: Heard, user: str) -> Answer:
        connection = HTTPConnection("127.0.0.1", self.proxy.backend, timeout=30)
        kept = {
            name: value
            for name, value in heard.headers.items()
            if name not in _HOP | {"authorization", "x-remote-user"}
        }
        try:
            content = self.proxy.content(heard)
            headers = {**kept, "x-remote-user": user, "host": heard.headers["host"]}
            connection.request(heard.method, heard.path, content, headers)
            answer = connection.getresponse()
            return Answer(answer.status, answer.getheaders(), answer.read())
        finally:
            connection.close()

    def _only_read(self, answer: Answer) -> Answer:
        """Take the right to write from what is said of the read-only calendar."""
        below = self.proxy.read_only
        if below is None or b"current-user-privilege-set" not in answer.content:
            return answer
        parts = re.split(rb"(?<=response>)", answer.content)
        named = unquote(below).encode()
        told = [
            _ALL.sub(rb"<\1read/>", part) if named in part else part for part in parts
        ]
        return Answer(answer.status, answer.headers, b"".join(told))

    def _answer(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers:
            if name.lower() not in _HOP | {"server", "date"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)


def _failed(fault: Fault) -> Answer:
    return Answer(fault.status, [], b"")


def _throttled(fault: Fault) -> Answer:
    later = str(int(fault.seconds))
    if fault.as_date:
        later = format_datetime(utc_now() + timedelta(seconds=fault.seconds), True)
    return Answer(429, [("Retry-After", later)], b"")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 100

    @override
    def handle_error(self, request: object, client_address: object) -> None:
        pass  # connections that break are what it is for


@contextmanager
def running_proxy(proxy: Proxy) -> Iterator[Proxy]:
    """Listen on a loopback port for a block."""
    handler = type("Handler", (_Handler,), {"proxy": proxy})
    server = _Server(("127.0.0.1", 0), handler)
    proxy.port = server.server_address[1]
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.is_over.set()
        server.shutdown()
        server.server_close()
        thread.join()
