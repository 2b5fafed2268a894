"""What may be asked: points and requests are spent first, and Jobber's word counts."""

from dataclasses import replace
from uuid import UUID

import pytest
import structlog
from typing_extensions import override

from tests.contracts.drafts import SECONDS, WINDOW
from tests.contracts.schedules import ExaminedPlatform
from tests.providers.jobber.asking import drafted, put, read
from tests.providers.jobber.owner import Owner
from tests.providers.jobber.server import JobberServer
from tests.providers.jobber.world import JobberWorld
from tests.providers.means import Spending, means_of
from universal_calendar.core.provider_errors import (
    NotAuthorized,
    ProviderDown,
    ProviderError,
    Rejected,
    Throttled,
)
from universal_calendar.outgoing.http import Sender
from universal_calendar.providers.jobber import documents
from universal_calendar.providers.jobber.client import open_jobber
from universal_calendar.providers.provider import Provider
from universal_calendar.services.ports.calendars import Access, ChangesQuery
from universal_calendar.services.ports.quotas import Bucket


async def account(examined: ExaminedPlatform) -> str:
    found = await examined.platform.account(examined.access, seconds=SECONDS)
    return found.account


async def test_throttled_until_the_points_are_there(
    examined: ExaminedPlatform, owner: Owner
) -> None:
    owner.has_points(10, a_second=0)
    with pytest.raises(Throttled) as caught:
        await read(examined)
    page = documents.SCHEDULE
    missing = page.cost + page.each * 50 - 10
    assert caught.value.retry_after == pytest.approx(missing / 500, abs=0.01)


async def test_a_company_of_more_people_than_there_are_points_for(
    examined: ExaminedPlatform, owner: Owner, server: JobberServer
) -> None:
    everybody = {owner.employs(f"Mike {each}") for each in range(150)}
    owner.has_points(1_000, a_second=0)
    with pytest.raises(Throttled) as caught:
        await examined.platform.technicians(examined.access, seconds=SECONDS)
    assert caught.value.retry_after == pytest.approx(1, abs=1)
    owner.has_points(1_000, a_second=0)
    found = await examined.platform.technicians(examined.access, seconds=SECONDS)
    ids = [each.technician_id for each in found]
    assert len(ids) == len(set(ids))
    assert everybody < set(ids)


@pytest.fixture
def spending() -> Spending:
    return Spending()


async def test_spent_before_and_learned_after(
    server: JobberServer, owner: Owner, spending: Spending
) -> None:
    owner.has_points(5_000, a_second=0)
    sender = Sender(is_guarded=False)
    try:
        provider, access = _opened(server, owner, sender, spending)
        assert provider.reader is not None
        assert provider.calendars is not None
        await provider.calendars.account(access, seconds=SECONDS)
    finally:
        await sender.close()
    points, requests = Bucket("points", 10_000, 20), Bucket("requests", 500, 60)
    assert spending.spent == [
        (access.connection_id, requests, 1),
        (access.connection_id, points, documents.ACCOUNT.cost),
    ]
    # Less than was asked for was answered: what counts is what is left there.
    assert spending.learned == [(access.connection_id, points, 4_995)]
    assert spending.unspent == [documents.ACCOUNT.cost - 5]


async def test_a_sync_leaves_points_to_bookings(
    server: JobberServer, owner: Owner, spending: Spending
) -> None:
    sender = Sender(is_guarded=False)
    try:
        provider, access = _opened(server, owner, sender, spending)
        assert provider.field_service is not None
        await provider.field_service.changes(
            access, ChangesQuery("schedule", WINDOW), seconds=SECONDS
        )
        await provider.field_service.named(access, "nobody", WINDOW, seconds=SECONDS)
    finally:
        await sender.close()
    points = [(bucket, amount) for _, bucket, amount in spending.spent if amount > 1]
    part, page = Bucket("points", 6_000, 12), documents.SCHEDULE
    assert points == [
        (part, page.cost + 50 * page.each),
        (part, documents.NAMED_VISIT.cost),
    ]


async def test_nothing_is_asked_beyond_the_quota(
    server: JobberServer, owner: Owner
) -> None:
    class Empty(Spending):
        @override
        async def spend(
            self, connection_id: UUID, bucket: Bucket, amount: float
        ) -> None:
            raise Throttled(7.0)

    sender = Sender(is_guarded=False)
    try:
        provider, access = _opened(server, owner, sender, Empty())
        assert provider.calendars is not None
        with pytest.raises(Throttled) as caught:
            await provider.calendars.account(access, seconds=SECONDS)
    finally:
        await sender.close()
    assert caught.value.retry_after == 7.0
    assert server.jobber.asked == []


def _opened(
    server: JobberServer, owner: Owner, sender: Sender, spending: Spending
) -> tuple[Provider, Access]:
    platforms = {"jobber": server.platform}
    means = replace(means_of(sender, {}, platforms), quota=spending)
    provider = open_jobber(means)
    assert provider is not None
    return provider, Access(UUID(int=1), UUID(int=2), {"apiKey": owner.api_key()})


async def test_too_many_requests(
    examined: ExaminedPlatform, world: JobberWorld
) -> None:
    world.throttles(30, as_date=False)
    with pytest.raises(Throttled) as caught:
        await put(examined, drafted())
    assert caught.value.retry_after == 30
    await put(examined, drafted())


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("UNAUTHENTICATED", NotAuthorized),
        ("INTERNAL_SERVER_ERROR", ProviderDown),
        (None, ProviderDown),
        ("undefinedField", Rejected),
        ("THROTTLED", Throttled),
    ],
)
async def test_codes_of_errors(
    server: JobberServer,
    owner: Owner,
    code: str | None,
    error: type[ProviderError],
    spending: Spending,
) -> None:
    extensions = {} if code is None else {"extensions": {"code": code}}
    answer = {"errors": [{"message": "Secret of theirs", **extensions}]}
    server.jobber.refusals.append(answer)
    sender = Sender(is_guarded=False)
    try:
        provider, access = _opened(server, owner, sender, spending)
        assert provider.calendars is not None
        with pytest.raises(error) as caught:
            await provider.calendars.account(access, seconds=SECONDS)
    finally:
        await sender.close()
    assert "Secret" not in str(caught.value)


async def test_more_than_there_ever_is(
    examined: ExaminedPlatform, server: JobberServer
) -> None:
    status = {
        "maximumAvailable": 1_000,
        "currentlyAvailable": 1_000,
        "restoreRate": 500,
    }
    cost = {"requestedQueryCost": 1_001, "throttleStatus": status}
    error = {"message": "Throttled", "extensions": {"code": "THROTTLED"}}
    server.jobber.refusals.append({"errors": [error], "extensions": {"cost": cost}})
    with pytest.raises(Rejected):
        await read(examined)


async def test_refusal_for_lack_of_points_names_no_cost(
    examined: ExaminedPlatform, server: JobberServer
) -> None:
    status = {"maximumAvailable": 1_000, "currentlyAvailable": 0, "restoreRate": 500}
    cost = {
        "requestedQueryCost": 500,
        "actualQueryCost": None,
        "throttleStatus": status,
    }
    error = {"message": "Throttled", "extensions": {"code": "THROTTLED"}}
    server.jobber.refusals.append({"errors": [error], "extensions": {"cost": cost}})
    with pytest.raises(Throttled):
        await read(examined)


async def test_version_that_ends_is_logged_once(
    examined: ExaminedPlatform, server: JobberServer
) -> None:
    server.jobber.warning = "Version 2025-04-16, says jane@example.com, will stop"
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            await account(examined)
    assert [(each["event"], each["log_level"]) for each in logs] == [
        ("jobber_version_ends", "warning")
    ]
    assert logs[0]["reason"] == "2025-04-16"
