"""Master keys change while services run; afterwards the old one may be lost."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from conftest import settings_for
from tests.harness.command_line import Finished
from tests.harness.crowd import OPENING, Reply, Wish, ask, clients, day_after
from tests.harness.homes import let_through
from tests.harness.running import clean_environment, running_service
from tests.harness.scenes.business import Business, open_business
from tests.harness.scenes.schedules import connected_schedule
from tests.store.rotating import plain_values
from universal_calendar.bootstrap.parts import (
    Parts,
    Server,
    open_parts,
    start_server,
)
from universal_calendar.services.ports.visits import Technician
from universal_calendar.store.sealing.encryption import CannotDecrypt, key_text, new_key
from universal_calendar.store.sealing.sealed_rows import SEALED_TABLES, SealedRows
from universal_calendar.store.tenants.key_rotation import KeyTable

OLD, NEW = key_text(new_key()), key_text(new_key())
BOTH = f"{NEW},{OLD}"
COMMANDS = (sys.executable, "-m", "universal_calendar", "encryption")


def encryption(home: Path, *words: str, master_keys: str, status: int = 0) -> Finished:
    """Run `universal-calendar encryption …` beside the services."""
    done = subprocess.run(
        [*COMMANDS, *words, "--home", str(home)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=home.parent,
        env=clean_environment(MASTER_KEYS=master_keys),
    )
    assert done.returncode == status, done.stdout + done.stderr
    return Finished(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def own_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own")
    let_through(folder)
    return folder / "home"


@pytest.fixture
def own_server(own_home: Path) -> Iterator[Server]:
    server = start_server(settings_for(own_home, master_keys=OLD))
    assert server.embedded is not None
    yield server
    server.embedded.stop()


@dataclass(frozen=True)
class Installation:
    """A home with one business, made under the old master key."""

    home: Path
    server: Server
    business: Business

    async def outdated(self, master_keys: str) -> int:
        """Count what the first of these keys does not wrap."""
        settings = settings_for(self.home, master_keys=master_keys)
        async with open_parts(settings, self.server) as parts:
            return await KeyTable(parts.database, parts.keyring).count_outdated()

    async def names(self, master_keys: str) -> list[bytes]:
        """Decrypt what is known of the business's customers."""
        settings = settings_for(self.home, master_keys=master_keys)
        async with open_parts(settings, self.server) as parts:
            return await plain_appointments(parts, self.business)

    async def schedule(self, master_keys: str) -> list[bytes]:
        """Decrypt what is known of technicians and visits."""
        settings = settings_for(self.home, master_keys=master_keys)
        async with open_parts(settings, self.server) as parts:
            of_schedules = await plain_values(parts, self.business.tenant_id)
        found = [*of_schedules["technicians"], *of_schedules["visits"]]
        return [each or b"" for each in found]

    async def book(self, url: str, number: int) -> Reply:
        wish = Wish(self.business, day_after(1), OPENING + number * 30)
        async with clients(1) as client:
            return await ask(client, url, wish)


async def plain_appointments(parts: Parts, business: Business) -> list[bytes]:
    rows = SealedRows(SEALED_TABLES[0], business.tenant_id, parts.keyring)
    pages = [page async for page in rows.pages(parts.database)]
    return [row.plain or b"" for page in pages for row in page]


@pytest.fixture
async def installation(own_home: Path, own_server: Server) -> Installation:
    settings = settings_for(own_home, master_keys=OLD)
    async with open_parts(settings, own_server) as parts:
        business = await open_business(parts)
        schedule = await connected_schedule(parts, business)
        team = [Technician("t-1", "Ann")]
        await schedule.technicians.keep(*schedule.account, team)
        visits = {"a": schedule.visit("a")}
        await schedule.visits.keep(*schedule.ids, visits, schedule.began)
        return Installation(own_home, own_server, business)


async def test_the_old_master_key_may_be_dropped(installation: Installation) -> None:
    home = installation.home
    assert await installation.outdated(OLD) == 0
    # The hashing key, and two for each of the business and the default tenant.
    assert await installation.outdated(BOTH) == 5
    with (
        running_service(home, MASTER_KEYS=f"{OLD},{NEW}") as before,
        running_service(home, MASTER_KEYS=BOTH) as after,
    ):
        assert (await installation.book(before.url, 0)).status == 201
        assert (await installation.book(after.url, 1)).status == 201
        first = encryption(home, "rewrap", "--json", master_keys=BOTH)
        assert first.json == {"keys": 5, "tenants": 2}
        assert (await installation.book(before.url, 2)).status == 201
        assert (await installation.book(after.url, 3)).status == 201
        again = encryption(home, "rewrap", "--json", master_keys=BOTH)
        assert again.json == {"keys": 0, "tenants": 2}
    assert await installation.outdated(BOTH) == 0
    assert await installation.outdated(NEW) == 0
    with running_service(home, MASTER_KEYS=NEW) as alone:
        assert (await installation.book(alone.url, 4)).status == 201
    names = await installation.names(NEW)
    assert [b'"name":"John"' in name for name in names] == [True] * 5
    technician, visit = await installation.schedule(NEW)
    assert b'"Ann"' in technician
    assert b'"Jane Canary"' in visit
    with pytest.raises(CannotDecrypt):
        await installation.outdated(OLD)


async def test_a_key_that_opens_nothing_is_refused(installation: Installation) -> None:
    refused = encryption(installation.home, "rewrap", master_keys=NEW, status=1)
    assert refused.told.startswith("error: No master key in MASTER_KEYS opens")
    assert await installation.outdated(OLD) == 0


async def test_data_keys_rotate_on_command(installation: Installation) -> None:
    home, tenant_id = installation.home, str(installation.business.tenant_id)
    with running_service(home, MASTER_KEYS=OLD) as service:
        assert (await installation.book(service.url, 0)).status == 201
        words = ("--tenant", tenant_id, "--grace", "0", "--json")
        one = encryption(home, "rotate", *words, master_keys=OLD)
        assert one.json == [
            {"tenant_id": tenant_id, "version": 2, "rows": 5, "destroyed": 1}
        ]
        assert (await installation.book(service.url, 1)).status == 201
    every = encryption(home, "rotate", "--all", "--grace", "0", master_keys=OLD)
    assert tenant_id in every.out
    assert len(await installation.names(OLD)) == 2


@pytest.mark.parametrize("words", [[], ["--all", "--tenant", "UNKNOWN"]])
def test_whose_keys_rotate_must_be_said(
    tmp_path: Path, words: list[str], any_id: Any
) -> None:
    given = [any_id if word == "UNKNOWN" else word for word in words]
    refused = encryption(tmp_path, "rotate", *given, master_keys=OLD, status=2)
    assert "either --tenant ID or --all" in refused.err


@pytest.fixture
def any_id() -> str:
    return "47addfec-f4cd-41e2-b6ec-6a5e949fe754"
