"""Every provider there is, by its slug; nothing else names one."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from universal_calendar.providers.caldav.client import open_apple, open_caldav
from universal_calendar.providers.fake.client import open_fake
from universal_calendar.providers.google.client import open_google
from universal_calendar.providers.housecallpro.client import open_housecallpro
from universal_calendar.providers.jobber.client import open_jobber
from universal_calendar.providers.microsoft.client import open_microsoft
from universal_calendar.providers.provider import Factory

PROVIDERS: Final[Mapping[str, Factory]] = MappingProxyType(
    {
        "apple": open_apple,
        "caldav": open_caldav,
        "fake": open_fake,
        "google": open_google,
        "housecallpro": open_housecallpro,
        "jobber": open_jobber,
        "microsoft": open_microsoft,
    }
)
