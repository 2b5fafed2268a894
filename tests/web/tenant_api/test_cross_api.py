"""Two dialects, one calendar: what one books, the other cannot."""

import asyncio
from collections import Counter
from collections.abc import Sequence

import httpx2
import pytest

from tests.harness.crowd import clients
from tests.harness.machines.ledger import Ledger
from tests.harness.scenes.business import Business
from tests.web.api import BOOKING, Api
from tests.web.tenant_api.conftest import Desk, tomorrow_at
from tests.web.tenant_api.wishes import Hire, book, booked_id, data, problem, wish
from universal_calendar.bootstrap.parts import Server

CROWD, ROUNDS = 64, 20


@pytest.fixture
def ledger(server: Server, business: Business) -> Ledger:
    """Return what the database holds of the business."""
    assert server.embedded is not None
    return Ledger.of(server.embedded, business.tenant_id)


def day_of(days: int) -> str:
    return tomorrow_at(0, days=days)[:10]


def test_booked_by_the_agent_api(desk: Desk, api: Api) -> None:
    booked = api.book(day_of(3), "10:00", duration_minutes=60).json()["booking_id"]
    details = problem(book(desk), 409, "CONFLICT")
    assert details["conflicts"][0]["appointmentId"] == booked
    read = data(desk.get(f"/appointments/{booked}"))["appointment"]
    assert (read["source"], read["title"]) == (
        "agent_api",
        "External Booking - John Doe",
    )
    assert read["customerInfo"]["name"] == "John Doe"


def test_booked_by_the_tenant_api(desk: Desk, api: Api) -> None:
    assert "10:00" in api.starts(day_of(3), duration_minutes=60)
    booked = booked_id(book(desk))
    assert "10:00" not in api.starts(day_of(3), duration_minutes=60)
    refused = api.book(day_of(3), "10:30")
    assert (refused.status_code, refused.json()["code"]) == (409, "slot_taken")
    data(desk.put(f"/appointments/{booked}", {"appointmentData": wish(13, 14)}))
    starts = api.starts(day_of(3), duration_minutes=60)
    assert ("10:00" in starts, "13:00" in starts) == (True, False)
    data(desk.delete(f"/appointments/{booked}"))
    assert "13:00" in api.starts(day_of(3), duration_minutes=60)


def test_no_show_and_cancelling_free_it_for_the_other(desk: Desk, api: Api) -> None:
    for path in ("no-show", None):
        booked = api.book(day_of(3), "10:00").json()["booking_id"]
        one = f"/appointments/{booked}"
        data(desk.delete(one) if path is None else desk.post(f"{one}/{path}", {}))
    assert api.book(day_of(3), "10:00").status_code == 201


def one_of_each(desk: Desk, days: int, count: int) -> list[httpx2.Request]:
    """Return so many wishes for one slot: the agent's, anybody's, the other dialect."""
    named = {"agentId": desk.agent_id, "appointmentData": wish(days=days)}
    whoever = {"appointmentData": wish(days=days)}
    local = {
        "agent_id": desk.agent_id,
        "participant_name": "John Doe",
        "booking_date": day_of(days),
        "booking_time": "10:00",
        "duration_minutes": 60,
    }
    tenant = {"tenantId": desk.tenant_id}
    kinds = [
        ("/appointments", desk.headers, tenant | named),
        (BOOKING, {"X-API-Key": desk.api_key}, local),
        ("/appointments", desk.headers, tenant | whoever),
    ]
    return [
        httpx2.Request("POST", desk.url + path, headers=headers, json=body)
        for path, headers, body in (kinds[n % len(kinds)] for n in range(count))
    ]


async def send_at_once(
    client: httpx2.AsyncClient, requests: Sequence[httpx2.Request]
) -> list[httpx2.Response]:
    return await asyncio.gather(*(client.send(each) for each in requests))


def statuses(answers: Sequence[httpx2.Response]) -> Counter[int]:
    return Counter(each.status_code for each in answers)


async def test_one_slot_has_one_winner_in_both_dialects(
    desk: Desk, ledger: Ledger
) -> None:
    async with clients(CROWD) as client:
        for number in range(ROUNDS):
            wishes = one_of_each(desk, 3 + number, CROWD)
            found = statuses(await send_at_once(client, wishes))
            won = found.pop(200, 0) + found.pop(201, 0)
            assert (won, found) == (1, {409: CROWD - 1})
    assert len(ledger.standing()) == ROUNDS
    ledger.check()


async def test_each_of_several_agents_has_one_winner(
    desk: Desk, hire: Hire, ledger: Ledger
) -> None:
    """Who loses a race for one tries the next: nobody is refused while one is free."""
    agents = {desk.agent_id, *[await hire(name) for name in "BCD"]}
    body = {"tenantId": desk.tenant_id, "appointmentData": wish()}
    url = f"{desk.url}/appointments"
    async with clients(CROWD) as client:
        answers = await send_at_once(
            client,
            [
                httpx2.Request("POST", url, headers=desk.headers, json=body)
                for _ in range(CROWD)
            ],
        )
    assert statuses(answers) == {200: len(agents), 409: CROWD - len(agents)}
    booked = [data(each)["agentId"] for each in answers if each.status_code == 200]
    assert set(booked) == agents
    ledger.check()


async def test_movers_race_bookers(desk: Desk, ledger: Ledger) -> None:
    """Appointments are moved to a time that both dialects want at that moment."""
    mine = [booked_id(book(desk, hour, hour + 1)) for hour in (9, 14, 15)]
    async with clients(CROWD) as client:
        for number in range(ROUNDS):
            moves = [
                httpx2.Request(
                    "PUT",
                    f"{desk.url}/appointments/{each}",
                    headers=desk.headers,
                    json={
                        "tenantId": desk.tenant_id,
                        "appointmentData": {
                            "startTime": tomorrow_at(10, days=3 + number)
                        },
                    },
                )
                for each in mine
            ]
            wishes = one_of_each(desk, 3 + number, 12)
            found = statuses(await send_at_once(client, [*wishes, *moves]))
            won = found.pop(200, 0) + found.pop(201, 0)
            assert (won, found) == (1, {409: 14})
    ledger.check()
