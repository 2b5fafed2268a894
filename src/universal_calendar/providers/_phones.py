"""Phone numbers as platforms have them, and as they are compared.

Numbers are of the United States or Canada unless they say otherwise.
"""

from typing import Final

import phonenumbers

from universal_calendar.core.phone import normalized_phone

_REGION: Final = "US"


def international(text: str | None) -> str | None:
    """Return a number as it is compared: E.164 where it can be read, else digits."""
    number = _parsed(text)
    if number is None:
        return normalized_phone(text or "") or None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def searched(text: str) -> str:
    """Return what finds a number, however it is written there: without its country."""
    number = _parsed(text)
    if number is None:
        return normalized_phone(text)
    return phonenumbers.national_significant_number(number)


def _parsed(text: str | None) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(text or "", _REGION)
    except phonenumbers.NumberParseException:
        return None
