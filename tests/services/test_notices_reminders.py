"""Reminders: each once, at its time, and none for what is past."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from tests.notify.mailbox import subject_of
from tests.services.office import NOW, START, Office
from universal_calendar.bootstrap.parts import new_id
from universal_calendar.core.errors import InvalidField, TenantNotFound
from universal_calendar.core.instant import DAY, HOUR, MINUTE, Instant, to_datetime
from universal_calendar.services.ports.appointments import Person
from universal_calendar.services.ports.notices import NoticeKind, TenantNoticeSettings
from universal_calendar.store.answers import read_tenant_keys
from universal_calendar.store.due_work import DueWorkTable
from universal_calendar.store.sealing.people import seal_person

A_DAY, AN_HOUR = 1440, 60
PERSON = Person(
    title="Kitchen sink", name="John Doe", email="john@example.com", address="7 Way"
)


async def want(office: Office, *minutes: int, now: Instant = NOW) -> None:
    """Set the tenant's reminders."""
    chosen = TenantNoticeSettings(tuple(minutes))
    await office.reminders.configure(office.tenant_id, chosen, now)


async def book(office: Office, start: Instant = START, now: Instant = NOW) -> UUID:
    """Write an appointment and its reminder, as a booking does."""
    appointment_id = new_id(NOW)
    async with office.parts.database.transaction(office.tenant_id) as connection:
        keys = await read_tenant_keys(
            connection, office.parts.keyring, office.tenant_id
        )
        await connection.execute(
            "INSERT INTO appointments (tenant_id, appointment_id, agent_id, starts_at,"
            " ends_at, timezone, status, source, key_version, sealed, created_at,"
            " updated_at) VALUES (%s, %s, %s, %s, %s, 'Europe/Berlin', 'confirmed',"
            " 'tenant_api', %s, %s, %s, %s)",
            [
                office.tenant_id,
                appointment_id,
                office.business.agent.agent_id,
                to_datetime(start),
                to_datetime(start + HOUR),
                keys.version,
                seal_person(keys, appointment_id, PERSON),
                to_datetime(now),
                to_datetime(now),
            ],
        )
    await schedule(office, appointment_id, start, now)
    return appointment_id


async def schedule(
    office: Office, appointment_id: UUID, start: Instant | None, now: Instant = NOW
) -> None:
    """Set the next reminder, as a booking, a move or a cancellation does."""
    await office.rows(
        "SELECT schedule_reminder(%s, %s, %s, %s)",
        office.tenant_id,
        appointment_id,
        None if start is None else to_datetime(start),
        to_datetime(now),
    )


async def set_row(office: Office, appointment_id: UUID, **values: Any) -> None:
    """Write columns of an appointment."""
    for name, value in values.items():
        await office.rows(
            f"UPDATE appointments SET {name} = %s"  # noqa: S608 - names of the test
            " WHERE appointment_id = %s RETURNING 1",
            value,
            appointment_id,
        )


async def reminders_of(office: Office, appointment_id: UUID) -> list[UUID]:
    """Return the notices that remind of the appointment."""
    rows = await office.rows(
        "SELECT notice_id FROM notices WHERE appointment_id = %s AND kind = %s"
        " ORDER BY notice_id",
        appointment_id,
        NoticeKind.REMINDER,
    )
    return [row[0] for row in rows]


async def test_each_reminder_comes_once_at_its_time(office: Office) -> None:
    await want(office, A_DAY, AN_HOUR)
    appointment_id = await book(office)
    made = []
    while (due_at := await office.due_at(appointment_id, "reminder")) is not None:
        assert not await remind(office, appointment_id, due_at - 1)
        assert await remind(office, appointment_id, due_at)
        assert not await remind(office, appointment_id, due_at)
        made.append(due_at)
    assert made == [START - DAY, START - HOUR]
    assert len(await reminders_of(office, appointment_id)) == 2


async def remind(office: Office, appointment_id: UUID, now: Instant) -> bool:
    return await office.reminders.remind(office.tenant_id, appointment_id, now)


async def test_a_reminder_is_sent_to_the_customer_alone(office: Office) -> None:
    await want(office, AN_HOUR)
    appointment_id = await book(office)
    now = START - HOUR
    assert await remind(office, appointment_id, now)
    (notice_id,) = await reminders_of(office, appointment_id)
    assert await office.due_at(notice_id) == now
    told = await office.notices().settle(office.tenant_id, notice_id, now, seconds=5)
    assert (told.customer, told.provider) == (True, False)
    (mail,) = office.mail.mails
    assert mail["To"] == "john@example.com"
    assert subject_of(mail).startswith("Reminder: appointment with Acme, ")
    text = mail.get_content()
    assert "Europe/Berlin" in text
    assert "Kitchen sink" in text
    assert "7 Way" in text


async def test_a_reminder_that_cannot_be_sent_in_time_is_dropped(
    office: Office,
) -> None:
    await want(office, AN_HOUR)
    appointment_id = await book(office)
    office.mail.data_answer = "451 later"
    assert await remind(office, appointment_id, START - HOUR)
    (notice_id,) = await reminders_of(office, appointment_id)
    moments = []
    while (due_at := await office.due_at(notice_id)) is not None:
        moments.append(due_at)
        await office.notices().settle(office.tenant_id, notice_id, due_at, seconds=5)
    assert moments[-1] == START
    (delivery,) = (await office.deliveries(notice_id)).values()
    assert (delivery.status, delivery.last_error) == ("failed", "too_late")


async def test_many_processes_make_one(office: Office) -> None:
    await want(office, A_DAY)
    appointments = [await book(office) for _ in range(3)]
    made = await asyncio.gather(
        *(remind(office, each, START - DAY) for each in appointments * 3)
    )
    assert sum(made) == 3
    for appointment_id in appointments:
        assert len(await reminders_of(office, appointment_id)) == 1


async def test_the_sweep_that_wakes_us_puts_the_row_off(office: Office) -> None:
    await want(office, A_DAY, AN_HOUR)
    appointment_id = await book(office)
    now, again_at = START - DAY, START - DAY + MINUTE
    rows = DueWorkTable(office.parts.database)
    taken = await rows.take(["reminder"], now, again_at, 1000)
    assert appointment_id in [each.item_id for each in taken]
    assert await office.due_at(appointment_id, "reminder") == again_at
    assert await remind(office, appointment_id, now)
    assert await office.due_at(appointment_id, "reminder") == START - HOUR


async def test_what_was_missed_comes_once_while_it_helps(office: Office) -> None:
    await want(office, A_DAY, AN_HOUR)
    appointment_id = await book(office)
    assert await remind(office, appointment_id, START - MINUTE)
    assert await office.due_at(appointment_id, "reminder") is None
    other = await book(office)
    assert not await remind(office, other, START)
    assert await office.due_at(other, "reminder") is None
    assert await reminders_of(office, other) == []


async def test_nobody_is_reminded_of_a_time_that_is_past(office: Office) -> None:
    await want(office, A_DAY, AN_HOUR)
    soon = await book(office, NOW + 2 * HOUR)
    assert await office.due_at(soon, "reminder") == NOW + HOUR
    sooner = await book(office, NOW + HOUR)
    assert await office.due_at(sooner, "reminder") is None


async def test_a_move_takes_the_reminder_along(office: Office) -> None:
    await want(office, AN_HOUR)
    appointment_id = await book(office)
    moved = START + 2 * DAY
    await set_row(office, appointment_id, ends_at=to_datetime(moved + HOUR))
    await set_row(office, appointment_id, starts_at=to_datetime(moved))
    assert not await remind(office, appointment_id, START - HOUR)
    assert await office.due_at(appointment_id, "reminder") == moved - HOUR
    await schedule(office, appointment_id, START)
    assert await office.due_at(appointment_id, "reminder") == START - HOUR


async def test_a_cancellation_drops_it(office: Office) -> None:
    await want(office, AN_HOUR)
    appointment_id, forgotten = await book(office), await book(office)
    await schedule(office, appointment_id, None)
    assert await office.due_at(appointment_id, "reminder") is None
    await set_row(office, forgotten, status="cancelled")
    assert not await remind(office, forgotten, START - HOUR)
    assert await office.due_at(forgotten, "reminder") is None


async def test_new_settings_hold_for_what_is_booked(office: Office) -> None:
    appointment_id = await book(office)
    assert await office.due_at(appointment_id, "reminder") is None
    await want(office, AN_HOUR)
    assert await office.due_at(appointment_id, "reminder") == START - HOUR
    await want(office)
    assert await office.due_at(appointment_id, "reminder") is None


async def test_a_stranger_s_appointment_is_nobody_s(office: Office) -> None:
    await want(office, AN_HOUR)
    appointment_id = await book(office)
    stranger = new_id(NOW)
    assert not await office.reminders.remind(stranger, appointment_id, START - HOUR)
    with pytest.raises(TenantNotFound):
        await office.reminders.settings(stranger)
    with pytest.raises(TenantNotFound):
        await office.reminders.configure(stranger, TenantNoticeSettings(), NOW)


@pytest.mark.parametrize(
    "minutes", [(0,), (-5,), (43_201,), (60, 60), (1, 2, 3, 4, 5, 6)]
)
async def test_senseless_reminders_are_refused(
    office: Office, minutes: tuple[int, ...]
) -> None:
    with pytest.raises(InvalidField, match="reminderMinutes"):
        await want(office, *minutes)
