"""From an owner's hand at a platform to the appointment: told, asked, followed.

Nothing is polled here within the hour: what is found was told.
"""

import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest

from conftest import settings_for
from tests.harness.homes import let_through
from tests.harness.outside.hands import Hand, HousecallProHand, JobberHand
from tests.harness.running import RunningService, start_service
from tests.harness.scenes.business import Business, open_business
from tests.harness.scenes.scene import Scene
from tests.harness.scenes.synced import offering
from tests.harness.waiting import until
from tests.providers.housecallpro.server import running_housecallpro
from tests.providers.jobber.server import running_jobber
from tests.web.api import Api, day_after
from universal_calendar.bootstrap.parts import Parts, Server, open_parts, start_server
from universal_calendar.bootstrap.worker import connections
from universal_calendar.clock import utc_now
from universal_calendar.core.instant import HOUR, from_datetime
from universal_calendar.core.interval import Interval
from universal_calendar.core.localtime import from_wall_clock, zone_named
from universal_calendar.services.ports.appointments import Person
from universal_calendar.store.connections.connections import ConnectionTable

SECONDS = 20.0
DAY = day_after(3)
CUSTOMER: dict[str, Any] = {
    "participant_name": "Jane Doe",
    "participant_phone": "+12125550100",
    "participant_email": "jane@example.test",
}


@pytest.fixture(scope="module", params=["housecallpro", "jobber"])
def world(request: pytest.FixtureRequest) -> Iterator[tuple[Hand, dict[str, str]]]:
    """Run a platform; return the owner's hand, and the settings that find it."""
    if request.param == "jobber":
        with running_jobber() as server:
            owner = server.open("Acme", "UTC", "Olive Owner")
            yield JobberHand(server, owner), server.settings
    else:
        with running_housecallpro() as house:
            yield HousecallProHand(house), house.environment


@pytest.fixture(scope="module")
def told_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data directory whose due work this module's service settles alone."""
    folder = tmp_path_factory.mktemp("told")
    let_through(folder)
    return folder / "home"


@pytest.fixture(scope="module")
def database(told_home: Path) -> Iterator[Server]:
    server = start_server(settings_for(told_home))
    assert server.embedded is not None
    yield server
    server.embedded.stop()


@pytest.fixture(scope="module")
def working(
    told_home: Path, database: Server, world: tuple[Hand, dict[str, str]]
) -> Iterator[RunningService]:
    """Run a service with a worker, which the platform tells of everything."""
    hand, settings = world
    limits = {f"{hand.slug.upper()}_RATE_LIMIT": "10000"}
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    service = start_service(
        told_home,
        port,
        RUN_WORKER="true",
        POLL_SECONDS="3600",
        CONNECTION_RATE_LIMIT="10000",
        **settings,
        **limits,
    )
    hand.listen(f"{service.url}/webhooks/{hand.slug}")
    yield service
    hand.listen("")
    assert service.stop() == 0
    assert hand.statuses == {202}


@dataclass(frozen=True)
class Company(Scene):
    """A business whose account at the platform is connected."""

    parts: Parts
    business: Business
    hand: Hand
    api: Api
    connection_id: UUID

    async def is_settled(self) -> bool:
        """Tell whether nothing is left to be written, asked or told."""
        rows = await self.rows(
            "SELECT FROM due_work WHERE tenant_id = %s AND kind <> 'sync'",
            self.tenant_id,
        )
        return rows == []

    async def is_read(self) -> bool:
        """Tell whether the schedule was read, and nobody reads it now."""
        rows = await self.rows(
            "SELECT FROM calendars WHERE read_at IS NOT NULL AND leased_until IS NULL"
        )
        return bool(rows)

    async def book(self, hour: int) -> UUID:
        """Book an hour as the agent does, and wait until the platform has the job."""
        answer = self.api.book(DAY, f"{hour:02}:00", duration_minutes=60, **CUSTOMER)
        assert answer.status_code == 201, answer.text
        appointment_id = UUID(answer.json()["booking_id"])
        await until(lambda: self._is_written(appointment_id), SECONDS)
        # What was written a moment ago would be asked about once more.
        await self.rows("UPDATE links SET updated_at = updated_at - interval '1 hour'")
        return appointment_id

    async def _is_written(self, appointment_id: UUID) -> bool:
        rows = await self.rows(
            "SELECT FROM links WHERE appointment_id = %s AND status = 'synced'",
            appointment_id,
        )
        return bool(rows)

    async def person(self, appointment_id: UUID) -> Person:
        found = await self.parts.appointments.get(self.tenant_id, appointment_id)
        return found.person

    async def customer_id(self, appointment_id: UUID) -> str:
        """Return the customer's id there."""
        ((customer_id,),) = await self.rows(
            "SELECT v.customer_id FROM visits v JOIN links l"
            " USING (tenant_id, calendar_id, event_id) WHERE l.appointment_id = %s",
            appointment_id,
        )
        return str(customer_id)

    def is_free(self, hour: int) -> bool:
        return f"{hour:02}:00" in self.api.starts(DAY, duration_minutes=60)


@pytest.fixture
async def company(
    told_home: Path,
    database: Server,
    world: tuple[Hand, dict[str, str]],
    working: RunningService,
    http: httpx2.Client,
) -> AsyncIterator[Company]:
    hand, found_at = world
    settings = settings_for(told_home, **{k.lower(): v for k, v in found_at.items()})
    async with open_parts(settings, database) as parts, offering(parts) as offered:
        business = await open_business(parts)
        connected = await connections(parts, offered).add(
            business.tenant_id, hand.slug, hand.credentials, from_datetime(utc_now())
        )
        api = Api(http, working.url, business.api_key, business.agent_id)
        company = Company(parts, business, hand, api, connected.connection_id)
        await until(company.is_read, SECONDS)
        yield company
        # Whoever comes next has the same account.
        await connections(parts, offered).remove(
            business.tenant_id, connected.connection_id, from_datetime(utc_now())
        )


def an_hour(hour: int) -> Interval:
    start = from_wall_clock(DAY, hour * 60, zone_named("UTC"))
    return Interval(start, start + HOUR)


async def test_a_job_of_the_owners_takes_time(company: Company) -> None:
    assert company.is_free(10)
    job_id = company.hand.adds(an_hour(10))
    await until(lambda: not company.is_free(10), SECONDS)
    assert company.is_free(12)
    company.hand.removes(job_id)
    await until(lambda: company.is_free(10), SECONDS)


async def test_a_customer_of_the_owners_hand(company: Company) -> None:
    """It is followed, and does not go to and fro."""
    appointment_id = await company.book(13)
    customer_id = await company.customer_id(appointment_id)
    writes = company.hand.customer_writes()
    company.hand.edits(customer_id, "Jane Poe", "(310) 555-0199")

    async def has_followed() -> bool:
        return (await company.person(appointment_id)).name == "Jane Poe"

    await until(has_followed, SECONDS)
    await until(company.is_settled, SECONDS)
    person = await company.person(appointment_id)
    assert person.phone == "+13105550199"
    assert person.email == CUSTOMER["participant_email"]
    assert company.hand.customer_writes() == writes
    assert company.hand.phone_of(customer_id) == "(310) 555-0199"
    notices = await company.rows(
        "SELECT tells_customer FROM notices WHERE kind = 'appointment.updated'"
    )
    assert (True,) not in notices


async def test_a_place_that_nobody_named_stays_unknown(company: Company) -> None:
    """Platforms want an address, and get one that stands for none."""
    appointment_id = await company.book(14)
    customer_id = await company.customer_id(appointment_id)
    company.hand.edits(customer_id, "Jane Roe", "+13105550122")

    async def has_followed() -> bool:
        return (await company.person(appointment_id)).name == "Jane Roe"

    await until(has_followed, SECONDS)
    assert (await company.person(appointment_id)).address is None


async def test_an_address_beside_others_is_not_every_visits(company: Company) -> None:
    """A customer with two places gets another phone: the visit stays where it is."""
    appointment_id = await company.book(15)
    customer_id = await company.customer_id(appointment_id)
    before = await company.person(appointment_id)
    company.hand.moves_in(customer_id, "9 Elm St", "+13105550111")

    async def has_followed() -> bool:
        return (await company.person(appointment_id)).phone == "+13105550111"

    await until(has_followed, SECONDS)
    assert (await company.person(appointment_id)).address == before.address


@pytest.mark.parametrize("world", ["jobber"], indirect=True)
async def test_access_that_the_owner_takes_away(company: Company) -> None:
    """Housecall Pro has no such webhook."""
    assert isinstance(company.hand, JobberHand)
    appointment_id = await company.book(16)
    company.hand.leaves()

    async def has_ended() -> bool:
        rows = await company.rows(
            "SELECT FROM connections WHERE status = 'needs_reauthorization'"
        )
        return bool(rows)

    await until(has_ended, SECONDS)
    table = ConnectionTable(company.parts.database, company.parts.keyring)
    access = await table.access(company.tenant_id, company.connection_id)
    assert access.secrets == {}
    assert (await company.person(appointment_id)).name == "Jane Doe"
