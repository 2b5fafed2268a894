"""Booking for whoever is free, read and written in the database."""

import asyncio

import orjson
import pytest

from tests.harness.scenes.business import Business
from tests.harness.scenes.tenant_office import TenantOffice, hours_from, opening
from universal_calendar.bootstrap.parts import Parts, new_id
from universal_calendar.core.errors import SlotUnavailable
from universal_calendar.core.instant import HOUR, to_datetime
from universal_calendar.services.ports.answers import Answer

START = opening()


@pytest.fixture
async def office(parts: Parts, business: Business) -> TenantOffice:
    return TenantOffice(parts, business)


def agent_of(answer: Answer) -> str:
    found: str = orjson.loads(answer.body)["data"]["agentId"]
    return found


async def test_whose_hold_it_is(office: TenantOffice) -> None:
    """Nobody else can have that time, though others are less busy."""
    bob = await office.hire("Bob")
    await office.book(hours_from(START, later=3), agent_id=bob.agent_id)
    hold = new_id(office.now)
    await office.rows(
        "INSERT INTO claims VALUES (%s, %s, %s, %s, %s, %s)",
        office.tenant_id,
        hold,
        bob.agent_id,
        *map(to_datetime, (START, START + HOUR, office.now + HOUR)),
    )
    wanted = hours_from(START)
    assert agent_of(await office.book(wanted, agent_id=None)) != str(bob.agent_id)
    kept = await office.book(wanted, agent_id=None, hold_id=hold)
    assert agent_of(kept) == str(bob.agent_id)
    assert await office.rows("SELECT 1 FROM claims WHERE claim_id = %s", hold) == []


async def test_inactive_agents_are_no_candidates(office: TenantOffice) -> None:
    await office.parts.tenants.update_agent(office.agent, is_active=False)
    bob = await office.hire("Bob")
    answer = await office.book(hours_from(START), agent_id=None)
    assert agent_of(answer) == str(bob.agent_id)


async def test_losers_of_a_race_try_the_next(office: TenantOffice) -> None:
    agents = {str(office.agent.agent_id)}
    agents |= {str((await office.hire(name)).agent_id) for name in "BCD"}
    wanted = hours_from(START)
    asked = [office.book(wanted, agent_id=None) for _ in range(12)]
    results = await asyncio.gather(*asked, return_exceptions=True)
    won = [agent_of(each) for each in results if isinstance(each, Answer)]
    lost = [each for each in results if isinstance(each, BaseException)]
    assert sorted(won) == sorted(agents)
    assert {type(each) for each in lost} == {SlotUnavailable}
