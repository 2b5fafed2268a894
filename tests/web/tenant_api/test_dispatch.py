"""From a request to a call, with operations of the test's own."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import httpx2
from fastapi import FastAPI
from starlette.requests import Request

from tests.harness.scenes.business import Business
from universal_calendar.bootstrap.parts import Parts
from universal_calendar.core.instant import Instant
from universal_calendar.services.booking.hours_on_demand import HoursOnDemand
from universal_calendar.services.ports.identity import (
    Actor,
    ActorKind,
    Principal,
    Role,
)
from universal_calendar.services.tenants.platform_hours import PlatformHours
from universal_calendar.services.transactions import Transactions
from universal_calendar.store.tenants.platform_hours import PlatformScheduleTable
from universal_calendar.store.tenants.tenants import AgentTable
from universal_calendar.web.app import add_error_handlers
from universal_calendar.web.request_context import RequestContext
from universal_calendar.web.tenant_api.dispatch import Dispatcher, Gate
from universal_calendar.web.tenant_api.fields import Answered, Inputs
from universal_calendar.web.tenant_api.openapi import add_tenant_routes
from universal_calendar.web.tenant_api.operation import (
    Arrival,
    Call,
    Mode,
    Operation,
    Source,
)

SERVICE = Principal(ActorKind.SERVICE, "service", None, Role.OWNER)
Data = Mapping[str, object]


def no_platform(parts: Parts) -> HoursOnDemand:
    """Return what asks nobody for hours."""
    hours = PlatformHours(None, PlatformScheduleTable(parts.database))
    return HoursOnDemand(hours, AgentTable(parts.database))


class Anything(Inputs):
    """Any JSON."""

    anything: Any = None


class Nothing(Answered):
    """No answer of interest."""


async def echo(call: Call, inputs: Anything) -> Data:
    return {"tenantId": call.tenant_id, "anything": inputs.anything}


OPERATION = Operation(
    "POST",
    "/anything",
    "Take anything",
    "Test",
    Role.VIEWER,
    Anything,
    echo,
    Nothing,
    source=Source.BODY,
    mode=Mode.OWN,
)


async def ask(
    parts: Parts, operation: Operation[Anything], body: Any, principal: Principal
) -> httpx2.Response:
    async def authenticate(_request: Request, _now: Instant) -> Principal:
        return principal

    async def admit(tenant_id: UUID, _actor: Actor, _now: Instant) -> None:
        await parts.tenants.get(tenant_id)

    async def failed(_request: Request) -> None:
        return

    app = FastAPI()
    gate = Gate(authenticate, admit, lambda _: "203.0.113.1", lambda: 0)
    dispatcher = Dispatcher(gate, Transactions(parts.units), no_platform(parts))
    add_tenant_routes(app, [operation], dispatcher)
    add_error_handlers(app, failed)
    transport = httpx2.ASGITransport(RequestContext(app))
    headers = {"Idempotency-Key": "some-key"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as http:
        return await http.post(operation.path, json=body, headers=headers)


async def test_what_is_nested_too_deeply_to_be_compared(
    parts: Parts, business: Business
) -> None:
    deep: Any = 1
    for _ in range(400):
        deep = [deep]
    body = {"tenantId": str(business.tenant_id), "anything": deep}
    answer = await ask(parts, OPERATION, body, SERVICE)
    assert answer.status_code == 400
    (field,) = answer.json()["error"]["details"]["fields"]
    assert field == {"field": "body", "message": "Nested too deeply"}


async def test_an_operation_may_find_the_tenant_itself(
    parts: Parts, business: Business
) -> None:
    arrivals: list[Arrival] = []

    async def find(arrival: Arrival, _inputs: Anything) -> UUID:
        arrivals.append(arrival)
        return business.tenant_id

    finding = replace(OPERATION, tenant_of=find)
    answer = await ask(parts, finding, {"anything": 1}, SERVICE)
    told = {"tenantId": str(business.tenant_id), "anything": 1}
    assert answer.json() == {"success": True, "data": told}
    assert arrivals[0].principal == SERVICE
    assert arrivals[0].replay is not None
    assert arrivals[0].replay.idempotency_key == "some-key"


async def test_rights_are_judged_before_the_body(
    parts: Parts, business: Business
) -> None:
    user = Principal(ActorKind.USER, "user", business.tenant_id, Role.OWNER)
    for_services = replace(OPERATION, for_services=True)
    for operation in (replace(OPERATION, role=Role.OWNER), for_services):
        viewer = replace(user, role=Role.VIEWER)
        answer = await ask(parts, operation, ["nonsense"], viewer)
        assert answer.status_code == 403
    assert (await ask(parts, for_services, ["nonsense"], user)).status_code == 403
    assert (await ask(parts, for_services, ["nonsense"], SERVICE)).status_code == 400
