"""What the sandbox's routes share."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from universal_calendar.providers.fake.server.errors import Problem
from universal_calendar.providers.fake.server.faults import Faults
from universal_calendar.providers.fake.server.pushes import Pushes
from universal_calendar.providers.fake.server.state import State

LARGEST_BODY: Final = 256 * 1024

M = TypeVar("M", bound=BaseModel)
Handler = Callable[[Request], Awaitable[Response]]
Now = Callable[[], float]


async def read(request: Request, model: type[M]) -> M:
    """Return the body; raise Problem 400, 413 or 415 for one that cannot be used."""
    if request.headers.get("content-type", "").split(";")[0] != "application/json":
        raise Problem(415, "not_json")  # also keeps web pages of others out
    content = b""
    async for piece in request.stream():
        content += piece
        if len(content) > LARGEST_BODY:
            raise Problem(413, "too_large")
    try:
        return model.model_validate_json(content)
    except ValidationError:
        raise Problem(400, "invalid_request") from None


@dataclass(frozen=True, slots=True)
class Sandbox:
    """What the routes work on; `now` is in seconds of the epoch."""

    state: State
    faults: Faults
    pushes: Pushes
    now: Now

    def account(self, request: Request) -> str:
        """Return whose token the request bears; raise Problem 401 without one."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer":
            raise Problem(401, "invalid_token")
        return self.state.account_of(token, self.now())
