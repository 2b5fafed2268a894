"""A schedule that is read: pages, words for statuses, several appointments, events."""

import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.contracts.drafts import NINE, SECONDS, TENANT, WINDOW, a_draft, at, utc
from tests.contracts.schedules import ExaminedPlatform, OnSchedule, a_visit
from tests.providers.housecallpro.server import FakeHousecallPro
from tests.providers.means import Spending, means_of
from universal_calendar.core.busy import BusyType
from universal_calendar.core.instant import (
    DAY,
    HOUR,
    MINUTE,
    Instant,
    from_datetime,
)
from universal_calendar.core.interval import Interval
from universal_calendar.core.provider_errors import SyncTokenStale
from universal_calendar.outgoing.http import Sender
from universal_calendar.providers.housecallpro.client import HousecallPro
from universal_calendar.providers.housecallpro.reading import Place
from universal_calendar.services.ports.calendars import (
    Access,
    ChangedEvent,
    ChangesQuery,
)
from universal_calendar.services.ports.quotas import Bucket
from universal_calendar.services.ports.visits import NOBODY, VisitStatus

put = OnSchedule.put
read = OnSchedule().read


async def events_of(
    examined: ExaminedPlatform, window: Interval = WINDOW
) -> dict[str, ChangedEvent]:
    found, _ = await read(examined, window=window)
    return found


async def test_thousand_jobs(house: FakeHousecallPro) -> None:
    """They are read within a quota of 100 a minute, and no page is kept."""
    mike = house.owner.hires("Mike Johnson")
    ids = {house.owner.adds_job(at(NINE + n * HOUR), mike) for n in range(1_000)}
    sender, spending = Sender(is_guarded=False), Spending()
    means = replace(means_of(sender), quota=spending)
    platform = HousecallPro(means, house.config)
    access = Access(TENANT, TENANT, {"apiKey": house.api_key})
    query: ChangesQuery | None = ChangesQuery("schedule", WINDOW)
    told: set[str] = set()
    tracemalloc.start()
    peaks = []
    while query is not None:
        page = await platform.changes(access, query, seconds=SECONDS)
        told |= {each.event_id for each in page.events}
        assert all(e.visit and e.visit.technicians == (mike,) for e in page.events)
        assert len(page.events) <= 200
        query = page.next_page
        del page
        peaks.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    await sender.close()
    assert told == ids
    assert sum(amount for _, _, amount in spending.spent) == len(house.requests) == 7
    assert {bucket for _, bucket, _ in spending.spent} == {Bucket("requests", 70, 42)}
    assert max(peaks[1:]) < peaks[0] + 2_000_000


async def test_pages_begin_with_the_last_entry_of_the_one_before() -> None:
    read_so_far, requests = 0, 0
    while read_so_far < 10_000:
        place = Place("jobs", max(0, read_so_far - 1), "a" if read_so_far else "")
        begins = (place.number - 1) * place.size
        assert begins <= place.position
        assert 100 <= place.size <= 200
        progress = begins + place.size - read_so_far
        assert progress > 100
        read_so_far, requests = read_so_far + progress, requests + 1
    assert requests < 60


async def test_reading_begins_anew_where_the_last_entry_is_gone(
    house: FakeHousecallPro, examined: ExaminedPlatform
) -> None:
    ids = [house.owner.adds_job(at(NINE + n * HOUR)) for n in range(250)]
    query = ChangesQuery(examined.calendar, WINDOW)
    first = await examined.platform.changes(examined.access, query, seconds=SECONDS)
    house.owner.deletes(ids[199])
    assert first.next_page is not None
    second = await examined.platform.changes(
        examined.access, first.next_page, seconds=SECONDS
    )
    assert (second.events, second.sync_token, second.next_page) == ((), None, query)
    assert set(await events_of(examined)) == {*ids} - {ids[199]}


@pytest.mark.parametrize(
    "token", ["", "jobs", "customers 0 a", "jobs -1 a", "jobs x y"]
)
async def test_page_token_that_was_never_given(
    examined: ExaminedPlatform, token: str
) -> None:
    query = ChangesQuery(examined.calendar, WINDOW, page_token=token)
    with pytest.raises(SyncTokenStale):
        await examined.platform.changes(examined.access, query, seconds=SECONDS)


async def test_sync_token_costs_no_request(
    house: FakeHousecallPro, examined: ExaminedPlatform
) -> None:
    _, token = await read(examined)
    before = len(house.requests)
    with pytest.raises(SyncTokenStale):
        await read(examined, token)
    assert len(house.requests) == before


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("scheduled", VisitStatus.SCHEDULED),
        ("in progress", VisitStatus.IN_PROGRESS),
        ("complete rated", VisitStatus.COMPLETED),
        ("complete unrated", VisitStatus.COMPLETED),
        ("user canceled", VisitStatus.CANCELLED),
        ("pro canceled", VisitStatus.CANCELLED),
    ],
)
async def test_status(
    house: FakeHousecallPro,
    examined: ExaminedPlatform,
    word: str,
    status: VisitStatus,
) -> None:
    job_id = house.owner.adds_job(at(NINE))
    house.owner.marks(job_id, word)
    event = (await events_of(examined))[job_id]
    assert event.visit is not None
    assert event.visit.status is status
    assert event.visit.interval == at(NINE)
    is_off = status is VisitStatus.CANCELLED
    assert event.is_deleted == is_off
    assert event.intervals == (() if is_off else (at(NINE),))
    assert event.busy is (None if is_off else BusyType.BUSY)


async def test_visit_is_told_whole(
    house: FakeHousecallPro, examined: ExaminedPlatform
) -> None:
    mike = house.owner.hires("Mike Johnson")
    customer = house.owner.adds_customer(
        first_name="Sue", last_name="Walker", mobile_number="2125551234"
    )
    job_id = house.owner.adds_job(
        at(NINE), mike, title="Kitchen Sink Repair", customer_id=customer
    )
    house.owner.job(job_id).job_type = "plumbing"
    event = (await events_of(examined))[job_id]
    assert event.visit is not None
    visit = event.visit
    assert (visit.job_id, visit.visit_id, visit.customer_id) == (
        job_id,
        job_id,
        customer,
    )
    assert (visit.title, visit.job_type, visit.value) == (
        "Kitchen Sink Repair",
        "plumbing",
        125,
    )
    assert (visit.customer.name, visit.customer.phone, visit.customer.address) == (
        "Sue Walker",
        "+12125551234",
        "500 W 5th St, Austin, TX 78701",
    )
    assert "Sue" not in repr(event)
    assert "Kitchen" not in repr(event)


async def test_job_that_needs_scheduling(
    house: FakeHousecallPro, examined: ExaminedPlatform
) -> None:
    house.owner.adds_job(None)
    assert await events_of(examined) == {}


async def test_appointments_of_one_job(
    house: FakeHousecallPro, examined: ExaminedPlatform
) -> None:
    mike, anna = house.owner.hires("Mike"), house.owner.hires("Anna")
    job_id = house.owner.adds_job(at(NINE), mike)
    second = house.owner.adds_appointment(job_id, at(NINE + DAY), anna)
    third = house.owner.adds_appointment(job_id, at(NINE + 2 * DAY))
    found = await events_of(examined)
    assert {
        each: (event.intervals, event.technicians) for each, event in found.items()
    } == {
        job_id: ((at(NINE),), (mike,)),
        f"{job_id}/{second}": ((at(NINE + DAY),), (anna,)),
        f"{job_id}/{third}": ((at(NINE + 2 * DAY),), (NOBODY,)),
    }
    assert {e.visit.job_id for e in found.values() if e.visit} == {job_id}
    earlier = house.owner.adds_appointment(job_id, at(NINE - DAY), anna)
    again = await events_of(examined)
    assert again[job_id].intervals == (at(NINE - DAY),)
    assert len(again) == 4
    assert f"{job_id}/{earlier}" not in again


async def test_a_job_is_named_by_any_of_its_appointments(
    house: FakeHousecallPro, examined: ExaminedPlatform
) -> None:
    mike = house.owner.hires("Mike Johnson")
    job_id = house.owner.adds_job(at(NINE), mike)
    house.owner.adds_appointment(job_id, at(NINE + 2 * HOUR), mike)
    everything = await events_of(examined)
    assert len(everything) == 2
    for name in everything:
        found = await examined.platform.named(
            examined.access, name, WINDOW, seconds=SECONDS
        )
        assert {each.event_id: each for each in found} == everything


async def test_own_job_that_grew_further_appointments(
    house: FakeHousecallPro, examined: ExaminedPlatform
) -> None:
    written = await put(examined, a_draft())
    number = house.owner.adds_appointment(written.event_id, at(NINE + 9 * DAY))
    found = await events_of(examined)
    assert found[written.event_id].appointment_id == a_draft().appointment_id
    other = found[f"{written.event_id}/{number}"]
    assert other.appointment_id is None
    assert other.busy is BusyType.BUSY


async def test_second_technician(
    house: FakeHousecallPro, examined: ExaminedPlatform
) -> None:
    mike, anna = house.owner.hires("Mike"), house.owner.hires("Anna")
    written = await put(examined, a_visit(mike))
    house.owner.assigns(written.event_id, mike, anna)
    event = (await events_of(examined))[written.event_id]
    assert event.technicians == tuple(sorted((mike, anna)))


async def test_any_time_of_a_day_is_no_time(
    house: FakeHousecallPro, examined: ExaminedPlatform
) -> None:
    job_id = house.owner.adds_job(at(NINE))
    house.owner.makes_anytime(job_id)
    found = await events_of(examined)
    assert job_id not in found or found[job_id].is_deleted
    taken = await examined.platform.taken(
        examined.access, ["schedule"], at(NINE), seconds=SECONDS
    )
    assert taken["schedule"] == []


# Events: time that is no job


async def times_of(
    examined: ExaminedPlatform, window: Interval = WINDOW
) -> Sequence[Interval]:
    found = await events_of(examined, window)
    return sorted(time for each in found.values() for time in each.intervals)


async def test_event_takes_the_time_of_its_employees(
    house: FakeHousecallPro, examined: ExaminedPlatform
) -> None:
    mike = house.owner.hires("Mike")
    number = house.owner.adds_event(at(NINE), mike)
    other = house.owner.adds_event(at(NINE + HOUR))
    found = await events_of(examined)
    event = found[f"event/{number}"]
    assert (event.intervals, event.technicians, event.busy) == (
        (at(NINE),),
        (mike,),
        BusyType.BUSY,
    )
    assert (event.visit, event.appointment_id) == (None, None)
    assert found[f"event/{other}"].technicians == (NOBODY,)
    taken = await examined.platform.taken(
        examined.access, ["schedule"], at(NINE), seconds=SECONDS
    )
    assert [(each.interval, each.technicians) for each in taken["schedule"]] == [
        (at(NINE), (mike,))
    ]


async def test_series_keeps_to_the_clocks_of_the_company(
    house: FakeHousecallPro, examined: ExaminedPlatform
) -> None:
    start = utc(2026, 3, 1, 17)  # 09:00 in Los Angeles, before clocks change
    house.owner.adds_event(at(start), rule="FREQ=WEEKLY;COUNT=3")
    window = Interval(utc(2026, 3, 1, 0), utc(2026, 3, 10, 0))
    assert await times_of(examined, window) == [at(start), at(utc(2026, 3, 8, 16))]


@pytest.mark.parametrize(
    ("rule", "days"),
    [
        ("FREQ=DAILY;INTERVAL=3;COUNT=3", [0, 3, 6]),
        ("RRULE:FREQ=WEEKLY;UNTIL=20260622T170000Z;BYDAY=MO;", [0, 7, 14, 21]),
        ("FREQ=WEEKLY;INTERVAL=2;UNTIL=20260620;BYDAY=MO,WE", [0, 2, 14, 16]),
        ("FREQ=DAILY;UNTIL=20260603", [0, 1, 2]),
        ("FREQ=DAILY;UNTIL=20260603T015959", [0, 1]),
        ("FREQ=MONTHLY;COUNT=2", [0, 30]),
        ("FREQ=MONTHLY;BYDAY=1MO;COUNT=2", [0, 35]),
        # Its first time counts, though its rule would not make it.
        ("FREQ=WEEKLY;COUNT=2;BYDAY=TU", [0, 1, 8]),
        # What cannot be read counts once, and what would take too long.
        ("FREQ=SECONDLY", [0]),
        ("FREQ=FORTNIGHTLY", [0]),
        ("FREQ=WEEKLY;BYDAY=XX", [0]),
        ("nonsense", [0]),
        ("FREQ=DAILY;COUNT=0", [0]),
    ],
)
async def test_series(
    house: FakeHousecallPro, examined: ExaminedPlatform, rule: str, days: list[int]
) -> None:
    house.owner.adds_event(at(NINE), rule=rule)
    window = Interval(NINE - 30 * DAY, NINE + 50 * DAY)
    assert await times_of(examined, window) == [at(NINE + n * DAY) for n in days]


async def test_endless_series_that_began_long_ago(
    house: FakeHousecallPro, examined: ExaminedPlatform
) -> None:
    began = NINE - 20 * 365 * DAY
    house.owner.adds_event(at(began), rule="FREQ=DAILY")
    assert len(await times_of(examined)) == 90


async def test_series_over_the_hour_that_comes_twice(
    house: FakeHousecallPro, examined: ExaminedPlatform
) -> None:
    """Clocks in Los Angeles go back on 1 November 2026, at 09:00 UTC."""
    start = utc(2026, 10, 31, 8) + 30 * MINUTE  # 01:30
    house.owner.adds_event(at(start), rule="FREQ=DAILY")
    # Until the clocks show 01:10 for the second time.
    window = Interval(utc(2026, 11, 1, 8), utc(2026, 11, 1, 9) + 10 * MINUTE)
    assert await times_of(examined, window) == [at(start + DAY)]


async def test_all_day_is_of_the_zone_of_the_company(
    house: FakeHousecallPro, examined: ExaminedPlatform
) -> None:
    midnight = utc(2026, 6, 1, 7)  # in Los Angeles
    whole = Interval(midnight, midnight + DAY)
    house.owner.adds_event(Interval(midnight, midnight + DAY - MINUTE), all_day=True)
    assert await times_of(examined) == [whole]
    (event,) = (await events_of(examined)).values()
    assert event.is_all_day


@pytest.mark.parametrize(
    ("first", "next_day", "hours"),
    [
        (utc(2026, 3, 7, 8), utc(2026, 3, 8, 8), 23),
        (utc(2026, 10, 31, 7), utc(2026, 11, 1, 7), 25),
    ],
)
async def test_days_that_repeat_are_whole_when_clocks_change(
    house: FakeHousecallPro,
    examined: ExaminedPlatform,
    first: Instant,
    next_day: Instant,
    hours: int,
) -> None:
    whole = Interval(first, first + DAY)
    house.owner.adds_event(whole, rule="FREQ=DAILY;COUNT=2", all_day=True)
    window = Interval(first - DAY, first + 5 * DAY)
    after = Interval(next_day, next_day + hours * HOUR)
    assert await times_of(examined, window) == [whole, after]


async def test_events_on_many_pages(
    house: FakeHousecallPro, examined: ExaminedPlatform
) -> None:
    for number in range(430):
        house.owner.adds_event(at(NINE + number * HOUR))
    house.owner.adds_event(at(from_datetime(datetime(2031, 1, 1, tzinfo=UTC))))
    assert len(await times_of(examined)) == 430


async def test_taken_of_many_pages(
    house: FakeHousecallPro, examined: ExaminedPlatform
) -> None:
    for number in range(230):
        house.owner.adds_job(at(NINE + number * MINUTE))
    house.owner.adds_job(at(NINE + 30 * DAY))
    window = Interval(NINE, NINE + DAY)
    taken = await examined.platform.taken(
        examined.access, ["schedule"], window, seconds=SECONDS
    )
    assert len(taken["schedule"]) == 230
    assert house.counted() == {"GET /jobs": 2, "GET /events": 1}
