"""Whose account it is that somebody brings tokens or keys of.

Tokens that have ended are renewed first, where that can be done. Refresh tokens serve
once: whatever goes wrong from then on says that this one is used up.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final

from universal_calendar.core.errors import UniversalCalendarError
from universal_calendar.core.provider_errors import NotAuthorized
from universal_calendar.services.budget import PATIENCE_SECONDS, ended_after
from universal_calendar.services.ports.authorization import AuthorizingProvider
from universal_calendar.services.ports.calendars import (
    Access,
    CalendarProvider,
    ProviderAccount,
)

OPENING_SECONDS: Final = 3 * PATIENCE_SECONDS
"""What it takes at most: to ask, to renew, and to ask again."""
USED_UP: Final = (
    "The refresh token that was sent is used up: get new tokens before you try again"
)


@dataclass(frozen=True, slots=True)
class Opened:
    """Whose account it is, and what opens it now."""

    access: Access
    account: ProviderAccount
    is_renewed: bool = False


@dataclass(frozen=True, slots=True)
class Opening:
    """Opens accounts at the providers that this installation offers, by name."""

    providers: Mapping[str, CalendarProvider]
    authorizers: Mapping[str, AuthorizingProvider] = field(default_factory=dict)

    async def open(self, provider: str, access: Access) -> Opened:
        """Ask whose account it is, with new tokens where these have ended.

        Raises KeyError for a provider that is not offered, and the provider's errors.
        """
        calendars = self.providers[provider]
        try:
            return Opened(access, await _account(calendars, access))
        except NotAuthorized:
            if provider not in self.authorizers:
                raise
        renewed = await self.authorizers[provider].renew(
            access.secrets, seconds=PATIENCE_SECONDS
        )
        access = replace(access, secrets=renewed)
        with telling_what_is_lost(is_renewed=True):
            return Opened(access, await _account(calendars, access), is_renewed=True)


@contextmanager
def telling_what_is_lost(*, is_renewed: bool) -> Iterator[None]:
    """Have errors say that a refresh token is used up, if it is."""
    try:
        yield
    except UniversalCalendarError as error:
        if is_renewed:
            error.add_note(USED_UP)
        raise


async def _account(calendars: CalendarProvider, access: Access) -> ProviderAccount:
    async with ended_after(PATIENCE_SECONDS):
        return await calendars.account(access, seconds=PATIENCE_SECONDS)
