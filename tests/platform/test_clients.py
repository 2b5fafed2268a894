import re
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from tests.harness.foreign_server import free_port
from tests.harness.outside.sister_services import SERVICE_KEY, Heard, SisterServices
from universal_calendar.core.errors import TenantNotFound
from universal_calendar.core.instant import Instant, from_datetime
from universal_calendar.core.localtime import zone_named
from universal_calendar.core.schedule import WEEKDAYS
from universal_calendar.outgoing.http import Sender
from universal_calendar.platform.alerts import AlertsService
from universal_calendar.platform.authentication import AuthenticationService
from universal_calendar.platform.connection_service import ConnectionService
from universal_calendar.platform.tenant_service import TenantService
from universal_calendar.services.ports.identity import Role
from universal_calendar.services.ports.platform import (
    BroadcastEvent,
    PlatformDown,
    PlatformFailed,
    PlatformTenant,
    Severity,
    ValidatedUser,
)

TENANT = UUID("0198f2a0-0000-7000-8000-000000000001")
OTHER = UUID("0198f2a0-0000-7000-8000-000000000002")
USER_ID = "8e4f0000-0000-4000-8000-000000000001"
TOKEN = "header.claims.signature"  # noqa: S105 - of nobody
CANARY = "canary-of-the-answer"


def at(text: str) -> Instant:
    """Return noon of a day in UTC."""
    return from_datetime(datetime.fromisoformat(f"{text}T12:00:00Z"))


NOW = at("2026-06-01")


def user(**changes: object) -> dict[str, object]:
    return {
        "id": USER_ID,
        "email": "ann@example.com",
        "tenant_id": str(TENANT),
        "role": "owner",
        "is_active": True,
        "created_at": "2026-01-01T00:00:00",
        **changes,
    }


def business(**changes: object) -> dict[str, object]:
    """Return a tenant as the service's document shows it."""
    return {
        "id": str(TENANT),
        "businessName": "Smith Plumbing Services",
        "businessAddress": "123 Main St, Los Angeles, CA 90210",
        "businessPhone": "+12125551234",
        "tradeType": "plumbing",
        "serviceRadiusMiles": 25,
        "businessHoursStart": "07:00",
        "businessHoursEnd": "18:00",
        "businessTimezone": "America/Los_Angeles",
        "onboardingCompleted": True,
        "createdAt": "2024-01-01T10:00:00Z",
        **changes,
    }


def working_hours(tenant: PlatformTenant) -> dict[str, Any]:
    assert tenant.hours is not None
    found = tenant.hours["working_hours"]
    assert isinstance(found, dict)
    return found


@pytest.fixture
def tenants(services: SisterServices, sender: Sender) -> TenantService:
    return TenantService(services.url, SERVICE_KEY, sender)


@pytest.fixture
def validator(services: SisterServices, sender: Sender) -> AuthenticationService:
    return AuthenticationService(services.url, sender)


# The tenant service.


async def test_tenant_by_service_key(
    services: SisterServices, tenants: TenantService
) -> None:
    services.tenants[str(TENANT)] = {"tenant": business()}
    found = await tenants.fetch(TENANT, NOW)
    assert (found.name, found.timezone) == (
        "Smith Plumbing Services",
        "America/Los_Angeles",
    )
    span = [{"start": "07:00", "end": "18:00"}]
    assert working_hours(found) == dict.fromkeys(WEEKDAYS, span)
    assert found.hours is not None
    assert found.hours["timezone"] == "America/Los_Angeles"
    (heard,) = services.heard
    assert heard.path == f"/internal/tenants/{TENANT}"
    assert "authorization" not in heard.headers


async def test_tenant_in_the_name_of_a_user(
    services: SisterServices, tenants: TenantService
) -> None:
    services.users[TOKEN] = user()
    services.tenants[str(TENANT)] = {"tenant": business()}
    services.settings[str(TENANT)] = {
        "settings": {
            "tenantId": str(TENANT),
            "businessHours": {
                "start": "08:00",
                "end": "16:00",
                "timezone": "America/Denver",
            },
        }
    }
    found = await tenants.fetch(TENANT, NOW, token=TOKEN)
    assert found.timezone == "America/Denver"
    assert working_hours(found)["sunday"] == [{"start": "08:00", "end": "16:00"}]
    assert {heard.path for heard in services.heard} == {
        f"/tenants/{TENANT}",
        f"/tenants/{TENANT}/settings",
    }
    assert all("x-service-key" not in heard.headers for heard in services.heard)


async def test_user_of_a_tenant_without_settings(
    services: SisterServices, tenants: TenantService
) -> None:
    services.users[TOKEN] = user()
    services.tenants[str(TENANT)] = {"success": True, "data": {"tenant": business()}}
    found = await tenants.fetch(TENANT, NOW, token=TOKEN)
    assert working_hours(found)["monday"] == [{"start": "07:00", "end": "18:00"}]


@pytest.mark.parametrize("token", ["unknown", "of-another-tenant"])
async def test_user_who_may_not_see_the_tenant(
    services: SisterServices, tenants: TenantService, token: str
) -> None:
    services.users["of-another-tenant"] = user(tenant_id=str(OTHER))
    services.tenants[str(TENANT)] = {"tenant": business()}
    with pytest.raises(PlatformFailed):
        await tenants.fetch(TENANT, NOW, token=token)


@pytest.mark.parametrize("token", [None, TOKEN])
async def test_unknown_tenant(
    services: SisterServices, tenants: TenantService, token: str | None
) -> None:
    services.users[TOKEN] = user()
    with pytest.raises(TenantNotFound):
        await tenants.fetch(TENANT, NOW, token=token)


async def test_wrong_service_key(services: SisterServices, sender: Sender) -> None:
    services.tenants[str(TENANT)] = {"tenant": business()}
    with pytest.raises(PlatformFailed):
        await TenantService(services.url, "wrong", sender).fetch(TENANT, NOW)


WEEK = {
    "monday": {
        "isOpen": True,
        "openTime": "08:00",
        "closeTime": "12:00",
        "breaks": [{"startTime": "10:00", "endTime": "10:30"}],
    },
    "tuesday": {"open": "09:00", "close": "24:00", "enabled": True},
    "wednesday": {"start": "09:00", "end": "17:00"},
    "thursday": None,
    "friday": {"open": "09:00", "close": "17:00", "enabled": False},
    "holidays": [{"date": "2020-12-25", "isRecurring": True}, {"date": "2026-07-04"}],
}


@pytest.mark.parametrize(
    "answer",
    [
        {"tenant": business(businessHours=WEEK)},
        {"success": True, "data": {"tenant": business(business_hours=WEEK)}},
        {"tenant": business(settings={"businessHours": WEEK})},
        {"tenant": business(), "settings": {"businessHours": WEEK}},
        business(businessHours=WEEK),
        {"success": True, "data": business(businessHours=WEEK)},
    ],
)
async def test_week_wherever_it_is_told(
    services: SisterServices, tenants: TenantService, answer: object
) -> None:
    services.tenants[str(TENANT)] = answer
    found = await tenants.fetch(TENANT, NOW)
    days = working_hours(found)
    assert days["monday"] == [
        {"start": "08:00", "end": "10:00"},
        {"start": "10:30", "end": "12:00"},
    ]
    assert days["tuesday"] == [{"start": "09:00", "end": "24:00"}]
    assert days["thursday"] == days["friday"] == days["saturday"] == []
    assert found.hours is not None
    assert found.hours["overrides"] == {
        "2026-07-04": [],
        "2026-12-25": [],
        "2027-12-25": [],
        "2028-12-25": [],
    }


async def test_holidays_of_a_zone_where_it_is_still_last_year(
    services: SisterServices, tenants: TenantService
) -> None:
    holidays = [{"date": "2020-12-31", "isRecurring": True}]
    hours = {"monday": None, "holidays": holidays}
    services.tenants[str(TENANT)] = {"tenant": business(businessHours=hours)}
    found = await tenants.fetch(TENANT, at("2027-01-01"))
    assert found.hours is not None
    assert "2026-12-31" in str(found.hours["overrides"])


async def test_hours_without_zone_and_zone_without_hours(
    services: SisterServices, tenants: TenantService
) -> None:
    no_zone = business(businessHours="07:00-18:00", businessTimezone=None)
    services.tenants[str(TENANT)] = {"tenant": no_zone}
    found = await tenants.fetch(TENANT, NOW)
    assert found.timezone is None
    assert found.hours is not None
    no_hours = business(
        businessHoursStart=None, businessHoursEnd=None, businessHours={}
    )
    services.tenants[str(TENANT)] = {"tenant": no_hours}
    found = await tenants.fetch(TENANT, NOW)
    assert zone_named(str(found.timezone)).key == "America/Los_Angeles"
    assert found.hours is None


@pytest.mark.parametrize(
    "answer",
    [
        [],
        "tenant",
        None,
        {},
        {"tenant": None},
        {"tenant": []},
        {"data": [], "success": True},
        {"success": False, "error": {"code": "X"}},
        {"success": False, "data": {"tenant": business()}},
        {"tenant": business(id=str(OTHER))},
        {"tenant": business(id=7)},
        {"tenant": business(businessName=None)},
        {"tenant": business(businessName=" ")},
        {"tenant": business(businessName="a\0b")},
        {"tenant": business(businessName=7)},
        {"tenant": business(businessTimezone="Mars/Olympus")},
        {"tenant": business(businessTimezone=7)},
        {"tenant": business(businessHoursEnd=None)},
        {"tenant": business(businessHours={"monday": CANARY})},
        {"tenant": business(settings=[1])},
    ],
)
async def test_tenant_that_cannot_be_understood(
    services: SisterServices, tenants: TenantService, answer: object
) -> None:
    services.tenants[str(TENANT)] = answer
    with pytest.raises(PlatformFailed) as failure:
        await tenants.fetch(TENANT, NOW)
    assert not isinstance(failure.value, PlatformDown)
    assert str(failure.value).startswith("ts-tenant-service: ")


# The authentication service.


@pytest.mark.parametrize(
    ("changes", "tenant_id", "role"),
    [
        ({}, TENANT, Role.OWNER),
        ({"role": "operator"}, TENANT, Role.OPERATOR),
        ({"role": "viewer", "tenant_id": None}, None, Role.VIEWER),
    ],
)
async def test_good_token(
    services: SisterServices,
    validator: AuthenticationService,
    changes: dict[str, object],
    tenant_id: UUID | None,
    role: Role,
) -> None:
    services.users[TOKEN] = user(**changes)
    found = await validator.validate(TOKEN)
    assert found == ValidatedUser(USER_ID, tenant_id, role)
    assert services.heard[0].path == "/auth/validate"


async def test_bad_token_and_disabled_user(
    services: SisterServices, validator: AuthenticationService
) -> None:
    assert await validator.validate("forged") is None
    services.users[TOKEN] = user(is_active=False)
    assert await validator.validate(TOKEN) is None


@pytest.mark.parametrize(
    "content",
    [
        b"{}",
        b'{"valid": null}',
        b'{"valid": "true", "user": {}}',
        b'{"valid": 1, "user": {}}',
        b'{"valid": true}',
        b'{"valid": true, "user": null}',
        b'{"valid": true, "user": "ann"}',
        b'{"valid": true, "user": {}}',
        b'{"valid": true, "user": {"id": "1", "role": "admin"}}',
        b'{"valid": true, "user": {"id": 1, "role": "owner"}}',
        b'{"valid": true, "user": {"id": "", "role": "owner"}}',
        b'{"valid": true, "user": {"id": "a\\u0000", "role": "owner"}}',
        b'{"valid": true, "user": {"id": "1", "role": "owner", "tenant_id": "x"}}',
        b'{"valid": true, "user": {"id": "1", "role": "owner", "tenant_id": 7}}',
        b'{"valid": true, "user": {"id": "1", "role": "owner", "is_active": "no"}}',
    ],
)
async def test_user_that_cannot_be_understood(
    services: SisterServices, validator: AuthenticationService, content: bytes
) -> None:
    services.fail(200, content)
    with pytest.raises(PlatformFailed):
        await validator.validate(TOKEN)


# The connection service.


async def test_broadcast(services: SisterServices, sender: Sender) -> None:
    client = ConnectionService(services.url + "/", SERVICE_KEY, sender)
    data = {"appointmentId": "a", "startTime": "2026-06-01T09:00:00Z"}
    for event in BroadcastEvent:
        await client.broadcast(TENANT, event, data)
    names = "new_appointment appointment_updated appointment_cancelled"
    assert services.broadcasts == [
        (str(TENANT), {"event": name, "data": {**data, "tenantId": str(TENANT)}})
        for name in [*names.split(), "calendar_connection_error"]
    ]


# The alerts service.


async def test_alert(services: SisterServices, sender: Sender) -> None:
    client = AlertsService(services.url, SERVICE_KEY, sender)
    await client.raise_alert(TENANT, "calendar_connection", "It broke", Severity.HIGH)
    assert services.alerts == [
        {
            "tenant_id": str(TENANT),
            "rule_name": "calendar_connection",
            "message": "It broke",
            "severity": "high",
        }
    ]
    assert services.heard[0].headers["x-service-key"] == SERVICE_KEY


# What all have in common.


Ask = Callable[[str, Sender], Awaitable[object]]


async def ask_tenant(url: str, sender: Sender) -> object:
    return await TenantService(url, SERVICE_KEY, sender).fetch(TENANT, NOW)


async def ask_tenant_as_user(url: str, sender: Sender) -> object:
    client = TenantService(url, SERVICE_KEY, sender)
    return await client.fetch(TENANT, NOW, token=TOKEN)


async def ask_validation(url: str, sender: Sender) -> object:
    return await AuthenticationService(url, sender).validate(TOKEN)


async def ask_broadcast(url: str, sender: Sender) -> object:
    client = ConnectionService(url, SERVICE_KEY, sender)
    await client.broadcast(TENANT, BroadcastEvent.NEW_APPOINTMENT, {})
    return None


async def ask_alert(url: str, sender: Sender) -> object:
    client = AlertsService(url, SERVICE_KEY, sender)
    await client.raise_alert(TENANT, "rule", "message", Severity.LOW)
    return None


every_client = pytest.mark.parametrize(
    "ask", [ask_tenant, ask_tenant_as_user, ask_validation, ask_broadcast, ask_alert]
)


@every_client
async def test_nobody_listens(ask: Ask, sender: Sender) -> None:
    with pytest.raises(PlatformDown):
        await ask(f"http://127.0.0.1:{free_port()}", sender)


@every_client
async def test_service_that_hangs_is_given_up(
    ask: Ask, services: SisterServices, sender: Sender
) -> None:
    services.is_hanging = True
    started = time.monotonic()
    with pytest.raises(PlatformDown):
        await ask(services.url, sender)
    assert time.monotonic() - started < 3


@every_client
@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_service_without_time_for_us(
    ask: Ask, services: SisterServices, sender: Sender, status: int
) -> None:
    services.fail(status)
    with pytest.raises(PlatformDown):
        await ask(services.url, sender)


@every_client
@pytest.mark.parametrize(
    ("status", "content"),
    [
        (200, b""),
        (200, CANARY.encode()),
        (200, b"\xff\xfe"),
        (200, b"[" * 100_000),
        (200, b'{"a": NaN}'),
        (200, b"[]"),
        (200, b"null"),
        (200, b'"\\ud800"'),
        (200, b'{"success": false}'),
        (301, b"{}"),
        (400, b"{}"),
        (401, b"{}"),
        (403, CANARY.encode()),
    ],
)
async def test_answer_that_cannot_be_understood(
    ask: Ask, services: SisterServices, sender: Sender, status: int, content: bytes
) -> None:
    services.fail(status, content)
    with pytest.raises(PlatformFailed) as failure:
        await ask(services.url, sender)
    told = f"{failure.value!r} {failure.value.__cause__!r}"
    assert CANARY not in told
    assert not re.search(f"{SERVICE_KEY}|{TOKEN}", told)


@pytest.mark.parametrize("ask", [ask_validation, ask_broadcast, ask_alert])
async def test_missing_route_is_a_failure(
    ask: Ask, services: SisterServices, sender: Sender
) -> None:
    with pytest.raises(PlatformFailed):
        await ask(services.url + "/elsewhere", sender)


async def test_no_secret_is_in_an_address(
    services: SisterServices, sender: Sender
) -> None:
    services.users[TOKEN] = user()
    services.tenants[str(TENANT)] = {"tenant": business()}
    for ask in (ask_tenant, ask_tenant_as_user, ask_validation, ask_broadcast):
        await ask(services.url, sender)
    assert all(is_harmless(heard) for heard in services.heard)


def is_harmless(heard: Heard) -> bool:
    return TOKEN not in heard.path and SERVICE_KEY not in heard.path
