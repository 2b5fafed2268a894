"""A job that was cancelled, and that people put on their schedule again."""

import pytest

from tests.web.tenant_api.jobs.conftest import Office
from tests.web.tenant_api.jobs.crew import Crew, interval
from tests.web.tenant_api.jobs.there import believed, deletes, moves
from tests.web.tenant_api.wishes import problem


@pytest.mark.parametrize("hand", ["housecallpro"], indirect=True)
async def test_it_is_theirs(office: Office) -> None:
    """Its mark stays, and stands for nothing: nobody may be told that it is off."""
    crew = Crew(office)
    await crew.hires("Mike")
    office.connect()
    office.sync()
    made = office.create(technicianId=crew.technicians["Mike"])
    await believed(office)
    deletes(office, made)
    office.sync()
    moves(office, made, interval(office, 14, 15))
    office.sync()
    day, agents = office.at(0)[:10], office.agents.with_agent(crew.agents["Mike"])
    assert "14:00" not in agents.starts(day)
    (job,) = office.listed()
    assert (job["status"], job["appointmentId"]) == ("scheduled", None)
    path, tenant_id = f"{office.jobs}/{made['jobId']}", office.desk.tenant_id
    for answer in (
        office.desk.put(path, {"jobData": office.span(15, 16)}),
        office.desk.ask("DELETE", path, json={"tenantId": tenant_id, "reason": "x"}),
    ):
        assert problem(answer, 409, "CONFLICT")["reason"] == "not_our_job"
