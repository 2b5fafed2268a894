"""Hours documents in words."""

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import cast

from universal_calendar.core.schedule import WEEKDAYS


def weekly_text(document: Mapping[str, object] | None) -> str:
    """Write the weekly hours as Mon-Fri 09:00-17:00, Sat 10:00-12:00."""
    if document is None:
        return "none yet"
    weekly = cast("Mapping[str, list[dict[str, str]]]", document["working_hours"])
    return ", ".join(_runs(weekly)) or "always closed"


def _runs(weekly: Mapping[str, list[dict[str, str]]]) -> Iterator[str]:
    for hours, days in groupby(WEEKDAYS, key=lambda day: day_text(weekly[day])):
        names = [day[:3].capitalize() for day in days]
        span = names[0] if len(names) == 1 else f"{names[0]}-{names[-1]}"
        if hours:
            yield f"{span} {hours}"


def day_text(spans: list[dict[str, str]]) -> str:
    """Write one day's intervals as 09:00-12:00 and 13:00-17:00; closed is empty."""
    return " and ".join(f"{span['start']}-{span['end']}" for span in spans)
