"""Reading a body that nobody vouches for."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request

from universal_calendar.web.errors import PayloadTooLarge, UnsupportedMediaType

LARGEST_BODY: Final = 256 * 1024
_MOST_FIELDS: Final = 100


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
        return orjson.loads(await read_content(request))
    except orjson.JSONDecodeError as error:
        raise InvalidJson from error


async def read_form(request: Request) -> Mapping[str, str]:
    """Return the fields of an HTML form, the last of each name.

    Raises PayloadTooLarge and UnsupportedMediaType.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip()
    if media_type.lower() != "application/x-www-form-urlencoded":
        raise UnsupportedMediaType("Send the form as a browser does")
    text = (await read_content(request)).decode("utf-8", "replace")
    try:
        fields = parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise PayloadTooLarge from None
    return dict(fields)


async def read_content(request: Request) -> bytes:
    """Return the body's bytes; raise PayloadTooLarge."""
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
