"""What Housecall Pro is, and can do."""

from typing import Final

from universal_calendar.providers.provider import Capability, Credential, Manifest

MANIFEST: Final = Manifest(
    slug="housecallpro",
    name="Housecall Pro",
    capabilities=frozenset(
        {
            Capability.WRITES_EVENTS,
            Capability.READS_CHANGES,
            Capability.MANAGES_JOBS,
        }
    ),
    credentials=(
        Credential(
            "apiKey",
            "API key",
            "In Housecall Pro: My Apps, App Store, API, Generate API key. It needs the"
            " MAX plan.",
        ),
        Credential(
            "companyId",
            "Company ID",
            "If you give it, the key must be this company's.",
            is_secret=False,
            is_optional=True,
        ),
    ),
)
