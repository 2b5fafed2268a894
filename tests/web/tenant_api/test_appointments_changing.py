"""PUT, DELETE and the steps of an appointment."""

from typing import Any

import httpx2
import pytest

from tests.web.conftest import Superuser
from tests.web.tenant_api.conftest import Desk, tomorrow_at
from tests.web.tenant_api.wishes import (
    CUSTOMER,
    UNKNOWN,
    Hire,
    book,
    booked_id,
    data,
    problem,
    wish,
)
from universal_calendar.services.ports.identity import Role

UPDATED = {
    "updated": True,
    "calendarUpdated": False,
    "conflicts": [],
    "notificationsSent": [],
}
CANCELLED = {
    "cancelled": True,
    "calendarEventDeleted": False,
    "refundIssued": False,
    "notificationsSent": [],
}
FULL = wish(
    description="Leak",
    location={"address": "123 Main St", "latitude": 1.5, "longitude": 2.5},
    customerInfo=CUSTOMER,
    serviceDetails={
        "jobType": "plumbing",
        "urgency": "high",
        "estimatedDuration": 60,
        "estimatedCost": 350.5,
    },
)


@pytest.fixture
def booked(desk: Desk) -> str:
    """Book all there is to an appointment, 10:00 to 11:00."""
    sent = {"appointmentData": FULL, "agentId": desk.agent_id, "leadId": "lead"}
    return booked_id(desk.post("/appointments", sent))


def read(desk: Desk, identifier: str) -> dict[str, Any]:
    found: dict[str, Any] = data(desk.get(f"/appointments/{identifier}"))["appointment"]
    return found


def put(desk: Desk, identifier: str, **body: Any) -> httpx2.Response:
    return desk.put(f"/appointments/{identifier}", body)


@pytest.mark.proves("PUT /appointments/{appointmentId}")
class TestPut:
    def test_a_start_alone_keeps_the_length(self, desk: Desk, booked: str) -> None:
        start = tomorrow_at(14, days=3)
        answer = put(desk, booked, appointmentData={"startTime": start})
        assert data(answer) == {"appointmentId": booked, **UPDATED}
        found = read(desk, booked)
        assert (found["startTime"], found["endTime"]) == (
            start,
            tomorrow_at(15, days=3),
        )
        assert found["version"] == 2
        data(book(desk))

    def test_what_is_left_out_stays(self, desk: Desk, booked: str) -> None:
        before = read(desk, booked)
        data(put(desk, booked, appointmentData={"title": "New"}, customerId="c"))
        after = read(desk, booked)
        changed = {name for name in after if after[name] != before[name]}
        assert changed <= {"title", "customerId", "version", "updatedAt"}
        assert (after["title"], after["customerId"]) == ("New", "c")

    def test_null_clears(self, desk: Desk, booked: str) -> None:
        patch = {
            "description": None,
            "location": {"latitude": None},
            "customerInfo": {"phone": None, "email": "new@example.com"},
            "serviceDetails": None,
        }
        data(put(desk, booked, appointmentData=patch, leadId=None))
        after = read(desk, booked)
        assert (after["description"], after["leadId"]) == (None, None)
        assert after["location"] == {
            "address": "123 Main St",
            "latitude": None,
            "longitude": 2.5,
        }
        assert after["customerInfo"] == {
            "name": CUSTOMER["name"],
            "phone": None,
            "email": "new@example.com",
        }
        assert after["serviceDetails"] == {
            "jobType": None,
            "urgency": "normal",
            "estimatedDuration": None,
            "estimatedCost": None,
        }
        data(put(desk, booked, appointmentData={"location": None}))
        assert read(desk, booked)["location"] is None

    @pytest.mark.parametrize("name", ["startTime", "endTime", "title"])
    def test_what_cannot_be_cleared(self, desk: Desk, booked: str, name: str) -> None:
        details = problem(
            put(desk, booked, appointmentData={name: None}), 400, "VALIDATION_ERROR"
        )
        assert details["fields"][0]["field"] == f"appointmentData.{name}"

    def test_a_conflict_changes_nothing(self, desk: Desk, booked: str) -> None:
        other = booked_id(book(desk, 11, 12))
        before = read(desk, booked)
        patch = {"startTime": tomorrow_at(11, days=3), "title": "New"}
        details = problem(put(desk, booked, appointmentData=patch), 409, "CONFLICT")
        assert details["reason"] == "slot_taken"
        assert [each["appointmentId"] for each in details["conflicts"]] == [other]
        assert tomorrow_at(10, days=3) in [
            each["startTime"] for each in details["alternatives"]
        ]
        assert read(desk, booked) == before

    async def test_to_another_agent(self, desk: Desk, booked: str, hire: Hire) -> None:
        bob = await hire("Bob")
        data(put(desk, booked, agentId=bob))
        assert read(desk, booked)["agentId"] == bob
        data(book(desk))

    def test_its_own_tenant_only(self, desk: Desk, booked: str) -> None:
        other = {"tenantId": UNKNOWN}
        user = desk.as_user(Role.OPERATOR)
        problem(put(user, booked, **other), 403, "FORBIDDEN")

    def test_a_viewer_may_not(self, desk: Desk, booked: str) -> None:
        viewer = desk.as_user(Role.VIEWER)
        problem(put(viewer, booked), 403, "FORBIDDEN")
        problem(viewer.delete(f"/appointments/{booked}"), 403, "FORBIDDEN")

    def test_final_ones_stay(self, desk: Desk, booked: str) -> None:
        data(desk.delete(f"/appointments/{booked}"))
        answer = put(desk, booked, appointmentData={"title": "New"})
        assert problem(answer, 409, "CONFLICT") == {"reason": "final_status"}

    def test_a_whole_body_again_changes_nothing(self, desk: Desk, booked: str) -> None:
        before = read(desk, booked)
        data(put(desk, booked, appointmentData=FULL, status="confirmed"))
        assert read(desk, booked) == before
        answer = put(desk, booked, status="cancelled")
        problem(answer, 400, "VALIDATION_ERROR")


@pytest.mark.proves("DELETE /appointments/{appointmentId}")
class TestDelete:
    def test_by_query(self, desk: Desk, booked: str) -> None:
        path = f"/appointments/{booked}"
        assert data(desk.delete(path)) == CANCELLED
        found = read(desk, booked)
        assert found["status"] == "cancelled"
        assert found["cancellationReason"] == "business_cancellation"
        data(book(desk))
        assert data(desk.delete(path)) == CANCELLED

    def test_by_body(self, desk: Desk, booked: str) -> None:
        body = {
            "tenantId": desk.tenant_id,
            "reason": "customer_cancellation",
            "notifyCustomer": False,
            "cancellationNotes": "Customer requested cancellation",
        }
        data(desk.ask("DELETE", f"/appointments/{booked}", json=body))
        found = read(desk, booked)
        assert found["cancellationReason"] == "customer_cancellation"
        assert found["cancellationNotes"] == "Customer requested cancellation"

    def test_notes_stay_out_of_addresses(self, desk: Desk, booked: str) -> None:
        answer = desk.delete(f"/appointments/{booked}", cancellationNotes="Call me")
        assert answer.status_code == 400
        (wrong,) = answer.json()["error"]["details"]["fields"]
        assert wrong["field"] == "cancellationNotes"
        assert (
            data(desk.get(f"/appointments/{booked}"))["appointment"]["status"]
            == "confirmed"
        )

    @pytest.mark.parametrize("query", [{"reason": "bored"}, {"notifyCustomer": "yes"}])
    def test_what_cannot_be_used(
        self, desk: Desk, booked: str, query: dict[str, str]
    ) -> None:
        answer = desk.delete(f"/appointments/{booked}", **query)
        problem(answer, 400, "VALIDATION_ERROR")

    def test_what_is_over_stays(self, desk: Desk, booked: str) -> None:
        data(desk.post(f"/appointments/{booked}/complete", {}))
        answer = desk.delete(f"/appointments/{booked}")
        assert problem(answer, 409, "CONFLICT") == {"reason": "final_status"}


class TestSteps:
    @pytest.mark.proves(
        "POST /appointments/{appointmentId}/confirm",
        "POST /appointments/{appointmentId}/start",
        "POST /appointments/{appointmentId}/complete",
    )
    def test_from_pending_to_completed(self, desk: Desk, superuser: Superuser) -> None:
        booked = booked_id(book(desk, status="pending"))
        steps = {
            "confirm": "confirmed",
            "start": "in_progress",
            "complete": "completed",
        }
        for step, status in steps.items():
            answer = data(desk.post(f"/appointments/{booked}/{step}", {}))
            assert answer == {
                "appointmentId": booked,
                "status": status,
                "updated": True,
            }
        actions = superuser.execute(
            "SELECT action FROM audit_entries WHERE tenant_id = %s AND subject_id = %s"
            " ORDER BY entry_id",
            [desk.tenant_id, booked],
        ).fetchall()
        assert actions == [
            ("appointment.created",),
            *((f"appointment.{status}",) for status in steps.values()),
        ]

    @pytest.mark.proves("POST /appointments/{appointmentId}/no-show")
    def test_a_no_show_frees_its_time(self, desk: Desk, booked: str) -> None:
        data(desk.post(f"/appointments/{booked}/no-show", {}))
        data(book(desk))

    def test_steps_that_lead_nowhere(self, desk: Desk, booked: str) -> None:
        answer = desk.post(f"/appointments/{booked}/confirm", {})
        assert problem(answer, 409, "CONFLICT") == {"reason": "final_status"}

    def test_a_retry_takes_no_second_step(self, desk: Desk, booked: str) -> None:
        key = {"Idempotency-Key": "step"}
        path = f"/appointments/{booked}/start"
        first = desk.post(path, {}, headers=key)
        assert data(first)["status"] == "in_progress"
        assert desk.post(path, {}, headers=key).content == first.content
        problem(desk.post(path, {}), 409, "CONFLICT")

    def test_a_user_needs_no_body(self, desk: Desk, booked: str) -> None:
        user = desk.as_user(Role.OPERATOR)
        data(user.ask("POST", f"/appointments/{booked}/start"))
