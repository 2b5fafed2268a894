"""How dates, times and ids are written on the wire, in both dialects.

ASCII digits only and the whole string: `\\d` and `$` would let Arabic digits and a
trailing newline pass.
"""

import re
from datetime import date
from typing import Final
from uuid import UUID

from universal_calendar.core.errors import InvalidField

DATE_PATTERN: Final = (
    r"^(19[7-9][0-9]|2[0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"
)
TIME_PATTERN: Final = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
UUID_PATTERN: Final = (
    r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
)
EMAIL_PATTERN: Final = r"^[^@\s\u0000]{1,64}@[^@\s\u0000.]+(\.[^@\s\u0000.]+)*$"
LONGEST_EMAIL: Final = 255

_DATE: Final = re.compile(DATE_PATTERN)
_TIME: Final = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9](:00)?")
_UUID: Final = re.compile(UUID_PATTERN)
_EMAIL: Final = re.compile(EMAIL_PATTERN)


def parse_date(text: str, field: str = "date") -> date:
    """Read `YYYY-MM-DD` from 1970 to 2999; raise InvalidField else."""
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise InvalidField(field, "use a date such as 2026-12-05, from 1970 to 2999")


def parse_time(text: str, field: str = "time") -> int:
    """Read `HH:MM`, or `HH:MM:00`, as minutes from midnight; or raise InvalidField."""
    if not _TIME.fullmatch(text):
        raise InvalidField(field, "use a 24-hour time such as 14:30")
    return int(text[:2]) * 60 + int(text[3:5])


def parse_uuid(text: str, field: str = "id") -> UUID:
    """Read a canonical UUID of any version and case; or raise InvalidField."""
    if not _UUID.fullmatch(text):
        mend = "use a UUID such as 47addfec-f4cd-41e2-b6ec-6a5e949fe754"
        raise InvalidField(field, mend)
    return UUID(text)


def parse_email(text: str, field: str = "email") -> str:
    """Read an e-mail address, by syntax alone; raise InvalidField else.

    Any domain: the usual libraries refuse .test and .local, which people do use.
    """
    if len(text) > LONGEST_EMAIL or not _EMAIL.fullmatch(text):
        raise InvalidField(field, "use an address such as john@example.com")
    return text


def clock_label(minute: int) -> str:
    """Write minutes from midnight, 0 to 1440, as `HH:MM`; midnight is `00:00`."""
    return f"{minute // 60 % 24:02}:{minute % 60:02}"
