"""Calendars outside: what is written to them, and what they answer.

Errors of every call, of core.provider_errors: Throttled and ProviderDown (try again
later), NotAuthorized (the owner must connect again), Rejected (trying again is no use).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, runtime_checkable
from uuid import UUID

from universal_calendar.core.busy import BusyType
from universal_calendar.core.instant import Instant
from universal_calendar.core.interval import Interval, Intervals
from universal_calendar.services.ports.visits import Visit, VisitDraft


@dataclass(frozen=True, slots=True)
class Access:
    """What opens an account at a provider: tokens or keys, as its adapter wants them.

    `connection_id` is ours; adapters keep nothing by it but what may be lost.
    `timezone` is by whose days all-day events are read where the calendar has no zone.
    """

    tenant_id: UUID
    connection_id: UUID
    secrets: Mapping[str, str] = field(repr=False)
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True)
class EventDraft:
    """An appointment as an event. `event_key` makes writing it twice one event.

    `event_key` is 5 to 64 characters of a-v and 0-9 (Google's rule, which fits all),
    made from the appointment's id and the link's generation. `visit` is what only
    field-service platforms want to know. `is_first`: nobody tried to write it under
    this key before, so that nothing of it can be there.
    """

    event_key: str
    tenant_id: UUID
    appointment_id: UUID
    interval: Interval
    timezone: str
    sequence: int
    title: str = field(repr=False)
    description: str | None = field(default=None, repr=False)
    location: str | None = field(default=None, repr=False)
    visit: VisitDraft | None = field(default=None, repr=False)
    is_first: bool = False


@dataclass(frozen=True, slots=True)
class WrittenEvent:
    """An event as its provider knows it; `visit` where that is what it is."""

    event_id: str
    etag: str | None
    visit: Visit | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ProviderCalendar:
    """A provider's collection of events.

    `is_schedule`: a field-service platform's, with visits of many technicians.
    """

    external_id: str
    name: str = field(repr=False)
    is_primary: bool
    is_writable: bool
    is_schedule: bool = False


@dataclass(frozen=True, slots=True)
class ProviderAccount:
    """Whose account was connected, and its calendars."""

    account: str = field(repr=False)
    calendars: Sequence[ProviderCalendar]
    timezone: str | None = None
    """Of IANA's names, where the provider tells."""


class ChangedEvent(NamedTuple):
    """An event as it is now: what it says replaces all that was known of `event_id`.

    `intervals` lie in the window asked about, one for each occurrence: none once the
    event is deleted or has moved out. All-day events are read in the calendar's zone.
    No title and no attendee: nobody here is to know them, but for visits of platforms.
    `technicians` are the platform's ids of those whose time it takes, NOBODY where it
    is nobody's; None: it takes the time of everybody whom the calendar blocks.
    A tuple, because a sync makes one of each of thousands of events.
    """

    event_id: str
    etag: str | None
    is_deleted: bool
    is_all_day: bool
    busy: BusyType | None
    """None where it takes no time: free, declined, cancelled."""
    intervals: Intervals
    appointment_id: UUID | None
    """Of the appointment, where the event is one that we wrote for this tenant."""
    technicians: tuple[str, ...] | None = None
    visit: Visit | None = None

    @classmethod
    def gone(cls, event_id: str) -> "ChangedEvent":
        """Return an event that is no more."""
        return cls(
            event_id,
            etag=None,
            is_deleted=True,
            is_all_day=False,
            busy=None,
            intervals=(),
            appointment_id=None,
        )


@dataclass(frozen=True, slots=True)
class ChangesQuery:
    """What to read: everything, or what changed since a sync token was given.

    `window` bounds the occurrences; a provider may freeze it in its tokens, so a window
    that has moved on is read without one.
    """

    calendar: str
    window: Interval
    sync_token: str | None = field(default=None, repr=False)
    page_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ChangesPage:
    """A page of events; only the last has a sync token, every other a next page."""

    events: Sequence[ChangedEvent]
    next_page: ChangesQuery | None
    sync_token: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class TakenTime:
    """An interval that is taken in a calendar right now.

    `appointment_id`: of the appointment, where the event is one that we wrote for this
    tenant. `technicians`: as of a ChangedEvent. `event_id` None: nobody tells which.
    """

    interval: Interval
    busy: BusyType
    appointment_id: UUID | None = None
    technicians: tuple[str, ...] | None = None
    event_id: str | None = None


@dataclass(frozen=True, slots=True)
class PushAddress:
    """Where a provider is to tell of changes, and the secret that will prove it."""

    channel_id: str
    url: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class PushChannel:
    """An open channel. `external_id` is what closes it; it tells until `expires_at`."""

    channel_id: str
    external_id: str = field(repr=False)
    expires_at: Instant


@dataclass(frozen=True, slots=True)
class PushDelivery:
    """What came to our webhook; header names in lower case."""

    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class PushNotification:
    """Says, unproven, that something changed in the channel's calendar.

    `is_channel_lost`: the channel itself tells no more, or soon will not.
    """

    channel_id: str
    proof: str = field(repr=False)
    is_channel_lost: bool = False


@runtime_checkable
class CalendarProvider(Protocol):
    """Writes events; every call ends within `seconds` or raises.

    Raises, of core.provider_errors: Throttled and ProviderDown (try again later),
    NotAuthorized (the owner must connect again), EventChanged (read it and decide
    again), Rejected (trying again is no use).
    """

    async def account(self, access: Access, *, seconds: float) -> ProviderAccount:
        """Return whose account this is, and its calendars."""

    async def put_event(
        self,
        access: Access,
        calendar: str,
        draft: EventDraft,
        known: WrittenEvent | None,
        *,
        seconds: float,
    ) -> WrittenEvent:
        """Write the event as drafted, whether it is there or not.

        Safe to repeat when an answer was lost: one event, as drafted last. Raises
        EventChanged, with the event's id, if others changed it since our last write:
        `known` without an etag writes over whatever it says now. Raises EventGone if
        they deleted it: only a draft with another `event_key` can be written then.
        """

    async def delete_event(
        self,
        access: Access,
        calendar: str,
        event_id: str,
        *,
        seconds: float,
        reason: str | None = None,
    ) -> None:
        """Delete the event; one that is gone already is no error.

        `reason` is for platforms that keep why a visit was cancelled.
        """


@runtime_checkable
class CalendarReader(Protocol):
    """Tells what is in a calendar and what changed there."""

    async def changes(
        self, access: Access, query: ChangesQuery, *, seconds: float
    ) -> ChangesPage:
        """Return one page; raise SyncTokenStale if all must be read again.

        Raises Rejected for a calendar that is not there.
        """

    async def taken(
        self,
        access: Access,
        calendars: Sequence[str],
        window: Interval,
        *,
        seconds: float,
    ) -> Mapping[str, Sequence[TakenTime]]:
        """Return what is taken in a window of a few days, of each calendar, now.

        A calendar that the provider could not tell about is left out: never free.
        """


@runtime_checkable
class PushProvider(Protocol):
    """Calls us when a calendar changes. A hint, never the truth: polling goes on."""

    async def open_channel(
        self, access: Access, calendar: str, address: PushAddress, *, seconds: float
    ) -> PushChannel:
        """Have changes of the calendar told to the address."""

    async def close_channel(
        self, access: Access, channel: PushChannel, *, seconds: float
    ) -> None:
        """Have it told no more; a channel that is gone already is no error."""

    def challenge(self, delivery: PushDelivery) -> str | None:
        """Return the text to answer to who only asks whether we are there, else None.

        The answer is plain text of at most 4,096 characters.
        """

    def notifications(self, delivery: PushDelivery) -> Sequence[PushNotification]:
        """Read a delivery without trusting it; raise InvalidField if it is none."""

    def is_genuine(
        self, delivery: PushDelivery, notification: PushNotification, secret: str
    ) -> bool:
        """Tell whether who sent it knows the channel's secret; never raises."""
