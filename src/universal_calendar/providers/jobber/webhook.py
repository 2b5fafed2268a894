"""Webhooks of Jobber: who sent them, and what they say has changed.

They have ids alone; what is changed there, only asking again tells.
"""

import hmac
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Final

import orjson

from universal_calendar.core.errors import InvalidField, Unproven
from universal_calendar.core.instant import HOUR, Instant, from_datetime
from universal_calendar.services.ports.calendars import PushDelivery
from universal_calendar.services.ports.visits import PlatformHint

OLDEST: Final = 6 * HOUR
"""So far from now may an event be that is told of.

Jobber repeats what was not taken, and does not say for how long. What is older was
found out by polling; a copy that somebody kept must not end a connection that was
renewed.
"""
_SIGNATURE: Final = "x-jobber-hmac-sha256"
_LONGEST_ID: Final = 255
# Visits belong to jobs, and show clients' properties; assessments belong to requests.
_OF_SCHEDULE: Final = ("JOB_", "REQUEST_", "PROPERTY_", "USER_")


def read(
    delivery: PushDelivery, secret: str | None, now: Instant
) -> Sequence[PlatformHint]:
    """Return what a delivery tells of; raise Unproven, or InvalidField."""
    _check_sender(delivery, secret)
    event = _event(delivery.content)
    topic, account = _text(event, "topic"), _text(event, "accountId")
    item, occurred_at = _text(event, "itemId"), _occurred_at(event)
    if abs(now - occurred_at) > OLDEST:
        raise Unproven
    if topic == "APP_DISCONNECT":
        return [PlatformHint(account, occurred_at, is_disconnected=True)]
    if topic.startswith("CLIENT_"):
        return [PlatformHint(account, occurred_at, customer_id=item)]
    if topic.startswith("VISIT_"):
        return [PlatformHint(account, occurred_at, is_schedule=True, name=item)]
    if topic.startswith(_OF_SCHEDULE):
        return [PlatformHint(account, occurred_at, is_schedule=True)]
    return []


def _check_sender(delivery: PushDelivery, secret: str | None) -> None:
    given = delivery.headers.get(_SIGNATURE, "")
    if not secret or not given:
        raise Unproven
    wanted = b64encode(hmac.digest(secret.encode(), delivery.content, sha256))
    # Of strings it compares ASCII only, and headers come as Latin-1.
    if not hmac.compare_digest(wanted, given.encode("utf-8", "replace")):
        raise Unproven


def _event(content: bytes) -> Mapping[str, object]:
    try:
        event = orjson.loads(content)["data"]["webHookEvent"]
    except (KeyError, TypeError, ValueError):
        raise _no_delivery() from None
    if not isinstance(event, dict):
        raise _no_delivery()
    return event


def _text(event: Mapping[str, object], name: str) -> str:
    value = event.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_ID:
        raise _no_delivery()
    if "\0" in value:
        raise _no_delivery()
    return value


def _occurred_at(event: Mapping[str, object]) -> Instant:
    """Read when it happened; to apps of before December 2023 it is spelt otherwise."""
    name = "occurredAt" if "occurredAt" in event else "occuredAt"
    try:
        moment = datetime.fromisoformat(_text(event, name))
        if moment.tzinfo is None:
            raise _no_delivery()
        return from_datetime(moment)
    except (ValueError, OverflowError):
        raise _no_delivery() from None


def _no_delivery() -> InvalidField:
    return InvalidField("webHookEvent", "send an event of Jobber")
