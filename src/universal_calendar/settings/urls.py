"""What a URL in a setting may be."""

import re
from typing import Final

_WEB_URL: Final = re.compile(r"https?://[^\s/@?#]+(/[^\s?#]*)?", re.ASCII)


def checked_url(value: str, example: str) -> str:
    """Return a URL without user, query and fragment; raise ValueError with a mend."""
    if not _WEB_URL.fullmatch(value):
        raise ValueError(f"use a URL such as {example}")
    return value
