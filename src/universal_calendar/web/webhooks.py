"""Webhooks in: what calendar providers and platforms tell of changes.

The answer waits for no provider: a calendar becomes due, and whoever works through
what is due reads it. Errors speak the tenant API's dialect.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute

from universal_calendar.core.errors import InvalidField
from universal_calendar.core.instant import Instant
from universal_calendar.services.ports.calendars import PushDelivery
from universal_calendar.web.bodies import read_content
from universal_calendar.web.plain_route import PlainRoute

LONGEST_CHALLENGE: Final = 4096
_MEND: Final = "send a notification as your documentation describes it"

Take = Callable[[str, PushDelivery, Instant], Awaitable[str | None]]
"""Takes a provider's delivery in; returns the answer to a challenge.

Raises InvalidField for what is no delivery, Unauthorized for what nobody can prove.
"""


@dataclass(frozen=True, slots=True)
class Webhooks:
    """The handlers, one route for each provider that tells of changes."""

    takers: Mapping[str, Take]
    limit: Callable[[Request, Instant], Awaitable[object]]
    """Counts a delivery; raises RateLimited."""
    now: Callable[[], Instant]

    def routes(self) -> list[BaseRoute]:
        """Return the routes; a provider that is not offered has none."""
        return [
            PlainRoute(f"/webhooks/{each}", self._endpoint(each, take), "POST")
            for each, take in sorted(self.takers.items())
        ]

    def _endpoint(
        self, provider: str, take: Take
    ) -> Callable[[Request], Awaitable[Response]]:
        async def receive(request: Request) -> Response:
            now = self.now()
            await self.limit(request, now)
            delivery = PushDelivery(
                dict(request.headers),
                await read_content(request),
                dict(request.query_params),
            )
            return _answer(await take(provider, delivery, now))

        return receive


def _answer(challenge: str | None) -> Response:
    if challenge is None:
        return Response(status_code=202)
    if len(challenge) > LONGEST_CHALLENGE:
        raise InvalidField("query", _MEND)
    return PlainTextResponse(challenge)
