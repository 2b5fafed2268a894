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
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel
from pydantic.config import JsonDict
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError
from pydantic_core.core_schema import no_info_before_validator_function

from universal_calendar.core.errors import InvalidField
from universal_calendar.core.instant import MINUTE, Instant, from_datetime
from universal_calendar.core.localtime import zone_named
from universal_calendar.core.phone import normalized_phone
from universal_calendar.core.wire import (
    DATE_PATTERN,
    EMAIL_PATTERN,
    LONGEST_EMAIL,
    UUID_PATTERN,
    parse_date,
    parse_email,
    parse_uuid,
)

_CLOCK: Final = "([01][0-9]|2[0-3]):[0-5][0-9]"
INSTANT_PATTERN: Final = (
    rf"{DATE_PATTERN.rstrip('$')}T{_CLOCK}(:00(\.0{{1,9}})?)?(Z|[+-]{_CLOCK})$"
)
# What Python counts as \s; in the regular expressions of others it is less.
_BLANK: Final = r"\s\u001c-\u001f\u0085"
PLAIN_PATTERN: Final = r"^[^\u0000]*$"
VISIBLE_PATTERN: Final = rf"^[^\u0000]*[^\u0000{_BLANK}][^\u0000]*$"
E164_PATTERN: Final = r"^\+[1-9][0-9]{1,14}$"
_INSTANT: Final = re.compile(INSTANT_PATTERN)
_STRING: Final = "use a string"
_E164: Final = re.compile(E164_PATTERN)

T = TypeVar("T")


class Inputs(BaseModel):
    """Inputs as the wire has them: camelCase, unknown fields ignored, no coercion."""

    body_only: ClassVar[frozenset[str]] = frozenset()
    """Names, as the wire has them, that a query must not hold: URLs are logged."""

    model_config = ConfigDict(
        alias_generator=to_camel,
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
    if not _INSTANT.fullmatch(text):
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


def _dialled(text: str) -> str:
    if not normalized_phone(text):
        raise InvalidField("phone", "use a number with digits in it")
    return _plain(text)


def _kept(value: object) -> object:
    if value is None:
        raise PydanticCustomError("value_error", "leave it out to keep it")
    return value


def _count(value: object, info: ValidationInfo) -> object:
    text = _text_of_query(value, info)
    return int(text) if re.fullmatch(r"[0-9]{1,6}", text) else value


def _flag(value: object, info: ValidationInfo) -> object:
    text = _text_of_query(value, info)
    return text == "true" if text in ("true", "false") else value


def _text_of_query(value: object, info: ValidationInfo) -> str:
    """Return what the query says; "" for a value of a body, which has types."""
    in_query, name = info.context or (), to_camel(info.field_name or "")
    return value if isinstance(value, str) and name in in_query else ""


def _schema(pattern: str, example: str, **more: object) -> WithJsonSchema:
    return WithJsonSchema(
        {"type": "string", "pattern": pattern, "examples": [example], **more}
    )


def _sized(least: int, most: int, pattern: str = PLAIN_PATTERN) -> Any:
    more: JsonDict = {"pattern": pattern}
    return Field(min_length=least or None, max_length=most, json_schema_extra=more)


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
    _schema(
        EMAIL_PATTERN.replace(r"\s", _BLANK),
        "john@example.com",
        maxLength=LONGEST_EMAIL,
    ),
]
Name = Annotated[
    str,
    _sized(1, 255, VISIBLE_PATTERN),
    AfterValidator(_text(_named, _STRING)),
]
"""Text that must say something, to 255 characters."""
Text = Annotated[
    str,
    _sized(0, 10_000),
    AfterValidator(_text(_plain, _STRING)),
]
Token = Annotated[
    str,
    _sized(1, 255),
    AfterValidator(_text(_plain, _STRING)),
]
"""An id of somebody else's: any text to 255 characters."""
AnyPhone = Annotated[
    str,
    _sized(1, 50),
    AfterValidator(_text(_dialled, _STRING)),
]
"""A phone as the agent API takes it: any text with a number in it."""
FROM_QUERY: Final = BeforeValidator(_count)
"""Reads a number of a query. It stands behind the bounds: before them, they would be
missing from the documentation."""
PageNumber = Annotated[int, Field(ge=1, le=999_999), FROM_QUERY]
PageLimit = Annotated[int, Field(ge=1, le=100), FROM_QUERY]
QueryFlag = Annotated[bool, BeforeValidator(_flag)]


class _Kept:
    """Refuses null for a field that a patch may leave out, but not clear."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return no_info_before_validator_function(_kept, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        found = handler(schema)
        others = [each for each in found.get("anyOf", ()) if each != {"type": "null"}]
        return others[0] if others else found


KEPT: Final = _Kept()


class OfTenant(Inputs):
    """Nothing but the tenant, which a service key must name."""

    tenant_id: Id | None = None
