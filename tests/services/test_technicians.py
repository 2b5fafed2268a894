"""Technicians become agents, and agents' time changes with them."""

import pytest

from tests.harness.scenes.business import Business
from tests.services.workshop import ANN, BOB, Workshop, open_workshop
from universal_calendar.bootstrap.parts import Parts, new_id
from universal_calendar.core.errors import AgentNotFound
from universal_calendar.core.provider_errors import ProviderDown
from universal_calendar.services.ports.calendars import Access
from universal_calendar.services.ports.technicians import TechnicianNotFound
from universal_calendar.services.ports.visits import NOBODY


@pytest.fixture
async def workshop(parts: Parts, business: Business) -> Workshop:
    return await open_workshop(parts, business)


async def audited(workshop: Workshop) -> int:
    rows = await workshop.rows(
        "SELECT FROM audit_entries WHERE action = 'technicians.changed'"
    )
    return len(rows)


async def test_who_is_new_takes_somebodys_time_from_then_on(workshop: Workshop) -> None:
    ann = workshop.business.agent.agent_id
    bob = await workshop.agent_named("bob")
    van = await workshop.agent_named("Van")
    before = [await workshop.revision(each) for each in (ann, bob, van)]
    workshop.platform.team = (BOB,)
    assert await workshop.refresh() == {NOBODY: ann, "t-2": bob}
    after = [await workshop.revision(each) for each in (ann, bob, van)]
    assert after == [before[0], before[1] + 1, before[2]]
    assert await audited(workshop) == 1


async def test_an_agent_of_their_name_takes_over(workshop: Workshop) -> None:
    ann = workshop.business.agent.agent_id
    workshop.platform.team = (ANN, BOB)
    assert (await workshop.refresh())["t-2"] == ann
    bob = await workshop.agent_named("Bob")
    before = [await workshop.revision(each) for each in (ann, bob)]
    assert (await workshop.refresh())["t-2"] == bob
    after = [await workshop.revision(each) for each in (ann, bob)]
    assert after == [before[0] + 1, before[1] + 1]
    await workshop.refresh()
    assert await audited(workshop) == 2


async def test_whom_somebody_assigned_stays(workshop: Workshop) -> None:
    ann = workshop.business.agent.agent_id
    workshop.platform.team = (ANN, BOB)
    await workshop.refresh()
    await workshop.assign("t-2", ann)
    await workshop.agent_named("Bob")
    assert (await workshop.refresh())["t-2"] == ann


async def test_nothing_is_written_or_locked_where_nobody_changed(
    workshop: Workshop, parts: Parts
) -> None:
    workshop.platform.team = (ANN, BOB)
    known = await workshop.refresh()
    before = await workshop.rows("SELECT t::text, xmin::text FROM technicians t")
    async with parts.database.transaction(workshop.tenant_id) as connection:
        await connection.execute("SELECT FROM agents FOR UPDATE")
        assert await workshop.refresh() == known
    after = await workshop.rows("SELECT t::text, xmin::text FROM technicians t")
    assert (after, await audited(workshop)) == (before, 1)


async def test_who_left_is_retired_and_may_come_back(workshop: Workshop) -> None:
    for team, is_active in (((ANN, BOB), True), ((ANN,), False), ((ANN, BOB), True)):
        workshop.platform.team = team
        await workshop.refresh()
        known = await workshop.technicians.all(*workshop.account)
        assert known[-1].technician.name == "Bob"
        assert known[-1].technician.is_active is is_active


async def test_a_platform_that_is_down_is_not_an_empty_one(workshop: Workshop) -> None:
    await workshop.refresh()

    class Down(type(workshop.platform)):  # type: ignore[misc]  # a class of this test
        async def technicians(self, access: Access, *, seconds: float) -> None:
            raise ProviderDown

    workshop.platform = Down()
    with pytest.raises(ProviderDown):
        await workshop.refresh()
    known = await workshop.technicians.all(*workshop.account)
    assert [each.technician.is_active for each in known] == [True, True]


async def test_a_technician_is_given_to_another_agent(workshop: Workshop) -> None:
    ann, van = workshop.business.agent.agent_id, await workshop.agent_named("Van")
    other = await workshop.agent_named("Other")
    await workshop.refresh()
    before = [await workshop.revision(each) for each in (ann, van, other)]
    await workshop.assign("t-1", van)
    after = [await workshop.revision(each) for each in (ann, van, other)]
    assert after == [before[0] + 1, before[1] + 1, before[2]]
    assert (await workshop.refresh())["t-1"] == van
    await workshop.assign("t-1", None)
    assert (await workshop.refresh())["t-1"] is None
    assert await audited(workshop) == 3


async def test_strangers_are_refused(workshop: Workshop) -> None:
    await workshop.refresh()
    with pytest.raises(TechnicianNotFound):
        await workshop.assign("t-7", workshop.business.agent.agent_id)
    with pytest.raises(AgentNotFound):
        await workshop.assign("t-1", new_id(0))
    closed = await workshop.agent_named("Closed")
    await workshop.rows(
        "UPDATE agents SET is_active = false WHERE agent_id = %s", closed
    )
    with pytest.raises(AgentNotFound):
        await workshop.assign("t-1", closed)
