"""The blocking shell."""

import time
from collections.abc import Callable
from datetime import date
from datetime import time as time_of_day
from types import TracebackType
from typing import Self

import httpx2

from universal_calendar_client._answer import Answer
from universal_calendar_client._requests import (
    BookingRequest,
    Call,
    Failure,
    Request,
    Result,
    booking_call,
    checked_base_url,
    free_slots_call,
)
from universal_calendar_client._results import Booking, FreeSlots
from universal_calendar_client._retries import RetryPolicy, retry_delay
from universal_calendar_client._shell import (
    DEFAULT_TIMEOUT_SECONDS,
    answer_of,
    default_headers,
    effort_of,
    failure_of,
    log_try,
    new_idempotency_key,
)


class CalendarClient:
    """Query free slots and book them; leaving `with` closes the connections.

    `timeout` bounds connecting, sending and each wait for data, in seconds.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        transport: httpx2.BaseTransport | None = None,
        timeout: float | httpx2.Timeout = DEFAULT_TIMEOUT_SECONDS,
        retries: RetryPolicy = RetryPolicy(),  # noqa: B008 - frozen, safe to share
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.base_url = checked_base_url(base_url)
        self._http = httpx2.Client(
            headers=default_headers(api_key), transport=transport, timeout=timeout
        )
        self._retries = retries
        self._sleep = sleep

    def get_free_slots(
        self,
        agent_id: str,
        start_date: date | str,
        end_date: date | str,
        duration_minutes: int = 30,
    ) -> FreeSlots:
        """List the free slots between two dates of the agent, both included."""
        dates = (start_date, end_date)
        return self._send(
            free_slots_call(self.base_url, agent_id, dates, duration_minutes)
        )

    def book_appointment(  # noqa: PLR0913 - the guide's signature
        self,
        agent_id: str,
        participant_name: str,
        booking_date: date | str,
        booking_time: time_of_day | str,
        duration_minutes: int = 30,
        participant_email: str | None = None,
        participant_phone: str | None = None,
        description: str | None = None,
        external_reference_id: str | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> Booking:
        """Book a time on the agent's calendar; raise BookingConflictError if taken.

        Calls with the same `idempotency_key` book once; without it each call gets its
        own, which all its tries share.
        """
        booking = BookingRequest(
            agent_id=agent_id,
            participant_name=participant_name,
            booking_date=booking_date,
            booking_time=booking_time,
            duration_minutes=duration_minutes,
            participant_email=participant_email,
            participant_phone=participant_phone,
            description=description,
            external_reference_id=external_reference_id,
        )
        key = new_idempotency_key() if idempotency_key is None else idempotency_key
        return self._send(booking_call(self.base_url, booking, key))

    def close(self) -> None:
        """Close all connections; the client cannot be used afterwards."""
        self._http.close()

    def __enter__(self) -> Self:
        """Return the client itself."""
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close all connections."""
        self.close()

    def _send(self, call: Call[Result]) -> Result:
        started, tries = time.monotonic(), 0
        while True:
            outcome = self._try(call.request)
            tries += 1
            delay = retry_delay(outcome, effort_of(tries, started), self._retries)
            log_try(call, outcome, tries, delay)
            if delay is None:
                return call.result(outcome)
            self._sleep(delay)

    def _try(self, request: Request) -> Answer | Failure:
        try:
            response = self._http.request(
                request.method,
                request.url,
                headers=request.headers,
                content=request.content,
            )
        except (httpx2.RequestError, httpx2.InvalidURL) as error:
            return failure_of(error)
        return answer_of(response)
