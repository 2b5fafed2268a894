"""Broadcasts as a channel: whoever of the tenant is online sees what changed."""

import asyncio
from typing import Final

from universal_calendar.core.instant import Instant
from universal_calendar.services.notices.notice_data import appointment_data
from universal_calendar.services.ports.notices import (
    DeliveryError,
    Message,
    NoticeKind,
    Outcome,
    Verdict,
)
from universal_calendar.services.ports.platform import (
    Broadcaster,
    BroadcastEvent,
    PlatformDown,
    PlatformFailed,
)

_EVENTS: Final = {
    NoticeKind.CREATED: BroadcastEvent.NEW_APPOINTMENT,
    NoticeKind.UPDATED: BroadcastEvent.APPOINTMENT_UPDATED,
    NoticeKind.CANCELLED: BroadcastEvent.APPOINTMENT_CANCELLED,
}


class BroadcastChannel:
    """The port `Channel` on the port `Broadcaster`."""

    def __init__(self, broadcaster: Broadcaster) -> None:
        """Take the port."""
        self._broadcaster = broadcaster

    async def send(self, message: Message, *, now: Instant, seconds: float) -> Outcome:
        """Hand the event over; acceptance does not mean that anybody was online."""
        notice, snapshot = message.notice, message.notice.snapshot
        event = _EVENTS.get(notice.kind)
        if event is None or snapshot is None:
            return Outcome(Verdict.REFUSED, DeliveryError.INVALID_RECIPIENT)
        data = appointment_data(snapshot)
        try:
            async with asyncio.timeout(seconds):
                await self._broadcaster.broadcast(notice.tenant_id, event, data)
        except TimeoutError:
            return Outcome(Verdict.LATER, DeliveryError.TIMED_OUT)
        except PlatformDown:
            return Outcome(Verdict.LATER, DeliveryError.UNREACHABLE)
        except PlatformFailed:
            return Outcome(Verdict.LATER, DeliveryError.REJECTED)
        return Outcome(Verdict.ACCEPTED)
