"""iCalendar text (RFC 5545 §3.1) as a tree of components, with values as they are.

The `icalendar` library is not asked to read: it keeps zones in one table for the whole
process, where one owner's definition of a zone would become everybody's. It also reads
every property, and only few matter here.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from universal_calendar.providers._icalendar.errors import TooMany, Unreadable

_WANTED: Final = frozenset(
    [
        *("BEGIN", "END", "UID", "SEQUENCE", "SUMMARY", "DESCRIPTION", "LOCATION"),
        *("DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID"),
        *("STATUS", "TRANSP", "ATTENDEE", "X-MICROSOFT-CDO-BUSYSTATUS"),
        *("TZID", "TZOFFSETFROM", "TZOFFSETTO", "X-WR-TIMEZONE"),
    ]
)
OURS: Final = "X-UNIVERSAL-CALENDAR-"
"""How our own properties begin."""
_NAME: Final = re.compile(r"[A-Za-z0-9-]+")
_LINE_END: Final = re.compile(r"\r\n|\r|\n")
_VALUE: Final = r'(?:"[^"]*"|[^";:,]*)'
_PARAMETER: Final = re.compile(rf";([A-Za-z0-9-]+)=({_VALUE})(?:,{_VALUE})*")
_ESCAPED: Final = re.compile(r"\\([\\;,nN])")
_MOST_COMPONENTS: Final = 4_000
_DEEPEST: Final = 8


@dataclass(frozen=True, slots=True)
class Property:
    """A property's value, still escaped, and its parameters in upper case."""

    value: str = field(repr=False)
    parameters: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def text(self) -> str:
        """Return the value as text (RFC 5545 §3.3.11)."""
        return _ESCAPED.sub(
            lambda found: "\n" if found[1] in "nN" else found[1], self.value
        )


@dataclass(slots=True)
class Component:
    """A component with what matters of it."""

    name: str
    properties: dict[str, list[Property]] = field(default_factory=dict, repr=False)
    components: list["Component"] = field(default_factory=list)

    def all(self, name: str) -> list[Property]:
        """Return every property of the name."""
        return self.properties.get(name, [])

    def first(self, name: str) -> Property | None:
        """Return the first property of the name."""
        return next(iter(self.all(name)), None)

    def text(self, name: str) -> str | None:
        """Return the first property's text."""
        found = self.first(name)
        return None if found is None else found.text

    def word(self, name: str) -> str:
        """Return the first property's value in upper case, empty if there is none."""
        found = self.first(name)
        return "" if found is None else found.value.strip().upper()

    def children(self, name: str) -> list["Component"]:
        """Return the components directly inside that have the name."""
        return [each for each in self.components if each.name == name]


def read_calendar(text: str) -> Component:
    """Read one VCALENDAR; raise Unreadable for anything else."""
    open_components = [Component("")]
    seen = 0
    for name, found in _properties(text):
        if name == "BEGIN":
            seen += 1
            if seen > _MOST_COMPONENTS or len(open_components) > _DEEPEST:
                raise TooMany
            inner = Component(found.value.strip().upper())
            open_components[-1].components.append(inner)
            open_components.append(inner)
        elif name == "END":
            if found.value.strip().upper() != open_components.pop().name:
                raise Unreadable
        else:
            open_components[-1].properties.setdefault(name, []).append(found)
    if len(open_components) != 1:
        raise Unreadable
    return _only_calendar(open_components[0])


def _only_calendar(root: Component) -> Component:
    calendars = root.children("VCALENDAR")
    if len(calendars) != 1:
        raise Unreadable
    return calendars[0]


def _lines(text: str) -> Iterator[str]:
    """Yield unfolded lines of what is wanted; pictures inside cost next to nothing."""
    parts: list[str] = []
    # Not by `splitlines`: it also ends lines where texts go on (RFC 5545 §3.1).
    for line in _LINE_END.split(text) if "\r" in text else text.split("\n"):
        if line[:1] in {" ", "\t"}:
            if parts:
                parts.append(line[1:])
            continue
        if parts:
            yield "".join(parts)
        parts = [line] if _is_wanted(line) else []
    if parts:
        yield "".join(parts)


def _is_wanted(line: str) -> bool:
    found = _NAME.match(line)
    if found is None:
        return False
    name = found[0].upper()
    return name in _WANTED or name.startswith(OURS)


def _properties(text: str) -> Iterator[tuple[str, Property]]:
    for line in _lines(text):
        named = _NAME.match(line)
        # What is no property is some text's rest, which nobody folded.
        if named is not None and line[named.end() : named.end() + 1] in {":", ";"}:
            yield named[0].upper(), _property(line, named.end())


def _property(line: str, place: int) -> Property:
    """Read what follows a property's name."""
    parameters: dict[str, str] = {}
    while (found := _PARAMETER.match(line, place)) is not None:
        parameters[found[1].upper()] = found[2].strip('"')
        place = found.end()
    if line[place : place + 1] == ":":
        return Property(line[place + 1 :], parameters)
    # Quotation marks inside of a name: its event takes time all the same.
    rest, _, value = line[place:].rpartition(":")
    others = {each[1].upper(): each[2].strip('"') for each in _PARAMETER.finditer(rest)}
    return Property(value, others | parameters)
