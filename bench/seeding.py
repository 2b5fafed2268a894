"""Filling databases: by COPY, as the administrator, past row security and foreign keys.

The product's COPY would be refused under row-level security. Tenants and keys are made
by the product itself.
"""

import asyncio
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Final
from uuid import UUID

import psycopg

from bench.calendars import ZONE, Calendar, Kind, PlannedClaim
from bench.stage import Place, Stage
from universal_calendar.bootstrap.parts import Parts, new_id, open_parts, start_server
from universal_calendar.core.hours import complete
from universal_calendar.core.instant import MINUTE, from_datetime, to_datetime
from universal_calendar.core.localtime import from_wall_clock
from universal_calendar.settings import Settings

_HOLD_SECONDS: Final = 6 * 3600
"""Longer than any run, so that no list goes out of date while it is measured."""

_AGENTS: Final = (
    "agents (tenant_id, agent_id, name, timezone, created_at)",
    "agent_directory (tenant_id, agent_id)",
    "schedules (tenant_id, agent_id, document)",
)
_CLAIMS: Final = (
    "claims (tenant_id, claim_id, agent_id, starts_at, ends_at, expires_at)"
)
_EVENTS: Final = (
    "calendar_events (agent_id, title, event_type, event_date, event_time,"
    " duration_minutes, participant_name, status)"
)
_HOURS: Final = (
    "business_hours (agent_id, working_hours, overrides, buffer_time_minutes,"
    " min_advance_booking_hours, max_advance_booking_days, timezone)"
)


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant of the product, with a key for all its agents."""

    tenant_id: UUID
    api_key: str = field(repr=False)


def add_tenant(stage: Stage, place: Place, now: datetime) -> Tenant:
    """Add a tenant and a key, as the command line does."""
    settings = Settings(
        _env_file=None, database_url=place.url, master_keys=stage.master_key
    )

    async def add() -> Tenant:
        async with open_parts(settings, start_server(settings)) as parts:
            return await _add(parts, now)

    return asyncio.run(add())


async def _add(parts: Parts, now: datetime) -> Tenant:
    tenant = await parts.tenants.add("Bench", ZONE.key, from_datetime(now))
    _, secret = await parts.api_keys.create(tenant.tenant_id, now)
    return Tenant(tenant.tenant_id, secret)


def seed_product(
    place: Place, tenant: Tenant, calendars: Sequence[Calendar], now: datetime
) -> None:
    """Write agents with hours and claims into the product's tables."""
    tenant_id = tenant.tenant_id
    ids = [(tenant_id, each.agent_id) for each in calendars]
    documents = [json.dumps(complete(each.document)) for each in calendars]
    agents, directory, schedules = _AGENTS
    with place.administer() as connection:
        _without_foreign_keys(connection)
        _copy(connection, agents, [(*each, "Agent", ZONE.key, now) for each in ids])
        _copy(connection, directory, ids)
        rows = [(*each, d) for each, d in zip(ids, documents, strict=True)]
        _copy(connection, schedules, rows)
        claim = _claim_row(tenant_id, now)
        _copy(connection, _CLAIMS, (claim(a, c) for a in calendars for c in a.claims))
        connection.execute("VACUUM ANALYZE")


def connect_calendar(place: Place, tenant: Tenant, now: datetime) -> None:
    """Give the tenant a calendar to write to; nobody opens its sealed columns here."""
    with place.administer() as connection:
        for statement in _CONNECT:
            connection.execute(statement, {"tenant": tenant.tenant_id, "now": now})


_CONNECT: Final = (
    b"INSERT INTO connections (tenant_id, connection_id, provider, account_index,"
    b" status, key_version, sealed, created_at, updated_at)"
    b" VALUES (%(tenant)s, %(tenant)s, 'fake', '', 'active', 1, '', %(now)s, %(now)s)",
    b"INSERT INTO calendars (tenant_id, calendar_id, connection_id, is_primary,"
    b" key_version, sealed, created_at)"
    b" VALUES (%(tenant)s, %(tenant)s, %(tenant)s, true, 1, '', %(now)s)",
    b"INSERT INTO write_calendars VALUES (%(tenant)s, NULL, %(tenant)s)",
)


def multiply(place: Place, calendar: Calendar, tenants: int, total: int) -> None:
    """Add claims like this agent's to other agents until there are `total`."""
    with place.administer() as connection:
        _without_foreign_keys(connection)
        connection.execute(
            "CREATE TEMPORARY TABLE model AS SELECT starts_at, ends_at FROM claims"
            " WHERE agent_id = %s",
            [calendar.agent_id],
        )
        others = total // len(calendar.claims)
        connection.execute(
            "CREATE TEMPORARY TABLE others AS SELECT uuidv7() agent_id,"
            " ids[1 + number %% %s] tenant_id FROM generate_series(1, %s) number,"
            " (SELECT array_agg(uuidv7()) ids FROM generate_series(1, %s))",
            [tenants, others, tenants],
        )
        for statement in _MULTIPLY:
            connection.execute(statement)
        connection.execute("VACUUM ANALYZE")


_MULTIPLY: Final = (
    b"INSERT INTO tenants SELECT DISTINCT tenant_id, 'Other', 'UTC', now() FROM others",
    b"INSERT INTO agents (tenant_id, agent_id, name, timezone, created_at)"
    b" SELECT tenant_id, agent_id, 'Other', 'UTC', now() FROM others",
    b"INSERT INTO claims (tenant_id, claim_id, agent_id, starts_at, ends_at)"
    b" SELECT tenant_id, uuidv7(), agent_id, starts_at, ends_at FROM model, others",
)


def count_claims(place: Place) -> int:
    """Return how many claims the whole table has."""
    with place.administer() as connection:
        row = connection.execute("SELECT count(*) FROM claims").fetchone()
    return 0 if row is None else int(row[0])


def seed_reference(place: Place, calendars: Sequence[Calendar]) -> None:
    """Write the same agents into the reference's tables, without expired holds."""
    with psycopg.connect(place.url, autocommit=True) as connection:
        _copy(connection, _HOURS, map(_hours_row, calendars))
        rows = (
            _event_row(agent.agent_id, claim)
            for agent in calendars
            for claim in agent.claims
            if claim.kind is not Kind.EXPIRED_HOLD
        )
        _copy(connection, _EVENTS, rows)
    with psycopg.connect(place.admin_url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def _claim_row(
    tenant_id: UUID, now: datetime
) -> Callable[[Calendar, PlannedClaim], tuple[object, ...]]:
    moment = from_datetime(now)
    expiries = {
        Kind.APPOINTMENT: None,
        Kind.HOLD: now + timedelta(seconds=_HOLD_SECONDS),
        Kind.EXPIRED_HOLD: now - timedelta(seconds=_HOLD_SECONDS),
    }

    def row(agent: Calendar, claim: PlannedClaim) -> tuple[object, ...]:
        start = from_wall_clock(claim.day, claim.minute, ZONE)
        end = start + claim.minutes * MINUTE
        return (
            tenant_id,
            new_id(moment),
            agent.agent_id,
            to_datetime(start),
            to_datetime(end),
            expiries[claim.kind],
        )

    return row


def _hours_row(agent: Calendar) -> tuple[object, ...]:
    document = agent.document
    return (
        agent.agent_id,
        json.dumps(document["working_hours"]),
        json.dumps(document["overrides"]),
        document["buffer_time_minutes"],
        document["min_advance_booking_hours"],
        document["max_advance_booking_days"],
        document["timezone"],
    )


def _event_row(agent_id: UUID, claim: PlannedClaim) -> tuple[object, ...]:
    held = claim.kind is Kind.HOLD
    return (
        agent_id,
        "External Booking - John Doe",
        "appointment",
        claim.day,
        time(*divmod(claim.minute, 60)),
        claim.minutes,
        "John Doe",
        "pending" if held else "confirmed",
    )


def _without_foreign_keys(connection: psycopg.Connection) -> None:
    connection.execute("SET session_replication_role = replica")


def _copy(
    connection: psycopg.Connection, target: str, rows: Iterable[Sequence[object]]
) -> None:
    statement = f"COPY {target} FROM STDIN".encode()
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
