"""Who gets into the tenant API, on open parts: credentials, limits, tenants."""

from datetime import timedelta
from uuid import UUID

from starlette.requests import Request

from universal_calendar.bootstrap.outside import Outside
from universal_calendar.bootstrap.parts import MINUTE, Parts
from universal_calendar.clock import utc_now
from universal_calendar.core.instant import Instant, from_datetime
from universal_calendar.services.ports.identity import Allowance
from universal_calendar.services.tenants.tenancy import Tenancy
from universal_calendar.settings import Settings
from universal_calendar.store.rate_limits import RateLimit
from universal_calendar.store.tenants.tenants import TenantTable
from universal_calendar.web.addresses import address_of
from universal_calendar.web.tenant_api.authentication import (
    Authentication,
    Limit,
    Limits,
    ServiceKey,
)
from universal_calendar.web.tenant_api.dispatch import Gate
from universal_calendar.web.tenant_api.tokens import PublishedKeys, Tokens


def gate(parts: Parts, outside: Outside) -> Gate:
    """Build what lets requests in."""

    def address(request: Request) -> str:
        return address_of(request, parts.settings.trusted_proxies)

    is_live = parts.settings.validate_tokens_live
    authentication = Authentication(
        _service_keys(parts),
        _tokens(parts.settings, outside),
        outside.tokens if is_live else None,
        _limits(parts),
        address,
    )
    admit = tenancy(parts, outside).admit
    return Gate(authentication, admit, address, lambda: from_datetime(utc_now()))


def tenancy(parts: Parts, outside: Outside) -> Tenancy:
    """Build what knows and adds tenants."""
    tenants = TenantTable(parts.database, parts.keyring)
    return Tenancy(tenants, parts.units, outside.hours)


def tenant_id_from_key(parts: Parts, idempotency_key: str) -> UUID:
    """Make a tenant's id that only this installation makes of this key."""
    digest = parts.keyring.fingerprint(f"new-tenant\0{idempotency_key}".encode())
    return UUID(bytes=digest[:16], version=4)


def _service_keys(parts: Parts) -> list[ServiceKey]:
    keys = [each.get_secret_value() for each in parts.settings.internal_service_key]
    return [ServiceKey.of(key, _name_of(parts, key)) for key in keys]


def _name_of(parts: Parts, service_key: str) -> str:
    digest = parts.keyring.fingerprint(f"service-key\0{service_key}".encode())
    return f"service-{digest.hex()[:8]}"


def _tokens(settings: Settings, outside: Outside) -> Tokens:
    secret, url = settings.jwt_secret, settings.jwks_url
    return Tokens(
        None if secret is None else secret.get_secret_value(),
        None if url is None else PublishedKeys(str(url), outside.sender),
        settings.jwt_audience,
        settings.jwt_issuer,
    )


def callers_limit(parts: Parts) -> Limit:
    """Build what counts requests of users, and of addresses without a credential."""
    settings = parts.settings
    window = timedelta(milliseconds=settings.rate_limit_window_ms)
    return _limit(parts, RateLimit(settings.rate_limit_max_requests, window))


def _limits(parts: Parts) -> Limits:
    of_services = parts.settings.service_key_rate_limit
    return Limits(
        callers_limit(parts),
        None if of_services is None else _limit(parts, RateLimit(of_services, MINUTE)),
    )


def _limit(parts: Parts, limit: RateLimit) -> Limit:
    async def take(who: str, now: Instant) -> Allowance:
        bucket = parts.keyring.fingerprint(f"tenant-api\0{who}".encode())
        return await parts.rate_limits.take(bucket, limit, now)

    return take
