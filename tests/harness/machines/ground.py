"""Ground that processes die on: a database that outlives them, and its parts."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.harness.island import Island
from tests.harness.machines.dead import bury
from tests.harness.machines.working import WorkingProcess, running_worker
from tests.harness.settings import settings_from
from universal_calendar.bootstrap.parts import Parts, open_parts, start_server
from universal_calendar.store.sealing.encryption import key_text, new_key


@dataclass(frozen=True)
class Ground:
    """A database in which nothing works but what a test starts, and its parts."""

    place: Island
    environment: Mapping[str, str]
    parts: Parts

    @property
    def folder(self) -> Path:
        """Return where processes may leave files."""
        return self.place.home.parent

    @contextmanager
    def working(
        self, name: str = "worker", **settings: str
    ) -> Iterator[WorkingProcess]:
        """Run a worker for a block; it is up once `is_working`."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        with running_worker(folder, {**self.environment, **settings}) as worker:
            yield worker

    def bury(self, lease_seconds: float = 0) -> None:
        """Have the dead be known as dead; see `bury`."""
        bury(self.place, lease_seconds)


@asynccontextmanager
async def open_ground(place: Island, **settings: str) -> AsyncIterator[Ground]:
    """Run the database of a place for a block, and open its parts."""
    with place.server:
        environment = {
            "DATABASE_URL": place.server.url,
            "MASTER_KEYS": key_text(new_key()),
            "ENVIRONMENT": "development",
            "CONNECTION_RATE_LIMIT": "100000",
            **settings,
        }
        opened = settings_from(place.home, **environment)
        async with open_parts(opened, start_server(opened)) as parts:
            yield Ground(place, environment, parts)
