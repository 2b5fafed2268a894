"""What asks providers about a time before it is booked, on open parts."""

from datetime import timedelta

from universal_calendar.bootstrap.parts import Parts
from universal_calendar.bootstrap.providers import Providers
from universal_calendar.services.booking.live_check import LiveCheck
from universal_calendar.store.calendars.counting_calendars import CountingCalendarTable
from universal_calendar.store.calendars.syncs import SyncRequestTable
from universal_calendar.store.connections.connections import ConnectionQuota
from universal_calendar.store.rate_limits import RateLimit


def live_check(parts: Parts, offered: Providers) -> LiveCheck:
    """Build it on the providers that can be read."""
    limit = RateLimit(parts.settings.connection_rate_limit, timedelta(minutes=1))
    return LiveCheck(
        CountingCalendarTable(parts.database, parts.keyring),
        {
            slug: each.reader
            for slug, each in offered.items()
            if each.reader is not None
        },
        ConnectionQuota(parts.rate_limits, parts.keyring, limit),
        SyncRequestTable(parts.database),
        parts.appointments,
    )
