"""ts-tenant-service: knows tenants, their zones and their business hours."""

import asyncio
from collections.abc import Sequence
from typing import Final, cast
from uuid import UUID

from typing_extensions import override

from universal_calendar.core.errors import InvalidField, TenantNotFound
from universal_calendar.core.instant import DAY, Instant, to_datetime
from universal_calendar.core.localtime import zone_named
from universal_calendar.outgoing.http import Sender
from universal_calendar.platform.hours import hours_document
from universal_calendar.platform.sister_service import (
    SERVICE_KEY_HEADER,
    Json,
    SisterService,
)
from universal_calendar.services.ports.platform import HoursSource, PlatformTenant

_LONGEST_NAME: Final = 255
# Its documents write camelCase, its tables snake_case.
_NAME: Final = ("businessName", "business_name", "name")
_ZONE: Final = ("businessTimezone", "business_timezone", "timezone")
_HOURS: Final = ("businessHours", "business_hours")
_OPENING: Final = ("businessHoursStart", "business_hours_start")
_CLOSING: Final = ("businessHoursEnd", "business_hours_end")


class TenantService(HoursSource):
    """Asks ts-tenant-service, for ourselves or in the name of a user."""

    def __init__(self, url: str, service_key: str, sender: Sender) -> None:
        """Take the service's base URL and our key for it."""
        self._service = SisterService("ts-tenant-service", url, sender)
        self._headers = {SERVICE_KEY_HEADER: service_key}

    @override
    async def fetch(
        self, tenant_id: UUID, now: Instant, *, token: str | None = None
    ) -> PlatformTenant:
        answers = await (
            self._for_ourselves(tenant_id)
            if token is None
            else self._for_user(tenant_id, token)
        )
        try:
            return read_tenant(answers, tenant_id, now)
        except InvalidField:
            raise self._service.failed() from None  # the cause quotes the answer

    async def _for_ourselves(self, tenant_id: UUID) -> list[Json]:
        path = f"/internal/tenants/{tenant_id}"
        answer = await self._service.get(path, self._headers)
        if answer is None:
            raise TenantNotFound
        return [answer]

    async def _for_user(self, tenant_id: UUID, token: str) -> list[Json]:
        headers = {"Authorization": f"Bearer {token}"}
        tenant, settings = await asyncio.gather(
            self._service.get(f"/tenants/{tenant_id}", headers),
            self._service.get(f"/tenants/{tenant_id}/settings", headers),
        )
        if tenant is None:
            raise TenantNotFound
        return [tenant, settings or {}]


def read_tenant(
    answers: Sequence[Json], tenant_id: UUID, now: Instant
) -> PlatformTenant:
    """Read the answers of either route; raise InvalidField for what cannot be used.

    Hours in the settings are more particular than the one span beside the name.
    """
    content = {k: v for each in reversed(answers) for k, v in _opened(each).items()}
    tenant = _object(content.get("tenant", content), "tenant")
    settings = _object(content.get("settings") or tenant.get("settings") or {}, "")
    if str(tenant.get("id", tenant_id)).lower() != str(tenant_id):
        raise InvalidField("id", "use that of the tenant asked for")
    hours = _first(settings, *_HOURS) or _first(tenant, *_HOURS) or _flat(tenant)
    inner = hours if isinstance(hours, dict) else {}
    zone = _first(inner, *_ZONE) or _first(tenant, *_ZONE) or _first(settings, *_ZONE)
    timezone = None if zone is None else _zone(zone)
    since = to_datetime(now - DAY).date()
    return PlatformTenant(
        _name(tenant), timezone, hours_document(hours, timezone, since.year)
    )


def _opened(answer: Json) -> Json:
    """Return what the platform's envelope holds, if the answer came in one."""
    content = answer.get("data", answer)
    return _object(answer if content is None else content, "data")


def _flat(tenant: Json) -> Json | None:
    opening, closing = _first(tenant, *_OPENING), _first(tenant, *_CLOSING)
    if opening is None and closing is None:
        return None
    return {"start": opening, "end": closing}


def _name(tenant: Json) -> str:
    name = _first(tenant, *_NAME)
    if isinstance(name, str) and name.strip() and "\0" not in name:
        return name[:_LONGEST_NAME]
    raise InvalidField("businessName", "use a name")


def _zone(value: object) -> str:
    if not isinstance(value, str):
        raise InvalidField("timezone", "use a string")
    return zone_named(value).key


def _first(source: Json, *names: str) -> object:
    return next((source[n] for n in names if source.get(n) is not None), None)


def _object(value: object, name: str) -> Json:
    if not isinstance(value, dict):
        raise InvalidField(name, "use a JSON object")
    return cast(Json, value)
