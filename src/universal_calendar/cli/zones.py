"""Which time zone rules are in use, and whether they are recent enough."""

import re
import zoneinfo
from importlib import import_module
from pathlib import Path
from typing import Final

from universal_calendar.cli.checks import Ailment

# Governments announce a change months before: rules of last year miss some.
OLDEST_YEARS: Final = 2
_MEND: Final = (
    "Update the system's package tzdata, or set PYTHONTZPATH to an empty text, so that"
    " the Python package tzdata is used"
)
_VERSION: Final = re.compile(r"# version (\S+)")


def zone_rules() -> str:
    """Describe the rules in use; raise Ailment for missing or old ones."""
    packaged = str(import_module("tzdata").IANA_VERSION)
    system = _system_version()
    try:
        zoneinfo.ZoneInfo("America/New_York")
    except zoneinfo.ZoneInfoNotFoundError:
        raise Ailment("There are no time zones", _MEND) from None
    if system is None:
        return f"IANA {packaged}, from the Python package tzdata"
    if int(packaged[:4]) - int(system[:4]) >= OLDEST_YEARS:
        raise Ailment(f"The system's rules are of IANA {system}", _MEND)
    return f"IANA {system}, from the system (the Python package has {packaged})"


def _system_version() -> str | None:
    """Return the version of the first folder that zones are read from, if any."""
    folders = (Path(each) for each in zoneinfo.TZPATH)
    folder = next((each for each in folders if (each / "UTC").exists()), None)
    if folder is None:
        return None
    try:
        with (folder / "tzdata.zi").open() as rules:
            found = _VERSION.match(rules.readline())
    except OSError:
        return "0000"
    return found.group(1) if found else "0000"
