"""Google's client against servers that do not keep the contract."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import pytest

from tests.contracts.drafts import NINE, TENANT, WINDOW, a_draft, at
from tests.outgoing.raw_server import RawServer, answer, raw_server
from tests.providers.means import open_means
from universal_calendar.core.errors import InvalidField
from universal_calendar.core.provider_errors import ProviderDown, Rejected
from universal_calendar.providers.provider import OAuthConfig, Provider
from universal_calendar.providers.registry import PROVIDERS
from universal_calendar.services.ports.calendars import (
    Access,
    CalendarProvider,
    CalendarReader,
    ChangesQuery,
    PushAddress,
    PushDelivery,
    PushProvider,
)

ACCESS = Access(
    TENANT,
    UUID(int=1),
    {"accessToken": "a", "refreshToken": "b", "expiresAt": "4000000000"},
)


@asynccontextmanager
async def google_at(url: str) -> AsyncIterator[Provider]:
    config = OAuthConfig("client", "secret", url, url, url, url)
    async with open_means({"google": config}) as means:
        provider = PROVIDERS["google"](means)
        assert provider is not None
        yield provider


@asynccontextmanager
async def google_saying(
    content: bytes, status: str = "200 OK"
) -> AsyncIterator[tuple[Provider, RawServer]]:
    async with (
        raw_server(answer(content, status)) as server,
        google_at(server.url) as provider,
    ):
        yield provider, server


def calendars(provider: Provider) -> CalendarProvider:
    assert provider.calendars is not None
    return provider.calendars


def reader(provider: Provider) -> CalendarReader:
    assert provider.reader is not None
    return provider.reader


def pushes(provider: Provider) -> PushProvider:
    assert provider.pushes is not None
    return provider.pushes


@pytest.mark.parametrize(
    "content",
    [
        b"<html>",
        b"[]",
        b"{}",
        b'{"timeZone":"UTC"}',
        b'{"items":[7]}',
        b'{"items":[{"primary":true}]}',
        b'{"timeZone":"UTC","items":[{"id":"a","start":{"dateTime":"noon"}}]}',
        b'{"timeZone":"Mars/Olympus","items":[{"id":"a","etag":"b",'
        b'"start":{"date":"2026-06-01"},"end":{"date":"2026-06-02"}}]}',
        b'{"items":[{"id":"a","etag":"b",'
        b'"start":{"dateTime":"2026-06-01T09:00:00"},'
        b'"end":{"dateTime":"2026-06-01T09:30:00"}}]}',
    ],
)
async def test_answer_that_breaks_the_contract(content: bytes) -> None:
    address = PushAddress("channel", "https://calendar.example.com", "sesame")
    async with google_saying(content) as (google, _):
        with pytest.raises(ProviderDown):
            await reader(google).changes(ACCESS, ChangesQuery("c", WINDOW), seconds=5)
        with pytest.raises(ProviderDown):
            await reader(google).taken(ACCESS, ["c"], at(NINE), seconds=5)
        with pytest.raises(ProviderDown):
            await calendars(google).put_event(ACCESS, "c", a_draft(), None, seconds=5)
        with pytest.raises(ProviderDown):
            await calendars(google).account(ACCESS, seconds=5)
        with pytest.raises(ProviderDown):
            await pushes(google).open_channel(ACCESS, "c", address, seconds=5)


@pytest.mark.parametrize(
    "content", [b"<html>", b"[]", b'{"error":"no"}', b'{"error":{"errors":[7]}}']
)
async def test_refusal_that_says_nothing(content: bytes) -> None:
    async with google_saying(content, "403 Forbidden") as (google, _):
        with pytest.raises(Rejected):
            await calendars(google).put_event(ACCESS, "c", a_draft(), None, seconds=5)


async def test_pages_that_never_end() -> None:
    content = b'{"timeZone":"UTC","items":[],"nextPageToken":"again"}'
    async with google_saying(content) as (google, server):
        with pytest.raises(ProviderDown):
            await calendars(google).account(ACCESS, seconds=0.3)
        assert len(server.heard) > 1


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Elsewhere"])
async def test_nobody_is_followed(status: str) -> None:
    async with raw_server(answer(b"{}")) as elsewhere:
        moved = answer(b"", status, f"Location: {elsewhere.url}/")
        async with raw_server(moved) as server, google_at(server.url) as google:
            with pytest.raises(Rejected):
                await calendars(google).account(ACCESS, seconds=5)
            with pytest.raises(Rejected):
                await reader(google).changes(
                    ACCESS, ChangesQuery("c", WINDOW), seconds=5
                )
        assert elsewhere.heard == []


async def test_identifiers_stay_in_their_place() -> None:
    async with google_saying(b"", "204 No Content") as (google, server):
        await calendars(google).delete_event(ACCESS, "a/b", "../c?d", seconds=5)
        assert server.heard[0].startswith(
            "DELETE /calendars/a%2Fb/events/..%2Fc%3Fd?sendUpdates=none HTTP/1.1"
        )


async def test_not_registered() -> None:
    async with open_means({}) as means:
        assert PROVIDERS["google"](means) is None


@pytest.mark.parametrize("channel_id", ["", "_", "_abc", "without"])
async def test_channel_that_is_none_of_ours(channel_id: str) -> None:
    async with google_at("http://127.0.0.1:9") as google:
        delivery = PushDelivery({"x-goog-channel-id": channel_id}, b"")
        with pytest.raises(InvalidField):
            pushes(google).notifications(delivery)


@pytest.mark.parametrize("token", ["", "\u00e9", "\udcff", "sesame "])
async def test_token_of_a_stranger(token: str) -> None:
    async with google_at("http://127.0.0.1:9") as google:
        headers = {"x-goog-channel-id": "a_1", "x-goog-channel-token": token}
        delivery = PushDelivery(headers, b"")
        (notification,) = pushes(google).notifications(delivery)
        assert not pushes(google).is_genuine(delivery, notification, "sesame")
        assert pushes(google).challenge(delivery) is None
