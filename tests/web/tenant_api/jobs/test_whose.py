"""Which technician a job goes to, and which of a job's visits is meant."""

from typing import Any, cast

import httpx2
import pytest

from tests.web.api import wait_for
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


def shares_an_agent(office: Office, crew: Crew) -> None:
    """Have Sue work as the agent that Mike is."""
    path = f"{office.integrations}/technicians/{crew.technicians['Sue']}"
    data(office.desk.put(path, {"agentId": crew.agents["Mike"]}))


def reassigns(office: Office, made: dict[str, Any], technician: str) -> None:
    """Give a job to somebody else, as its company does."""
    hand = office.hand
    if isinstance(hand, HousecallProHand):
        hand.house.owner.assigns(made["jobId"], technician)
    elif isinstance(hand, JobberHand):
        hand.owner.assigns(made["visitId"], technician)


def schedules(office: Office) -> list[str]:
    """Return the ids of the accounts' schedules, the oldest first."""
    path = f"/calendar/status/{office.desk.tenant_id}"
    connections = data(office.desk.get(path))["connections"]
    return [each["calendarId"] for one in connections for each in one["calendars"]]


def who_has(office: Office, made: dict[str, Any]) -> list[str]:
    """Return who has a job, there and in our list."""
    (there,) = (x for x in office.hand.schedule() if x.job_id == made["jobId"])
    (listed,) = (x for x in office.listed() if x["id"] == made["jobId"])
    return [*there.technicians, listed["technician"]["id"]]


def test_whoever_of_an_agents_technicians_is_named(office: Office, crew: Crew) -> None:
    """Mike comes first, being the agent's namesake; named, Sue gets it."""
    shares_an_agent(office, crew)
    mike, sue = crew.technicians["Mike"], crew.technicians["Sue"]
    made = office.create(technicianId=sue)
    assert made["scheduledTechnician"] == sue
    found = appointment(office, made["appointmentId"])
    assert found["agentId"] == crew.agents["Mike"]
    job = f"{office.jobs}/{made['jobId']}"
    assert data(office.desk.put(job, {"technicianId": sue}))["changes"] == []
    given = data(office.desk.put(job, {"technicianId": mike}))
    assert (given["changes"], given["syncStatus"]) == (["technician"], "synced")
    assert who_has(office, made) == [mike, mike]
    back = {"technicianId": sue, "jobData": {"title": "Bath"}}
    assert data(office.desk.put(job, back))["changes"] == ["technician", "title"]
    data(office.desk.put(job, {"jobData": {"startTime": office.at(14)}}))
    assert who_has(office, made) == [sue, sue]


def test_somebody_elses_agent_gets_the_appointment(office: Office, crew: Crew) -> None:
    shares_an_agent(office, crew)
    joe = office.hand.hires("Joe Stranger")
    office.sync()
    made = office.create(technicianId=joe)
    found = appointment(office, made["appointmentId"])
    assert found["agentId"] == office.desk.agent_id
    job, sue = f"{office.jobs}/{made['jobId']}", crew.technicians["Sue"]
    moved = data(office.desk.put(job, {"technicianId": sue}))
    assert moved["changes"] == ["technician"]
    assert who_has(office, made) == [sue, sue]
    found = appointment(office, made["appointmentId"])
    assert found["agentId"] == crew.agents["Mike"]


def test_the_company_has_the_last_word(office: Office, crew: Crew) -> None:
    """What was wished for is done once, and never again against its people."""
    shares_an_agent(office, crew)
    mike, sue = crew.technicians["Mike"], crew.technicians["Sue"]
    made = office.create(technicianId=sue)
    assert made["scheduledTechnician"] == sue
    reassigns(office, made, mike)
    job = f"{office.jobs}/{made['jobId']}"
    data(office.desk.put(job, {"jobData": {"description": "It drips"}}))
    office.sync()
    assert who_has(office, made) == [mike, mike]


def test_the_wish_outlives_a_platform_that_is_down(office: Office, crew: Crew) -> None:
    shares_an_agent(office, crew)
    mike, sue = crew.technicians["Mike"], crew.technicians["Sue"]
    made = office.create(technicianId=mike)
    job = f"{office.jobs}/{made['jobId']}"
    office.hand.dies()
    try:
        for changes in (["technician"], []):
            asked = data(office.desk.put(job, {"technicianId": sue}))
            assert (asked["changes"], asked["syncStatus"]) == (changes, "pending")
    finally:
        office.hand.rises()
    wait_for("the write", lambda: who_has(office, made) == [sue, sue])


@pytest.mark.parametrize("hand", ["jobber"], indirect=True)
def test_who_works_there_no_more_gets_no_job(office: Office, crew: Crew) -> None:
    assert isinstance(office.hand, JobberHand)
    office.hand.owner.dismisses(f"Sue {office.business.tenant_id}")
    office.sync()
    wish = office.job(technicianId=crew.technicians["Sue"])
    assert "any more" in refused(office.desk.post(office.jobs, wish))
    assert office.listed() == []


@pytest.mark.parametrize("hand", ["jobber"], indirect=True)
def test_whose_jobs_are_made_in_another_account(office: Office, crew: Crew) -> None:
    """Nobody who is named is passed over: who does not work there gets no job."""
    other = JobberHand(cast(JobberHand, office.hand).server)
    data(office.desk.post(f"{office.integrations}/connect", other.keys))
    schedule, mike = schedules(office)[-1], crew.agents["Mike"]
    wish = {"calendarId": schedule, "agentId": mike}
    data(office.desk.put("/calendar/write-calendar", wish))
    named = office.job(technicianId=crew.technicians["Mike"])
    assert "another account" in refused(office.desk.post(office.jobs, named))
    made = office.create(agentId=mike)
    assert [each.job_id for each in other.schedule()] == [made["jobId"]]
    sues = office.create(technicianId=crew.technicians["Sue"])
    assert [each.job_id for each in office.hand.schedule()] == [sues["jobId"]]


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
