"""What both shells share: translate httpx2's answers and failures, log, draw."""

import logging
import random
import time
import uuid

import httpx2

from universal_calendar_client._answer import Answer
from universal_calendar_client._requests import Call, Failure, Result, header_text
from universal_calendar_client._retries import Effort

DEFAULT_TIMEOUT_SECONDS = 10.0

_logger = logging.getLogger("universal_calendar_client")
_logger.addHandler(logging.NullHandler())
_random = random.SystemRandom()

# A protocol this end broke, or a scheme httpx2 does not speak, stays so.
_PERMANENT = (httpx2.LocalProtocolError, httpx2.UnsupportedProtocol)


def default_headers(api_key: str) -> dict[str, str]:
    """Return the headers of every request; the only place that sees the key."""
    return {
        "X-API-Key": header_text("api_key", api_key),
        "Accept": "application/json",
    }


def new_idempotency_key() -> str:
    """Make the key that all tries of one booking share."""
    return str(uuid.uuid4())  # noqa: TID251 - the client has no NewId port; callers may pass their key


def answer_of(response: httpx2.Response) -> Answer:
    """Copy what the core needs; an httpx2 response also holds the key we sent."""
    return Answer(response.status_code, dict(response.headers), response.content)


def failure_of(error: httpx2.RequestError | httpx2.InvalidURL) -> Failure:
    """Judge whether the same request may fare better later."""
    lost = isinstance(error, httpx2.TransportError)
    return Failure(error, temporary=lost and not isinstance(error, _PERMANENT))


def effort_of(tries: int, started: float) -> Effort:
    """Measure what a call cost since `started`, a reading of time.monotonic."""
    return Effort(tries, time.monotonic() - started, _random.random())


def log_try(
    call: Call[Result], outcome: Answer | Failure, tries: int, delay: float | None
) -> None:
    """Log ids and statuses only: never names, keys or what the service said."""
    if isinstance(outcome, Failure):
        what, request_id = type(outcome.error).__name__, None
    else:
        what, request_id = str(outcome.status_code), outcome.request_id
    fine = isinstance(outcome, Answer) and outcome.status_code < 400
    level = logging.INFO if fine else logging.WARNING
    message = "%s: %s, try %d, request %s, %s"
    then = "done" if delay is None else f"next try in {delay:.2f} s"
    _logger.log(level, message, call.operation, what, tries, request_id, then)
