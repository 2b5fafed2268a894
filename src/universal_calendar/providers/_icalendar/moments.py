"""Dates, times, lengths and offsets as iCalendar writes them (RFC 5545 §3.3)."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from universal_calendar.providers._icalendar.errors import Unreadable

_SHOWN: Final = re.compile(
    r"([0-9]{4})([0-9]{2})([0-9]{2})(?:T([0-9]{2})([0-9]{2})([0-9]{2}))?", re.ASCII
)
_OFFSET: Final = re.compile(r"([+-])([0-9]{2})([0-9]{2})([0-9]{2})?", re.ASCII)
_LENGTH: Final = re.compile(
    r"([+-]?)P(?:([0-9]{1,5})W)?(?:([0-9]{1,6})D)?"
    r"(?:T(?:([0-9]{1,7})H)?(?:([0-9]{1,8})M)?(?:([0-9]{1,9})S)?)?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Length:
    """A duration: days by the clocks, and exact time on top."""

    days: int = 0
    exact: timedelta = timedelta()


def read_shown(text: str) -> datetime:
    """Read what clocks show, a date as its midnight; raise Unreadable if it is none."""
    found = _SHOWN.fullmatch(text.strip())
    if found is None:
        raise Unreadable
    year, month, day, hour, minute, second = (int(each or 0) for each in found.groups())
    try:
        return datetime(year, month, day, hour, minute, min(second, 59))  # noqa: DTZ001 - what is shown has no zone yet
    except ValueError:
        raise Unreadable from None


def is_date(text: str) -> bool:
    """Tell whether it is written as a date alone."""
    return "T" not in text.upper()


def read_offset(text: str) -> timedelta:
    """Read an offset from UTC."""
    found = _OFFSET.fullmatch(text.strip())
    if found is None:
        raise Unreadable
    hours, minutes, seconds = (int(each or 0) for each in found.groups()[1:])
    offset = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    if offset >= timedelta(days=1):
        raise Unreadable
    return -offset if found[1] == "-" else offset


def read_length(text: str) -> Length:
    """Read a duration; raise Unreadable if it is none, or none that is positive."""
    found = _LENGTH.fullmatch(text.strip().upper())
    if found is None or found[1] == "-":
        raise Unreadable
    weeks, days, hours, minutes, seconds = (
        int(each or 0) for each in found.groups()[1:]
    )
    return Length(
        weeks * 7 + days, timedelta(hours=hours, minutes=minutes, seconds=seconds)
    )
