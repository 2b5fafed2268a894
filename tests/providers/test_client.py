"""The fake's client against servers that do not keep the contract."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from tests.contracts.drafts import TENANT, WINDOW, a_draft
from tests.outgoing.raw_server import answer, raw_server
from universal_calendar.clock import utc_now
from universal_calendar.core.provider_errors import ProviderDown, Rejected
from universal_calendar.outgoing.http import Sender
from universal_calendar.providers.fake.client import FakeProvider
from universal_calendar.services.ports.calendars import Access, ChangesQuery


@pytest.fixture
async def fake() -> AsyncIterator[FakeProvider]:
    sender = Sender(is_guarded=False)
    yield FakeProvider(sender, utc_now)
    await sender.close()


def access_to(url: str) -> Access:
    return Access(
        TENANT,
        UUID(int=1),
        {"baseUrl": url, "accessToken": "a", "refreshToken": "b"},
    )


@pytest.mark.parametrize(
    "content",
    [
        b"<html>",
        b"{}",
        b'{"timeZone":"UTC"}',
        b'{"timeZone":"Mars/Olympus","events":[]}',
        b'{"timeZone":"UTC","events":[7]}',
        b'{"timeZone":"UTC","events":[{"id":"a","start":{"at":"noon"}}]}',
    ],
)
async def test_answer_that_breaks_the_contract(
    fake: FakeProvider, content: bytes
) -> None:
    async with raw_server(answer(content)) as server:
        access = access_to(server.url)
        with pytest.raises(ProviderDown):
            await fake.changes(access, ChangesQuery("c", WINDOW), seconds=5)
        with pytest.raises(ProviderDown):
            await fake.put_event(access, "c", a_draft(), None, seconds=5)
        with pytest.raises(ProviderDown):
            await fake.account(access, seconds=5)


async def test_identifiers_stay_in_their_place(fake: FakeProvider) -> None:
    async with raw_server(answer(b"", "204 No Content")) as server:
        await fake.delete_event(access_to(server.url), "a/b", "../c?d", seconds=5)
        assert server.heard[0].startswith(
            "DELETE /v1/calendars/a%2Fb/events/..%2Fc%3Fd HTTP/1.1"
        )


async def test_base_url_that_leads_nowhere(fake: FakeProvider) -> None:
    with pytest.raises(Rejected):
        await fake.account(access_to("file:///etc"), seconds=5)
