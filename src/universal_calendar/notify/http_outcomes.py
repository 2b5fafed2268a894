"""What an HTTP exchange means for a delivery."""

from collections.abc import Callable

from universal_calendar.outgoing.errors import (
    AddressRefused,
    AnswerTooLarge,
    OutgoingError,
    TimedOut,
)
from universal_calendar.outgoing.http import OutgoingRequest, OutgoingResponse, Sender
from universal_calendar.services.ports.notices import DeliveryError, Outcome, Verdict

Judge = Callable[[OutgoingResponse], Outcome]


async def exchange(
    sender: Sender, request: OutgoingRequest, judge: Judge, *, seconds: float
) -> Outcome:
    """Send the request and judge its answer; what stood in the way is an outcome."""
    try:
        response = await sender.send(request, seconds=seconds)
    except OutgoingError as error:
        return _stopped(error)
    return judge(response)


def _stopped(error: OutgoingError) -> Outcome:
    if isinstance(error, AddressRefused):
        return Outcome(Verdict.REFUSED, DeliveryError.ADDRESS_REFUSED)
    if isinstance(error, TimedOut):
        return Outcome(Verdict.LATER, DeliveryError.TIMED_OUT)
    if isinstance(error, AnswerTooLarge):
        return Outcome(Verdict.LATER, DeliveryError.ANSWER_TOO_LARGE)
    return Outcome(Verdict.LATER, DeliveryError.UNREACHABLE)


def accepted(response: OutgoingResponse) -> Outcome:
    """Return the outcome of an answer that accepts."""
    return Outcome(Verdict.ACCEPTED, status=response.status)


def not_accepted(
    response: OutgoingResponse, verdict: Verdict, error: DeliveryError
) -> Outcome:
    """Return the outcome of an answer that does not, with the wait it asks for."""
    return Outcome(verdict, error, response.status, _retry_after(response))


def _retry_after(response: OutgoingResponse) -> float:
    # The other form, a date, would have to be compared with somebody else's clock.
    text = response.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0.0
