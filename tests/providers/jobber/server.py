"""A Jobber that remembers: its GraphQL API, its OAuth, its webhooks.

Every request is validated and executed against `schema.graphql`; `breaches` has what
does not fit, and whoever runs the server wants it empty. It runs in a thread of its
own, so that services in other processes can be connected to it: act on it through an
`Owner`, or inside `do`.
"""

import asyncio
import json
import re
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    build_schema,
    execute_sync,
    parse,
    validate,
    visit,
)

from tests.providers.google.wire import Answer, Request, Wire
from tests.providers.jobber.company import Company, User, encoded_id
from tests.providers.jobber.consents import CLIENT_ID, CLIENT_SECRET, Consents
from tests.providers.jobber.costs import Points, Price, answered
from tests.providers.jobber.hooks import Hooks
from tests.providers.jobber.mutations import Mutations
from tests.providers.jobber.owner import Owner
from tests.providers.jobber.queries import Queries
from universal_calendar.providers.provider import OAuthConfig, PlatformConfig

VERSION = "2025-04-16"
_API = "/api/graphql"
T = TypeVar("T")
Json = dict[str, Any]


def read_schema() -> GraphQLSchema:
    text = files("tests.providers.jobber").joinpath("schema.graphql").read_text()
    return build_schema(text)


class FakeJobber:
    """Companies, and the app that they let in."""

    def __init__(self) -> None:
        self.schema = read_schema()
        self.companies: dict[str, Company] = {}
        self.points: dict[str, Points] = {}
        self.consents = Consents()
        self.hooks = Hooks(CLIENT_SECRET)
        self.breaches: list[str] = []
        self.asked: list[str] = []
        """The operations that were asked, by name."""
        self.done: list[str] = []
        """The mutations that were done."""
        self.lost: list[str] = []
        """Patterns of fields of Mutation whose answer is lost, after it is done."""
        self.refusals: list[Json] = []
        """Whole answers to give to the next requests in place of what they ask."""
        self.before: dict[str, Callable[[], None]] = {}
        """What happens, once, when an operation of this name has come in."""
        self.throttled = 0
        """How often there were not points enough."""
        self.warning: str | None = None
        """What `extensions.versioning` warns of."""
        self.tells_by_status = True
        """Whether a token that is refused is told by 401, or in `errors`."""
        self.wire = Wire(self.answer)

    def open(self, name: str, zone: str, *technicians: str) -> Company:
        """Open a company; the first of its people is who lets apps in."""
        company = Company(encoded_id("Account"), name, ZoneInfo(zone))
        for each in technicians or ("Olive Owner",):
            mail = f"{each.split()[0].lower()}@example.com"
            company.users.append(User(encoded_id("User"), each, mail))
        self.companies[company.id] = company
        self.points[company.id] = Points()
        return company

    def tell(self, company: Company, topic: str, item: str) -> None:
        """Deliver a webhook."""
        self.hooks.tell(topic, company.id, item)

    def disconnect(self, company: Company) -> None:
        """Take the app's access away, as the owner does in Jobber."""
        self.consents.end(company.id)
        self.tell(company, "APP_DISCONNECT", company.id)

    def answer(self, request: Request) -> Answer:
        """Answer any request."""
        try:
            return self._answer(request)
        except ConnectionAbortedError:
            raise  # the answer is lost
        except Exception as error:
            # A fault of the fake must not pass for one of the platform.
            self.breaches.append(repr(error))
            return Answer(500, {"error": "breach"})

    def _answer(self, request: Request) -> Answer:
        match request.method, request.path:
            case "POST", "/api/oauth/authorize":
                return self.consents.authorize(request)
            case "POST", "/api/oauth/token":
                return self.consents.tokens(request)
            case "POST", _ if request.path == _API:
                return self._answer_graphql(request)
        raise AssertionError(f"{request.method} {request.path} is no path of Jobber's")

    def _answer_graphql(self, request: Request) -> Answer:
        if self.refusals:
            return Answer(200, self.refusals.pop(0))
        assert request.headers["x-jobber-graphql-version"] == VERSION
        assert request.headers["content-type"] == "application/json"
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        company = self.companies.get(self.consents.account_of(token) or "")
        if company is None:
            return self._unauthenticated()
        body = request.json
        document = self._checked(body["query"])
        return self._executed(company, document, body.get("variables") or {})

    def _unauthenticated(self) -> Answer:
        if self.tells_by_status:
            return Answer(401, {"error": "invalid_request"})
        error = {"message": "Invalid token", "extensions": {"code": "UNAUTHENTICATED"}}
        return Answer(200, {"errors": [error]})

    def _checked(self, text: str) -> DocumentNode:
        document = parse(text)
        errors = [str(each) for each in validate(self.schema, document)]
        assert not errors, errors
        found = Habits(self.schema)
        visit(document, TypeInfoVisitor(found.types, found))
        assert not found.bad, found.bad
        return document

    def _executed(
        self, company: Company, document: DocumentNode, variables: Json
    ) -> Answer:
        requested = Price(document, variables).requested
        points = self.points[company.id]
        self._note(document)
        if requested > points.available():
            self.throttled += 1
            error = {"message": "Throttled", "extensions": {"code": "THROTTLED"}}
            told = {"cost": points.told(requested, 0)}
            return Answer(200, {"errors": [error], "extensions": told})
        result, done = self._run(company, document, variables)
        actual = answered(result.data)
        points.left -= actual
        self._lose_answer(done)
        return self._told(result, points.told(requested, actual))

    def _note(self, document: DocumentNode) -> None:
        for each in document.definitions:
            if isinstance(each, OperationDefinitionNode) and each.name is not None:
                self.asked.append(each.name.value)
                self.before.pop(each.name.value, lambda: None)()

    def _run(
        self, company: Company, document: DocumentNode, variables: Json
    ) -> tuple[ExecutionResult, list[str]]:
        done: list[str] = []
        mutations = Mutations(
            company,
            lambda topic, item: self.tell(company, topic, item),
            lambda: self.disconnect(company),
        )
        result = execute_sync(
            self.schema,
            document,
            root_value={**Queries(company).fields(), **mutations.fields()},
            variable_values=variables,
            context_value={"done": done},
        )
        self.done += done
        return result, done

    def _lose_answer(self, done: list[str]) -> None:
        for pattern in self.lost:
            if any(re.fullmatch(pattern, each) for each in done):
                self.lost.remove(pattern)
                raise ConnectionAbortedError

    def _told(self, result: ExecutionResult, cost: Json) -> Answer:
        for each in result.errors or ():
            if "code" not in (each.extensions or {}):
                raise each  # a fault of the fake, or of variables
        extensions: Json = {"cost": cost, "versioning": {"version": VERSION}}
        if self.warning is not None:
            extensions["versioning"]["warning"] = self.warning
        body: Json = {"data": result.data, "extensions": extensions}
        if result.errors:
            body["errors"] = [_shown(each) for each in result.errors]
        return Answer(200, body)


def _shown(error: GraphQLError) -> Json:
    return {"message": error.message, "extensions": dict(error.extensions or {})}


class Habits(Visitor):
    """Finds what is valid, and yet not to be sent: see `bad`."""

    def __init__(self, schema: GraphQLSchema) -> None:
        super().__init__()
        self.types, self.bad = TypeInfo(schema), list[str]()

    def enter_field(self, node: FieldNode, *_: object) -> None:
        """Want `first` at every connection, and `userErrors` of every mutation."""
        selected = node.selection_set.selections if node.selection_set else ()
        names = {each.name.value for each in selected if isinstance(each, FieldNode)}
        kind = self.types.get_type()
        name = str(kind).rstrip("!")
        if name.endswith("Connection"):
            given = {each.name.value for each in node.arguments or ()}
            if "first" not in given:
                self.bad.append(f"{node.name.value} is asked for without `first`")
        if name.endswith("Payload") and "userErrors" not in names:
            self.bad.append(f"{node.name.value} is asked for without `userErrors`")


class JobberServer:
    """A fake Jobber in a thread of its own.

    `open` gives the people of a new company; anything else goes through `do`.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

        async def make() -> FakeJobber:
            return FakeJobber()

        self.jobber = self.run(make())

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the server's thread."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    def do(self, act: Callable[[], T]) -> T:
        """Act in the server's thread; return what came of it."""

        async def acting() -> T:
            return act()

        return self.run(acting())

    @property
    def url(self) -> str:
        """Return where it is."""
        return self.jobber.wire.url

    @property
    def registration(self) -> OAuthConfig:
        """Return how our service is registered with it."""
        return OAuthConfig(
            CLIENT_ID,
            CLIENT_SECRET,
            f"{self.url}/api/oauth/authorize",
            f"{self.url}/api/oauth/token",
            f"{self.url}{_API}",
        )

    @property
    def platform(self) -> PlatformConfig:
        """Return where the platform is."""
        return PlatformConfig(f"{self.url}{_API}", 500, CLIENT_SECRET, VERSION)

    @property
    def settings(self) -> dict[str, str]:
        """Return the settings that connect a service to it."""
        registered = self.registration
        return {
            "JOBBER_CLIENT_ID": CLIENT_ID,
            "JOBBER_CLIENT_SECRET": CLIENT_SECRET,
            "JOBBER_AUTHORIZE_URL": registered.authorize_url,
            "JOBBER_TOKEN_URL": registered.token_url,
            "JOBBER_API_BASE_URL": registered.api_url,
        }

    def open(self, name: str, zone: str, *technicians: str) -> "Owner":
        """Open a company; the first of its people lets apps in."""
        company = self.do(lambda: self.jobber.open(name, zone, *technicians))
        return Owner(self, company)


@contextmanager
def running_jobber() -> Iterator[JobberServer]:
    """Run a Jobber for a block; nothing that breaks its contract passes."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        server = JobberServer(loop)
        try:
            yield server
        finally:
            server.run(server.jobber.hooks.close())
            server.run(server.jobber.wire.close())
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
    breaches = server.jobber.breaches
    assert breaches == [], json.dumps(breaches, indent=1)
