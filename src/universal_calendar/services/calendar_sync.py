"""Reading calendars: what takes time there takes it here, what owners do is followed.

A sync reads everything first, then judges, then writes: what takes time in one
transaction, each change of an appointment in one of its own, and last of all where the
next sync begins. Whatever ends it before that, the same is read again, harmlessly. No
transaction is open while a provider is asked.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final
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
    FRESH,
    Reading,
    is_outgrown,
    plan,
    window_at,
)
from universal_calendar.services.budget import Budget, ended_after
from universal_calendar.services.owner_changes import OwnerChanges, ReadCalendar
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
        known = await tools.mirror.known(self._calendar, reading)
        planned = plan(known, reading, may_be_empty=self._calendar.may_be_empty)
        mirrored = Mirrored(reading.events.keys(), planned.times, reading.is_full)
        tally = await tools.mirror.mirror(self._calendar, mirrored, reading)
        carried = await tools.changes.carry_out(
            ReadCalendar(self._calendar.tenant_id, self._calendar.calendar_id, reading),
            planned.actions,
            self._budget.now,
        )
        await self._finish(place if carried.is_settled else None)
        return replace(
            tally,
            updated=tally.updated + carried.moved,
            deleted=tally.deleted + carried.cancelled,
        )

    async def _read(self) -> tuple[Reading, Place]:
        """Read what changed; or everything, where that cannot be told."""
        calendar = self._calendar
        is_full = calendar.is_full_wanted or is_outgrown(
            calendar.window_end, self._budget.now
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
        window = self._window(began, is_full=token is None)
        query: ChangesQuery | None = ChangesQuery(
            self._calendar.external_id, window, token
        )
        last_token = None
        while query is not None:
            page = await self._page(query)
            events.update((event.event_id, event) for event in page.events)
            query, last_token = page.next_page, page.sync_token
        if last_token is None:
            raise ProviderDown  # nobody could say where to go on
        reading = Reading(events, window, token is None, began)
        return reading, Place(last_token, window, token is None)

    def _window(self, now: Instant, *, is_full: bool) -> Interval:
        window, end = window_at(now), self._calendar.window_end
        return window if is_full or end is None else Interval(window.start, end)

    async def _page(self, query: ChangesQuery) -> ChangesPage:
        """Return a page; where it is told to slow down for a moment, it does."""
        while True:
            try:
                return await self._ask(query)
            except Throttled as error:
                pause = error.retry_after
                if pause is None or pause > min(LONGEST_PAUSE, self._budget.left):
                    raise
            await asyncio.sleep(max(pause, _SHORTEST_PAUSE))

    async def _ask(self, query: ChangesQuery) -> ChangesPage:
        calendar, budget = self._calendar, self._budget
        reader = self._tools.readers.get(calendar.provider)
        if reader is None:
            # Switched off in this installation's settings: it may come back.
            raise ProviderDown
        await self._extend()
        await self._tools.quota.take(calendar.access.connection_id, budget.now)
        seconds = min(budget.left, PAGE_SECONDS)
        async with ended_after(seconds):
            page = await reader.changes(calendar.access, query, seconds=seconds)
        await asyncio.sleep(self._rest(page))
        return page

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
