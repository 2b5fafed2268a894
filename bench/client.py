"""The load: requests on kept connections, at the least cost to the machine.

Server, database and load share the processors, so whatever the load costs flattens
every ratio. This one writes prepared bytes to raw sockets, reads what it must of the
answer, and costs the same whoever answers.
"""

import selectors
import socket
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

_RECEIVE_BYTES: Final = 1 << 18
_PATIENCE_SECONDS: Final = 30.0
_IDLE_SECONDS: Final = 2.0
"""Longer unused than this, connections are opened anew: servers close idle ones."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One answer: its status, its body, and the time from the first byte sent."""

    status: int
    body: bytes
    nanoseconds: int

    @property
    def milliseconds(self) -> float:
        """Return how long the answer took."""
        return self.nanoseconds / 1e6


class UnexpectedAnswer(RuntimeError):
    """A server did not answer as it must; nothing measured on it would count."""


class _Connection:
    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), _PATIENCE_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.number = 0
        self._began = 0
        self._received = bytearray()
        self._whole = 0

    def send(self, number: int, request: bytes) -> None:
        self.number, self._whole = number, 0
        self._received.clear()
        self._began = time.perf_counter_ns()
        self.socket.sendall(request)

    def receive(self) -> Exchange | None:
        chunk = self.socket.recv(_RECEIVE_BYTES)
        if not chunk:
            raise UnexpectedAnswer("the server closed the connection")
        self._received += chunk
        if not self._whole:
            self._whole = _length_of_answer(self._received)
        if not self._whole or len(self._received) < self._whole:
            return None
        taken = time.perf_counter_ns() - self._began
        status = int(self._received[9:12])
        head = self._received.index(b"\r\n\r\n")
        return Exchange(status, bytes(self._received[head + 4 :]), taken)


def _length_of_answer(received: bytearray) -> int:
    head = received.find(b"\r\n\r\n")
    if head < 0:
        return 0
    fields = received[:head].lower()
    found = fields.index(b"\r\ncontent-length:") + len(b"\r\ncontent-length:")
    length = fields[found:].split(b"\r\n", 1)[0]
    return head + 4 + int(length)


class Client:
    """So many connections to one server, each with one request at a time."""

    def __init__(self, port: int, connections: int = 1) -> None:
        """Connect."""
        self._port, self._count = port, connections
        self._selector = selectors.DefaultSelector()
        self._connections: list[_Connection] = []
        self._used = 0.0
        self.open()

    def open(self) -> None:
        """Open all connections, anew if they are open."""
        self.close()
        self._selector = selectors.DefaultSelector()
        for _ in range(self._count):
            connection = _Connection(self._port)
            self._selector.register(connection.socket, selectors.EVENT_READ, connection)
            self._connections.append(connection)
        self._used = time.monotonic()

    def close(self) -> None:
        """Close all connections."""
        for connection in self._connections:
            connection.socket.close()
        self._connections.clear()
        self._selector.close()

    def __enter__(self) -> Self:
        """Return the client, which is connected."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close all connections."""
        self.close()

    def ask(self, request: bytes) -> Exchange:
        """Send one request and return its answer."""
        return self.run([request])[0]

    def run(self, requests: Sequence[bytes]) -> list[Exchange]:
        """Send all, each connection its next as soon as it has its answer.

        The answers are in the order of the requests.
        """
        if time.monotonic() - self._used > _IDLE_SECONDS:
            self.open()
        answers: dict[int, Exchange] = {}
        waiting = iter(enumerate(requests))
        for connection, each in zip(self._connections, waiting, strict=False):
            connection.send(*each)
        while len(answers) < len(requests):
            self._collect(answers, waiting)
        self._used = time.monotonic()
        return [answers[number] for number in range(len(requests))]

    def _collect(
        self, answers: dict[int, Exchange], waiting: Iterable[tuple[int, bytes]]
    ) -> None:
        ready = self._selector.select(_PATIENCE_SECONDS)
        if not ready:
            raise UnexpectedAnswer(f"no answer within {_PATIENCE_SECONDS:.0f} seconds")
        for key, _ in ready:
            connection: _Connection = key.data
            exchange = connection.receive()
            if exchange is None:
                continue
            answers[connection.number] = exchange
            following = next(iter(waiting), None)
            if following is not None:
                connection.send(*following)


def get_request(path: str, headers: Mapping[str, str]) -> bytes:
    """Write a GET request."""
    return _head("GET", path, headers)


def post_request(path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """Write a POST request with a JSON body."""
    return _with_body("POST", path, headers, body)


def put_request(path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """Write a PUT request with a JSON body."""
    return _with_body("PUT", path, headers, body)


def _with_body(
    method: str, path: str, headers: Mapping[str, str], body: bytes
) -> bytes:
    described = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    return _head(method, path, {**headers, **described}) + body


def _head(method: str, path: str, headers: Mapping[str, str]) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Accept: */*"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def expect(exchange: Exchange, status: int) -> bytes:
    """Return the body of an answer with this status; raise UnexpectedAnswer else."""
    if exchange.status != status:
        said = exchange.body[:200].decode(errors="replace")
        raise UnexpectedAnswer(f"{exchange.status} instead of {status}: {said}")
    return exchange.body
