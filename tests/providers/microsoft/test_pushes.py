"""Subscriptions: handshake, lifecycle, and that no channel is opened twice."""

import json
from dataclasses import replace

import pytest
from pydantic import SecretStr

from tests.contracts.drafts import NINE, SECONDS, at
from tests.contracts.pushes import SESAME, Receiver
from tests.contracts.world import Examined
from tests.providers.means import open_means
from tests.providers.microsoft.account import registration
from tests.providers.microsoft.server import FakeMicrosoft
from tests.providers.microsoft.world import MicrosoftWorld
from universal_calendar.bootstrap.providers import oauth_configs
from universal_calendar.clock import utc_now
from universal_calendar.core.errors import InvalidField
from universal_calendar.core.instant import DAY, HOUR, MINUTE, from_datetime
from universal_calendar.core.provider_errors import ProviderDown, Rejected
from universal_calendar.providers.registry import PROVIDERS
from universal_calendar.services.ports.calendars import (
    PushAddress,
    PushChannel,
    PushDelivery,
    PushProvider,
)
from universal_calendar.settings import Settings

CHANNEL = {"channel": "ours"}


@pytest.fixture
def pushes(examined: Examined) -> PushProvider:
    assert examined.provider.pushes is not None
    return examined.provider.pushes


async def opened(
    examined: Examined, url: str, channel_id: str = "ours", calendar: str | None = None
) -> PushChannel:
    assert examined.provider.pushes is not None
    return await examined.provider.pushes.open_channel(
        examined.access,
        calendar or examined.calendar,
        PushAddress(channel_id, url, SESAME),
        seconds=SECONDS,
    )


@pytest.mark.parametrize(
    "suffix", ["", "?channel=ours", "?a=b", "?a=b&channel=ours", "?channel="]
)
async def test_channel_stands_in_the_address(
    examined: Examined,
    receiver: Receiver,
    world: MicrosoftWorld,
    pushes: PushProvider,
    suffix: str,
) -> None:
    await opened(examined, f"{receiver.url}{suffix}")
    world.owner_adds(examined.calendar, at(NINE))
    (notification,) = pushes.notifications(await receiver.next())
    assert notification.channel_id == "ours"
    assert not notification.is_channel_lost


async def test_lasts_as_long_as_microsoft_allows(
    examined: Examined, receiver: Receiver
) -> None:
    channel = await opened(examined, receiver.url)
    lasts = channel.expires_at - from_datetime(utc_now())
    assert 2.9 * DAY < lasts <= 4230 / 1440 * DAY


async def test_lasts_as_long_as_it_is_set(
    microsoft: FakeMicrosoft, api_url: str, examined: Examined, receiver: Receiver
) -> None:
    known = registration(microsoft, api_url)
    settings = Settings(
        _env_file=None,
        microsoft_graph_client_id=known.client_id,
        microsoft_graph_client_secret=SecretStr(known.client_secret),
        microsoft_login_base_url=f"{microsoft.url}/login",
        microsoft_graph_base_url=api_url,
        microsoft_subscription_minutes=60,
    )
    async with open_means(oauth_configs(settings)) as means:
        provider = PROVIDERS["microsoft"](means)
        assert provider is not None
        channel = await opened(replace(examined, provider=provider), receiver.url)
    lasts = channel.expires_at - from_datetime(utc_now())
    assert 50 * MINUTE < lasts <= HOUR


async def test_opening_again_leaves_one(
    examined: Examined,
    receiver: Receiver,
    world: MicrosoftWorld,
    microsoft: FakeMicrosoft,
) -> None:
    world.loses_answers(1)
    with pytest.raises(ProviderDown):
        await opened(examined, receiver.url)
    assert len(microsoft.subscriptions.open) == 1
    await opened(examined, receiver.url)
    channel = await opened(examined, receiver.url)
    assert set(microsoft.subscriptions.open) == {channel.external_id}


async def test_channels_of_a_mailbox_do_not_close_each_other(
    examined: Examined, receiver: Receiver, microsoft: FakeMicrosoft
) -> None:
    first = await opened(examined, receiver.url, "one")
    second = await opened(examined, receiver.url, "two", examined.read_only)
    assert set(microsoft.subscriptions.open) == {first.external_id, second.external_id}


async def test_nobody_answers_the_handshake(
    examined: Examined, receiver: Receiver, microsoft: FakeMicrosoft
) -> None:
    receiver.challenge = lambda _delivery: None
    with pytest.raises(Rejected):
        await opened(examined, receiver.url)
    assert microsoft.subscriptions.open == {}


@pytest.mark.parametrize(
    ("event", "is_lost"),
    [
        ("missed", False),
        ("subscriptionRemoved", True),
        ("reauthorizationRequired", True),
        ("whatever comes one day", False),
    ],
)
async def test_lifecycle(
    examined: Examined,
    receiver: Receiver,
    microsoft: FakeMicrosoft,
    pushes: PushProvider,
    event: str,
    is_lost: bool,
) -> None:
    await opened(examined, receiver.url)
    microsoft.subscriptions.tell_lifecycle(event)
    delivery = await receiver.next()
    (notification,) = pushes.notifications(delivery)
    assert (notification.channel_id, notification.is_channel_lost) == ("ours", is_lost)
    assert pushes.is_genuine(delivery, notification, SESAME)


def a_delivery(*items: object, query: dict[str, str] | None = None) -> PushDelivery:
    content = json.dumps({"value": items}).encode()
    return PushDelivery({}, content, CHANNEL if query is None else query)


def test_several_at_once(pushes: PushProvider) -> None:
    item = {"subscriptionId": "1", "clientState": SESAME}
    removed = item | {"lifecycleEvent": "subscriptionRemoved"}
    told = pushes.notifications(a_delivery(item, item | {"changeType": "x"}, removed))
    assert [each.is_channel_lost for each in told] == [False, True]


@pytest.mark.parametrize(
    "delivery",
    [
        a_delivery(),
        a_delivery(7),
        a_delivery({"clientState": SESAME}),
        a_delivery({"subscriptionId": 7}),
        a_delivery({"subscriptionId": "1"}, query={}),
        a_delivery({"subscriptionId": "1"}, query={"channel": ""}),
        PushDelivery({}, b'{"value": {}}', CHANNEL),
        PushDelivery({}, b"\xff", CHANNEL),
        PushDelivery({}, b'{"value":[{"clientState":"\\ud800"}]}', CHANNEL),
        PushDelivery({}, b"[" * 100_000, CHANNEL),
    ],
)
def test_what_is_no_notification(pushes: PushProvider, delivery: PushDelivery) -> None:
    with pytest.raises(InvalidField):
        pushes.notifications(delivery)


@pytest.mark.parametrize("proof", [None, "", 7, {}, "Sesame", "sesame ", "ü"])
def test_forged(pushes: PushProvider, proof: object) -> None:
    delivery = a_delivery({"subscriptionId": "1", "clientState": proof})
    (notification,) = pushes.notifications(delivery)
    assert not pushes.is_genuine(delivery, notification, SESAME)


@pytest.mark.parametrize(
    ("token", "answer"),
    [
        (None, None),
        ("", None),
        ("Validation: a<b>", "Validation: a<b>"),
        ("x" * 4096, "x" * 4096),
        ("x" * 4097, None),
    ],
)
def test_challenge(pushes: PushProvider, token: str | None, answer: str | None) -> None:
    query = CHANNEL if token is None else CHANNEL | {"validationToken": token}
    assert pushes.challenge(PushDelivery({}, b"", query)) == answer
