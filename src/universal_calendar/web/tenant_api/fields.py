"""The kinds of field that the tenant API's requests are made of.

Each refuses what it cannot use with a text that says what it would accept.
"""

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any, ClassVar, Final, TypeVar
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from universal_calendar.core.errors import InvalidField
from universal_calendar.core.instant import MINUTE, Instant, from_datetime
from universal_calendar.core.localtime import zone_named
from universal_calendar.core.wire import (
    DATE_PATTERN,
    EMAIL_PATTERN,
    LONGEST_EMAIL,
    UUID_PATTERN,
    parse_date,
    parse_email,
    parse_uuid,
)

INSTANT_PATTERN: Final = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:00(\.0{1,9})?)?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})$"
)
E164_PATTERN: Final = r"^\+[1-9][0-9]{1,14}$"
_INSTANT: Final = re.compile(INSTANT_PATTERN)
_E164: Final = re.compile(E164_PATTERN)

T = TypeVar("T")


class Inputs(BaseModel):
    """Inputs as the wire has them: camelCase, unknown fields ignored, no coercion."""

    body_only: ClassVar[frozenset[str]] = frozenset()
    """Names, as the wire has them, that a query must not hold: URLs are logged."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        strict=True,
        hide_input_in_errors=True,
        str_max_length=10_000,
    )


class Answered(BaseModel):
    """Answers as the wire has them; they document, they are not built."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


def _text(parse: Callable[[str], T], mend: str) -> Callable[[Any], T]:
    def parsed(value: object) -> T:
        try:
            if isinstance(value, str):
                return parse(value)
        except InvalidField as error:
            raise PydanticCustomError("value_error", error.mend) from None
        raise PydanticCustomError("value_error", mend)

    return parsed


def _instant(text: str) -> Instant:
    mend = "use a time with Z or an offset and whole minutes: 2026-12-05T14:30:00Z"
    if not _INSTANT.fullmatch(text) or not "1970" <= text[:4] <= "2999":
        raise InvalidField("time", mend)
    try:
        instant = from_datetime(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        raise InvalidField("time", mend) from None
    if instant % MINUTE:
        raise InvalidField("time", mend)
    return instant


def _plain(text: str) -> str:
    if "\0" in text:
        raise InvalidField("text", "leave out NUL characters")
    return text


def _named(text: str) -> str:
    if not text.strip():
        raise InvalidField("text", "use at least one visible character")
    return _plain(text)


def _phone(text: str) -> str:
    if not _E164.fullmatch(text):
        raise InvalidField("phone", "use E.164, such as +12125551234")
    return text


def _zone(text: str) -> str:
    return zone_named(text).key


def _count(text: object) -> object:
    """Read a number of a query, where everything is text."""
    if isinstance(text, str) and re.fullmatch(r"[0-9]{1,6}", text):
        return int(text)
    return text


def _flag(text: object) -> object:
    if isinstance(text, str) and text in ("true", "false"):
        return text == "true"
    return text


def _schema(pattern: str, example: str, **more: object) -> WithJsonSchema:
    return WithJsonSchema(
        {"type": "string", "pattern": pattern, "examples": [example], **more}
    )


Id = Annotated[
    UUID,
    BeforeValidator(_text(parse_uuid, "use a UUID")),
    _schema(UUID_PATTERN, "47addfec-f4cd-41e2-b6ec-6a5e949fe754"),
]
Moment = Annotated[
    int,
    BeforeValidator(_text(_instant, "use a time such as 2026-12-05T14:30:00Z")),
    _schema(INSTANT_PATTERN, "2026-12-05T14:30:00Z"),
]
"""An `Instant`: whole minutes, with Z or an offset."""
Day = Annotated[
    date,
    BeforeValidator(_text(parse_date, "use a date such as 2026-12-05")),
    _schema(DATE_PATTERN, "2026-12-05"),
]
Zone = Annotated[
    str,
    BeforeValidator(_text(_zone, "use an IANA name such as America/Los_Angeles")),
    _schema("^[A-Za-z0-9_+/-]+$", "America/Los_Angeles", maxLength=64),
]
Phone = Annotated[
    str,
    BeforeValidator(_text(_phone, "use E.164, such as +12125551234")),
    _schema(E164_PATTERN, "+12125551234"),
]
Email = Annotated[
    str,
    BeforeValidator(_text(parse_email, "use an address such as john@example.com")),
    _schema(EMAIL_PATTERN, "john@example.com", maxLength=LONGEST_EMAIL),
]
Name = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_named)]
"""Text that must say something, to 255 characters."""
Text = Annotated[str, Field(max_length=10_000), AfterValidator(_plain)]
Token = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_plain)]
"""An id of somebody else's: any text to 255 characters."""
QueryCount = Annotated[int, BeforeValidator(_count)]
QueryFlag = Annotated[bool, BeforeValidator(_flag)]


class OfTenant(Inputs):
    """Nothing but the tenant, which a service key must name."""

    tenant_id: Id | None = None
