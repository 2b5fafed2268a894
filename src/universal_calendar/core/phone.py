"""Phone numbers as people write them, and as they are compared."""

import unicodedata

import phonenumbers


def normalized_phone(text: str) -> str:
    """Return E.164 where the number can be read as international, else its digits.

    Digits of any script count; "ask at reception" gives "". Best effort, never an
    error: the agent API takes any text for a phone.
    """
    try:
        number = phonenumbers.parse(text, None)
    except phonenumbers.NumberParseException:
        digits = (unicodedata.decimal(character, None) for character in text)
        return "".join(str(digit) for digit in digits if digit is not None)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
