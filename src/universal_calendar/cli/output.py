"""What the commands print: JSON for programs, tables and sentences for people."""

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Final
from uuid import UUID

WIDTH_OF_FILES: Final = 160
_NO_LIMIT: Final = 100_000
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
    """Print a table; a value that is None stays empty, and nothing is ever cut.

    Columns without any name get no head.
    """
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.measure import Measurement
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_header=any(columns))
    shown = [[_cell(value) for value in row] for row in rows]
    for number, column in enumerate(columns):
        is_of_words = any(" " in row[number] for row in shown)
        table.add_column(column, no_wrap=not is_of_words, overflow="fold")
    for row in shown:
        table.add_row(*row)
    width = None if sys.stdout.isatty() else WIDTH_OF_FILES
    console = Console(width=width, markup=False, emoji=False, highlight=False)
    unbounded = console.options.update(max_width=_NO_LIMIT)
    # Ids are to be copied: a terminal that is too narrow shows a row on several lines.
    least = Measurement.get(console, unbounded, table).minimum
    console.width = max(console.width, least)
    console.print(table)


def print_warnings(warnings: Iterable[str]) -> None:
    """Tell on standard error what an answer has to be read with."""
    for each in warnings:
        print(f"warning: {each}", file=sys.stderr)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = instant_text(value) if isinstance(value, datetime) else str(value)
    return printable(text)


def printable(text: str) -> str:
    """Return the text without what could steer a terminal."""
    return "".join(each if each.isprintable() else _UNSEEN for each in text)
