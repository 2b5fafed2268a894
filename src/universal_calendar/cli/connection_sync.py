"""`connections sync`: have calendars read now."""

import asyncio
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Final
from uuid import UUID

import typer

from universal_calendar.cli.appointments import ACTOR
from universal_calendar.cli.options import AsJson, Home, OwnTenant, read_id
from universal_calendar.cli.output import print_json
from universal_calendar.cli.session import now, with_parts
from universal_calendar.clock import utc_now
from universal_calendar.core.errors import UniversalCalendarError
from universal_calendar.core.instant import to_datetime
from universal_calendar.services.calendars.sync_requests import (
    RequestedSync,
    Syncs,
    SyncWish,
    advice,
)
from universal_calendar.services.ports.sync_requests import (
    Sync,
    SyncScope,
    SyncStatus,
)

if TYPE_CHECKING:
    from universal_calendar.bootstrap.parts import Parts

_HEARD_WITHIN: Final = timedelta(seconds=15)
_PATIENCE_SECONDS: Final = 5.0
_PAUSE_SECONDS: Final = 0.25
_START_WORKER: Final = (
    "no worker is running, so nothing is read: start `universal-calendar serve`, or"
    " `universal-calendar worker` beside a service with RUN_WORKER=false"
)

Show = Callable[[int], None]


class NobodyWorks(UniversalCalendarError):
    """No worker is running."""


def sync(  # noqa: PLR0913 - each is an option of the command
    tenant: OwnTenant,
    connection_id: Annotated[
        UUID | None,
        typer.Argument(
            metavar="[CONNECTION_ID]",
            parser=read_id,
            help="As `connections list` shows it. Default: every connection.",
        ),
    ] = None,
    home: Home = None,
    *,
    full: Annotated[
        bool, typer.Option("--full", help="Read everything, not just what changed.")
    ] = False,
    force: Annotated[
        bool,
        typer.Option(
            "--force", help="Read everything, and believe a calendar that is empty."
        ),
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Until it is done.")] = False,
    as_json: AsJson = False,
) -> None:
    """Have calendars read now; a running service or worker does it.

    Example: universal-calendar connections sync --tenant ID --wait
    """
    wish = SyncWish(
        SyncScope(connection_id=connection_id), is_full=full, may_be_empty=force
    )
    if not wait:
        asked, is_worked_on = with_parts(home, lambda parts: _ask(parts, tenant, wish))
        _show_requested(asked, as_json=as_json, is_worked_on=is_worked_on)
        return
    ended = with_parts(home, lambda parts: _follow(parts, tenant, wish))
    _show_ended(ended, as_json=as_json)
    if ended.status is SyncStatus.FAILED:
        raise typer.Exit(1)


async def _ask(
    parts: "Parts", tenant_id: UUID, wish: SyncWish
) -> tuple[RequestedSync, bool]:
    return await _request(parts, tenant_id, wish), await _is_anybody_working(parts)


async def _request(parts: "Parts", tenant_id: UUID, wish: SyncWish) -> RequestedSync:
    from universal_calendar.bootstrap.parts import new_id

    await parts.tenants.get(tenant_id)
    async with parts.units.begin(tenant_id, ACTOR, now()) as unit:
        return await Syncs(new_id).request(unit, wish)


async def _is_anybody_working(parts: "Parts") -> bool:
    from universal_calendar.store.workers import is_anybody_working

    return await is_anybody_working(parts.database, utc_now() - _HEARD_WITHIN)


async def _follow(parts: "Parts", tenant_id: UUID, wish: SyncWish) -> Sync:
    """Ask, and wait until it has ended; raise NobodyWorks."""
    asked = await _request(parts, tenant_id, wish)
    heard_at = time.monotonic()
    with _progress() as show:
        while True:
            sync = await _state(parts, tenant_id, asked.sync_id)
            show(sync.progress)
            if sync.completed_at is not None:
                return sync
            if await _is_anybody_working(parts):
                heard_at = time.monotonic()
            elif time.monotonic() - heard_at > _PATIENCE_SECONDS:
                raise NobodyWorks(_START_WORKER)
            await asyncio.sleep(_PAUSE_SECONDS)


async def _state(parts: "Parts", tenant_id: UUID, sync_id: UUID) -> Sync:
    from universal_calendar.bootstrap.parts import new_id

    async with parts.units.begin(tenant_id, ACTOR, now()) as unit:
        return await Syncs(new_id).get(unit, sync_id)


@contextmanager
def _progress() -> Iterator[Show]:
    """Show a bar on standard error, if somebody looks at it."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("Reading calendars", total=100)
        yield lambda percent: progress.update(task, completed=percent)


def _show_requested(asked: RequestedSync, *, as_json: bool, is_worked_on: bool) -> None:
    if as_json:
        print_json({"id": asked.sync_id, "is_worked_on": is_worked_on})
        return
    print(f"Requested: {asked.sync_id}")
    if is_worked_on:
        print("The calendars are read now; --wait shows how far that is.")
    else:
        print(f"But {_START_WORKER}.")


def _show_ended(sync: Sync, *, as_json: bool) -> None:
    if as_json:
        print_json(_as_dict(sync))
        return
    tally = sync.tally
    print(
        f"Read {tally.processed} events: {tally.created} new, {tally.updated} changed,"
        f" {tally.deleted} gone."
    )
    for each in sync.errors:
        print(f"error: {advice(each)}", file=sys.stderr)


def _as_dict(sync: Sync) -> dict[str, object]:
    ended = sync.completed_at
    return {
        "id": sync.sync_id,
        "status": sync.status,
        "events_processed": sync.tally.processed,
        "events_created": sync.tally.created,
        "events_updated": sync.tally.updated,
        "events_deleted": sync.tally.deleted,
        "errors": [advice(each) for each in sync.errors],
        "completed_at": None if ended is None else to_datetime(ended),
    }
