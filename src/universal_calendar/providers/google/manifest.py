"""What Google Calendar is, and can do."""

from typing import Final

from universal_calendar.providers.provider import Capability, Manifest

MANIFEST: Final = Manifest(
    slug="google",
    name="Google Calendar",
    capabilities=frozenset(Capability) - {Capability.MANAGES_JOBS},
)
