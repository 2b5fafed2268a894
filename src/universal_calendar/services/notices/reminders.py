"""Reminders before an appointment, as each tenant wants them."""

from typing import Final
from uuid import UUID

from universal_calendar.core.errors import InvalidField
from universal_calendar.core.instant import Instant
from universal_calendar.services.ports.identity import NewId
from universal_calendar.services.ports.notices import (
    ReminderStore,
    TenantNoticeSettings,
)

MOST_REMINDERS: Final = 5
LONGEST_MINUTES: Final = 30 * 24 * 60


class Reminders:
    """Turns reminders that are due into notices."""

    def __init__(self, reminders: ReminderStore, new_id: NewId) -> None:
        """Take the port."""
        self._reminders, self._new_id = reminders, new_id

    async def remind(self, tenant_id: UUID, appointment_id: UUID, now: Instant) -> bool:
        """Make a notice if a reminder of this appointment is due; tell whether.

        Once for each reminder, over all processes. The sweep wakes this for every item
        of due work of the kind `reminder`.
        """
        return await self._reminders.take(
            tenant_id, appointment_id, self._new_id(now), now
        )

    async def settings(self, tenant_id: UUID) -> TenantNoticeSettings:
        """Return what the tenant wants told."""
        return await self._reminders.settings(tenant_id)

    async def configure(
        self, tenant_id: UUID, settings: TenantNoticeSettings, now: Instant
    ) -> None:
        """Replace what the tenant wants told, for what is booked already too.

        Raises InvalidField.
        """
        minutes = settings.reminder_minutes
        in_range = all(1 <= each <= LONGEST_MINUTES for each in minutes)
        if not in_range or not len(set(minutes)) == len(minutes) <= MOST_REMINDERS:
            raise InvalidField(
                "reminderMinutes",
                f"use up to {MOST_REMINDERS} different numbers of minutes, 1 to"
                f" {LONGEST_MINUTES}",
            )
        await self._reminders.set_settings(tenant_id, settings, now)
