"""Making a job is repeated at every step, and makes one of each."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.contracts.drafts import NINE, at, later, utc
from tests.contracts.schedules import JOHN, ExaminedPlatform
from tests.providers.jobber.asking import delete, drafted, put, read
from tests.providers.jobber.owner import Owner
from tests.providers.jobber.server import JobberServer
from universal_calendar.core.instant import DAY, HOUR
from universal_calendar.core.provider_errors import (
    EventChanged,
    EventGone,
    ProviderDown,
    Rejected,
    Throttled,
)
from universal_calendar.services.ports.visits import (
    NOBODY,
    Customer,
    VisitStatus,
)

OTHER_PLACE = "7 Oak Ave, Los Angeles, CA 90001"


def counts(owner: Owner) -> tuple[int, int, int, int]:
    """Return how many clients, properties, jobs and visits there are."""
    clients = owner.clients
    places = [place for each in clients for place in each.properties]
    return len(clients), len(places), len(owner.jobs), len(owner.visits)


@pytest.mark.parametrize("step", ["clientCreate", "jobCreate", "visitCreate"])
@pytest.mark.parametrize("is_moved", [False, True])
async def test_repeat_after_a_lost_answer_with_a_new_customer(
    examined: ExaminedPlatform,
    server: JobberServer,
    owner: Owner,
    step: str,
    is_moved: bool,
) -> None:
    server.jobber.lost.append(step)
    with pytest.raises(ProviderDown):
        await put(examined, drafted())
    assert server.jobber.lost == []
    draft = later(drafted()) if is_moved else drafted()
    written = await put(examined, draft)
    assert counts(owner) == (1, 1, 1, 1)
    assert owner.visits[0].id == written.event_id
    assert written.visit is not None
    assert written.visit.interval == draft.interval


@pytest.mark.parametrize("step", ["propertyCreate", "jobCreate", "visitCreate"])
async def test_repeat_after_a_lost_answer_with_a_known_customer(
    examined: ExaminedPlatform, server: JobberServer, owner: Owner, step: str
) -> None:
    owner.adds_client("John", "Smith", phone="(212) 555-1234")
    server.jobber.lost.append(step)
    with pytest.raises(ProviderDown):
        await put(examined, drafted())
    await put(examined, drafted())
    assert counts(owner) == (1, 2, 1, 1)


@pytest.mark.parametrize("step", ["jobCreate", "visitCreate"])
@pytest.mark.parametrize("is_known", [False, True])
async def test_repeat_when_the_customer_changed_meanwhile(
    examined: ExaminedPlatform,
    server: JobberServer,
    owner: Owner,
    step: str,
    is_known: bool,
) -> None:
    server.jobber.lost.append(step)
    with pytest.raises(ProviderDown):
        await put(examined, replace(drafted(), is_first=True))
    for number in range(90):
        owner.adds_visit(at(NINE + number * HOUR))
    before = counts(owner)
    somebody = replace(JOHN, phone="+12125550000", email=None)
    if is_known:
        owner.adds_client("Ann", "Lee", phone=str(somebody.phone))
        before = counts(owner)
    written = await put(examined, later(drafted(customer=somebody)))
    made = 0 if step == "visitCreate" else 1
    assert counts(owner) == (*before[:3], before[3] + made)
    assert owner.visit(written.event_id).job.property.client.last_name == "Smith"


async def test_first_attempt_does_not_look_for_what_an_earlier_one_made(
    examined: ExaminedPlatform, server: JobberServer
) -> None:
    for number, is_first in enumerate((True, False)):
        server.jobber.asked.clear()
        await put(examined, replace(drafted(number=number), is_first=is_first))
        assert ("NewestJobs" in server.jobber.asked) is not is_first


@pytest.mark.parametrize(("is_first", "times"), [(True, 1), (False, 3)])
async def test_client_of_many_jobs(
    examined: ExaminedPlatform,
    server: JobberServer,
    owner: Owner,
    is_first: bool,
    times: int,
) -> None:
    """What nobody tried to make costs no more for whoever has many jobs."""
    client = owner.adds_client("John", "Smith", phone=str(JOHN.phone))
    for number in range(205):
        owner.adds_visit(at(NINE + number * HOUR), client=client)
    await put(examined, replace(drafted(), is_first=is_first))
    assert server.jobber.asked.count("ClientWork") == times


async def test_copy_of_the_job_is_not_taken_for_it(
    examined: ExaminedPlatform, server: JobberServer, owner: Owner
) -> None:
    server.jobber.lost.append("jobCreate")
    with pytest.raises(ProviderDown):
        await put(examined, drafted())
    (ours,) = owner.jobs
    copied = owner.visit(owner.adds_visit(at(NINE + 8 * DAY))).job
    copied.instructions = ours.instructions
    somebody = replace(JOHN, phone="+12125550000", email=None)
    written = await put(examined, drafted(customer=somebody))
    assert owner.visit(written.event_id).job is ours


@pytest.mark.parametrize("lost", [[], ["jobCreate"], ["visitEdit"]])
async def test_visit_that_comes_with_its_job_is_taken(
    examined: ExaminedPlatform, server: JobberServer, owner: Owner, lost: list[str]
) -> None:
    """Nobody knows whether Jobber gives each job a visit."""
    owner.company.makes_blank_visits = True
    server.jobber.lost += lost
    if lost:
        with pytest.raises(ProviderDown):
            await put(examined, drafted())
    written = await put(examined, drafted())
    assert counts(owner) == (1, 1, 1, 1)
    assert owner.visits[0].id == written.event_id
    assert written.visit is not None
    assert written.visit.interval == drafted().interval


async def test_visit_of_others_in_our_job_is_not_taken(
    examined: ExaminedPlatform, server: JobberServer, owner: Owner
) -> None:
    server.jobber.lost.append("visitCreate")
    with pytest.raises(ProviderDown):
        await put(examined, drafted())
    (ours,) = owner.visits
    theirs = owner.adds_visit(at(NINE + 9 * DAY), title="Theirs", job=ours.job)
    owner.deletes(ours.id)
    written = await put(examined, drafted())
    assert {each.id for each in owner.visits} == {theirs, written.event_id}
    assert owner.visit(theirs).title == "Theirs"


async def test_throttled_at_every_step(
    examined: ExaminedPlatform, owner: Owner
) -> None:
    """However often points run out, it goes on where it was."""
    refused = 0
    for points in range(0, 10_000, 20):
        owner.has_points(points, a_second=0)
        try:
            await put(examined, drafted())
        except Throttled:
            refused += 1
        else:
            break
    assert refused > 20
    assert counts(owner) == (1, 1, 1, 1)


async def test_customer_without_contacts_is_known_by_name(
    examined: ExaminedPlatform, server: JobberServer, owner: Owner
) -> None:
    owner.adds_client("Ann", "Lee", phone="+12125550000")
    ann = Customer("Ann Lee", "ask at reception", None, "1 Elm St")
    server.jobber.lost.append("clientCreate")
    with pytest.raises(ProviderDown):
        await put(examined, drafted(customer=ann))
    await put(examined, drafted(customer=ann))
    assert counts(owner) == (2, 2, 1, 1)


async def test_known_customer_and_place_are_used_again(
    examined: ExaminedPlatform, owner: Owner
) -> None:
    for number in (1, 2):
        await put(examined, drafted(number=number))
    shouted = replace(JOHN, address="123 MAIN ST., Los Angeles, California 90210, USA")
    await put(examined, drafted(number=3, customer=shouted))
    await put(examined, drafted(number=4, customer=replace(JOHN, address=OTHER_PLACE)))
    assert counts(owner) == (1, 2, 4, 4)


async def test_client_with_many_jobs(
    examined: ExaminedPlatform, server: JobberServer, owner: Owner
) -> None:
    client = owner.adds_client("John", "Smith", phone=str(JOHN.phone))
    for number in range(250):
        owner.adds_visit(at(NINE + number * HOUR), client=client)
    server.jobber.lost.append("visitCreate")
    with pytest.raises(ProviderDown):
        await put(examined, drafted())
    await put(examined, later(drafted()))
    assert len(owner.jobs) == 251


async def test_job_says_what_it_is(examined: ExaminedPlatform, owner: Owner) -> None:
    mike = owner.technician("Mike Johnson")
    customer = replace(JOHN, notes="Two dogs")
    draft = drafted(
        mike,
        customer=customer,
        value=Decimal("350.50"),
        job_type="plumbing",
        urgency="emergency",
    )
    written = await put(examined, draft)
    (visit,) = owner.visits
    assert visit.title == visit.job.title == draft.title
    assert "Urgency: emergency" in str(visit.instructions)
    assert visit.job.notes == ["Two dogs"]
    assert (visit.users, visit.told_team) == ([mike], True)
    assert visit.job.line_items[0]["unitPrice"] == 350.5
    assert written.visit is not None
    assert written.visit.job_type == "plumbing"
    assert written.visit.value == Decimal("350.5")
    assert (written.visit.job_id, written.visit.visit_id) == (visit.job.id, visit.id)


async def test_hour_that_comes_twice(examined: ExaminedPlatform, owner: Owner) -> None:
    """Clocks in New York go back on 1 November 2026, at 06:00 UTC."""
    interval = at(utc(2026, 11, 1, 6), HOUR // 2)
    await put(examined, replace(drafted(), interval=interval))
    (event,) = examined.world.events(examined.calendar)
    assert event.interval == interval


async def test_over_midnight(examined: ExaminedPlatform) -> None:
    interval = at(utc(2026, 6, 2, 3), 3 * HOUR)  # from 23:00 in New York
    await put(examined, replace(drafted(), interval=interval))
    (event,) = examined.world.events(examined.calendar)
    assert event.interval == interval


async def test_moved_to_another_address(
    examined: ExaminedPlatform, owner: Owner
) -> None:
    known = await put(examined, drafted())
    elsewhere = replace(JOHN, address=OTHER_PLACE)
    draft = replace(drafted(customer=elsewhere), sequence=2)
    await put(examined, draft, known)
    (visit,) = owner.visits
    assert f"Address: {OTHER_PLACE}" in str(visit.instructions)
    assert counts(owner) == (1, 1, 1, 1)


async def test_change_of_what_nobody_changed_is_two_requests(
    examined: ExaminedPlatform, server: JobberServer
) -> None:
    known = await put(examined, drafted())
    server.jobber.asked.clear()
    server.jobber.done.clear()
    await put(examined, later(drafted()), known)
    assert server.jobber.asked == ["Visit", "ChangeVisit"]
    assert server.jobber.done == ["visitEditSchedule", "visitEdit"]


async def test_visit_that_vanishes_while_it_is_written(
    examined: ExaminedPlatform, server: JobberServer, owner: Owner
) -> None:
    known = await put(examined, drafted())
    (visit,) = owner.visits
    server.jobber.before["ChangeVisit"] = lambda: owner.company.delete_visit(visit)
    with pytest.raises(EventGone) as caught:
        await put(examined, later(drafted()), known)
    assert caught.value.event_id == known.event_id


@pytest.mark.parametrize("act", ["retitle", "reassign", "move", "write"])
async def test_whatever_people_changed_is_noticed(
    examined: ExaminedPlatform, owner: Owner, act: str
) -> None:
    known = await put(examined, drafted())
    (visit,) = owner.visits
    match act:
        case "retitle":
            owner.retitles(visit.id, "Call first")
        case "reassign":
            owner.reassigns(visit.id, "Mike Johnson")
        case "move":
            owner.moves(visit.id, at(NINE + 3 * DAY))
        case _:
            visit.instructions = f"Gate code 4711\n{visit.instructions}"
    with pytest.raises(EventChanged) as caught:
        await put(examined, later(drafted()), known)
    assert caught.value.event_id == visit.id
    assert (await read(examined))[visit.id].etag != known.etag
    again = await put(examined, later(drafted()), replace(known, etag=None))
    assert (await read(examined))[visit.id].etag == again.etag


async def test_refused_by_a_rule_of_the_business(
    examined: ExaminedPlatform, owner: Owner
) -> None:
    with pytest.raises(Rejected):
        await put(examined, drafted("nobody of theirs"))
    owner.dismisses("Mike Johnson")
    with pytest.raises(Rejected):
        await put(examined, drafted(owner.technician("Mike Johnson"), number=2))


async def test_draft_without_a_visit(examined: ExaminedPlatform) -> None:
    with pytest.raises(Rejected):
        await put(examined, replace(drafted(), visit=None))


async def test_only_visit_closes_its_job(
    examined: ExaminedPlatform, owner: Owner
) -> None:
    known = await put(examined, drafted())
    await delete(examined, known.event_id, "customer_cancellation")
    (job,) = owner.jobs
    assert (job.is_closed, job.visits) == (True, [])
    assert job.notes == ["customer_cancellation"]
    with pytest.raises(EventGone):
        await put(examined, drafted())  # a job that was closed is not taken up again


async def test_other_visits_of_the_job_stay(
    examined: ExaminedPlatform, owner: Owner
) -> None:
    known = await put(examined, drafted())
    (job,) = owner.jobs
    second = owner.adds_visit(at(NINE + 9 * DAY), job=job)
    await delete(examined, known.event_id)
    assert not job.is_closed
    assert [each.id for each in owner.visits] == [second]
    assert job.notes == []


async def test_copies_are_not_ours(examined: ExaminedPlatform, owner: Owner) -> None:
    await put(examined, drafted())
    (visit,) = owner.visits
    second = owner.adds_visit(at(NINE + 9 * DAY), job=visit.job)
    copied = owner.visit(owner.adds_visit(at(NINE + 8 * DAY)))
    copied.instructions, copied.job.instructions = (
        visit.instructions,
        visit.job.instructions,
    )
    found = await read(examined)
    assert found[visit.id].appointment_id == drafted().appointment_id
    assert found[second].appointment_id is None
    assert found[copied.id].appointment_id is None


async def test_unassigned_and_unscheduled(
    examined: ExaminedPlatform, owner: Owner
) -> None:
    known = await put(examined, drafted())
    assert known.visit is not None
    assert known.visit.technicians == (NOBODY,)
    owner.moves(known.event_id, None)
    with pytest.raises(EventChanged):
        await put(examined, later(drafted()), known)
    again = await put(examined, later(drafted()), replace(known, etag=None))
    assert again.visit is not None
    assert again.visit.status is VisitStatus.SCHEDULED
