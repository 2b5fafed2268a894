"""Notifications of Google: reading them, and telling who sent them.

They have no body: everything is in headers. What they say of the resource's state does
not matter, `sync` (the channel is open) is as good a reason to look as any.
"""

import hmac
from datetime import datetime
from typing import Final

from universal_calendar.core.errors import InvalidField
from universal_calendar.services.ports.calendars import (
    PushDelivery,
    PushNotification,
)

_CHANNEL_ID: Final = "x-goog-channel-id"
_CHANNEL_TOKEN: Final = "x-goog-channel-token"  # noqa: S105 - the name of a header


def google_id(channel_id: str, now: datetime) -> str:
    """Return an id that Google has not seen yet, for a channel of ours."""
    return f"{channel_id}_{int(now.timestamp() * 1_000_000):x}"


def read(delivery: PushDelivery) -> PushNotification:
    """Read a delivery; raise InvalidField if it is no notification."""
    channel_id, _, _ = delivery.headers.get(_CHANNEL_ID, "").rpartition("_")
    if not channel_id:
        raise InvalidField("channelId", "send a notification of an open channel")
    return PushNotification(channel_id, delivery.headers.get(_CHANNEL_TOKEN, ""))


def is_genuine(token: str, secret: str) -> bool:
    """Tell whether the token is the channel's secret."""
    # Of strings it compares ASCII only, and headers come as Latin-1.
    return hmac.compare_digest(secret.encode(), token.encode("utf-8", "replace"))
