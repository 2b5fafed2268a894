"""Channels of Google, beyond what every provider has."""

from collections.abc import AsyncIterator

import pytest

from tests.contracts.drafts import NINE, SECONDS, at
from tests.contracts.pushes import Receiver, open_receiver
from tests.contracts.world import Examined
from tests.providers.google.world import ACCOUNT, SHARED, GoogleWorld
from universal_calendar.clock import utc_now
from universal_calendar.core.instant import DAY, HOUR, from_datetime
from universal_calendar.core.provider_errors import ProviderDown, Rejected
from universal_calendar.services.ports.calendars import (
    PushAddress,
    PushChannel,
    PushProvider,
)

CHANNEL = "0190c7a5-9d6e-7cc1-8e1f-6a1f6f5a3b1c"


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with open_receiver() as receiver:
        yield receiver


@pytest.fixture
def pushes(examined: Examined) -> PushProvider:
    assert examined.provider.pushes is not None
    return examined.provider.pushes


async def opened(
    examined: Examined, receiver: Receiver, calendar: str = ACCOUNT
) -> PushChannel:
    assert examined.provider.pushes is not None
    address = PushAddress(CHANNEL, receiver.url, "sesame")
    return await examined.provider.pushes.open_channel(
        examined.access, calendar, address, seconds=SECONDS
    )


async def test_notification_has_no_body(
    examined: Examined, world: GoogleWorld, receiver: Receiver, pushes: PushProvider
) -> None:
    channel = await opened(examined, receiver)
    assert channel.expires_at == pytest.approx(from_datetime(utc_now()) + 7 * DAY, HOUR)
    world.owner_adds(ACCOUNT, at(NINE))
    for state in ("sync", "exists"):
        delivery = await receiver.next()
        assert delivery.headers["x-goog-resource-state"] == state
        assert delivery.content == b""
        (notification,) = pushes.notifications(delivery)
        assert notification.channel_id == CHANNEL
        assert not notification.is_channel_lost


async def test_only_its_own_calendar_is_told(
    examined: Examined, world: GoogleWorld, receiver: Receiver
) -> None:
    await opened(examined, receiver, SHARED)
    await receiver.next()
    world.owner_adds(ACCOUNT, at(NINE))
    world.owner_adds(SHARED, at(NINE))
    assert (await receiver.next()).headers["x-goog-message-number"] == "2"


async def test_a_channel_is_opened_before_the_last_one_is_closed(
    examined: Examined, world: GoogleWorld, receiver: Receiver, pushes: PushProvider
) -> None:
    first, second = [await opened(examined, receiver) for _ in range(2)]
    assert first.external_id != second.external_id
    await pushes.close_channel(examined.access, first, seconds=SECONDS)
    for _ in range(2):
        await receiver.next()
    world.owner_adds(ACCOUNT, at(NINE))
    delivery = await receiver.next()
    assert delivery.headers["x-goog-channel-id"] in second.external_id


async def test_push_that_is_refused_comes_again(
    examined: Examined, world: GoogleWorld, receiver: Receiver
) -> None:
    await opened(examined, receiver)
    await receiver.next()
    receiver.refusals = 1
    world.owner_adds(ACCOUNT, at(NINE))
    told = [(await receiver.next()).headers["x-goog-message-number"] for _ in range(2)]
    assert told == ["2", "2"]


async def test_calendar_that_is_not_there(
    examined: Examined, receiver: Receiver
) -> None:
    with pytest.raises(Rejected):
        await opened(examined, receiver, "none")


async def test_dead_google_closes_nothing(
    examined: Examined, world: GoogleWorld, receiver: Receiver, pushes: PushProvider
) -> None:
    channel = await opened(examined, receiver)
    world.dies()
    with pytest.raises(ProviderDown):
        await pushes.close_channel(examined.access, channel, seconds=SECONDS)
    world.rises()
    await pushes.close_channel(examined.access, channel, seconds=SECONDS)
