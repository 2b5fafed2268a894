"""Units of work: every table bound to one transaction."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from universal_calendar.core.instant import Duration, Instant
from universal_calendar.core.silence import MIRROR_MAX_AGE
from universal_calendar.services.ports.identity import Actor, NewId
from universal_calendar.services.ports.units import Unit
from universal_calendar.store.answers import AnswerTable
from universal_calendar.store.audit import AuditTable
from universal_calendar.store.booking.agendas import AgendaTable
from universal_calendar.store.booking.appointment_editing import AppointmentEditing
from universal_calendar.store.booking.appointments import AppointmentTable
from universal_calendar.store.booking.blocks import BlockTable
from universal_calendar.store.booking.candidates import CandidateTable
from universal_calendar.store.calendars.own_events import OwnEventTable
from universal_calendar.store.calendars.syncs import SyncRequestTable, SyncTable
from universal_calendar.store.connections.connections import ConnectionTable
from universal_calendar.store.connections.pending_connections import (
    PendingConnectionTable,
)
from universal_calendar.store.database import Bound, Database
from universal_calendar.store.field_service.technicians import TechnicianTable
from universal_calendar.store.field_service.visits import VisitTable
from universal_calendar.store.notices.reminders import ReminderTable
from universal_calendar.store.notices.webhook_endpoints import WebhookEndpointTable
from universal_calendar.store.privacy import CustomerTable
from universal_calendar.store.rate_limits import RateLimit
from universal_calendar.store.sealing.keyring import Keyring
from universal_calendar.store.tenants.api_keys import ApiKeyTable
from universal_calendar.store.tenants.tenants import AgentTable, TenantTable


@dataclass(frozen=True, slots=True)
class UnitsOfWork:
    """The port `Units` on PostgreSQL."""

    database: Database
    keyring: Keyring
    limit: RateLimit
    new_id: NewId
    mirror_max_age: Duration = MIRROR_MAX_AGE

    @asynccontextmanager
    async def begin(
        self, tenant_id: UUID, actor: Actor, now: Instant
    ) -> AsyncIterator[Unit]:
        """Begin a transaction that sees this tenant's rows only."""
        async with self.database.transaction(tenant_id) as connection:
            session = Bound(connection, tenant_id)
            yield Unit(
                tenant_id,
                actor,
                now,
                agendas=AgendaTable(
                    session, self.keyring, self.limit, self.mirror_max_age
                ),
                agents=AgentTable(session),
                answers=AnswerTable(session, self.keyring, tenant_id, now),
                api_keys=ApiKeyTable(session, self.keyring, self.limit),
                appointments=AppointmentTable(session, self.keyring),
                appointment_editor=AppointmentEditing(
                    session, self.keyring, tenant_id, now
                ),
                audit=AuditTable(session, tenant_id, actor, now, self.new_id),
                blocks=BlockTable(session, self.keyring),
                candidates=CandidateTable(session, self.mirror_max_age),
                connections=ConnectionTable(session, self.keyring),
                customers=CustomerTable(session, self.keyring, tenant_id),
                own_events=OwnEventTable(session, tenant_id, now),
                pending_connections=PendingConnectionTable(session, self.keyring),
                tenants=TenantTable(session, self.keyring),
                reminders=ReminderTable(session, self.keyring),
                sync_requests=SyncRequestTable(session),
                syncs=SyncTable(session),
                technicians=TechnicianTable(session, self.keyring),
                visits=VisitTable(session, self.keyring),
                webhook_endpoints=WebhookEndpointTable(session, self.keyring),
            )
