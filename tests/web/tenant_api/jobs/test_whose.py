"""Which technician a job goes to, and which of a job's visits is meant."""

from typing import Any

import httpx2
import pytest

from tests.web.tenant_api.jobs.conftest import Office
from tests.web.tenant_api.jobs.crew import Crew, appointment, interval
from tests.web.tenant_api.jobs.platforms import HousecallProHand, JobberHand
from tests.web.tenant_api.wishes import data, problem


@pytest.fixture
async def crew(office: Office) -> Crew:
    """Connect a company where Mike and Sue work, and have everything read once."""
    crew = Crew(office)
    for first in ("Mike", "Sue"):
        await crew.hires(first)
    office.connect()
    office.sync()
    return crew


def refused(answer: httpx2.Response) -> str:
    (field,) = problem(answer, 400, "VALIDATION_ERROR")["fields"]
    assert field["field"] == "technicianId"
    return str(field["message"])


def cancel(office: Office, made: dict[str, Any], **more: str) -> httpx2.Response:
    body = {"tenantId": office.desk.tenant_id, "reason": "No water", **more}
    return office.desk.ask("DELETE", f"{office.jobs}/{made['jobId']}", json=body)


def adds_visit(office: Office, job_id: str, start: int, end: int) -> None:
    """Give a job one more visit, as its company does."""
    hand, times = office.hand, interval(office, start, end)
    if isinstance(hand, HousecallProHand):
        hand.house.owner.adds_appointment(job_id, times)
    elif isinstance(hand, JobberHand):
        (job,) = (each for each in hand.owner.jobs if each.id == job_id)
        hand.owner.adds_visit(times, job=job)


def completes(office: Office, made: dict[str, Any]) -> None:
    """Say that a job is done, as its company does."""
    hand = office.hand
    if isinstance(hand, HousecallProHand):
        hand.house.owner.marks(made["jobId"], "complete unrated")
    elif isinstance(hand, JobberHand):
        hand.owner.completes(made["visitId"])


def test_nobody_gets_the_job_of_another_technician(office: Office, crew: Crew) -> None:
    """Two technicians who are one agent cannot be told apart: say so, send nobody."""
    mike, sue = crew.technicians["Mike"], crew.technicians["Sue"]
    path = f"{office.integrations}/technicians/{sue}"
    assert office.desk.put(path, {"agentId": crew.agents["Mike"]}).status_code == 200
    answer = office.desk.post(office.jobs, office.job(technicianId=sue))
    assert "agent" in refused(answer)
    made = office.create(technicianId=mike)
    assert made["scheduledTechnician"] == mike
    job = f"{office.jobs}/{made['jobId']}"
    assert "agent" in refused(office.desk.put(job, {"technicianId": sue}))
    assert data(office.desk.put(job, {"technicianId": mike}))["changes"] == []
    data(office.desk.put(path, {"agentId": crew.agents["Sue"]}))
    moved = data(office.desk.put(job, {"technicianId": sue}))
    assert moved["changes"] == ["technician"]
    assert office.listed()[0]["technician"]["id"] == sue


@pytest.mark.parametrize("hand", ["jobber"], indirect=True)
def test_who_works_there_no_more_gets_no_job(office: Office, crew: Crew) -> None:
    assert isinstance(office.hand, JobberHand)
    office.hand.owner.dismisses(f"Sue {office.business.tenant_id}")
    office.sync()
    wish = office.job(technicianId=crew.technicians["Sue"])
    assert "any more" in refused(office.desk.post(office.jobs, wish))
    assert office.listed() == []


def test_what_is_done_is_neither_moved_nor_cancelled(
    office: Office, crew: Crew
) -> None:
    made = office.create(technicianId=crew.technicians["Mike"])
    completes(office, made)
    office.sync()
    (job,) = office.listed()
    assert job["status"] == "completed"
    path = f"{office.jobs}/{made['jobId']}"
    moved = office.desk.put(path, {"jobData": office.span(15, 16)})
    for answer in (moved, cancel(office, made)):
        assert problem(answer, 409, "CONFLICT")["reason"] == "final_status"
    assert made["jobId"] in [each.job_id for each in office.hand.schedule()]
    assert appointment(office, made["appointmentId"])["status"] == "confirmed"


@pytest.mark.parametrize("hand", ["jobber"], indirect=True)
def test_one_of_several_visits_is_cancelled_twice(office: Office, crew: Crew) -> None:
    made = office.create(technicianId=crew.technicians["Mike"])
    adds_visit(office, made["jobId"], 13, 14)
    office.sync()
    assert len(office.listed()) == 2
    once, again = (
        data(cancel(office, made, visitId=made["visitId"])) for _ in range(2)
    )
    assert once == again
    left = cancel(office, made)
    assert problem(left, 409, "CONFLICT")["reason"] == "not_our_job"
