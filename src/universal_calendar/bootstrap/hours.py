"""Hours that the tenant service knows, on open parts."""

import asyncio
from typing import Final

import structlog

from universal_calendar.bootstrap.outside import Outside
from universal_calendar.bootstrap.parts import Parts
from universal_calendar.clock import utc_now
from universal_calendar.core.errors import DatabaseUnavailable
from universal_calendar.core.instant import from_datetime
from universal_calendar.services.booking.hours_on_demand import HoursOnDemand
from universal_calendar.services.tenants.platform_hours import PlatformHours
from universal_calendar.store.tenants.platform_hours import PlatformScheduleTable
from universal_calendar.store.tenants.tenants import AgentTable

INTERVAL_SECONDS: Final = 300
_log = structlog.get_logger()


def platform_hours(parts: Parts, outside: Outside) -> PlatformHours:
    """Build what fetches hours, if there is anybody to ask."""
    return PlatformHours(outside.hours, PlatformScheduleTable(parts.database))


def hours_on_demand(parts: Parts, outside: Outside) -> HoursOnDemand:
    """Build what fetches hours when they are missed."""
    return HoursOnDemand(platform_hours(parts, outside), AgentTable(parts.database))


async def keep_hours(hours: PlatformHours) -> None:
    """Fetch again every five minutes what is stale, until cancelled."""
    while True:
        try:
            await hours.refresh_stale(from_datetime(utc_now()))
        except DatabaseUnavailable:
            _log.warning("hours_postponed")
        await asyncio.sleep(INTERVAL_SECONDS)
