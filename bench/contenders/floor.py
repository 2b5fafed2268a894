"""The least that any answer from a database costs in this framework.

The product's own reading of the request, one `SELECT 1`, and constant bytes: those
that the product answered, which the benchmark hands over before it measures.
"""

import hmac
from typing import Final

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from bench.contenders.serving import serve
from universal_calendar.store.database import Database
from universal_calendar.web.agent_api.requests import caller_of, slot_question

CONSTANT_PATH: Final = "/constant"


def build(database: Database, api_key: str) -> FastAPI:
    """Build the floor; PUT /constant sets its answer."""
    app = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False})
    constant = b""

    async def set_constant(request: Request) -> Response:
        nonlocal constant
        constant = await request.body()
        return Response()

    async def free_slots(request: Request) -> Response:
        caller = caller_of(request)
        slot_question(request)
        if not hmac.compare_digest(caller.api_key or "", api_key):
            return Response(status_code=401)
        await database.call("SELECT 1", [])
        return Response(constant, media_type="application/json")

    app.add_api_route(CONSTANT_PATH, set_constant, methods=["PUT"])
    app.add_api_route("/api/calendar/free-slots/{agent_id}", free_slots)
    return app


if __name__ == "__main__":
    serve(build)
