"""Jobs that are made: one customer, one address, one job, whatever goes wrong."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from tests.contracts.drafts import SECONDS, TITLE, a_draft, later
from tests.contracts.schedules import JOHN, ExaminedPlatform, OnSchedule, a_visit
from tests.providers.housecallpro.owner import ADDRESS
from tests.providers.housecallpro.server import FakeHousecallPro
from tests.providers.housecallpro.world import examined_at
from universal_calendar.core.provider_errors import ProviderDown, ProviderError
from universal_calendar.services.ports.calendars import EventDraft, WrittenEvent
from universal_calendar.services.ports.visits import Customer, VisitDraft

put = OnSchedule.put
STEPS = ("POST /customers$", "POST /customers/.*/addresses", "POST /jobs$")
AT_HOME = replace(a_visit(), location=JOHN.address)


async def stubborn(examined: ExaminedPlatform, draft: EventDraft) -> WrittenEvent:
    """Write as the worker does: again, until it is done."""
    for _ in range(10):
        try:
            return await put(examined, draft)
        except ProviderDown:
            continue
    raise AssertionError("it is never done")


def assert_made_once(house: FakeHousecallPro) -> None:
    (customer,) = house.company.customers.values()
    (job,) = house.company.jobs.values()
    assert len(customer.addresses) == 1
    assert (job.customer_id, job.address_id) == (
        customer.id,
        customer.addresses[0]["id"],
    )
    assert len(job.line_items) == len(job.notes) == len(job.appointments) == 1


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    "trouble",
    [
        lambda house, step: house.loses_answers(1, step),
        lambda house, step: house.breaks_off(step),
        lambda house, step: house.fails(502, step),
    ],
    ids=["lost", "broken", "failed"],
)
@pytest.mark.parametrize("draft", [AT_HOME, a_visit()], ids=["address", "none"])
async def test_trouble_at_every_step(
    house: FakeHousecallPro,
    examined: ExaminedPlatform,
    step: str,
    trouble: Callable[[FakeHousecallPro, str], None],
    draft: EventDraft,
) -> None:
    trouble(house, step)
    with pytest.raises(ProviderDown):
        await put(examined, draft)
    written = await stubborn(examined, draft)
    assert_made_once(house)
    assert house.company.jobs[written.event_id].title == TITLE
    assert not house.faults


async def test_every_answer_is_lost_once(
    house: FakeHousecallPro, examined: ExaminedPlatform
) -> None:
    for step in STEPS:
        house.loses_answers(1, step)
    await stubborn(examined, AT_HOME)
    assert_made_once(house)


async def test_another_process_goes_on(house: FakeHousecallPro) -> None:
    """It knows nothing but what is there: the appointment has moved meanwhile."""
    async with examined_at(house) as examined:
        house.loses_answers(1, "POST /jobs$")
        with pytest.raises(ProviderDown):
            await put(examined, AT_HOME)
    async with examined_at(house) as examined:
        written = await put(examined, later(AT_HOME))
    assert_made_once(house)
    assert house.owner.times(written.event_id) == [later(AT_HOME).interval]


@pytest.mark.parametrize("is_known", [False, True])
async def test_repeat_when_the_customer_changed_meanwhile(
    house: FakeHousecallPro, examined: ExaminedPlatform, is_known: bool
) -> None:
    house.loses_answers(1, "POST /jobs$")
    with pytest.raises(ProviderDown):
        await put(examined, replace(AT_HOME, is_first=True))
    ((job_id, job),) = house.company.jobs.items()
    for _ in range(150):
        house.owner.adds_job(a_draft().interval)
    somebody = Customer("John Smith-Lee", "+12125550000")
    if is_known:
        house.owner.adds_customer(mobile_number=str(somebody.phone))
    before = len(house.company.customers), len(house.company.jobs)
    draft = replace(later(AT_HOME), visit=VisitDraft(somebody))
    assert (await put(examined, draft)).event_id == job_id
    assert (len(house.company.customers), len(house.company.jobs)) == before
    assert house.owner.times(job.id) == [draft.interval]


@pytest.mark.parametrize("step", [STEPS[0], STEPS[2]])
async def test_repeat_when_somebody_without_contacts_was_renamed(
    house: FakeHousecallPro, examined: ExaminedPlatform, step: str
) -> None:
    house.loses_answers(1, step)
    with pytest.raises(ProviderDown):
        await put(examined, replace(AT_HOME, visit=VisitDraft(Customer("John Smith"))))
    for customer in (Customer("John Lee"), Customer("J. Lee", "+12125550000")):
        await put(examined, replace(AT_HOME, visit=VisitDraft(customer)))
    assert_made_once(house)


async def test_first_attempt_does_not_look_for_what_an_earlier_one_made(
    house: FakeHousecallPro, examined: ExaminedPlatform
) -> None:
    await put(examined, replace(AT_HOME, is_first=True))
    asked = house.counted()
    assert asked["GET /jobs"] == 0
    assert asked["GET /customers"] == 2
    await put(examined, replace(a_visit(number=2), is_first=True))
    assert house.counted()["GET /jobs"] == 1
    await put(examined, a_visit(number=3))
    assert house.counted()["GET /jobs"] == 3


@pytest.mark.parametrize(("is_first", "times"), [(True, 1), (False, 4)])
async def test_customer_of_many_jobs(
    house: FakeHousecallPro, examined: ExaminedPlatform, is_first: bool, times: int
) -> None:
    """What nobody tried to make costs no more for whoever has many jobs."""
    customer_id = house.owner.adds_customer(mobile_number=str(JOHN.phone))
    for _ in range(405):
        house.owner.adds_job(a_draft().interval, customer_id=customer_id)
    await put(examined, replace(AT_HOME, is_first=is_first))
    assert house.counted()["GET /jobs"] == times


@pytest.mark.parametrize(
    "nameless",
    [
        Customer("John Smith"),
        Customer("John Smith", phone="ask at reception"),
        Customer("John Smith", notes="rings twice"),
    ],
)
async def test_customer_who_cannot_be_found_by_anything(
    house: FakeHousecallPro, examined: ExaminedPlatform, nameless: Customer
) -> None:
    house.owner.adds_customer(first_name="John", last_name="Smith")
    draft = replace(a_draft(), visit=VisitDraft(nameless))
    for step in STEPS:
        house.loses_answers(1, step)
    await stubborn(examined, draft)
    assert len(house.company.customers) == 2
    assert len(house.company.jobs) == 1


async def test_customer_without_a_name(
    house: FakeHousecallPro, examined: ExaminedPlatform
) -> None:
    await put(examined, replace(a_draft(), visit=VisitDraft(Customer())))
    (customer,) = house.company.customers.values()
    assert f"{customer.fields['first_name']} {customer.fields['last_name']}" == TITLE


async def test_customer_and_address_that_are_known(
    house: FakeHousecallPro, examined: ExaminedPlatform
) -> None:
    known = house.owner.adds_customer(
        first_name="Johnny", last_name="Smith", home_number="(212) 555-1234"
    )
    line = "500 W. 5th St, Austin, TX 78701"
    written = await put(examined, replace(a_visit(), location=line))
    assert set(house.company.customers) == {known}
    assert len(house.owner.customer(known).addresses) == 1
    assert house.owner.customer(known).fields["first_name"] == "Johnny"
    assert house.owner.job(written.event_id).customer_id == known


async def test_known_customer_at_another_place(
    house: FakeHousecallPro, examined: ExaminedPlatform
) -> None:
    known = house.owner.adds_customer(email="John@Example.com")
    written = await put(examined, AT_HOME)
    first, second = house.owner.customer(known).addresses
    assert {**first, **ADDRESS} == first
    assert second["city"] == "Los Angeles"
    assert house.owner.job(written.event_id).address_id == second["id"]


async def test_everything_is_told(
    house: FakeHousecallPro, examined: ExaminedPlatform
) -> None:
    mike = house.owner.hires("Mike Johnson")
    visit = VisitDraft(JOHN, [mike], "plumbing", "emergency", Decimal("350.50"))
    written = await put(examined, replace(AT_HOME, visit=visit))
    job = house.owner.job(written.event_id)
    (item,), ((_, note),) = job.line_items, job.notes
    assert (item["name"], item["unit_price"]) == (TITLE, 35_050)
    assert note.startswith(
        "Two lines\nof \N{GRINNING FACE}\nType: plumbing\nUrgency: emergency\n"
        "Estimated value: 350.50\n\n"
    )
    assert a_draft().event_key in note
    assert job.assigned() == [mike]


async def test_technician_who_left(
    house: FakeHousecallPro, examined: ExaminedPlatform
) -> None:
    mike = house.owner.hires("Mike Johnson")
    house.owner.dismisses(mike)
    with pytest.raises(ProviderError) as caught:
        await put(examined, a_visit(mike))
    assert type(caught.value).__name__ == "Rejected"
    assert house.company.jobs == {}


async def test_customer_with_many_jobs(
    house: FakeHousecallPro, examined: ExaminedPlatform
) -> None:
    written = await put(examined, a_draft())
    customer_id = house.owner.job(written.event_id).customer_id
    for _ in range(250):
        house.owner.adds_job(a_draft().interval, customer_id=customer_id)
    assert await put(examined, a_draft()) == written


async def test_customer_who_is_put_while_answers_are_lost(
    house: FakeHousecallPro, examined: ExaminedPlatform
) -> None:
    for step in (STEPS[0], STEPS[1]):
        house.loses_answers(1, step)
        with pytest.raises(ProviderDown):
            await examined.platform.put_customer(examined.access, JOHN, seconds=SECONDS)
    await examined.platform.put_customer(examined.access, JOHN, seconds=SECONDS)
    (customer,) = house.company.customers.values()
    assert len(customer.addresses) == 1


async def test_notes_of_others_stay(
    house: FakeHousecallPro, examined: ExaminedPlatform
) -> None:
    known = house.owner.adds_customer(email=str(JOHN.email), notes="Has a dog")
    wishes = replace(JOHN, notes="Prefers SMS")
    for _ in range(2):
        await examined.platform.put_customer(examined.access, wishes, seconds=SECONDS)
    assert house.owner.customer(known).fields["notes"] == "Has a dog\nPrefers SMS"
    assert house.counted()["PUT /customers/*"] == 1
