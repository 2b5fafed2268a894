"""What Microsoft is, and can do."""

from typing import Final

from universal_calendar.providers.provider import Capability, Manifest

MANIFEST: Final = Manifest(
    slug="microsoft",
    name="Microsoft 365",
    capabilities=frozenset(Capability) - {Capability.MANAGES_JOBS},
)
