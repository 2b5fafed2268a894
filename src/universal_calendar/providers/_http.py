"""HTTP to a provider: what it answered, or the error that says what follows from it."""

import asyncio
import re
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import orjson

from universal_calendar.core.provider_errors import (
    EventChanged,
    EventGone,
    NotAuthorized,
    ProviderDown,
    ProviderError,
    Rejected,
    Throttled,
)
from universal_calendar.outgoing.errors import (
    AddressRefused,
    AnswerTooLarge,
    OutgoingError,
)
from universal_calendar.outgoing.http import (
    OutgoingRequest,
    OutgoingResponse,
    Sender,
)
from universal_calendar.providers.provider import Now
from universal_calendar.services.ports.authorization import GrantRefused

_ERRORS: Final[Mapping[int, type[ProviderError]]] = {
    401: NotAuthorized,
    404: EventGone,
    408: ProviderDown,
    409: EventChanged,
    410: EventGone,
    412: EventChanged,
    425: ProviderDown,
}
_SECONDS: Final = re.compile(r"[0-9]{1,9}")
# A character beyond the first 65,536 is escaped in two halves (RFC 8259 §7).
_ESCAPE: Final = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


class ProviderHttp:
    """Sends requests to a provider and turns refusals into errors."""

    def __init__(self, sender: Sender, now: Now) -> None:
        """Take the sender, and the clock that Retry-After dates are read by."""
        self._sender, self._now = sender, now

    async def send(
        self,
        request: OutgoingRequest,
        *,
        seconds: float,
        expected: Collection[int] = (),
    ) -> OutgoingResponse:
        """Return a 2xx, or an expected status; raise the ProviderError of any other."""
        try:
            answer = await self._sender.send(request, seconds=seconds)
        except (AddressRefused, AnswerTooLarge) as error:
            raise Rejected from error
        except OutgoingError as error:
            raise ProviderDown from error
        if 200 <= answer.status < 300 or answer.status in expected:
            return answer
        raise error_of(answer, self._now())


def error_of(answer: OutgoingResponse, now: datetime) -> ProviderError:
    """Return what follows from an answer; nothing of its body is kept."""
    retry_after = _seconds_to_wait(answer.headers, now)
    if answer.status == 429 or (answer.status == 503 and retry_after is not None):
        return Throttled(retry_after)
    if answer.status >= 500:
        return ProviderDown()
    return _ERRORS.get(answer.status, Rejected)()


def _seconds_to_wait(headers: Mapping[str, str], now: datetime) -> float | None:
    """Read Retry-After (RFC 9110 §10.2.3): seconds, or a date."""
    text = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    until = _date(text)
    if until is None:
        return None
    # By the provider's own clock where it shows it: ours may be wrong.
    return max(0.0, (until - (_date(headers.get("date", "")) or now)).total_seconds())


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


def json_of(answer: OutgoingResponse) -> dict[str, Any]:
    """Return the JSON object that was answered; raise ProviderDown for anything else.

    A page of HTML under a 200 comes from something before the provider, and passes.
    """
    try:
        found = _loaded(answer.content)
    except ValueError:
        raise ProviderDown from None  # the cause quotes the body
    if not isinstance(found, dict):
        raise ProviderDown
    return found


def _loaded(content: bytes) -> object:
    """Read JSON; half an emoji, where some title was cut off, hides nothing else."""
    try:
        return orjson.loads(content)
    except ValueError:
        return orjson.loads(_ESCAPE.sub(_whole, content))


def _whole(escape: re.Match[bytes]) -> bytes:
    return rb"\ufffd" if escape["half"] else escape[0]


@asynccontextmanager
async def answered_within(seconds: float) -> AsyncIterator[None]:
    """Bound a call of several requests; raise ProviderDown when the time is up.

    An answer that is not what its contract says counts as the provider's own fault.
    """
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise ProviderDown from error
    except GrantRefused:
        raise
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
        raise ProviderDown from None  # the cause may quote what was answered
