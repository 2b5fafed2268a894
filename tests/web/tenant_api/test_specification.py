"""The specification's own examples of Availability and Appointment Management.

Requests and answers are the specification's, with ids, credentials and future dates
made real: each works with the credential that it shows, and with the other kind.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import pytest

from tests.harness.outside.sandbox import Sandbox, SandboxAccount, running_sandbox
from tests.harness.running import running_service
from tests.notify.mailbox import Mailbox, mailbox
from tests.notify.receiver import receiver
from tests.web.tenant_api.conftest import Desk, tomorrow_at
from tests.web.tenant_api.documented import check_documented
from universal_calendar.bootstrap.outside import open_outside
from universal_calendar.bootstrap.parts import Parts
from universal_calendar.bootstrap.providers import providers
from universal_calendar.bootstrap.worker import connections
from universal_calendar.clock import utc_now
from universal_calendar.core.instant import from_datetime
from universal_calendar.services.ports.identity import Role

CUSTOMER: Final = "7b1f5a3e-52b5-4f0e-8a56-0d4c3a3f8a11"
LEAD: Final = "0e5e0a55-6f6b-4c4b-9d0e-5b0a7c1d2e3f"
CONVERSATION: Final = "c5a1e0de-1a2b-4c3d-8e4f-a1b2c3d4e5f6"
DAYS_AHEAD: Final = 3

PERIODS: Final = {
    "tenantId": "tenant-uuid",
    "timezone": "America/Los_Angeles",
    "availability": [
        {
            "date": "2024-01-01",
            "slots": [
                {
                    "startTime": "2024-01-01T09:00:00Z",
                    "endTime": "2024-01-01T10:00:00Z",
                    "available": True,
                    "duration": 60,
                }
            ],
        }
    ],
}
BLOCKED: Final[dict[str, Any]] = {
    "blockId": "block-uuid",
    "created": True,
    "conflictingAppointments": [],
}
CREATED: Final[dict[str, Any]] = {
    "appointmentId": "appointment-uuid",
    "calendarEventId": "google-event-id",
    "created": True,
    "conflicts": [],
    "confirmationSent": True,
}
READ: Final[dict[str, Any]] = {
    "id": "appointment-uuid",
    "tenantId": "tenant-uuid",
    "customerId": "customer-uuid",
    "startTime": "2024-01-01T14:00:00Z",
    "endTime": "2024-01-01T16:00:00Z",
    "status": "confirmed",
    "title": "Plumbing Service - Kitchen Sink Repair",
    "calendarEventId": "google-event-id",
    "createdAt": "2024-01-01T10:00:00Z",
    "updatedAt": "2024-01-01T10:00:00Z",
}
UPDATED: Final = {
    "appointmentId": "appointment-uuid",
    "updated": True,
    "calendarUpdated": True,
    "conflicts": [],
    "notificationsSent": ["customer", "provider"],
}
CANCELLED: Final = {
    "cancelled": True,
    "calendarEventDeleted": True,
    "refundIssued": False,
    "notificationsSent": ["customer"],
}
LISTED: Final = {
    "appointments": [
        {
            "id": "appointment-uuid",
            "startTime": "2024-01-01T14:00:00Z",
            "endTime": "2024-01-01T16:00:00Z",
            "status": "confirmed",
            "title": "Plumbing Service",
            "customerName": "John Smith",
            "customerPhone": "+12125551234",
        }
    ],
    "pagination": {"page": 1, "limit": 20, "total": 150, "pages": 8},
}
WITHOUT_CALENDAR: Final = {"calendarEventId": None}


def day() -> str:
    return tomorrow_at(0, days=DAYS_AHEAD)[:10]


def span(start: int, end: int) -> dict[str, str]:
    return {
        "startTime": tomorrow_at(start, days=DAYS_AHEAD),
        "endTime": tomorrow_at(end, days=DAYS_AHEAD),
    }


def creation(start: int = 14, end: int = 16) -> dict[str, Any]:
    """Return the specification's request for an appointment."""
    return {
        "customerId": CUSTOMER,
        "leadId": LEAD,
        "conversationId": CONVERSATION,
        "appointmentData": {
            **span(start, end),
            "title": "Plumbing Service - Kitchen Sink Repair",
            "description": "Emergency plumbing repair for kitchen sink leak",
            "location": {
                "address": "123 Main St, Los Angeles, CA 90210",
                "latitude": 34.0522,
                "longitude": -118.2437,
            },
            "customerInfo": {
                "name": "John Smith",
                "phone": "+12125551234",
                "email": "john@example.com",
            },
            "serviceDetails": {
                "jobType": "plumbing",
                "urgency": "emergency",
                "estimatedDuration": 120,
                "estimatedCost": 350.00,
            },
        },
    }


def block(**fields: str) -> dict[str, str]:
    return {
        **span(14, 16),
        "reason": "emergency_service",
        "title": "Emergency Service Call",
        **fields,
    }


@pytest.fixture(params=["service key", "token"])
def asking(request: pytest.FixtureRequest, desk: Desk) -> Desk:
    """Return the desk with either kind of credential."""
    if request.param == "service key":
        return desk
    return desk.as_user(Role.OPERATOR)


@pytest.fixture
def appointment(desk: Desk) -> str:
    """Book the specification's appointment; return its id."""
    booked = check_documented(
        desk.post("/appointments", creation()), CREATED | WITHOUT_CALENDAR
    )
    return str(booked["appointmentId"])


class TestAvailability:
    def check(self, desk: Desk, **more: object) -> Any:
        asked = {"startDate": day(), "endDate": day(), "duration": 60, **more}
        found = check_documented(desk.get("/availability/check", **asked), PERIODS)
        assert found["tenantId"] == desk.tenant_id
        return found

    @pytest.mark.proves("GET /availability/check")
    def test_check(self, asking: Desk) -> None:
        found = self.check(asking)
        (only,) = found["availability"]
        (period,) = only["slots"]
        assert (found["timezone"], only["date"]) == ("UTC", day())
        assert period | span(9, 17) == period
        assert (period["available"], period["duration"]) == (True, 8 * 60)

    def test_check_in_a_zone(self, asking: Desk) -> None:
        found = self.check(asking, timezone="America/Los_Angeles")
        assert found["timezone"] == "America/Los_Angeles"
        (only,) = found["availability"]
        (period,) = only["slots"]
        assert period | span(9, 17) == period

    def test_check_shows_what_the_example_shows(self, asking: Desk) -> None:
        """Show 60 and 90 free minutes, for a question about 60."""
        for busy in ((10, 14), (16, 17)):
            data = creation(*busy)["appointmentData"]
            booked = asking.post("/appointments", {"appointmentData": data})
            assert booked.status_code == 200, booked.text
        half = span(15, 16) | {"startTime": tomorrow_at(15, 30, days=DAYS_AHEAD)}
        assert asking.post("/availability/block", half).status_code == 200
        (only,) = self.check(asking)["availability"]
        assert [each["duration"] for each in only["slots"]] == [60, 90]

    @pytest.mark.proves("POST /availability/block")
    @pytest.mark.parametrize("kind", ["soft", "hard"])
    def test_block(self, asking: Desk, kind: str) -> None:
        answer = asking.post("/availability/block", block(blockType=kind))
        found = check_documented(answer, BLOCKED)
        assert (found["created"], found["conflictingAppointments"]) == (True, [])
        free = self.check(asking)["availability"][0]["slots"]
        assert [each["duration"] for each in free] == [5 * 60, 60]

    def test_block_over_an_appointment(self, asking: Desk, appointment: str) -> None:
        answer = asking.post("/availability/block", block(blockType="hard"))
        (only,) = check_documented(answer, BLOCKED)["conflictingAppointments"]
        assert only["appointmentId"] == appointment

    @pytest.mark.proves("POST /holds", "DELETE /holds/{holdId}")
    def test_hold(self, asking: Desk) -> None:
        """Holds are not the specification's; decisions §5 documents them."""
        example = {
            "holdId": "hold-uuid",
            "agentId": "agent-uuid",
            "expiresAt": "2024-01-01T10:05:00Z",
        }
        held = check_documented(asking.post("/holds", span(14, 16)), example)
        assert held["agentId"] == asking.agent_id
        assert asking.post("/appointments", creation()).status_code == 409
        taken = asking.post("/appointments", creation() | {"holdId": held["holdId"]})
        check_documented(taken, CREATED | WITHOUT_CALENDAR)
        other = check_documented(asking.post("/holds", span(9, 10)), example)
        check_documented(asking.delete(f"/holds/{other['holdId']}"), {})
        (only,) = self.check(asking)["availability"]
        assert [each["duration"] for each in only["slots"]] == [5 * 60, 60]


class TestAppointments:
    @pytest.mark.proves("POST /appointments")
    def test_create(self, asking: Desk) -> None:
        answer = asking.post("/appointments", creation())
        found = check_documented(answer, CREATED | WITHOUT_CALENDAR)
        assert (found["created"], found["conflicts"]) == (True, [])

    @pytest.mark.proves("GET /appointments/{appointmentId}")
    def test_read(self, asking: Desk, appointment: str) -> None:
        example = {"appointment": READ | WITHOUT_CALENDAR}
        answer = asking.get(f"/appointments/{appointment}")
        found = check_documented(answer, example)["appointment"]
        expected = {
            "id": appointment,
            "tenantId": asking.tenant_id,
            "customerId": CUSTOMER,
            "status": "confirmed",
            "title": READ["title"],
        }
        assert found | expected | span(14, 16) == found

    @pytest.mark.proves("PUT /appointments/{appointmentId}")
    def test_update(self, asking: Desk, appointment: str) -> None:
        """Take the whole of create, or a part of it."""
        part = {"appointmentData": {"title": "Boiler", **span(10, 12)}}
        for body, start in ((creation(12, 14), 12), (part, 10)):
            answer = asking.put(f"/appointments/{appointment}", body)
            found = check_documented(answer, UPDATED)
            assert (found["appointmentId"], found["updated"]) == (appointment, True)
            assert not found["calendarUpdated"]
            read = asking.get(f"/appointments/{appointment}").json()["data"]
            assert read["appointment"]["startTime"] == span(start, 24 - 1)["startTime"]
        assert read["appointment"]["title"] == "Boiler"
        assert read["appointment"]["customerInfo"]["name"] == "John Smith"

    @pytest.mark.proves("DELETE /appointments/{appointmentId}")
    @pytest.mark.parametrize(
        "reason", ["customer_cancellation", "business_cancellation", "rescheduling"]
    )
    def test_cancel(self, asking: Desk, appointment: str, reason: str) -> None:
        body = {
            "reason": reason,
            "notifyCustomer": True,
            "cancellationNotes": "Customer requested cancellation",
        }
        if "X-Service-Key" in asking.headers:
            body["tenantId"] = asking.tenant_id
        answer = asking.ask("DELETE", f"/appointments/{appointment}", json=body)
        found = check_documented(answer, CANCELLED)
        assert (found["cancelled"], found["refundIssued"]) == (True, False)
        assert asking.post("/appointments", creation()).status_code == 200

    @pytest.mark.proves("GET /appointments")
    def test_list(self, asking: Desk, appointment: str) -> None:
        asked = {"startDate": day(), "endDate": day(), "page": 1, "limit": 20}
        for status in ("confirmed", "pending", "cancelled", "completed"):
            answer = asking.get("/appointments", status=status, **asked)
            found = check_documented(answer, LISTED)
            ids = [each["id"] for each in found["appointments"]]
            assert ids == ([appointment] if status == "confirmed" else [])
            total = len(ids)
            assert found["pagination"] == {
                "page": 1,
                "limit": 20,
                "total": total,
                "pages": total,
            }


class TestWithCalendarAndChannels:
    """The answers as the examples show them: a calendar, mail and webhooks are there.

    All of it is real but the provider, which is the sandbox.
    """

    @pytest.fixture
    async def mail(self) -> AsyncIterator[Mailbox]:
        async with mailbox() as running:
            yield running

    @pytest.fixture
    def sandbox(self, tmp_path: Path) -> Iterator[Sandbox]:
        with running_sandbox(tmp_path) as running:
            yield running

    async def connect(self, desk: Desk, parts: Parts, account: SandboxAccount) -> None:
        async with open_outside(parts.settings) as outside:
            offered = providers(parts, outside)
            now, tenant = from_datetime(utc_now()), UUID(desk.tenant_id)
            service = connections(parts, offered)
            await service.add(tenant, "fake", account.credentials, now)
        async with parts.database.transaction(tenant) as connection:
            # No worker runs here: that it was read is what a sync would write down.
            await connection.execute("UPDATE calendars SET read_at = now()")

    async def test_every_answer(
        self, desk: Desk, parts: Parts, home: Path, mail: Mailbox, sandbox: Sandbox
    ) -> None:
        account = sandbox.account("primary")
        await self.connect(desk, parts, account)
        settings = {
            "SMTP_URL": f"smtp+plain://127.0.0.1:{mail.port}",
            "SMTP_FROM": "bookings@example.com",
            "WEBHOOKS_ALLOW_PRIVATE": "true",
        }
        with receiver() as hook, running_service(home, **settings) as service:
            asking = replace(desk, url=service.url)
            await asyncio.to_thread(self.ask_everything, asking, hook.url)
        assert (len(mail.mails), len(hook.received)) == (3, 3)
        (tombstone,) = sandbox.history(account.calendar_id)
        assert "etag" not in tombstone

    def ask_everything(self, desk: Desk, hook: str) -> None:
        assert desk.post("/webhook-endpoints", {"url": hook}).status_code == 200
        answer = desk.post("/appointments", creation())
        created = check_documented(answer, CREATED)
        assert created["confirmationSent"] is True
        path = f"/appointments/{created['appointmentId']}"
        user = desk.as_user(Role.OPERATOR)
        read = check_documented(user.get(path), {"appointment": READ})["appointment"]
        assert read["calendarEventId"] == created["calendarEventId"]
        updated = check_documented(user.put(path, creation(10, 12)), UPDATED)
        assert updated == UPDATED | {"appointmentId": created["appointmentId"]}
        body = {"reason": "customer_cancellation", "notifyCustomer": True}
        cancelled = check_documented(user.ask("DELETE", path, json=body), CANCELLED)
        assert cancelled["calendarEventDeleted"] is True
        assert "customer" in cancelled["notificationsSent"]
