"""Many clients at once: each wants one booking and says how it fared."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta

import httpx2

from tests.harness.scenes.business import Business
from universal_calendar.clock import utc_now

OPENING, CLOSING = 9 * 60, 17 * 60
LONGEST_ANSWER = 5.0


def day_after(days: int) -> date:
    """Return the day so many days from now in UTC."""
    return utc_now().date() + timedelta(days=days)


@dataclass(frozen=True)
class Wish:
    """One booking that somebody wants; with a key it may be asked for again."""

    business: Business
    day: date
    minute: int
    minutes: int = 30
    name: str = "John"
    idempotency_key: str | None = None

    @property
    def body(self) -> dict[str, object]:
        """Return the request as the wire has it."""
        return {
            "agent_id": self.business.agent_id,
            "participant_name": self.name,
            "booking_date": self.day.isoformat(),
            "booking_time": f"{self.minute // 60:02}:{self.minute % 60:02}",
            "duration_minutes": self.minutes,
        }

    @property
    def headers(self) -> dict[str, str]:
        """Return what goes with the body."""
        key = {"X-API-Key": self.business.api_key}
        if self.idempotency_key is not None:
            key["Idempotency-Key"] = self.idempotency_key
        return key


@dataclass(frozen=True)
class Reply:
    """What became of a wish: a status (None: the connection broke), after a while."""

    wish: Wish
    status: int | None
    body: dict[str, object]
    asked_at: float
    seconds: float
    retry_after: str | None = None

    @property
    def booking_id(self) -> str:
        """Return the id of what was booked."""
        return str(self.body["booking_id"])

    @property
    def is_final(self) -> bool:
        """Tell whether asking again is useless."""
        return self.status in (201, 409)


@asynccontextmanager
async def clients(count: int = 64) -> AsyncIterator[httpx2.AsyncClient]:
    """Open up to so many connections that no proxy stands in."""
    limits = httpx2.Limits(max_connections=count, max_keepalive_connections=count)
    async with httpx2.AsyncClient(limits=limits, trust_env=False, timeout=30) as client:
        yield client


async def ask(client: httpx2.AsyncClient, url: str, wish: Wish) -> Reply:
    """Ask once."""
    asked_at = time.monotonic()
    address = f"{url}/api/calendar/external-booking"
    try:
        answer = await client.post(address, json=wish.body, headers=wish.headers)
    except httpx2.TransportError:
        return Reply(wish, None, {}, asked_at, time.monotonic() - asked_at)
    return Reply(
        wish,
        answer.status_code,
        answer.json(),
        asked_at,
        time.monotonic() - asked_at,
        answer.headers.get("Retry-After"),
    )


async def ask_at_once(
    client: httpx2.AsyncClient, urls: Sequence[str], wishes: Sequence[Wish]
) -> list[Reply]:
    """Ask for all at the same time, by turns at these services."""
    asked = [ask(client, urls[n % len(urls)], w) for n, w in enumerate(wishes)]
    return await asyncio.gather(*asked)


def statuses(replies: Iterable[Reply]) -> dict[int | None, int]:
    """Count the statuses."""
    return dict(Counter(reply.status for reply in replies))


@dataclass
class Struggle:
    """Clients that ask again until each knows, whatever happens to the service."""

    url: str
    wishes: list[Wish]
    replies: list[Reply] = field(default_factory=list)

    async def run(self, workers: int = 16) -> None:
        """Ask until every wish has its final reply."""
        waiting = iter(self.wishes)
        async with clients(workers) as client:

            async def work() -> None:
                for wish in waiting:
                    await self._insist(client, wish)

            await asyncio.gather(*(work() for _ in range(workers)))

    async def _insist(self, client: httpx2.AsyncClient, wish: Wish) -> None:
        deadline = time.monotonic() + 60
        while True:
            reply = await ask(client, self.url, wish)
            self.replies.append(reply)
            if reply.is_final:
                return
            assert time.monotonic() < deadline, f"never decided: {reply}"
            await asyncio.sleep(0.05)

    async def reached(self, condition: Callable[[], bool], seconds: float = 60) -> None:
        """Wait until the condition holds."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, statuses(self.replies)
            await asyncio.sleep(0.005)

    @property
    def booked(self) -> list[Reply]:
        """Return the replies that acknowledge a booking."""
        return [reply for reply in self.replies if reply.status == 201]

    async def progress(self, bookings: int) -> None:
        """Wait until so many more bookings are acknowledged."""
        goal = len(self.booked) + bookings
        await self.reached(lambda: len(self.booked) >= goal)

    async def recovery(self, since: float) -> float:
        """Wait for a booking that was asked for since; return how long it took."""
        found: list[float] = []

        def look() -> bool:
            found[:] = [
                reply.asked_at + reply.seconds - since
                for reply in self.booked
                if reply.asked_at > since
            ]
            return bool(found)

        await self.reached(look)
        return min(found)


def rivals(business: Business, slots: int, each: int = 2) -> list[Wish]:
    """Return wishes for so many slots of 15 minutes, several for each of them."""
    a_day = (CLOSING - OPENING) // 15
    return [
        Wish(
            business,
            day_after(2 + slot // a_day),
            OPENING + slot % a_day * 15,
            minutes=15,
            name=f"Rival {rival}",
            idempotency_key=f"slot-{slot}-rival-{rival}",
        )
        for slot in range(slots)
        for rival in range(each)
    ]
