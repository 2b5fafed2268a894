"""The stand-in as an exam's world, and its owner's browser."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

import requests

from tests.contracts.world import Seen
from tests.providers.microsoft.mailbox import Event, Mailbox, Series, new_id
from tests.providers.microsoft.server import FakeMicrosoft, Fault
from universal_calendar.core.instant import from_datetime, to_datetime
from universal_calendar.core.interval import Interval

_SHOWN_AS = {"free": "free", "tentative": "tentative", "away": "oof"}
_DAYS = {"day": 1, "week": 7}


@dataclass(frozen=True)
class MicrosoftWorld:
    """Looks into the mailbox from behind."""

    microsoft: FakeMicrosoft

    @property
    def mailbox(self) -> Mailbox:
        return self.microsoft.mailbox

    def events(self, calendar: str) -> Sequence[Seen]:
        with self.microsoft.lock:
            return [_seen(each) for each in self.mailbox.there(calendar)]

    def owner_adds(self, calendar: str, interval: Interval, **traits: str) -> str:
        event = Event(new_id(), calendar, *_edges(interval), zone=self.mailbox.zone)
        event.subject = "Private"
        busy = traits.get("busy", "")
        event.show_as = traits.get("show_as") or _SHOWN_AS.get(busy, "busy")
        event.response = "declined" if busy == "declined" else "organizer"
        if "days" in traits:
            first, last = (_midnight(each) for each in traits["days"].split())
            event.start, event.end, event.is_all_day = first, last, True
        if "repeat" in traits:
            every, count = traits["repeat"].split()
            zone = event.zone = traits["zone"]
            event.series = Series(_DAYS[every], int(count), zone)
        with self.microsoft.lock:
            self.mailbox.add(event)
        self._tell(event, "created")
        return event.event_id

    def owner_moves(self, calendar: str, event_id: str, interval: Interval) -> None:
        start, end = _edges(interval)
        self.owner_changes(event_id, start=start, end=end)

    def owner_changes(self, event_id: str, **fields: object) -> None:
        """Change fields of an event, such as `is_cancelled=True`."""
        with self.microsoft.lock:
            event = self.mailbox.all[event_id]
            for name, value in fields.items():
                assert hasattr(event, name)
                setattr(event, name, value)
            self.mailbox.touch(event)
        self._tell(event, "updated")

    @staticmethod
    def edges(interval: Interval) -> tuple[datetime, datetime]:
        return _edges(interval)

    def owner_changes_occurrence(
        self, event_id: str, number: int, **fields: object
    ) -> None:
        """Change one occurrence of a series; without fields, delete it."""
        with self.microsoft.lock:
            event = self.mailbox.all[event_id]
            assert event.series is not None
            event.series.changes[number] = dict(fields) or None
            self.mailbox.touch(event)

    def owner_deletes(self, calendar: str, event_id: str) -> None:
        with self.microsoft.lock:
            event = self.mailbox.all[event_id]
            self.mailbox.delete(event)
        self._tell(event, "deleted")

    def graph_touches(self, event_id: str) -> None:
        """Give an event another etag, as Graph does for no reason that shows."""
        with self.microsoft.lock:
            self.mailbox.touch(self.mailbox.all[event_id])

    def _tell(self, event: Event, change: str) -> None:
        self.microsoft.subscriptions.tell_of(event.calendar_id, change, event.event_id)

    def loses_answers(self, times: int) -> None:
        self._strike(*[Fault("lost", writes=True)] * times)

    def is_slow(self, seconds: float) -> None:
        self._strike(Fault("slow", seconds))

    def hangs(self) -> None:
        self._strike(Fault("hang"))

    def breaks_off(self) -> None:
        self._strike(Fault("break"))

    def fails(self, status: int) -> None:
        self._strike(Fault("failure", status))

    def throttles(self, seconds: int, *, as_date: bool) -> None:
        self._strike(Fault("throttle until" if as_date else "throttle", seconds))

    def _strike(self, *faults: Fault) -> None:
        self.microsoft.faults.extend(faults)

    def expires_tokens(self) -> None:
        self.microsoft.login.expire()

    def revokes(self) -> None:
        self.microsoft.login.revoke()

    def forgets_changes(self, calendar: str) -> None:
        self.mailbox.calendars[calendar].forgotten += 1

    def dies(self) -> None:
        self.microsoft.http.die()

    def rises(self) -> None:
        self.microsoft.http.rise()


class MicrosoftConsent:
    """The owner, who agrees to what the page asks."""

    needed_scope = "Calendars.ReadWrite"

    async def gives(self, url: str, *, unticks: str | None = None) -> str:
        extra = {"unticked": unticks} if unticks else {}
        answer = await asyncio.to_thread(
            requests.get, url, params=extra, allow_redirects=False, timeout=10
        )
        assert answer.status_code == 302
        return answer.headers["location"]


def _edges(interval: Interval) -> tuple[datetime, datetime]:
    return to_datetime(interval.start), to_datetime(interval.end)


def _midnight(day: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), time.min, UTC)


def _seen(event: Event) -> Seen:
    return Seen(
        event.event_id,
        event.subject,
        event.text or None,
        event.place or None,
        Interval(from_datetime(event.start), from_datetime(event.end)),
    )
