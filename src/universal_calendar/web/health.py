"""What operators and their machines ask: is it alive, is it ready, how does it do."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version

import orjson
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import Response

from universal_calendar.core.errors import DatabaseUnavailable
from universal_calendar.web.metrics import REGISTRY

VERSION = version("universal-calendar")


@dataclass(frozen=True, slots=True)
class Health:
    """The handlers, with what they need."""

    service_name: str
    started: datetime
    now: Callable[[], datetime]
    ping: Callable[[], Awaitable[None]]
    """Raises DatabaseUnavailable."""

    async def health(self, _request: Request) -> Response:
        """Answer with the state of the service and its database; 503 without it."""
        connected, now = await self._database_answers(), self.now()
        word = "healthy" if connected else "unhealthy"
        body = {
            "status": word,
            "service": self.service_name,
            "version": VERSION,
            "uptime": round((now - self.started).total_seconds(), 3),
            "timestamp": now.isoformat(timespec="seconds").replace("+00:00", "Z"),
            "database": {"connected": connected},
            "dependencies": {"postgres": word},
        }
        return _json(200 if connected else 503, body)

    async def alive(self, _request: Request) -> Response:
        """Answer as long as the process can; it does not look at the database."""
        return _json(200, {"status": "alive"})

    async def ready(self, _request: Request) -> Response:
        """Answer 200 when bookings can be taken, 503 when not."""
        if await self._database_answers():
            return _json(200, {"status": "ready"})
        return _json(503, {"status": "not ready", "reason": "database"})

    async def metrics(self, _request: Request) -> Response:
        """Write the metrics in the Prometheus text format."""
        return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)

    async def _database_answers(self) -> bool:
        try:
            await self.ping()
        except DatabaseUnavailable:
            return False
        return True


def _json(status: int, body: object) -> Response:
    headers = {"Cache-Control": "no-store"}
    if status == 503:
        headers["Retry-After"] = "1"
    return Response(orjson.dumps(body), status, headers, media_type="application/json")
