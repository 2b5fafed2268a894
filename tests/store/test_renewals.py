"""Tokens that rotate are renewed once, whoever and however many need them.

A refresh token that was used is worthless at the stand-in: a second renewal with it
would lock the owner out.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.harness.running import clean_environment
from tests.harness.scenes.business import Business
from tests.harness.waiting import until
from tests.providers.microsoft.account import connected_secrets, registration
from tests.providers.microsoft.server import FakeMicrosoft, Fault
from universal_calendar.bootstrap.parts import Parts, new_id
from universal_calendar.clock import utc_now
from universal_calendar.core.instant import from_datetime
from universal_calendar.core.provider_errors import NotAuthorized, ProviderDown
from universal_calendar.services.ports.authorization import Renew, Secrets
from universal_calendar.services.ports.calendars import Access
from universal_calendar.services.ports.connections import NewConnection
from universal_calendar.store.connections.connections import ConnectionTable
from universal_calendar.store.connections.renewals import RenewalTable

SECONDS = 5.0
SHORT = 0.3
OTHER = {"accessToken": "other", "refreshToken": "other", "expiresAt": "1"}


@dataclass(frozen=True)
class Account:
    """A connection in the database, and what was read of it a while ago."""

    parts: Parts
    access: Access

    @property
    def table(self) -> ConnectionTable:
        return ConnectionTable(self.parts.database, self.parts.keyring)

    def renewals(self, later: timedelta = timedelta()) -> RenewalTable:
        """Return the port, by a clock that is so much ahead."""
        return RenewalTable(
            self.parts.database, self.parts.keyring, lambda: utc_now() + later
        )

    async def renewed(
        self, renew: Renew, *, later: timedelta = timedelta(), seconds: float = SECONDS
    ) -> Secrets:
        return await self.renewals(later).renewed(
            self.access, self.access.secrets, renew, seconds=seconds
        )

    async def stored(self) -> Secrets:
        where = self.access.tenant_id, self.access.connection_id
        return (await self.table.access(*where)).secrets

    async def connect(self, secrets: Secrets) -> None:
        """Connect the account, or connect it again."""
        await self.table.add(
            NewConnection(
                self.access.tenant_id,
                self.access.connection_id,
                "microsoft",
                None,
                "ann@example.test",
                secrets,
                [],
            ),
            from_datetime(utc_now()),
        )

    async def remove(self) -> None:
        await self.table.remove(self.access.tenant_id, self.access.connection_id)


@pytest.fixture
def microsoft() -> Iterator[FakeMicrosoft]:
    fake = FakeMicrosoft()
    fake.limit = 100  # of requests at once, which is not what is examined here
    yield fake
    fake.close()
    assert fake.http.errors == []


@pytest.fixture
async def account(
    parts: Parts, business: Business, microsoft: FakeMicrosoft
) -> Account:
    secrets = connected_secrets(microsoft, lives=-1)
    connection_id = new_id(from_datetime(utc_now()))
    account = Account(parts, Access(business.tenant_id, connection_id, secrets))
    await account.connect(secrets)
    return account


def fresh(name: str = "new") -> Secrets:
    return {"accessToken": name, "refreshToken": name, "expiresAt": "2"}


async def renew(_secrets: Secrets) -> Secrets:
    return fresh()


async def never(_secrets: Secrets) -> Secrets:
    raise AssertionError("nothing had to be renewed")


async def refused(_secrets: Secrets) -> Secrets:
    raise NotAuthorized


# Processes


@contextmanager
def workers(
    account: Account, microsoft: FakeMicrosoft, count: int, times: int
) -> Iterator[Sequence["subprocess.Popen[str]"]]:
    """Start worker processes that wait for a line to begin."""
    config = registration(microsoft, f"{microsoft.url}/v1.0")
    order: dict[str, Any] = {
        "url": account.parts.server.url,
        "home": str(account.parts.settings.uc_home),
        "tenant": str(account.access.tenant_id),
        "connection": str(account.access.connection_id),
        "secrets": dict(account.access.secrets),
        "config": {name: getattr(config, name) for name in config.__slots__},
        "times": times,
    }
    started = [_worker(order) for _ in range(count)]
    try:
        for each in started:
            assert each.stdout is not None
            assert each.stdout.readline() == "ready\n"
        yield started
    finally:
        for each in started:
            each.kill()
            each.communicate()


def _worker(order: dict[str, Any]) -> "subprocess.Popen[str]":
    root = Path(__file__).parents[2]
    worker = subprocess.Popen(
        [sys.executable, "-m", "tests.store.renewing"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=root,
        env=clean_environment(PYTHONPATH=str(root)),
    )
    _tell(worker, json.dumps(order))
    return worker


def _tell(worker: "subprocess.Popen[str]", line: str) -> None:
    assert worker.stdin is not None
    worker.stdin.write(f"{line}\n")
    worker.stdin.flush()


async def outcomes_of(worker: "subprocess.Popen[str]") -> list[str]:
    assert worker.stdout is not None
    return list(json.loads(await asyncio.to_thread(worker.stdout.readline)))


async def test_fifty_workers_renew_once(
    account: Account, microsoft: FakeMicrosoft
) -> None:
    with workers(account, microsoft, count=2, times=25) as started:
        for each in started:
            _tell(each, "go")
        outcomes = [await outcomes_of(each) for each in started]
    assert outcomes == [["200"] * 25] * 2
    assert microsoft.login.refreshes == 1
    stored = await account.stored()
    assert {stored["accessToken"]} == microsoft.login.access_tokens - {
        account.access.secrets["accessToken"]
    }
    assert {stored["refreshToken"]} == microsoft.login.refresh_tokens


async def test_worker_that_dies_while_it_renews(
    account: Account, microsoft: FakeMicrosoft
) -> None:
    microsoft.faults.append(Fault("hang"))
    with workers(account, microsoft, count=1, times=1) as (dying,):
        _tell(dying, "go")
        await until(lambda: not microsoft.faults)
        dying.kill()
        dying.wait()
    with pytest.raises(ProviderDown):
        await account.renewed(never, seconds=SHORT)
    past_its_lease = timedelta(seconds=60)
    assert await account.renewed(renew, later=past_its_lease) == fresh()
    assert await account.stored() == fresh()
    assert await account.renewed(never) == fresh()


# One process


async def test_newer_secrets_are_not_renewed(account: Account) -> None:
    await account.connect(OTHER)
    assert await account.renewed(never) == OTHER


async def test_stored_before_anybody_has_them(account: Account) -> None:
    secrets = await account.renewed(renew)
    assert await account.stored() == secrets == fresh()


@pytest.mark.parametrize("error", [ProviderDown, NotAuthorized])
async def test_failure_leaves_the_next_one_free(
    account: Account, error: type[Exception]
) -> None:
    async def fail(_secrets: Secrets) -> Secrets:
        raise error

    with pytest.raises(error):
        await account.renewed(fail)
    assert await account.stored() == account.access.secrets
    assert await account.renewed(renew, seconds=SHORT) == fresh()


async def test_whoever_gives_up_leaves_the_next_one_free(account: Account) -> None:
    begun = asyncio.Event()

    async def hang(_secrets: Secrets) -> Secrets:
        begun.set()
        await asyncio.sleep(60)
        raise AssertionError

    renewing = asyncio.create_task(account.renewed(hang))
    await begun.wait()
    renewing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await renewing
    assert await account.renewed(renew, seconds=SHORT) == fresh()


async def test_connection_that_was_removed(account: Account) -> None:
    await account.remove()
    with pytest.raises(NotAuthorized):
        await account.renewed(never)


async def test_connection_of_another_tenant(account: Account, parts: Parts) -> None:
    tenant_id = parts.settings.default_tenant_id
    foreign = replace(account, access=replace(account.access, tenant_id=tenant_id))
    with pytest.raises(NotAuthorized):
        await foreign.renewed(never)


async def test_removed_while_it_is_renewed(account: Account) -> None:
    async def remove(_secrets: Secrets) -> Secrets:
        await account.remove()
        return fresh()

    with pytest.raises(NotAuthorized):
        await account.renewed(remove)


@pytest.mark.parametrize("is_refused", [False, True])
async def test_connected_again_while_it_is_renewed(
    account: Account, is_refused: bool
) -> None:
    """What its owner just granted stays, whatever became of the old tokens."""

    async def connect_again(_secrets: Secrets) -> Secrets:
        await account.connect(OTHER)
        if is_refused:
            raise NotAuthorized
        return fresh()

    assert await account.renewed(connect_again) == OTHER
    assert await account.stored() == OTHER


async def test_renewal_that_outlives_its_lease(account: Account) -> None:
    """Who comes after it is refused, as the token was used: the first one's serve."""

    async def slow(_secrets: Secrets) -> Secrets:
        with pytest.raises(NotAuthorized):
            await account.renewed(refused, later=timedelta(seconds=60))
        return fresh()

    assert await account.renewed(slow) == fresh()
    assert await account.stored() == fresh()


async def test_lease_that_another_took_over(account: Account) -> None:
    async def overtaken(_secrets: Secrets) -> Secrets:
        await account.renewed(renew, later=timedelta(seconds=60))
        return fresh("late")

    assert await account.renewed(overtaken) == fresh()
    assert await account.stored() == fresh()
