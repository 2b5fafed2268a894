"""Answers that are not as the contract has them are the platform's own fault."""

import random
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.contracts.drafts import NINE, SECONDS, WINDOW, a_draft, at, later
from tests.contracts.schedules import JOHN, ExaminedPlatform, OnSchedule
from tests.outgoing.raw_server import answer, raw_server
from tests.providers.housecallpro.server import FakeHousecallPro
from tests.providers.means import open_means
from universal_calendar.core.provider_errors import ProviderDown, ProviderError
from universal_calendar.providers.housecallpro.client import HousecallPro
from universal_calendar.providers.provider import PlatformConfig
from universal_calendar.services.ports.calendars import Access, ChangesQuery

put = OnSchedule.put
Act = Callable[[ExaminedPlatform], Awaitable[object]]
ODD: list[Any] = [None, 7, -1, 0.5, True, "", "noon", "2026-13-45T99:00:00Z", [], {}]
ODD += [[None], {"id": None}, [[]], "\u00e9" * 300, 10**30, "9999-12-31T23:59:59Z"]


def bent(value: Any, chance: random.Random) -> Any:
    """Return it with something in it that does not belong there."""
    if chance.random() < 0.1 or not isinstance(value, dict | list) or not value:
        return chance.choice(ODD)
    places = list(value) if isinstance(value, dict) else list(range(len(value)))
    place = chance.choice(places)
    changed = value.copy()
    if chance.random() < 0.2:
        del changed[place]
    else:
        changed[place] = bent(value[place], chance)
    return changed


def acts() -> list[Act]:
    """Return everything that can be asked of the platform."""
    query = ChangesQuery("schedule", WINDOW)
    return [
        lambda e: e.platform.account(e.access, seconds=SECONDS),
        lambda e: e.platform.technicians(e.access, seconds=SECONDS),
        lambda e: e.platform.changes(e.access, query, seconds=SECONDS),
        lambda e: e.platform.taken(e.access, ["schedule"], at(NINE), seconds=SECONDS),
        lambda e: e.platform.put_customer(e.access, JOHN, seconds=SECONDS),
        lambda e: put(e, later(a_draft())),
        lambda e: put(e, a_draft(2)),
        lambda e: e.platform.customer(e.access, "cus_1", seconds=SECONDS),
        lambda e: e.platform.delete_event(
            e.access, "schedule", "job_1", seconds=SECONDS, reason="a"
        ),
    ]


@pytest.mark.parametrize("seed", range(16))
async def test_bent_answers(
    house: FakeHousecallPro, examined: ExaminedPlatform, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - no secret is made of it
    mike = house.owner.hires("Mike")
    await put(examined, a_draft())
    job_id = house.owner.adds_job(at(NINE), mike)
    house.owner.adds_appointment(job_id, at(NINE + 5))
    house.owner.adds_event(at(NINE), mike, rule="FREQ=DAILY;COUNT=3")
    house.bend = lambda body: bent(body, chance)
    failed = 0
    for act in acts() * 4:
        try:
            await act(examined)
        except ProviderError:
            failed += 1
    assert failed


@pytest.mark.parametrize(
    "content", [b"<html>", b"[]", b"{}", b"7", b"\xff", b'{"jobs":[7]}', b"[" * 9_999]
)
async def test_answer_that_is_none(content: bytes) -> None:
    async with raw_server(answer(content)) as server, open_means() as means:
        platform = HousecallPro(means, PlatformConfig(server.url, 100))
        access = Access(a_draft().tenant_id, a_draft().tenant_id, {"apiKey": "a"})
        query = ChangesQuery("schedule", WINDOW)
        draft = a_draft()
        with pytest.raises(ProviderDown):
            await platform.account(access, seconds=5)
        with pytest.raises(ProviderDown):
            await platform.changes(access, query, seconds=5)
        with pytest.raises(ProviderDown):
            await platform.technicians(access, seconds=5)
        with pytest.raises(ProviderDown):
            await platform.put_event(access, "schedule", draft, None, seconds=5)


async def test_identifiers_stay_in_their_place() -> None:
    async with (
        raw_server(answer(b"", "404 Not Found")) as server,
        open_means() as means,
    ):
        platform = HousecallPro(means, PlatformConfig(server.url, 100))
        access = Access(a_draft().tenant_id, a_draft().tenant_id, {"apiKey": "a"})
        await platform.delete_event(access, "schedule", "..?a#b/c", seconds=5)
        assert server.heard[0].startswith(
            "GET /jobs/..%3Fa%23b?expand%5B%5D=appointments HTTP/1.1"
        )
        assert await platform.customer(access, "../a", seconds=5) is None
        assert server.heard[1].startswith("GET /customers/..%2Fa HTTP/1.1")
