"""What a tenant wants its customers told, and when they are reminded."""

from dataclasses import dataclass, replace
from typing import Annotated, Final

from pydantic import WithJsonSchema

from universal_calendar.services.notices.reminders import (
    LONGEST_MINUTES,
    MOST_REMINDERS,
    Reminders,
)
from universal_calendar.services.ports.identity import NewId, Role
from universal_calendar.web.tenant_api.fields import Answered, OfTenant
from universal_calendar.web.tenant_api.openapi import AnyOperation
from universal_calendar.web.tenant_api.operation import Call, Data, Operation, Source

_TAG: Final = "Notices"
_PATH: Final = "/notice-settings"

# The service judges them, with one text for all that can be wrong.
ReminderMinutes = Annotated[
    list[int],
    WithJsonSchema(
        {
            "type": "array",
            "items": {"type": "integer", "minimum": 1, "maximum": LONGEST_MINUTES},
            "maxItems": MOST_REMINDERS,
            "uniqueItems": True,
            "examples": [[1440, 60]],
        }
    ),
]


class ChangedNotices(OfTenant):
    """What customers are told; what is given changes.

    Reminders come so many minutes before the start.
    """

    reminder_minutes: ReminderMinutes | None = None
    sends_email: bool | None = None
    sends_sms: bool | None = None
    sends_broadcast: bool | None = None


class NoticeAnswer(Answered):
    """What customers are told."""

    reminder_minutes: list[int]
    sends_email: bool
    sends_sms: bool
    sends_broadcast: bool


@dataclass(frozen=True, slots=True)
class NoticeSettingsApi:
    """The handlers, with what they need."""

    new_id: NewId

    def operations(self) -> list[AnyOperation]:
        """Return the endpoints."""
        return [
            Operation(
                "GET",
                _PATH,
                "What customers are told",
                _TAG,
                Role.VIEWER,
                OfTenant,
                self.read,
                NoticeAnswer,
            ),
            Operation(
                "PUT",
                _PATH,
                "Choose what customers are told",
                _TAG,
                Role.OWNER,
                ChangedNotices,
                self.update,
                NoticeAnswer,
                source=Source.BODY,
            ),
        ]

    async def read(self, call: Call, _: OfTenant) -> Data:
        """Show what customers are told."""
        settings = await call.unit.reminders.settings(call.tenant_id)
        return {
            "reminderMinutes": settings.reminder_minutes,
            "sendsEmail": settings.sends_email,
            "sendsSms": settings.sends_sms,
            "sendsBroadcast": settings.sends_broadcast,
        }

    async def update(self, call: Call, wanted: ChangedNotices) -> Data:
        """Change what is given, for what is booked already too."""
        reminders = Reminders(call.unit.reminders, self.new_id)
        given = wanted.model_dump(exclude_none=True, exclude={"tenant_id"})
        if "reminder_minutes" in given:
            given["reminder_minutes"] = tuple(given["reminder_minutes"])
        settings = replace(await reminders.settings(call.tenant_id), **given)
        await reminders.configure(call.tenant_id, settings, call.now)
        await call.unit.audit.record("notice_settings.updated", call.tenant_id)
        return await self.read(call, wanted)
