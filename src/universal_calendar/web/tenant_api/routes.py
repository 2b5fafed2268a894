"""The tenant API: its parts, and the one list of its operations."""

from dataclasses import dataclass

from universal_calendar.web.tenant_api.agents import AgentsApi
from universal_calendar.web.tenant_api.api_keys import ApiKeysApi
from universal_calendar.web.tenant_api.appointments import AppointmentsApi
from universal_calendar.web.tenant_api.audit import AuditApi
from universal_calendar.web.tenant_api.availability import AvailabilityApi
from universal_calendar.web.tenant_api.blocks import BlocksApi
from universal_calendar.web.tenant_api.connections import ConnectionsApi
from universal_calendar.web.tenant_api.holds import HoldsApi
from universal_calendar.web.tenant_api.integrations import IntegrationsApi
from universal_calendar.web.tenant_api.jobs import JobsApi
from universal_calendar.web.tenant_api.notice_settings import NoticeSettingsApi
from universal_calendar.web.tenant_api.openapi import AnyOperation
from universal_calendar.web.tenant_api.privacy import PrivacyApi
from universal_calendar.web.tenant_api.syncs import SyncsApi
from universal_calendar.web.tenant_api.tenants import TenantsApi
from universal_calendar.web.tenant_api.webhook_endpoints import WebhookEndpointsApi


@dataclass(frozen=True, slots=True)
class TenantApi:
    """The parts, each with the operations of one noun."""

    appointments: AppointmentsApi
    webhook_endpoints: WebhookEndpointsApi
    notice_settings: NoticeSettingsApi
    privacy: PrivacyApi
    tenants: TenantsApi
    agents: AgentsApi
    api_keys: ApiKeysApi
    audit: AuditApi
    availability: AvailabilityApi
    blocks: BlocksApi
    holds: HoldsApi
    syncs: SyncsApi
    connections: ConnectionsApi
    integrations: IntegrationsApi
    jobs: JobsApi

    def operations(self) -> list[AnyOperation]:
        """Return every operation, in the order of the documentation."""
        return [
            *self.availability.operations(),
            *self.blocks.operations(),
            *self.appointments.operations(),
            *self.holds.operations(),
            *self.connections.operations(),
            *self.integrations.operations(),
            *self.jobs.operations(),
            *self.syncs.operations(),
            *self.webhook_endpoints.operations(),
            *self.notice_settings.operations(),
            *self.privacy.operations(),
            *self.tenants.operations(),
            *self.agents.operations(),
            *self.api_keys.operations(),
            *self.audit.operations(),
        ]

    @classmethod
    def for_documentation(cls) -> "TenantApi":
        """Return parts that no request will reach."""
        return cls(
            AppointmentsApi.__new__(AppointmentsApi),
            WebhookEndpointsApi.__new__(WebhookEndpointsApi),
            NoticeSettingsApi.__new__(NoticeSettingsApi),
            PrivacyApi.__new__(PrivacyApi),
            TenantsApi.__new__(TenantsApi),
            AgentsApi.__new__(AgentsApi),
            ApiKeysApi.__new__(ApiKeysApi),
            AuditApi(),
            AvailabilityApi.__new__(AvailabilityApi),
            BlocksApi.__new__(BlocksApi),
            HoldsApi.__new__(HoldsApi),
            SyncsApi.__new__(SyncsApi),
            ConnectionsApi.__new__(ConnectionsApi),
            IntegrationsApi.__new__(IntegrationsApi),
            JobsApi.__new__(JobsApi),
        )
