"""Somebody at a platform's address who answers as no platform should."""

import re
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any, Final

import orjson
from typing_extensions import override

_LENGTH: Final = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_STATUSES: Final = (500, 429, 422, 409, 404, 401)


class Stranger(ThreadingTCPServer):
    """Answers whoever comes with `answer`, None: never; counts them."""

    allow_reuse_address = daemon_threads = True
    answer: bytes | None = b""
    asked = 0

    @override
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Pass over who hung up first."""


class _Handler(BaseRequestHandler):
    server: Stranger

    @override
    def handle(self) -> None:
        connection: socket.socket = self.request
        connection.settimeout(10)
        head, _, content = connection.recv(65536).partition(b"\r\n\r\n")
        found = _LENGTH.search(head)
        left = int(found[1]) - len(content) if found else 0
        while left > 0 and (piece := connection.recv(65536)):
            left -= len(piece)
        self.server.asked += 1
        with suppress(OSError):
            if self.server.answer is None:
                connection.recv(1)  # until whoever asked has hung up
            else:
                connection.sendall(self.server.answer)


@contextmanager
def stranger(port: int) -> Iterator[Stranger]:
    """Answer at the port, whatever is asked there, for a block."""
    with Stranger(("127.0.0.1", port), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def answers(word: str) -> Mapping[str, bytes]:
    """Return what is answered, by what is wrong with it; each says the word."""
    told = {"error": {"message": word, word: word}, "message": word, word: [word]}
    graphql = {
        "data": {word: {word: word}, "account": {"id": word, "name": word}},
        "extensions": {"versioning": {"warning": word}},
    }
    refused = {"errors": [{"message": word, "extensions": {"code": word}}]}
    whole = _answer(word, 200, told)
    return {
        **{f"status {status}": _answer(word, status, told) for status in _STATUSES},
        "another shape": whole,
        "other data": _answer(word, 200, graphql),
        "errors": _answer(word, 200, refused),
        "no JSON": _answer(word, 200, f"<h1>{word}"),
        "a redirect": _answer(word, 302, told),
        "half of it": whole[:-5],
        "a length that is none": whole.replace(b"length: ", b"length: x"),
        "no HTTP": word.encode() + b"\r\n\r\n",
        "nothing": b"",
    }


def _answer(word: str, status: int, body: object) -> bytes:
    content = body.encode() if isinstance(body, str) else orjson.dumps(body)
    lines = (
        f"HTTP/1.1 {status} {word}",
        "content-type: application/json",
        f"content-length: {len(content)}",
        "connection: close",
        f"location: https://{word}.test/{word}",
        f"retry-after: {word}",
        f"set-cookie: session={word}",
        f"x-trouble: {word}",
    )
    return "\r\n".join([*lines, "", ""]).encode() + content
