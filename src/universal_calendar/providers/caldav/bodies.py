"""DAV bodies: what is asked for, and reading what was answered.

Answers come from servers that strangers choose. They are read a piece at a time, so
that a long list holds up nobody, and a document type is refused: it could make a short
answer long, or lead elsewhere.
"""

import asyncio
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, unquote, urlsplit
from xml.etree.ElementTree import (
    Element,
    ParseError,
    SubElement,
    TreeBuilder,
    XMLParser,
    tostring,
)

from typing_extensions import override

from universal_calendar.core.instant import to_datetime
from universal_calendar.core.interval import Interval

DAV: Final = "{DAV:}"
CALDAV: Final = "{urn:ietf:params:xml:ns:caldav}"
SERVER: Final = "{http://calendarserver.org/ns/}"
_PIECE: Final = 64 * 1024
_OK: Final = range(200, 300)
_MOST_ELEMENTS: Final = 500_000
"""Of a list of 50,000 events."""
# Controls, U+FFFE and U+FFFF, as UTF-8 or by number; halves of what needs two (XML 1.0,
# 2.2).
_NO_CHARACTER: Final = re.compile(
    rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]"
    rb"|&#0*(?:[0-8]|1[124-9]|2[0-9]|3[01]);"
    rb"|&#x0*(?:[0-8bcef]|1[0-9a-f]|d[89a-f][0-9a-f]{2}|fff[ef]);",
    re.IGNORECASE,
)


class _Builder(TreeBuilder):
    _left = _MOST_ELEMENTS

    @override
    def start(self, tag: str, attributes: dict[str, str], /) -> Element:
        # Each takes a hundred times the room that its text does.
        self._left -= 1
        if self._left < 0:
            raise ValueError("too many elements")
        return super().start(tag, attributes)

    def doctype(self, _name: str, _public: str | None, _system: str | None) -> None:
        raise ValueError("a document type")


@dataclass(frozen=True, slots=True)
class Response:
    """What a multistatus says of one resource: its path, as `path_of`, and properties.

    `status` is the resource's own, None where only its properties have one.
    """

    path: str
    href: str
    status: int | None
    properties: dict[str, Element] = field(repr=False)

    def text(self, name: str) -> str | None:
        """Return a property's text."""
        found = self.properties.get(name)
        text = None if found is None else found.text
        return text.strip() or None if text else None

    def hrefs(self, name: str) -> Sequence[str]:
        """Return the hrefs inside a property."""
        found = self.properties.get(name)
        return [] if found is None else _texts(found.iter(f"{DAV}href"))

    def has(self, name: str, inner: str) -> bool:
        """Tell whether the property has such an element inside."""
        found = self.properties.get(name)
        return found is not None and found.find(f".//{inner}") is not None


@dataclass(frozen=True, slots=True)
class Multistatus:
    """An answer of several (RFC 4918 §13)."""

    responses: Sequence[Response]
    sync_token: str | None = field(repr=False)


async def read(content: bytes) -> Element:
    """Read a document; raise ValueError if it is none, or has a document type.

    What no document may hold, and some servers let through, hides nothing else.
    """
    try:
        return await _read(content)
    except (ParseError, LookupError):
        text = content.decode("utf-8", "replace")
        cleaned = _NO_CHARACTER.sub(b"?", text.encode())
    try:
        return await _read(cleaned)
    except (ParseError, LookupError):
        raise ValueError("no XML") from None  # the cause may quote it


async def _read(content: bytes) -> Element:
    parser = XMLParser(target=_Builder())  # noqa: S314 - document types are refused
    for start in range(0, len(content), _PIECE):
        parser.feed(content[start : start + _PIECE])
        await asyncio.sleep(0)
    root: Element = parser.close()
    return root


async def read_multistatus(content: bytes) -> Multistatus:
    """Read an answer of several; raise ValueError if it is none."""
    root = await read(content)
    if root.tag != f"{DAV}multistatus":
        raise ValueError("no multistatus")
    responses: list[Response] = []
    for number, each in enumerate(root.iterfind(f"{DAV}response")):
        responses.extend(_responses(each))
        if number % 200 == 199:
            await asyncio.sleep(0)
    return Multistatus(responses, root.findtext(f"{DAV}sync-token"))


def _responses(response: Element) -> Iterator[Response]:
    properties: dict[str, Element] = {}
    for each in response.iterfind(f"{DAV}propstat"):
        if _status(each) in _OK:
            for found in each.iterfind(f"{DAV}prop"):
                properties |= {inner.tag: inner for inner in found}
    for href in _texts(response.iterfind(f"{DAV}href")):
        yield Response(path_of(href), href, _status(response), properties)


def _status(element: Element) -> int | None:
    text = element.findtext(f"{DAV}status")
    if text is None:
        return None
    parts = text.split()
    if len(parts) < 2 or not parts[1].isdecimal():
        raise ValueError("no status")
    return int(parts[1])


def _texts(elements: Iterable[Element]) -> list[str]:
    return [each.text.strip() for each in elements if each.text and each.text.strip()]


def path_of(href: str) -> str:
    """Return the path that an href names, always quoted alike, to compare it."""
    parts = urlsplit(href).path.split("/")
    return "/".join(quote(unquote(each), safe="") for each in parts)


async def has_precondition(content: bytes, name: str) -> bool:
    """Tell whether a refusal names this precondition, whatever its status was."""
    try:
        root = await read(content)
    except ValueError:
        return False
    return root.tag == name or root.find(f".//{name}") is not None


# Asking


def propfind(names: Iterable[str]) -> bytes:
    """Ask for properties."""
    root = Element(f"{DAV}propfind")
    _wanted(root, names)
    return _written(root)


def sync_collection(token: str) -> bytes:
    """Ask what changed since a token (RFC 6578 §3.2), without limit: some lose it."""
    root = Element(f"{DAV}sync-collection")
    SubElement(root, f"{DAV}sync-token").text = token
    SubElement(root, f"{DAV}sync-level").text = "1"
    _wanted(root, [f"{DAV}getetag"])
    return _written(root)


def calendar_query(names: Iterable[str], window: Interval | None) -> bytes:
    """Ask for events, those that may overlap the window (RFC 4791 §7.8)."""
    root = Element(f"{CALDAV}calendar-query")
    _wanted(root, names)
    outer = SubElement(
        SubElement(root, f"{CALDAV}filter"), f"{CALDAV}comp-filter", name="VCALENDAR"
    )
    inner = SubElement(outer, f"{CALDAV}comp-filter", name="VEVENT")
    if window is not None:
        start, end = (
            to_datetime(edge).strftime("%Y%m%dT%H%M%SZ")
            for edge in (window.start, window.end)
        )
        SubElement(inner, f"{CALDAV}time-range", start=start, end=end)
    return _written(root)


def multiget(hrefs: Iterable[str]) -> bytes:
    """Ask for calendar objects by their hrefs (RFC 4791 §7.9)."""
    root = Element(f"{CALDAV}calendar-multiget")
    _wanted(root, [f"{DAV}getetag", f"{CALDAV}calendar-data"])
    for each in hrefs:
        SubElement(root, f"{DAV}href").text = each
    return _written(root)


def _wanted(root: Element, names: Iterable[str]) -> None:
    inside = SubElement(root, f"{DAV}prop")
    for name in names:
        SubElement(inside, name)


def _written(root: Element) -> bytes:
    written: bytes = tostring(root, "utf-8", xml_declaration=True)
    return written
