"""Jobs while their platform is slow, full or away: booked now, made once later."""

import time
from typing import Any

import pytest

from tests.web.api import wait_for
from tests.web.tenant_api.jobs.conftest import Office
from tests.web.tenant_api.jobs.crew import appointment, book
from tests.web.tenant_api.wishes import data, problem


@pytest.fixture
def connected(office: Office) -> Office:
    """Connect, and have everything read once."""
    office.connect()
    office.sync()
    return office


class TestTrouble:
    def until_made(self, office: Office, appointment_id: str) -> dict[str, Any]:
        """Wait for the worker; return the job."""

        def is_made() -> bool:
            found = appointment(office, appointment_id)
            return bool(found["syncStatus"] == "synced")

        wait_for("the job", is_made)
        (job,) = office.listed()
        assert job["appointmentId"] == appointment_id
        there = [each.job_id for each in office.hand.schedule()]
        assert there.count(job["id"]) == 1
        return job

    def pending(self, made: dict[str, Any]) -> bool:
        expected = {
            "jobId": None,
            "visitId": None,
            "created": False,
            "scheduledTechnician": None,
            "syncStatus": "pending",
        }
        return bool(made | expected == made)

    def test_a_platform_that_asks_to_wait(self, connected: Office) -> None:
        office = connected
        office.hand.throttles(4)
        key = {"Idempotency-Key": f"job-{office.day}"}
        made = office.create(headers=key)
        assert self.pending(made)
        assert office.create(headers=key) == made
        self.until_made(office, made["appointmentId"])
        assert office.create(headers=key) == made

    def test_a_slow_platform_is_waited_for(self, connected: Office) -> None:
        """Give it longer than calendars get, whose one request is one second's."""
        office = connected
        office.hand.is_slow(1.4)
        made = office.create()
        assert (made["created"], made["syncStatus"]) == (True, "synced")

    def test_a_platform_that_hangs(self, connected: Office) -> None:
        office = connected
        office.hand.hangs()
        began = time.monotonic()
        made = office.create()
        assert time.monotonic() - began < 3.2
        assert self.pending(made)
        self.until_made(office, made["appointmentId"])

    def test_a_platform_that_is_down(self, connected: Office) -> None:
        office = connected
        office.hand.dies()
        try:
            made = office.create()
            assert self.pending(made)
            assert office.listed() == []
            refused = book(office, office.desk.agent_id, 10, 11)
            listing = office.desk.post(
                f"{office.integrations}/sync/customers",
                {"customerData": {"phone": "+12125550000"}},
            )
            problem(listing, 502, "EXTERNAL_SERVICE_ERROR")
        finally:
            office.hand.rises()
        assert refused.status_code in (200, 409)
        job = self.until_made(office, made["appointmentId"])
        moved = office.desk.put(
            f"{office.jobs}/{job['id']}", {"jobData": office.span(14, 15)}
        )
        assert data(moved)["syncStatus"] == "synced"

    @pytest.mark.parametrize("hand", ["jobber"], indirect=True)
    def test_a_burst_is_worked_through(self, connected: Office) -> None:
        """More jobs than there are points for: each is made, some of them later."""
        office, made = connected, list[str]()
        for hour in range(9, 17):
            for half in (0, 30):
                times = {
                    "startTime": office.at(hour, half),
                    "endTime": office.at(hour + (half == 30), 30 - half),
                }
                made.append(office.create(data=times)["appointmentId"])

        def are_made() -> bool:
            found = [appointment(office, each)["syncStatus"] for each in made]
            return set(found) == {"synced"}

        wait_for("all jobs", are_made, 90)
        assert len({each["id"] for each in office.listed()}) == len(made)
