"""`doctor`: look at everything the service needs, and say how to mend it."""

import asyncio
import stat
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer
from pydantic import SecretStr

from universal_calendar.cli.checks import (
    Ailment,
    Check,
    Status,
    attempt,
    examine,
    skipped,
)
from universal_calendar.cli.connection_checks import (
    check_connections,
    check_registrations,
)
from universal_calendar.cli.options import AsJson, Home
from universal_calendar.cli.output import print_json, print_table
from universal_calendar.cli.session import log_to_stderr, read_settings, running_server
from universal_calendar.cli.zones import zone_rules
from universal_calendar.clock import utc_now
from universal_calendar.settings import ENV_FILE, Settings

if TYPE_CHECKING:
    from universal_calendar.bootstrap.parts import Server
    from universal_calendar.store.inspection import ServerFacts

WIDEST_GAP: Final = timedelta(seconds=2)
SHORTEST_KEY: Final = 16
_INSIDE: Final = ("migrations", "encryption", "connections", "clock")
_MENDS: Final = {
    "settings": "Change it in the environment or in .env",
    "secrets": "Run universal-calendar init, which writes good ones",
    "zones": "Install the Python package tzdata",
    "providers": "Register this installation with the provider; see docs/connecting.md",
    "database": "Start the server that DATABASE_URL names, or correct its host, port,"
    " role and password",
    "migrations": "Run universal-calendar migrate",
    "encryption": "Put the master key that the data was written with into MASTER_KEYS,"
    " or into master.key in the home where MASTER_KEYS is not set",
    "connections": "Run universal-calendar connections test",
    "clock": "Synchronise the clocks of both machines by NTP",
}


def doctor(home: Home = None, *, as_json: AsJson = False) -> None:
    """Check settings, secrets, zones, providers, database, connections and clock.

    Exits with 1 if any of them fails.

    Example: universal-calendar doctor --json
    """
    checks = list(_checks(home))
    is_well = all(each.status is not Status.FAILED for each in checks)
    if as_json:
        print_json({"ok": is_well, "checks": [asdict(each) for each in checks]})
    else:
        rows = [(each.name, each.status, _text(each)) for each in checks]
        print_table(("check", "status", "detail"), rows)
        print("All is well." if is_well else "Mend what failed, then ask again.")
    if not is_well:
        raise typer.Exit(1)


def _text(check: Check) -> str:
    detail = check.detail.rstrip(".")
    return f"{detail}. Mend: {check.mend}." if check.mend else check.detail


def _checks(home: Path | None) -> Iterator[Check]:
    yield examine("zones", zone_rules, _MENDS["zones"])
    read = partial(read_settings, uc_home=home)
    settings = attempt("settings", read, _MENDS["settings"])
    if isinstance(settings, Check):
        yield settings
        yield from _skipped(("secrets", "providers", "database", *_INSIDE), "settings")
        return
    log_to_stderr(settings)
    yield Check("settings", Status.OK, _summary(settings))
    yield examine("secrets", partial(_secrets, settings), _MENDS["secrets"])
    look = partial(check_registrations, settings)
    yield examine("providers", look, _MENDS["providers"])
    with ExitStack() as stack:
        reach = partial(_reach, settings, stack)
        reached = attempt("database", reach, _MENDS["database"])
        if isinstance(reached, Check):
            yield reached
            yield from _skipped(_INSIDE, "database")
        else:
            yield from _inside(settings, *reached)


def _skipped(names: tuple[str, ...], first: str) -> Iterator[Check]:
    return (skipped(name, f"{first} first") for name in names)


def _summary(settings: Settings) -> str:
    where = "embedded database" if settings.is_embedded else "DATABASE_URL"
    return f"{settings.environment}, {where}, home {settings.uc_home}"


def _secrets(settings: Settings) -> str:
    for path in (Path(ENV_FILE), settings.uc_home / "master.key"):
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise Ailment(f"Others can read {path}", f"Run chmod 600 {path}")
    _check_length("CALENDAR_API_KEY", settings.calendar_api_key)
    for key in settings.internal_service_key:
        _check_length("INTERNAL_SERVICE_KEY", key)
    return f"no file that others can read, none too short; {_users(settings)}"


def _check_length(name: str, key: SecretStr | None) -> None:
    # JWT_SECRET is not among them: no setting takes a short one.
    if key is not None and len(key.get_secret_value()) < SHORTEST_KEY:
        raise Ailment(
            f"{name} is shorter than {SHORTEST_KEY} characters", _MENDS["secrets"]
        )


def _users(settings: Settings) -> str:
    """Tell whose tokens open the tenant API."""
    ways = {"JWT_SECRET": settings.jwt_secret, "JWKS_URL": settings.jwks_url}
    named = [name for name, way in ways.items() if way is not None]
    return f"users come in by {' or '.join(named) or 'neither ' + ' nor '.join(ways)}"


def _reach(settings: Settings, stack: ExitStack) -> "tuple[Server, ServerFacts]":
    from universal_calendar.store.inspection import inspect
    from universal_calendar.store.migrate import check_role

    server = stack.enter_context(running_server(settings, migrated=False))
    facts = inspect(server.direct_url)
    check_role(server.direct_url)
    return server, facts


def _inside(
    settings: Settings, server: "Server", facts: "ServerFacts"
) -> Iterator[Check]:
    yield Check("database", Status.OK, f"PostgreSQL {facts.version}")
    look = partial(_migrations, settings, server)
    migrations = examine("migrations", look, _MENDS["migrations"])
    yield migrations
    if migrations.status is Status.OK:
        look = partial(_encryption, settings, server)
        yield examine("encryption", look, _MENDS["encryption"])
        look = partial(check_connections, server)
        yield examine("connections", look, _MENDS["connections"])
    else:
        yield from _skipped(("encryption", "connections"), "migrations")
    gap = abs(facts.clock - utc_now())
    yield examine("clock", partial(_clock, gap), _MENDS["clock"])


def _migrations(settings: Settings, server: "Server") -> str:
    from universal_calendar.bootstrap.parts import migrates_at_start
    from universal_calendar.store.migrate import (
        current_revision,
        head_revision,
        migrate,
    )

    before, wanted = current_revision(server.direct_url), head_revision()
    if before == wanted:
        return f"at revision {wanted}"
    if not migrates_at_start(settings):
        detail = f"At revision {before or 'none'}, this version needs {wanted}"
        raise Ailment(detail, _MENDS["migrations"])
    # As the next start would.
    migrate(server.direct_url)
    return f"at revision {wanted}, just applied"


def _encryption(settings: Settings, server: "Server") -> str:
    from universal_calendar.bootstrap.parts import master_keys
    from universal_calendar.store.database import Database
    from universal_calendar.store.sealing.keyring import open_keyring
    from universal_calendar.store.tenants.key_rotation import KeyTable

    async def outdated() -> int:
        database = Database(server.url, size=1)
        await database.open()
        try:
            keyring = await open_keyring(database, master_keys(settings))
            return await KeyTable(database, keyring).count_outdated()
        finally:
            await database.close()

    old = asyncio.run(outdated())
    told = "the master keys open what is stored"
    if not old:
        return told
    return f"{told}; {old} keys await `universal-calendar encryption rewrap`"


def _clock(gap: timedelta) -> str:
    seconds = f"{gap.total_seconds():.1f} s from the database server's"
    if gap > WIDEST_GAP:
        raise Ailment(f"The clock is {seconds}", _MENDS["clock"])
    return seconds
