"""Schedules with what nobody expects on them: they are read all the same."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.web.tenant_api.jobs.conftest import Office
from tests.web.tenant_api.jobs.crew import Crew, appointment, book, interval
from tests.web.tenant_api.jobs.platforms import HousecallProHand, JobberHand
from tests.web.tenant_api.jobs.there import (
    adds_visit,
    believed,
    deletes,
    moves,
    renames,
)
from tests.web.tenant_api.wishes import data
from universal_calendar.clock import utc_now
from universal_calendar.core.instant import DAY, from_datetime, to_datetime
from universal_calendar.core.interval import Interval

NAMES = ["🔧 Leak", "\u202eתקלה\u202c", "nul\0", "half \ud83d", "\ufffe\u0000"]


@pytest.fixture
async def crew(office: Office) -> Crew:
    crew = Crew(office)
    for first in ("Mike", "Sue"):
        await crew.hires(first)
    office.connect()
    office.sync()
    return crew


def wire(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def free(office: Office, agent_id: str, day: str = "") -> list[str]:
    agents = office.agents.with_agent(agent_id)
    return agents.starts(day or office.at(0)[:10], duration_minutes=60)


def may_touch_visits(office: Office) -> None:
    """Connect anew by a key of Housecall Pro's for which visits are no secret."""
    if isinstance(office.hand, HousecallProHand):
        keys = {**office.hand.keys, "apiKey": office.hand.house.company_key}
        data(office.desk.post(f"{office.integrations}/connect", keys))


def test_names_of_every_kind(office: Office, crew: Crew) -> None:
    mike = crew.technicians["Mike"]
    renames(office, mike, f"{NAMES[3]} {NAMES[0]}")
    for hour, name in enumerate(NAMES, 9):
        office.hand.adds_job(interval(office, hour, hour + 1), mike, name)
    office.sync()
    titles = [each["title"] for each in office.listed()]
    assert titles == ["🔧 Leak", "\u202eתקלה\u202c", "nul", "half \ufffd", "\ufffe"]
    assert office.technicians()[mike]["name"].startswith("half \ufffd 🔧")
    assert free(office, crew.agents["Mike"])[0] == "14:00"


async def test_one_of_two_visits_is_moved_and_the_other_deleted(
    office: Office, crew: Crew
) -> None:
    may_touch_visits(office)
    made = office.create(10, 11, technicianId=crew.technicians["Mike"])
    adds_visit(office, made, interval(office, 13, 14))
    office.sync()
    await believed(office)
    moves(office, made, interval(office, 12, 13))
    office.sync()
    assert appointment(office, made["appointmentId"])["startTime"] == office.at(12)
    body = {
        "tenantId": office.desk.tenant_id,
        "reason": "No water",
        "visitId": made["visitId"],
    }
    path = f"{office.jobs}/{made['jobId']}"
    cancelled = data(office.desk.ask("DELETE", path, json=body))
    assert cancelled["syncStatus"] == "synced"
    office.sync()
    (left,) = office.listed(status="scheduled")
    assert left["startTime"] == office.at(13)
    assert appointment(office, made["appointmentId"])["status"] == "cancelled"
    again = office.create(15, 16, technicianId=crew.technicians["Mike"])
    await believed(office)
    deletes(office, again)
    office.sync()
    assert appointment(office, again["appointmentId"])["status"] == "cancelled"
    assert book(office, crew.agents["Mike"], 15, 16).status_code == 200


@pytest.mark.parametrize("hand", ["housecallpro"], indirect=True)
async def test_a_technician_gets_an_agent_and_another_name(
    office: Office, crew: Crew
) -> None:
    name = f"Zoe {office.business.tenant_id}"
    zoe = office.hand.hires(name)
    office.hand.adds_job(interval(office, 10, 11), zoe, "Hers")
    office.sync()
    assert "10:00" not in free(office, office.desk.agent_id)
    agent_id = await office.hire(name)
    assert "10:00" in free(office, agent_id)
    office.sync()
    assert "10:00" not in free(office, agent_id)
    assert "10:00" in free(office, office.desk.agent_id)
    renames(office, zoe, "Zelda Nobody")
    office.sync()
    found = office.technicians()[zoe]
    assert (found["name"], found["agentId"]) == ("Zelda Nobody", agent_id)
    assert "10:00" not in free(office, agent_id)


def night_of_two_hours() -> datetime:
    """Return 01:30 in New York on the next night that has that twice, first time."""
    zone, day = ZoneInfo("America/New_York"), utc_now().date()
    while True:
        day += timedelta(days=1)
        first = datetime(day.year, day.month, day.day, 1, 30, tzinfo=zone)
        if first.utcoffset() != first.replace(fold=1).utcoffset() and first.month > 6:
            return first.astimezone(UTC)


@pytest.mark.parametrize("hand", ["jobber"], indirect=True)
def test_the_hour_that_comes_twice(office: Office, crew: Crew) -> None:
    """In the agent's zone; the account's is another, where it comes later."""
    first = night_of_two_hours()
    path = f"/agents/{crew.agents['Mike']}"
    data(office.desk.put(path, {"timezone": "America/New_York"}))
    wishes = [
        {"startTime": wire(start), "endTime": wire(start + timedelta(minutes=30))}
        for start in (first, first + timedelta(hours=1))
    ]
    mike = crew.technicians["Mike"]
    for times in wishes:
        assert office.create(data=times, technicianId=mike, force=True)["created"]
    office.sync()
    day = wire(first)[:10]
    listed = office.listed(startDate=day, endDate=day, timezone="UTC")
    assert [{key: each[key] for key in wishes[0]} for each in listed] == wishes
    for each, times in zip(listed, wishes, strict=True):
        assert (
            appointment(office, each["appointmentId"])["startTime"]
            == times["startTime"]
        )


@pytest.mark.parametrize("hand", ["jobber"], indirect=True)
def test_a_day_of_the_account(office: Office, crew: Crew) -> None:
    """It begins and ends in Los Angeles: it takes the next day of who is in Tokyo."""
    assert isinstance(office.hand, JobberHand)
    path = f"/agents/{crew.agents['Mike']}"
    data(office.desk.put(path, {"timezone": "Asia/Tokyo"}))
    noon = datetime.fromisoformat(office.at(20))
    at = Interval(from_datetime(noon), from_datetime(noon + timedelta(hours=1)))
    name = f"Mike {office.business.tenant_id}"
    office.hand.owner.adds_visit(at, name, title="Any time", all_day=True)
    office.sync()
    today, tomorrow = noon.date(), noon.date() + timedelta(days=1)
    assert "09:00" in free(office, crew.agents["Mike"], str(today))
    assert "09:00" not in free(office, crew.agents["Mike"], str(tomorrow))


def test_a_visit_of_no_length(office: Office, crew: Crew) -> None:
    mike, hand = crew.technicians["Mike"], office.hand
    job_id = hand.adds_job(interval(office, 10, 11), mike, "Nothing")
    if isinstance(hand, HousecallProHand):
        (each,) = hand.house.company.jobs[job_id].appointments
        each.end = each.start
    elif isinstance(hand, JobberHand):
        (visit,) = (each for each in hand.owner.visits if each.job.id == job_id)
        visit.end = visit.start
    office.sync()
    # Jobber's takes no time, Housecall Pro's an hour: so their pages say.
    is_free = "10:00" in free(office, crew.agents["Mike"])
    assert is_free == (hand.slug == "jobber")


def test_visits_of_every_length(office: Office, crew: Crew) -> None:
    """Last: at Housecall Pro the offices of all tests share one company."""
    mike, sue = crew.technicians["Mike"], crew.technicians["Sue"]
    hour = interval(office, 10, 11)
    month = Interval(hour.start, hour.start + 40 * DAY)
    office.hand.adds_job(month, mike, "Roof")
    for years in (-30, 20, 500):
        span = timedelta(days=365 * years) // timedelta(microseconds=1)
        far = Interval(hour.start + span, hour.end + span)
        office.hand.adds_job(far, sue, "Far")
    office.hand.adds_job(interval(office, 10, 11), sue, "Hour")
    office.sync()
    assert free(office, crew.agents["Mike"]) == ["09:00"]
    last = to_datetime(month.end).date()
    assert free(office, crew.agents["Mike"], str(last))[0] == "10:00"
    assert "10:00" not in free(office, crew.agents["Sue"])
    assert {each["title"] for each in office.listed()} == {"Roof", "Hour"}
