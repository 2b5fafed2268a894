"""Reading a platform's schedule: what webhooks named, and all of it now and then.

Reading all of a large schedule takes longer than a task has time, for platforms count
what they are asked. So what was read is kept when time runs out or the platform asks to
wait, and the next sync goes on with the next page. What is read by name meanwhile is
newer than what pages said of it, and takes its place.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from universal_calendar.core.instant import HOUR, Duration, Instant
from universal_calendar.core.interval import Interval
from universal_calendar.core.provider_errors import (
    NotAuthorized,
    ProviderDown,
    ProviderError,
    Rejected,
    Throttled,
)
from universal_calendar.core.sync import (
    SCHEDULE_DAYS_BEHIND,
    Reading,
    is_outgrown,
    window_at,
)
from universal_calendar.services.calendars.asking import PAGE_SECONDS, Asking
from universal_calendar.services.field_service.schedules import Schedules
from universal_calendar.services.field_service.technicians import Agents
from universal_calendar.services.ports.calendars import (
    ChangedEvent,
    ChangesPage,
    ChangesQuery,
)
from universal_calendar.services.ports.field_service import FieldServiceProvider
from universal_calendar.services.ports.mirror import Place
from universal_calendar.services.ports.schedules import HalfReading, NamedVisit

_OLDEST: Final = 3 * HOUR
"""A reading that began longer ago is begun anew."""
_GOES_ON: Final = (Throttled, ProviderDown, NotAuthorized)
"""After these the same page can be asked for again."""
_LATE: Final = 0.25
"""Once so little of its time is left, a sync asks for no other page."""


@dataclass(frozen=True, slots=True)
class NamedReading:
    """What webhooks named, and what was read of it."""

    named: Sequence[NamedVisit]
    events: Mapping[str, ChangedEvent] = field(repr=False)
    reading: Reading


@dataclass(frozen=True, slots=True)
class WholeReading:
    """All of a schedule, and for how long it was read, pauses left out."""

    reading: Reading
    place: Place
    took: Duration


class ScheduleReading:
    """The readings of a schedule by one sync."""

    def __init__(
        self, asking: Asking, platform: FieldServiceProvider, schedules: Schedules
    ) -> None:
        """Take what asks, and whom."""
        self._asking, self._platform = asking, platform
        self._schedules, self._store = schedules, schedules.store

    async def is_whole_due(self) -> bool:
        """Tell whether all of it is to be read, or the rest of it."""
        calendar, now = self._asking.calendar, self._asking.budget.now
        if calendar.is_whole_due or calendar.is_full_wanted:
            return True
        if is_outgrown(calendar.window_end, now):
            return True
        return await self._store.half_read(calendar) is not None

    async def named(self) -> NamedReading | None:
        """Read what was named; None: nothing was that is to be read by now."""
        began = self._asking.budget.now
        named = await self._store.named(self._asking.calendar, began)
        if not named:
            return None
        window, events = _window(began), dict[str, ChangedEvent]()
        for each in named:
            try:
                found = await self._told_of(each.name, window)
            except Rejected:
                await self._hint(began)
                continue
            events.update((event.event_id, event) for event in found)
        agents = await self._agents_of(events.values())
        judged = await self._kept(list(events.values()), agents, began)
        reading = Reading(judged, window, is_full=False, began=began, agents=agents)
        return NamedReading(named, judged, reading)

    async def settle(self, named: NamedReading, again_at: Instant | None) -> None:
        """Forget what was named, or have it read again then; it replaces older news."""
        calendar = self._asking.calendar
        half = await self._store.half_read(calendar)
        if half is not None:
            events = {**half.events, **named.events}
            await self._store.keep(calendar, replace(half, events=events))
        await self._store.settle(calendar, named.named, again_at)

    async def whole(self) -> WholeReading | None:
        """Read all of it; None: time ran out, and the next sync goes on.

        Raises what the platform raises; what was read until then is kept, if it is of
        use.
        """
        half, agents = await self._half_read(), await self._refreshed()
        events, before = dict(half.events), half.spent
        while not self._is_late:
            asked_at = self._asking.budget.now
            try:
                page = await self._page(half)
            except ProviderError as error:
                await self._keep(half if isinstance(error, _GOES_ON) else None)
                raise
            events.update(await self._kept(page.events, agents, asked_at))
            half = replace(half, events=events, spent=before + self._spent)
            if page.next_page is None:
                return _ended(half, agents, page)
            half = replace(half, page_token=page.next_page.page_token)
        await self._keep(half)
        return None

    @property
    def _spent(self) -> Duration:
        return self._asking.budget.now - self._asking.budget.began

    @property
    def _is_late(self) -> bool:
        budget = self._asking.budget
        return budget.left < min(PAGE_SECONDS, _LATE * budget.seconds)

    async def _half_read(self) -> HalfReading:
        """Return how far a reading came before, or the beginning of one."""
        calendar, now = self._asking.calendar, self._asking.budget.began
        half = await self._store.half_read(calendar)
        if half is not None and half.began > now - _OLDEST:
            return half
        return HalfReading(now, _window(now))

    async def _keep(self, half: HalfReading | None) -> None:
        """Keep what was read, if anything was."""
        is_begun = half is not None and half.events
        await self._store.keep(self._asking.calendar, half if is_begun else None)

    async def _page(self, half: HalfReading) -> ChangesPage:
        calendar = self._asking.calendar
        query = ChangesQuery(calendar.external_id, half.window, None, half.page_token)
        return await self._asking.page(self._platform, query)

    async def _hint(self, now: Instant) -> None:
        """Have all of it read: so it tells of what it does not tell by name."""
        calendar = self._asking.calendar
        schedule = [calendar.calendar_id]
        await self._store.hint(calendar.tenant_id, schedule, None, now)

    async def _told_of(self, name: str, window: Interval) -> Sequence[ChangedEvent]:
        """Return what a name stands for, as it is now, and what is gone of it."""
        found = await self._asking.patiently(
            lambda seconds: self._platform.named(
                self._asking.calendar.access, name, window, seconds=seconds
            )
        )
        there = {each.event_id for each in found}
        known = await self._store.events_of(self._asking.calendar, name)
        lost = (each for each in known if each not in there)
        return [*found, *map(ChangedEvent.gone, lost)]

    async def _kept(
        self, found: Sequence[ChangedEvent], agents: Agents, asked_at: Instant
    ) -> Mapping[str, ChangedEvent]:
        """Keep the visits; return the events without them, by their ids."""
        calendar = self._asking.calendar
        judged = await self._schedules.keep(calendar, found, agents, asked_at)
        return {each.event_id: each for each in judged}

    async def _agents_of(self, found: Iterable[ChangedEvent]) -> Agents:
        """Return technicians' agents; somebody unknown has the platform asked again."""
        access = self._asking.calendar.access
        known = await self._schedules.technicians.all(
            access.tenant_id, access.connection_id
        )
        agents = {each.technician.technician_id: each.agent_id for each in known}
        names = {name for each in found for name in each.technicians or ()}
        return agents if names <= agents.keys() else await self._refreshed()

    async def _refreshed(self) -> Agents:
        """Return technicians' agents, as of now: before any visit is judged."""
        technicians, asking = self._schedules.technicians, self._asking
        return await asking.patiently(
            lambda seconds: technicians.refresh(
                self._platform,
                asking.calendar.access,
                asking.budget.now,
                seconds=seconds,
            )
        )


def _window(now: Instant) -> Interval:
    return window_at(now, SCHEDULE_DAYS_BEHIND)


def _ended(half: HalfReading, agents: Agents, page: ChangesPage) -> WholeReading:
    if page.sync_token is None:
        raise ProviderDown  # nobody could say where to go on
    window = half.window
    reading = Reading(
        half.events, window, is_full=True, began=half.began, agents=agents
    )
    place = Place(page.sync_token, window, is_full=True)
    return WholeReading(reading, place, half.spent)
