"""What the service clears away while it runs."""

import asyncio
from typing import Final

import structlog

from universal_calendar.clock import utc_now
from universal_calendar.core.errors import DatabaseUnavailable
from universal_calendar.store.housekeeping import Housekeeping

INTERVAL_SECONDS: Final = 3600
_log = structlog.get_logger()


async def keep_house(housekeeping: Housekeeping) -> None:
    """Clear away every hour what is past its time, until cancelled."""
    while True:
        try:
            deleted = await housekeeping.clear(utc_now())
            _log.info("housekeeping_done", deleted=deleted)
        except DatabaseUnavailable:
            _log.warning("housekeeping_postponed")
        await asyncio.sleep(INTERVAL_SECONDS)
