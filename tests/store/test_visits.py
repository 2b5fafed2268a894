"""Visits as they are kept: listed, found again, and written only when they change."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from uuid import UUID

from tests.harness.scenes.business import Business
from tests.harness.scenes.calendars import Diary
from tests.harness.scenes.schedules import CUSTOMER, Schedule
from tests.harness.waiting import until
from universal_calendar.bootstrap.parts import Parts
from universal_calendar.core.instant import MINUTE
from universal_calendar.services.ports.appointments import Page, Person
from universal_calendar.services.ports.identity import Actor, ActorKind
from universal_calendar.services.ports.visit_store import KnownVisit, VisitFilter
from universal_calendar.services.ports.visits import (
    NOBODY,
    Customer,
    Technician,
    VisitStatus,
)

DAY = 24 * 60
WAITING = """
SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted)
"""


def all_of(schedule: Schedule, status: VisitStatus | None = None) -> VisitFilter:
    began = schedule.began
    return VisitFilter(began - DAY * MINUTE, began + 9 * DAY * MINUTE, status)


async def listed(schedule: Schedule, status: VisitStatus | None = None) -> list[str]:
    known, total = await schedule.visits.page(
        *schedule.ids, all_of(schedule, status), Page()
    )
    assert total == len(known)
    return [each.event_id for each in known]


async def one(schedule: Schedule, job_id: str) -> KnownVisit:
    (known,) = await schedule.visits.of_job(*schedule.ids, job_id)
    return known


async def is_waiting(parts: Parts) -> bool:
    """Tell whether some connection waits for another one's transaction."""
    (found,) = await parts.database.call(WAITING, [])
    return bool(found)


async def test_a_visit_comes_back_as_it_was_told(schedule: Schedule) -> None:
    visit = replace(
        schedule.visit("a", technicians=["t-1", "t-8"]),
        job_type="Plumbing",
        value=Decimal("120.50"),
    )
    nobodys = schedule.visit("b", 61, technicians=[NOBODY])
    unknown = schedule.visit("c", 62, technicians=["t-8", "t-1"])
    technicians = [Technician(NOBODY, ""), Technician("t-1", "Ann")]
    await schedule.technicians.keep(*schedule.account, technicians)
    await schedule.visits.keep(
        *schedule.ids, {"a": visit, "b": nobodys, "c": unknown}, schedule.began
    )
    known, total = await schedule.visits.page(
        *schedule.ids, all_of(schedule), Page(1, 5)
    )
    assert known == [
        KnownVisit("a", visit, None, "Ann"),
        KnownVisit("b", nobodys, None, None),
        KnownVisit("c", unknown, None, None),  # nobody's name stands at another's id
    ]
    assert total == 3


async def test_pages_are_by_start_and_a_page_past_the_end_is_empty(
    schedule: Schedule,
) -> None:
    visits = {
        name: schedule.visit(name, minutes)
        for name, minutes in {"d": 9, "a": 9, "c": 3, "b": 5}.items()
    }
    visits["done"] = schedule.visit("done", 4, status=VisitStatus.COMPLETED)
    await schedule.visits.keep(*schedule.ids, visits, schedule.began)
    assert await listed(schedule) == ["c", "done", "b", "a", "d"]
    assert await listed(schedule, VisitStatus.COMPLETED) == ["done"]
    wanted = VisitFilter(schedule.began + 4 * MINUTE, schedule.began + 9 * MINUTE)
    page, total = await schedule.visits.page(*schedule.ids, wanted, Page(2, 1))
    assert ([each.event_id for each in page], total) == (["b"], 2)
    assert await schedule.visits.page(*schedule.ids, wanted, Page(3, 1)) == ([], 2)


async def test_what_says_the_same_is_not_written(schedule: Schedule) -> None:
    visits = {name: schedule.visit(name) for name in "abc"}
    await schedule.visits.keep(*schedule.ids, visits, schedule.began)
    count = "SELECT event_id, xmin::text FROM visits ORDER BY 1"
    before = await schedule.rows(count)
    visits["b"] = replace(visits["b"], title="Another")
    await schedule.visits.keep(*schedule.ids, visits, schedule.began + MINUTE)
    after = await schedule.rows(count)
    assert [a == b for a, b in zip(before, after, strict=True)] == [True, False, True]
    assert (await one(schedule, "job-b")).visit.title == "Another"


async def test_what_was_known_from_later_stays(schedule: Schedule) -> None:
    now = schedule.visit("a", 120)
    await schedule.visits.keep(*schedule.ids, {"a": now}, schedule.began + MINUTE)
    before = schedule.visit("a", 60)
    await schedule.visits.keep(*schedule.ids, {"a": before}, schedule.began)
    assert (await one(schedule, "job-a")).visit == now


async def test_a_visit_that_lost_its_time_is_cancelled_where_it_was(
    schedule: Schedule,
) -> None:
    visit = schedule.visit("a")
    await schedule.visits.keep(*schedule.ids, {"a": visit}, schedule.began)
    untimed = replace(visit, interval=None)
    never = replace(schedule.visit("b"), interval=None)
    later = schedule.began + MINUTE
    await schedule.visits.keep(*schedule.ids, {"a": untimed, "b": never}, later)
    assert await listed(schedule, VisitStatus.CANCELLED) == ["a"]
    assert (await one(schedule, "job-a")).visit == replace(
        visit, status=VisitStatus.CANCELLED
    )
    assert (await one(schedule, "job-b")).visit == never
    await schedule.visits.keep(*schedule.ids, {"a": visit}, later + MINUTE)
    assert (await one(schedule, "job-a")).visit == visit


async def test_what_is_missed_in_the_window_is_cancelled(schedule: Schedule) -> None:
    visits = {
        "there": schedule.visit("there"),
        "gone": schedule.visit("gone"),
        "done": schedule.visit("done", status=VisitStatus.COMPLETED),
        "outside": schedule.visit("outside", 300),
    }
    await schedule.visits.keep(*schedule.ids, visits, schedule.began)
    began = schedule.began + MINUTE
    written = {"written": schedule.visit("written")}
    await schedule.visits.keep(*schedule.ids, written, began + MINUTE)
    window = schedule.interval(60)
    await schedule.visits.retire(*schedule.ids, window, ["there"], began)
    assert await listed(schedule, VisitStatus.CANCELLED) == ["done", "gone"]


async def test_a_visit_taken_off_the_schedule_is_cancelled(schedule: Schedule) -> None:
    await schedule.visits.keep(
        *schedule.ids, {"a": schedule.visit("a")}, schedule.began
    )
    await schedule.visits.cancel(*schedule.ids, "a", schedule.began - MINUTE)
    assert await listed(schedule, VisitStatus.CANCELLED) == []
    await schedule.visits.cancel(*schedule.ids, "a", schedule.began)
    assert await listed(schedule, VisitStatus.CANCELLED) == ["a"]


async def test_a_visit_of_ours_is_found_by_appointment_and_by_customer(
    schedule: Schedule, parts: Parts, business: Business
) -> None:
    diary = Diary(parts, business)
    ours, other = await diary.book(), await diary.book()
    await diary.rows(
        "UPDATE links SET event_id = 'ours' WHERE appointment_id = %s", ours
    )
    visits = {"ours": schedule.visit("ours"), "theirs": schedule.visit("theirs")}
    await schedule.visits.keep(*schedule.ids, visits, schedule.began)
    found = await schedule.visits.of_appointment(*schedule.ids, ours)
    assert found == KnownVisit("ours", visits["ours"], ours)
    assert await schedule.visits.of_appointment(*schedule.ids, other) is None
    assert (await one(schedule, "job-theirs")).appointment_id is None
    start = await diary.start_of(ours)
    assert await schedule.visits.of_customer(*schedule.ids, "c-1", start) == [ours]
    assert await schedule.visits.of_customer(*schedule.ids, "c-2", start) == []
    after = start + 30 * MINUTE
    assert await schedule.visits.of_customer(*schedule.ids, "c-1", after) == []
    await diary.cancel(ours)
    assert await schedule.visits.of_customer(*schedule.ids, "c-1", start) == []


async def test_nothing_of_a_customer_is_readable_in_the_table(
    schedule: Schedule,
) -> None:
    await schedule.visits.keep(
        *schedule.ids, {"a": schedule.visit("a")}, schedule.began
    )
    ((text,),) = await schedule.rows("SELECT v::text FROM visits v")
    decoded = str(text).casefold()
    for said in ("Canary", "555 010 0200", "example.com", "Main St"):
        assert said.casefold() not in decoded
        assert said.encode().hex() not in decoded


async def test_a_customer_is_found_by_phone_by_email_and_by_appointment(
    schedule: Schedule, parts: Parts, business: Business
) -> None:
    diary = Diary(parts, business)
    ours = await diary.book()
    await diary.rows("UPDATE links SET event_id = 'ours'")
    other = Customer("Joe", "+12125550199", "joe@example.com")
    visits = {
        "phone": schedule.visit("phone", customer=replace(CUSTOMER, email=None)),
        "email": schedule.visit("email", customer=replace(CUSTOMER, phone=None)),
        "ours": schedule.visit("ours", customer=other),
        "other": schedule.visit("other", customer=other),
        "nobodys": schedule.visit("nobodys", customer=Customer()),
    }
    await schedule.visits.keep(*schedule.ids, visits, schedule.began)

    async def found(person: Person, *appointment_ids: UUID) -> set[str]:
        known = await schedule.visits.of_person(
            schedule.tenant_id, person, appointment_ids
        )
        return {each.event_id for each in known}

    by_phone = Person("", phone="+1 (555) 010-0200")
    by_email = Person("", email="jane@EXAMPLE.com")
    assert await found(by_phone) == {"phone"}
    assert await found(by_email) == {"email"}
    assert await found(Person("", phone="reception")) == set()
    assert await found(by_phone, ours) == {"phone", "ours"}
    assert await schedule.visits.forget(schedule.tenant_id, by_email, [ours]) == 2
    assert await listed(schedule) == ["nobodys", "other", "phone"]


async def test_two_at_once_leave_what_was_read_later(
    schedule: Schedule, parts: Parts
) -> None:
    actor = Actor(ActorKind.COMMAND_LINE, "test")
    now, before = schedule.visit("a", 120), schedule.visit("a", 60)
    later = schedule.began + MINUTE
    async with parts.units.begin(schedule.tenant_id, actor, later) as unit:
        await unit.visits.keep(*schedule.ids, {"a": now}, later)
        slower = asyncio.create_task(
            schedule.visits.keep(*schedule.ids, {"a": before}, schedule.began)
        )
        await until(lambda: is_waiting(parts))
    await slower
    assert (await one(schedule, "job-a")).visit == now
