"""Webhooks of Housecall Pro: who sent them, and what they say has changed.

What they say of a job or a customer is not used: only asking again tells what it is.
"""

import hmac
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

import orjson

from universal_calendar.core.errors import InvalidField, Unproven
from universal_calendar.core.instant import DAY, MINUTE, Instant, from_datetime
from universal_calendar.services.ports.calendars import PushDelivery
from universal_calendar.services.ports.visits import PlatformHint

OLDEST: Final = 5 * MINUTE
"""So far may a delivery's timestamp be from now."""
LONGEST_AGO: Final = 30 * DAY
"""So old are the oldest events that are still told."""
_LONGEST_ID: Final = 255
_TRIAL: Final = {"foo": "bar"}
"""Comes to an address that is being entered, which is kept if this is taken."""
_LONGEST_TRIAL: Final = 64


def read(
    delivery: PushDelivery, secret: str | None, now: Instant
) -> Sequence[PlatformHint]:
    """Return what a delivery tells of; raise Unproven, or InvalidField."""
    if _is_trial(delivery.content):
        return []  # signed or not, nothing follows from it
    _check_sender(delivery, secret, now)
    try:
        body = orjson.loads(delivery.content)
    except ValueError:
        raise _no_delivery() from None
    if not isinstance(body, dict):
        raise _no_delivery()
    account, event = _id_of(body.get("company_id")), body.get("event")
    if not isinstance(event, str):
        raise _no_delivery()
    occurred_at = _instant(body.get("event_occurred_at"), now)
    if event.startswith("job."):
        job = body.get("job")
        name = _id_of(job["id"]) if isinstance(job, dict) and "id" in job else None
        return [PlatformHint(account, occurred_at, is_schedule=True, name=name)]
    if not event.startswith("customer."):
        return []
    customer = body.get("customer")
    customer_id = _id_of(customer.get("id") if isinstance(customer, dict) else None)
    return [PlatformHint(account, occurred_at, customer_id=customer_id)]


def _is_trial(content: bytes) -> bool:
    try:
        return len(content) <= _LONGEST_TRIAL and orjson.loads(content) == _TRIAL
    except ValueError:
        return False


def _check_sender(delivery: PushDelivery, secret: str | None, now: Instant) -> None:
    timestamp = delivery.headers.get("api-timestamp", "")
    given = delivery.headers.get("api-signature", "")
    if not secret or not timestamp or not given:
        raise Unproven
    text = timestamp.encode("utf-8", "replace") + b"." + delivery.content
    wanted = hmac.new(secret.encode(), text, sha256).hexdigest()
    # Of strings it compares ASCII only, and headers come as Latin-1.
    if not hmac.compare_digest(wanted.encode(), given.encode("utf-8", "replace")):
        raise Unproven
    sent_at = _sent_at(timestamp)
    if sent_at is None or abs(now - sent_at) > OLDEST:
        raise Unproven


def _sent_at(timestamp: str) -> Instant | None:
    """Read a timestamp: seconds since 1970, or a date and time."""
    if timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 11:
        return from_datetime(datetime.fromtimestamp(int(timestamp), UTC))
    return _moment(timestamp)


def _instant(text: object, now: Instant) -> Instant:
    """Read when something happened; what cannot be is told as of now."""
    found = _moment(text) if isinstance(text, str) else None
    is_likely = found is not None and now - LONGEST_AGO < found < now + OLDEST
    return found if found is not None and is_likely else now


def _moment(text: str) -> Instant | None:
    try:
        moment = datetime.fromisoformat(text)
        return from_datetime(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return None


def _id_of(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_ID:
        raise _no_delivery()
    return value


def _no_delivery() -> InvalidField:
    return InvalidField("event", "send an event of Housecall Pro")
