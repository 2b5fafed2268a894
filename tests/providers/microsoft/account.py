"""A connected account at the stand-in, as our settings and rows would have it."""

from tests.providers.microsoft.login import CLIENT_ID, CLIENT_SECRET
from tests.providers.microsoft.server import FakeMicrosoft
from universal_calendar.clock import utc_now
from universal_calendar.providers.provider import OAuthConfig


def registration(microsoft: FakeMicrosoft, api_url: str) -> OAuthConfig:
    login = f"{microsoft.url}/login"
    return OAuthConfig(
        CLIENT_ID, CLIENT_SECRET, f"{login}/authorize", f"{login}/token", api_url
    )


def connected_secrets(
    microsoft: FakeMicrosoft, *, lives: float = 3600
) -> dict[str, str]:
    """Return secrets whose access token expires in so many seconds."""
    tokens = microsoft.login.tokens()
    return {
        "accessToken": str(tokens["access_token"]),
        "refreshToken": str(tokens["refresh_token"]),
        "expiresAt": str(int(utc_now().timestamp() + lives)),
    }
