"""Whoever looks for something to make it is alone, over all processes."""

import asyncio
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from tests.harness.scenes.business import Business, open_business
from universal_calendar.bootstrap.parts import Parts, new_id
from universal_calendar.clock import utc_now
from universal_calendar.core.instant import from_datetime
from universal_calendar.core.provider_errors import Throttled
from universal_calendar.services.ports.calendars import Access
from universal_calendar.services.ports.connections import NewConnection
from universal_calendar.store.connections.connections import ConnectionTable
from universal_calendar.store.connections.turns import TurnTable
from universal_calendar.store.database import Database
from universal_calendar.store.housekeeping import Housekeeping

SECONDS = 5.0
SHORT = 0.2


@dataclass(frozen=True)
class Account:
    """A connection, and two processes that work with it."""

    parts: Parts
    access: Access
    one: TurnTable
    other: TurnTable

    def turn(
        self, table: TurnTable, seconds: float = SECONDS
    ) -> AbstractAsyncContextManager[None]:
        return table.of(self.access, seconds=seconds)

    def later(self, seconds: float) -> TurnTable:
        """Return a process whose clock is so much ahead."""
        ahead = timedelta(seconds=seconds)
        return TurnTable(self.parts.database, lambda: utc_now() + ahead, new_id)

    async def rows(self) -> int:
        async with self.parts.database.transaction(self.access.tenant_id) as found:
            return (await found.execute("SELECT FROM turns")).rowcount


async def connected(parts: Parts, business: Business) -> Access:
    now = from_datetime(utc_now())
    access = Access(business.tenant_id, new_id(now), {"apiKey": "key"})
    place = access.tenant_id, access.connection_id
    account = str(access.connection_id)
    new = NewConnection(*place, "jobber", None, account, access.secrets, [])
    await ConnectionTable(parts.database, parts.keyring).add(new, now)
    return access


@pytest.fixture
async def account(parts: Parts, business: Business) -> Account:
    one, other = (TurnTable(parts.database, utc_now, new_id) for _ in range(2))
    return Account(parts, await connected(parts, business), one, other)


async def test_one_after_the_other(account: Account) -> None:
    working: list[int] = []
    most = 0

    async def work(table: TurnTable, number: int) -> None:
        nonlocal most
        async with account.turn(table, 60):
            working.append(number)
            most = max(most, len(working))
            await account.rows()
            working.remove(number)

    async with asyncio.TaskGroup() as group:
        for number in range(10):
            group.create_task(work(account.one, number))
            group.create_task(work(account.other, number))
    assert most == 1
    assert await account.rows() == 0


@pytest.mark.parametrize("is_another_process", [False, True])
async def test_whoever_waited_half_of_the_time_comes_back_later(
    account: Account, is_another_process: bool
) -> None:
    table = account.other if is_another_process else account.one
    began = asyncio.get_running_loop().time()
    async with account.turn(account.one):
        with pytest.raises(Throttled):
            async with account.turn(table, SHORT):
                raise AssertionError
    assert SHORT / 2 <= asyncio.get_running_loop().time() - began < SECONDS / 2
    async with account.turn(table, SHORT):
        pass


async def test_turn_of_one_who_was_killed_ends_by_itself(account: Account) -> None:
    async with account.turn(account.one, 20):
        with pytest.raises(Throttled):
            async with account.turn(account.later(19), SHORT):
                raise AssertionError
        successor = account.later(26)
        async with account.turn(successor):
            assert await account.rows() == 1
            with pytest.raises(Throttled):
                async with account.turn(account.later(27), SHORT):
                    raise AssertionError
        assert await account.rows() == 0


async def test_late_end_takes_no_turn_from_the_next(account: Account) -> None:
    late = account.turn(account.one)
    await late.__aenter__()
    async with account.turn(account.later(60)):
        await late.__aexit__(None, None, None)
        assert await account.rows() == 1


@pytest.mark.parametrize("error", [ValueError, asyncio.CancelledError])
async def test_failure_leaves_the_next_one_free(
    account: Account, error: type[BaseException]
) -> None:
    with pytest.raises(error):
        async with account.turn(account.one):
            raise error
    async with account.turn(account.other, SHORT):
        pass


async def test_whoever_gives_up_waiting_leaves_nothing(account: Account) -> None:
    async def wait() -> None:
        async with account.turn(account.other):
            raise AssertionError

    async with account.turn(account.one):
        waiting = [asyncio.create_task(wait()) for _ in range(3)]
        await asyncio.sleep(0.1)
        for each in waiting:
            each.cancel()
        await asyncio.wait(waiting)
        assert await account.rows() == 1
    async with account.turn(account.other, SHORT):
        pass


async def test_nothing_of_the_database_is_held_meanwhile(account: Account) -> None:
    database = Database(account.parts.server.url, size=1, patience=0.1)
    await database.open()
    try:
        async with account.turn(TurnTable(database, utc_now, new_id)):
            assert await database.call("SELECT 1", []) == (1,)
    finally:
        await database.close()


async def test_accounts_do_not_wait_for_each_other(
    account: Account, parts: Parts, business: Business
) -> None:
    others = [
        await connected(parts, business),
        await connected(parts, await open_business(parts)),
    ]
    async with account.turn(account.one):
        for each in others:
            async with account.other.of(each, seconds=SHORT):
                pass


async def test_account_that_is_gone(account: Account, parts: Parts) -> None:
    place = account.access.tenant_id, account.access.connection_id
    async with account.turn(account.one):
        await ConnectionTable(parts.database, parts.keyring).remove(*place)
        assert await account.rows() == 0
    with pytest.raises(Throttled):
        async with account.turn(account.one, SHORT):
            raise AssertionError


async def test_connection_of_another_tenant(account: Account, parts: Parts) -> None:
    tenant_id = parts.settings.default_tenant_id
    foreign = replace(account.access, tenant_id=tenant_id)
    with pytest.raises(Throttled):
        async with account.one.of(foreign, seconds=SHORT):
            raise AssertionError


async def test_housekeeping_removes_what_the_killed_left(account: Account) -> None:
    async with account.turn(account.one, 20):
        housekeeping = Housekeeping(account.parts.database)
        await housekeeping.clear(utc_now())
        assert await account.rows() == 1
        await housekeeping.clear(utc_now() + timedelta(seconds=26))
        assert await account.rows() == 0
