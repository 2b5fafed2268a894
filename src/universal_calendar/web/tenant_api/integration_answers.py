"""What the tenant API answers about accounts at field-service platforms."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from universal_calendar.core.instant import instant_text
from universal_calendar.services.field_service.platforms import UNASSIGNED
from universal_calendar.services.ports.answers import Answer
from universal_calendar.services.ports.connections import Connection
from universal_calendar.services.ports.technicians import KnownTechnician
from universal_calendar.services.ports.visits import NOBODY, PutCustomer
from universal_calendar.web.tenant_api.envelope import success
from universal_calendar.web.tenant_api.fields import Answered

Json = dict[str, object]


class ConnectedPlatform(Answered):
    """A connected account; `lastSyncAt` is null until its jobs were read once."""

    connected: Literal[True]
    provider: str
    company_name: str
    sync_enabled: bool
    last_sync_at: datetime | None


class SyncedCustomer(Answered):
    """Who they are there: made, or found by phone, then by e-mail."""

    customer_id: str
    created: bool
    matched: bool
    duplicate_check: Literal["passed"]


class TechnicianAnswered(Answered):
    """Who does jobs, and the agent whose time they take; null: nobody's.

    The id `unassigned` stands for visits that nobody is assigned to.
    """

    id: str
    name: str | None
    email: str | None
    active: bool
    agent_id: UUID | None


class TechnicianList(Answered):
    """A platform's technicians, by name; those of nobody's visits come first."""

    technicians: list[TechnicianAnswered]


class AssignedTechnician(Answered):
    """As which agent a technician works from now on."""

    id: str
    agent_id: UUID | None
    updated: Literal[True]


def connected(provider: str, account: Connection) -> Answer:
    """Write a ConnectedPlatform."""
    schedule = account.primary_calendar
    read_at = None if schedule is None else schedule.read_at
    return success(
        {
            "connected": True,
            "provider": provider,
            "companyName": "" if schedule is None else schedule.name,
            "syncEnabled": bool(account.read_calendars),
            "lastSyncAt": None if read_at is None else instant_text(read_at),
        }
    )


def synced(found: PutCustomer) -> Answer:
    """Write a SyncedCustomer."""
    return success(
        {
            "customerId": found.customer_id,
            "created": found.is_new,
            "matched": not found.is_new,
            "duplicateCheck": "passed",
        }
    )


def technicians(known: Sequence[KnownTechnician]) -> Json:
    """Write a TechnicianList."""
    return {"technicians": [_technician(each) for each in known]}


def _technician(known: KnownTechnician) -> Json:
    technician = known.technician
    return {
        "id": _id(technician.technician_id),
        "name": technician.name or None,
        "email": technician.email,
        "active": technician.is_active,
        "agentId": known.agent_id,
    }


def assigned(technician_id: str, agent_id: UUID | None) -> Json:
    """Write an AssignedTechnician."""
    return {"id": _id(technician_id), "agentId": agent_id, "updated": True}


def _id(technician_id: str) -> str:
    return UNASSIGNED if technician_id == NOBODY else technician_id
