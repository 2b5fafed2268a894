"""Phone numbers as people write them, and as they are compared."""

import phonenumbers


def normalized_phone(text: str) -> str:
    """Return E.164 where the number can be read as international, else its digits.

    Best effort, never an error: the agent API takes any text for a phone.
    """
    try:
        number = phonenumbers.parse(text, None)
    except phonenumbers.NumberParseException:
        return "".join(c for c in text if c.isascii() and c.isdigit())
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
