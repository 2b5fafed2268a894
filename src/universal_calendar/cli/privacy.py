"""`encryption`: new keys take over; and the command that erases a tenant."""

import sys
from collections.abc import Awaitable, Callable
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, TypeVar
from uuid import UUID

import typer

from universal_calendar.cli.options import AsJson, Home, OneTenant, read_id
from universal_calendar.cli.output import print_json, print_table
from universal_calendar.cli.session import now, with_parts
from universal_calendar.services.ports.identity import Actor, ActorKind
from universal_calendar.services.tenants.key_rotation import (
    GRACE_SECONDS,
    KeyRotation,
    Report,
    Rotated,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from universal_calendar.bootstrap.parts import Parts

T = TypeVar("T")

encryption = typer.Typer(
    no_args_is_help=True, help="The keys that data at rest are encrypted with."
)


@encryption.command("rewrap")
def rewrap(home: Home = None, *, as_json: AsJson = False) -> None:
    """Wrap every stored key by the first of MASTER_KEYS; then the others may go.

    Data are not touched, services may run. Doing it twice is harmless.

    Example: universal-calendar encryption rewrap
    """
    rewrapped = _with_rotation(
        home, "Wrapping keys", lambda rotation, _, report: rotation.rewrap(report)
    )
    if as_json:
        print_json(asdict(rewrapped))
        return
    print(f"Wrapped {rewrapped.keys} keys anew, of {rewrapped.tenants} tenants.")
    print("The first of MASTER_KEYS opens all of them: the others may be removed.")


@encryption.command("rotate")
def rotate(
    tenant: OneTenant = None,
    home: Home = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="Of every tenant.")] = False,
    grace: Annotated[
        float,
        typer.Option(
            min=0,
            metavar="SECONDS",
            help="How long a process may work on with a key that it has read.",
        ),
    ] = GRACE_SECONDS,
    as_json: AsJson = False,
) -> None:
    """Give a tenant a new data key, encrypt everything anew, destroy the old key.

    Services may run, bookings go on. What fails is safe to be repeated.

    Example: universal-calendar encryption rotate --tenant ID
    """
    if every is (tenant is not None):
        raise typer.BadParameter("give either --tenant ID or --all")

    async def work(
        rotation: KeyRotation, parts: "Parts", report: Report
    ) -> list[Rotated]:
        return await rotation.rotate(
            await _tenant_ids(parts, tenant), report, grace=grace
        )

    rotated = _with_rotation(home, "Encrypting anew", work)
    if as_json:
        print_json([asdict(each) for each in rotated])
        return
    columns = ("tenant", "key version", "values", "keys destroyed")
    print_table(
        columns,
        [(each.tenant_id, each.version, each.rows, each.destroyed) for each in rotated],
    )


async def _tenant_ids(parts: "Parts", tenant_id: UUID | None) -> list[UUID]:
    if tenant_id is None:
        return [each.tenant_id for each in await parts.tenants.all()]
    return [(await parts.tenants.get(tenant_id)).tenant_id]


def _with_rotation(
    home: Home,
    title: str,
    work: "Callable[[KeyRotation, Parts, Report], Awaitable[T]]",
) -> T:
    async def run(parts: "Parts") -> T:
        from universal_calendar.bootstrap.privacy import key_rotation

        with _progress(title) as report:
            return await work(key_rotation(parts), parts, report)

    return with_parts(home, run)


@contextmanager
def _progress(title: str) -> "Iterator[Report]":
    """Show a bar on standard error, and nothing where that is a file."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(
        console=console, transient=True, disable=not sys.stderr.isatty()
    ) as progress:
        task = progress.add_task(title, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def erase_tenant(
    tenant_id: Annotated[
        UUID,
        typer.Argument(
            metavar="TENANT_ID", parser=read_id, help="As `tenants list` shows it."
        ),
    ],
    confirm: Annotated[
        str, typer.Option(metavar="NAME", help="The tenant's name, to be sure.")
    ],
    home: Home = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Destroy a tenant's keys and delete everything of it. There is no way back.

    Its API keys stop to work at once. Should it be interrupted, run it again.

    Example: universal-calendar tenants erase TENANT_ID --confirm "Acme Plumbing"
    """

    async def erase(parts: "Parts") -> int:
        from universal_calendar.bootstrap.privacy import tenant_erasure

        actor = Actor(ActorKind.COMMAND_LINE, "command_line")
        return await tenant_erasure(parts).erase(tenant_id, confirm, actor, now())

    deleted = with_parts(home, erase)
    if as_json:
        print_json({"id": tenant_id, "deleted_rows": deleted})
    else:
        print(
            f"Erased tenant {tenant_id}: its keys are destroyed, {deleted} rows gone."
        )
