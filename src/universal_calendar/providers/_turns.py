"""Turns: what one connection makes is made one after the other, in this process.

Else two who look for the same customer at once would both make them.
"""

import asyncio
from uuid import UUID
from weakref import WeakValueDictionary

from universal_calendar.services.ports.calendars import Access


class Turns:
    """A lock for each connection that somebody waits for or works with."""

    def __init__(self) -> None:
        """Begin with none."""
        self._locks: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()

    def of(self, access: Access) -> asyncio.Lock:
        """Return the connection's lock."""
        return self._locks.setdefault(access.connection_id, asyncio.Lock())
