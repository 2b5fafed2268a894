"""The parts that web and command line are built on, opened in the right order."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from universal_calendar.clock import utc_now
from universal_calendar.core.errors import AlreadyExists, TenantNotFound
from universal_calendar.core.identifier import RANDOM_BITS, uuid7
from universal_calendar.core.instant import Instant, from_datetime
from universal_calendar.services.tenants.api_keys import ApiKeys
from universal_calendar.services.tenants.tenants import Tenants
from universal_calendar.settings import Environment, Settings
from universal_calendar.store.booking.agendas import AgendaTable
from universal_calendar.store.booking.appointments import AppointmentTable
from universal_calendar.store.database import Database
from universal_calendar.store.embedded import EmbeddedPostgres
from universal_calendar.store.migrate import (
    UnfitDatabase,
    check_role,
    current_revision,
    head_revision,
    migrate,
)
from universal_calendar.store.private_file import kept_private
from universal_calendar.store.rate_limits import RateLimit, RateLimits
from universal_calendar.store.sealing.encryption import MasterKeys, key_text, new_key
from universal_calendar.store.sealing.keyring import Keyring, open_keyring
from universal_calendar.store.tenants.api_keys import ApiKeyTable
from universal_calendar.store.tenants.tenants import AgentTable, TenantTable
from universal_calendar.store.units import UnitsOfWork

MINUTE = timedelta(minutes=1)


def new_id(now: Instant) -> UUID:
    """Make an id that sorts by the moment it is given."""
    return uuid7(now, secrets.randbits(RANDOM_BITS))


def new_api_key() -> str:
    """Make an API key of 256 random bits."""
    return f"uc_{secrets.token_urlsafe(32)}"


@dataclass(frozen=True, slots=True)
class Server:
    """The database server: the embedded one, or whatever DATABASE_URL names."""

    url: str = field(repr=False)
    direct_url: str = field(repr=False)
    embedded: EmbeddedPostgres | None


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that web and command line are built on, open and ready."""

    settings: Settings
    server: Server
    database: Database
    keyring: Keyring
    agendas: AgendaTable
    appointments: AppointmentTable
    api_key_table: ApiKeyTable
    rate_limits: RateLimits
    tenants: Tenants
    api_keys: ApiKeys
    units: UnitsOfWork


def start_server(settings: Settings) -> Server:
    """Start or join the embedded server, or take DATABASE_URL; migrate if asked to.

    Raises UnfitDatabase for a schema of another version that starting may not change.
    """
    server = launch_server(settings)
    for url in {server.url, server.direct_url}:
        check_role(url)
    revision, wanted = current_revision(server.direct_url), head_revision()
    if revision == wanted:
        return server
    if not migrates_at_start(settings):
        raise UnfitDatabase(
            f"The database is at revision {revision or 'none'} and this version needs"
            f" {wanted}. Run `universal-calendar migrate`, or set AUTO_MIGRATE=true"
        )
    migrate(server.direct_url)
    return server


def launch_server(settings: Settings) -> Server:
    """Start or join the embedded server, or take DATABASE_URL; the schema stays."""
    if settings.database_url is None:
        embedded = EmbeddedPostgres(settings.uc_home)
        embedded.start()
        return Server(embedded.url, embedded.url, embedded)
    url = settings.database_url
    direct = settings.database_direct_url or url
    return Server(url.get_secret_value(), direct.get_secret_value(), None)


def migrates_at_start(settings: Settings) -> bool:
    """Tell whether starting applies migrations."""
    development = settings.environment is Environment.DEVELOPMENT
    return settings.is_embedded or settings.auto_migrate or development


def master_keys(settings: Settings) -> MasterKeys:
    """Return the keys of the settings, else those of a 0600 file in the home."""
    if settings.master_keys:
        return MasterKeys.parse(
            [key.get_secret_value() for key in settings.master_keys]
        )
    text = kept_private(settings.uc_home / "master.key", lambda: key_text(new_key()))
    return MasterKeys.parse(text.split())


@asynccontextmanager
async def open_parts(settings: Settings, server: Server) -> AsyncIterator[Parts]:
    """Connect, and make sure of the default tenant."""
    database = Database(server.url, size=settings.database_pool_size)
    await database.open()
    try:
        keyring = await open_keyring(database, master_keys(settings))
        parts = _parts(settings, server, database, keyring)
        await _ensure_default_tenant(parts)
        yield parts
    finally:
        await database.close()


def _parts(
    settings: Settings, server: Server, database: Database, keyring: Keyring
) -> Parts:
    limit = RateLimit(settings.api_key_rate_limit, MINUTE)
    tenant_table, agent_table = TenantTable(database, keyring), AgentTable(database)
    key_table = ApiKeyTable(database, keyring, limit)
    return Parts(
        settings,
        server,
        database,
        keyring,
        AgendaTable(database, keyring, limit, settings.mirror_max_age),
        AppointmentTable(database, keyring),
        key_table,
        RateLimits(database),
        Tenants(tenant_table, agent_table, new_id),
        ApiKeys(key_table, tenant_table, agent_table, new_id, new_api_key),
        UnitsOfWork(database, keyring, limit, new_id, settings.mirror_max_age),
    )


async def _ensure_default_tenant(parts: Parts) -> None:
    now, tenant_id = utc_now(), parts.settings.default_tenant_id
    try:
        await parts.tenants.get(tenant_id)
    except TenantNotFound:
        # Several processes may start at once; the first to come adds it.
        with suppress(AlreadyExists):
            await parts.tenants.add("Default", "UTC", from_datetime(now), tenant_id)


async def follow_environment(parts: Parts) -> None:
    """Make CALENDAR_API_KEY work, and no key of an earlier environment.

    For the service alone: a command that does not know the variable ends no key.
    """
    secret = parts.settings.calendar_api_key
    await parts.api_keys.follow_environment(
        parts.settings.default_tenant_id,
        None if secret is None else secret.get_secret_value(),
        utc_now(),
    )
