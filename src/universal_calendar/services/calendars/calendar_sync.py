"""Reading calendars: what takes time there takes it here, what owners do is followed.

A sync reads everything first, then judges, then writes: what takes time in one
transaction, each change of an appointment in one of its own, and last of all where the
next sync begins. Whatever ends it before that, the same is read again, harmlessly. No
transaction is open while a provider is asked.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeVar
from uuid import UUID

import structlog

from universal_calendar.core.instant import Duration, Instant
from universal_calendar.core.interval import Interval
from universal_calendar.core.provider_errors import (
    LooksEmpty,
    ProviderDown,
    ProviderError,
    SyncTokenStale,
    Throttled,
)
from universal_calendar.core.retry import SECOND, GiveUp, Reauthorize, Retry, decide
from universal_calendar.core.sync import (
    DAYS_BEHIND,
    FRESH,
    SCHEDULE_DAYS_BEHIND,
    Reading,
    is_outgrown,
    plan,
    window_at,
)
from universal_calendar.services.budget import Budget, ended_after
from universal_calendar.services.calendars.owner_changes import (
    OwnerChanges,
    ReadCalendar,
)
from universal_calendar.services.field_service.schedules import Agents, Schedules
from universal_calendar.services.ports.calendars import (
    CalendarReader,
    ChangedEvent,
    ChangesPage,
    ChangesQuery,
)
from universal_calendar.services.ports.connections import (
    ConnectionStatus,
    OutgoingQuota,
)
from universal_calendar.services.ports.mirror import (
    LeasedCalendar,
    LeaseLost,
    Mirrored,
    MirrorStore,
    Place,
    Trouble,
)
from universal_calendar.services.ports.syncs import ChannelKeeper, SyncRuns, Tally

Answer = TypeVar("Answer")

PAGE_SECONDS: Final = 20.0
LONGEST_PAUSE: Final = 5.0
"""So long a sync waits in the middle when it is told to slow down."""
LEASE: Final[Duration] = 60 * SECOND
"""Half of it is always left: a page takes less, and so does a pause before it."""
_SHORTEST_PAUSE: Final = 0.2
_REST_SECONDS: Final = 0.0008
"""For each event that was read, and only while there is time."""
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Pace:
    """How often calendars are read: those that tell nothing, and those that do.

    `jitter` draws from [0, 1): what failed together does not come back together.
    """

    poll: Duration
    push_poll: Duration
    jitter: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Tools:
    """What every sync works with; readers by provider. None: nobody is there to ask."""

    mirror: MirrorStore
    readers: Mapping[str, CalendarReader]
    changes: OwnerChanges
    quota: OutgoingQuota
    pace: Pace
    runs: SyncRuns | None = None
    channels: ChannelKeeper | None = None
    schedules: Schedules | None = None


class CalendarSync:
    """Reads calendars. Any number of processes may: each calendar is read by one."""

    def __init__(self, tools: Tools) -> None:
        """Take what syncs work with."""
        self._tools = tools

    async def settle(
        self, tenant_id: UUID, calendar_id: UUID, now: Instant, *, seconds: float
    ) -> None:
        """Read a calendar that is due, in so many seconds.

        What its provider refuses or leaves open is in the rows, never raised. Raises
        DatabaseUnavailable; the calendar is then read again.
        """
        budget, runs = Budget.beginning(now, seconds), self._tools.runs
        mirror = self._tools.mirror
        calendar = await mirror.lease(tenant_id, calendar_id, now, now + LEASE)
        if calendar is None:
            return
        if runs is not None:
            await runs.begun(tenant_id, calendar_id, now)
        try:
            tally, error = await _Sync(self._tools, calendar, budget).run()
        except LeaseLost:
            return  # whoever has it now tells of it
        if runs is not None:
            await runs.finished(tenant_id, calendar_id, now, tally, error)


class _Sync:
    """One sync of one calendar, under one lease."""

    def __init__(self, tools: Tools, calendar: LeasedCalendar, budget: Budget) -> None:
        self._tools, self._calendar, self._budget = tools, calendar, budget

    async def run(self) -> tuple[Tally, str | None]:
        """Read, judge and write; return what was done, and the name of an error."""
        try:
            return await self._synced(), None
        except ProviderError as error:
            await self._fail(error)
            return Tally(), type(error).__name__

    async def _synced(self) -> Tally:
        tools, (reading, place) = self._tools, await self._read()
        await self._extend()
        if self._calendar.is_schedule:
            await tools.mirror.adopt(self._calendar, reading)
        known = await tools.mirror.known(self._calendar, reading)
        planned = plan(known, reading, may_be_empty=self._calendar.may_be_empty)
        mirrored = Mirrored(reading.events.keys(), planned.times, reading.is_full)
        tally = await tools.mirror.mirror(self._calendar, mirrored, reading)
        if self._calendar.is_schedule:
            await self._schedules.retire(self._calendar, reading)
        carried = await tools.changes.carry_out(
            ReadCalendar(self._calendar.tenant_id, self._calendar.calendar_id, reading),
            planned.actions,
            self._budget.now,
        )
        # Whose time a visit of ours takes was judged as if its move could be had.
        is_misjudged = self._calendar.is_schedule and carried.refused > 0
        is_settled = carried.is_settled and not is_misjudged
        await self._finish(place if is_settled else None)
        return replace(
            tally,
            updated=tally.updated + carried.moved,
            deleted=tally.deleted + carried.cancelled,
        )

    async def _read(self) -> tuple[Reading, Place]:
        """Read what changed; or everything, where that cannot be told."""
        calendar = self._calendar
        is_full = (
            calendar.is_schedule
            or calendar.is_full_wanted
            or is_outgrown(calendar.window_end, self._budget.now)
        )
        token = None if is_full else calendar.sync_token
        if token is None:
            return await self._read_from(None)
        try:
            return await self._read_from(token)
        except SyncTokenStale:
            return await self._read_from(None)

    async def _read_from(self, token: str | None) -> tuple[Reading, Place]:
        began, events = self._budget.now, dict[str, ChangedEvent]()
        agents = await self._technicians() if self._calendar.is_schedule else {}
        window = self._window(began, is_full=token is None)
        query: ChangesQuery | None = ChangesQuery(
            self._calendar.external_id, window, token
        )
        last_token = None
        while query is not None:
            page = await self._page(query, agents)
            events.update((event.event_id, event) for event in page.events)
            query, last_token = page.next_page, page.sync_token
        if last_token is None:
            raise ProviderDown  # nobody could say where to go on
        reading = Reading(events, window, token is None, began, agents)
        return reading, Place(last_token, window, token is None)

    def _window(self, now: Instant, *, is_full: bool) -> Interval:
        is_schedule, end = self._calendar.is_schedule, self._calendar.window_end
        window = window_at(now, SCHEDULE_DAYS_BEHIND if is_schedule else DAYS_BEHIND)
        return window if is_full or end is None else Interval(window.start, end)

    @property
    def _schedules(self) -> Schedules:
        schedules = self._tools.schedules
        if schedules is None or self._calendar.provider not in schedules.platforms:
            raise ProviderDown  # as where a reader is switched off
        return schedules

    async def _technicians(self) -> Agents:
        """Return technicians' agents, as of now: before any visit is read."""
        calendar, schedules = self._calendar, self._schedules
        platform = schedules.platforms[calendar.provider]
        return await self._patiently(
            lambda seconds: schedules.technicians.refresh(
                platform, calendar.access, self._budget.now, seconds=seconds
            )
        )

    async def _page(self, query: ChangesQuery, agents: Agents) -> ChangesPage:
        calendar, asked_at = self._calendar, self._budget.now
        reader = self._tools.readers.get(calendar.provider)
        if reader is None:
            # Switched off in this installation's settings: it may come back.
            raise ProviderDown
        page = await self._patiently(
            lambda seconds: reader.changes(calendar.access, query, seconds=seconds)
        )
        if calendar.is_schedule:
            events = await self._schedules.keep(calendar, page, agents, asked_at)
            page = replace(page, events=events)
        await asyncio.sleep(self._rest(page))
        return page

    async def _patiently(self, ask: Callable[[float], Awaitable[Answer]]) -> Answer:
        """Return an answer; where it is told to slow down for a moment, it does."""
        while True:
            try:
                return await self._asked(ask)
            except Throttled as error:
                pause = error.retry_after
                if pause is None or pause > min(LONGEST_PAUSE, self._budget.left):
                    raise
            await asyncio.sleep(max(pause, _SHORTEST_PAUSE))

    async def _asked(self, ask: Callable[[float], Awaitable[Answer]]) -> Answer:
        await self._extend()
        connection_id, budget = self._calendar.access.connection_id, self._budget
        await self._tools.quota.take(connection_id, budget.now)
        seconds = min(budget.left, PAGE_SECONDS)
        async with ended_after(seconds):
            return await ask(seconds)

    def _rest(self, page: ChangesPage) -> float:
        """Return how long whoever asks for slots in this process comes first."""
        if page.next_page is None or self._budget.left < self._budget.seconds / 2:
            return 0
        return _REST_SECONDS * len(page.events)

    async def _extend(self) -> None:
        now = self._budget.now
        if self._calendar.leased_until - now < LEASE // 2:
            extended = await self._tools.mirror.extend(self._calendar, now + LEASE)
            self._calendar = extended

    async def _finish(self, place: Place | None) -> None:
        pace, after = self._tools.pace, FRESH
        if place is not None:
            await self._extend()
            after = pace.push_poll if await self._is_told() else pace.poll
        now = self._budget.now
        await self._tools.mirror.finish(self._calendar, place, now, now + after)

    async def _is_told(self) -> bool:
        """Tell whether the provider says by itself when something changes."""
        channels, calendar = self._tools.channels, self._calendar
        if channels is None:
            return False
        return await channels.keep(
            calendar.tenant_id, calendar.calendar_id, self._budget.now
        )

    async def _fail(self, error: ProviderError) -> None:
        now = self._budget.now
        trouble, after = self._consequence(error, now)
        await self._tools.mirror.fail(self._calendar, trouble, now, now + after)
        _log.warning(
            "sync_failed",
            tenant_id=str(self._calendar.tenant_id),
            error_type=trouble.error,
        )

    def _consequence(
        self, error: ProviderError, now: Instant
    ) -> tuple[Trouble, Duration]:
        """Return what follows for the connection, and when to try again."""
        name, pace = type(error).__name__, self._tools.pace
        failing = ConnectionStatus.FAILING
        if isinstance(error, LooksEmpty):
            return Trouble(name, failing), pace.poll
        match decide(error, self._calendar.attempts, pace.jitter()):
            case GiveUp():
                return Trouble(name, failing), pace.push_poll
            case Reauthorize(after):
                status = ConnectionStatus.NEEDS_REAUTHORIZATION
                return Trouble(name, status, now + after), after
            case Retry(after, pause):
                paused_until = now + pause if pause else None
                if isinstance(error, Throttled):
                    return Trouble(name, None, paused_until), after
                return Trouble(name, failing, paused_until), min(after, pace.poll)
