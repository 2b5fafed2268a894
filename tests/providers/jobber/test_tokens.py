"""Tokens of Jobber: they expire, rotate, and are taken away."""

import asyncio
from dataclasses import replace

import pytest

from tests.contracts.authorizing import AuthorizingExam
from tests.contracts.drafts import SECONDS
from tests.contracts.schedules import ExaminedPlatform
from tests.providers.jobber.asking import drafted, put
from tests.providers.jobber.owner import Owner
from tests.providers.jobber.server import JobberServer
from tests.providers.jobber.world import JobberConsent, examined_at
from tests.providers.means import open_means
from universal_calendar.core.provider_errors import NotAuthorized, Rejected
from universal_calendar.providers.jobber.client import open_jobber
from universal_calendar.providers.jobber.manifest import MANIFEST
from universal_calendar.providers.provider import Capability


@pytest.mark.parametrize("by_status", [True, False])
async def test_twenty_at_once_renew_once(
    examined: ExaminedPlatform, server: JobberServer, owner: Owner, by_status: bool
) -> None:
    """A refresh token that was used is worthless: two renewals would lose it."""
    server.jobber.tells_by_status = by_status
    for number in range(1, 4):
        owner.expires_tokens()
        asking = [
            examined.platform.account(examined.access, seconds=SECONDS)
            for _ in range(20)
        ]
        await asyncio.gather(*asking)
        assert server.jobber.consents.renewals == number
    assert len(server.jobber.consents.lasting) == 1


async def test_token_lives_for_an_hour(
    examined: ExaminedPlatform, server: JobberServer, owner: Owner
) -> None:
    """Jobber does not say so in its answers; nothing is renewed before."""
    consent = JobberConsent(owner)
    grant = await AuthorizingExam().grant(examined, consent)
    assert examined.provider.authorizer is not None
    opened = await examined.provider.authorizer.redeem(grant, seconds=SECONDS)
    access = replace(examined.access, secrets=opened)
    for _ in range(3):
        await examined.platform.account(access, seconds=SECONDS)
    assert server.jobber.consents.renewals == 0


async def test_disconnected_there(examined: ExaminedPlatform, owner: Owner) -> None:
    owner.disconnects()
    with pytest.raises(NotAuthorized):
        await put(examined, drafted())


async def test_disconnected_here(
    examined: ExaminedPlatform, server: JobberServer, owner: Owner
) -> None:
    authorizer = examined.provider.authorizer
    assert authorizer is not None
    for _ in range(2):
        await authorizer.revoke(examined.access, seconds=SECONDS)
    assert server.jobber.done == ["appDisconnect"]
    assert server.jobber.consents.lasting == {}


async def test_key_of_its_owner_stays(server: JobberServer, owner: Owner) -> None:
    async with examined_at(server, owner, apiKey=owner.api_key()) as examined:
        assert examined.provider.authorizer is not None
        await examined.provider.authorizer.revoke(examined.access, seconds=SECONDS)
        await put(examined, drafted())
        owner.disconnects()
        with pytest.raises(NotAuthorized):
            await put(examined, drafted())


async def test_tokens_without_a_registration(
    server: JobberServer, owner: Owner
) -> None:
    """They serve as long as they live: only who is registered can renew them."""
    async with examined_at(server, owner) as examined, open_means({}) as means:
        provider = open_jobber(replace(means, platforms={"jobber": server.platform}))
        assert provider is not None
        assert provider.authorizer is None
        assert provider.manifest.capabilities == MANIFEST.capabilities - {
            Capability.AUTHORIZES
        }
        assert provider.calendars is not None
        account = await provider.calendars.account(examined.access, seconds=SECONDS)
        assert account.account == owner.account
        owner.expires_tokens()
        with pytest.raises(NotAuthorized):
            await provider.calendars.account(examined.access, seconds=SECONDS)


@pytest.mark.parametrize("expiry", ["tomorrow", "nan", "-1", "2026-12-05T14:30:00Z"])
async def test_expiry_that_is_none(
    server: JobberServer, owner: Owner, expiry: str
) -> None:
    """It is its owner's to mend: asking again does not help."""
    tokens = owner.credentials() | {"expiresAt": expiry}
    async with examined_at(server, owner, **tokens) as examined:
        with pytest.raises(Rejected):
            await examined.platform.account(examined.access, seconds=SECONDS)


async def test_not_opened_without_an_address() -> None:
    async with open_means() as means:
        assert open_jobber(replace(means, platforms={})) is None
