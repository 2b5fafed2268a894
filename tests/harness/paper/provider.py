"""A calendar provider on paper: remembers every event, and fails when told to."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from universal_calendar.core.provider_errors import (
    EventGone,
    NotAuthorized,
    ProviderDown,
    ProviderError,
)
from universal_calendar.services.ports.calendars import (
    Access,
    EventDraft,
    ProviderAccount,
    ProviderCalendar,
    WrittenEvent,
)

GOOD = {"password": "paper"}


@dataclass
class Paper:
    """Keeps events by calendar and key. Safe to write to from many tasks."""

    events: dict[tuple[str, str], EventDraft] = field(default_factory=dict)
    burnt: set[tuple[str, str]] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)
    knew: list[WrittenEvent | None] = field(default_factory=list)
    """What each write was told of the event that it writes."""
    before: deque[ProviderError] = field(default_factory=deque)
    """Errors of the next calls, which then do nothing."""
    after: deque[ProviderError] = field(default_factory=deque)
    """Errors of the next calls, which did what was asked all the same."""
    delay: float = 0.0
    is_hanging: bool = False
    meanwhile: Callable[[], "asyncio.Future[None]"] | None = None
    names: Sequence[str] = ("Work", "Moon")
    """Calendars, the first primary and the only one that is writable."""
    running: int = 0
    most_at_once: int = 0

    async def account(self, access: Access, *, seconds: float) -> ProviderAccount:
        """Return the calendars."""
        if access.secrets.get("password") != GOOD["password"]:
            raise NotAuthorized
        return ProviderAccount(
            access.secrets.get("account", "ann@paper.test"),
            [self._calendar(name) for name in self.names],
        )

    def _calendar(self, name: str) -> ProviderCalendar:
        is_first = name == self.names[0]
        return ProviderCalendar(
            f"cal-{name}", name, is_primary=is_first, is_writable=is_first
        )

    async def put_event(
        self,
        access: Access,
        calendar: str,
        draft: EventDraft,
        known: WrittenEvent | None,
        *,
        seconds: float,
    ) -> WrittenEvent:
        """Write; the event's id here is not its key."""
        self.knew.append(known)
        await self._begin("put", access)
        try:
            place = (calendar, draft.event_key)
            if place in self.burnt:
                raise EventGone
            self.events[place] = draft
            self._lose_answer()
            return WrittenEvent(f"id-{draft.event_key}", f'"{draft.sequence}"')
        finally:
            self.running -= 1

    async def delete_event(
        self,
        access: Access,
        calendar: str,
        event_id: str,
        *,
        seconds: float,
        reason: str | None = None,
    ) -> None:
        """Delete, and burn the key."""
        await self._begin("delete", access)
        try:
            place = (calendar, event_id.removeprefix("id-"))
            self.events.pop(place, None)
            self.burnt.add(place)
            self._lose_answer()
        finally:
            self.running -= 1

    async def _begin(self, call: str, access: Access) -> None:
        self.calls.append(call)
        self.running += 1
        self.most_at_once = max(self.most_at_once, self.running)
        try:
            await self._suffer(access)
        except BaseException:
            self.running -= 1
            raise

    async def _suffer(self, access: Access) -> None:
        await asyncio.sleep(self.delay)
        if self.is_hanging:
            await asyncio.Event().wait()
        if self.before:
            raise self.before.popleft()
        if access.secrets.get("password") != GOOD["password"]:
            raise NotAuthorized
        if self.meanwhile is not None:
            happening, self.meanwhile = self.meanwhile, None
            await happening()

    def _lose_answer(self) -> None:
        if self.after:
            raise self.after.popleft()

    def down(self, times: int) -> None:
        """Be down for so many calls."""
        self.before.extend(ProviderDown() for _ in range(times))
