"""The oldest server we promise to work on, run by somebody else."""

from collections.abc import Iterator

import pytest
from psycopg.conninfo import make_conninfo

from tests.harness.crowd import (
    OPENING,
    Wish,
    ask_at_once,
    clients,
    day_after,
    rivals,
    statuses,
)
from tests.harness.foreign_server import postgresql_15
from tests.harness.island import Island, island
from tests.harness.machines.ledger import Ledger
from tests.harness.running import running_service
from tests.harness.scenes.business import Business, open_business
from tests.harness.settings import settings_from
from universal_calendar.bootstrap.parts import open_parts, start_server
from universal_calendar.settings import Settings
from universal_calendar.store.provision import provision
from universal_calendar.store.sealing.encryption import key_text, new_key

PASSWORD = "of a server that lives for one test"  # noqa: S105


@pytest.fixture(scope="module")
def admin_url() -> Iterator[str]:
    with island() as place:
        folder = place.home.parent / "postgresql-15"
        folder.mkdir(mode=0o755)
        with postgresql_15(folder) as url:
            yield url


async def settle(settings: Settings) -> Business:
    async with open_parts(settings, start_server(settings)) as parts:
        return await open_business(parts)


async def test_provision_migrate_serve_and_book(admin_url: str, place: Island) -> None:
    made = provision(admin_url, password=PASSWORD)
    url = make_conninfo(
        admin_url, user=made.role, password=made.password, dbname=made.database
    )
    given = {"DATABASE_URL": url, "MASTER_KEYS": key_text(new_key())}
    business = await settle(settings_from(place.home, AUTO_MIGRATE="true", **given))
    with running_service(place.home, **given) as service:
        async with clients() as client:
            crowd = [Wish(business, day_after(2), OPENING)] * 64
            replies = await ask_at_once(client, [service.url], crowd)
            assert statuses(replies) == {201: 1, 409: 63}
            many = [wish for wish in rivals(business, 64) if wish.day > day_after(2)]
            replies = await ask_at_once(client, [service.url], many)
            assert statuses(replies) == {201: len(many) // 2, 409: len(many) // 2}
        assert service.stop() == 0
    Ledger(make_conninfo(admin_url, dbname=made.database)).check()
    assert not (place.home / "postgresql").exists()
