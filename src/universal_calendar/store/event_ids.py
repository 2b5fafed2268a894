"""Ids of events outside, as rows can hold them."""

import hashlib
from typing import Final

_LONGEST_ID: Final = 1024
"""In bytes; an index entry holds little more."""


def stored_id(event_id: str) -> str:
    """Return the id under which an event is kept: its own, or one made from that.

    A server that tenants choose may send ids that no row can hold.
    """
    name = event_id.encode(errors="surrogatepass")
    if len(name) <= _LONGEST_ID and event_id.isprintable():
        return event_id
    return f"sha256-{hashlib.sha256(name).hexdigest()}"
