"""Reading a calendar page by page: what changed, or everything."""

from universal_calendar.core.instant import Instant
from universal_calendar.core.interval import Interval
from universal_calendar.core.provider_errors import ProviderDown, SyncTokenStale
from universal_calendar.core.sync import Reading, is_outgrown, window_at
from universal_calendar.services.calendars.asking import Asking
from universal_calendar.services.ports.calendars import (
    CalendarReader,
    ChangedEvent,
    ChangesQuery,
)
from universal_calendar.services.ports.mirror import Place


class CalendarReading:
    """One reading of a calendar by one sync."""

    def __init__(self, asking: Asking, reader: CalendarReader) -> None:
        """Take what asks, and whom."""
        self._asking, self._reader = asking, reader

    async def read(self) -> tuple[Reading, Place]:
        """Return what changed; or everything, where that cannot be told."""
        calendar, now = self._asking.calendar, self._asking.budget.now
        is_full = calendar.is_full_wanted or is_outgrown(calendar.window_end, now)
        token = None if is_full else calendar.sync_token
        if token is None:
            return await self._read_from(None)
        try:
            return await self._read_from(token)
        except SyncTokenStale:
            return await self._read_from(None)

    async def _read_from(self, token: str | None) -> tuple[Reading, Place]:
        began, events = self._asking.budget.now, dict[str, ChangedEvent]()
        window = self._window(began, is_full=token is None)
        external_id = self._asking.calendar.external_id
        query: ChangesQuery | None = ChangesQuery(external_id, window, token)
        last_token = None
        while query is not None:
            page = await self._asking.page(self._reader, query)
            events.update((event.event_id, event) for event in page.events)
            query, last_token = page.next_page, page.sync_token
        if last_token is None:
            raise ProviderDown  # nobody could say where to go on
        reading = Reading(events, window, token is None, began)
        return reading, Place(last_token, window, token is None)

    def _window(self, now: Instant, *, is_full: bool) -> Interval:
        window, end = window_at(now), self._asking.calendar.window_end
        return window if is_full or end is None else Interval(window.start, end)
