"""The tenant API's routes and their documentation, both from its operations."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from inspect import Parameter, Signature
from typing import Annotated, Any, Final, Generic, Literal, TypeVar

from fastapi import Body, FastAPI, Path, Query
from pydantic import BaseModel, create_model
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, compile_path

from universal_calendar.web.plain_route import PlainRoute, RefusingRoute
from universal_calendar.web.tenant_api.dispatch import Dispatcher
from universal_calendar.web.tenant_api.fields import Id, Inputs
from universal_calendar.web.tenant_api.operation import Operation, Source

Json = dict[str, Any]
AnyOperation = Operation[Any]

SECURITY: Final[Json] = {
    "Bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "ServiceKey": {"type": "apiKey", "in": "header", "name": "X-Service-Key"},
}

T = TypeVar("T", bound=BaseModel)


class Success(BaseModel, Generic[T]):
    """What every good answer looks like."""

    success: Literal[True]
    data: T


class Problem(BaseModel):
    """What went wrong."""

    code: str
    message: str
    details: Json | None


class Failure(BaseModel):
    """What every other answer looks like."""

    success: Literal[False]
    error: Problem


_EVERYWHERE: Final = {
    400: "VALIDATION_ERROR: a field cannot be used; details.fields names each",
    401: "UNAUTHORIZED: no credential, or a wrong or expired one",
    403: "FORBIDDEN: another tenant, or a role that may not",
    404: "NOT_FOUND or TENANT_NOT_FOUND",
    413: "PAYLOAD_TOO_LARGE: the body is larger than 256 KiB",
    415: "UNSUPPORTED_MEDIA_TYPE: the body is not application/json",
    429: "RATE_LIMIT_EXCEEDED: Retry-After says when to come back",
    500: "INTERNAL_ERROR: our fault; details.requestId leads to the log",
    503: "SERVICE_UNAVAILABLE: the database is away",
}
OUTSIDE: Final = {
    502: "EXTERNAL_SERVICE_ERROR: the provider did not answer; try the same again",
    503: "SERVICE_UNAVAILABLE: the provider asks to wait, for as long as Retry-After"
    " says, or the database is away",
}
_FOREIGN_IDS: Final = ("jobId", "technicianId")
"""Parameters of paths that are ids of a platform's, in its own form."""
_IDEMPOTENT: Final = {409: "CONFLICT: details.reason is idempotency_mismatch"}
_IDEMPOTENCY_KEY: Final[Json] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A retry with the same key and body gets the first answer again.",
    "schema": {"type": "string", "pattern": "^[\\x21-\\x7e]{1,255}$"},
}


def add_tenant_routes(
    app: FastAPI, operations: Iterable[AnyOperation], dispatcher: Dispatcher | None
) -> None:
    """Add the endpoints; without a dispatcher they are documented only.

    The plain routes come first and serve; the API routes are their documentation.
    """
    listed = list(operations)
    if dispatcher is not None:
        app.router.routes += _routes(listed, dispatcher)
    for each in listed:
        _document(app, each)


def _routes(
    operations: Sequence[AnyOperation], dispatcher: Dispatcher
) -> list[BaseRoute]:
    """Return what serves; a word that a path has in an id's place is no id."""
    words = [each for each in operations if "{" not in each.path]
    templates = [each for each in operations if "{" in each.path]
    patterns = [compile_path(each.path)[0] for each in templates]
    taken = {
        each.path: None
        for each in words
        if any(pattern.match(each.path) for pattern in patterns)
    }

    def route(operation: AnyOperation) -> BaseRoute:
        endpoint = dispatcher.endpoint(operation)
        return PlainRoute(operation.path, endpoint, operation.method)

    return [
        *map(route, words),
        *map(RefusingRoute, taken),
        *map(route, templates),
    ]


def forget_422(document: Json) -> None:
    """Take out what FastAPI adds for parameters: this dialect answers 400."""
    for methods in document["paths"].values():
        for operation in methods.values():
            if "x-least-role" in operation:
                operation["responses"].pop("422", None)


def _document(app: FastAPI, operation: AnyOperation) -> None:
    idempotent = _IDEMPOTENT if operation.method == "POST" else {}
    errors = _EVERYWHERE | idempotent | dict(operation.errors)
    extra: Json = {
        "security": [{each: []} for each in _credentials(operation)],
        "x-least-role": operation.role.name.lower(),
    }
    if operation.method == "POST":
        extra["parameters"] = [_IDEMPOTENCY_KEY]
    app.add_api_route(
        operation.path,
        _twin(operation),
        methods=[operation.method],
        tags=[operation.tag],
        summary=operation.summary,
        description=_who(operation),
        operation_id=operation.name,
        response_model=Success[operation.answer],  # type: ignore[name-defined]  # a value, for the documentation alone
        responses={
            status: {"model": Failure, "description": text}
            for status, text in sorted(errors.items())
        },
        openapi_extra=extra,
    )


def _credentials(operation: AnyOperation) -> list[str]:
    return ["ServiceKey"] if operation.for_services else list(SECURITY)


def _who(operation: AnyOperation) -> str:
    if operation.for_services:
        return "For service keys alone."
    return f"Least role of a user: {operation.role.name.lower()}."


def _twin(operation: AnyOperation) -> Callable[..., Awaitable[Response]]:
    """Return a function that has the operation's parameters and is never run."""

    async def twin(request: Request) -> Response:
        raise NotImplementedError(request.url.path)

    names = [part[1:-1] for part in operation.path.split("/") if part.startswith("{")]
    parameters = [_parameter(name, _path_parameter(name)) for name in names]
    if operation.source is Source.BODY:
        parameters.append(_parameter("body", Annotated[operation.inputs, Body()]))
    else:
        query = _queryable(operation.inputs)
        parameters.append(_parameter("query", Annotated[query, Query()]))
    if operation.source is Source.BODY_OR_QUERY:
        body = _parameter("body", Annotated[operation.inputs, Body()])
        parameters.append(body.replace(default=None))
    twin.__signature__ = Signature(parameters)  # type: ignore[attr-defined]  # what inspect reads
    return twin


def _queryable(model: type[Inputs]) -> type[BaseModel]:
    """Return the model without what a query must not hold."""
    fields: dict[str, Any] = {
        name: (info.annotation, info)
        for name, info in model.model_fields.items()
        if info.alias not in model.body_only
    }
    return create_model(f"{model.__name__}Query", __base__=Inputs, **fields)


def _path_parameter(name: str) -> object:
    is_ours = name.endswith("Id") and name not in _FOREIGN_IDS
    return Annotated[Id, Path()] if is_ours else Annotated[str, Path()]


def _parameter(name: str, kind: object) -> Parameter:
    return Parameter(name, Parameter.KEYWORD_ONLY, annotation=kind)
