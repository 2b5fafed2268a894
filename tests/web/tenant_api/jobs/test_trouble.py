"""Jobs while their platform is slow, full or away: booked now, made once later."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest

from tests.providers.google.wire import Answer, Trouble
from tests.web.api import wait_for
from tests.web.tenant_api.jobs.conftest import Office
from tests.web.tenant_api.jobs.crew import appointment, book
from tests.web.tenant_api.jobs.platforms import Hand, HousecallProHand, JobberHand
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


@contextmanager
def key_opens(hand: HousecallProHand, scheme: str | None) -> Iterator[None]:
    """Let the company's key open what only the scheme does; None: nothing at all."""
    house = hand.house
    kept = dict(house.keys)
    house.keys = {key: scheme for key in kept if scheme is not None}
    try:
        yield
    finally:
        house.keys = kept


@contextmanager
def refusing(hand: Hand) -> Iterator[None]:
    """Let the account do nothing, though its key is known."""
    if isinstance(hand, HousecallProHand):
        with key_opens(hand, "nothing"):
            yield
    elif isinstance(hand, JobberHand):
        wire = hand.server.jobber.wire
        hand.server.do(lambda: wire.troubles.append(Trouble(answer=Answer(403, {}))))
        yield


@contextmanager
def locked_out(hand: Hand) -> Iterator[None]:
    """Have the platform know the account's key no more."""
    if isinstance(hand, HousecallProHand):
        with key_opens(hand, None):
            yield
    elif isinstance(hand, JobberHand):
        hand.owner.disconnects()
        yield


class TestCustomers:
    def put(self, office: Office) -> httpx2.Response:
        customer = {"phone": f"+1628{office.day:07d}", "name": "Jane Roe"}
        path = f"{office.integrations}/sync/customers"
        return office.desk.post(path, {"customerData": customer})

    def test_the_platform_asks_to_wait(self, connected: Office) -> None:
        hand = connected.hand
        if isinstance(hand, HousecallProHand):
            hand.house.throttles(7, only="GET /customers")
        else:
            hand.throttles(4)
        answer = self.put(connected)
        problem(answer, 503, "SERVICE_UNAVAILABLE")
        assert 4 <= int(answer.headers["retry-after"]) <= 20

    def test_the_platform_refuses(self, connected: Office) -> None:
        with refusing(connected.hand):
            answer = self.put(connected)
        problem(answer, 400, "BUSINESS_RULE_VIOLATION")
        assert "send something else" in answer.text
        assert data(self.put(connected))["created"] is True

    def test_the_account_is_to_be_connected_again(self, connected: Office) -> None:
        with locked_out(connected.hand):
            answer = self.put(connected)
        details = problem(answer, 409, "CONFLICT")
        assert details == {"reason": "needs_reauthorization"}
        assert "connect the account again" in answer.text
