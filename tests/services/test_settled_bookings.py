"""A booking's answer says what came of it, and is the same for every retry."""

import asyncio
import sys
from pathlib import Path
from uuid import UUID

import orjson
import pytest

from tests.harness.running import clean_environment
from tests.harness.scenes.business import Business
from tests.harness.scenes.tenant_office import (
    SECOND,
    TenantOffice,
    hours_from,
    opening,
    slowly,
)
from universal_calendar.bootstrap.parts import Parts
from universal_calendar.core.errors import DatabaseUnavailable, IdempotencyMismatch
from universal_calendar.services.ports.answers import Answer

RETRIES = 100
ROOT = Path(__file__).parents[2]


@pytest.fixture
async def office(parts: Parts, business: Business) -> TenantOffice:
    """Open an office whose bookings somebody hears of."""
    office = TenantOffice(parts, business)
    await office.listen()
    return office


def data(answer: Answer) -> dict[str, object]:
    found: dict[str, object] = orjson.loads(answer.body)["data"]
    return found


async def appointments(office: TenantOffice) -> int:
    ((count,),) = await office.rows("SELECT count(*) FROM appointments")
    return int(count)


async def test_nothing_to_settle_is_answered_at_once(
    parts: Parts, business: Business
) -> None:
    office = TenantOffice(parts, business)
    found = data(await office.book(hours_from(opening()), "key"))
    assert (found["calendarEventId"], found["syncStatus"]) == (None, None)
    assert (found["created"], found["confirmationSent"]) == (True, False)
    assert office.events.items == office.notices.items == []


async def test_answer_says_what_was_settled(office: TenantOffice) -> None:
    await office.connect()
    office.events.act = office.write_events
    office.notices.act = office.tell_customer
    found = data(await office.book(hours_from(opening())))
    assert found["calendarEventId"] == "event-1"
    assert found["syncStatus"] == "synced"
    assert found["confirmationSent"] is True
    assert office.events.items == [UUID(str(found["appointmentId"]))]


async def test_provider_that_does_not_answer_is_pending(office: TenantOffice) -> None:
    await office.connect()
    office.events.act = slowly(office.write_events, 60)
    started = asyncio.get_running_loop().time()
    found = data(await office.book(hours_from(opening())))
    assert (found["calendarEventId"], found["syncStatus"]) == (None, "pending")
    assert asyncio.get_running_loop().time() - started < 3


async def test_failing_to_settle_harms_no_booking(office: TenantOffice) -> None:
    async def fail(_tenant_id: UUID, _item_id: UUID) -> None:
        raise DatabaseUnavailable

    office.notices.act = fail
    first = await office.book(hours_from(opening()), "key")
    assert data(first)["confirmationSent"] is False
    assert await office.book(hours_from(opening()), "key") == first


async def test_retries_at_once_get_the_final_answer(office: TenantOffice) -> None:
    office.notices.act = slowly(office.tell_customer, 0.5)
    wanted = hours_from(opening())
    answers = await asyncio.gather(
        *(office.book(wanted, "key") for _ in range(RETRIES))
    )
    assert len({answer.body for answer in answers}) == 1
    assert data(answers[0])["confirmationSent"] is True
    assert await appointments(office) == 1
    assert len(office.notices.items) == 1


async def test_retries_without_agent_get_one_answer(office: TenantOffice) -> None:
    for name in ("Bob", "Cid"):
        await office.hire(name)
    office.notices.act = slowly(office.tell_customer, 0.2)
    wanted = hours_from(opening())
    answers = await asyncio.gather(
        *(office.book(wanted, "key", agent_id=None) for _ in range(RETRIES))
    )
    assert len({answer.body for answer in answers}) == 1
    assert await appointments(office) == 1


async def test_another_request_under_the_key_is_refused(office: TenantOffice) -> None:
    await office.book(hours_from(opening()), "key")
    with pytest.raises(IdempotencyMismatch):
        await office.book(hours_from(opening(4)), "key")


async def test_who_is_late_answers_what_a_retry_wrote(office: TenantOffice) -> None:
    begun, settled = asyncio.Event(), asyncio.Event()

    async def late(tenant_id: UUID, notice_id: UUID) -> None:
        begun.set()
        await settled.wait()
        await office.tell_customer(tenant_id, notice_id)

    office.notices.act = late
    wanted = hours_from(opening())
    first = asyncio.create_task(office.book(wanted, "key"))
    await begun.wait()
    # To this one the first has been silent for too long.
    retry = await office.book(wanted, "key", now=office.now + 6 * SECOND)
    settled.set()
    assert await first == retry
    assert data(retry)["confirmationSent"] is False


async def test_killed_while_settling(
    office: TenantOffice, business: Business, home: Path
) -> None:
    start = opening()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.services.dying_booking"),
        *(str(home), str(business.tenant_id), business.agent_id, str(start), "key"),
        stdout=asyncio.subprocess.PIPE,
        env=clean_environment(),
        cwd=ROOT,
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"settling\n"
    process.kill()
    await process.wait()
    # Half a second before the dead one's time is over: they wait for it first.
    now = office.now + 2 * SECOND + SECOND // 2
    asked = [office.book(hours_from(start), "key", now=now) for _ in range(RETRIES)]
    answers = await asyncio.gather(*asked)
    assert len({answer.body for answer in answers}) == 1
    assert await appointments(office) == 1
    assert await office.book(hours_from(start), "key") == answers[0]
