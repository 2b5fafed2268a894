"""What is wrong with a request is said in one order: key, fields, range, agent, rules.

Each request here is wrong in several ways at once.
"""

import pytest

from tests.harness.scenes.business import Business
from tests.web.api import UNKNOWN_AGENT, Api, day_after
from universal_calendar.bootstrap.parts import Parts

LISTING = {
    "key": ("wrong", "not-a-uuid", "2026-13-01", "2020-01-01", 401),
    "fields": (None, UNKNOWN_AGENT, "2026-13-01", "2020-01-01", 422),
    "agent's id is a field": (None, "not-a-uuid", "2026-12-02", "2026-12-01", 422),
    "range": (None, UNKNOWN_AGENT, "2026-12-02", "2026-12-01", 400),
    "agent": (None, UNKNOWN_AGENT, "2026-12-01", "2026-12-02", 404),
}


@pytest.mark.parametrize("case", LISTING)
def test_listing(case: str, shared: Api) -> None:
    key, agent, first, last, status = LISTING[case]
    asking = shared.with_agent(agent).with_key(key or shared.api_key)
    assert asking.free_slots(first, last).status_code == status


BOOKING = {
    "key": ("wrong", UNKNOWN_AGENT, "12/05/2020", 401),
    "fields": (None, UNKNOWN_AGENT, "12/05/2020", 422),
    "agent": (None, UNKNOWN_AGENT, "2020-01-01", 404),
    "past": (None, None, "2020-01-01", 400),
}


@pytest.mark.parametrize("case", BOOKING)
def test_booking(case: str, shared: Api) -> None:
    key, agent, day, status = BOOKING[case]
    asking = shared.with_agent(agent or shared.agent_id).with_key(key or shared.api_key)
    assert asking.book(day, "10:00").status_code == status


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"[" * 100_000, b'"text"'])
def test_key_is_judged_before_the_body(body: bytes, shared: Api) -> None:
    assert shared.with_key("wrong").send(body).status_code == 401
    assert shared.with_key(None).send(body).status_code == 401
    assert shared.send(body).status_code == 422


def test_key_is_judged_before_the_media_type(shared: Api) -> None:
    assert shared.with_key("wrong").send(b"{}", "text/plain").status_code == 401
    assert shared.send(b"{}", "text/plain").status_code == 415


def test_idempotency_key_is_a_field(shared: Api) -> None:
    wrong = {"Idempotency-Key": "not visible"}
    day = day_after(1)
    assert shared.with_key("wrong").book(day, "10:00", wrong).status_code == 401
    unknown = shared.with_agent(UNKNOWN_AGENT)
    assert unknown.book(day, "10:00", wrong).status_code == 422


async def test_unknown_agent_comes_before_a_replay(
    api: Api, business: Business, parts: Parts
) -> None:
    key, day = {"Idempotency-Key": "once"}, day_after(1)
    assert api.book(day, "10:00", key).status_code == 201
    await parts.tenants.update_agent(business.agent, is_active=False)
    assert api.book(day, "10:00", key).status_code == 404


async def test_replay_comes_before_the_rules(
    api: Api, business: Business, parts: Parts
) -> None:
    key, day = {"Idempotency-Key": "once"}, day_after(1)
    first = api.book(day, "10:00", key)
    await parts.tenants.set_hours(
        business.agent, {"working_hours": {}, "max_advance_booking_days": 0}
    )
    again = api.book(day, "10:00", key)
    assert (again.status_code, again.content) == (201, first.content)


async def test_past_comes_before_notice_and_window_and_slot(
    api: Api, business: Business, parts: Parts
) -> None:
    closed = {"working_hours": {}, "max_advance_booking_days": 0}
    await parts.tenants.set_hours(
        business.agent, closed | {"min_advance_booking_hours": 8760}
    )
    assert "past" in api.book(day_after(-1), "10:00").json()["detail"]
    assert "8760 hours" in api.book(day_after(2), "10:00").json()["detail"]
    await parts.tenants.set_hours(
        business.agent, closed | {"min_advance_booking_hours": 0}
    )
    assert "0 days in advance" in api.book(day_after(2), "10:00").json()["detail"]
    await parts.tenants.set_hours(business.agent, {"working_hours": {}})
    assert api.book(day_after(2), "10:00").status_code == 409
