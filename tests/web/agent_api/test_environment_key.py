"""The key of CALENDAR_API_KEY follows the variable at each start."""

import asyncio
from pathlib import Path

import httpx2
import pytest

from conftest import settings_for
from tests.harness.running import running_service
from tests.harness.scenes.business import EVERY_DAY
from tests.web.api import Api, day_after
from universal_calendar.bootstrap.parts import Server, open_parts
from universal_calendar.clock import utc_now
from universal_calendar.core.instant import from_datetime

FIRST, SECOND = "the-first-key-of-the-environment", "the-second-key"


@pytest.fixture(scope="module")
def agents(own_home: Path, own_server: Server) -> list[str]:
    """Add two agents to the default tenant."""
    settings = settings_for(own_home)

    async def add() -> list[str]:
        async with open_parts(settings, own_server) as parts:
            now, added = from_datetime(utc_now()), []
            for name in ("Ann", "Bob"):
                agent = await parts.tenants.add_agent(
                    settings.default_tenant_id, name, "UTC", now
                )
                await parts.tenants.set_hours(agent, EVERY_DAY)
                added.append(str(agent.agent_id))
            return added

    return asyncio.run(add())


def statuses(
    http: httpx2.Client, home: Path, agents: list[str], **settings: str
) -> dict[str, set[int]]:
    """Start the service with these settings; ask for both agents with both keys."""
    with running_service(home, **settings) as service:
        return {
            key: {
                Api(http, service.url, key, agent).free_slots(day_after(1)).status_code
                for agent in agents
            }
            for key in (FIRST, SECOND)
        }


def test_key_follows_the_variable(
    http: httpx2.Client, own_home: Path, agents: list[str]
) -> None:
    def start(**settings: str) -> dict[str, set[int]]:
        return statuses(http, own_home, agents, **settings)

    assert start(CALENDAR_API_KEY=FIRST) == {FIRST: {200}, SECOND: {401}}
    assert start(CALENDAR_API_KEY=SECOND) == {FIRST: {401}, SECOND: {200}}
    assert start() == {FIRST: {401}, SECOND: {401}}
    assert start(CALENDAR_API_KEY=FIRST) == {FIRST: {200}, SECOND: {401}}


def test_the_guides_sample_key_is_refused(own_home: Path, own_server: Server) -> None:
    with (
        pytest.raises(AssertionError, match="sample from the documentation"),
        running_service(
            own_home, CALENDAR_API_KEY="secret-key-abc123", NODE_ENV="production"
        ),
    ):
        pass
