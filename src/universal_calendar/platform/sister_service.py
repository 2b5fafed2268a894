"""What the clients of all sister services share: asking, and doubting the answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast

import orjson

from universal_calendar.outgoing.errors import OutgoingError
from universal_calendar.outgoing.http import OutgoingRequest, OutgoingResponse, Sender
from universal_calendar.services.ports.platform import PlatformDown, PlatformFailed

SERVICE_KEY_HEADER: Final = "X-Service-Key"
_PATIENCE_SECONDS: Final = 2.0
_NO_TIME_FOR_US: Final = 429

Json = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class SisterService:
    """A service of the platform under its base URL."""

    name: str
    url: str
    sender: Sender

    async def get(self, path: str, headers: Mapping[str, str]) -> Json | None:
        """Return the answer's JSON object, None for 404.

        Raises PlatformDown, and PlatformFailed for every other answer.
        """
        answer = await self._exchange(OutgoingRequest("GET", self._at(path), headers))
        return None if answer.status == 404 else self._json(answer)

    async def post(
        self, path: str, content: Json, headers: Mapping[str, str] | None = None
    ) -> Json:
        """Send a JSON object and return the answer's, as `get` does; 404 is a failure.

        Raises PlatformDown and PlatformFailed.
        """
        request = OutgoingRequest(
            "POST",
            self._at(path),
            {"content-type": "application/json", **(headers or {})},
            orjson.dumps(content),
        )
        return self._json(await self._exchange(request))

    def failed(self) -> PlatformFailed:
        """Return the error for an answer that cannot be understood."""
        return PlatformFailed(self.name)

    def _at(self, path: str) -> str:
        return self.url.rstrip("/") + path

    async def _exchange(self, request: OutgoingRequest) -> OutgoingResponse:
        try:
            answer = await self.sender.send(request, seconds=_PATIENCE_SECONDS)
        except OutgoingError as error:
            raise PlatformDown(self.name) from error
        if answer.status >= 500 or answer.status == _NO_TIME_FOR_US:
            raise PlatformDown(self.name)
        return answer

    def _json(self, answer: OutgoingResponse) -> Json:
        """Read a JSON object; some report failures under a status of success."""
        try:
            content = orjson.loads(answer.content)
        except orjson.JSONDecodeError:
            raise self.failed() from None  # the cause quotes the answer
        is_object = isinstance(content, dict) and content.get("success") is not False
        if not is_object or not 200 <= answer.status < 300:
            raise self.failed()
        return cast(Json, content)
