"""The outside of an exam: a provider's account, its owner, and what can go wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from universal_calendar.core.interval import Interval
from universal_calendar.providers.provider import Provider
from universal_calendar.services.ports.calendars import Access


@dataclass(frozen=True)
class Seen:
    """An event as its owner sees it."""

    event_id: str
    title: str
    description: str | None
    location: str | None
    interval: Interval


class World(Protocol):
    """Looks at the provider from behind, and disturbs it."""

    def events(self, calendar: str) -> Sequence[Seen]:
        """Return what is in the calendar."""

    def owner_adds(self, calendar: str, interval: Interval, **traits: str) -> str:
        """Add an event; return its id.

        Traits: `busy` is free, tentative, away or declined; `repeat` is such as
        `week 3`, in zone `zone`; `days` is such as `2026-03-07 2026-03-09`, in place of
        the interval.
        """

    def owner_moves(self, calendar: str, event_id: str, interval: Interval) -> None:
        """Move an event."""

    def owner_deletes(self, calendar: str, event_id: str) -> None:
        """Delete an event."""

    def loses_answers(self, times: int) -> None:
        """Do what the next requests ask, and break off instead of answering."""

    def is_slow(self, seconds: float) -> None:
        """Answer the next request so late."""

    def hangs(self) -> None:
        """Never answer the next request."""

    def breaks_off(self) -> None:
        """Break the next request's connection, having done nothing."""

    def fails(self, status: int) -> None:
        """Answer the next request with this status of 500 to 599."""

    def throttles(self, seconds: int, *, as_date: bool) -> None:
        """Ask the next request to come back later."""

    def expires_tokens(self) -> None:
        """Let the access token be one that has expired."""

    def revokes(self) -> None:
        """Withdraw the owner's consent."""

    def forgets_changes(self, calendar: str) -> None:
        """Make sync tokens stale."""

    def dies(self) -> None:
        """Kill the provider."""

    def rises(self) -> None:
        """Start it again where it was."""


@dataclass(frozen=True)
class Examined:
    """A provider with one connected account.

    `read_only` is a calendar of it that cannot be written to; `foreign` are credentials
    that the provider never gave. `remembers_deleted`: it knows which keys were those of
    events that are deleted. Where it does not, an event whose creation was never
    answered cannot be told from one that its owner deleted: it is made again.
    """

    provider: Provider
    access: Access
    calendar: str
    read_only: str
    foreign: Mapping[str, str]
    world: World
    remembers_deleted: bool = True
