"""Technicians as they are kept, and as which agents they are known."""

import pytest

from tests.harness.scenes.schedules import Schedule
from universal_calendar.bootstrap.parts import new_id
from universal_calendar.core.errors import AgentNotFound
from universal_calendar.services.ports.technicians import TechnicianNotFound
from universal_calendar.services.ports.visits import NOBODY, Technician

ANN = Technician("t-1", "ann ", "ann@example.com")
BOB = Technician("t-2", "Bob", "bob@example.com")
SOMEBODY = Technician(NOBODY, "")


async def test_the_same_name_is_the_same_person_else_whoever_is_nobody(
    schedule: Schedule,
) -> None:
    ann, default = schedule.agent.agent_id, await schedule.agent_named("Van")
    await schedule.technicians.keep(*schedule.account, [SOMEBODY])
    await schedule.technicians.assign(*schedule.account, NOBODY, default)
    twin = Technician("t-9", "ANN")
    agents = await schedule.technicians.keep(*schedule.account, [BOB, ANN, twin])
    assert agents == {NOBODY: default, "t-1": ann, "t-2": default, "t-9": default}
    assert agents == await schedule.technicians.agents(*schedule.account)


async def test_whoever_has_no_agent_of_their_name_gets_the_one_who_is_added(
    schedule: Schedule,
) -> None:
    await schedule.technicians.keep(*schedule.account, [SOMEBODY])
    default = schedule.agent.agent_id
    await schedule.technicians.assign(*schedule.account, NOBODY, default)
    team = [BOB, Technician("t-3", "Cid"), Technician("t-4", "bob")]
    await schedule.technicians.keep(*schedule.account, team)
    await schedule.technicians.assign(*schedule.account, "t-3", default)
    assert await schedule.technicians.knows(*schedule.account, team)
    bob, _ = await schedule.agent_named("Bob"), await schedule.agent_named("Cid")
    assert not await schedule.technicians.knows(*schedule.account, team)
    agents = await schedule.technicians.keep(*schedule.account, team)
    # Somebody said who Cid is, and one agent is not two by name alone.
    expected = {NOBODY: default, "t-2": bob, "t-3": default, "t-4": default}
    assert agents == expected
    assert await schedule.technicians.knows(*schedule.account, team)
    twin = await schedule.agent_named("Bob")
    agents = await schedule.technicians.keep(*schedule.account, team)
    assert agents == expected | {"t-4": twin}


async def test_who_left_waits_for_no_name(schedule: Schedule) -> None:
    await schedule.technicians.keep(*schedule.account, [SOMEBODY, BOB])
    await schedule.technicians.keep(*schedule.account, [])
    bob = await schedule.agent_named("Bob")
    assert await schedule.technicians.knows(*schedule.account, [])
    agents = await schedule.technicians.keep(*schedule.account, [BOB])
    assert agents["t-2"] == bob


async def test_the_default_agents_own_name_is_free(schedule: Schedule) -> None:
    """Though others fall back to that agent."""
    await schedule.technicians.keep(*schedule.account, [SOMEBODY])
    default = schedule.agent.agent_id
    await schedule.technicians.assign(*schedule.account, NOBODY, default)
    await schedule.technicians.keep(*schedule.account, [BOB])
    await schedule.technicians.keep(*schedule.account, [BOB, ANN])
    known = await schedule.technicians.all(*schedule.account)
    fallbacks = {each.technician.name: each.is_fallback for each in known}
    assert fallbacks == {"": False, "ann ": False, "Bob": True}


async def test_an_agent_who_is_inactive_is_nobody(schedule: Schedule) -> None:
    await schedule.rows(
        "UPDATE agents SET is_active = false WHERE agent_id = %s",
        schedule.agent.agent_id,
    )
    assert await schedule.technicians.keep(*schedule.account, [ANN]) == {"t-1": None}


async def test_who_is_known_keeps_the_agent_and_follows_the_platform(
    schedule: Schedule,
) -> None:
    van = await schedule.agent_named("Van")
    await schedule.technicians.keep(*schedule.account, [SOMEBODY, ANN, BOB])
    await schedule.technicians.assign(*schedule.account, "t-1", van)
    renamed = Technician("t-1", "Anna", None)
    agents = await schedule.technicians.keep(*schedule.account, [renamed])
    assert agents["t-1"] == van
    known = await schedule.technicians.all(*schedule.account)
    assert [each.technician for each in known] == [
        SOMEBODY,
        renamed,
        Technician("t-2", "Bob", "bob@example.com", is_active=False),
    ]
    await schedule.technicians.keep(*schedule.account, [renamed, BOB])
    known = await schedule.technicians.all(*schedule.account)
    assert known[2].technician == BOB


async def test_what_is_as_it_was_is_not_written(schedule: Schedule) -> None:
    await schedule.technicians.keep(*schedule.account, [SOMEBODY, ANN, BOB])
    before = await schedule.rows("SELECT technician_id, xmin::text FROM technicians")
    await schedule.technicians.keep(*schedule.account, [BOB, ANN])
    after = await schedule.rows("SELECT technician_id, xmin::text FROM technicians")
    assert sorted(after) == sorted(before)


async def test_names_are_sealed_for_their_row(schedule: Schedule) -> None:
    await schedule.technicians.keep(*schedule.account, [SOMEBODY, ANN, BOB])
    for (text,) in await schedule.rows("SELECT t::text FROM technicians t"):
        assert b"example.com".hex() not in str(text)
        assert "bob" not in str(text).casefold()
    assert await schedule.technicians.names(*schedule.ids) == {
        "t-1": "ann ",
        "t-2": "Bob",
    }


async def test_nobody_is_given_to_strangers(schedule: Schedule) -> None:
    await schedule.technicians.keep(*schedule.account, [ANN])
    stranger = new_id(schedule.began)
    with pytest.raises(AgentNotFound):
        await schedule.technicians.assign(*schedule.account, "t-1", stranger)
    with pytest.raises(TechnicianNotFound):
        await schedule.technicians.assign(*schedule.account, "t-7", None)
    await schedule.technicians.assign(*schedule.account, "t-1", None)
    assert await schedule.technicians.agents(*schedule.account) == {"t-1": None}
