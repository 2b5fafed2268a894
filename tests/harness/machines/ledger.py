"""What the database really holds, read past the service by a superuser."""

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from uuid import UUID

import psycopg
from psycopg.conninfo import make_conninfo

from universal_calendar.store.embedded import EmbeddedPostgres

_FREED = ("cancelled", "no_show")


@dataclass(frozen=True, order=True)
class Entry:
    """A span of an agent's time in one of the tables."""

    tenant_id: UUID
    agent_id: UUID
    starts_at: datetime
    ends_at: datetime
    entry_id: UUID


class Ledger:
    """Reads the claims and appointments of one tenant, or of all."""

    def __init__(self, admin_url: str, tenant_id: UUID | None = None) -> None:
        """Take a superuser's URL of the service's database."""
        self._url, self._tenant_id = admin_url, tenant_id

    @classmethod
    def of(cls, server: EmbeddedPostgres, tenant_id: UUID | None = None) -> "Ledger":
        """Open the embedded server's."""
        url = make_conninfo(server.admin_url, dbname="universal_calendar")
        return cls(url, tenant_id)

    def claims(self, *, held: bool) -> list[Entry]:
        """Return the holds' claims, or those of appointments."""
        kind = "IS NOT NULL" if held else "IS NULL"
        return self._entries("claim_id", f"claims WHERE expires_at {kind}")

    def standing(self) -> list[Entry]:
        """Return the appointments that hold their time."""
        freed = ", ".join(f"'{status}'" for status in _FREED)
        return self._entries(
            "appointment_id", f"appointments WHERE status NOT IN ({freed})"
        )

    def check(self) -> None:
        """Assert that nothing overlaps and that claims and appointments agree."""
        standing, claimed = self.standing(), self.claims(held=False)
        assert standing == claimed
        for taken in (standing, sorted(claimed + self.claims(held=True))):
            for one, next_one in pairwise(taken):
                same = one.agent_id == next_one.agent_id
                apart = one.ends_at <= next_one.starts_at
                assert not same or apart, (one, next_one)

    def _entries(self, id_column: str, source: str) -> list[Entry]:
        columns = f"tenant_id, agent_id, starts_at, ends_at, {id_column}"
        query = f"SELECT {columns} FROM universal_calendar.{source}"  # noqa: S608 - constants
        with psycopg.connect(self._url) as connection:
            rows = connection.execute(query.encode()).fetchall()
        entries = sorted(Entry(*row) for row in rows)
        return [e for e in entries if self._tenant_id in (None, e.tenant_id)]
