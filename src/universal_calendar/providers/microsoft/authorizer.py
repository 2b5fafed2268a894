"""Connecting accounts of Microsoft 365 and Outlook.com by OAuth."""

from typing import Final

from typing_extensions import override

from universal_calendar.providers._http import answered_within
from universal_calendar.providers._oauth import OAuth, Scopes
from universal_calendar.services.ports.authorization import (
    AuthorizationRequest,
    AuthorizingProvider,
    Grant,
    Secrets,
)
from universal_calendar.services.ports.calendars import Access

SCOPES: Final = Scopes(
    asked=("offline_access", "openid", "email", "User.Read", "Calendars.ReadWrite"),
    # That offline_access was granted shows in the refresh token alone.
    needed=frozenset({"User.Read", "Calendars.ReadWrite"}),
    parameters={"prompt": "select_account", "response_mode": "query"},
    prefix="https://graph.microsoft.com/",
)


class MicrosoftAuthorizer(AuthorizingProvider):
    """Lets owners connect accounts."""

    def __init__(self, oauth: OAuth) -> None:
        """Take what asks for tokens."""
        self._oauth = oauth

    @override
    def authorization_url(self, request: AuthorizationRequest) -> str:
        """Return where the owner's browser is to go."""
        return self._oauth.authorization_url(request)

    @override
    async def redeem(self, grant: Grant, *, seconds: float) -> Secrets:
        """Exchange a code for tokens."""
        async with answered_within(seconds):
            return await self._oauth.redeem(grant, seconds=seconds)

    @override
    async def revoke(self, access: Access, *, seconds: float) -> None:
        """Do nothing: Microsoft has no way to; tokens end once they are forgotten."""
