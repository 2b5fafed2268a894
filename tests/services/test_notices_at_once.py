"""Notices that many processes settle at once, or that one dies over."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.services.office import NOW, Office, listen, settle
from universal_calendar.bootstrap.parts import new_id
from universal_calendar.core.delivery_schedule import SECOND
from universal_calendar.core.instant import MINUTE
from universal_calendar.services.notices.notices import LEASE_MARGIN, Notices
from universal_calendar.services.ports.notices import (
    ChannelName,
    DeliveryError,
    DeliveryStatus,
    Outcome,
    Result,
    Verdict,
)
from universal_calendar.store.database import Database
from universal_calendar.store.notices.notices import NoticeTable

EMAIL, WEBHOOK = ChannelName.EMAIL, ChannelName.WEBHOOK
FAILED = DeliveryStatus.FAILED


@asynccontextmanager
async def another_process(office: Office) -> AsyncIterator[Notices]:
    """Open the service on a pool of its own, as another process has it."""
    database = Database(office.parts.server.url, size=2)
    await database.open()
    table = NoticeTable(database, office.parts.keyring, new_id)
    yield Notices(table, office.channels, new_id, lambda: 0.5)
    await database.close()


async def test_many_at_once_send_once(office: Office) -> None:
    await listen(office)
    notice_id = await office.notice()
    async with another_process(office) as other:
        several = [office.notices(), other, office.notices(), other]
        settling = [settle(office, notice_id, notices=each) for each in several]
        all_told = await asyncio.gather(*settling)
    assert any(told.is_settled for told in all_told)
    assert len(office.hook.received) == len(office.texts.received) == 1
    assert len(office.mail.mails) == len(office.screens.shown) == 1
    assert await office.due_at(notice_id) is None


async def test_who_comes_while_it_is_sent_does_not_send(office: Office) -> None:
    await listen(office)
    office.hook.gate.clear()
    notice_id = await office.notice(tells_customer=False)
    async with another_process(office) as other:
        sending = asyncio.create_task(settle(office, notice_id, seconds=20))
        await until(lambda: len(office.hook.received) == 1)
        late = NOW + 20 * SECOND
        told = await settle(office, notice_id, late, notices=other)
        assert not told.is_settled
        assert await office.due_at(notice_id) == NOW + 20 * SECOND + LEASE_MARGIN
        office.hook.gate.set()
        assert (await sending).is_settled
    assert len(office.hook.received) == 1
    assert await office.due_at(notice_id) is None


async def until(condition: Any) -> None:
    """Wait for something to happen on another thread."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - it happens on another thread
            await asyncio.sleep(0.005)


async def test_who_dies_before_writing_it_down_sends_again(office: Office) -> None:
    await listen(office)
    notice_id = await office.notice(tells_customer=False)
    sending = asyncio.create_task(settle(office, notice_id, seconds=20))
    office.hook.gate.clear()
    await until(lambda: len(office.hook.received) == 1)
    sending.cancel()  # what it sent was heard, and nobody knows
    with pytest.raises(asyncio.CancelledError):
        await sending
    office.hook.gate.set()
    lease_end = NOW + 20 * SECOND + LEASE_MARGIN
    assert not (await settle(office, notice_id, lease_end - 1)).is_settled
    assert len(office.hook.received) == 1
    assert await office.due_at(notice_id) == lease_end
    assert (await settle(office, notice_id, lease_end)).is_settled
    first, second = office.hook.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert (await office.deliveries(notice_id))[WEBHOOK].attempts == 2


async def test_who_lost_the_lease_writes_nothing(office: Office) -> None:
    office.mail.data_answer = "451 later"
    notice_id = await office.notice(snapshot=office.snapshot(customer_phone=None))
    ids = (office.tenant_id, notice_id)
    await settle(office, notice_id)
    slow = await office.table.begin(ids, lambda _: [], NOW + MINUTE, NOW + 2 * MINUTE)
    assert slow is not None
    await settle(office, notice_id, NOW + 2 * MINUTE)
    before = (await office.deliveries(notice_id))[EMAIL]
    refused = Outcome(Verdict.REFUSED, DeliveryError.REJECTED, 550)
    for attempt in slow.attempts:
        result = Result(FAILED, refused, None)
        await office.table.record(attempt, result, NOW + 3 * MINUTE)
    assert len(slow.attempts) == 1
    assert (await office.deliveries(notice_id))[EMAIL] == before


async def test_what_kills_its_senders_is_given_up(office: Office) -> None:
    await listen(office)
    office.hook.status = 500
    notice_id = await office.notice(tells_customer=False)
    await settle(office, notice_id)
    begun = "UPDATE deliveries SET attempts = 50 WHERE channel = 'webhook' RETURNING 1"
    assert await office.rows(begun) == [(1,)]
    assert (await settle(office, notice_id, NOW + MINUTE)).is_settled
    webhook = (await office.deliveries(notice_id))[WEBHOOK]
    assert (webhook.status, webhook.last_error) == (FAILED, "interrupted")
    assert len(office.hook.received) == 1


async def test_nothing_is_sent_inside_a_transaction(office: Office) -> None:
    await listen(office)
    office.hook.gate.clear()
    notice_id = await office.notice(tells_customer=False)
    sending = asyncio.create_task(settle(office, notice_id, seconds=20))
    await until(lambda: len(office.hook.received) == 1)
    async with office.parts.database.transaction(office.tenant_id) as connection:
        await connection.execute("SELECT FROM notices FOR UPDATE NOWAIT")
        await connection.execute("SELECT FROM deliveries FOR UPDATE NOWAIT")
    office.hook.gate.set()
    assert (await sending).is_settled
