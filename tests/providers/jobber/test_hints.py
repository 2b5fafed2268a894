"""Deliveries to our webhook: whose they are, how old, and what they tell of."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.contracts.drafts import NINE, at
from tests.contracts.schedules import ExaminedPlatform
from tests.providers.jobber.consents import CLIENT_SECRET
from tests.providers.jobber.hooks import body_of, signature
from tests.providers.jobber.owner import Owner
from tests.providers.jobber.server import JobberServer
from universal_calendar.core.errors import InvalidField, Unauthorized
from universal_calendar.core.instant import HOUR, MINUTE, instant_text
from universal_calendar.providers.jobber import webhook
from universal_calendar.services.ports.calendars import PushDelivery
from universal_calendar.services.ports.visits import PlatformHint

ACCOUNT, ITEM = "QWNjb3VudA==", "SXRlbQ=="


def delivery(content: bytes, secret: str = CLIENT_SECRET) -> PushDelivery:
    return PushDelivery({"x-jobber-hmac-sha256": signature(content, secret)}, content)


def told(topic: str, moment: int = NINE, *, old: bool = False) -> PushDelivery:
    text = instant_text(moment)
    return delivery(body_of(topic, ACCOUNT, ITEM, moment=text, old=old))


def read(sent: PushDelivery, now: int = NINE) -> list[PlatformHint]:
    return list(webhook.read(sent, CLIENT_SECRET, now))


@pytest.mark.parametrize("topic", ["VISIT_CREATE", "VISIT_UPDATE", "VISIT_DESTROY"])
@pytest.mark.parametrize("old", [True, False])
def test_visit(topic: str, old: bool) -> None:
    hint = PlatformHint(ACCOUNT, NINE, is_schedule=True, name=ITEM)
    assert read(told(topic, old=old)) == [hint]


@pytest.mark.parametrize("topic", ["JOB_CLOSED", "REQUEST_UPDATE", "USER_CREATE"])
def test_schedule(topic: str) -> None:
    assert read(told(topic)) == [PlatformHint(ACCOUNT, NINE, is_schedule=True)]


@pytest.mark.parametrize("topic", ["CLIENT_CREATE", "CLIENT_UPDATE", "CLIENT_DESTROY"])
def test_customer(topic: str) -> None:
    assert read(told(topic)) == [PlatformHint(ACCOUNT, NINE, customer_id=ITEM)]


def test_disconnected() -> None:
    expected = [PlatformHint(ACCOUNT, NINE, is_disconnected=True)]
    assert read(told("APP_DISCONNECT")) == expected


@pytest.mark.parametrize("topic", ["APP_CONNECT", "QUOTE_SENT", "SOMETHING_NEW"])
def test_what_does_not_matter(topic: str) -> None:
    assert read(told(topic)) == []


def test_moment_of_another_zone() -> None:
    body = body_of("VISIT_UPDATE", ACCOUNT, ITEM, moment="2026-06-01T05:00:00-04:00")
    assert read(delivery(body))[0].occurred_at == NINE


@pytest.mark.parametrize("age", [6 * HOUR + MINUTE, -6 * HOUR - MINUTE, 9_000 * HOUR])
def test_old_delivery(age: int) -> None:
    with pytest.raises(Unauthorized):
        read(told("APP_DISCONNECT", NINE - age))


@pytest.mark.parametrize("age", [0, 5 * HOUR, -MINUTE])
def test_late_delivery(age: int) -> None:
    assert read(told("VISIT_UPDATE", NINE - age))


@pytest.mark.parametrize("secret", [None, ""])
def test_without_a_secret_nothing_is_received(secret: str | None) -> None:
    with pytest.raises(Unauthorized):
        webhook.read(told("VISIT_UPDATE"), secret, NINE)


def test_signature_of_another_app() -> None:
    with pytest.raises(Unauthorized):
        read(delivery(told("VISIT_UPDATE").content, "another secret"))


def test_missing_signature() -> None:
    with pytest.raises(Unauthorized):
        read(replace(told("VISIT_UPDATE"), headers={}))


def hostile() -> Iterator[bytes]:
    """Yield bodies that Jobber would never sign, and whoever has its secret may."""
    whole = told("VISIT_UPDATE").content
    for name in (b"topic", b"accountId", b"itemId", b"occurredAt", b"webHookEvent"):
        yield whole.replace(name, b"other")
    for value in (
        b"7",
        b"null",
        b"[]",
        b"{}",
        b'""',
        b'"a\\u0000"',
        b'"%b"' % (b"a" * 256),
    ):
        yield whole.replace(b'"SXRlbQ=="', value)
    for moment in ("", "yesterday", "2026-06-01", "2026-06-01T09:00:00", "9999999999"):
        yield body_of("VISIT_UPDATE", ACCOUNT, ITEM, moment=moment or " ")
    yield from (b"", b"null", b"{}", b"\xff\xfe", b"[" * 50_000, b"NaN", b'"\\ud800"')


@pytest.mark.parametrize("content", list(hostile()))
def test_hostile_body(content: bytes) -> None:
    with pytest.raises(InvalidField):
        read(delivery(content))


async def test_own_writes_are_told_too(
    examined: ExaminedPlatform, server: JobberServer, owner: Owner
) -> None:
    number = owner.adds_visit(at(NINE))
    owner.reassigns(number, "Mike Johnson")
    owner.completes(number)
    owner.deletes(number)
    topics = [each.content for each in server.jobber.hooks.deliveries]
    assert [b"VISIT_UPDATE" in each for each in topics] == [False] * 2 + [True] + [
        False
    ] * 2
