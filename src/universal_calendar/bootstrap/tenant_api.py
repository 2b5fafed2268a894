"""The tenant API on open parts."""

from functools import partial
from uuid import UUID

from universal_calendar.bootstrap.connecting import connecting, disconnecting
from universal_calendar.bootstrap.hours import hours_on_demand
from universal_calendar.bootstrap.jobs import integrations_api, jobs_api
from universal_calendar.bootstrap.live_check import live_check
from universal_calendar.bootstrap.outside import Outside
from universal_calendar.bootstrap.parts import (
    Parts,
    new_api_key,
    new_id,
)
from universal_calendar.bootstrap.privacy import privacy_api
from universal_calendar.bootstrap.providers import providers
from universal_calendar.bootstrap.tenant_gate import (
    gate,
    tenancy,
    tenant_id_from_key,
)
from universal_calendar.core.instant import Instant
from universal_calendar.notify.webhook import new_webhook_secret
from universal_calendar.providers.registry import PROVIDERS
from universal_calendar.services.booking.appointment_changes import (
    AppointmentChanges,
    SettledChanges,
)
from universal_calendar.services.booking.appointments import Announcing, Appointments
from universal_calendar.services.booking.assignment import Assignment, Provide
from universal_calendar.services.booking.blocks import Blocks
from universal_calendar.services.booking.holds import UnitHolds
from universal_calendar.services.booking.live_check import LiveCheck
from universal_calendar.services.booking.settled_bookings import SettledBookings
from universal_calendar.services.booking.settling import Settlement
from universal_calendar.services.booking.tenant_availability import TenantAvailability
from universal_calendar.services.calendars.sync_requests import Syncs
from universal_calendar.services.ports.identity import Actor, ActorKind
from universal_calendar.services.tenants.default_agent import ensure_default_agent
from universal_calendar.services.transactions import Transactions
from universal_calendar.store.booking.candidates import CandidateTable
from universal_calendar.store.booking.tenant_agendas import TenantAgendaTable
from universal_calendar.store.calendars.syncs import SyncTable
from universal_calendar.web.tenant_api.agents import AgentsApi
from universal_calendar.web.tenant_api.api_keys import ApiKeysApi
from universal_calendar.web.tenant_api.appointment_answers import (
    FINISHING,
    booking_answer,
)
from universal_calendar.web.tenant_api.appointments import AppointmentsApi
from universal_calendar.web.tenant_api.audit import AuditApi
from universal_calendar.web.tenant_api.availability import (
    AvailabilityApi,
    availability_body,
)
from universal_calendar.web.tenant_api.blocks import BlocksApi
from universal_calendar.web.tenant_api.connections import ConnectionsApi
from universal_calendar.web.tenant_api.dispatch import Dispatcher
from universal_calendar.web.tenant_api.holds import HoldsApi
from universal_calendar.web.tenant_api.notice_settings import NoticeSettingsApi
from universal_calendar.web.tenant_api.routes import TenantApi
from universal_calendar.web.tenant_api.syncs import SyncsApi
from universal_calendar.web.tenant_api.tenants import TenantsApi
from universal_calendar.web.tenant_api.webhook_endpoints import WebhookEndpointsApi


def tenant_api(parts: Parts, outside: Outside, settlement: Settlement) -> TenantApi:
    """Build the parts of the tenant API."""
    offered = providers(parts, outside)
    checking = live_check(parts, offered)
    return TenantApi(
        _appointments(parts, settlement, checking),
        WebhookEndpointsApi(
            new_id,
            new_webhook_secret,
            allows_http=parts.settings.webhooks_allow_private,
        ),
        NoticeSettingsApi(new_id),
        privacy_api(parts, has_channels=parts.settings.has_channels),
        TenantsApi(tenancy(parts, outside), new_id, partial(tenant_id_from_key, parts)),
        AgentsApi(new_id),
        ApiKeysApi(new_id, new_api_key),
        AuditApi(),
        AvailabilityApi(
            TenantAvailability(
                TenantAgendaTable(parts.database, parts.settings.mirror_max_age),
                _provide(parts),
                availability_body,
            )
        ),
        BlocksApi(Blocks(new_id)),
        HoldsApi(UnitHolds(new_id, _provide(parts))),
        SyncsApi(Syncs(new_id), SyncTable(parts.database).tenant_of, sorted(PROVIDERS)),
        ConnectionsApi(connecting(parts, offered), disconnecting(parts, offered)),
        integrations_api(parts, offered),
        jobs_api(parts, offered, settlement, checking, _provide(parts)),
    )


def _appointments(
    parts: Parts, settlement: Settlement, checking: LiveCheck
) -> AppointmentsApi:
    announcing = Announcing(parts.settings.has_channels, answers_after_settling=True)
    booking = Appointments(parts.agendas, new_id, booking_answer, announcing, checking)
    assignment = Assignment(
        CandidateTable(parts.database, parts.settings.mirror_max_age),
        parts.agendas,
        booking,
        _provide(parts),
    )
    return AppointmentsApi(
        SettledBookings(booking, assignment, parts.units, settlement, FINISHING),
        AppointmentChanges(new_id, has_channels=announcing.has_channels),
        SettledChanges(parts.units, settlement),
    )


def _provide(parts: Parts) -> Provide:
    async def provide(tenant_id: UUID, now: Instant) -> UUID:
        actor = Actor(ActorKind.WORKER, "default_agent")
        async with parts.units.begin(tenant_id, actor, now) as unit:
            return (await ensure_default_agent(unit, new_id)).agent_id

    return provide


def dispatcher(parts: Parts, outside: Outside) -> Dispatcher:
    """Build what lets requests in and runs them."""
    return Dispatcher(
        gate(parts, outside),
        Transactions(parts.units),
        hours_on_demand(parts, outside),
    )
