"""Where browsers come to connect an account; nobody there is authenticated."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from universal_calendar.core.errors import (
    DatabaseUnavailable,
    InvalidField,
    UniversalCalendarError,
)
from universal_calendar.core.instant import Instant
from universal_calendar.core.provider_errors import ProviderError
from universal_calendar.services.connections.connecting import SETUP
from universal_calendar.services.connections.connecting_in_browser import (
    BrowserConnecting,
    Setup,
    Visitor,
)
from universal_calendar.services.connections.redeeming import CALLBACK, Brought, State
from universal_calendar.services.ports.authorization import GrantRefused
from universal_calendar.services.ports.connecting import StateUnusable
from universal_calendar.web.bodies import read_form
from universal_calendar.web.connecting.pages import Pages
from universal_calendar.web.errors import problem_of
from universal_calendar.web.plain_route import PlainRoute

CONFIRM: Final = "/calendar/oauth/confirm"
_CREDENTIAL: Final = "credential."
_NOTHING_SAID: Final = "Nothing was connected. "
_AGAIN: Final = "Go back to where you began, and connect again."
_log = structlog.get_logger()

Endpoint = Callable[[Request], Awaitable[Response]]
Limit = Callable[[Request, Instant], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class ConnectingPages:
    """The handlers, with what they need."""

    browser: BrowserConnecting
    pages: Pages
    limit: Limit
    """Counts a request of whoever asks without a credential; raises RateLimited."""
    address: Callable[[Request], str]
    now: Callable[[], Instant]

    def routes(self) -> list[BaseRoute]:
        """Return the routes; the callback alone has no limit: providers send there."""
        return [
            PlainRoute(CALLBACK, self._told(self.callback), "GET"),
            PlainRoute(CONFIRM, self._told(self._limited(self.confirm)), "POST"),
            PlainRoute(SETUP, self._told(self._limited(self.setup)), "GET"),
            PlainRoute(SETUP, self._told(self._limited(self.set_up)), "POST"),
        ]

    def _limited(self, endpoint: Endpoint) -> Endpoint:
        async def limited(request: Request) -> Response:
            await self.limit(request, self.now())
            return await endpoint(request)

        return limited

    def _told(self, endpoint: Endpoint) -> Endpoint:
        """Tell errors as pages, with the next step."""

        async def telling(request: Request) -> Response:
            try:
                return await endpoint(request)
            except UniversalCalendarError as error:
                if isinstance(error, DatabaseUnavailable):
                    _log.warning("database_unavailable", reason=error.cause)
                return self._error(error)

        return telling

    def _error(self, error: UniversalCalendarError) -> Response:
        problem = problem_of(error)
        text = _NOTHING_SAID + _next_step(error)
        page = self.pages.told("That did not work", text, problem.status)
        page.headers.update(problem.headers)
        return page

    async def callback(self, request: Request) -> Response:
        """Take a code from a provider's consent page, and ask before connecting."""
        query = request.query_params
        if "error" in query:
            return await self._refused(query.get("state", ""), query["error"])
        brought = Brought(State.parse(query.get("state", "")), query.get("code"))
        question = await self.browser.receive(brought, self.now())
        return self.pages.question(question, "confirm")

    async def _refused(self, state: str, reason: str) -> Response:
        await self.browser.abandon(state, self.now())
        if reason == "access_denied":
            text = "You did not allow it. " + _NOTHING_SAID
        else:
            text = "The provider refused. " + _NOTHING_SAID
        return self.pages.told("Not connected", text + _AGAIN, 400)

    async def confirm(self, request: Request) -> Response:
        """Connect, or not, as the page was answered."""
        form = await read_form(request)
        token = form.get("token", "")
        if form.get("answer") != "connect":
            provider = await self.browser.abandon(token, self.now())
            return self._done("cancelled", provider)
        visitor = Visitor(self.address(request), request.state.request_id)
        connection = await self.browser.confirm(token, visitor, self.now())
        return self._done("connected", connection.provider)

    def _done(self, status: str, provider: str) -> Response:
        if self.pages.return_url is None:
            text = f"{status.capitalize()}. You may close this page."
            return self.pages.told(status.capitalize(), text)
        query = urlencode({"status": status, "provider": provider})
        return RedirectResponse(f"{self.pages.return_url}?{query}", 303)

    async def setup(self, request: Request) -> Response:
        """Ask for the credentials of an account."""
        state = request.query_params.get("state", "")
        return self.pages.setup(await self.browser.setup(state, self.now()), state)

    async def set_up(self, request: Request) -> Response:
        """Take the credentials, then ask; where they open nothing, take others."""
        form = await read_form(request)
        state = form.get("state", "")
        setup = await self.browser.setup(state, self.now())
        credentials = {
            name.removeprefix(_CREDENTIAL): value.strip()
            for name, value in form.items()
            if name.startswith(_CREDENTIAL)
        }
        brought = Brought(State.parse(state), credentials=credentials)
        try:
            question = await self.browser.receive(brought, self.now())
        except StateUnusable:
            raise
        except (InvalidField, ProviderError) as error:
            return await self._set_up_again(setup, state, error)
        return self.pages.question(question, "oauth/confirm")

    async def _set_up_again(
        self, setup: Setup, state: str, error: UniversalCalendarError
    ) -> Response:
        again = await self.browser.setup(state, self.now())
        return self.pages.setup(again, state, _problem(setup, error))


def _problem(setup: Setup, error: UniversalCalendarError) -> str:
    if isinstance(error, InvalidField):
        labels = {each.name: each.label for each in setup.provider.credentials}
        label = labels.get(error.field.removeprefix("credentials."))
        return f"{label or 'These credentials'}: {error.mend}"
    return f"{setup.provider.name} does not answer now. Try again in a moment."


def _next_step(error: UniversalCalendarError) -> str:
    if isinstance(error, StateUnusable):
        return "This link was used, or it is older than ten minutes. " + _AGAIN
    if isinstance(error, GrantRefused):
        return "The provider did not grant what is needed. " + _AGAIN
    if isinstance(error, ProviderError):
        return "The provider does not answer now. Load this page again in a moment."
    if isinstance(error, InvalidField):
        return _AGAIN
    return f"{error}."
