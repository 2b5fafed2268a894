"""Accounts are opened with tokens that have ended: renewed once, and never silently."""

from dataclasses import dataclass, field
from uuid import UUID

import pytest
from typing_extensions import override

from tests.harness.paper.platform import PaperPlatform
from tests.harness.scenes.business import Business
from tests.harness.scenes.calendars import now
from universal_calendar.bootstrap.parts import Parts, new_id
from universal_calendar.core.errors import InvalidField, message_of
from universal_calendar.core.provider_errors import (
    NotAuthorized,
    ProviderDown,
    ProviderError,
)
from universal_calendar.services.connections.connections import Connections
from universal_calendar.services.connections.opening import USED_UP
from universal_calendar.services.ports.authorization import (
    AuthorizationRequest,
    AuthorizingProvider,
    Grant,
    Secrets,
)
from universal_calendar.services.ports.calendars import Access, ProviderAccount
from universal_calendar.services.ports.connections import Connection
from universal_calendar.store.connections.connections import ConnectionTable

ENDED = {"account": "acme", "token": "old", "refresh": "once"}
FRESH = {"account": "acme", "token": "new", "refresh": "twice"}


@dataclass
class Hourly(PaperPlatform, AuthorizingProvider):
    """Takes the new token alone, and a refresh token once."""

    refresh_tokens: set[str] = field(default_factory=lambda: {"once"})
    trouble: ProviderError | None = None
    """What whoever renewed gets instead of the account."""

    @override
    async def account(self, access: Access, *, seconds: float) -> ProviderAccount:
        if access.secrets != FRESH:
            raise NotAuthorized
        if self.trouble is not None:
            raise self.trouble
        return await super().account(access, seconds=seconds)

    @override
    def authorization_url(self, request: AuthorizationRequest) -> str:
        raise LookupError(request)

    @override
    async def redeem(self, grant: Grant, *, seconds: float) -> Secrets:
        raise LookupError(grant)

    @override
    async def renew(self, secrets: Secrets, *, seconds: float) -> Secrets:
        if secrets["refresh"] not in self.refresh_tokens:
            raise NotAuthorized
        self.refresh_tokens.remove(secrets["refresh"])
        return FRESH

    @override
    async def revoke(self, access: Access, *, seconds: float) -> None:
        raise LookupError(access)


@dataclass
class Counter:
    """Where an owner connects accounts of the platform."""

    parts: Parts
    tenant_id: UUID
    platform: Hourly = field(default_factory=Hourly)

    @property
    def table(self) -> ConnectionTable:
        return ConnectionTable(self.parts.database, self.parts.keyring)

    async def connect(
        self, secrets: Secrets, agent_id: UUID | None = None
    ) -> Connection:
        offered = {"paper": self.platform}
        service = Connections(self.table, self.parts.units, offered, new_id, offered)
        return await service.add(self.tenant_id, "paper", secrets, now(), agent_id)


@pytest.fixture
def counter(parts: Parts, business: Business) -> Counter:
    return Counter(parts, business.tenant_id)


async def test_what_was_renewed_is_kept(counter: Counter) -> None:
    made = await counter.connect(ENDED)
    access = await counter.table.access(counter.tenant_id, made.connection_id)
    assert access.secrets == FRESH
    with pytest.raises(NotAuthorized) as refused:
        await counter.connect(ENDED)
    assert USED_UP not in message_of(refused.value)


async def test_an_account_that_cannot_be_kept(
    counter: Counter, business: Business
) -> None:
    """No platform's schedule is one agent's."""
    agent_id = business.agent.agent_id
    with pytest.raises(InvalidField) as lost:
        await counter.connect(ENDED, agent_id)
    assert message_of(lost.value).endswith(f". {USED_UP}")
    with pytest.raises(InvalidField) as kept:
        await counter.connect(FRESH, agent_id)
    assert USED_UP not in message_of(kept.value)


async def test_a_platform_that_goes_down_meanwhile(counter: Counter) -> None:
    counter.platform.trouble = ProviderDown()
    with pytest.raises(ProviderDown) as lost:
        await counter.connect(ENDED)
    assert USED_UP in message_of(lost.value)
