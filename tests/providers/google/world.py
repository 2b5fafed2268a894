"""The fake Google as an exam's world, and its owner at the consent page."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid5

import httpx2

from tests.contracts.drafts import TENANT
from tests.contracts.world import Examined, Seen
from tests.providers.google.calendars import Calendar
from tests.providers.google.refusals import refusal
from tests.providers.google.server import FakeGoogle
from tests.providers.google.wire import Json, Trouble
from tests.providers.means import open_means
from universal_calendar.clock import utc_now
from universal_calendar.core.instant import from_datetime, instant_text
from universal_calendar.core.interval import Interval
from universal_calendar.providers.registry import PROVIDERS
from universal_calendar.services.ports.calendars import Access

ACCOUNT = "ann@example.com"
READ_ONLY = "en.usa#holiday@group.v.calendar.google.com"
SHARED = "team@group.calendar.google.com"
ZONE = "America/New_York"
SCOPES = frozenset(
    f"https://www.googleapis.com/auth/calendar.{each}"
    for each in ("calendarlist.readonly", "events", "freebusy")
)
_FREQUENCIES = {"day": "DAILY", "week": "WEEKLY"}


def invited(answer: str) -> list[Json]:
    """Return guests, of whom the calendar's owner gave this answer."""
    return [{"email": ACCOUNT, "self": True, "responseStatus": answer}]


BUSY: Mapping[str, Json] = {
    "free": {"transparency": "transparent"},
    "declined": {"attendees": invited("declined")},
    "tentative": {"status": "tentative"},
    "away": {"eventType": "outOfOffice"},
}


def open_account(google: FakeGoogle) -> None:
    """Open the account of the exams."""
    google.open(
        ACCOUNT,
        Calendar(ACCOUNT, ACCOUNT, ZONE, is_primary=True),
        Calendar(READ_ONLY, "Holidays", ZONE, role="reader"),
        Calendar(SHARED, "Team", "Europe/Berlin", role="writer"),
    )


def connect(google: FakeGoogle) -> dict[str, str]:
    """Return the secrets of a connection to it."""
    expiry = utc_now() + timedelta(hours=1)
    tokens = google.consents.connect(ACCOUNT, SCOPES)
    return {**tokens, "expiresAt": str(int(expiry.timestamp()))}


@dataclass(frozen=True)
class GoogleWorld:
    """Disturbs a fake Google from behind."""

    google: FakeGoogle

    def events(self, calendar: str) -> Sequence[Seen]:
        events = self.google.calendar(calendar).at().values()
        return [_seen(each) for each in events if each["status"] != "cancelled"]

    def owner_adds(self, calendar: str, interval: Interval, **traits: str) -> str:
        event: dict[str, Any] = {"summary": "Private", **span(interval)}
        event |= BUSY.get(traits.get("busy", ""), {})
        if "days" in traits:
            first, last = traits["days"].split()
            event |= {"start": {"date": first}, "end": {"date": last}}
        if "repeat" in traits:
            every, count = traits["repeat"].split()
            rule = f"RRULE:FREQ={_FREQUENCIES[every]};COUNT={count}"
            event["recurrence"] = [rule]
            event |= span(interval, traits["zone"])
        return str(self.google.add(calendar, **event)["id"])

    def owner_moves(self, calendar: str, event_id: str, interval: Interval) -> None:
        self.owner_edits(calendar, event_id, **span(interval))

    def owner_edits(self, calendar: str, event_id: str, **changes: object) -> None:
        """Change fields of an event, or of one occurrence."""
        found = self.google.calendar(calendar).find(event_id)
        assert found is not None
        self.google.calendar(calendar).write({**found, **changes})

    def owner_deletes(self, calendar: str, event_id: str) -> None:
        found = self.google.calendar(calendar).find(event_id)
        assert found is not None
        self.google.calendar(calendar).delete(found)

    def loses_answers(self, times: int) -> None:
        self._trouble(*[Trouble(is_answered=False)] * times)

    def is_slow(self, seconds: float) -> None:
        self._trouble(Trouble(seconds=seconds))

    def hangs(self) -> None:
        self._trouble(Trouble(seconds=3600, is_done=False, is_answered=False))

    def breaks_off(self) -> None:
        self._trouble(Trouble(is_done=False, is_answered=False))

    def fails(self, status: int) -> None:
        self.refuses(status, "backendError")

    def throttles(self, seconds: int, *, as_date: bool) -> None:
        until = utc_now() + timedelta(seconds=seconds)
        text = format_datetime(until, usegmt=True) if as_date else str(seconds)
        answer = refusal(429, "rateLimitExceeded", retry_after=text)
        self._trouble(Trouble(answer=answer))

    def refuses(self, status: int, reason: str) -> None:
        """Answer the next request with an error of the API."""
        self._trouble(Trouble(answer=refusal(status, reason)))

    def _trouble(self, *troubles: Trouble) -> None:
        self.google.wire.troubles.extend(troubles)

    def expires_tokens(self) -> None:
        self.google.consents.passing.clear()

    def revokes(self) -> None:
        self.google.consents.passing.clear()
        self.google.consents.lasting.clear()

    def forgets_changes(self, calendar: str) -> None:
        self.google.calendar(calendar).epoch += 1

    def dies(self) -> None:
        self.google.wire.die()

    def rises(self) -> None:
        self.google.wire.rise()


@dataclass
class GoogleConsent:
    """The owner at Google's consent page."""

    google: FakeGoogle
    needed_scope: str = "https://www.googleapis.com/auth/calendar.events"

    async def gives(self, url: str, *, unticks: str | None = None) -> str:
        asked = parse_qs(urlsplit(url).query)["scope"][0].split()
        granted = " ".join(each for each in asked if each != unticks)
        async with httpx2.AsyncClient(trust_env=False) as client:
            form = {"account": ACCOUNT, "granted": granted}
            answer = await client.post(url, data=form)
        return str(answer.headers["location"])


@asynccontextmanager
async def examined_at(google: FakeGoogle) -> AsyncIterator[Examined]:
    """Open the account of the exams, and a provider that is connected to it."""
    open_account(google)
    async with open_means({"google": google.registration}) as means:
        provider = PROVIDERS["google"](means)
        assert provider is not None
        secrets = connect(google)
        foreign = {**secrets, "accessToken": "a" * 32, "refreshToken": "b" * 32}
        access = Access(TENANT, uuid5(TENANT, ACCOUNT), secrets)
        world = GoogleWorld(google)
        yield Examined(provider, access, ACCOUNT, READ_ONLY, foreign, world)


def span(interval: Interval, zone: str | None = None) -> dict[str, dict[str, str]]:
    """Return both edges as Google writes them."""
    named = {"timeZone": zone} if zone else {}
    return {
        edge: {"dateTime": instant_text(instant), **named}
        for edge, instant in (("start", interval.start), ("end", interval.end))
    }


def _seen(event: Json) -> Seen:
    start, end = (
        from_datetime(datetime.fromisoformat(event[edge]["dateTime"]))
        for edge in ("start", "end")
    )
    return Seen(
        event["id"],
        event["summary"],
        event.get("description"),
        event.get("location"),
        Interval(start, end),
    )
