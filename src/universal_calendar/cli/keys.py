"""`keys`: API keys, shown once and stored as hashes."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from universal_calendar.cli.options import AsJson, Home, OneTenant, OwnTenant, read_id
from universal_calendar.cli.output import print_json, print_table
from universal_calendar.cli.session import with_parts
from universal_calendar.clock import utc_now
from universal_calendar.core.errors import InvalidField
from universal_calendar.services.ports.api_keys import ApiKey, KeyState

if TYPE_CHECKING:
    from universal_calendar.bootstrap.parts import Parts

app = typer.Typer(no_args_is_help=True, help="API keys: each is shown once.")

KeyId = Annotated[
    UUID,
    typer.Argument(metavar="KEY_ID", parser=read_id, help="As `keys list` shows it."),
]


@app.command("create")
def create(
    tenant: OwnTenant,
    agents: Annotated[
        list[UUID] | None,
        typer.Option(
            "--agent",
            metavar="ID",
            parser=read_id,
            help="For this agent alone; may be repeated. Default: all agents.",
        ),
    ] = None,
    label: Annotated[str, typer.Option(help="To tell keys apart.")] = "",
    expires: Annotated[
        datetime | None,
        typer.Option(
            metavar="DATE",
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"],
            help="When it stops to work, in UTC. Default: never.",
        ),
    ] = None,
    home: Home = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Make an API key and show it, this once.

    Example: universal-calendar keys create --tenant ID --label website
    """
    until = None if expires is None else expires.replace(tzinfo=UTC)
    if until is not None and until <= utc_now():
        raise InvalidField("--expires", "lies in the past")
    scope = agents or None
    key, secret = with_parts(
        home,
        lambda parts: parts.api_keys.create(
            tenant, utc_now(), label=label, agent_ids=scope, expires_at=until
        ),
    )
    _show_made(key, secret, as_json=as_json)


def _show_made(key: ApiKey, secret: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"id": key.key_id, "key": secret})
        return
    print(f"API key {key.key_id}:\n\n  {secret}\n")
    print("Keep it now: only its hash is stored, nobody can show it again.")


@app.command("list")
def list_keys(
    tenant: OneTenant = None, home: Home = None, *, as_json: AsJson = False
) -> None:
    """List the keys, revoked ones included, but never the secrets.

    Example: universal-calendar keys list --tenant ID
    """
    keys = with_parts(home, lambda parts: _keys(parts, tenant))
    if as_json:
        print_json([_as_dict(key) for key in keys])
        return
    columns = ("id", "tenant", "label", "agents", "state", "last used")
    print_table(columns, (_row(key) for key in keys))


async def _keys(parts: "Parts", tenant_id: UUID | None) -> list[ApiKey]:
    if tenant_id is not None:
        return list(await parts.api_keys.all(tenant_id))
    tenants = await parts.tenants.all()
    return [key for each in tenants for key in await parts.api_keys.all(each.tenant_id)]


def _as_dict(key: ApiKey) -> dict[str, object]:
    return {
        "id": key.key_id,
        "tenant_id": key.tenant_id,
        "label": key.label,
        "agent_ids": key.agent_ids,
        "state": key.state(utc_now()),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
        "last_used_at": key.last_used_at,
        "is_from_environment": key.is_from_environment,
    }


def _row(key: ApiKey) -> tuple[object, ...]:
    scope = "all" if key.agent_ids is None else " ".join(map(str, key.agent_ids))
    return (
        *(key.key_id, key.tenant_id, key.label, scope),
        *(key.state(utc_now()), key.last_used_at),
    )


@app.command("revoke")
def revoke(key_id: KeyId, home: Home = None, *, as_json: AsJson = False) -> None:
    """End a key at once.

    Example: universal-calendar keys revoke KEY_ID
    """

    async def end(parts: "Parts") -> None:
        await parts.api_keys.revoke(await parts.api_keys.find(key_id), utc_now())

    with_parts(home, end)
    if as_json:
        print_json({"id": key_id})
    else:
        print(f"Revoked {key_id}: it opens nothing from now on.")


@app.command("rotate")
def rotate(
    key_id: KeyId,
    overlap: Annotated[
        float,
        typer.Option(min=0, max=8760, help="Hours for which the old key still works."),
    ] = 24,
    home: Home = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Make a key of the same scope in place of another, and show it, this once.

    Example: universal-calendar keys rotate KEY_ID --overlap 48
    """

    async def replace(parts: "Parts") -> tuple[ApiKey, str]:
        old = await parts.api_keys.find(key_id)
        state = old.state(utc_now())
        if state is not KeyState.ACTIVE:
            raise InvalidField("KEY_ID", f"is {state}; use keys create")
        return await parts.api_keys.rotate(old, utc_now(), timedelta(hours=overlap))

    key, secret = with_parts(home, replace)
    _show_made(key, secret, as_json=as_json)
    if not as_json:
        print(f"The old key {key_id} works for at most {overlap:g} hours more.")
