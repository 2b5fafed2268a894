"""What the sandbox accepts; `contract.json` says the same to everybody else."""

import datetime
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    model_validator,
)
from pydantic.alias_generators import to_camel

from universal_calendar.core.localtime import zone_named

_INSTANT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"
_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_ID = r"^[a-v0-9]{5,1024}$"

Id = Annotated[str, Field(pattern=_ID)]
Text = Annotated[str, Field(max_length=8192)]
Name = Annotated[str, Field(min_length=1, max_length=255)]
Zone = Annotated[str, AfterValidator(lambda name: zone_named(name).key)]


class _Model(BaseModel):
    model_config = ConfigDict(
        strict=True, extra="forbid", alias_generator=to_camel, validate_by_name=False
    )


class Moment(_Model):
    """An instant in UTC, or a day of no zone."""

    at: Annotated[str, Field(pattern=_INSTANT)] | None = None
    date: Annotated[str, Field(pattern=_DATE)] | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.at is None) == (self.date is None):
            raise ValueError("either at or date")
        self.value()
        return self

    def value(self) -> datetime.datetime | datetime.date:
        """Return it as Python knows it; raise ValueError for no such day."""
        if self.at is not None:
            return datetime.datetime.fromisoformat(self.at)
        return datetime.date.fromisoformat(str(self.date))


class Recurrence(_Model):
    """A series: so many events, a day or a week apart by the clocks of its zone."""

    every: Literal["day", "week"]
    count: Annotated[int, Field(ge=1, le=1000)]


class EventBody(_Model):
    """An event as its writer wants it."""

    title: Text
    description: Text | None = None
    location: Text | None = None
    start: Moment
    end: Moment
    time_zone: Zone = "UTC"
    status: Literal["confirmed", "tentative"] = "confirmed"
    transparency: Literal["opaque", "transparent"] = "opaque"
    kind: Literal["default", "outOfOffice"] = "default"
    response: Literal["accepted", "declined"] = "accepted"
    recurrence: Recurrence | None = None
    properties: Annotated[dict[str, Text], Field(max_length=100)] = {}

    @model_validator(mode="after")
    def _ends_after_start(self) -> Self:
        start, end = self.start.value(), self.end.value()
        if type(start) is not type(end) or end <= start:
            raise ValueError("start and end of one kind, end after start")
        return self


class NewEvent(EventBody):
    """An event to insert, under an id of the client's choice if it gives one."""

    id: Id | None = None


class TokenRequest(_Model):
    """Asks for a fresh access token."""

    refresh_token: Text


class Watch(_Model):
    """Asks to be told of changes."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    address: Annotated[str, Field(pattern=r"^https?://", max_length=2048)]
    secret: Annotated[str, Field(min_length=1, max_length=256)]


class NewCalendar(_Model):
    """A calendar of a new account; the first is the primary one."""

    name: Name
    time_zone: Zone = "UTC"
    is_writable: bool = True


class NewAccount(_Model):
    """An account to open; one that is there gets new credentials."""

    account: Name
    calendars: Annotated[list[NewCalendar], Field(min_length=1, max_length=100)] = [
        NewCalendar(name="Calendar")
    ]
    token_seconds: Annotated[float, Field(gt=0, le=1e9)] = 3600
