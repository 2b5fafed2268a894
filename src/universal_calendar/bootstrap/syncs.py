"""Syncs of calendars, on open parts."""

import random
from datetime import timedelta
from typing import Final

from universal_calendar.bootstrap.channels import channels
from universal_calendar.bootstrap.parts import Parts, new_id
from universal_calendar.bootstrap.providers import Providers
from universal_calendar.clock import utc_now
from universal_calendar.core.retry import SECOND
from universal_calendar.services.booking.appointment_changes import AppointmentChanges
from universal_calendar.services.calendars.calendar_sync import (
    CalendarSync,
    Pace,
    Tools,
)
from universal_calendar.services.calendars.owner_changes import OwnerChanges
from universal_calendar.services.field_service.schedules import Schedules
from universal_calendar.services.field_service.technicians import Technicians
from universal_calendar.store.calendars.mirror import MirrorTable
from universal_calendar.store.calendars.schedules import ScheduleTable
from universal_calendar.store.calendars.syncs import SyncRunTable
from universal_calendar.store.connections.connections import ConnectionQuota
from universal_calendar.store.field_service.changed_customers import (
    ChangedCustomerTable,
)
from universal_calendar.store.field_service.technicians import TechnicianTable
from universal_calendar.store.field_service.visits import VisitTable
from universal_calendar.store.rate_limits import RateLimit

SYNC_SECONDS: Final = 90.0
"""What a task may spend on one calendar."""


def calendar_sync(parts: Parts, offered: Providers) -> CalendarSync:
    """Build what reads calendars."""
    settings = parts.settings
    limit = RateLimit(settings.connection_rate_limit, timedelta(minutes=1))
    changes = AppointmentChanges(new_id, has_channels=settings.has_channels)
    return CalendarSync(
        Tools(
            MirrorTable(parts.database, parts.keyring),
            {slug: each.reader for slug, each in offered.items() if each.reader},
            OwnerChanges(parts.units, changes),
            ConnectionQuota(parts.rate_limits, parts.keyring, limit),
            Pace(
                settings.poll_seconds * SECOND,
                settings.push_poll_seconds * SECOND,
                _chance,
            ),
            SyncRunTable(parts.database, utc_now),
            channels(parts, offered),
            schedules(parts, offered),
        )
    )


def schedules(parts: Parts, offered: Providers) -> Schedules:
    """Return what reads the schedules of platforms."""
    database, keyring = parts.database, parts.keyring
    return Schedules(
        {
            slug: each.field_service
            for slug, each in offered.items()
            if each.field_service is not None
        },
        Technicians(TechnicianTable(database, keyring), parts.units),
        VisitTable(database, keyring),
        ScheduleTable(database),
        ChangedCustomerTable(database, keyring, new_id),
    )


def _chance() -> float:
    return random.random()  # noqa: S311 - it spreads retries, it keeps no secret
