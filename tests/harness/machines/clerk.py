"""A clerk books, moves and cancels through HTTP, and remembers what was promised.

It asks again until it is answered, whatever happens to the service; so in the end it
knows each appointment as it must be, in the database and at the provider.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx2

from tests.harness.crowd import CLOSING, OPENING
from tests.harness.machines.town import Shop
from tests.harness.running import SERVICE_KEY
from universal_calendar.clock import utc_now

Json = dict[str, Any]

BOOK, BOOK_BY_AGENT, MOVE, CANCEL = "book", "book by agent", "move", "cancel"
WAVER = "move, and back before that is answered"
LIVES = (
    (BOOK_BY_AGENT, MOVE),
    (BOOK, CANCEL),
    (BOOK_BY_AGENT, CANCEL),
    (BOOK, MOVE),
    (BOOK_BY_AGENT,),
    (BOOK, MOVE, MOVE),
    (BOOK_BY_AGENT, MOVE, CANCEL),
    (BOOK,),
    (BOOK, MOVE, CANCEL),
)
"""What happens to appointments, one after the other."""
HASTY_LIVES = (
    (BOOK_BY_AGENT, MOVE),
    (BOOK, WAVER),
    (BOOK, CANCEL),
    (BOOK, WAVER, CANCEL),
    (BOOK_BY_AGENT, CANCEL),
    (BOOK, MOVE, WAVER),
    (BOOK_BY_AGENT,),
)
"""The same, where no answer is lost: who asks again cannot waver."""

MINUTES = 15
_A_DAY = (CLOSING - OPENING) // MINUTES
_DAYS = 88
MOST_VISITS = _A_DAY * _DAYS // 2
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Reply:
    """An answer (status None: the connection broke), and how long it took."""

    what: str
    status: int | None
    content: bytes
    seconds: float

    @property
    def data(self) -> Json:
        """Return what the tenant API answered."""
        return dict(httpx2.Response(200, content=self.content).json()["data"])


@dataclass
class Visit:
    """An appointment as it was promised: `starts` are the two times it may have."""

    starts: tuple[datetime, datetime]
    email: str
    appointment_id: str = ""
    version: int = 1
    is_cancelled: bool = False

    @property
    def start(self) -> datetime:
        """Return when it begins: every move takes it to the other time."""
        return self.starts[(self.version - 1 - self.is_cancelled) % 2]

    @property
    def end(self) -> datetime:
        """Return when it ends."""
        return self.start + timedelta(minutes=MINUTES)

    def data(self, start: datetime) -> Json:
        """Return the appointment's data at a start as the wire has them."""
        return {
            "startTime": wire(start),
            "endTime": wire(start + timedelta(minutes=MINUTES)),
            "title": "Leak",
            "customerInfo": {"name": "John Doe", "email": self.email},
        }


def wire(moment: datetime) -> str:
    """Return a moment as the wire has it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _opening() -> datetime:
    midnight = utc_now().replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(days=2, minutes=OPENING)


@dataclass
class Clerk:
    """Serves visits of one shop.

    `may_break`: the service may. `is_connected`: the shop writes to a calendar.
    `pause`: how many seconds a desk rests after a step, at most.
    """

    http: httpx2.AsyncClient
    url: str
    sandbox_url: str
    shop: Shop
    may_break: bool = False
    is_connected: bool = True
    pause: float = 0.0
    lives: Sequence[Sequence[str]] = LIVES
    chance: random.Random = field(default_factory=lambda: random.Random(1))  # noqa: S311
    has_mail: Callable[[str, int], bool] = lambda _appointment_id, _version: False
    """Tells whether the customer got mail about a version of an appointment."""
    opening: datetime = field(default_factory=_opening)
    visits: list[Visit] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    told: int = 0
    """How often an answer said that the customer was told."""
    created: dict[str, Json] = field(default_factory=dict)
    """What was answered to POST /appointments, by appointment."""

    async def serve_until(self, closed: asyncio.Event, desks: int) -> None:
        """Serve visits at so many desks at once, until it closes."""

        async def desk(number: int) -> None:
            while not closed.is_set():
                await self.live(self.lives[number % len(self.lives)])
                number += 1

        async with asyncio.TaskGroup() as group:
            for number in range(desks):
                group.create_task(desk(number))

    async def live(self, life: Sequence[str]) -> None:
        """Serve a new visit through its life."""
        visit = self.new_visit()
        for step in life:
            await self._steps[step](visit)
            await asyncio.sleep(self.chance.uniform(0, self.pause))

    @property
    def _steps(self) -> dict[str, Any]:
        return {
            BOOK: self.book,
            BOOK_BY_AGENT: self.book_by_agent,
            MOVE: self.move,
            CANCEL: self.cancel,
            WAVER: self.waver,
        }

    def new_visit(self) -> Visit:
        """Return somebody who wants two times that nobody else wants."""
        number = len(self.visits)
        assert number < MOST_VISITS, "no time is left to book"
        starts = (self._start(2 * number), self._start(2 * number + 1))
        visit = Visit(starts, f"guest{number}@{self.shop.account.account}.test")
        self.visits.append(visit)
        return visit

    def _start(self, number: int) -> datetime:
        day, place = divmod(number, _A_DAY)
        return self.opening + timedelta(days=day, minutes=place * MINUTES)

    async def book(self, visit: Visit) -> None:
        """Book by the tenant API."""
        key = {"Idempotency-Key": visit.email}
        body = {"appointmentData": visit.data(visit.start)}
        data = (await self._insist("POST", "", body, key)).data
        visit.appointment_id = data["appointmentId"]
        self.created[visit.appointment_id] = data
        assert data["startTime"] == wire(visit.start)
        self._check_told(visit, is_told=data["confirmationSent"])
        is_synced = data["syncStatus"] == "synced"
        is_pending = data["syncStatus"] == "pending"
        assert (is_synced or is_pending) == self.is_connected, data
        assert is_synced == (data["calendarEventId"] is not None), data
        if is_synced:
            await self._check_event(visit, data["calendarEventId"])

    async def book_by_agent(self, visit: Visit) -> None:
        """Book by the agent API."""
        start = visit.start
        body = {
            "agent_id": self.shop.business.agent_id,
            "participant_name": "John Doe",
            "participant_email": visit.email,
            "booking_date": start.date().isoformat(),
            "booking_time": start.strftime("%H:%M"),
            "duration_minutes": MINUTES,
        }
        headers = {
            "X-API-Key": self.shop.business.api_key,
            "Idempotency-Key": visit.email,
        }
        url = f"{self.url}/api/calendar/external-booking"
        reply = await self._until_answered("POST", url, headers, json=body)
        assert reply.status == 201, reply
        booked = httpx2.Response(201, content=reply.content).json()
        visit.appointment_id = booked["booking_id"]

    async def move(self, visit: Visit) -> None:
        """Move to the visit's other time."""
        data = await self._put(visit, visit.starts[visit.version % 2])
        visit.version += 1
        self._check_told(visit, is_told="customer" in data["notificationsSent"])
        if data["calendarUpdated"]:
            await self._check_event(visit)

    async def waver(self, visit: Visit) -> None:
        """Move to the other time, and back while that is being written."""
        there, back = visit.starts[visit.version % 2], visit.start
        async with asyncio.TaskGroup() as group:
            group.create_task(self._put(visit, there))
            await asyncio.sleep(self.chance.uniform(0.05, 0.5))
            group.create_task(self._put(visit, back))
        visit.version = (await self.read(visit))["version"]

    async def _put(self, visit: Visit, start: datetime) -> Json:
        body = {"appointmentData": {"startTime": wire(start)}}
        data = (await self._insist("PUT", f"/{visit.appointment_id}", body)).data
        assert data["updated"]
        return data

    async def cancel(self, visit: Visit) -> None:
        """Cancel."""
        event_id = (await self.read(visit))["calendarEventId"]
        body = {"reason": "rescheduling"}
        data = (await self._insist("DELETE", f"/{visit.appointment_id}", body)).data
        visit.version += 1
        visit.is_cancelled = True
        assert data["cancelled"]
        self._check_told(visit, is_told="customer" in data["notificationsSent"])
        if data["calendarEventDeleted"] and event_id is not None:
            status, _ = await self._event(event_id)
            assert status == 410, "an event that is said to be deleted is there"

    async def read(self, visit: Visit) -> Json:
        """Return the appointment as GET has it."""
        path, params = f"/{visit.appointment_id}", {"tenantId": self.shop.tenant_id}
        reply = await self._until_answered(
            "GET", self._address(path), _service_key(), params=params
        )
        assert reply.status == 200, reply
        return dict(reply.data["appointment"])

    def _check_told(self, visit: Visit, *, is_told: bool) -> None:
        told = (visit.appointment_id, visit.version)
        assert not is_told or self.has_mail(*told), f"nobody was told of {told}"
        self.told += is_told

    async def _check_event(self, visit: Visit, event_id: str | None = None) -> None:
        """Assert that the provider has what the answer says it has."""
        event_id = event_id or (await self.read(visit))["calendarEventId"]
        status, event = await self._event(str(event_id))
        assert status == 200, "an event that was answered is not there"
        assert event["start"] == {"at": wire(visit.start)}
        assert event["properties"]["sequence"] == str(visit.version)

    async def _event(self, event_id: str) -> tuple[int, Json]:
        path = f"/control/calendars/{self.shop.calendar}/events/{event_id}"
        answer = await self.http.get(self.sandbox_url + path)
        return answer.status_code, answer.json()

    async def _insist(
        self, method: str, path: str, body: Json, headers: Json | None = None
    ) -> Reply:
        body = {"tenantId": self.shop.tenant_id, **body}
        reply = await self._until_answered(
            method, self._address(path), _service_key() | (headers or {}), json=body
        )
        assert reply.status == 200, reply
        return reply

    def _address(self, path: str) -> str:
        return f"{self.url}/appointments{path}"

    async def _until_answered(
        self, method: str, url: str, headers: Json, **parts: Any
    ) -> Reply:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            reply = await ask(self.http, method, url, headers, **parts)
            self.replies.append(reply)
            if reply.status not in (None, 503) or not self.may_break:
                return reply
            assert time.monotonic() < deadline, f"never answered: {reply}"
            await asyncio.sleep(0.1)

    @property
    def slowest(self) -> Reply:
        """Return the reply that took longest."""
        return max(self.replies, key=lambda reply: reply.seconds)

    @property
    def statuses(self) -> Counter[int | None]:
        """Count the replies by status."""
        return Counter(reply.status for reply in self.replies)


async def ask(
    http: httpx2.AsyncClient, method: str, url: str, headers: Json, **parts: Any
) -> Reply:
    """Ask once."""
    asked_at = time.monotonic()
    try:
        answer = await http.request(method, url, headers=headers, **parts)
    except httpx2.TransportError:
        return Reply(method, None, b"", time.monotonic() - asked_at)
    seconds = time.monotonic() - asked_at
    return Reply(method, answer.status_code, answer.content, seconds)


def _service_key() -> Json:
    return {"X-Service-Key": SERVICE_KEY}
