"""Every operation, asked by everyone who may not: nothing is done, nothing is told."""

import asyncio
from dataclasses import replace

import httpx2
import pytest

from conftest import Service
from tests.harness import tokens
from tests.harness.running import SERVICE_KEY, RunningService
from tests.harness.scenes.business import Business, open_business
from tests.web.tenant_api.conftest import Desk, tomorrow_at
from tests.web.tenant_api.examples import NOBODYS_ID, OPERATIONS, asked, names_in
from universal_calendar.bootstrap.parts import Server, open_parts
from universal_calendar.services.ports.identity import Role
from universal_calendar.settings import Settings
from universal_calendar.web.tenant_api.openapi import AnyOperation

every_operation = pytest.mark.parametrize(
    "operation", OPERATIONS, ids=lambda each: each.name
)


def desk_of(http: httpx2.Client, url: str, business: Business) -> Desk:
    return Desk(
        http,
        url,
        str(business.tenant_id),
        business.agent_id,
        business.api_key,
        {"X-Service-Key": SERVICE_KEY},
    )


@pytest.fixture(scope="module")
def desks(
    http: httpx2.Client, process: RunningService, settings: Settings, server: Server
) -> tuple[Desk, Desk]:
    """Return the module's own business and a foreign one."""

    async def seed() -> list[Business]:
        async with open_parts(settings, server) as parts:
            return [await open_business(parts) for _ in range(2)]

    own, foreign = asyncio.run(seed())
    return desk_of(http, process.url, own), desk_of(http, process.url, foreign)


@pytest.fixture(scope="module")
def foreign_ids(desks: tuple[Desk, Desk]) -> dict[str, str]:
    """Return ids that exist, by the name of their path parameter."""
    _, desk = desks
    (key,) = desk.get("/api-keys").json()["data"]["apiKeys"]
    data = {
        "title": "Visit",
        "startTime": tomorrow_at(10),
        "endTime": tomorrow_at(11),
        "customerInfo": {"name": "John", "phone": "+12125551234"},
    }
    booked = desk.post("/appointments", {"appointmentData": data}).json()
    return {
        "tenantId": desk.tenant_id,
        "agentId": desk.agent_id,
        "keyId": key["id"],
        "appointmentId": booked["data"]["appointmentId"],
    }


def ask(desk: Desk, operation: AnyOperation, **ids: str) -> httpx2.Response:
    return desk.ask(**asked(operation, desk.tenant_id, ids))


def refused(answer: httpx2.Response, status: int, code: str) -> dict[str, object]:
    """Return the error, which has no details."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert body["success"] is False
    assert body["error"].keys() == {"code", "message", "details"}
    assert (body["error"]["code"], body["error"]["details"]) == (code, None)
    return dict(body["error"])


@every_operation
def test_nobody(operation: AnyOperation, desks: tuple[Desk, Desk]) -> None:
    nobody = replace(desks[0], headers={})
    error = refused(ask(nobody, operation), 401, "UNAUTHORIZED")
    assert error["message"] == "Send Authorization: Bearer <token> or X-Service-Key"
    for_agents = replace(nobody, headers={"X-API-Key": nobody.api_key})
    refused(ask(for_agents, operation), 401, "UNAUTHORIZED")
    wrong = replace(nobody, headers={"X-Service-Key": "wrong"})
    refused(ask(wrong, operation), 401, "UNAUTHORIZED")


@every_operation
def test_bad_tokens(operation: AnyOperation, desks: tuple[Desk, Desk]) -> None:
    good = tokens.claims(desks[0].tenant_id)
    for token in (
        tokens.signed(good | {"exp": tokens.seconds_from_now(-61)}),
        tokens.unsigned(good),
        tokens.forged(good, b"weak"),
        tokens.forged(good, b"secret-key-abc123"),
        tokens.signed(good | {"role": "admin"}),
    ):
        asking = replace(desks[0], headers={"Authorization": f"Bearer {token}"})
        error = refused(ask(asking, operation), 401, "UNAUTHORIZED")
        assert error["message"] == "Invalid or expired token"


@every_operation
def test_too_small_a_role(operation: AnyOperation, desks: tuple[Desk, Desk]) -> None:
    for role in Role:
        if role < operation.role or operation.for_services:
            refused(ask(desks[0].as_user(role), operation), 403, "FORBIDDEN")


for_users = [each for each in OPERATIONS if not each.for_services]


@pytest.mark.parametrize("operation", for_users, ids=lambda each: each.name)
def test_enough_of_a_role(operation: AnyOperation, desks: tuple[Desk, Desk]) -> None:
    # What is missing is the body, or the thing itself; never the right.
    parts = asked(operation, desks[0].tenant_id, {})
    asking = desks[0].as_user(operation.role)
    answer = asking.ask(parts["method"], parts["path"])
    assert answer.status_code in (200, 400, 404, 415), answer.text


@every_operation
def test_another_tenant(
    operation: AnyOperation, desks: tuple[Desk, Desk], foreign_ids: dict[str, str]
) -> None:
    own, foreign = desks
    bodies = set()
    for tenant_id, ids in ((foreign.tenant_id, foreign_ids), (NOBODYS_ID, {})):
        parts = asked(operation, tenant_id, ids)
        answer = own.as_user(Role.OWNER).ask(**parts)
        refused(answer, 403, "FORBIDDEN")
        bodies.add(answer.text)
    assert len(bodies) == 1


with_ids = [each for each in OPERATIONS if set(names_in(each.path)) - {"tenantId"}]


@pytest.mark.parametrize("operation", with_ids, ids=lambda each: each.name)
def test_foreign_ids_look_like_none(
    operation: AnyOperation, desks: tuple[Desk, Desk], foreign_ids: dict[str, str]
) -> None:
    own, _ = desks
    for asking in (own, own.as_user(Role.OWNER)):
        answers = [ask(asking, operation, **ids) for ids in (foreign_ids, {})]
        assert {each.status_code for each in answers} == {404}, answers[0].text
        told = answers[0].text
        for name in names_in(operation.path):
            told = told.replace(foreign_ids.get(name, NOBODYS_ID), NOBODYS_ID)
        assert told == answers[1].text


def test_foreign_things_are_untouched(
    desks: tuple[Desk, Desk], foreign_ids: dict[str, str]
) -> None:
    _, foreign = desks
    appointment = f"/appointments/{foreign_ids['appointmentId']}"
    known = foreign.get(appointment).json()["data"]["appointment"]
    assert (known["status"], known["title"]) == ("confirmed", "Visit")
    (key,) = foreign.get("/api-keys").json()["data"]["apiKeys"]
    assert key["state"] == "active"
    (agent,) = foreign.get("/agents").json()["data"]["agents"]
    assert (agent["name"], agent["isActive"]) == ("Ann", True)


def test_the_operations_are_many(service: Service) -> None:
    assert len(OPERATIONS) >= 20
    assert len({(each.method, each.path) for each in OPERATIONS}) == len(OPERATIONS)
