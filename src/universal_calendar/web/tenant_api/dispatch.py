"""From a request to a call: who it is, whether they may, what they want, in this order.

401, 429, 403, 400, then whatever the operation itself finds.
"""

import re
from collections.abc import Awaitable, Callable, Set
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, TypeVar
from uuid import UUID

import orjson
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from universal_calendar.core.errors import Forbidden, InvalidField
from universal_calendar.core.instant import Instant
from universal_calendar.core.wire import parse_uuid
from universal_calendar.services.booking.hours_on_demand import HoursOnDemand
from universal_calendar.services.ports.answers import Answer, Replay
from universal_calendar.services.ports.identity import Actor, ActorKind, Principal
from universal_calendar.services.ports.units import Unit
from universal_calendar.services.transactions import Transactions
from universal_calendar.web.bodies import InvalidJson, read_json
from universal_calendar.web.tenant_api.envelope import response, success
from universal_calendar.web.tenant_api.errors import invalid_input, invalid_inputs
from universal_calendar.web.tenant_api.fields import Inputs
from universal_calendar.web.tenant_api.operation import (
    Arrival,
    Call,
    Data,
    Mode,
    Operation,
    Source,
)

_IDEMPOTENCY_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")
_TENANT: Final = "tenantId"

Input = TypeVar("Input", bound=Inputs)
Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Gate:
    """Lets requests in."""

    authenticate: Callable[[Request, Instant], Awaitable[Principal]]
    """Raises Unauthorized, Forbidden or RateLimited."""
    admit_tenant: Callable[[UUID, Actor, Instant], Awaitable[None]]
    """Makes sure of the tenant; raises TenantNotFound."""
    address: Callable[[Request], str]
    now: Callable[[], Instant]


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """Turns operations into endpoints."""

    gate: Gate
    transactions: Transactions
    hours: HoursOnDemand

    def endpoint(self, operation: Operation[Input]) -> Endpoint:
        """Return what serves the operation."""

        async def serve(request: Request) -> Response:
            now = self.gate.now()
            principal = await self.gate.authenticate(request, now)
            _authorise(principal, operation)
            values = await _values(request, operation)
            named = _named_tenant(principal, request, values, operation)
            inputs = _parsed(operation.inputs, values, request)
            arrival = Arrival(
                principal,
                self._actor(request, principal),
                now,
                request.path_params,
                _replay(request, operation, inputs),
            )
            call = await self._admitted(operation, arrival, named, inputs)
            run = partial(self._run, operation, call, inputs)
            return response(await self.hours.run(call.tenant_id, call.now, run))

        return serve

    async def _admitted(
        self,
        operation: Operation[Input],
        arrival: Arrival,
        named: UUID | None,
        inputs: Input,
    ) -> Call:
        if named is not None:
            await self.gate.admit_tenant(named, arrival.actor, arrival.now)
        elif operation.tenant_of is not None:
            named = await operation.tenant_of(arrival, inputs)
        else:
            raise LookupError("nothing says which tenant this is about")
        return Call(
            arrival.principal,
            arrival.actor,
            named,
            arrival.now,
            arrival.path,
            arrival.replay,
        )

    def _actor(self, request: Request, principal: Principal) -> Actor:
        address, request_id = self.gate.address(request), request.state.request_id
        return Actor(principal.kind, principal.subject, address, request_id)

    async def _run(
        self, operation: Operation[Input], call: Call, inputs: Input
    ) -> Answer:
        if operation.mode is Mode.OWN:
            return _written(await operation.handle(call, inputs))
        if operation.then is None:
            return await self._answered_once(operation, call, inputs)
        data = None

        async def work(unit: Unit) -> Answer:
            nonlocal data
            data = await operation.handle(replace(call, bound_unit=unit), inputs)
            return success(None)

        await self.transactions.run(call.tenant_id, call.actor, call.now, work)
        return _written(await operation.then(call, data))

    async def _answered_once(
        self, operation: Operation[Input], call: Call, inputs: Input
    ) -> Answer:
        async def work(unit: Unit) -> Answer:
            within = replace(call, bound_unit=unit)
            return _written(await operation.handle(within, inputs))

        return await self.transactions.run(
            call.tenant_id, call.actor, call.now, work, call.replay
        )


def _authorise(principal: Principal, operation: Operation[Any]) -> None:
    is_user = principal.kind is not ActorKind.SERVICE
    if principal.role < operation.role or (operation.for_services and is_user):
        raise Forbidden


def _written(result: Answer | Data) -> Answer:
    return result if isinstance(result, Answer) else success(result)


async def _values(request: Request, operation: Operation[Any]) -> dict[str, Any]:
    if operation.source is Source.BODY:
        return await _body(request)
    fields = operation.inputs.model_fields
    known = {each.alias or name for name, each in fields.items()}
    values = _query(request, known)
    for name in operation.inputs.body_only & values.keys():
        raise invalid_input(name, "Send it in the body: addresses are logged")
    if operation.source is Source.BODY_OR_QUERY and _has_body(request):
        return _joined(values, await _body(request), known)
    return values


def _query(request: Request, known: Set[str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in request.query_params.multi_items():
        if name in known & values.keys():
            raise invalid_input(name, "Send it once")
        values[name] = value
    return values


def _joined(
    query: dict[str, Any], body: dict[str, Any], known: Set[str]
) -> dict[str, Any]:
    for name in known & query.keys() & body.keys():
        if query[name] != body[name]:
            raise invalid_input(name, "Send it in the body or the query, not in both")
    return query | body


async def _body(request: Request) -> dict[str, Any]:
    try:
        body = await read_json(request)
    except InvalidJson:
        raise invalid_input("body", "Invalid JSON; send one JSON object") from None
    if not isinstance(body, dict):
        raise invalid_input("body", "Send one JSON object")
    return body


def _has_body(request: Request) -> bool:
    length = request.headers.get("content-length", "0")
    return length != "0" or "transfer-encoding" in request.headers


def _named_tenant(
    principal: Principal,
    request: Request,
    values: dict[str, Any],
    operation: Operation[Any],
) -> UUID | None:
    """Return whom the request is about: path or inputs, else the token names it.

    A foreign tenant is Forbidden to a user; a service key must name one. None where
    the operation finds the tenant by other means.
    """
    if operation.tenant_of is not None:
        return None
    places = (request.path_params.get(_TENANT), values.get(_TENANT))
    named = {_tenant_id(each) for each in places if each is not None}
    own = principal.tenant_id
    if own is not None and named - {own}:
        raise Forbidden
    if len(named) > 1:
        raise invalid_input(_TENANT, "Use the tenant of the path")
    if not named and own is None:
        raise invalid_input(_TENANT, "Field required with a service key")
    return named.pop() if named else own


def _tenant_id(named: object) -> UUID:
    if not isinstance(named, str):
        raise invalid_input(_TENANT, "Use a UUID")
    try:
        return parse_uuid(named, _TENANT)
    except InvalidField as error:
        raise invalid_input(_TENANT, error.mend) from None


def _parsed(model: type[Input], values: dict[str, Any], request: Request) -> Input:
    try:
        return model.model_validate(values, context=request.query_params.keys())
    except ValidationError as error:
        raise invalid_inputs(error) from None


def _replay(
    request: Request, operation: Operation[Any], inputs: Inputs
) -> Replay | None:
    if operation.method != "POST":
        return None
    key = request.headers.get("idempotency-key")
    if key is not None and not _IDEMPOTENCY_KEY.fullmatch(key):
        raise invalid_input("Idempotency-Key", "Use 1 to 255 visible ASCII characters")
    try:
        known = [request.path_params, inputs.model_dump(mode="json", by_alias=True)]
        canonical = orjson.dumps(known, option=orjson.OPT_SORT_KEYS)
    except (ValueError, TypeError):  # of pydantic, of orjson: past 254 levels
        raise invalid_input("body", "Nested too deeply") from None
    return Replay(operation.name, key, None, canonical)
