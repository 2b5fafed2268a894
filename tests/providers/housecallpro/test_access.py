"""Whose account it is, what is paid for, and who may tell us something."""

import asyncio
import dataclasses
from dataclasses import replace
from uuid import UUID

import pytest
import structlog

from tests.contracts.drafts import NINE, SECONDS, TENANT, WINDOW, a_draft, at
from tests.contracts.pushes import open_receiver
from tests.contracts.schedules import JOHN, ExaminedPlatform, OnSchedule
from tests.providers.housecallpro.server import FakeHousecallPro
from tests.providers.housecallpro.webhooks import signed
from tests.providers.housecallpro.world import HousecallProWorld, examined_at
from tests.providers.means import means_of, open_means
from universal_calendar.clock import utc_now
from universal_calendar.core.errors import InvalidField, Unauthorized
from universal_calendar.core.instant import MINUTE, from_datetime, to_datetime
from universal_calendar.core.provider_errors import (
    NotAuthorized,
    ProviderDown,
    Rejected,
    Throttled,
)
from universal_calendar.outgoing.http import Sender
from universal_calendar.providers.housecallpro.client import HousecallPro
from universal_calendar.providers.registry import PROVIDERS
from universal_calendar.services.ports.calendars import (
    Access,
    ChangesQuery,
    PushDelivery,
)

put = OnSchedule.put


async def test_not_among_the_settings() -> None:
    async with open_means() as means:
        assert PROVIDERS["housecallpro"](replace(means, platforms={})) is None


@pytest.mark.parametrize("path", ["", "/v1"])
async def test_path_that_the_api_does_not_have(
    house: FakeHousecallPro, path: str
) -> None:
    config = replace(house.config, api_url=f"{house.url}{path}")
    async with open_means() as means:
        with structlog.testing.capture_logs() as logs:
            platform = HousecallPro(means, config)
        access = Access(TENANT, UUID(int=1), {"apiKey": house.api_key})
        account = await platform.account(access, seconds=SECONDS)
    assert account.account == house.company_id
    assert [each["event"] for each in logs] == ["housecallpro_path_dropped"] * bool(
        path
    )


async def test_account(house: FakeHousecallPro, examined: ExaminedPlatform) -> None:
    account = await examined.platform.account(examined.access, seconds=SECONDS)
    assert account.account == house.company_id
    assert account.timezone == "America/Los_Angeles"
    assert [each.name for each in account.calendars] == ["XYZ Services"]


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../etc/passwd", "PST8PDTX"])
async def test_zone_that_nobody_knows(
    house: FakeHousecallPro, examined: ExaminedPlatform, zone: str
) -> None:
    house.company.time_zone = zone
    account = await examined.platform.account(examined.access, seconds=SECONDS)
    assert account.timezone is None


async def test_company_that_is_meant(house: FakeHousecallPro) -> None:
    known = {"apiKey": house.api_key, "companyId": house.company_id}
    async with examined_at(house, **known) as examined:
        account = await examined.platform.account(examined.access, seconds=SECONDS)
        assert account.account == house.company_id
    async with examined_at(house, **{**known, "companyId": "another"}) as examined:
        with pytest.raises(InvalidField) as caught:
            await examined.platform.account(examined.access, seconds=SECONDS)
        assert caught.value.field == "companyId"


async def test_key_of_a_plan_without_api(
    house: FakeHousecallPro, examined: ExaminedPlatform
) -> None:
    house.fails(403)
    with pytest.raises(Rejected):
        await examined.platform.account(examined.access, seconds=SECONDS)


async def test_every_request_is_paid_for(house: FakeHousecallPro) -> None:
    async with examined_at(house) as examined:
        spending = quota_of(examined)
        known = await put(examined, a_draft())
        await examined.platform.put_customer(examined.access, JOHN, seconds=SECONDS)
        await examined.platform.technicians(examined.access, seconds=SECONDS)
        query = ChangesQuery(examined.calendar, WINDOW)
        await examined.platform.changes(examined.access, query, seconds=SECONDS)
        await examined.platform.taken(
            examined.access, ["schedule"], at(NINE), seconds=SECONDS
        )
        await examined.platform.delete_event(
            examined.access, examined.calendar, known.event_id, seconds=SECONDS
        )
    paid = [(examined.access.connection_id, "requests", 1)]
    told = [(whose, bucket.name, amount) for whose, bucket, amount in spending]
    assert told == paid * len(house.requests)


def quota_of(examined: ExaminedPlatform) -> list[object]:
    platform = examined.platform
    assert isinstance(platform, HousecallPro)
    spent: list[object] = platform._api._quota.spent
    return spent


@dataclasses.dataclass
class Broke:
    """A quota of which nothing is left after so many requests."""

    left: int = 0

    async def spend(self, *_args: object) -> None:
        self.left -= 1
        if self.left < 0:
            raise Throttled(7.0)

    async def learn(self, *_args: object) -> None:
        """Learn nothing."""


@pytest.mark.parametrize("left", range(4))
async def test_nothing_is_asked_that_cannot_be_paid_for(
    house: FakeHousecallPro, examined: ExaminedPlatform, left: int
) -> None:
    sender = Sender(is_guarded=False)
    means = replace(means_of(sender), quota=Broke(left))
    opened = replace(
        examined,
        provider=replace(
            examined.provider, calendars=HousecallPro(means, house.config)
        ),
    )
    with pytest.raises(Throttled) as caught:
        await put(opened, a_draft())
    await sender.close()
    # Whoever comes back pays for all of it again.
    again = left * 60 / house.config.requests_a_minute
    assert caught.value.retry_after == pytest.approx(7 + again)
    assert len(house.requests) == left
    await put(examined, a_draft())
    assert len(house.company.customers) == len(house.company.jobs) == 1


async def test_throttled_without_a_word_how_long(
    house: FakeHousecallPro, examined: ExaminedPlatform
) -> None:
    house.throttles(None)
    with pytest.raises(Throttled) as caught:
        await put(examined, a_draft())
    assert caught.value.retry_after is None
    await put(examined, a_draft())


@pytest.mark.parametrize("secrets", [{}, {"apiKey": ""}, {"companyId": "a"}])
async def test_no_key(
    house: FakeHousecallPro, examined: ExaminedPlatform, secrets: dict[str, str]
) -> None:
    access = replace(examined.access, secrets=secrets)
    with pytest.raises(NotAuthorized):
        await examined.platform.account(access, seconds=SECONDS)
    assert house.requests == []


@pytest.mark.parametrize("key", ["a\r\nx: y", "\u00e9", "a b"])
async def test_key_that_is_no_header(examined: ExaminedPlatform, key: str) -> None:
    access = replace(examined.access, secrets={"apiKey": key})
    with pytest.raises((ProviderDown, NotAuthorized)):
        await examined.platform.account(access, seconds=SECONDS)


# Webhooks


def delivery(house: FakeHousecallPro, content: bytes, age: int = 0) -> PushDelivery:
    world = HousecallProWorld(house)
    return world.signed(content, from_datetime(utc_now()) - age)


@pytest.mark.parametrize("age", [6 * MINUTE, 9_999 * MINUTE, -6 * MINUTE])
async def test_delivery_of_another_time(
    house: FakeHousecallPro, examined: ExaminedPlatform, age: int
) -> None:
    content = b'{"event":"job.updated","company_id":"a"}'
    now = from_datetime(utc_now())
    with pytest.raises(Unauthorized):
        examined.platform.hints(delivery(house, content, age), now)
    assert examined.platform.hints(delivery(house, content, age // 2 // 9999), now)


@pytest.mark.parametrize("secret", ["of tests", None])
async def test_address_that_is_tried_before_it_is_kept(
    house: FakeHousecallPro, secret: str | None
) -> None:
    """It is so before anybody knows the secret; from all else nothing follows."""
    now = from_datetime(utc_now())
    async with open_means() as means:
        platform = HousecallPro(means, replace(house.config, webhook_secret=secret))
        for content in (b'{"foo":"bar"}', b' {"foo": "bar"}\n'):
            assert platform.hints(PushDelivery({}, content), now) == []
        for content in (
            b"{}",
            b'{"foo":"baz"}',
            b'{"foo":"bar","event":"job.updated","company_id":"a"}',
            b'{"foo":"bar"}' + b" " * 64,
        ):
            with pytest.raises(Unauthorized):
                platform.hints(PushDelivery({}, content), now)


async def test_timestamp_that_is_a_date(
    house: FakeHousecallPro, examined: ExaminedPlatform
) -> None:
    content = b'{"event":"job.updated","company_id":"a"}'
    now = from_datetime(utc_now())
    stamp = to_datetime(now).isoformat()
    headers = signed(house.webhook_secret, content, timestamp=stamp)
    assert examined.platform.hints(PushDelivery(headers, content), now)
    for odd in ("soon", "99999999999", "1" * 400, "9999-12-31T23:59:59-23:59"):
        headers = signed(house.webhook_secret, content, timestamp=odd)
        with pytest.raises(Unauthorized):
            examined.platform.hints(PushDelivery(headers, content), now)


@pytest.mark.parametrize(
    ("event", "thing", "told"),
    [
        ("job.created", "job", (True, None)),
        ("job.deleted", "job", (True, None)),
        ("job.appointment.rescheduled", "appointment", (True, None)),
        ("customer.updated", "customer", (False, "a_1")),
        ("estimate.created", "estimate", None),
        ("jobs", "job", None),
    ],
)
async def test_events(
    house: FakeHousecallPro,
    examined: ExaminedPlatform,
    event: str,
    thing: str,
    told: tuple[bool, str | None] | None,
) -> None:
    house.webhooks.tell(event, {thing: {"id": "a_1"}})
    now = from_datetime(utc_now())
    hints = examined.platform.hints(house.webhooks.deliveries[-1], now)
    assert [(each.is_schedule, each.customer_id) for each in hints] == (
        [] if told is None else [told]
    )
    assert {each.account for each in hints} <= {house.company_id}


@pytest.mark.parametrize(
    "content",
    [
        b'{"event":"job.updated"}',
        b'{"event":7,"company_id":"a"}',
        b'{"event":"job.updated","company_id":7}',
        b'{"event":"job.updated","company_id":""}',
        b'{"event":"customer.updated","company_id":"a"}',
        b'{"event":"customer.updated","company_id":"a","customer":[]}',
        b'{"event":"customer.updated","company_id":"a","customer":{"id":7}}',
        b'{"event":"customer.updated","company_id":"a","customer":{"id":"%b"}}'
        % (b"a" * 300),
    ],
)
async def test_body_that_says_nothing(
    house: FakeHousecallPro, examined: ExaminedPlatform, content: bytes
) -> None:
    with pytest.raises(InvalidField):
        examined.platform.hints(delivery(house, content), from_datetime(utc_now()))


@pytest.mark.parametrize(
    "moment", [b"7", b'"soon"', b"null", b'"0001-01-01T00:00:00+23:59"']
)
async def test_moment_that_is_none(
    house: FakeHousecallPro, examined: ExaminedPlatform, moment: bytes
) -> None:
    content = b'{"event":"job.updated","company_id":"a","event_occurred_at":%b}'
    now = from_datetime(utc_now())
    (hint,) = examined.platform.hints(delivery(house, content % moment), now)
    assert hint.occurred_at == now


async def test_no_secret_in_the_settings(house: FakeHousecallPro) -> None:
    sender = Sender(is_guarded=False)
    config = replace(house.config, webhook_secret=None)
    platform = HousecallPro(means_of(sender), config)
    content = b'{"event":"job.updated","company_id":"a"}'
    with pytest.raises(Unauthorized):
        platform.hints(delivery(house, content), from_datetime(utc_now()))
    await sender.close()


async def test_webhooks_over_http(
    house: FakeHousecallPro, examined: ExaminedPlatform
) -> None:
    async with open_receiver() as receiver:
        house.webhooks.url = receiver.url
        receiver.refusals = 1
        house.owner.adds_job(at(NINE))
        for _ in range(2):
            delivery = await receiver.next()
            (hint,) = examined.platform.hints(delivery, from_datetime(utc_now()))
            assert hint.is_schedule
            house.webhooks.send(delivery)
        await asyncio.to_thread(house.webhooks.settle)
        assert house.webhooks.statuses == [503, 200, 200]
