"""What the commands print: JSON for programs, tables and sentences for people."""

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Final
from uuid import UUID

WIDTH_OF_FILES: Final = 160
_UNSEEN: Final = "\N{REPLACEMENT CHARACTER}"


def print_json(value: object) -> None:
    """Print one line of JSON: ids as strings, instants in ISO 8601 UTC."""
    print(json.dumps(value, default=_plain))


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return instant_text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"no JSON for {type(value).__name__}")


def instant_text(moment: datetime) -> str:
    """Write an aware datetime as 2026-12-05T09:30:00Z, without its fractions."""
    utc = moment.astimezone(UTC).replace(microsecond=0)
    return utc.isoformat().replace("+00:00", "Z")


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table; a value that is None stays empty."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(*columns, box=SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    width = None if sys.stdout.isatty() else WIDTH_OF_FILES
    Console(width=width, markup=False, emoji=False, highlight=False).print(table)


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = instant_text(value) if isinstance(value, datetime) else str(value)
    return printable(text)


def printable(text: str) -> str:
    """Return the text without what could steer a terminal."""
    return "".join(each if each.isprintable() else _UNSEEN for each in text)
