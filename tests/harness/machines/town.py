"""A town: a home of its own, a sandbox provider, shops, and processes to ill-treat."""

import asyncio
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

from tests.harness.island import Island, island, wait_for
from tests.harness.machines.working import start_worker
from tests.harness.outside.sandbox import Sandbox, SandboxAccount, running_sandbox
from tests.harness.running import start_service
from tests.harness.scenes.business import Business, open_business
from universal_calendar.bootstrap.outside import open_outside
from universal_calendar.bootstrap.parts import Server, open_parts, start_server
from universal_calendar.bootstrap.providers import providers
from universal_calendar.bootstrap.worker import connections
from universal_calendar.clock import utc_now
from universal_calendar.core.instant import from_datetime

# What is written to one account here in a minute is more than a business does.
_PROVIDER_REQUESTS = {"CONNECTION_RATE_LIMIT": "100000"}

Row = dict[str, Any]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Shop:
    """A business, and the sandbox account that its appointments are written to."""

    business: Business
    account: SandboxAccount

    @property
    def tenant_id(self) -> str:
        """Return the tenant's id as the wire has it."""
        return str(self.business.tenant_id)

    @property
    def calendar(self) -> str:
        """Return the id of the account's one calendar."""
        return self.account.calendar_id


class Serving:
    """A service process of the town; its port stays the same over a crash."""

    def __init__(self, home: Path, **settings: str) -> None:
        """Start it."""
        self._home, self._settings = home, _PROVIDER_REQUESTS | settings
        self.process = start_service(home, 0, **self._settings)
        self._port = int(self.url.rpartition(":")[2])

    @property
    def url(self) -> str:
        """Return where it answers."""
        return self.process.url

    def crash(self) -> None:
        """Kill it at once, and start it again."""
        self.process.kill()
        self.process = start_service(self._home, self._port, **self._settings)

    def stop(self) -> None:
        """Ask it to finish."""
        assert self.process.stop() == 0, "".join(self.process.lines[-20:])


class Working:
    """A `universal-calendar worker` process of the town."""

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        """Start it."""
        self._folder, self._settings = folder, settings
        self._start()

    def _start(self) -> None:
        self.process = start_worker(self._folder, self._settings)
        wait_for("the worker works", self.process.is_working)

    def crash(self) -> None:
        """Kill it at once, and start it again."""
        self.process.kill()
        self._start()

    def stop(self) -> None:
        """Ask it to finish."""
        assert self.process.stop() == 0, self.process.log.read_text()


Process = TypeVar("Process", Serving, Working)


class Town:
    """The home, its running database, and the provider that its shops write to."""

    def __init__(self, place: Island, server: Server, sandbox: Sandbox) -> None:
        """Take the home, what runs in it, and the provider."""
        self.place, self.server, self.sandbox = place, server, sandbox

    async def settle(self, *names: str) -> list[Shop]:
        """Open a shop of each name, whose write calendar is an account of that name."""
        settings = self.place.settings
        async with (
            open_parts(settings, self.server) as parts,
            open_outside(settings) as outside,
        ):
            service = connections(parts, providers(parts, outside))
            shops = [
                Shop(await open_business(parts), self.sandbox.account(name))
                for name in names
            ]
            for shop in shops:
                tenant_id, secrets = shop.business.tenant_id, shop.account.credentials
                await service.add(tenant_id, "fake", secrets, from_datetime(utc_now()))
        return shops

    async def settle_unconnected(self) -> Business:
        """Open a business that writes to no calendar."""
        async with open_parts(self.place.settings, self.server) as parts:
            return await open_business(parts)

    def stop_reading(self) -> None:
        """Have every calendar written to only, as its owner may choose."""
        self.rows("UPDATE calendars SET is_read = false RETURNING 1")
        self.rows("DELETE FROM due_work WHERE kind = 'sync' RETURNING 1")

    @contextmanager
    def serving(self, **settings: str) -> Iterator[Serving]:
        """Run the service for a block."""
        yield from _until_stopped(Serving(self.place.home, **settings))

    @contextmanager
    def working(self, **settings: str) -> Iterator[Working]:
        """Run a worker for a block."""
        given = {
            "DATABASE_URL": self.server.url,
            "MASTER_KEYS": (self.place.home / "master.key").read_text(),
            "ENVIRONMENT": "development",
        }
        folder, environment = self.place.home.parent, _PROVIDER_REQUESTS | given
        yield from _until_stopped(Working(folder, environment | settings))

    def rows(self, query: str, *values: object) -> list[Row]:
        """Ask the database past the service and row-level security."""
        url = make_conninfo(self.place.server.admin_url, dbname="universal_calendar")
        path = "-c search_path=universal_calendar"
        with psycopg.connect(url, options=path, row_factory=dict_row) as connection:
            return connection.execute(query.encode(), values).fetchall()

    def tasks_so_far(self) -> int:
        """Return how many tasks were ever added: those that ended leave no row."""
        (counter,) = self.rows("SELECT * FROM procrastinate_jobs_id_seq")
        return int(counter["last_value"]) if counter["is_called"] else 0

    def unsettled(self) -> list[Row]:
        """Return what is not yet as it should be; reminders and polling go on."""
        return self.rows(
            "SELECT d.kind, d.item_id, d.due_at - now() AS due_in, l.status,"
            " l.is_wanted, l.attempts, l.last_error, l.next_try_at - now() AS next_in,"
            " l.leased_until - now() AS leased_for"
            " FROM due_work d LEFT JOIN links l ON l.appointment_id = d.item_id"
            " WHERE d.kind NOT IN ('reminder', 'sync')"
        )

    async def settled(self, seconds: float) -> float:
        """Wait until nothing is left to be settled; return how long it took."""
        started = time.monotonic()
        while left := await asyncio.to_thread(self.unsettled):
            waited = time.monotonic() - started
            assert waited < seconds, f"after {seconds} s not settled: {left}"
            await asyncio.sleep(0.1)
        took = time.monotonic() - started
        _log.info("settled after %.1f s", took)
        return took


def _until_stopped(process: Process) -> Iterator[Process]:
    try:
        yield process
    except BaseException:
        process.process.kill()
        raise
    process.stop()


@contextmanager
def found_town() -> Iterator[Town]:
    """Found a town, and leave nothing of it."""
    with (
        island() as place,
        running_sandbox(place.home.parent / "sandbox") as sandbox,
    ):
        server = start_server(place.settings)
        assert server.embedded is not None
        with server.embedded:
            yield Town(place, server, sandbox)
