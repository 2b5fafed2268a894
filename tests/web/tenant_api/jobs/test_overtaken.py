"""Schedules that change while they are read, and accounts that come back."""

import pytest

from tests.web.api import wait_for
from tests.web.tenant_api.jobs.conftest import Office
from tests.web.tenant_api.jobs.crew import appointment, interval
from tests.web.tenant_api.jobs.platforms import HousecallProHand, JobberHand
from tests.web.tenant_api.wishes import data


@pytest.fixture
def connected(office: Office) -> Office:
    """Connect, and have everything read once."""
    office.connect()
    office.sync()
    return office


def starts(office: Office) -> list[str]:
    return office.agents.starts(office.at(0)[:10])


@pytest.mark.parametrize("hand", ["housecallpro"], indirect=True)
def test_a_job_that_is_cancelled_while_it_is_read_takes_no_time(
    connected: Office,
) -> None:
    office = connected
    assert isinstance(office.hand, HousecallProHand)
    house = office.hand.house
    made = office.create(agentId=office.desk.agent_id)
    before = len(house.requests)
    # Jobs are read first: the cancelled one has been told of by then.
    office.hand.is_slow_reading(1.5)
    started = data(office.desk.post("/sync/trigger", {"syncType": "full"}))
    wait_for("the jobs to be read", lambda: "GET /events" in house.requests[before:])
    body = {"tenantId": office.desk.tenant_id, "reason": "rescheduling"}
    path = f"{office.jobs}/{made['jobId']}"
    assert data(office.desk.ask("DELETE", path, json=body))["syncStatus"] == "synced"
    path = f"/sync/status/{started['syncId']}"
    wait_for("a sync", lambda: data(office.desk.get(path))["status"] == "completed")
    assert "10:00" in starts(office)


def test_a_job_of_before_is_ours_again(connected: Office) -> None:
    """Disconnecting forgets which jobs are ours; their marks tell."""
    office = connected
    made = office.create(agentId=office.desk.agent_id)
    office.disconnect()
    office.connect()
    office.sync()
    hand, moved = office.hand, interval(office, 14, 15)
    if isinstance(hand, HousecallProHand):
        hand.house.owner.moves(made["jobId"], moved)
    elif isinstance(hand, JobberHand):
        hand.owner.moves(made["visitId"], moved)
    office.sync()
    assert "14:00" not in starts(office)
    (job,) = office.listed()
    assert job["appointmentId"] == made["appointmentId"]
    found = appointment(office, made["appointmentId"])
    assert found["calendarEventId"] is not None
