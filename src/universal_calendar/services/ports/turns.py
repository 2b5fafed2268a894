"""Turns: who looks for something at a provider, and makes it where it is not there."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from universal_calendar.services.ports.calendars import Access


class Turns(Protocol):
    """Lets one at a time work with an account, over all processes."""

    def of(
        self, access: Access, *, seconds: float
    ) -> AbstractAsyncContextManager[None]:
        """Have the account's turn for a block that ends within so many seconds.

        Raises Throttled when others had it for the first half of them: what is begun
        too late is cut off amid its work.
        """
