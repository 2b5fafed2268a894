"""Between Graph's JSON and ours. Malformed JSON raises ValueError and its like.

Whose event it is stands in its transactionId, which every answer tells; our mark, which
tells of who wrote last, in an extended property, which only some can be asked for.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import Final
from uuid import UUID

import orjson

from universal_calendar.providers._fingerprint import Mark, Seen, mark_of
from universal_calendar.providers.microsoft.times import (
    Json,
    instant_of,
    time_text,
    zone_of,
)
from universal_calendar.services.ports.calendars import (
    EventDraft,
    ProviderAccount,
    ProviderCalendar,
    WrittenEvent,
)

_OURS: Final = "uc:"
_LONGEST_SUBJECT: Final = 255  # Exchange has no room for more
_NAMESPACE: Final = "String {6f0f3c1e-5b0b-4d3c-9a57-0d6f4a1f7c52} Name"
KEY_PROPERTY: Final = f"{_NAMESPACE} UniversalCalendarKey"
MARK_PROPERTY: Final = f"{_NAMESPACE} UniversalCalendarMark"
WITH_MARK: Final = f"singleValueExtendedProperties($filter=id eq '{MARK_PROPERTY}')"


def account_of(
    person: Json, calendars: list[Json], settings: Json | None
) -> ProviderAccount:
    """Read an account and its calendars; `settings` are the mailbox's, if told."""
    zone = zone_of((settings or {}).get("timeZone"))
    return ProviderAccount(
        str(person.get("mail") or person["userPrincipalName"]),
        tuple(_calendar(each) for each in calendars),
        zone.key if zone else None,
    )


def _calendar(calendar: Json) -> ProviderCalendar:
    return ProviderCalendar(
        str(calendar["id"]),
        str(calendar.get("name") or ""),
        is_primary=bool(calendar.get("isDefaultCalendar")),
        is_writable=bool(calendar.get("canEdit")),
    )


# Writing


def body_of(draft: EventDraft) -> Json:
    """Write a draft as an event's body; what it lacks is emptied."""
    body: Json = {
        "subject": draft.title[:_LONGEST_SUBJECT],
        "body": {"contentType": "text", "content": draft.description or ""},
        "location": {"displayName": draft.location or ""},
        "start": time_text(draft.interval.start),
        "end": time_text(draft.interval.end),
        "isAllDay": False,
        "showAs": "busy",
    }
    mark = orjson.dumps(mark_of(draft, seen_of(body))).decode()
    return body | {
        "singleValueExtendedProperties": [
            {"id": KEY_PROPERTY, "value": transaction_of(draft)},
            {"id": MARK_PROPERTY, "value": mark},
        ]
    }


def transaction_of(draft: EventDraft) -> str:
    """Return the transactionId of a draft: 55 characters.

    It says whose appointment it is, and a digest of the event's key.
    """
    digest = sha256(draft.event_key.encode()).digest()[:7]
    whole = draft.tenant_id.bytes + draft.appointment_id.bytes + digest
    return _OURS + urlsafe_b64encode(whole).decode()


def appointment_of(event: Json, tenant_id: UUID) -> UUID | None:
    """Return the appointment of an event that we wrote for this tenant."""
    transaction = event.get("transactionId") or ""
    if not transaction.startswith(_OURS):
        return None
    try:
        whole = urlsafe_b64decode(transaction.removeprefix(_OURS))
        tenant, appointment = UUID(bytes=whole[:16]), UUID(bytes=whole[16:32])
    except ValueError:
        return None  # anybody may choose such an id
    return appointment if tenant == tenant_id else None


def seen_of(event: Json) -> Seen:
    """Return what people see; white space apart, in which Graph is not exact."""
    return (
        _words(event.get("subject")),
        _words((event.get("body") or {}).get("content")),
        _words((event.get("location") or {}).get("displayName")),
        instant_of(event["start"]),
        instant_of(event["end"]),
        bool(event.get("isAllDay")),
        bool(event.get("isCancelled")),
        event.get("showAs"),
        event.get("type", "singleInstance"),
    )


def _words(text: str | None) -> str:
    return " ".join((text or "").split())


def mark_in(event: Json) -> Mark:
    """Return the mark that an event carries; empty where it has none of ours."""
    for each in event.get("singleValueExtendedProperties") or ():
        if each["id"].casefold() == MARK_PROPERTY.casefold():
            return _mark(each.get("value") or "")
    return {}


def _mark(text: str) -> Mark:
    try:
        found = orjson.loads(text)
    except ValueError:
        return {}  # others may write there too
    return found if isinstance(found, dict) else {}


def written_event(event: Json) -> WrittenEvent:
    """Read what is to be remembered of an event that was written."""
    return WrittenEvent(str(event["id"]), str(event["@odata.etag"]))
