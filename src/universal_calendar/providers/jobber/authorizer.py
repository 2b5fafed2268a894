"""Letting owners of Jobber accounts connect them."""

from collections.abc import Mapping
from typing import Any, Final

from typing_extensions import override

from universal_calendar.core.provider_errors import NotAuthorized
from universal_calendar.providers._authorizer import OAuthAuthorizer
from universal_calendar.providers._http import answered_within
from universal_calendar.providers._oauth import OAuth, Scopes
from universal_calendar.providers.jobber.api import JobberApi
from universal_calendar.providers.jobber.documents import DISCONNECT
from universal_calendar.services.ports.authorization import Secrets
from universal_calendar.services.ports.calendars import Access

SCOPES: Final = Scopes(asked=(), needed=frozenset())
"""None are asked for: an app at Jobber has its scopes in the developer centre."""
_LIFETIME_SECONDS: Final = 3600


class JobberOAuth(OAuth):
    """Jobber's tokens: it does not say how long they live, but in its documentation."""

    @override
    def _secrets(self, tokens: Mapping[str, Any], before: Secrets) -> Secrets:
        return super()._secrets({"expires_in": _LIFETIME_SECONDS, **tokens}, before)


class JobberAuthorizer(OAuthAuthorizer):
    """Lets owners connect accounts of Jobber."""

    def __init__(self, oauth: OAuth, api: JobberApi) -> None:
        """Take the tokens' keeper, and what asks Jobber."""
        super().__init__(oauth)
        self._api = api

    @override
    async def revoke(self, access: Access, *, seconds: float) -> None:
        """Disconnect our app; a key is its owner's own and stays as it is."""
        if not access.secrets.get("refreshToken"):
            return
        async with answered_within(seconds):
            try:
                await self._api.asking(access, seconds)(DISCONNECT)
            except NotAuthorized:
                return
