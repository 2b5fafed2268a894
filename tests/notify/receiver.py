"""An HTTP server that keeps what it was sent and answers what it is told to."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
from typing_extensions import override


@dataclass(frozen=True)
class Received:
    """A request; header names in lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """Return the body, read as JSON."""
        return orjson.loads(self.body)


@dataclass
class Receiver:
    """Answers with `status` and `headers`; while `gate` is closed, not at all."""

    url: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    received: list[Received] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)

    @property
    def only(self) -> Received:
        """Return the one request there was."""
        (request,) = self.received
        return request


@contextmanager
def receiver() -> Iterator[Receiver]:
    """Listen on a loopback port for a block."""
    receiver = Receiver()
    receiver.gate.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(length)
            receiver.received.append(Received(self.path, headers, body))
            receiver.gate.wait(30)
            self.send_response(receiver.status)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        @override
        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        # Whom a shorter queue turns away comes again after a whole second.
        request_queue_size = 128

        @override
        def handle_error(self, request: Any, client_address: Any) -> None:
            """Keep silent about senders that lost their patience."""

    server = Server(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield receiver
    finally:
        receiver.gate.set()
        server.shutdown()
        server.server_close()
        thread.join()
