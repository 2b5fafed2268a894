"""Client of the Universal Calendar agent API: query free slots and book them."""

from universal_calendar_client._answer import Answer
from universal_calendar_client._async_client import AsyncCalendarClient
from universal_calendar_client._client import CalendarClient
from universal_calendar_client._errors import (
    AuthenticationError,
    BookingConflictError,
    CalendarAPIError,
    FieldError,
    RateLimitedError,
    ServiceUnavailableError,
    ValidationError,
)
from universal_calendar_client._results import (
    Alternative,
    Booking,
    BookingDetails,
    DaySlots,
    FreeSlots,
    Slot,
)
from universal_calendar_client._retries import RetryPolicy

__all__ = [
    "Alternative",
    "Answer",
    "AsyncCalendarClient",
    "AuthenticationError",
    "Booking",
    "BookingConflictError",
    "BookingDetails",
    "CalendarAPIError",
    "CalendarClient",
    "DaySlots",
    "FieldError",
    "FreeSlots",
    "RateLimitedError",
    "RetryPolicy",
    "ServiceUnavailableError",
    "Slot",
    "ValidationError",
]
