"""Owners of accounts at the fake Google, which runs in a loop of its own."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

import httpx2

from tests.providers.google.calendars import Calendar
from tests.providers.google.server import FakeGoogle, running_google
from tests.providers.google.wire import Json
from tests.providers.google.world import ZONE, GoogleWorld, span
from universal_calendar.core.interval import Interval

Settings = dict[str, str]
T = TypeVar("T")


@dataclass
class GoogleOwner:
    """Has an account there; implements `Owner` of owners.py."""

    google: FakeGoogle
    loop: asyncio.AbstractEventLoop
    account: str
    provider: str = "google"
    pushes: bool = True

    def __post_init__(self) -> None:
        """Open the account."""
        mine = Calendar(self.account, self.account, ZONE, is_primary=True)
        self.google.open(self.account, mine)

    @property
    def calendar(self) -> str:
        return self.account

    @property
    def settings(self) -> Settings:
        registered = self.google.registration
        return {
            "GOOGLE_CALENDAR_CLIENT_ID": registered.client_id,
            "GOOGLE_CALENDAR_CLIENT_SECRET": registered.client_secret,
            "GOOGLE_AUTHORIZE_URL": registered.authorize_url,
            "GOOGLE_TOKEN_URL": registered.token_url,
            "GOOGLE_REVOKE_URL": str(registered.revoke_url),
            "GOOGLE_CALENDAR_BASE_URL": registered.api_url,
        }

    @property
    def world(self) -> GoogleWorld:
        """Return what shows and disturbs the provider."""
        return GoogleWorld(self.google)

    def dies(self) -> None:
        self.do(self.world.dies)

    def rises(self) -> None:
        self.do(self.world.rises)

    def is_slow(self, seconds: float) -> None:
        self.do(lambda: self.world.is_slow(seconds))

    def withdraws_consent(self) -> None:
        self.do(self.world.revokes)

    def credentials(self) -> Settings:
        return {}

    def consents(self, http: httpx2.Client, url: str) -> str:
        asked = parse_qs(urlsplit(url).query)["scope"][0]
        answer = http.post(url, data={"account": self.account, "granted": asked})
        assert answer.status_code == 302, answer.text
        return str(answer.headers["location"])

    def do(self, act: Callable[[], T]) -> T:
        """Act in the loop that the fake runs in."""

        async def acting() -> T:
            return act()

        return asyncio.run_coroutine_threadsafe(acting(), self.loop).result(10)

    def adds(self, interval: Interval, **traits: str) -> str:
        return self.do(lambda: self.world.owner_adds(self.calendar, interval, **traits))

    def adds_quietly(self, interval: Interval) -> None:
        def add() -> None:
            calendar = self.google.calendar(self.calendar)
            tellers, calendar.told = calendar.told, []
            self.world.owner_adds(self.calendar, interval)
            calendar.told = tellers

        self.do(add)

    def moves(self, event_id: str, interval: Interval) -> None:
        self.do(lambda: self.world.owner_moves(self.calendar, event_id, interval))

    def deletes(self, event_id: str) -> None:
        self.do(lambda: self.world.owner_deletes(self.calendar, event_id))

    def event_at(self, interval: Interval) -> str | None:
        edges = span(interval)

        def find() -> str | None:
            for each in self.google.calendar(self.calendar).at().values():
                is_there = each["status"] != "cancelled"
                if is_there and _moments(each) == _moments(edges):
                    return str(each["id"])
            return None

        return self.do(find)

    def renews_consent(self) -> None:
        """Do nothing: it is given anew when the account is connected."""

    def channels(self) -> int:
        return self.do(lambda: self.google.channels.count(self.calendar))

    def has_tokens(self) -> bool:
        lasting = self.google.consents.lasting.values()
        return any(each.account == self.account for each in lasting)

    def calendar_is_deleted(self) -> None:
        def delete() -> None:
            self.google.accounts[self.account] = []

        self.do(delete)


def _moments(event: Json) -> list[datetime | None]:
    """Return both edges; None for days."""
    texts = [event[edge].get("dateTime") for edge in ("start", "end")]
    return [None if each is None else datetime.fromisoformat(each) for each in texts]


@contextmanager
def google_owners() -> Iterator[Callable[[str], GoogleOwner]]:
    """Run a Google; give what opens accounts there."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def run(coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(30)

    running = running_google()
    google = run(running.__aenter__())
    try:
        yield lambda account: GoogleOwner(google, loop, account)
    finally:
        try:
            run(running.__aexit__(None, None, None))
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join(10)
            loop.close()
