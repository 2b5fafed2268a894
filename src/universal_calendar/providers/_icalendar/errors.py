"""What may be wrong with what strangers write."""


class Unreadable(ValueError):
    """It is not what RFC 5545 says; no text of it is kept."""


class TooMany(Unreadable):
    """Reading all of it would take too long."""
