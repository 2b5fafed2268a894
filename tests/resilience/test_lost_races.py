"""What a booking does when the agenda changes between its look and its write."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import UUID

import psycopg
import pytest

from tests.harness.crowd import OPENING, day_after
from tests.harness.machines.ledger import Ledger
from tests.harness.scenes.business import EVERY_DAY, Business
from tests.harness.scenes.front_desk import FrontDesk, Place
from universal_calendar.bootstrap.parts import Parts, Server, open_parts
from universal_calendar.clock import utc_now
from universal_calendar.core.errors import (
    AgentNotFound,
    DatabaseUnavailable,
    IdempotencyMismatch,
    SlotUnavailable,
    Unavailability,
)
from universal_calendar.core.instant import from_datetime
from universal_calendar.services.booking.decisions import OPTIMISTIC_TRIES
from universal_calendar.services.ports.agendas import (
    AgendaQuery,
    AgendaReading,
    AgendaStore,
    NewHold,
    WriteOutcome,
)
from universal_calendar.services.ports.answers import Answer, Replay
from universal_calendar.services.ports.appointments import NewAppointment
from universal_calendar.settings import Settings

NOW = from_datetime(utc_now())
Rival = Callable[[int], Awaitable[object]]


class Raced:
    """A store before each of whose writes a rival, told the attempt's number, acts."""

    def __init__(self, store: AgendaStore, rival: Rival) -> None:
        self.store, self.rival = store, rival
        self.outcomes: list[WriteOutcome] = []
        self.locks = 0

    async def read(self, query: AgendaQuery) -> AgendaReading:
        return await self.store.read(query)

    async def book(
        self, reading: AgendaReading, appointment: NewAppointment, now: int
    ) -> WriteOutcome:
        await self.rival(len(self.outcomes) + 1)
        self.outcomes.append(await self.store.book(reading, appointment, now))
        return self.outcomes[-1]

    async def remember(
        self, reading: AgendaReading, replay: Replay, answer: Answer, now: int
    ) -> WriteOutcome:
        return await self.store.remember(reading, replay, answer, now)

    async def hold(
        self, reading: AgendaReading, hold: NewHold, now: int
    ) -> WriteOutcome:
        await self.rival(len(self.outcomes) + 1)
        self.outcomes.append(await self.store.hold(reading, hold, now))
        return self.outcomes[-1]

    @asynccontextmanager
    async def locked(
        self, tenant_id: UUID, agent_id: UUID
    ) -> AsyncIterator["AgendaStore"]:
        async with self.store.locked(tenant_id, agent_id) as within:
            self.locks += 1
            outside, self.store = self.store, within
            yield self
            self.store = outside


@pytest.fixture
def place(business: Business) -> Place:
    """Name the time that we want; the rival takes what lies after it."""
    return Place(business.agent, day_after(3), OPENING)


@pytest.fixture
def rival(parts: Parts) -> FrontDesk:
    return FrontDesk(parts)


async def waits_for_a_lock(server: Server, task: "asyncio.Task[object]") -> None:
    """Wait until the task's session is seen to wait in PostgreSQL."""
    assert server.embedded is not None
    query = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    url = server.embedded.admin_url
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as admin:
        async with asyncio.timeout(10):
            while await (await admin.execute(query)).fetchone() is None:
                assert not task.done()
                await asyncio.sleep(0.01)


async def test_the_attempt_under_lock_cannot_be_lost(
    parts: Parts, server: Server, place: Place, rival: FrontDesk, ledger: Ledger
) -> None:
    waiting: list[asyncio.Task[object]] = []

    async def act(attempt: int) -> None:
        booking = rival.book(place.later(30 * attempt), NOW)
        if attempt <= OPTIMISTIC_TRIES:
            await booking
            return
        waiting.append(asyncio.create_task(booking))
        await waits_for_a_lock(server, waiting[0])

    raced = Raced(parts.agendas, act)
    assert (await FrontDesk(parts, raced).book(place, NOW)).appointment_id is not None
    lost = [WriteOutcome.CHANGED] * OPTIMISTIC_TRIES
    assert raced.outcomes == [*lost, WriteOutcome.BOOKED]
    assert raced.locks == 1
    async with asyncio.timeout(10):
        await waiting[0]
    mine = [e for e in ledger.standing() if e.agent_id == place.agent.agent_id]
    assert len(mine) == OPTIMISTIC_TRIES + 2
    ledger.check()


async def test_a_hold_under_lock_cannot_be_lost(
    parts: Parts, place: Place, rival: FrontDesk, ledger: Ledger
) -> None:
    async def act(attempt: int) -> None:
        if attempt <= OPTIMISTIC_TRIES:
            await rival.hold(place.later(30 * attempt), NOW)

    raced = Raced(parts.agendas, act)
    await FrontDesk(parts, raced).hold(place, NOW)
    assert raced.outcomes[-1] is WriteOutcome.BOOKED
    assert raced.locks == 1
    ledger.check()


@pytest.mark.parametrize("attempt", range(1, OPTIMISTIC_TRIES + 1))
async def test_rival_takes_the_very_time(
    parts: Parts, place: Place, rival: FrontDesk, attempt: int
) -> None:
    async def act(number: int) -> None:
        far = place.later(30 * number) if number < attempt else place
        await rival.book(far, NOW)

    raced = Raced(parts.agendas, act)
    with pytest.raises(SlotUnavailable) as refusal:
        await FrontDesk(parts, raced).book(place, NOW)
    assert refusal.value.reason is Unavailability.SLOT_TAKEN
    assert len(refusal.value.nearby.alternatives) == 3
    assert raced.outcomes == [WriteOutcome.CHANGED] * attempt


async def test_rival_closes_the_shop(parts: Parts, place: Place) -> None:
    async def act(_attempt: int) -> None:
        await parts.tenants.set_hours(place.agent, {"working_hours": {}})

    with pytest.raises(SlotUnavailable) as refusal:
        await FrontDesk(parts, Raced(parts.agendas, act)).book(place, NOW)
    assert refusal.value.reason is Unavailability.OUTSIDE_HOURS


async def test_rival_dismisses_the_agent(parts: Parts, place: Place) -> None:
    async def act(_attempt: int) -> None:
        await parts.tenants.update_agent(place.agent, is_active=False)

    with pytest.raises(AgentNotFound):
        await FrontDesk(parts, Raced(parts.agendas, act)).book(place, NOW)


async def test_a_twin_with_the_same_key_books_first(
    parts: Parts, place: Place, rival: FrontDesk
) -> None:
    first: list[bytes] = []

    async def act(_attempt: int) -> None:
        first.append((await rival.book(place, NOW, key="twin")).answer.body)

    again = await FrontDesk(parts, Raced(parts.agendas, act)).book(
        place, NOW, key="twin"
    )
    assert again.is_replay
    assert [again.answer.body] == first


async def test_key_used_for_another_agent_while_ours_is_locked(
    parts: Parts, business: Business, place: Place, rival: FrontDesk, ledger: Ledger
) -> None:
    """The lock is our agent's; the idempotency key is the whole tenant's."""
    other = await parts.tenants.add_agent(business.tenant_id, "Bob", "UTC", NOW)
    await parts.tenants.set_hours(other, EVERY_DAY)

    async def act(attempt: int) -> None:
        if attempt <= OPTIMISTIC_TRIES:
            await rival.book(place.later(30 * attempt), NOW)
        else:
            await rival.book(Place(other, place.day, OPENING), NOW, key="shared")

    with pytest.raises(IdempotencyMismatch):
        await FrontDesk(parts, Raced(parts.agendas, act)).book(place, NOW, key="shared")
    ledger.check()


async def test_session_dies_under_lock(
    parts: Parts, server: Server, place: Place, rival: FrontDesk, ledger: Ledger
) -> None:
    assert server.embedded is not None
    admin_url = server.embedded.admin_url

    async def act(attempt: int) -> None:
        if attempt <= OPTIMISTIC_TRIES:
            await rival.book(place.later(30 * attempt), NOW)
            return
        async with await psycopg.AsyncConnection.connect(admin_url) as admin:
            await admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE state = 'idle in transaction'"
            )

    with pytest.raises(DatabaseUnavailable):
        await FrontDesk(parts, Raced(parts.agendas, act)).book(place, NOW)
    assert (await rival.book(place, NOW)).appointment_id is not None
    ledger.check()


async def test_lost_races_count_once_against_the_allowance(
    settings: Settings, server: Server, business: Business, place: Place
) -> None:
    limited = settings.model_copy(update={"api_key_rate_limit": 60})
    async with open_parts(limited, server) as parts:
        rival = FrontDesk(parts)

        async def act(attempt: int) -> None:
            if attempt <= OPTIMISTIC_TRIES:
                await rival.book(place.later(30 * attempt), NOW)

        raced = FrontDesk(parts, Raced(parts.agendas, act))
        ours = await raced.book(place, NOW, api_key=business.api_key)
        after = await rival.book(place.later(150), NOW, api_key=business.api_key)
    assert ours.allowance is not None
    assert after.allowance is not None
    assert (ours.allowance.remaining, after.allowance.remaining) == (59, 58)
