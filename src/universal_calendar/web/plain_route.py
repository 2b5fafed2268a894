"""A route that hands the bare request to its handler and does nothing else."""

from collections.abc import Awaitable, Callable

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Scope
from typing_extensions import override


class PlainRoute(Route):
    """Starlette's route for one method, known to logs and metrics by its template.

    It spares a request what FastAPI does for parameters that the handler reads itself.
    """

    def __init__(
        self, path: str, endpoint: Callable[[Request], Awaitable[Response]], method: str
    ) -> None:
        """Take the one method; a GET answers no HEAD."""
        super().__init__(path, endpoint)
        self.methods = {method}

    @override
    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, child_scope = super().matches(scope)
        child_scope["route"] = self
        return match, child_scope


class RefusingRoute(PlainRoute):
    """Refuses the methods that no route before it takes, where a template would."""

    def __init__(self, path: str) -> None:
        """Take a path that the routes before it have too."""
        super().__init__(path, _refuse, "")
        self.methods = None


async def _refuse(_request: Request) -> Response:
    # Which are allowed, whoever writes the answer finds out.
    raise HTTPException(405, headers={"Allow": ""})
