"""What Jobber is, and can do."""

from typing import Final

from universal_calendar.providers.provider import Capability, Credential, Manifest

MANIFEST: Final = Manifest(
    slug="jobber",
    name="Jobber",
    capabilities=frozenset(
        {
            Capability.WRITES_EVENTS,
            Capability.READS_CHANGES,
            Capability.AUTHORIZES,
            Capability.MANAGES_JOBS,
        }
    ),
    credentials=(
        Credential("apiKey", "Access token", "of your own app in Jobber's developers'"),
        Credential(
            "subdomain",
            "Subdomain",
            "kept, not used",
            is_secret=False,
            is_optional=True,
        ),
        Credential(
            "refreshToken", "Refresh token", "if the token has one", is_optional=True
        ),
        Credential(
            "accessToken", "Access token of OAuth", "if you have one", is_optional=True
        ),
        Credential(
            "expiresAt",
            "When that ends",
            "in seconds since 1970",
            is_secret=False,
            is_optional=True,
        ),
    ),
)
