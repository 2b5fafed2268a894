"""Settings of a test, from the names a process would find in its environment."""

from pathlib import Path
from typing import Any

from universal_calendar.settings import Settings


def settings_from(home: Path, **environment: str) -> Settings:
    """Return settings that depend on nothing outside the test."""
    values: dict[str, Any] = {
        name.lower(): value for name, value in environment.items()
    }
    return Settings(_env_file=None, uc_home=home, **values)
