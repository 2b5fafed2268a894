"""POST /appointments: what is booked, with whom, and what is refused."""

import re
from typing import Any

import pytest

from tests.harness.scenes.business import EVERY_DAY, Business
from tests.web.tenant_api.conftest import Desk, tomorrow_at
from tests.web.tenant_api.wishes import (
    CUSTOMER,
    UNKNOWN,
    Hire,
    book,
    data,
    problem,
    wish,
)
from universal_calendar.bootstrap.parts import Parts
from universal_calendar.services.ports.identity import Role


def test_whole_answer(desk: Desk) -> None:
    found = data(book(desk))
    assert re.fullmatch(r"[0-9a-f-]{36}", found.pop("appointmentId"))
    assert found == {
        "calendarEventId": None,
        "created": True,
        "conflicts": [],
        "confirmationSent": False,
        "syncStatus": None,
        "agentId": desk.agent_id,
        "startTime": tomorrow_at(10, days=3),
        "endTime": tomorrow_at(11, days=3),
        "status": "confirmed",
    }


def test_the_specifications_own_body(desk: Desk) -> None:
    body = {
        "customerId": "customer-uuid",
        "leadId": "lead-uuid",
        "conversationId": "conversation-uuid",
        "appointmentData": wish(
            14,
            16,
            description="Emergency plumbing repair for kitchen sink leak",
            location={
                "address": "123 Main St, Los Angeles, CA 90210",
                "latitude": 34.0522,
                "longitude": -118.2437,
            },
            customerInfo=CUSTOMER,
            serviceDetails={
                "jobType": "plumbing",
                "urgency": "emergency",
                "estimatedDuration": 120,
                "estimatedCost": 350.00,
            },
        ),
    }
    booked = data(desk.post("/appointments", body))
    read = data(desk.get(f"/appointments/{booked['appointmentId']}"))["appointment"]
    sent = body["appointmentData"]
    assert isinstance(sent, dict)
    for name in ("customerId", "leadId", "conversationId"):
        assert read[name] == body[name]
    for name in sent:
        assert read[name] == sent[name], name


def test_an_operator_may_and_a_viewer_may_not(desk: Desk) -> None:
    assert data(book(desk.as_user(Role.OPERATOR), 9, 10))["created"]
    problem(book(desk.as_user(Role.VIEWER), 10, 11), 403, "FORBIDDEN")


def test_offset_of_a_time_is_read(desk: Desk) -> None:
    times = {
        "startTime": tomorrow_at(10, days=3).replace("Z", "-02:00"),
        "endTime": tomorrow_at(11, days=3).replace("Z", "-02:00"),
    }
    found = data(desk.post("/appointments", {"appointmentData": wish() | times}))
    assert found["startTime"] == tomorrow_at(12, days=3)


def test_pending_if_asked_for(desk: Desk) -> None:
    assert data(book(desk, status="pending"))["status"] == "pending"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"startTime": None}, "appointmentData.startTime"),
        ({"startTime": "2026-12-05T14:30:00"}, "appointmentData.startTime"),
        ({"startTime": "2026-12-05T14:30:01Z"}, "appointmentData.startTime"),
        ({"endTime": tomorrow_at(10, days=3)}, "appointmentData.endTime"),
        ({"endTime": tomorrow_at(9, days=3)}, "appointmentData.endTime"),
        ({"endTime": tomorrow_at(10, 1, days=34)}, "appointmentData.endTime"),
        ({"title": " "}, "appointmentData.title"),
        ({"title": "a\0b"}, "appointmentData.title"),
        ({"customerInfo": {"phone": "555"}}, "appointmentData.customerInfo.phone"),
        ({"customerInfo": {"email": "no"}}, "appointmentData.customerInfo.email"),
        ({"location": {"latitude": 91}}, "appointmentData.location.latitude"),
        (
            {"serviceDetails": {"estimatedCost": 1.005}},
            "appointmentData.serviceDetails.estimatedCost",
        ),
        (
            {"serviceDetails": {"estimatedCost": -1}},
            "appointmentData.serviceDetails.estimatedCost",
        ),
        (
            {"serviceDetails": {"estimatedDuration": "60"}},
            "appointmentData.serviceDetails.estimatedDuration",
        ),
    ],
)
def test_fields_that_cannot_be_used(
    desk: Desk, change: dict[str, Any], field: str
) -> None:
    details = problem(
        desk.post("/appointments", {"appointmentData": wish() | change}),
        400,
        "VALIDATION_ERROR",
    )
    assert field in [each["field"] for each in details["fields"]]


def test_errors_name_fields_and_never_what_was_sent(desk: Desk) -> None:
    private = "Very Private"
    body = {
        "appointmentData": wish(
            title=[private],
            customerInfo={"name": 7, "phone": private, "email": private},
            location={"address": {private: private}},
        ),
        "leadId": [private],
        "status": private,
    }
    answer = desk.post("/appointments", body)
    problem(answer, 400, "VALIDATION_ERROR")
    assert private not in answer.text


def test_a_taken_time_says_what_is_in_the_way_and_what_is_free(desk: Desk) -> None:
    first = data(book(desk))["appointmentId"]
    details = problem(book(desk), 409, "CONFLICT")
    assert details["reason"] == "slot_taken"
    assert details["conflicts"] == [
        {
            "type": "appointment",
            "startTime": tomorrow_at(10, days=3),
            "endTime": tomorrow_at(11, days=3),
            "appointmentId": first,
        }
    ]
    assert [each["startTime"] for each in details["alternatives"]] == [
        tomorrow_at(9, days=3),
        tomorrow_at(11, days=3),
        tomorrow_at(12, days=3),
    ]
    assert {each["agentId"] for each in details["alternatives"]} == {desk.agent_id}
    for each in details["alternatives"]:
        times = {name: each[name] for name in ("startTime", "endTime")}
        sent = {"agentId": each["agentId"], "appointmentData": wish() | times}
        data(desk.post("/appointments", sent))


def test_outside_hours_and_forced(desk: Desk) -> None:
    assert problem(book(desk, 18, 19), 409, "CONFLICT")["reason"] == "outside_hours"
    data(book(desk, 18, 19, force=True))


def test_nothing_passes_the_past(desk: Desk) -> None:
    past = wish(days=-2)
    for more in ({}, {"force": True}):
        answer = desk.post("/appointments", {"appointmentData": past, **more})
        problem(answer, 400, "BUSINESS_RULE_VIOLATION")


def test_longer_than_a_day(desk: Desk) -> None:
    """Alternatives are slots, and no slot is longer than a day."""
    long = wish(10, 10) | {"endTime": tomorrow_at(10, days=33)}
    sent = {"agentId": desk.agent_id, "appointmentData": long}
    assert problem(desk.post("/appointments", sent), 409, "CONFLICT") == {
        "reason": "outside_hours",
        "conflicts": [],
        "alternatives": [],
    }
    data(desk.post("/appointments", sent | {"force": True}))


async def test_emergencies_pass_notice(
    desk: Desk, parts: Parts, business: Business
) -> None:
    await parts.tenants.set_hours(
        business.agent, {**EVERY_DAY, "min_advance_booking_hours": 1000}
    )
    problem(book(desk), 400, "BUSINESS_RULE_VIOLATION")
    urgent = wish(serviceDetails={"urgency": "emergency"})
    data(desk.post("/appointments", {"appointmentData": urgent}))


def test_unknown_agent(desk: Desk) -> None:
    problem(book(desk, agentId=UNKNOWN), 404, "NOT_FOUND")


def test_a_provider_that_is_not_connected(desk: Desk) -> None:
    problem(book(desk, provider="google"), 400, "VALIDATION_ERROR")
    problem(book(desk, provider="nobody"), 400, "VALIDATION_ERROR")
    data(book(desk))


class TestAssignment:
    async def test_the_one_with_the_fewest_that_day(
        self, desk: Desk, hire: Hire
    ) -> None:
        bob = await hire("Bob")
        data(book(desk, 12, 13))
        assert data(book(desk, agentId=None))["agentId"] == bob
        both = sorted([bob, desk.agent_id])
        assert data(book(desk, 14, 15, agentId=None))["agentId"] == both[0]

    async def test_cancelled_ones_do_not_count(self, desk: Desk, hire: Hire) -> None:
        await hire("Bob")
        for start in (12, 13):
            booked = data(book(desk, start, start + 1))["appointmentId"]
            data(desk.delete(f"/appointments/{booked}"))
        taken = [data(book(desk, 10, 11, agentId=None))["agentId"] for _ in range(2)]
        assert taken == sorted(taken)
        assert len(set(taken)) == 2

    async def test_only_who_is_free(self, desk: Desk, hire: Hire) -> None:
        bob = await hire("Bob")
        for start in (10, 12, 13):
            data(book(desk, start, start + 1, agentId=bob))
        assert data(book(desk, agentId=None))["agentId"] == desk.agent_id
        details = problem(book(desk, agentId=None), 409, "CONFLICT")
        assert details["reason"] == "slot_taken"
        assert [each["type"] for each in details["conflicts"]] == ["appointment"]
        near = [(e["startTime"], e["agentId"]) for e in details["alternatives"]]
        nearest = {tomorrow_at(9, days=3), tomorrow_at(11, days=3)}
        assert {start for start, _ in near} <= nearest
        assert len({agent for _, agent in near}) == 2

    async def test_the_reason_is_the_best_fitting_agents(
        self, desk: Desk, hire: Hire
    ) -> None:
        await hire("Closed", {"working_hours": {}})
        data(book(desk))
        details = problem(book(desk, agentId=None), 409, "CONFLICT")
        assert details["reason"] == "slot_taken"
        details = problem(book(desk, 18, 19, agentId=None), 409, "CONFLICT")
        assert details["reason"] == "outside_hours"

    async def test_who_has_no_hours_is_no_candidate(
        self, desk: Desk, hire: Hire
    ) -> None:
        await hire("New", None)
        assert data(book(desk, agentId=None))["agentId"] == desk.agent_id

    async def test_nobody_has_hours(
        self, desk: Desk, parts: Parts, business: Business, hire: Hire
    ) -> None:
        await hire("New", None)
        await parts.tenants.update_agent(business.agent, is_active=False)
        answer = book(desk, agentId=None)
        problem(answer, 409, "BUSINESS_HOURS_NOT_CONFIGURED")

    async def test_timing_is_refused_as_for_one(self, desk: Desk, hire: Hire) -> None:
        await hire("Bob")
        answer = desk.post("/appointments", {"appointmentData": wish(days=-2)})
        problem(answer, 400, "BUSINESS_RULE_VIOLATION")


KEY = {"Idempotency-Key": "key-1"}


class TestIdempotency:
    @pytest.mark.parametrize("named", [True, False])
    def test_a_retry_gets_the_first_answer(self, desk: Desk, named: bool) -> None:
        agent = desk.agent_id if named else None
        first = book(desk, headers=KEY, agentId=agent)
        again = book(desk, headers=KEY, agentId=agent)
        assert data(first)["created"]
        assert again.content == first.content

    def test_another_request_under_the_key(self, desk: Desk) -> None:
        data(book(desk, headers=KEY))
        details = problem(book(desk, 12, 13, headers=KEY), 409, "CONFLICT")
        assert details == {"reason": "idempotency_mismatch"}

    def test_refusals_are_not_kept(self, desk: Desk) -> None:
        blocker = data(book(desk))["appointmentId"]
        problem(book(desk, headers=KEY), 409, "CONFLICT")
        data(desk.delete(f"/appointments/{blocker}"))
        data(book(desk, headers=KEY))
