"""A server that publishes keys as a JSON Web Key Set, or fails to."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from typing_extensions import override

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass
class KeyServer:
    """What is published, and how often it was asked for."""

    url: str = ""
    keys: list[dict[str, Any]] = field(default_factory=list)
    asked: int = 0
    status: int = 200
    content: bytes | None = None
    """What is answered instead of the keys."""
    is_hanging: bool = False
    is_over: threading.Event = field(default_factory=threading.Event)

    def publish(self, *keys: dict[str, Any]) -> None:
        """Publish these and no others, and work again."""
        self.keys, self.status, self.content = list(keys), 200, None
        self.is_hanging = False

    def fail(self, status: int = 503, content: bytes = b"{}") -> None:
        """Answer this instead."""
        self.status, self.content = status, content

    def answer(self) -> bytes:
        """Return what is to be sent."""
        self.asked += 1
        if self.is_hanging:
            self.is_over.wait(30)
        if self.content is not None:
            return self.content
        return json.dumps({"keys": self.keys}).encode()


def published(key: PrivateKey, key_id: str | None, **other: Any) -> dict[str, Any]:
    """Return the public half as a JSON Web Key."""
    if isinstance(key, rsa.RSAPrivateKey):
        public = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    else:
        public = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    named = {} if key_id is None else {"kid": key_id}
    return {**public, **named, **other}


@contextmanager
def key_server() -> Iterator[KeyServer]:
    """Run the server for a block."""
    state = KeyServer()

    class Handler(BaseHTTPRequestHandler):
        @override
        def log_message(self, format: str, *args: object) -> None:
            return

        def do_GET(self) -> None:
            body = state.answer()
            self.send_response(state.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}/.well-known/jwks.json"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield state
    finally:
        state.is_over.set()
        server.shutdown()
        thread.join()
        server.server_close()
