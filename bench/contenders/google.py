"""A calendar at Google, as far as it is read: pages that were handed over before."""

from typing import Final

import orjson
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from bench.contenders.serving import serve
from universal_calendar.store.database import Database

PAGES_PATH: Final = "/pages"


def build(_database: Database, _api_key: str) -> FastAPI:
    """Build it; PUT /pages sets the events of each page, a JSON list of lists."""
    app = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False})
    pages: list[bytes] = []

    async def set_pages(request: Request) -> Response:
        lists = orjson.loads(await request.body())
        pages[:] = [_page(items, n, len(lists)) for n, items in enumerate(lists)]
        return Response()

    async def events(request: Request) -> Response:
        number = int(request.query_params.get("pageToken", "0"))
        return Response(pages[number], media_type="application/json")

    app.add_api_route(PAGES_PATH, set_pages, methods=["PUT"])
    app.add_api_route("/calendars/{calendar_id}/events", events)
    return app


def _page(items: list[object], number: int, count: int) -> bytes:
    following = number + 1
    token = (
        {"nextPageToken": str(following)}
        if following < count
        else {"nextSyncToken": "0"}
    )
    return orjson.dumps({"timeZone": "America/New_York", "items": items, **token})


if __name__ == "__main__":
    serve(build)
