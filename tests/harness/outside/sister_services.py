"""The platform's sister services, small: one server on a real socket plays them all.

It keeps tenants, settings and users as it was told, checks credentials as the real ones
do, remembers every request, and can fail, hang or answer nonsense on demand.
"""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from typing_extensions import override

SERVICE_KEY = "a-service-key-of-the-tests"
Answer = tuple[int, object]


@dataclass(frozen=True)
class Heard:
    """A request; header names in lower case, content read as JSON."""

    method: str
    path: str
    headers: Mapping[str, str]
    content: Any


@dataclass
class SisterServices:
    """All services under one URL, and what they know, heard and were told to do."""

    url: str = ""
    tenants: dict[str, object] = field(default_factory=dict)
    settings: dict[str, object] = field(default_factory=dict)
    users: dict[str, dict[str, object]] = field(default_factory=dict)
    broadcasts: list[tuple[str, Any]] = field(default_factory=list)
    alerts: list[Any] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)
    says: tuple[int, bytes] | None = None
    """What is answered to everything, whoever asks."""
    is_hanging: bool = False
    is_over: threading.Event = field(default_factory=threading.Event)

    def fail(self, status: int = 503, content: bytes = b"{}") -> None:
        """Answer this to everything from now on."""
        self.says = (status, content)

    def recover(self) -> None:
        """Work again."""
        self.says, self.is_hanging = None, False

    def answer(self, request: Heard) -> tuple[int, bytes]:
        """Return status and content."""
        self.heard.append(request)
        if self.is_hanging:
            self.is_over.wait(30)
        if self.says is not None:
            return self.says
        status, content = self._answer(request)
        return status, json.dumps(content).encode()

    def _answer(self, request: Heard) -> Answer:
        match request.method, *request.path.strip("/").split("/"):
            case "POST", "auth", "validate":
                return self._validate(request.content["token"])
            case "GET", "internal", "tenants", tenant_id:
                return self._keyed(request) or _found(self.tenants, tenant_id)
            case "GET", "tenants", tenant_id:
                return self._user(request, tenant_id) or _found(self.tenants, tenant_id)
            case "GET", "tenants", tenant_id, "settings":
                refusal = self._user(request, tenant_id)
                return refusal or _found(self.settings, tenant_id)
            case "POST", "broadcast", "tenant", tenant_id:
                return self._keyed(request) or self._broadcast(request, tenant_id)
            case "POST", "internal", "alerts":
                return self._bearer(request) or self._alert(request)
            case _:
                return 404, {"detail": "Not Found"}

    def _validate(self, token: str) -> Answer:
        user = self.users.get(token)
        error = None if user else "Invalid token"
        return 200, {"valid": user is not None, "user": user, "error": error}

    def _keyed(self, request: Heard) -> Answer | None:
        if request.headers.get("x-service-key") == SERVICE_KEY:
            return None
        return 401, {"detail": "Invalid service key"}

    def _bearer(self, request: Heard) -> Answer | None:
        if request.headers.get("authorization") == f"Bearer {SERVICE_KEY}":
            return None
        return 401, {"detail": "Invalid service key"}

    def _user(self, request: Heard, tenant_id: str) -> Answer | None:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.users:
            return 401, _refusal("UNAUTHORIZED")
        if self.users[token]["tenant_id"] != tenant_id:
            return 403, _refusal("UNAUTHORIZED_TENANT_ACCESS")
        return None

    def _broadcast(self, request: Heard, tenant_id: str) -> Answer:
        if not request.content.get("event") or request.content.get("data") is None:
            return 400, {"detail": "Event and data are required"}
        self.broadcasts.append((tenant_id, request.content))
        return 200, {"success": True, "broadcast": {"connections_sent": 0}}

    def _alert(self, request: Heard) -> Answer:
        # The real one reports failures of its database under 201, too.
        known = {"tenant_id", "rule_name", "message", "severity"}
        if set(request.content) != known:
            return 201, {"success": False, "error": {"message": "Failed"}}
        self.alerts.append(request.content)
        return 201, {"success": True, "data": {"id": "1"}}


def _found(known: Mapping[str, object], tenant_id: str) -> Answer:
    if tenant_id in known:
        return 200, known[tenant_id]
    return 404, _refusal("TENANT_NOT_FOUND")


def _refusal(code: str) -> object:
    return {"success": False, "error": {"code": code, "message": "", "details": {}}}


@contextmanager
def sister_services() -> Iterator[SisterServices]:
    """Run the services for a block."""
    services = SisterServices()

    class Handler(BaseHTTPRequestHandler):
        @override
        def log_message(self, format: str, *args: object) -> None:
            return

        def _serve(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            content = json.loads(self.rfile.read(length)) if length else None
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Heard(self.command, self.path, headers, content)
            status, body = services.answer(request)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = _serve  # noqa: N815 - the names that http.server calls

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    services.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield services
    finally:
        services.is_over.set()
        server.shutdown()
        thread.join()
        server.server_close()
