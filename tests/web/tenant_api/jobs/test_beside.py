"""A calendar beside a platform: each is written to and read for itself."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from tests.harness.outside.sandbox import Sandbox, running_sandbox
from tests.web.api import wait_for
from tests.web.tenant_api.jobs.conftest import Office
from tests.web.tenant_api.jobs.crew import Crew, appointment, interval
from tests.web.tenant_api.jobs.there import believed, moves
from tests.web.tenant_api.wishes import data
from universal_calendar.bootstrap.outside import open_outside
from universal_calendar.bootstrap.providers import providers
from universal_calendar.bootstrap.worker import connections
from universal_calendar.clock import utc_now
from universal_calendar.core.instant import from_datetime

Json = dict[str, Any]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


@pytest.fixture
async def crew(office: Office) -> Crew:
    """Connect a company where Mike and Sue work."""
    crew = Crew(office)
    for first in ("Mike", "Sue"):
        await crew.hires(first)
    office.connect()
    return crew


@pytest.fixture
async def calendar(office: Office, crew: Crew, sandbox: Sandbox) -> str:
    """Connect a calendar of Mike's own; return its id there."""
    opened = sandbox.account(f"mike-{office.desk.tenant_id}")
    now, mike = from_datetime(utc_now()), UUID(crew.agents["Mike"])
    async with open_outside(office.parts.settings) as outside:
        service = connections(office.parts, providers(office.parts, outside))
        tenant_id = office.business.tenant_id
        await service.add(tenant_id, "fake", opened.credentials, now, mike)
    office.sync()
    return opened.calendar_id


def booked(office: Office, agent_id: str, time: str) -> str:
    """Book as a phone agent does, and wait until it is written."""
    answer = office.agents.with_agent(agent_id).book(
        office.at(0)[:10], time, duration_minutes=60
    )
    assert answer.status_code == 201, answer.text
    appointment_id = str(answer.json()["booking_id"])
    written(office, appointment_id)
    return appointment_id


def written(office: Office, appointment_id: str) -> Json:
    """Wait until an appointment is where it should be; return it."""

    def is_written() -> bool:
        return bool(appointment(office, appointment_id)["syncStatus"] == "synced")

    wait_for("the event", is_written)
    return appointment(office, appointment_id)


def spans(sandbox: Sandbox, calendar: str) -> list[tuple[str, str]]:
    events = sandbox.events(calendar)
    return sorted((each["start"]["at"], each["end"]["at"]) for each in events)


def starts_of_jobs(office: Office) -> list[str]:
    return [each["startTime"] for each in office.listed(status="scheduled")]


@pytest.mark.parametrize("hand", ["jobber"], indirect=True)
async def test_each_booking_is_written_to_one_and_both_are_read(
    office: Office, crew: Crew, sandbox: Sandbox, calendar: str
) -> None:
    mikes = crew.agents["Mike"]
    in_calendar = booked(office, mikes, "09:00")
    made = office.create(11, 12, technicianId=crew.technicians["Mike"])
    booked(office, crew.agents["Sue"], "13:00")
    sandbox.owner_adds(
        calendar,
        start={"at": office.at(14)},
        end={"at": office.at(15)},
        title="Dentist",
    )
    office.hand.adds_job(interval(office, 15, 16), crew.technicians["Mike"], "Theirs")
    office.sync()
    events = [(office.at(9), office.at(10)), (office.at(14), office.at(15))]
    jobs = [office.at(hour) for hour in (11, 13, 15)]
    assert (spans(sandbox, calendar), starts_of_jobs(office)) == (events, jobs)
    day, agents = office.at(0)[:10], office.agents.with_agent(mikes)
    free = agents.starts(day, duration_minutes=60)
    assert free == ["10:00", "12:00", "13:00", "16:00"]
    await believed(office)
    # One moved in each: the appointments follow, and nothing is written back.
    (event,) = (
        each for each in sandbox.events(calendar) if each["start"]["at"] == office.at(9)
    )
    sandbox.owner_changes(
        calendar,
        event["id"],
        start={"at": office.at(10)},
        end={"at": office.at(11)},
    )
    moves(office, made, interval(office, 12, 13))
    office.sync()
    assert appointment(office, in_calendar)["startTime"] == office.at(10)
    assert appointment(office, made["appointmentId"])["startTime"] == office.at(12)
    etags = [each["etag"] for each in sandbox.events(calendar)]
    office.sync()
    assert [each["etag"] for each in sandbox.events(calendar)] == etags
    assert starts_of_jobs(office) == [office.at(hour) for hour in (12, 13, 15)]
    assert agents.starts(day, duration_minutes=60) == [
        "09:00",
        "11:00",
        "13:00",
        "16:00",
    ]


@pytest.mark.parametrize("hand", ["housecallpro"], indirect=True)
def test_it_changes_hands_and_places(
    office: Office, crew: Crew, sandbox: Sandbox, calendar: str
) -> None:
    """An event becomes a job with its agent; a job stays a job."""
    mike = crew.technicians["Mike"]
    event = booked(office, crew.agents["Mike"], "09:00")
    path = f"/appointments/{event}"
    data(office.desk.put(path, {"agentId": crew.agents["Sue"]}))
    assert written(office, event)["provider"] == office.hand.slug
    assert spans(sandbox, calendar) == []
    (job,) = office.listed()
    path = f"{office.jobs}/{job['id']}"
    data(office.desk.put(path, {"technicianId": mike}))
    assert written(office, event)["provider"] == office.hand.slug
    office.sync()
    (job,) = office.listed()
    assert (job["status"], job["technician"]["id"]) == ("scheduled", mike)
    assert spans(sandbox, calendar) == []
