"""What is on a schedule: visits with their customers, and all else that takes time."""

from decimal import Decimal

import pytest

from tests.contracts.drafts import NINE, SECONDS, WINDOW, at, utc
from tests.contracts.schedules import JOHN, ExaminedPlatform
from tests.providers.jobber.asking import drafted, put, read
from tests.providers.jobber.owner import Owner
from tests.providers.jobber.server import JobberServer
from universal_calendar.core.busy import BusyType
from universal_calendar.core.instant import DAY, HOUR, Instant
from universal_calendar.core.interval import Interval
from universal_calendar.core.provider_errors import Rejected
from universal_calendar.services.ports.calendars import ChangesQuery
from universal_calendar.services.ports.visits import (
    NOBODY,
    Customer,
    VisitStatus,
)


async def test_account(examined: ExaminedPlatform, owner: Owner) -> None:
    account = await examined.platform.account(examined.access, seconds=SECONDS)
    (schedule,) = account.calendars
    assert (account.account, account.timezone) == (owner.account, "America/New_York")
    assert (schedule.external_id, schedule.name) == ("schedule", "ABC Plumbing")


async def test_visit_that_was_made_there(
    examined: ExaminedPlatform, owner: Owner
) -> None:
    client = owner.adds_client(
        "Carol", "Jones", phone="(212) 555-9876", email="c@x.org"
    )
    number = owner.adds_visit(
        at(NINE), "Mike Johnson", title="Fix sink", client=client, value=99.5
    )
    event = (await read(examined))[number]
    visit, mike = event.visit, owner.technician("Mike Johnson")
    assert (event.appointment_id, event.technicians) == (None, (mike,))
    assert visit is not None
    assert visit.job_id == owner.jobs[0].id
    assert (visit.title, visit.job_type) == ("Fix sink", "Fix sink")
    assert (visit.value, visit.interval) == (Decimal("99.5"), at(NINE))
    assert visit.customer_id == client.id
    assert visit.customer == Customer(
        "Carol Jones", "+12125559876", "c@x.org", "1 Elm St, Springfield, 90210"
    )


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ("LATE", VisitStatus.SCHEDULED),
        ("UPCOMING", VisitStatus.SCHEDULED),
        ("TODAY", VisitStatus.SCHEDULED),
        ("ACTIVE", VisitStatus.IN_PROGRESS),
        ("COMPLETED", VisitStatus.COMPLETED),
    ],
)
async def test_statuses(
    examined: ExaminedPlatform,
    owner: Owner,
    now: Instant,
    told: str,
    status: VisitStatus,
) -> None:
    start = {"LATE": now - 2 * DAY, "TODAY": now - HOUR // 2}.get(told, now + 5 * DAY)
    number = owner.adds_visit(at(start))
    visit = owner.visit(number)
    visit.is_complete, visit.is_active = told == "COMPLETED", told == "ACTIVE"
    assert owner.company.status_of(visit) == told
    window = Interval(now - 10 * DAY, now + 10 * DAY)
    event = (await read(examined, window))[number]
    assert event.visit is not None
    assert event.visit.status is status
    assert event.busy is BusyType.BUSY


@pytest.mark.parametrize("kind", ["Task", "Event", "Assessment"])
async def test_what_is_no_visit_takes_time(
    examined: ExaminedPlatform, owner: Owner, kind: str
) -> None:
    mine = owner.adds_item(kind, at(NINE), "Mike Johnson")
    nobodys = owner.adds_item(kind, at(NINE + DAY))
    found = await read(examined)
    assert found[mine].technicians == (owner.technician("Mike Johnson"),)
    assert found[nobodys].technicians == (NOBODY,)
    for each in found.values():
        assert (each.busy, each.visit, each.is_deleted) == (BusyType.BUSY, None, False)


async def test_all_day_is_whole_days_of_the_account(
    examined: ExaminedPlatform, owner: Owner
) -> None:
    """In New York clocks change on 8 March 2026."""
    midnight = utc(2026, 3, 7, 5)
    ends = [midnight + DAY, midnight + DAY - HOUR // 3600, midnight + HOUR]
    ids = [owner.adds_item("Event", Interval(midnight, e), all_day=True) for e in ends]
    both = owner.adds_visit(Interval(midnight, utc(2026, 3, 9, 3)), all_day=True)
    found = await read(examined, Interval(utc(2026, 3, 1, 0), utc(2026, 4, 1, 0)))
    for each in ids:
        assert found[each].is_all_day
        assert found[each].intervals == (Interval(midnight, utc(2026, 3, 8, 5)),)
    assert found[both].intervals == (Interval(midnight, utc(2026, 3, 9, 4)),)


async def test_without_length_it_takes_no_time(
    examined: ExaminedPlatform, server: JobberServer, owner: Owner
) -> None:
    number = owner.adds_visit(at(NINE))
    owner.visit(number).end = owner.visit(number).start
    event = (await read(examined))[number]
    assert (event.is_deleted, event.busy, event.intervals) == (True, None, ())
    assert event.visit is not None
    assert event.visit.status is VisitStatus.CANCELLED


async def test_reminders_take_no_time(
    examined: ExaminedPlatform, server: JobberServer
) -> None:
    item = {
        "__typename": "InvoiceReminder",
        "id": "MQ==",
        "title": "Send it",
        "allDay": True,
        "startAt": "2026-06-01T04:00:00Z",
        "endAt": None,
        "assignedUsers": None,
    }
    page = {
        "nodes": [item],
        "totalCount": 1,
        "pageInfo": {"endCursor": None, "hasNextPage": False},
    }
    answer = {"data": {"user": {"timezone": None}, "scheduledItems": page}}
    server.jobber.refusals.append(answer)
    (event,) = (await read(examined)).values()
    assert (event.busy, event.visit) == (None, None)


async def test_longest_window(examined: ExaminedPlatform, owner: Owner) -> None:
    last = owner.adds_visit(at(NINE + 430 * DAY))
    window = Interval(NINE, NINE + 431 * DAY)
    assert set(await read(examined, window)) == {last}
    with pytest.raises(Rejected):
        await read(examined, Interval(NINE, NINE + 600 * DAY))


async def test_what_is_taken(examined: ExaminedPlatform, owner: Owner) -> None:
    for number in range(150):
        owner.adds_item("Task", at(NINE + number * HOUR), "Mike Johnson")
    written = await put(examined, drafted())
    window = Interval(NINE, NINE + 7 * DAY)
    found = await examined.platform.taken(
        examined.access, ["schedule"], window, seconds=SECONDS
    )
    (times,) = found.values()
    assert len(times) == 151
    ours = [each for each in times if each.appointment_id is not None]
    assert written.visit is not None
    assert [each.interval for each in ours] == [written.visit.interval]


async def test_pages_are_bounded(examined: ExaminedPlatform, owner: Owner) -> None:
    """Each page fits into memory, and a reading that meets changes comes to an end."""
    ids = [owner.adds_visit(at(NINE + n * HOUR)) for n in range(120)]
    query: ChangesQuery | None = ChangesQuery("schedule", WINDOW)
    sizes = []
    while query is not None:
        page = await examined.platform.changes(examined.access, query, seconds=SECONDS)
        sizes.append(len(page.events))
        owner.deletes(ids.pop())
        query = page.next_page
    assert max(sizes) <= 50
    assert 3 < len(sizes) <= 9


async def test_technicians(examined: ExaminedPlatform, owner: Owner) -> None:
    owner.dismisses("Mike Johnson")
    names = [f"Helper {number}" for number in range(60)]
    for each in names:
        owner.employs(each)
    found = await examined.platform.technicians(examined.access, seconds=SECONDS)
    assert [each.name for each in found] == ["Olive Owner", "Mike Johnson", *names]
    assert [each.name for each in found if not each.is_active] == ["Mike Johnson"]
    assert found[0].email == "olive@example.com"


async def test_customer_of_ours_is_told_as_it_is_there(
    examined: ExaminedPlatform, owner: Owner
) -> None:
    written = await put(examined, drafted())
    owner.edits_client(owner.clients[0], name="John Q Smith")
    event = (await read(examined))[written.event_id]
    assert event.visit is not None
    assert (event.visit.customer.name, event.etag) == ("John Q Smith", written.etag)
    assert event.visit.customer.address == JOHN.address
