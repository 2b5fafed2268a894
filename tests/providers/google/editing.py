"""Inserting and changing events, and what the fake Google refuses there."""

import re
from datetime import UTC, datetime

from tests.providers.google.calendars import moment
from tests.providers.google.refusals import Refusal
from tests.providers.google.wire import Json

LONGEST_DESCRIPTION = 8192
_ID = re.compile(r"[a-v0-9]{5,1024}")


def new_event(body: Json, number: int) -> Json:
    """Return an event as inserted; raise Refusal."""
    event = {"id": f"given{number:08d}", **body}
    if not _ID.fullmatch(event["id"]):
        raise Refusal(400, "invalid")
    return checked(event)


def merged(event: Json, patch: Json) -> Json:
    """Return the event with a patch on it: null clears, objects are merged."""
    found = dict(event)
    for name, value in patch.items():
        if value is None:
            found.pop(name, None)
        elif isinstance(value, dict) and isinstance(found.get(name), dict):
            found[name] = merged(found[name], value)
        else:
            found[name] = value
    return found


def checked(event: Json) -> Json:
    """Return the event, if it may be so; raise Refusal."""
    start, end = event["start"], event["end"]
    kinds = {tuple(sorted({"date", "dateTime"} & set(each))) for each in (start, end)}
    if kinds not in ({("date",)}, {("dateTime",)}):
        raise Refusal(400, "invalid")
    if moment(end, "UTC") < moment(start, "UTC"):
        raise Refusal(400, "timeRangeEmpty")
    if moment(start, "UTC") < datetime(1900, 1, 1, tzinfo=UTC):
        raise Refusal(400, "invalid")
    if len(event.get("description", "")) > LONGEST_DESCRIPTION:
        raise Refusal(400, "invalid")
    return event
