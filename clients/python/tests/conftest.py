"""A server that follows a script over real sockets, and both shells to call it."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from universal_calendar_client import AsyncCalendarClient, CalendarClient

API_KEY = "key-that-must-stay-in-its-header"

FREE_SLOTS = {
    "agent_id": "47addfec-f4cd-41e2-b6ec-6a5e949fe754",
    "start_date": "2027-03-01",
    "end_date": "2027-03-07",
    "timezone": "UTC",
    "slot_duration_minutes": 30,
    "total_days_with_availability": 1,
    "available_slots": [
        {
            "date": "2027-03-01",
            "day_of_week": "Monday",
            "total_slots": 1,
            "slots": [{"start": "09:00", "end": "09:30", "duration_minutes": 30}],
        }
    ],
}

BOOKING = {
    "status": "success",
    "booking_id": "a1b2c3d4-e5f6-7890-abcd-ef1234567890",
    "message": "Booking confirmed for 2027-03-01 at 09:00",
    "details": {
        "event_id": "a1b2c3d4-e5f6-7890-abcd-ef1234567890",
        "agent_id": "47addfec-f4cd-41e2-b6ec-6a5e949fe754",
        "participant_name": "Ada Lovelace",
        "booking_date": "2027-03-01",
        "booking_time": "09:00",
        "duration_minutes": 30,
        "external_reference_id": None,
    },
}

Step = Callable[["_Handler"], None]


@dataclass(frozen=True)
class Seen:
    """One request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class _Handler(BaseHTTPRequestHandler):
    server: "ScriptedServer"
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.seen.append(Seen(self.command, self.path, headers, body))
        self.server.next_step()(self)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *args: object) -> None:
        pass


class ScriptedServer(ThreadingHTTPServer):
    """Answer each request with the next step of the script."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seen: list[Seen] = []
        self.released = threading.Event()
        self._script: list[Step] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def idempotency_keys(self) -> list[str | None]:
        return [request.headers.get("idempotency-key") for request in self.seen]

    def next_step(self) -> Step:
        return self._script.pop(0) if self._script else _answer(418, b"script over", {})

    def reply(self, status: int, body: object, **headers: str) -> None:
        """Answer with JSON; `retry_after` becomes Retry-After."""
        self.reply_raw(status, json.dumps(body).encode(), **headers)

    def reply_raw(self, status: int, body: bytes, **headers: str) -> None:
        """Answer with any bytes."""
        self._script.append(_answer(status, body, headers))

    def drop(self) -> None:
        """Take the request and close the connection without a word."""
        self._script.append(_drop)

    def cut(self) -> None:
        """Close the connection in the middle of an answer."""
        self._script.append(_cut)

    def stall(self) -> None:
        """Say nothing until the test is over."""
        self._script.append(_stall)


def _answer(status: int, body: bytes, headers: dict[str, str]) -> Step:
    def step(handler: _Handler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return step


def _drop(handler: _Handler) -> None:
    handler.close_connection = True


def _cut(handler: _Handler) -> None:
    handler.send_response(201)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"status": "succ')
    handler.close_connection = True


def _stall(handler: _Handler) -> None:
    handler.server.released.wait(timeout=30)
    handler.close_connection = True


class Driver:
    """Call either shell in the same way; waits are recorded instead of waited."""

    def __init__(self, client: Any, run: Callable[[Any], Any]) -> None:
        self.client = client
        self.waits: list[float] = []
        self._run = run

    def get_free_slots(self, *args: object, **named: object) -> Any:
        return self._run(self.client.get_free_slots(*args, **named))

    def book_appointment(self, *args: object, **named: object) -> Any:
        return self._run(self.client.book_appointment(*args, **named))


@pytest.fixture
def stand_in() -> Iterator[ScriptedServer]:
    with ScriptedServer() as scripted:
        thread = threading.Thread(target=scripted.serve_forever, args=(0.01,))
        thread.start()
        yield scripted
        scripted.released.set()
        scripted.shutdown()
        thread.join()


@pytest.fixture(params=["sync", "async"])
def connect(request: pytest.FixtureRequest) -> Iterator[Callable[..., Driver]]:
    """Make clients of one kind and close them after the test."""
    make = _Blocking if request.param == "sync" else _Asynchronous
    opened: list[Any] = []

    def connect_to(url: str, api_key: str = API_KEY, **options: object) -> Driver:
        opened.append(make(url, api_key, options))
        return opened[-1].driver

    yield connect_to
    for one in opened:
        one.close()


class _Blocking:
    def __init__(self, url: str, api_key: str, options: dict[str, Any]) -> None:
        client = CalendarClient(url, api_key, sleep=self._sleep, **options)
        self.driver = Driver(client, lambda result: result)
        self.close = client.close

    def _sleep(self, seconds: float) -> None:
        self.driver.waits.append(seconds)


class _Asynchronous:
    def __init__(self, url: str, api_key: str, options: dict[str, Any]) -> None:
        self._runner = asyncio.Runner()
        client = AsyncCalendarClient(url, api_key, sleep=self._sleep, **options)
        self.driver = Driver(client, self._runner.run)

    async def _sleep(self, seconds: float) -> None:
        self.driver.waits.append(seconds)

    def close(self) -> None:
        self._runner.run(self.driver.client.aclose())
        self._runner.close()


@pytest.fixture
def in_a_week() -> date:
    """Return a date that every bookable window holds; the agents live in UTC."""
    today = datetime.now(UTC).date()  # noqa: TID251 - the service asks its own clock
    return today + timedelta(days=7)


@pytest.fixture
def api_key() -> str:
    return API_KEY


@pytest.fixture
def free_slots_body() -> dict[str, Any]:
    return json.loads(json.dumps(FREE_SLOTS))


@pytest.fixture
def booking_body() -> dict[str, Any]:
    return json.loads(json.dumps(BOOKING))
