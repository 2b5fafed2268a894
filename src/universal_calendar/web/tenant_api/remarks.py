"""What the tenant API says of calendars of which too little is known."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from universal_calendar.core.instant import Instant, instant_text
from universal_calendar.core.silence import Silence
from universal_calendar.web.tenant_api.fields import Answered


class CalendarWarning(Answered):
    """A connected calendar that does not answer."""

    code: Literal[
        "calendar_stale", "calendar_unchecked", "calendar_unknown", "calendar_closed"
    ]
    provider: str
    since: Annotated[
        datetime | None, Field(description="When its provider began to fail.")
    ]
    as_of: Annotated[datetime | None, Field(description="When it was last read.")]
    message: Annotated[
        str,
        Field(
            examples=[
                "The google calendar has not answered since 2026-12-05T14:30:00Z;"
                " busy times are as of 2026-12-05T14:25:00Z."
            ]
        ),
    ]


class Remarked(Answered):
    """An answer that depends on connected calendars."""

    warnings: Annotated[
        list[CalendarWarning] | SkipJsonSchema[None],
        Field(description="Only while a calendar does not answer."),
    ] = None
    verified: Annotated[
        bool | SkipJsonSchema[None],
        Field(
            description="False if what is busy in some calendar is not known; else left"
            " out."
        ),
    ] = None


def remarks(silences: Iterable[Silence]) -> dict[str, object]:
    """Write the fields of a Remarked answer: none if there is nothing to say."""
    told = list(dict.fromkeys(silences))
    if not told:
        return {}
    found: dict[str, object] = {"warnings": warnings(told)}
    if not all(each.is_verified for each in told):
        found["verified"] = False
    return found


def warnings(silences: Iterable[Silence]) -> list[dict[str, object]]:
    """Write a CalendarWarning for each."""
    return [
        {
            "code": each.code,
            "provider": each.provider,
            "since": _text(each.since),
            "asOf": _text(each.as_of),
            "message": each.message,
        }
        for each in silences
    ]


def _text(instant: Instant | None) -> str | None:
    return None if instant is None else instant_text(instant)
