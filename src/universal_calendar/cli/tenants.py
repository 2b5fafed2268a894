"""`tenants`: the businesses that own agents."""

from typing import Annotated

import typer

from universal_calendar.cli.options import AsJson, Home, Zone
from universal_calendar.cli.output import print_json, print_table, printable
from universal_calendar.cli.session import now, with_parts

app = typer.Typer(no_args_is_help=True, help="The businesses that own agents.")


@app.command("add")
def add(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    timezone: Zone,
    home: Home = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Add a tenant; it has no agents yet.

    Example: universal-calendar tenants add "Acme Plumbing" --timezone Europe/Berlin
    """
    tenant = with_parts(home, lambda parts: parts.tenants.add(name, timezone, now()))
    if as_json:
        print_json({"id": tenant.tenant_id})
        return
    print(f"Added tenant {printable(tenant.name)}: {tenant.tenant_id}")
    print(
        "Next: universal-calendar agents add NAME"
        f" --tenant {tenant.tenant_id} --timezone {tenant.timezone}"
    )


@app.command("list")
def list_tenants(home: Home = None, *, as_json: AsJson = False) -> None:
    """List the tenants, oldest first.

    Example: universal-calendar tenants list --json
    """
    tenants = with_parts(home, lambda parts: parts.tenants.all())
    rows = [(each.tenant_id, each.name, each.timezone) for each in tenants]
    if as_json:
        names = ("id", "name", "timezone")
        print_json([dict(zip(names, row, strict=True)) for row in rows])
    else:
        print_table(("id", "name", "time zone"), rows)
