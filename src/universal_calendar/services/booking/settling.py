"""Settling what a request changed, before it is answered, as far as time allows.

What is not settled in time is due work: the rows say so, and the worker takes it up.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Final, Protocol
from uuid import UUID

import structlog

from universal_calendar.core.instant import Instant
from universal_calendar.services.booking.live_check import ANSWER_SECONDS

EVENT_SECONDS: Final = 1.0
JOB_SECONDS: Final = 2.25
"""What the event of a job gets: a platform is asked several times to make one."""
NOTICE_SECONDS: Final = 2.0
TELLING_SECONDS: Final = 20.0
"""How long telling people may go on after the answer: a mail server that is cut off
before it said yes may have taken the message, and would get it twice."""
_PATIENCE_SECONDS: Final = 0.5
"""How much longer than it was given an attempt may take before it is abandoned."""
_log = structlog.get_logger()


class Settling(Protocol):
    """Makes the world agree with one item's rows: calendars, or people told."""

    async def settle(
        self, tenant_id: UUID, item_id: UUID, now: Instant, /, *, seconds: float
    ) -> object:
        """Try for so many seconds; the rows tell what came of it."""


@dataclass(frozen=True, slots=True)
class Unsettled:
    """What a change left to be settled: the event of an appointment, and a notice."""

    tenant_id: UUID
    appointment_id: UUID
    has_event: bool = False
    notice_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Settlement:
    """Settles events, each in `event_seconds` at most, and notices."""

    events: Settling
    notices: Settling
    event_seconds: float = EVENT_SECONDS
    telling: set[asyncio.Task[None]] = field(default_factory=set)
    """What goes on though its request was answered."""

    async def settle(
        self, unsettled: Unsettled, now: Instant, *, seconds: float = ANSWER_SECONDS
    ) -> None:
        """Try both at once, for so many seconds at most; failing is no error here."""
        attempts: list[Coroutine[None, None, None]] = []
        tenant_id = unsettled.tenant_id
        if unsettled.has_event:
            item = (tenant_id, unsettled.appointment_id)
            writing = max(0.0, min(self.event_seconds, seconds - _PATIENCE_SECONDS))
            attempts.append(_attempt(self.events, item, now, writing))
        if unsettled.notice_id is not None:
            notice = (tenant_id, unsettled.notice_id)
            attempts.append(self._tell(notice, now, min(seconds, NOTICE_SECONDS)))
        await asyncio.gather(*attempts)

    async def _tell(
        self, notice: tuple[UUID, UUID], now: Instant, seconds: float
    ) -> None:
        telling = _attempt(self.notices, notice, now, TELLING_SECONDS)
        task = asyncio.create_task(telling)
        self.telling.add(task)
        task.add_done_callback(self.telling.discard)
        await asyncio.wait({task}, timeout=max(0.0, seconds))

    async def finish(self) -> None:
        """Wait until everybody is told who is being told."""
        if self.telling:
            await asyncio.wait(self.telling)


async def _attempt(
    settling: Settling, item: tuple[UUID, UUID], now: Instant, seconds: float
) -> None:
    try:
        async with asyncio.timeout(seconds + _PATIENCE_SECONDS):
            await settling.settle(*item, now, seconds=seconds)
    except Exception as error:  # the edge of the change, which stands whatever happens
        _log.warning("settling_postponed", error_type=type(error).__qualname__)
