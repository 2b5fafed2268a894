"""The tenant API on open parts."""

from uuid import UUID

from universal_calendar.bootstrap.parts import Parts
from universal_calendar.clock import utc_now
from universal_calendar.core.errors import Unauthorized
from universal_calendar.core.instant import Instant, from_datetime
from universal_calendar.services.ports.identity import Principal
from universal_calendar.services.transactions import Transactions
from universal_calendar.web.addresses import address_of
from universal_calendar.web.tenant_api.authentication import Authentication
from universal_calendar.web.tenant_api.dispatch import Dispatcher, Gate
from universal_calendar.web.tenant_api.routes import TenantApi


def tenant_api(parts: Parts) -> TenantApi:
    """Build the parts of the tenant API."""
    return TenantApi()


def dispatcher(parts: Parts) -> Dispatcher:
    """Build what lets requests in and runs them."""

    async def admit_tenant(_: Principal, tenant_id: UUID, now: Instant) -> None:
        await parts.tenants.get(tenant_id)

    gate = Gate(
        _authentication(parts),
        admit_tenant,
        lambda request: address_of(request, parts.settings.trusted_proxies),
        lambda: from_datetime(utc_now()),
    )
    return Dispatcher(gate, Transactions(parts.units))


def _authentication(parts: Parts) -> Authentication:
    async def verify(token: str, now: Instant) -> Principal:
        raise Unauthorized

    async def admit(_: str, principal: Principal | None, now: Instant) -> None:
        return

    keys = parts.settings.internal_service_key
    return Authentication([key.get_secret_value() for key in keys], verify, admit)
