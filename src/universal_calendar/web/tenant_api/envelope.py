"""The tenant API's envelope: `{"success": true, "data": …}`."""

from typing import Final

import orjson
from starlette.responses import Response

from universal_calendar.services.ports.answers import Answer

JSON: Final = "application/json"


def success(data: object) -> Answer:
    """Write what was asked for; creating answers 200 too."""
    return Answer(200, orjson.dumps({"success": True, "data": data}))


def response(answer: Answer) -> Response:
    """Send an answer that is ready."""
    return Response(answer.body, answer.status, media_type=JSON)
