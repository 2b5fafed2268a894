"""Connections of a business: made, looked at, and what its rows say of them."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tests.harness.outside.sandbox import Sandbox
from tests.web.conftest import Superuser
from tests.web.tenant_api.conftest import Desk
from tests.web.tenant_api.connecting import status
from tests.web.tenant_api.wishes import data
from universal_calendar.bootstrap.outside import open_outside
from universal_calendar.bootstrap.parts import Parts
from universal_calendar.bootstrap.providers import providers
from universal_calendar.bootstrap.worker import connections
from universal_calendar.clock import utc_now
from universal_calendar.core.instant import from_datetime

CALENDARS = [
    {"name": "Work"},
    {"name": "Team"},
    {"name": "Holidays", "isWritable": False},
]

Json = dict[str, Any]


@dataclass(frozen=True)
class Connect:
    """Connects another account of a business; returns the connection's status."""

    desk: Desk
    parts: Parts
    sandbox: Sandbox

    async def __call__(self, name: str = "ann", agent_id: str | None = None) -> Json:
        owner = f"{name}-{self.desk.tenant_id}"
        account = self.sandbox.account(owner, calendars=CALENDARS)
        async with open_outside(self.parts.settings) as outside:
            service = connections(self.parts, providers(self.parts, outside))
            connected = await service.add(
                UUID(self.desk.tenant_id),
                "fake",
                account.credentials,
                from_datetime(utc_now()),
                None if agent_id is None else UUID(agent_id),
            )
        return of(self.desk, str(connected.connection_id))


def of(desk: Desk, connection_id: str) -> Json:
    """Return a connection's status."""
    (found,) = (
        each
        for each in status(desk)["connections"]
        if each["connectionId"] == connection_id
    )
    return dict(found)


def change(desk: Desk, connection: Json, **fields: object) -> Json:
    path = f"/calendar/connections/{connection['connectionId']}"
    return dict(data(desk.put(path, fields))["connection"])


def calendar(connection: Json, name: str) -> Json:
    (found,) = (each for each in connection["calendars"] if each["name"] == name)
    return dict(found)


class Rows:
    """What a business's rows say."""

    def __init__(self, superuser: Superuser, desk: Desk) -> None:
        self._superuser, self._desk = superuser, desk

    def ask(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        cursor = self._superuser.execute(
            statement.encode(), [self._desk.tenant_id, *values]
        )
        return [] if cursor.description is None else cursor.fetchall()

    def due(self) -> set[str]:
        """Return the calendars that are to be read."""
        rows = self.ask(
            "SELECT item_id FROM due_work WHERE tenant_id = %s AND kind = 'sync'"
        )
        return {str(row[0]) for row in rows}

    def read(self) -> None:
        """Have everything been read once: a mirror, a token, a moment."""
        self.ask("DELETE FROM due_work WHERE tenant_id = %s")
        self.ask(
            "UPDATE calendars SET read_at = now(), window_ends_at = now()"
            " WHERE tenant_id = %s AND is_read"
        )
        for table, columns in (
            ("mirrored_times", "'event', now(), now() + interval '1 hour', 0"),
            ("sync_tokens", "1, ''"),
        ):
            self.ask(
                f"INSERT INTO {table} SELECT tenant_id, calendar_id, {columns}"  # noqa: S608 - ours
                " FROM calendars WHERE tenant_id = %s AND is_read"
            )

    def known(self) -> dict[str, int]:
        """Return how much is known of calendars that were read."""
        counted = {}
        for table in ("mirrored_times", "sync_tokens"):
            statement = f"SELECT count(*) FROM {table} WHERE tenant_id = %s"  # noqa: S608 - ours
            ((number,),) = self.ask(statement)
            counted[table] = int(str(number))
        return counted

    def revisions(self) -> dict[str, int]:
        rows = self.ask("SELECT agent_id, revision FROM agents WHERE tenant_id = %s")
        return {str(agent): int(str(revision)) for agent, revision in rows}
