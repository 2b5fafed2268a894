"""A session that never ends holds an agent's row, as a host does that lost power."""

import asyncio

import psycopg
import pytest

from tests.harness.crowd import LONGEST_ANSWER, OPENING, Wish, ask, clients, day_after
from tests.harness.running import RunningService
from tests.harness.scenes.business import Business
from universal_calendar.bootstrap.parts import Server


@pytest.fixture
def wish(business: Business) -> Wish:
    return Wish(business, day_after(3), OPENING)


async def test_booking_of_a_locked_agent_is_answered_in_time(
    process: RunningService, server: Server, business: Business, wish: Wish
) -> None:
    assert server.embedded is not None
    async with await psycopg.AsyncConnection.connect(server.url) as stuck:
        await stuck.execute(
            "SELECT set_config('app.tenant_id', %s, true)", [str(business.tenant_id)]
        )
        await stuck.execute(
            "SELECT FROM agents WHERE tenant_id = %s FOR UPDATE", [business.tenant_id]
        )
        async with clients(1) as client:
            asked = asyncio.create_task(ask(client, process.url, wish))
            done, _ = await asyncio.wait([asked], timeout=LONGEST_ANSWER)
            await stuck.rollback()
            reply = await asked
    assert done, f"answered only when the lock was given up: {reply}"
    assert reply.status == 503
    assert reply.retry_after


async def test_forgotten_transaction_is_ended_by_the_server(server: Server) -> None:
    """Nobody is left to commit it: its locks must not last for hours."""
    async with await psycopg.AsyncConnection.connect(server.url) as connection:
        cursor = await connection.execute(
            "SELECT name, setting::int FROM pg_settings WHERE name IN"
            " ('idle_in_transaction_session_timeout', 'lock_timeout')"
        )
        limits: dict[str, int] = dict(await cursor.fetchall())
    assert all(0 < limit <= 60_000 for limit in limits.values()), limits
