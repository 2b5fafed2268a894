"""Every provider there is, by its slug; nothing else names one."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from universal_calendar.providers.fake.client import open_fake
from universal_calendar.providers.provider import Factory

PROVIDERS: Final[Mapping[str, Factory]] = MappingProxyType({"fake": open_fake})
