"""HTTP on a loopback port that can die, rise again, and break off in the middle."""

import json
import select
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from typing_extensions import override

from tests.harness.machines.resting import is_resting

Json = dict[str, Any]


class BreakOff(Exception):
    """The connection is to end without another byte."""


@dataclass
class Ask:
    """A request, and the connection that it came by; header names in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    content: bytes
    connection: socket.socket

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @property
    def body(self) -> Json:
        return dict(json.loads(self.content))

    def asker_is_gone(self, seconds: float | None) -> bool:
        """Wait so long for whoever asked to hang up; tell whether it did."""
        try:
            ready, _, _ = select.select([self.connection], [], [], seconds)
        except (OSError, ValueError):
            return True
        return bool(ready)


@dataclass
class Answer:
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes = b""

    @classmethod
    def of(cls, status: int, body: Json, **headers: str) -> "Answer":
        kind = {"content-type": "application/json"}
        return cls(status, kind | headers, json.dumps(body).encode())


Handle = Callable[[Ask], Answer]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, port: int, handle: Handle, faults: list[str]) -> None:
        self.handle, self.errors = handle, faults
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), _Handler)

    @override
    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._open.add(connection)
        return connection, address

    @override
    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    @override
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Pass over connections that ended: tests end them on purpose."""

    def is_resting(self) -> bool:
        open_ones = [each.fileno() for each in list(self._open)]
        return is_resting([self.fileno(), *(each for each in open_ones if each >= 0)])

    def break_all(self) -> None:
        for each in list(self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _serve(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        headers = {name.lower(): value for name, value in self.headers.items()}
        content = self.rfile.read(length)
        if len(content) < length:
            self._hang_up()  # it broke off in the middle
            return
        ask = Ask(self.command, self.path, headers, content, self.connection)
        try:
            answer = self.server.handle(ask)
        except BreakOff:
            self._hang_up()
        except Exception as error:
            self.server.errors.append(f"{self.command} {self.path}: {error!r}")
            self._hang_up()
            raise
        else:
            self._write(answer)  # to whoever is still there: see handle_error

    # The library's names.
    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815

    def _write(self, answer: Answer) -> None:
        self.send_response_only(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status != 204:
            self.send_header("content-length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    def _hang_up(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)


class Loopback:
    """A server that keeps its port; `errors` are what it did not mean to happen."""

    def __init__(self, handle: Handle) -> None:
        self.errors: list[str] = []
        self._handle, self._port = handle, 0
        self.rise()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def rise(self) -> None:
        """Listen, on the port that it had."""
        self._server = _Server(self._port, self._handle, self.errors)
        self._port = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}
        )
        self._thread.start()

    def is_resting(self) -> bool:
        """Tell whether it is done with all that was sent, and with who is gone."""
        return self._server.is_resting()

    def die(self) -> None:
        """Break every connection and listen no more."""
        self._server.shutdown()
        self._thread.join()
        self._server.break_all()
        self._server.server_close()
