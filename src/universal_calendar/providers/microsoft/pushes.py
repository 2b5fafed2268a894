"""Subscriptions: having Graph tell of changes."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote

from typing_extensions import override

from universal_calendar.core.instant import Instant, from_datetime
from universal_calendar.providers._http import answered_within, json_of
from universal_calendar.providers.microsoft import webhook
from universal_calendar.providers.microsoft.graph import (
    Graph,
    Question,
    found,
)
from universal_calendar.providers.microsoft.times import Json
from universal_calendar.providers.provider import Now
from universal_calendar.services.ports.calendars import (
    Access,
    PushAddress,
    PushChannel,
    PushDelivery,
    PushNotification,
    PushProvider,
)

# What Microsoft's clock may be ahead of ours.
_MARGIN: Final = timedelta(minutes=5)
_PATH: Final = "/subscriptions"


class MicrosoftPushes(PushProvider):
    """Has changes of a mailbox's calendars told."""

    def __init__(self, graph: Graph, now: Now, lifetime: timedelta) -> None:
        """Take Graph, the clock that subscriptions end by, and how long they live."""
        self._graph, self._now, self._lifetime = graph, now, lifetime - _MARGIN

    @override
    async def open_channel(
        self, access: Access, calendar: str, address: PushAddress, *, seconds: float
    ) -> PushChannel:
        """Have changes told; what the channel had before is closed first.

        Graph asks the address whether it is there before it answers.
        """
        url = webhook.address_of(address.url, address.channel_id)
        wanted = {
            "changeType": "created,updated,deleted",
            "notificationUrl": url,
            "lifecycleNotificationUrl": url,
            "resource": f"/me/calendars/{calendar}/events",
            "expirationDateTime": _text(self._now() + self._lifetime),
            "clientState": address.secret,
        }
        async with answered_within(seconds):
            await self._close_those_at(access, url, seconds)
            question = Question("POST", _PATH, body=wanted, expected=(404,))
            answer = await self._graph.ask(access, question, seconds)
            return _channel(address.channel_id, json_of(found(answer)))

    async def _close_those_at(self, access: Access, url: str, seconds: float) -> None:
        """Close what was opened by a request whose answer was lost."""
        open_ones = self._graph.pages(access, Question("GET", _PATH), seconds)
        stale = [
            str(each["id"])
            async for each in open_ones
            if each.get("notificationUrl") == url
        ]
        for each in stale:
            await self._close(access, each, seconds)

    @override
    async def close_channel(
        self, access: Access, channel: PushChannel, *, seconds: float
    ) -> None:
        """Have it told no more."""
        async with answered_within(seconds):
            await self._close(access, channel.external_id, seconds)

    async def _close(self, access: Access, external_id: str, seconds: float) -> None:
        path = f"{_PATH}/{quote(external_id, safe='')}"
        question = Question("DELETE", path, expected=(404, 410))
        await self._graph.ask(access, question, seconds)

    @override
    def challenge(self, delivery: PushDelivery) -> str | None:
        """Return the token by which Graph finds out whether we are there."""
        return webhook.challenge(delivery.query)

    @override
    def notifications(self, delivery: PushDelivery) -> Sequence[PushNotification]:
        """Read a delivery; one that was only missed tells of a change."""
        return webhook.read(delivery)

    @override
    def is_genuine(
        self, delivery: PushDelivery, notification: PushNotification, secret: str
    ) -> bool:
        """Tell whether who sent it knows the secret that we gave Graph."""
        return webhook.is_genuine(notification.proof, secret)


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _channel(channel_id: str, subscription: Json) -> PushChannel:
    return PushChannel(
        channel_id,
        str(subscription["id"]),
        _instant(subscription["expirationDateTime"]),
    )


def _instant(text: str) -> Instant:
    # Python 3.11 reads no more than six fractional digits with an offset behind.
    seconds, _, _ = text.partition(".")
    return from_datetime(datetime.fromisoformat(f"{seconds.removesuffix('Z')}+00:00"))
