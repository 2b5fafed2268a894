"""Jobber's client against servers that do not keep the contract."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import UUID

import pytest

from tests.contracts.drafts import NINE, SECONDS, TENANT, WINDOW, at
from tests.contracts.schedules import JOHN
from tests.outgoing.raw_server import answer, raw_server
from tests.providers.jobber.asking import drafted
from tests.providers.means import open_means
from universal_calendar.core.provider_errors import (
    EventChanged,
    ProviderDown,
    ProviderError,
    Rejected,
)
from universal_calendar.providers.jobber.client import open_jobber
from universal_calendar.providers.provider import PlatformConfig
from universal_calendar.services.ports.calendars import (
    Access,
    ChangesQuery,
    WrittenEvent,
)
from universal_calendar.services.ports.field_service import FieldServiceProvider

ACCESS = Access(TENANT, UUID(int=1), {"apiKey": "a"})
KNOWN = WrittenEvent("MQ==", "etag")
Call = Callable[[FieldServiceProvider], Awaitable[object]]
CALLS: dict[str, Call] = {
    "account": lambda it: it.account(ACCESS, seconds=SECONDS),
    "technicians": lambda it: it.technicians(ACCESS, seconds=SECONDS),
    "customer": lambda it: it.customer(ACCESS, "MQ==", seconds=SECONDS),
    "put_customer": lambda it: it.put_customer(ACCESS, JOHN, seconds=SECONDS),
    "make": lambda it: it.put_event(
        ACCESS, "schedule", drafted(), None, seconds=SECONDS
    ),
    "change": lambda it: it.put_event(
        ACCESS, "schedule", drafted(), KNOWN, seconds=SECONDS
    ),
    "delete": lambda it: it.delete_event(ACCESS, "schedule", "MQ==", seconds=SECONDS),
    "changes": lambda it: it.changes(
        ACCESS, ChangesQuery("schedule", WINDOW), seconds=SECONDS
    ),
    "taken": lambda it: it.taken(ACCESS, ["schedule"], at(NINE), seconds=SECONDS),
}
ODD: list[object] = [
    None,
    {},
    [],
    7,
    {"data": None},
    {"data": []},
    {"data": "text"},
    {"data": {}, "extensions": []},
    {"data": {}, "extensions": {"cost": {"throttleStatus": {}}}},
    {"data": {"account": None, "user": None, "users": None, "clients": None}},
    {"data": {"visit": {}, "client": {}, "scheduledItems": {}, "clients": {}}},
    {"data": {"visit": [], "client": [], "scheduledItems": [], "users": []}},
    {"data": {"scheduledItems": {"nodes": [None]}, "users": {"nodes": [{}]}}},
    {"data": {"account": {"id": "", "name": 7}, "user": {"timezone": "Mars"}}},
    {"errors": "text"},
    {"errors": [None, 7, {"extensions": 7}, {"extensions": {"code": []}}]},
    {"errors": [{"extensions": {"code": "THROTTLED"}}], "extensions": {"cost": 7}},
    {
        "errors": [{"extensions": {"code": "THROTTLED"}}],
        "extensions": {"cost": {"throttleStatus": {"currentlyAvailable": "x"}}},
    },
]


@asynccontextmanager
async def jobber_at(url: str) -> AsyncIterator[FieldServiceProvider]:
    config = PlatformConfig(url, 500, "secret", "2025-04-16")
    async with open_means({}) as means:
        provider = open_jobber(replace(means, platforms={"jobber": config}))
        assert provider is not None
        assert provider.field_service is not None
        yield provider.field_service


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
async def test_odd_answers(call: Call) -> None:
    for odd in [*map(json.dumps, ODD), "", "<html>", "[" * 100_000, '{"data": NaN}']:
        server = answer(odd.encode())
        async with raw_server(server) as raw, jobber_at(raw.url) as jobber:
            with pytest.raises(ProviderError) as caught:
                await call(jobber)
            assert not isinstance(caught.value, EventChanged)


@pytest.mark.parametrize("status", ["403 No", "404 No", "409 No", "410 No", "412 No"])
async def test_statuses_say_nothing_of_events(status: str) -> None:
    speak = answer(b"{}", status)
    async with raw_server(speak) as raw, jobber_at(raw.url) as jobber:
        with pytest.raises(Rejected):
            await CALLS["change"](jobber)


async def test_page_of_something_before_jobber() -> None:
    speak = answer(b"<html>", "502 Bad Gateway")
    async with raw_server(speak) as raw, jobber_at(raw.url) as jobber:
        with pytest.raises(ProviderDown):
            await CALLS["changes"](jobber)
