"""Tenants are forgotten: nothing of them is left, and no request finds them."""

import json
from typing import Any

import pytest

from tests.harness.scenes.business import open_business
from tests.web.api import FREE_SLOTS
from tests.web.conftest import Superuser
from tests.web.tenant_api.conftest import Desk, tomorrow_at
from tests.web.tenant_api.people import (
    PHONE,
    TRACES,
    book,
    booked,
    data_of,
    dump,
    erase_tenant,
    everything_known,
    export,
    listen,
    traces_in,
)
from universal_calendar.bootstrap.parts import Parts
from universal_calendar.services.ports.identity import Role


@pytest.mark.parametrize("confirm", ["", "acme", "Acme ", None])
def test_a_tenants_name_must_be_given(desk: Desk, confirm: Any) -> None:
    assert erase_tenant(desk, confirm).status_code == 400
    assert data_of(desk.get("/appointments"))["appointments"] == []


@pytest.mark.proves("DELETE /tenants/{tenantId}")
async def test_a_tenant_is_forgotten(
    desk: Desk, parts: Parts, superuser: Superuser
) -> None:
    listen(desk)
    appointment_id = booked(desk, 10, key="kept")
    assert len(await everything_known(parts, desk.tenant_id)) > 100
    answer = erase_tenant(desk, "Acme")
    assert data_of(answer) == {"tenantId": desk.tenant_id, "erased": True}
    texts = dump(superuser)
    left = {
        table: [row for row in text.splitlines() if desk.tenant_id in row]
        for table, text in texts.items()
    }
    assert {table: len(rows) for table, rows in left.items() if rows} == {
        "tenants": 1,
        "tenant_keys": 1,
        "audit_entries": 1,
    }
    assert left["tenant_keys"] == [f"({desk.tenant_id},1,,)"]
    assert "tenant.erased" in left["audit_entries"][0]
    gone = (*TRACES, "Acme", appointment_id, desk.agent_id)
    assert (
        traces_in("\n".join(row for rows in left.values() for row in rows), gone) == []
    )
    assert await everything_known(parts, desk.tenant_id) == ""


def test_a_forgotten_tenant_is_unknown(desk: Desk) -> None:
    appointment_id = booked(desk, 10)
    customer = {"phone": PHONE}
    data_of(erase_tenant(desk, "Acme"))
    answers = [
        desk.get("/appointments"),
        desk.get(f"/appointments/{appointment_id}"),
        desk.delete(f"/appointments/{appointment_id}"),
        book(desk, 11),
        book(desk, 11, key="again"),
        desk.post("/appointments/search", customer),
        desk.post("/customers/export", customer),
        desk.post("/customers/erase", customer),
        desk.post("/webhook-endpoints", {"url": "https://example.com/hook"}),
        erase_tenant(desk, "Acme"),
    ]
    assert [answer.status_code for answer in answers] == [404] * len(answers)
    codes = {answer.json()["error"]["code"] for answer in answers}
    assert codes == {"TENANT_NOT_FOUND"}
    slots = desk.http.get(
        f"{desk.url}{FREE_SLOTS}/{desk.agent_id}",
        params={"start_date": tomorrow_at(0)[:10], "end_date": tomorrow_at(0)[:10]},
        headers={"X-API-Key": desk.api_key},
    )
    assert slots.status_code == 401


def test_a_token_does_not_bring_a_forgotten_tenant_back(desk: Desk) -> None:
    owner = desk.as_user(Role.OWNER)
    data_of(erase_tenant(owner, "Acme"))
    assert owner.get("/appointments").status_code == 404
    assert owner.get("/appointments").status_code == 404


async def test_other_tenants_are_untouched(desk: Desk, parts: Parts) -> None:
    other = await open_business(parts)
    data_of(erase_tenant(desk, "Acme"))
    neighbour = Desk(
        desk.http,
        desk.url,
        str(other.tenant_id),
        other.agent_id,
        other.api_key,
        desk.headers,
    )
    appointment_id = booked(neighbour, 10)
    assert appointment_id in json.dumps(export(neighbour, phone=PHONE))


def test_the_default_tenant_stays(desk: Desk, parts: Parts) -> None:
    default = str(parts.settings.default_tenant_id)
    answer = desk.ask("DELETE", f"/tenants/{default}", json={"confirm": "Default"})
    assert answer.status_code == 403
    assert "DEFAULT_TENANT_ID" in answer.json()["error"]["message"]
