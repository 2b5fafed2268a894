"""Notifications of Graph: reading them, and telling who sent them.

They say whose subscription it is by an id of Graph's; ours stands in the URL that they
come to, as `channel`.
"""

import hmac
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

import orjson

from universal_calendar.core.errors import InvalidField
from universal_calendar.services.ports.calendars import PushDelivery, PushNotification

_CHANNEL: Final = "channel"
_LOST: Final = frozenset({"reauthorizationRequired", "subscriptionRemoved"})
_LONGEST_TOKEN: Final = 4096


def address_of(url: str, channel_id: str) -> str:
    """Return the URL with the channel in its query, where it does not name one yet."""
    query = urlsplit(url).query
    if _CHANNEL in parse_qs(query):
        return url
    return f"{url}{'&' if query else '?'}{urlencode({_CHANNEL: channel_id})}"


def challenge(query: Mapping[str, str]) -> str | None:
    """Return what Graph wants to hear before it opens a subscription."""
    token = query.get("validationToken")
    return token if token and len(token) <= _LONGEST_TOKEN else None


def read(delivery: PushDelivery) -> Sequence[PushNotification]:
    """Read a delivery; raise InvalidField if it is no notification."""
    channel_id = delivery.query.get(_CHANNEL)
    if not channel_id:
        raise InvalidField(_CHANNEL, "send to the URL of an open channel")
    read = (_notification(channel_id, each) for each in _items(delivery.content))
    return tuple(dict.fromkeys(read))


def _items(content: bytes) -> list[Any]:
    try:
        items = orjson.loads(content)["value"]
    except (KeyError, TypeError, ValueError):
        items = None
    if not isinstance(items, list) or not items:
        raise InvalidField("value", "send notifications of a subscription")
    return items


def _notification(channel_id: str, item: object) -> PushNotification:
    told = item if isinstance(item, dict) else {}
    if not isinstance(told.get("subscriptionId"), str):
        raise InvalidField("subscriptionId", "name the subscription")
    proof, event = told.get("clientState"), told.get("lifecycleEvent")
    return PushNotification(
        channel_id,
        proof if isinstance(proof, str) else "",
        is_channel_lost=isinstance(event, str) and event in _LOST,
    )


def is_genuine(proof: str, secret: str) -> bool:
    """Tell whether the proof is the secret, in a time that tells nothing of either."""
    given, expected = (each.encode("utf-8", "replace") for each in (proof, secret))
    return hmac.compare_digest(given, expected)
