"""Channels by which Google tells that a calendar changed.

Vendor's guide: https://developers.google.com/workspace/calendar/api/guides/push
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from typing_extensions import override

from universal_calendar.core.instant import Instant, from_datetime
from universal_calendar.core.provider_errors import Rejected
from universal_calendar.providers._http import answered_within, json_of
from universal_calendar.providers.google import webhook
from universal_calendar.providers.google.api import GoogleApi, Question, events_path
from universal_calendar.providers.google.mapping import Json
from universal_calendar.providers.provider import Now
from universal_calendar.services.ports.calendars import (
    Access,
    PushAddress,
    PushChannel,
    PushDelivery,
    PushNotification,
    PushProvider,
)

_LIFETIME: Final = timedelta(days=7)


class GoogleChannels(PushProvider):
    """Opens and closes channels, and reads what comes through them."""

    def __init__(self, api: GoogleApi, now: Now) -> None:
        """Take what asks Google, and the clock."""
        self._api, self._now = api, now

    @override
    async def open_channel(
        self, access: Access, calendar: str, address: PushAddress, *, seconds: float
    ) -> PushChannel:
        """Have changes told; an earlier channel tells on until it is closed or ends."""
        now = self._now()
        body = {
            # No id serves twice: an answer that was lost leaves a channel of its own.
            "id": webhook.google_id(address.channel_id, now),
            "type": "web_hook",
            "address": address.url,
            "token": address.secret,
            "expiration": str(int((now + _LIFETIME).timestamp() * 1000)),
        }
        question = Question(
            "POST", f"{events_path(calendar)}/watch", body, expected=(404,)
        )
        async with answered_within(seconds):
            answer = await self._api.asking(access, seconds)(question)
            if answer.status == 404:
                raise Rejected  # the calendar is not there
            return _channel(address.channel_id, json_of(answer))

    @override
    async def close_channel(
        self, access: Access, channel: PushChannel, *, seconds: float
    ) -> None:
        """Have it told no more; a channel that is gone already is no error."""
        google_id, _, resource_id = channel.external_id.partition(" ")
        body = {"id": google_id, "resourceId": resource_id}
        question = Question("POST", "/channels/stop", body, expected=(404,))
        async with answered_within(seconds):
            await self._api.asking(access, seconds)(question)

    @override
    def challenge(self, delivery: PushDelivery) -> str | None:
        """Return None: Google never asks."""

    @override
    def notifications(self, delivery: PushDelivery) -> Sequence[PushNotification]:
        """Read a delivery; raise InvalidField if it is no notification."""
        return (webhook.read(delivery),)

    @override
    def is_genuine(
        self, delivery: PushDelivery, notification: PushNotification, secret: str
    ) -> bool:
        """Tell whether who sent it knows the channel's secret."""
        return webhook.is_genuine(notification.proof, secret)


def _channel(channel_id: str, answer: Json) -> PushChannel:
    external_id = f"{answer['id']} {answer['resourceId']}"
    return PushChannel(channel_id, external_id, _expiry(answer))


def _expiry(answer: Json) -> Instant:
    """Read milliseconds since 1970."""
    return from_datetime(datetime.fromtimestamp(int(answer["expiration"]) / 1000, UTC))
