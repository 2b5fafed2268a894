"""Holds in the tenant API."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import Field

from universal_calendar.core.instant import instant_text
from universal_calendar.core.interval import Interval
from universal_calendar.services.booking.appointment_changes import check_length
from universal_calendar.services.booking.holds import (
    DEFAULT_TTL_SECONDS,
    LONGEST_TTL_SECONDS,
    HoldWish,
    UnitHolds,
)
from universal_calendar.services.ports.identity import Role
from universal_calendar.web.tenant_api.fields import (
    Answered,
    Id,
    Inputs,
    Moment,
    OfTenant,
)
from universal_calendar.web.tenant_api.openapi import AnyOperation
from universal_calendar.web.tenant_api.operation import Call, Data, Operation, Source

_TAG: Final = "Holds"
_ID: Final = "holdId"


class CreateHold(Inputs):
    """A time to be kept for somebody who is still making up their mind."""

    tenant_id: Id | None = None
    agent_id: Annotated[Id | None, Field(description="Default: who is free.")] = None
    start_time: Moment
    end_time: Moment
    ttl_seconds: Annotated[int, Field(ge=1, le=LONGEST_TTL_SECONDS)] = (
        DEFAULT_TTL_SECONDS
    )


class CreatedHold(Answered):
    """A hold; booking with its id turns it into the appointment."""

    hold_id: UUID
    agent_id: UUID
    expires_at: datetime


class ReleasedHold(Answered):
    """The time is free again."""

    released: Literal[True]


@dataclass(frozen=True, slots=True)
class HoldsApi:
    """The handlers, with what they need."""

    holds: UnitHolds

    def operations(self) -> list[AnyOperation]:
        """Return the endpoints."""
        return [
            Operation(
                "POST",
                "/holds",
                "Hold a time for a while",
                _TAG,
                Role.OPERATOR,
                CreateHold,
                self.create,
                CreatedHold,
                source=Source.BODY,
                errors={
                    409: "CONFLICT: details.reason, details.conflicts,"
                    " details.alternatives; BUSINESS_HOURS_NOT_CONFIGURED"
                },
            ),
            Operation(
                "DELETE",
                f"/holds/{{{_ID}}}",
                "Give a held time back",
                _TAG,
                Role.OPERATOR,
                OfTenant,
                self.release,
                ReleasedHold,
                source=Source.BODY_OR_QUERY,
            ),
        ]

    async def create(self, call: Call, inputs: CreateHold) -> Data:
        """Hold a time."""
        check_length(inputs.start_time, inputs.end_time, "endTime")
        interval = Interval(inputs.start_time, inputs.end_time)
        wish = HoldWish(interval, inputs.agent_id, inputs.ttl_seconds)
        agent_id, hold = await self.holds.place(call.unit, wish)
        return {
            "holdId": hold.hold_id,
            "agentId": agent_id,
            "expiresAt": instant_text(hold.expires_at),
        }

    async def release(self, call: Call, _inputs: OfTenant) -> Data:
        """Release a hold."""
        await self.holds.release(call.unit, call.id(_ID))
        return {"released": True}
