"""Notifications: told soon, tried three times, never promised."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Final

from universal_calendar.outgoing.errors import OutgoingError
from universal_calendar.outgoing.http import OutgoingRequest, Sender
from universal_calendar.providers.fake.server.faults import FaultKind, Faults
from universal_calendar.providers.fake.server.state import Channel, State

_SECONDS: Final = 5.0
_PAUSES: Final = (0.0, 0.2, 1.0)


class Pushes:
    """Tells the channels of a calendar that something changed in it."""

    def __init__(self, state: State, faults: Faults, now: Callable[[], float]) -> None:
        """Take what knows the channels, and the time in seconds of the epoch."""
        self._state, self._faults, self._now = state, faults, now
        self._sender = Sender(is_guarded=False)
        self._tasks: set[asyncio.Task[None]] = set()

    def tell(self, calendar_id: str) -> None:
        """Tell them all, without waiting for any."""
        for channel in self._state.next_messages(calendar_id, self._now()):
            for _ in range(self._copies(calendar_id)):
                task = asyncio.create_task(self._deliver(channel))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    def _copies(self, calendar_id: str) -> int:
        fault = self._faults.take_push(calendar_id)
        if fault is None:
            return 1
        return 2 if fault.kind is FaultKind.DOUBLE_PUSH else 0

    async def _deliver(self, channel: Channel) -> None:
        request = notification(channel)
        for pause in _PAUSES:
            await asyncio.sleep(pause)
            try:
                answer = await self._sender.send(request, seconds=_SECONDS)
            except OutgoingError:
                continue
            if answer.status < 300:
                return

    async def close(self) -> None:
        """Give up what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._sender.close()


def notification(channel: Channel) -> OutgoingRequest:
    """Return the message, signed with the channel's secret."""
    body = {
        "channelId": channel.channel_id,
        "calendarId": channel.calendar_id,
        "message": channel.message,
    }
    content = json.dumps(body).encode()
    signature = hmac.new(channel.secret.encode(), content, hashlib.sha256).hexdigest()
    headers = {"content-type": "application/json", "sandbox-signature": signature}
    return OutgoingRequest("POST", channel.address, headers, content)
