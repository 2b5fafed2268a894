"""Whatever is sent about appointments, the answer is a 4xx that says nothing of it."""

import json
from typing import Any

import pytest

from tests.web.tenant_api.conftest import Desk
from tests.web.tenant_api.wishes import UNKNOWN, data, wish

NAUGHTY = ["a\0b", "\ud800", "x" * 300_000, 10**400, [[[[]]]], {"a": {}}, True, -1, ""]
TOP = ["customerId", "leadId", "agentId", "holdId", "status", "provider", "force"]
INNER = ["startTime", "endTime", "title", "location", "customerInfo", "serviceDetails"]
DEEP = {
    "location": ["address", "latitude", "longitude"],
    "customerInfo": ["name", "phone", "email"],
    "serviceDetails": ["jobType", "urgency", "estimatedDuration", "estimatedCost"],
}


def bodies(naughty: Any) -> list[dict[str, Any]]:
    whole = {"appointmentData": wish()}
    return [
        {"appointmentData": naughty},
        *(whole | {name: naughty} for name in TOP),
        *({"appointmentData": wish() | {name: naughty}} for name in INNER),
        *(
            {"appointmentData": wish() | {outer: {name: naughty}}}
            for outer, names in DEEP.items()
            for name in names
        ),
    ]


@pytest.mark.parametrize("naughty", NAUGHTY, ids=lambda each: repr(each)[:12])
def test_bodies(desk: Desk, naughty: Any) -> None:
    for body in bodies(naughty):
        sent = {"tenantId": desk.tenant_id, **body}
        for method, path in (
            ("POST", "/appointments"),
            ("PUT", f"/appointments/{UNKNOWN}"),
        ):
            headers = {"Content-Type": "application/json"}
            answer = desk.ask(
                method, path, content=json.dumps(sent).encode(), headers=headers
            )
            assert answer.status_code in (200, 400, 404, 409, 413), answer.text
            assert "a\\u0000b" not in answer.text
            if answer.status_code == 200:
                booked = answer.json()["data"]["appointmentId"]
                data(desk.delete(f"/appointments/{booked}"))


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_none(desk: Desk, value: str) -> None:
    location = json.dumps(wish(location={"latitude": 0})).replace(
        ": 0}", f": {value}}}"
    )
    body = f'{{"tenantId": "{desk.tenant_id}", "appointmentData": {location}}}'
    headers = {"Content-Type": "application/json"}
    answer = desk.ask("POST", "/appointments", content=body.encode(), headers=headers)
    assert answer.status_code == 400, answer.text


@pytest.mark.parametrize(
    "query",
    [
        {"externalReferenceId": "a\0b"},
        {"startDate": "2026-12-05\n"},
        {"page": "\u0661"},
        {"page": "999999", "limit": "100"},
        {"endDate": "2999-12-31"},
        {"startDate": "1970-01-01", "timezone": "Pacific/Kiritimati"},
    ],
)
def test_queries(desk: Desk, query: dict[str, str]) -> None:
    assert desk.get("/appointments", **query).status_code in (200, 400)


@pytest.mark.parametrize("who", [{"phone": "1\0"}, {"email": "a@b\0"}])
def test_searches(desk: Desk, who: dict[str, str]) -> None:
    assert desk.post("/appointments/search", who).status_code == 400


@pytest.mark.parametrize("year", ["1970", "2999"])
def test_ends_of_time(desk: Desk, year: str) -> None:
    span = {
        "startTime": f"{year}-12-31T22:00:00Z",
        "endTime": f"{year}-12-31T23:59:00Z",
    }
    for more in ({}, {"force": True}, {"agentId": desk.agent_id, "force": True}):
        body = {"appointmentData": wish() | span, **more}
        answer = desk.post("/appointments", body)
        assert answer.status_code in (200, 400, 409), answer.text
