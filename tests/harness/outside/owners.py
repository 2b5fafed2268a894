"""Owners of calendars outside: what they do in a browser and in their calendars.

One kind for each provider, before the stand-in or the server that its exam is sat at.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol
from urllib.parse import urlsplit

import httpx2

from tests.harness.outside.google_owners import GoogleOwner, google_owners
from tests.providers.caldav.accounts import PASSWORD, open_account, running_server
from tests.providers.caldav.servers import ADMIN
from tests.providers.caldav.world import DavWorld
from tests.providers.microsoft.account import registration
from tests.providers.microsoft.contract import read_contract
from tests.providers.microsoft.mailbox import Event, new_id
from tests.providers.microsoft.proxy import ValidatingProxy
from tests.providers.microsoft.server import FakeMicrosoft
from tests.providers.microsoft.world import MicrosoftWorld
from universal_calendar.core.interval import Interval

Settings = dict[str, str]


class Owner(Protocol):
    """Somebody with an account at a provider."""

    @property
    def provider(self) -> str:
        """Return the provider's slug."""

    @property
    def account(self) -> str:
        """Return the account's name there."""

    @property
    def calendar(self) -> str:
        """Return its primary calendar's id there."""

    @property
    def pushes(self) -> bool:
        """Tell whether the provider tells of changes."""

    @property
    def settings(self) -> Settings:
        """Return how a service reaches the provider."""

    def credentials(self) -> Settings:
        """Return what a set-up page asks for; empty where there is a consent page."""

    def consents(self, http: httpx2.Client, url: str) -> str:
        """Agree at the consent page; return where the browser is sent to."""

    def dies(self) -> None:
        """Kill the provider."""

    def rises(self) -> None:
        """Start it again where it was."""

    def is_slow(self, seconds: float) -> None:
        """Answer the next request so late."""

    def withdraws_consent(self) -> None:
        """Take back what opens the account."""

    def adds_quietly(self, interval: Interval) -> None:
        """Add an event of which nobody is told."""

    def renews_consent(self) -> None:
        """Make up for consent that was withdrawn, as far as that is not done later."""

    def channels(self) -> int:
        """Count the channels that are open."""

    def has_tokens(self) -> bool:
        """Tell whether tokens of the account still open it."""

    def adds(self, interval: Interval, **traits: str) -> str:
        """Add an event with traits of an exam's world; return its id."""

    def moves(self, event_id: str, interval: Interval) -> None:
        """Move an event."""

    def deletes(self, event_id: str) -> None:
        """Delete an event."""

    def event_at(self, interval: Interval) -> str | None:
        """Return the event that takes just this time."""

    def calendar_is_deleted(self) -> None:
        """Delete the calendar with all that is in it."""


@dataclass
class MicrosoftOwner:
    """Has the account of the stand-in for Microsoft."""

    microsoft: FakeMicrosoft
    api_url: str
    provider: str = "microsoft"
    pushes: bool = True

    @property
    def account(self) -> str:
        return self.microsoft.mailbox.address

    @property
    def calendar(self) -> str:
        return self.microsoft.mailbox.main

    @property
    def settings(self) -> Settings:
        registered = registration(self.microsoft, self.api_url)
        return {
            "MICROSOFT_GRAPH_CLIENT_ID": registered.client_id,
            "MICROSOFT_GRAPH_CLIENT_SECRET": registered.client_secret,
            "MICROSOFT_LOGIN_BASE_URL": f"{self.microsoft.url}/login",
            "MICROSOFT_GRAPH_BASE_URL": registered.api_url,
        }

    @property
    def world(self) -> MicrosoftWorld:
        """Return what shows and disturbs the provider."""
        return MicrosoftWorld(self.microsoft)

    def credentials(self) -> Settings:
        return {}

    def consents(self, http: httpx2.Client, url: str) -> str:
        answer = http.get(url)
        assert answer.status_code == 302, answer.text
        return str(answer.headers["location"])

    def dies(self) -> None:
        self.world.dies()

    def rises(self) -> None:
        self.world.rises()

    def is_slow(self, seconds: float) -> None:
        self.world.is_slow(seconds)

    def withdraws_consent(self) -> None:
        self.world.revokes()

    def renews_consent(self) -> None:
        """Do nothing: it is given anew when the account is connected."""

    def adds(self, interval: Interval, **traits: str) -> str:
        return self.world.owner_adds(self.calendar, interval, **traits)

    def adds_quietly(self, interval: Interval) -> None:
        event = Event(new_id(), self.calendar, *self.world.edges(interval))
        with self.microsoft.lock:
            self.microsoft.mailbox.add(event)

    def moves(self, event_id: str, interval: Interval) -> None:
        self.world.owner_moves(self.calendar, event_id, interval)

    def deletes(self, event_id: str) -> None:
        self.world.owner_deletes(self.calendar, event_id)

    def event_at(self, interval: Interval) -> str | None:
        for each in self.world.events(self.calendar):
            if each.interval == interval:
                return each.event_id
        return None

    def channels(self) -> int:
        return len(self.microsoft.subscriptions.open)

    def has_tokens(self) -> bool:
        return bool(self.microsoft.login.refresh_tokens)

    def calendar_is_deleted(self) -> None:
        with self.microsoft.lock:
            del self.microsoft.mailbox.calendars[self.calendar]


@dataclass
class CaldavOwner:
    """Has an account at a real Radicale, behind a proxy that asks for the password."""

    world: DavWorld
    provider: str = "caldav"
    pushes: bool = False
    settings: Settings = field(
        default_factory=lambda: {"CALDAV_ALLOWS_PRIVATE": "true"}
    )

    @property
    def account(self) -> str:
        return f"{self.world.user} ({urlsplit(self.world.proxy.url).netloc})"

    @property
    def calendar(self) -> str:
        return f"{self.world.server.kind.home(self.world.user)}work/"

    def credentials(self) -> Settings:
        return {
            "url": self.world.proxy.url,
            "username": self.world.user,
            "password": PASSWORD,
        }

    def consents(self, http: httpx2.Client, url: str) -> str:
        raise AssertionError("CalDAV has no consent page")

    def dies(self) -> None:
        self.world.dies()

    def rises(self) -> None:
        self.world.rises()

    def is_slow(self, seconds: float) -> None:
        self.world.is_slow(seconds)

    def withdraws_consent(self) -> None:
        self.world.revokes()

    def renews_consent(self) -> None:
        self.world.proxy.passwords[self.world.user] = PASSWORD

    def adds(self, interval: Interval, **traits: str) -> str:
        return self.world.owner_adds(self.calendar, interval, **traits)

    def adds_quietly(self, interval: Interval) -> None:
        self.adds(interval)

    def moves(self, event_id: str, interval: Interval) -> None:
        self.world.owner_moves(self.calendar, event_id, interval)

    def deletes(self, event_id: str) -> None:
        self.world.owner_deletes(self.calendar, event_id)

    def event_at(self, interval: Interval) -> str | None:
        return self.world.event_at(self.calendar, interval)

    def channels(self) -> int:
        return 0

    def has_tokens(self) -> bool:
        return False

    def calendar_is_deleted(self) -> None:
        server, path = self.world.server, self.calendar
        server.ask(ADMIN, "DELETE", path)


@contextmanager
def google_owner() -> Iterator[GoogleOwner]:
    """Give an owner of an account at Google."""
    with google_owners() as opened:
        yield opened("ann@example.com")


@contextmanager
def microsoft_owner() -> Iterator[MicrosoftOwner]:
    """Give an owner of an account at Microsoft, held to its description if at hand."""
    microsoft, contract = FakeMicrosoft(), read_contract()
    proxy = None if contract is None else ValidatingProxy(microsoft.url, contract)
    url = microsoft.url if proxy is None else proxy.url
    try:
        yield MicrosoftOwner(microsoft, f"{url}/v1.0")
    finally:
        if proxy is not None:
            proxy.close()
        microsoft.close()
    assert microsoft.http.errors == []
    assert proxy is None or proxy.violations + proxy.http.errors == []


@contextmanager
def caldav_owner() -> Iterator[CaldavOwner]:
    """Give an owner of an account at a Radicale of its own."""
    with (
        TemporaryDirectory() as folder,
        running_server("radicale", Path(folder)) as server,
        open_account(server) as world,
    ):
        yield CaldavOwner(world)


OWNERS: dict[str, Callable[[], AbstractContextManager[Owner]]] = {
    "google": google_owner,
    "microsoft": microsoft_owner,
    "caldav": caldav_owner,
}
