"""Platforms in the tenant API: accounts by their keys, customers, technicians."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from universal_calendar.services.connections.connecting_by_key import (
    KeyConnecting,
    Keys,
)
from universal_calendar.services.field_service.platform_customers import (
    CustomerWish,
    PlatformCustomers,
)
from universal_calendar.services.field_service.platforms import UNASSIGNED, Platforms
from universal_calendar.services.field_service.technicians import assign
from universal_calendar.services.ports.answers import Answer
from universal_calendar.services.ports.identity import Role
from universal_calendar.services.ports.visits import NOBODY, Customer
from universal_calendar.web.tenant_api import integration_answers as answers
from universal_calendar.web.tenant_api.errors import invalid_input
from universal_calendar.web.tenant_api.fields import OfTenant
from universal_calendar.web.tenant_api.integration_models import (
    AssignTechnician,
    ConnectHousecallPro,
    ConnectJobber,
    SyncCustomer,
    jobber_secrets,
)
from universal_calendar.web.tenant_api.jobs import PROVIDER, TAG
from universal_calendar.web.tenant_api.openapi import OUTSIDE, AnyOperation
from universal_calendar.web.tenant_api.operation import (
    Call,
    Data,
    Mode,
    Operation,
    Source,
)

_TECHNICIAN: Final = "technicianId"
_TECHNICIANS: Final = f"/integrations/{{{PROVIDER}}}/technicians"
_ASKING: Final = OUTSIDE | {
    409: "CONFLICT: details.reason is idempotency_mismatch, needs_reauthorization"
}


@dataclass(frozen=True, slots=True)
class IntegrationsApi:
    """The handlers, with what they need."""

    connecting: KeyConnecting
    platforms: Platforms
    customers: PlatformCustomers

    def operations(self) -> list[AnyOperation]:
        """Return the endpoints."""
        return [*self._connecting(), *self._using()]

    def _connecting(self) -> list[AnyOperation]:
        return [
            Operation(
                "POST",
                "/integrations/jobber/connect",
                "Connect a Jobber account by its key",
                TAG,
                Role.OWNER,
                ConnectJobber,
                self.connect_jobber,
                answers.ConnectedPlatform,
                source=Source.BODY,
                mode=Mode.OWN,
                errors=OUTSIDE,
            ),
            Operation(
                "POST",
                "/integrations/housecallpro/connect",
                "Connect a Housecall Pro account by its key",
                TAG,
                Role.OWNER,
                ConnectHousecallPro,
                self.connect_housecallpro,
                answers.ConnectedPlatform,
                source=Source.BODY,
                mode=Mode.OWN,
                errors=OUTSIDE,
            ),
        ]

    def _using(self) -> list[AnyOperation]:
        return [
            Operation(
                "POST",
                f"/integrations/{{{PROVIDER}}}/sync/customers",
                "Have a platform know a customer",
                TAG,
                Role.OPERATOR,
                SyncCustomer,
                self.put_customer,
                answers.SyncedCustomer,
                source=Source.BODY,
                mode=Mode.OWN,
                errors=_ASKING,
            ),
            Operation(
                "GET",
                _TECHNICIANS,
                "List a platform's technicians, and as which agents they work",
                TAG,
                Role.VIEWER,
                OfTenant,
                self.technicians,
                answers.TechnicianList,
                mode=Mode.OWN,
                errors=_ASKING,
            ),
            Operation(
                "PUT",
                f"{_TECHNICIANS}/{{{_TECHNICIAN}}}",
                "Say as which agent a technician works",
                TAG,
                Role.OWNER,
                AssignTechnician,
                self.assign,
                answers.AssignedTechnician,
                source=Source.BODY,
            ),
        ]

    async def connect_jobber(self, call: Call, inputs: ConnectJobber) -> Answer:
        """Connect a Jobber account."""
        keys = _keys(call, "jobber", jobber_secrets(inputs), inputs.timezone)
        sent_as = "apiKey" if inputs.access_token is None else "accessToken"
        return await self.connecting.connect(replace(keys, sent_as=sent_as), call.now)

    async def connect_housecallpro(
        self, call: Call, inputs: ConnectHousecallPro
    ) -> Answer:
        """Connect a Housecall Pro account."""
        secrets = {"apiKey": inputs.api_key}
        keys = _keys(call, "housecallpro", secrets, inputs.timezone)
        keys = replace(keys, company_id=inputs.company_id)
        return await self.connecting.connect(keys, call.now)

    async def put_customer(self, call: Call, inputs: SyncCustomer) -> Answer:
        """Have the platform know a customer."""
        self.platforms.named(call.path[PROVIDER])
        data = inputs.customer_data
        if data.phone is None and data.email is None:
            raise invalid_input("customerData.phone", "Send a phone or an email")
        wish = CustomerWish(
            call.tenant_id,
            call.actor,
            call.path[PROVIDER],
            Customer(data.name, data.phone, data.email, data.address, data.notes),
            call.replay,
            answers.synced,
        )
        return await self.customers.put(wish, call.now)

    async def technicians(self, call: Call, _inputs: OfTenant) -> Data:
        """List technicians."""
        found = await self.platforms.technicians_of(
            call.tenant_id, call.actor, call.path[PROVIDER], call.now
        )
        return answers.technicians(found)

    async def assign(self, call: Call, inputs: AssignTechnician) -> Data:
        """Say as which agent a technician works."""
        account = await self.platforms.account(call.unit, call.path[PROVIDER])
        named = call.foreign_id(_TECHNICIAN)
        technician_id = NOBODY if named == UNASSIGNED else named
        await assign(call.unit, account.connection_id, technician_id, inputs.agent_id)
        return answers.assigned(technician_id, inputs.agent_id)


def _keys(
    call: Call,
    provider: str,
    secrets: Mapping[str, str],
    timezone: str | None,
) -> Keys:
    return Keys(
        call.tenant_id,
        call.actor,
        provider,
        secrets,
        call.replay,
        partial(answers.connected, provider),
        timezone=timezone,
    )
