"""Channels of the fake Google, and the pushes that go through them."""

import asyncio
import re
import secrets
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx2

from tests.providers.google.refusals import Refusal
from tests.providers.google.wire import Json, Wire
from universal_calendar.clock import utc_now

_ID = re.compile(r"[A-Za-z0-9\-_+/=]{1,64}")
_MOST = timedelta(days=30)
# Pushes here go to plain HTTP; reading certificates for each would take most of a test.
_TRUSTS_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@dataclass
class Channel:
    id: str
    calendar: str
    address: str
    token: str
    resource_id: str
    expires_at: datetime
    number: int = 0


class Channels:
    """Who is told of changes. No id serves twice."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._open: dict[str, Channel] = {}
        self._used: set[str] = set()
        self._pushing: set[asyncio.Task[None]] = set()

    def open(self, calendar: str, body: Json) -> Json:
        """Open a channel and say so through it; raise Refusal."""
        if not _ID.fullmatch(body["id"]) or body["type"] != "web_hook":
            raise Refusal(400, "invalid")
        if body["id"] in self._used:
            raise Refusal(400, "channelIdNotUnique")
        self._used.add(body["id"])
        wanted = datetime.fromtimestamp(int(body["expiration"]) / 1000, UTC)
        channel = Channel(
            body["id"],
            calendar,
            body["address"],
            body.get("token", ""),
            secrets.token_urlsafe(16),
            min(wanted, utc_now() + _MOST),
        )
        self._open[channel.id] = channel
        self._push(channel, "sync")
        return {
            "kind": "api#channel",
            "id": channel.id,
            "resourceId": channel.resource_id,
            "resourceUri": f"{self._wire.url}/calendar/v3/calendars/{calendar}/events",
            "token": channel.token,
            "expiration": str(int(channel.expires_at.timestamp() * 1000)),
        }

    def stop(self, body: Json) -> None:
        """Close a channel; raise Refusal where there is none."""
        channel = self._open.get(body["id"])
        if channel is None or channel.resource_id != body["resourceId"]:
            raise Refusal(404, "notFound")
        del self._open[channel.id]

    def count(self, calendar: str) -> int:
        """Return how many channels tell of a calendar."""
        return sum(each.calendar == calendar for each in self._open.values())

    def teller(self, calendar: str) -> Callable[[], None]:
        """Return what is to be called when a calendar changes."""

        def tell() -> None:
            for each in self._open.values():
                if each.calendar == calendar:
                    self._push(each, "exists")

        return tell

    def _push(self, channel: Channel, state: str) -> None:
        channel.number += 1
        headers = {
            "x-goog-channel-id": channel.id,
            "x-goog-channel-token": channel.token,
            "x-goog-channel-expiration": format_datetime(
                channel.expires_at, usegmt=True
            ),
            "x-goog-resource-id": channel.resource_id,
            "x-goog-resource-uri": f"{self._wire.url}/calendar/v3/calendars/x/events",
            "x-goog-resource-state": state,
            "x-goog-message-number": str(channel.number),
        }
        task = asyncio.create_task(_pushed(channel.address, headers))
        self._pushing.add(task)
        task.add_done_callback(self._pushing.discard)

    async def close(self) -> None:
        """Push no more."""
        for task in self._pushing:
            task.cancel()
        await asyncio.gather(*self._pushing, return_exceptions=True)


async def _pushed(address: str, headers: dict[str, str]) -> None:
    async with httpx2.AsyncClient(trust_env=False, verify=_TRUSTS_NOBODY) as client:
        for pause in (0.05, 0.2, 1.0):
            try:
                answer = await client.post(address, headers=headers)
            except httpx2.HTTPError:
                return  # whoever listened is gone
            if answer.status_code not in (500, 502, 503, 504):
                return
            await asyncio.sleep(pause)
