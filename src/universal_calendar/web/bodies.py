"""Reading a JSON body that nobody vouches for."""

from typing import Final

import orjson
from starlette.requests import Request

from universal_calendar.web.errors import PayloadTooLarge, UnsupportedMediaType

LARGEST_BODY: Final = 256 * 1024


class InvalidJson(ValueError):
    """The body is no JSON."""


async def read_json(request: Request) -> object:
    """Return the body; raise PayloadTooLarge, UnsupportedMediaType or InvalidJson.

    NaN, lone surrogates and nesting past 1,024 levels are no JSON.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip()
    kind, _, subtype = media_type.lower().partition("/")
    if kind != "application" or not (subtype == "json" or subtype.endswith("+json")):
        raise UnsupportedMediaType
    try:
        return orjson.loads(await _limited_body(request))
    except orjson.JSONDecodeError as error:
        raise InvalidJson from error


async def _limited_body(request: Request) -> bytes:
    # Not FastAPI's max_body_size: that answers 413 in plain text, in neither dialect.
    announced = request.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and int(announced) > LARGEST_BODY:
        raise PayloadTooLarge
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise PayloadTooLarge
    return bytes(body)
