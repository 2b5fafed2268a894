"""One transaction of one tenant: everything it does, or nothing."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from universal_calendar.core.instant import Instant
from universal_calendar.services.ports.agendas import AgendaStore
from universal_calendar.services.ports.answers import Answer, Replay, StoredAnswer
from universal_calendar.services.ports.api_keys import ApiKeyStore
from universal_calendar.services.ports.appointments import (
    AppointmentEditor,
    AppointmentStore,
    Page,
)
from universal_calendar.services.ports.audit import AuditFilter, AuditPage
from universal_calendar.services.ports.blocks import BlockStore
from universal_calendar.services.ports.candidates import CandidateStore
from universal_calendar.services.ports.connecting import PendingConnectionStore
from universal_calendar.services.ports.connections import ConnectionStore
from universal_calendar.services.ports.identity import Actor
from universal_calendar.services.ports.mirror import OwnEventStore
from universal_calendar.services.ports.notices import ReminderStore
from universal_calendar.services.ports.privacy import CustomerStore
from universal_calendar.services.ports.sync_requests import SyncStore
from universal_calendar.services.ports.syncs import SyncRequests
from universal_calendar.services.ports.technicians import TechnicianStore
from universal_calendar.services.ports.tenants import AgentStore, TenantStore
from universal_calendar.services.ports.visit_store import VisitStore
from universal_calendar.services.ports.webhook_endpoints import WebhookEndpointStore


class AuditLog(Protocol):
    """Keeps who did what."""

    async def record(self, action: str, subject_id: object) -> None:
        """Add an entry for this unit's actor; `action` is like `block.created`."""

    async def entries(self, wanted: AuditFilter, page: Page) -> AuditPage:
        """Return a page of the tenant's entries, the latest first."""


class AnswerStore(Protocol):
    """Keeps the answers of idempotent requests."""

    async def claim(self, replay: Replay) -> StoredAnswer | None:
        """Return the answer there is, else claim the key until the unit ends.

        A concurrent twin waits here for the first one's end.
        """

    async def reserve(self, replay: Replay) -> bool:
        """Claim the key beyond the unit's end; False where somebody has it already."""

    async def release(self, replay: Replay) -> None:
        """Give a key back that was reserved, unless there is an answer by now."""

    async def read(self, replay: Replay) -> StoredAnswer | None:
        """Return the answer under the key, final or not."""

    async def keep(self, replay: Replay, answer: Answer) -> Answer:
        """Keep the answer as the final one, unless there is one; return which it is."""


@dataclass(frozen=True, slots=True)
class Unit:
    """The stores, bound to one transaction. Leaving the block commits."""

    tenant_id: UUID
    actor: Actor
    now: Instant
    agendas: AgendaStore
    agents: AgentStore
    answers: AnswerStore
    api_keys: ApiKeyStore
    appointments: AppointmentStore
    appointment_editor: AppointmentEditor
    audit: AuditLog
    blocks: BlockStore
    candidates: CandidateStore
    connections: ConnectionStore
    customers: CustomerStore
    own_events: OwnEventStore
    pending_connections: PendingConnectionStore
    tenants: TenantStore
    reminders: ReminderStore
    sync_requests: SyncRequests
    syncs: SyncStore
    technicians: TechnicianStore
    visits: VisitStore
    webhook_endpoints: WebhookEndpointStore


class Units(Protocol):
    """Begins units of work."""

    def begin(
        self, tenant_id: UUID, actor: Actor, now: Instant
    ) -> AbstractAsyncContextManager[Unit]:
        """Begin a transaction that sees this tenant's rows only."""
