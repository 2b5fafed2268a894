"""What the fake is, and can do."""

from typing import Final

from universal_calendar.providers.provider import Capability, Manifest

MANIFEST: Final = Manifest(
    slug="fake",
    name="Sandbox",
    capabilities=frozenset(
        {Capability.WRITES_EVENTS, Capability.READS_CHANGES, Capability.PUSHES}
    ),
    credentials=("baseUrl", "accessToken", "refreshToken"),
    is_for_development=True,
)
