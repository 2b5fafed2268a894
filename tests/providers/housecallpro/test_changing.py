"""Visits that are changed and taken off the schedule, by whatever the key may do."""

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal

import pytest

from tests.contracts.drafts import NINE, SECONDS, a_draft, at, later
from tests.contracts.schedules import JOHN, ExaminedPlatform, OnSchedule, a_visit
from tests.providers.housecallpro.server import FakeHousecallPro
from tests.providers.housecallpro.world import examined_at
from universal_calendar.core.instant import DAY, HOUR
from universal_calendar.core.provider_errors import (
    EventChanged,
    EventGone,
    NotAuthorized,
    ProviderDown,
    Rejected,
)
from universal_calendar.services.ports.visits import VisitDraft

put = OnSchedule.put


@pytest.fixture
async def by_company_key(house: FakeHousecallPro) -> AsyncIterator[ExaminedPlatform]:
    async with examined_at(house, apiKey=house.company_key) as examined:
        yield examined


async def delete(
    examined: ExaminedPlatform, event_id: str, reason: str | None = None
) -> None:
    await examined.platform.delete_event(
        examined.access, examined.calendar, event_id, seconds=SECONDS, reason=reason
    )


@pytest.mark.parametrize("refusal", [401, 403])
async def test_company_key_touches_appointments(
    house: FakeHousecallPro, by_company_key: ExaminedPlatform, refusal: int
) -> None:
    house.refusal_status = refusal
    known = await put(by_company_key, a_draft())
    for number in range(2, 5):
        draft = replace(a_draft(), interval=at(NINE + number * DAY), sequence=number)
        known = await put(by_company_key, draft, known)
        assert house.owner.times(known.event_id) == [draft.interval]
    # What worked is remembered: the key was refused once.
    assert house.counted()["PUT /jobs/*/schedule"] == 1
    await delete(by_company_key, known.event_id)
    assert house.owner.scheduled() == []
    assert house.counted()["DELETE /jobs/*/schedule"] == 0


async def test_company_key_gives_a_job_to_another(
    house: FakeHousecallPro, by_company_key: ExaminedPlatform
) -> None:
    mike, anna = house.owner.hires("Mike"), house.owner.hires("Anna")
    known = await put(by_company_key, a_visit(mike))
    draft = replace(a_visit(anna), sequence=2)
    written = await put(by_company_key, draft, known)
    assert house.owner.job(written.event_id).assigned() == [anna]
    assert house.counted()["PUT /jobs/*/dispatch"] == 1


async def test_application_key_gives_a_job_to_another(
    house: FakeHousecallPro, examined: ExaminedPlatform
) -> None:
    mike, anna = house.owner.hires("Mike"), house.owner.hires("Anna")
    known = await put(examined, a_visit(mike))
    await put(examined, replace(a_visit(anna), sequence=2), known)
    counted = house.counted()
    assert counted["PUT /jobs/*/dispatch"] == 1
    assert counted["PUT /jobs/*/schedule"] == 0


async def test_key_that_was_replaced_by_another_kind(
    house: FakeHousecallPro, by_company_key: ExaminedPlatform
) -> None:
    known = await put(by_company_key, a_draft())
    known = await put(by_company_key, later(a_draft()), known)
    access = replace(by_company_key.access, secrets={"apiKey": house.api_key})
    draft = later(later(a_draft()))
    written = await put(by_company_key, draft, known, access=access)
    assert house.owner.times(written.event_id) == [draft.interval]


async def test_key_that_may_do_neither(
    house: FakeHousecallPro, examined: ExaminedPlatform
) -> None:
    known = await put(examined, a_draft())
    house.fails(403, "PUT /jobs/.*/schedule")
    with pytest.raises(Rejected):
        await put(examined, later(a_draft()), known)
    await put(examined, later(a_draft()), known)


async def test_key_that_is_revoked_in_between(
    house: FakeHousecallPro, examined: ExaminedPlatform
) -> None:
    known = await put(examined, a_draft())
    house.fails(401, "PUT /jobs/.*/schedule")
    house.fails(401, "PUT /jobs/.*/appointments/")
    with pytest.raises(NotAuthorized):
        await put(examined, later(a_draft()), known)


async def test_job_of_several_appointments(
    house: FakeHousecallPro, by_company_key: ExaminedPlatform
) -> None:
    known = await put(by_company_key, a_draft())
    second = at(NINE + 9 * DAY)
    number = house.owner.adds_appointment(known.event_id, second)
    written = await put(by_company_key, later(a_draft()), known)
    times = [later(a_draft()).interval, second]
    assert house.owner.times(known.event_id) == times
    assert written.event_id == known.event_id
    await delete(by_company_key, f"{known.event_id}/{number}")
    assert house.owner.times(known.event_id) == times[:1]
    await delete(by_company_key, f"{known.event_id}/{number}")
    assert house.owner.times(known.event_id) == times[:1]


async def test_one_of_several_appointments_by_application_key(
    house: FakeHousecallPro, examined: ExaminedPlatform
) -> None:
    known = await put(examined, a_draft())
    house.owner.adds_appointment(known.event_id, at(NINE + 9 * DAY))
    with pytest.raises(Rejected):
        await put(examined, later(a_draft()), known)
    assert house.owner.times(known.event_id)[0] == a_draft().interval


async def test_what_else_is_changed(
    house: FakeHousecallPro, examined: ExaminedPlatform
) -> None:
    known = await put(examined, a_draft())
    draft = replace(
        a_draft(),
        sequence=2,
        title="Another title",
        description="Another description",
        location="1 Broadway, New York, NY 10004",
        visit=VisitDraft(JOHN),
    )
    for _ in range(2):
        written = await put(examined, draft, known)
    job = house.owner.job(written.event_id)
    assert written.visit is not None
    assert written.visit.title == "Another title"
    (item,), (_, (_, note)) = job.line_items, job.notes
    assert item["name"] == "Another title"
    assert note == "Another description\nAddress: 1 Broadway, New York, NY 10004"
    assert house.counted()["PUT /jobs/*/schedule"] == 0


async def test_items_of_the_owner_stay(
    house: FakeHousecallPro, examined: ExaminedPlatform
) -> None:
    known = await put(examined, a_draft())
    job = house.owner.job(known.event_id)
    house.company.add_line_item(job, {"name": "Pipe", "unit_price": 1200})
    await put(examined, replace(a_draft(), title="Other", sequence=2), known)
    assert [each["name"] for each in job.line_items] == ["Other", "Pipe"]


async def test_prices_of_the_owner_stay(
    house: FakeHousecallPro, examined: ExaminedPlatform
) -> None:
    draft = replace(a_draft(), visit=VisitDraft(JOHN, value=Decimal(350)))
    known = await put(examined, draft)
    job = house.owner.job(known.event_id)
    with house.lock:
        job.line_items[0]["unit_price"] = 50_000
    other = replace(later(draft), title="Other")
    known = await put(examined, other, known)
    (item,) = job.line_items
    assert (item["name"], item["unit_price"]) == ("Other", 50_000)
    # What we expect by now is told in words.
    visit, sequence = VisitDraft(JOHN, value=Decimal(400)), other.sequence + 1
    await put(examined, replace(other, visit=visit, sequence=sequence), known)
    assert [item["unit_price"] for item in job.line_items] == [50_000]
    assert job.notes[-1][1].endswith("Estimated value: 400")


@pytest.mark.parametrize(
    "step", ["PUT /jobs/.*/schedule", "PUT /jobs/.*/bulk_update", "POST /jobs/.*/notes"]
)
async def test_lost_answers_to_changes(
    house: FakeHousecallPro, examined: ExaminedPlatform, step: str
) -> None:
    known = await put(examined, a_draft())
    draft = replace(later(a_draft()), title="Other", description="Other")
    house.loses_answers(1, step)
    with pytest.raises(ProviderDown):
        await put(examined, draft, known)
    written = await put(examined, draft, known)
    job = house.owner.job(written.event_id)
    assert house.owner.times(job.id) == [draft.interval]
    assert [each["name"] for each in job.line_items] == ["Other"]
    assert [text for _, text in job.notes[1:]] == ["Other"]


@pytest.mark.parametrize(
    "end", ["unscheduled", "pro canceled", "user canceled", "deleted"]
)
async def test_visit_that_is_gone(
    house: FakeHousecallPro, examined: ExaminedPlatform, end: str
) -> None:
    known = await put(examined, a_draft())
    match end:
        case "unscheduled":
            house.owner.unschedules(known.event_id)
        case "deleted":
            house.owner.deletes(known.event_id)
        case _:
            house.owner.marks(known.event_id, end)
    with pytest.raises(EventGone):
        await put(examined, later(a_draft()), known)
    before = house.counted()
    await delete(examined, known.event_id, "no reason")
    assert house.counted() - before == {"GET /jobs/*": 1}


async def test_owner_gave_it_to_another(
    house: FakeHousecallPro, examined: ExaminedPlatform
) -> None:
    mike, anna = house.owner.hires("Mike"), house.owner.hires("Anna")
    known = await put(examined, a_visit(mike))
    house.owner.assigns(known.event_id, anna)
    with pytest.raises(EventChanged):
        await put(examined, later(a_visit(mike)), known)
    await put(examined, later(a_visit(mike)), replace(known, etag=None))
    assert house.owner.job(known.event_id).assigned() == [mike]


async def test_moved_back_to_where_it_was_known(
    house: FakeHousecallPro, examined: ExaminedPlatform
) -> None:
    """What the owner did is not overlooked because the draft is an old acquaintance."""
    known = await put(examined, a_draft())
    house.owner.moves(known.event_id, at(NINE + 7 * DAY))
    with pytest.raises(EventChanged):
        await put(examined, replace(a_draft(), sequence=2), known)


@pytest.mark.parametrize("step", ["POST /jobs/.*/notes", "DELETE"])
async def test_cancelled_while_answers_are_lost(
    house: FakeHousecallPro, examined: ExaminedPlatform, step: str
) -> None:
    known = await put(examined, a_draft())
    house.loses_answers(1, step)
    with pytest.raises(ProviderDown):
        await delete(examined, known.event_id, "moved away")
    await delete(examined, known.event_id, "moved away")
    assert house.owner.scheduled() == []
    notes = [text for _, text in house.owner.job(known.event_id).notes]
    assert notes.count("Cancelled: moved away") == 1


async def test_visits_of_others_are_left_alone(
    house: FakeHousecallPro, examined: ExaminedPlatform
) -> None:
    other = house.owner.adds_job(at(NINE + HOUR))
    known = await put(examined, a_draft())
    await put(examined, later(a_draft()), known)
    await delete(examined, known.event_id)
    assert [each.id for each in house.owner.scheduled()] == [other]
    assert house.owner.times(other) == [at(NINE + HOUR)]
    assert house.owner.job(other).notes == []
