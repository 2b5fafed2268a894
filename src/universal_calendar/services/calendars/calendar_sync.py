"""Reading calendars: what takes time there takes it here, what owners do is followed.

A sync reads first, then judges, then writes: what takes time in one
transaction, each change of an appointment in one of its own, and last of all where the
next sync begins. Whatever ends it before that, the same is read again, harmlessly. No
transaction is open while a provider is asked.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from uuid import UUID

import structlog

from universal_calendar.core.instant import Duration, Instant
from universal_calendar.core.provider_errors import (
    LooksEmpty,
    ProviderDown,
    ProviderError,
    Throttled,
)
from universal_calendar.core.retry import GiveUp, Reauthorize, Retry, decide
from universal_calendar.core.sync import FRESH, Action, Known, Reading
from universal_calendar.core.sync_plan import plan, strayed_times
from universal_calendar.services.budget import Budget
from universal_calendar.services.calendars.asking import LEASE, Asking
from universal_calendar.services.calendars.calendar_reading import CalendarReading
from universal_calendar.services.calendars.owner_changes import (
    Carried,
    OwnerChanges,
    ReadCalendar,
)
from universal_calendar.services.calendars.schedule_reading import ScheduleReading
from universal_calendar.services.field_service.schedules import Schedules
from universal_calendar.services.ports.calendars import CalendarReader
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
from universal_calendar.services.ports.schedules import Rest
from universal_calendar.services.ports.syncs import ChannelKeeper, SyncRuns, Tally

RESTS: Final = 3
"""So many times as long as reading a schedule took it is left alone after that."""
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


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of reading all there was to read. `error` is the name of a class."""

    began: Instant
    tally: Tally = field(default_factory=Tally)
    error: str | None = None


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
            outcome = await _Sync(self._tools, calendar, budget).run()
        except LeaseLost:
            return  # whoever has it now tells of it
        if runs is not None and outcome is not None:
            done = outcome.began, outcome.tally, outcome.error
            await runs.finished(tenant_id, calendar_id, *done)


class _Sync:
    """One sync of one calendar, under one lease."""

    def __init__(self, tools: Tools, calendar: LeasedCalendar, budget: Budget) -> None:
        self._tools, self._budget = tools, budget
        self._asking = Asking(calendar, budget, tools.mirror, tools.quota)

    @property
    def _calendar(self) -> LeasedCalendar:
        return self._asking.calendar

    async def run(self) -> Outcome | None:
        """Read, judge and write; return what was done, None: it was not read whole."""
        is_schedule = self._calendar.is_schedule
        try:
            return await (self._read_schedule() if is_schedule else self._read())
        except ProviderError as error:
            await self._fail(error)
            return Outcome(self._budget.began, error=type(error).__name__)

    async def _read(self) -> Outcome:
        reader = self._tools.readers.get(self._calendar.provider)
        if reader is None:
            # Switched off in this installation's settings: it may come back.
            raise ProviderDown
        reading, place = await CalendarReading(self._asking, reader).read()
        tally, is_settled = await self._follow(reading)
        after = await self._pause() if is_settled else FRESH
        await self._finish(place if is_settled else None, after)
        return Outcome(reading.began, tally)

    async def _read_schedule(self) -> Outcome | None:
        schedules = self._tools.schedules
        if schedules is None or self._calendar.provider not in schedules.platforms:
            raise ProviderDown  # as where a reader is switched off
        platform = schedules.platforms[self._calendar.provider]
        reading = ScheduleReading(self._asking, platform, schedules)
        named = await reading.named()
        if named is not None:
            _, is_settled = await self._follow(named.reading)
            await schedules.retire_named(self._calendar, named.reading)
            again_at = None if is_settled else self._budget.now + FRESH
            await reading.settle(named, again_at)
        if await reading.is_whole_due():
            return await self._read_whole(schedules, reading)
        await self._give_back(self._calendar.whole_due_at)
        return None

    async def _read_whole(
        self, schedules: Schedules, reading: ScheduleReading
    ) -> Outcome | None:
        found = await reading.whole()
        if found is None:
            await self._give_back(None)
            return None
        tally, is_settled = await self._follow(found.reading)
        await schedules.retire(self._calendar, found.reading)
        at_least, began = RESTS * found.took, found.reading.began
        after = max(await self._pause() if is_settled else FRESH, at_least)
        now = self._budget.now
        rest = Rest(now + after, now + at_least)
        await schedules.store.rest(self._calendar, began, rest)
        await self._finish(found.place if is_settled else None, after)
        return Outcome(began, tally)

    async def _follow(self, reading: Reading) -> tuple[Tally, bool]:
        """Do what follows; tell whether all that was read is settled with it."""
        known, mirror = await self._known(reading), self._tools.mirror
        planned = plan(known, reading, may_be_empty=self._calendar.may_be_empty)
        mirrored = Mirrored(reading.events.keys(), planned.times, reading.is_full)
        tally = await mirror.mirror(self._calendar, mirrored, reading)
        carried = await self._carry_out(planned.actions, reading)
        if carried.refused:
            # What they take was judged as if their moves could be had.
            times = strayed_times(known, reading, carried.refused)
            strayed = Mirrored(carried.refused, times, is_full=False)
            await mirror.mirror(self._calendar, strayed, reading)
        tally = replace(
            tally,
            updated=tally.updated + carried.moved,
            deleted=tally.deleted + carried.cancelled,
        )
        return tally, carried.is_settled

    async def _known(self, reading: Reading) -> Known:
        """Return what is known, visits that were lost sight of among it."""
        await self._asking.extend()
        if self._calendar.is_schedule:
            await self._tools.mirror.adopt(self._calendar, reading)
        return await self._tools.mirror.known(self._calendar, reading)

    async def _carry_out(self, actions: Sequence[Action], reading: Reading) -> Carried:
        tenant_id, calendar_id = self._calendar.tenant_id, self._calendar.calendar_id
        calendar = ReadCalendar(tenant_id, calendar_id, reading)
        return await self._tools.changes.carry_out(calendar, actions, self._budget.now)

    async def _pause(self) -> Duration:
        """Return how long a calendar is left alone that was read well."""
        await self._asking.extend()
        pace = self._tools.pace
        return pace.push_poll if await self._is_told() else pace.poll

    async def _finish(self, place: Place | None, after: Duration) -> None:
        await self._asking.extend()
        now = self._budget.now
        await self._tools.mirror.finish(self._calendar, place, now, now + after)

    async def _give_back(self, due: Instant | None) -> None:
        """End a sync that did not come to the end of a schedule; None: go on soon."""
        now = self._budget.now
        await self._tools.mirror.finish(self._calendar, None, now, due or now)

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
