"""How a fault strikes a request."""

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from universal_calendar.providers.fake.server.errors import Problem
from universal_calendar.providers.fake.server.faults import Fault, FaultKind, Operation
from universal_calendar.providers.fake.server.sandbox import Handler, Sandbox


def strike(sandbox: Sandbox, operation: Operation, handler: Handler) -> Handler:
    """Return the handler with the faults that are set in its way."""

    async def struck(request: Request) -> Response:
        calendar_id = request.path_params.get("calendar_id")
        fault = sandbox.faults.take(operation, calendar_id)
        if fault is None:
            return await handler(request)
        await request.body()
        return await _strike(sandbox, fault, handler, request)

    return struck


async def _strike(
    sandbox: Sandbox, fault: Fault, handler: Handler, request: Request
) -> Response:
    match fault.kind:
        case FaultKind.THROTTLE:
            return _throttled(fault, sandbox.now())
        case FaultKind.FAILURE:
            raise Problem(fault.status, "failure")
        case FaultKind.HANG:
            await _client_gone(request)
            return Response()
        case FaultKind.DROP:
            return await _dropped(request)
        case FaultKind.LOST_ANSWER:
            await handler(request)
            await asyncio.sleep(fault.seconds)
            return await _dropped(request)
        case FaultKind.EXPIRED_TOKEN:
            sandbox.state.expire_tokens(sandbox.account(request))
        case FaultKind.REVOKED:
            sandbox.state.revoke(sandbox.account(request))
        case _:
            await asyncio.sleep(fault.seconds)
    return await handler(request)


def _throttled(fault: Fault, now: float) -> Response:
    after = str(round(fault.seconds))
    if fault.as_date:
        moment = datetime.fromtimestamp(now, UTC) + timedelta(seconds=fault.seconds)
        after = format_datetime(moment, usegmt=True)
    body = {"error": {"code": "too_many_requests"}}
    return JSONResponse(body, 429, {"retry-after": after})


async def _client_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _dropped(request: Request) -> Response:
    """Break the connection, so that not a byte is answered."""
    request.state.transport.abort()
    await _client_gone(request)
    return Response()
