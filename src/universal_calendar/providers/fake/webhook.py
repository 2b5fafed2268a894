"""Notifications of the sandbox: reading them, and telling who sent them."""

import hashlib
import hmac
from typing import Final

import orjson

from universal_calendar.core.errors import InvalidField
from universal_calendar.services.ports.calendars import (
    PushDelivery,
    PushNotification,
)

_SIGNATURE: Final = "sandbox-signature"


def read(delivery: PushDelivery) -> PushNotification:
    """Read a delivery; raise InvalidField if it is no notification."""
    try:
        channel_id = orjson.loads(delivery.content)["channelId"]
    except (KeyError, TypeError, ValueError):
        channel_id = None
    if not isinstance(channel_id, str):
        raise InvalidField("channelId", "send a notification of an open channel")
    return PushNotification(channel_id, delivery.headers.get(_SIGNATURE, ""))


def is_genuine(content: bytes, signature: str, secret: str) -> bool:
    """Tell whether the signature is the HMAC-SHA256 of the content, in hex."""
    expected = hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()
    # Of strings it compares ASCII only, and headers come as Latin-1.
    return hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace"))
