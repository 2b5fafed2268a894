"""Letting owners connect their accounts by OAuth."""

from typing_extensions import override

from universal_calendar.providers._http import answered_within
from universal_calendar.providers._oauth import OAuth
from universal_calendar.services.ports.authorization import (
    AuthorizationRequest,
    AuthorizingProvider,
    Grant,
    Secrets,
)
from universal_calendar.services.ports.calendars import Access


class OAuthAuthorizer(AuthorizingProvider):
    """Lets owners connect accounts of one provider."""

    def __init__(self, oauth: OAuth) -> None:
        """Take the tokens' keeper."""
        self._oauth = oauth

    @override
    def authorization_url(self, request: AuthorizationRequest) -> str:
        """Return where the owner's browser is to go."""
        return self._oauth.authorization_url(request)

    @override
    async def redeem(self, grant: Grant, *, seconds: float) -> Secrets:
        """Exchange a code for what opens the account."""
        async with answered_within(seconds):
            return await self._oauth.redeem(grant, seconds=seconds)

    @override
    async def renew(self, secrets: Secrets, *, seconds: float) -> Secrets:
        """Exchange the refresh token for new tokens."""
        async with answered_within(seconds):
            return await self._oauth.renew(secrets, seconds=seconds)

    @override
    async def revoke(self, access: Access, *, seconds: float) -> None:
        """Give the authorisation back; one that is gone already is no error."""
        async with answered_within(seconds):
            await self._oauth.revoke(access, seconds=seconds)
