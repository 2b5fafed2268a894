"""What the fake is, and can do."""

from typing import Final

from universal_calendar.providers.provider import Capability, Credential, Manifest

MANIFEST: Final = Manifest(
    slug="fake",
    name="Sandbox",
    capabilities=frozenset(
        {Capability.WRITES_EVENTS, Capability.READS_CHANGES, Capability.PUSHES}
    ),
    credentials=(
        Credential("baseUrl", "Address of the sandbox", is_secret=False),
        Credential("accessToken", "Access token"),
        Credential("refreshToken", "Refresh token"),
    ),
    is_for_development=True,
)
