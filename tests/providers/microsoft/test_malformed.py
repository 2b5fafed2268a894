"""Microsoft's client against servers that do not keep the contract."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from copy import deepcopy
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contracts.drafts import NINE, TENANT, WINDOW, a_draft, at
from tests.outgoing.raw_server import answer, raw_server
from tests.providers.means import open_means
from tests.providers.microsoft.mailbox import Event, Series, occurrences_of
from tests.providers.microsoft.shown import shown, shown_event
from universal_calendar.core.instant import to_datetime
from universal_calendar.core.interval import Interval
from universal_calendar.core.provider_errors import ProviderDown, ProviderError
from universal_calendar.providers._http import answered_within
from universal_calendar.providers.microsoft.events import (
    series_event,
    single_event,
    taken_times,
)
from universal_calendar.providers.provider import OAuthConfig, Provider
from universal_calendar.providers.registry import PROVIDERS
from universal_calendar.services.ports.calendars import (
    Access,
    ChangedEvent,
    ChangesQuery,
    PushAddress,
    TakenTime,
)

ACCESS = Access(
    TENANT,
    UUID(int=1),
    {"accessToken": "a", "refreshToken": "b", "expiresAt": "4000000000"},
)
Place = tuple[str | int, ...]


@asynccontextmanager
async def microsoft_at(url: str) -> AsyncIterator[Provider]:
    config = OAuthConfig("client", "secret", url, url, url)
    async with open_means({"microsoft": config}) as means:
        provider = PROVIDERS["microsoft"](means)
        assert provider is not None
        yield provider


async def asked(microsoft: Provider, seconds: float) -> list[type[BaseException]]:
    """Ask for all there is; return what was raised."""
    calendars, reader = microsoft.calendars, microsoft.reader
    assert calendars is not None
    assert reader is not None
    assert microsoft.pushes is not None
    address = PushAddress("channel", "https://calendar.example.com", "sesame")
    told = await asyncio.gather(
        reader.changes(ACCESS, ChangesQuery("c", WINDOW), seconds=seconds),
        reader.taken(ACCESS, ["c"], at(NINE), seconds=seconds),
        calendars.put_event(ACCESS, "c", a_draft(), None, seconds=seconds),
        calendars.account(ACCESS, seconds=seconds),
        microsoft.pushes.open_channel(ACCESS, "c", address, seconds=seconds),
        return_exceptions=True,
    )
    return [type(each) for each in told if isinstance(each, BaseException)]


@pytest.mark.parametrize(
    "content",
    [
        b"<html>",
        b"[]",
        b"{}",
        b'{"value":null}',
        b'{"value":[7]}',
        b'{"value":[{}],"@odata.deltaLink":7}',
        b'{"value":[{"id":"a","start":{"dateTime":"noon","timeZone":"UTC"}}]}',
        b'{"value":[],"@odata.nextLink":["a"]}',
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03",
    ],
)
async def test_answer_that_breaks_the_contract(content: bytes) -> None:
    async with (
        raw_server(answer(content)) as server,
        microsoft_at(server.url) as microsoft,
    ):
        assert await asked(microsoft, 5) == [ProviderDown] * 5


@pytest.mark.parametrize(
    "status", ["301 Moved", "302 Found", "307 Elsewhere", "308 Elsewhere"]
)
async def test_nobody_is_followed(status: str) -> None:
    async with raw_server(answer(b"{}")) as elsewhere:
        moved = answer(b"", status, f"Location: {elsewhere.url}/")
        async with (
            raw_server(moved) as server,
            microsoft_at(server.url) as microsoft,
        ):
            raised = await asked(microsoft, 5)
        # What is taken in the calendar is unknown, and said to be so.
        assert len(raised) == 4
        assert all(issubclass(each, ProviderError) for each in raised)
        assert elsewhere.heard == []


async def test_pages_that_never_end() -> None:
    """Each leads to the same again."""

    async def speak(writer: asyncio.StreamWriter) -> None:
        link = f"http://127.0.0.1:{server.port}/me/calendars?$skip=1"
        page = f'{{"value":[],"@odata.nextLink":"{link}"}}'
        await answer(page.encode())(writer)

    async with raw_server(speak) as server, microsoft_at(server.url) as microsoft:
        # A page of changes is whoever asks for the next one's; all others end here.
        assert await asked(microsoft, 0.3) == [ProviderDown] * 4


# Malformed events

START, END = (to_datetime(each) for each in (NINE, at(NINE).end))
SINGLE = shown_event(Event("AAMk=", "calendar", START, END, transaction="uc:AAAA"))
OCCURRENCE = shown(
    next(
        occurrences_of(Event("AAMk=", "c", START, END, series=Series(1, 2, "UTC"))),
    )
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=4,
)


def places(value: object, here: Place = ()) -> Iterator[Place]:
    """Yield the way to every value inside."""
    if here:
        yield here
    for name, inner in value.items() if isinstance(value, dict) else ():
        yield from places(inner, (*here, name))


async def read(event: Any) -> tuple[list[ChangedEvent], list[TakenTime]]:
    async with answered_within(5):
        changed = [
            single_event(event, WINDOW, TENANT),
            series_event("AAMk=", [event], WINDOW, TENANT),
        ]
        return changed, taken_times([event], WINDOW, TENANT)


@settings(deadline=None)
@given(
    st.sampled_from([SINGLE, OCCURRENCE]).flatmap(
        lambda whole: st.tuples(
            st.just(whole), st.sampled_from(list(places(whole))), ANYTHING
        )
    )
)
def test_nonsense_anywhere_is_the_provider_s_fault(
    given_event: tuple[Any, Place, object],
) -> None:
    whole, place, value = given_event
    event = inside = deepcopy(whole)
    for name in place[:-1]:
        inside = inside[name]
    inside[place[-1]] = value
    try:
        changed, taken = asyncio.run(read(event))
    except ProviderDown:
        return
    times = [time for each in changed for time in each.intervals]
    assert all(isinstance(each, Interval) for each in times)
    assert all(isinstance(each.interval, Interval) for each in taken)
