"""Notices: who is told, how often it is tried, and what is written down."""

import asyncio
import logging
import random
from dataclasses import replace
from uuid import UUID

import pytest

from tests.harness.scenes.business import open_business
from tests.notify.building import TRACES
from tests.notify.mailbox import subject_of
from tests.services.office import NOW, Office, listen, settle
from universal_calendar.bootstrap.parts import Parts, new_id
from universal_calendar.core.delivery_schedule import SECOND
from universal_calendar.core.instant import DAY, HOUR, MINUTE, instant_text
from universal_calendar.services.notices.notices import Notices, Told
from universal_calendar.services.ports.notices import (
    ChannelName,
    DeliveryError,
    DeliveryStatus,
    NoticeKind,
    TenantNoticeSettings,
)
from universal_calendar.services.ports.platform import BroadcastEvent

EMAIL, SMS = ChannelName.EMAIL, ChannelName.SMS
BROADCAST, WEBHOOK = ChannelName.BROADCAST, ChannelName.WEBHOOK
DELIVERED, FAILED = DeliveryStatus.DELIVERED, DeliveryStatus.FAILED
PENDING = DeliveryStatus.PENDING
NOBODY = Told(customer=False, provider=False, is_settled=True)


async def test_everybody_is_told_once(office: Office) -> None:
    await listen(office)
    notice_id = await office.notice()
    told = await settle(office, notice_id)
    assert told == Told(customer=True, provider=True, is_settled=True)
    deliveries = await office.deliveries(notice_id)
    assert set(deliveries) == {EMAIL, SMS, BROADCAST, WEBHOOK}
    for each in deliveries.values():
        assert (each.status, each.attempts, each.last_error) == (DELIVERED, 1, None)
    assert await office.due_at(notice_id) is None
    assert await settle(office, notice_id) == told
    counts = [len(office.texts.received), len(office.hook.received)]
    assert [len(office.mail.mails), len(office.screens.shown), *counts] == [1, 1, 1, 1]


async def test_the_message_says_which_event(office: Office) -> None:
    await listen(office)
    for kind, event in (
        (NoticeKind.UPDATED, BroadcastEvent.APPOINTMENT_UPDATED),
        (NoticeKind.CANCELLED, BroadcastEvent.APPOINTMENT_CANCELLED),
    ):
        await settle(office, await office.notice(kind))
        assert office.hook.received[-1].json["type"] == kind
        shown, data = office.screens.shown[-1]
        assert (shown, data) == (event, office.hook.received[-1].json["data"])


async def test_the_customer_is_left_alone_when_asked(office: Office) -> None:
    notice_id = await office.notice(tells_customer=False)
    told = await settle(office, notice_id)
    assert told == Told(customer=False, provider=True, is_settled=True)
    assert set(await office.deliveries(notice_id)) == {BROADCAST}


async def test_who_has_no_address_is_not_written_to(office: Office) -> None:
    unknown = office.snapshot(customer_email=None, customer_phone="ask at reception")
    notice_id = await office.notice(snapshot=unknown)
    await settle(office, notice_id)
    assert set(await office.deliveries(notice_id)) == {BROADCAST}


async def test_a_tenant_chooses_its_channels(office: Office) -> None:
    chosen = TenantNoticeSettings((), False, True, False)
    await office.reminders.configure(office.tenant_id, chosen, NOW)
    assert await office.reminders.settings(office.tenant_id) == chosen
    notice_id = await office.notice()
    await settle(office, notice_id)
    assert set(await office.deliveries(notice_id)) == {SMS}


async def test_what_is_not_configured_is_off(office: Office) -> None:
    nothing = office.notices(EMAIL, SMS, BROADCAST)
    notice_id = await office.notice()
    assert await settle(office, notice_id, notices=nothing) == NOBODY
    assert await office.due_at(notice_id) is None


async def test_only_what_is_subscribed_to_is_heard(office: Office) -> None:
    await listen(office, "appointment.cancelled")
    await settle(office, await office.notice(NoticeKind.CREATED))
    await settle(office, await office.notice(NoticeKind.CANCELLED))
    kinds = [request.json["type"] for request in office.hook.received]
    assert kinds == ["appointment.cancelled"]


async def test_who_comes_later_hears_of_later_things(office: Office) -> None:
    office.mail.data_answer = "451 later"
    notice_id = await office.notice()
    await settle(office, notice_id)
    await listen(office)
    told = await settle(office, notice_id, NOW + MINUTE)
    assert not told.is_settled
    assert office.hook.received == []


async def test_an_unknown_notice_is_settled(office: Office) -> None:
    assert await settle(office, new_id(NOW)) == NOBODY


async def attempts_of_a_day(office: Office, notice_id: UUID) -> list[int]:
    """Settle whenever the notice is due; return when that was."""
    moments = []
    while (due_at := await office.due_at(notice_id)) is not None:
        moments.append(due_at)
        await settle(office, notice_id, due_at)
    return moments


async def test_a_webhook_is_tried_over_a_day(office: Office) -> None:
    await listen(office)
    office.hook.status = 500
    notice_id = await office.notice(tells_customer=False)
    moments = await attempts_of_a_day(office, notice_id)
    assert len(moments) == len(office.hook.received) == 13
    assert moments[-1] == NOW + DAY
    webhook = (await office.deliveries(notice_id))[WEBHOOK]
    assert (webhook.status, webhook.attempts) == (FAILED, 13)
    assert (webhook.last_error, webhook.response_status) == ("rejected", 500)
    assert len({each.headers["webhook-id"] for each in office.hook.received}) == 1
    assert len({each.headers["webhook-timestamp"] for each in office.hook.received}) > 8
    assert len({each.body for each in office.hook.received}) == 1


async def test_random_waits_give_eight_attempts_too(office: Office) -> None:
    await listen(office)
    office.hook.status = 503
    notice_id = await office.notice(tells_customer=False)
    chances = random.Random(7)  # noqa: S311 - a test that repeats itself
    notices = Notices(office.table, office.channels, new_id, chances.random)
    while (due_at := await office.due_at(notice_id)) is not None:
        await settle(office, notice_id, due_at, notices=notices)
    assert len(office.hook.received) >= 8


async def test_a_recovered_receiver_is_told(office: Office) -> None:
    await listen(office)
    office.hook.status = 500
    notice_id = await office.notice(tells_customer=False)
    first = await settle(office, notice_id)
    assert (first.provider, first.is_settled) == (True, False)  # the screens were told
    due_at = await office.due_at(notice_id)
    assert due_at is not None
    assert NOW + 9 * SECOND < due_at <= NOW + 10 * SECOND
    assert not (await settle(office, notice_id, due_at - 1)).is_settled
    assert len(office.hook.received) == 1
    office.hook.status = 200
    assert (await settle(office, notice_id, due_at)).is_settled
    webhook = (await office.deliveries(notice_id))[WEBHOOK]
    assert (webhook.status, webhook.last_error) == (DELIVERED, None)


async def test_a_wait_that_is_asked_for_is_kept(office: Office) -> None:
    await listen(office)
    office.hook.status, office.hook.headers = 429, {"Retry-After": "3600"}
    notice_id = await office.notice(tells_customer=False)
    await settle(office, notice_id)
    assert await office.due_at(notice_id) == NOW + HOUR


async def test_mail_is_tried_over_a_day(office: Office) -> None:
    office.mail.data_answer = "451 later"
    notice_id = await office.notice(tells_customer=True)
    moments = await attempts_of_a_day(office, notice_id)
    assert len(moments) == 13
    email = (await office.deliveries(notice_id))[EMAIL]
    assert (email.status, email.attempts) == (FAILED, 13)
    assert (email.last_error, email.response_status) == ("rejected", 451)


async def test_mail_that_is_refused_is_not_tried_again(office: Office) -> None:
    office.mail.recipient_answer = "550 no such user"
    notice_id = await office.notice()
    told = await settle(office, notice_id)
    assert told == Told(customer=True, provider=True, is_settled=True)  # the text was
    email = (await office.deliveries(notice_id))[EMAIL]
    assert (email.status, email.attempts, email.response_status) == (FAILED, 1, 550)


async def test_customers_are_not_told_of_what_is_over(office: Office) -> None:
    office.mail.data_answer, office.texts.status = "451 later", 500
    soon = office.snapshot(
        start=instant_text(NOW + HOUR), end=instant_text(NOW + 2 * HOUR)
    )
    notice_id = await office.notice(snapshot=soon)
    moments = await attempts_of_a_day(office, notice_id)
    assert moments[-1] == NOW + 2 * HOUR
    deliveries = await office.deliveries(notice_id)
    assert {deliveries[name].status for name in (EMAIL, SMS)} == {FAILED}


async def test_a_late_change_is_tried_once_at_least(office: Office) -> None:
    over = office.snapshot(start=instant_text(NOW - HOUR), end=instant_text(NOW))
    notice_id = await office.notice(NoticeKind.CANCELLED, snapshot=over)
    assert (await settle(office, notice_id, NOW + HOUR)).customer


async def test_a_broadcast_is_given_up_after_an_hour(office: Office) -> None:
    office.screens.is_down = True
    notice_id = await office.notice(tells_customer=False)
    moments = await attempts_of_a_day(office, notice_id)
    assert moments[-1] == NOW + HOUR
    broadcast = (await office.deliveries(notice_id))[BROADCAST]
    assert (broadcast.status, broadcast.last_error) == (FAILED, "unreachable")


async def test_one_that_hangs_keeps_nobody_waiting(office: Office) -> None:
    await listen(office)
    office.hook.gate.clear()
    notice_id = await office.notice()
    loop = asyncio.get_running_loop()
    started = loop.time()
    told = await settle(office, notice_id, seconds=0.5)
    assert loop.time() - started < 3
    assert told == Told(customer=True, provider=True, is_settled=False)
    webhook = (await office.deliveries(notice_id))[WEBHOOK]
    assert (webhook.status, webhook.last_error) == (PENDING, "timed_out")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_no_redirect_is_followed(office: Office, status: int) -> None:
    await listen(office)
    office.hook.status = status
    office.hook.headers = {"Location": office.texts.url}
    notice_id = await office.notice(tells_customer=False)
    await settle(office, notice_id)
    webhook = (await office.deliveries(notice_id))[WEBHOOK]
    assert (webhook.last_error, webhook.response_status) == ("redirected", status)
    assert office.texts.received == []


async def test_who_is_gone_is_switched_off_and_that_is_visible(office: Office) -> None:
    endpoint_id = await listen(office)
    office.hook.status = 410
    notice_id = await office.notice(tells_customer=False)
    assert (await settle(office, notice_id)).is_settled
    endpoint = await office.endpoints.get(office.tenant_id, endpoint_id)
    assert (endpoint.is_active, endpoint.disabled_reason) == (False, "gone")
    audit = "SELECT actor_kind, subject_id FROM audit_entries WHERE action = %s"
    entries = await office.rows(audit, "webhook_endpoint.disabled")
    assert entries == [("worker", str(endpoint_id))]
    assert await office.rows("SELECT has_listeners FROM tenants") == [(False,)]
    later = await office.notice(tells_customer=False)
    await settle(office, later)
    assert len(office.hook.received) == 1
    on_again = await office.endpoints.update(endpoint, NOW, is_active=True)
    assert (on_again.is_active, on_again.disabled_reason) == (True, None)
    assert await office.rows("SELECT has_listeners FROM tenants") == [(True,)]


async def test_what_waits_for_an_endpoint_ends_with_it(office: Office) -> None:
    endpoint_id = await listen(office)
    office.hook.status = 500
    notice_id = await office.notice(tells_customer=False)
    await settle(office, notice_id)
    endpoint = await office.endpoints.get(office.tenant_id, endpoint_id)
    await office.endpoints.update(endpoint, NOW, is_active=False)
    assert (await settle(office, notice_id, NOW + MINUTE)).is_settled
    webhook = (await office.deliveries(notice_id))[WEBHOOK]
    assert (webhook.status, webhook.last_error) == (FAILED, "endpoint_inactive")
    assert len(office.hook.received) == 1


async def test_a_later_change_takes_the_place_of_an_earlier(office: Office) -> None:
    office.mail.data_answer, office.texts.status = "451 later", 500
    booked = office.snapshot()
    first = await office.notice(snapshot=booked)
    await settle(office, first)
    office.mail.data_answer, office.texts.status = "250 OK", 200
    cancelled = replace(booked, status="cancelled", version=2)
    second = await office.notice(
        NoticeKind.CANCELLED, snapshot=cancelled, at=NOW + SECOND
    )
    await settle(office, second, NOW + SECOND)
    await settle(office, first, NOW + MINUTE)
    deliveries = await office.deliveries(first)
    for name in (EMAIL, SMS):
        assert deliveries[name].last_error is DeliveryError.SUPERSEDED
    assert [subject_of(mail).split(":")[0] for mail in office.mail.mails] == [
        "Cancelled"
    ]


async def test_a_silent_change_leaves_the_earlier_message(office: Office) -> None:
    office.mail.data_answer = "451 later"
    booked = office.snapshot(customer_phone=None)
    first = await office.notice(snapshot=booked)
    await settle(office, first)
    await office.notice(
        NoticeKind.UPDATED, snapshot=booked, tells_customer=False, at=NOW + SECOND
    )
    office.mail.data_answer = "250 OK"
    assert (await settle(office, first, NOW + MINUTE)).customer


async def test_another_tenant_sees_nothing(office: Office, parts: Parts) -> None:
    await listen(office)
    notice_id = await office.notice()
    await settle(office, notice_id)
    stranger = await open_business(parts)
    async with parts.database.transaction(stranger.tenant_id) as connection:
        for table in ("notices", "deliveries", "webhook_endpoints"):
            cursor = await connection.execute(f"SELECT FROM {table}".encode())
            assert cursor.rowcount == 0
    mine = office.notices()
    assert await mine.settle(stranger.tenant_id, notice_id, NOW, seconds=1) == NOBODY


async def test_nobody_is_named_but_in_messages(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await listen(office)
    office.mail.recipient_answer = "450 qwynneth@canaryfield.example is away"
    office.texts.status, office.hook.status = 400, 500
    office.screens.is_down = True
    notice_id = await office.notice()
    await settle(office, notice_id)
    for statement in ("notices", "deliveries", "webhook_endpoints", "audit_entries"):
        rows = await office.rows(f"SELECT t::text FROM {statement} t")  # noqa: S608
        written = " ".join(str(row) for row in rows).lower()
        assert statement == "audit_entries" or written
        for trace in TRACES:
            assert trace not in written
            assert trace.encode().hex() not in written
    ours = [each for each in caplog.records if each.name != "mail.log"]  # the server's
    logged = " ".join(each.getMessage() for each in ours).lower()
    assert "connect_tcp" in logged
    shown = logged + repr(await office.deliveries(notice_id)).lower()
    assert not [trace for trace in TRACES if trace in shown]


def test_reprs_name_nobody(office: Office) -> None:
    assert not [each for each in TRACES if each in repr(office.snapshot()).lower()]


async def test_a_destroyed_key_leaves_nothing_to_tell(office: Office) -> None:
    notice_id = await office.notice()
    await office.rows(
        "UPDATE tenant_keys SET data_key = NULL, index_key = NULL RETURNING 1"
    )
    assert await settle(office, notice_id) == NOBODY
    assert await office.due_at(notice_id) is None
