"""Bookings that ask the platform first: what was done there a moment ago counts."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.web.tenant_api.jobs.conftest import Office
from tests.web.tenant_api.jobs.crew import Crew, book, interval
from tests.web.tenant_api.jobs.there import assigns, moves
from tests.web.tenant_api.wishes import data, problem


def checks_live(office: Office, *, is_on: bool) -> None:
    """Say whether bookings ask the platform first."""
    status = data(office.desk.get(f"/calendar/status/{office.desk.tenant_id}"))
    (connection,) = status["connections"]
    path = f"/calendar/connections/{connection['connectionId']}"
    data(office.desk.put(path, {"checksLive": is_on}))


@pytest.fixture
async def crew(office: Office) -> Crew:
    """Connect a company where Mike and Sue work, and have bookings ask it."""
    crew = Crew(office)
    for first in ("Mike", "Sue"):
        await crew.hires(first)
    office.connect()
    office.sync()
    checks_live(office, is_on=True)
    return crew


def taken(office: Office, agent_id: str, start: int) -> bool:
    """Tell whether an hour of an agent's is refused; it is booked if it is not."""
    answer = book(office, agent_id, start, start + 1)
    if answer.status_code == 200:
        return False
    return bool(problem(answer, 409, "CONFLICT")["reason"] == "slot_taken")


def test_a_second_technician_and_a_visit_that_was_moved(
    office: Office, crew: Crew
) -> None:
    mike, sue = crew.technicians["Mike"], crew.technicians["Sue"]
    made = office.create(10, 11, technicianId=mike)
    assigns(office, made, mike, sue)
    assert taken(office, crew.agents["Sue"], 10)
    moves(office, made, interval(office, 13, 14))
    assert taken(office, crew.agents["Mike"], 13)
    assert taken(office, crew.agents["Sue"], 13)
    assert not taken(office, office.desk.agent_id, 13)


def test_a_job_of_theirs_while_it_is_on_and_off(office: Office, crew: Crew) -> None:
    mike = crew.technicians["Mike"]
    for start in (10, 12):
        office.hand.adds_job(interval(office, start, start + 1), mike, "Theirs")
    wish = office.job(10, 11, technicianId=mike)
    refused = office.desk.post(office.jobs, wish)
    assert problem(refused, 409, "CONFLICT")["reason"] == "slot_taken"
    # Off, what was read last decides; the refusal has had it read by now, or soon.
    checks_live(office, is_on=False)
    assert office.create(14, 15, technicianId=mike)["created"]
    office.sync()
    assert taken(office, crew.agents["Mike"], 12)


def test_the_last_hour_goes_to_one_of_two_dispatchers(
    office: Office, crew: Crew
) -> None:
    agent_id = crew.agents["Mike"]
    desk, agents = office.desk, office.agents.with_agent(agent_id)
    wish = office.job(16, 17, agentId=agent_id)
    asking = [
        lambda: desk.post(office.jobs, wish).status_code,
        lambda: agents.book(office.at(0)[:10], "16:00").status_code,
        lambda: book(office, agent_id, 16, 17).status_code,
    ]
    with ThreadPoolExecutor(len(asking)) as pool:
        statuses = [each.result() for each in [pool.submit(ask) for ask in asking]]
    assert sorted(statuses)[1:] == [409, 409]
    assert sorted(statuses)[0] in (200, 201)
    office.sync()
    assert len(office.listed()) == 1
