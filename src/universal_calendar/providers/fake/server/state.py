"""What the sandbox remembers, in one SQLite file: kill -9 loses nothing answered."""

import json
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from universal_calendar.providers.fake.server.errors import Problem
from universal_calendar.providers.fake.server.models import NewAccount

Json = dict[str, Any]

# change counts the writes of a calendar: each gives its number to the event it touched,
# and a sync token is such a number. A deleted event stays as a tombstone: its id is
# burnt.
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS accounts (
    account TEXT PRIMARY KEY,
    refresh_token TEXT NOT NULL UNIQUE,
    token_seconds REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS tokens (
    access_token TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts,
    expires_at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS calendars (
    calendar_id TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts,
    name TEXT NOT NULL,
    is_primary INTEGER NOT NULL,
    is_writable INTEGER NOT NULL,
    time_zone TEXT NOT NULL,
    change INTEGER NOT NULL DEFAULT 0,
    forgotten INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS events (
    calendar_id TEXT NOT NULL REFERENCES calendars,
    event_id TEXT NOT NULL,
    change INTEGER NOT NULL,
    is_deleted INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (calendar_id, event_id)
);
CREATE INDEX IF NOT EXISTS events_by_change ON events (calendar_id, change);
CREATE TABLE IF NOT EXISTS channels (
    channel_id TEXT PRIMARY KEY,
    calendar_id TEXT NOT NULL REFERENCES calendars,
    address TEXT NOT NULL,
    secret TEXT NOT NULL,
    expires_at REAL NOT NULL,
    message INTEGER NOT NULL DEFAULT 0
);
"""


@dataclass(frozen=True, slots=True)
class Calendar:
    """A calendar; `change` is its newest, tokens below `forgotten` are stale."""

    calendar_id: str
    account: str
    name: str
    is_primary: bool
    is_writable: bool
    time_zone: str
    change: int
    forgotten: int

    def wire(self) -> Json:
        """Return it as answers show it."""
        return {
            "id": self.calendar_id,
            "name": self.name,
            "isPrimary": self.is_primary,
            "isWritable": self.is_writable,
            "timeZone": self.time_zone,
        }


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event, or the tombstone of one."""

    event_id: str
    change: int
    is_deleted: bool
    body: Json

    @property
    def etag(self) -> str:
        """Return the entity tag of this state of it."""
        return f'"{self.change}"'

    def wire(self) -> Json:
        """Return it as answers show it: a tombstone has nothing but its id."""
        if self.is_deleted:
            return {"id": self.event_id, "status": "cancelled"}
        return {**self.body, "id": self.event_id, "etag": self.etag}


@dataclass(frozen=True, slots=True)
class Channel:
    """Where the changes of a calendar are told, until `expires_at` (epoch seconds)."""

    channel_id: str
    calendar_id: str
    address: str
    secret: str = field(repr=False)
    expires_at: float
    message: int = 0


class State:
    """Accounts, calendars, events and channels; `now` is in seconds of the epoch."""

    def __init__(self, folder: Path) -> None:
        """Open what is in the folder, or begin there."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "sandbox.sqlite3"
        path.touch(mode=0o600)
        # Committed is written: a killed process loses nothing. Only the machine's own
        # death could, and for that nobody keeps a sandbox.
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.executescript(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
            "PRAGMA foreign_keys = ON;" + _SCHEMA
        )

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def _rows(self, statement: str, *values: object) -> list[sqlite3.Row]:
        return self._connection.execute(statement, values).fetchall()

    def _row(self, statement: str, *values: object) -> sqlite3.Row | None:
        return next(iter(self._rows(statement, *values)), None)

    # Accounts and their tokens

    def open_account(self, wanted: NewAccount) -> str:
        """Open the account, unless it is there; return a new refresh token for it."""
        token = secrets.token_urlsafe(24)
        with self._transaction():
            self._rows("DELETE FROM tokens WHERE account = ?", wanted.account)
            self._rows(
                "INSERT INTO accounts VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE"
                " SET refresh_token = ?2, token_seconds = ?3",
                wanted.account,
                token,
                wanted.token_seconds,
            )
            if not self.calendars(wanted.account):
                self._add_calendars(wanted)
        return token

    def _add_calendars(self, wanted: NewAccount) -> None:
        for position, each in enumerate(wanted.calendars):
            self._rows(
                "INSERT INTO calendars (calendar_id, account, name, is_primary,"
                " is_writable, time_zone) VALUES (?, ?, ?, ?, ?, ?)",
                secrets.token_hex(8),
                wanted.account,
                each.name,
                position == 0,
                each.is_writable,
                each.time_zone,
            )

    def grant(self, refresh_token: str, now: float) -> tuple[str, float]:
        """Return an access token and its seconds; raise Problem 400 invalid_grant."""
        row = self._row("SELECT * FROM accounts WHERE refresh_token = ?", refresh_token)
        if row is None:
            raise Problem(400, "invalid_grant")
        token = secrets.token_urlsafe(24)
        seconds = float(row["token_seconds"])
        with self._transaction():
            self._rows("DELETE FROM tokens WHERE expires_at <= ?", now)
            self._rows(
                "INSERT INTO tokens VALUES (?, ?, ?)",
                token,
                row["account"],
                now + seconds,
            )
        return token, seconds

    def account_of(self, access_token: str, now: float) -> str:
        """Return whose token it is; raise Problem 401 if it is not valid now."""
        row = self._row(
            "SELECT account FROM tokens WHERE access_token = ? AND expires_at > ?",
            access_token,
            now,
        )
        if row is None:
            raise Problem(401, "invalid_token")
        return str(row["account"])

    def expire_tokens(self, account: str) -> None:
        """Make every access token of the account worthless."""
        self._rows("DELETE FROM tokens WHERE account = ?", account)

    def revoke(self, account: str) -> None:
        """Make its refresh token worthless too: its owner must consent again."""
        with self._transaction():
            self.expire_tokens(account)
            self._rows(
                "UPDATE accounts SET refresh_token = ? WHERE account = ?",
                secrets.token_urlsafe(24),
                account,
            )

    # Calendars and events

    def calendars(self, account: str) -> list[Calendar]:
        """Return the account's calendars, in the order they were made."""
        rows = self._rows(
            "SELECT * FROM calendars WHERE account = ? ORDER BY rowid", account
        )
        return [_calendar(row) for row in rows]

    def calendar(self, calendar_id: str, account: str | None) -> Calendar:
        """Return the account's calendar (None: anybody's); or raise Problem 404."""
        row = self._row("SELECT * FROM calendars WHERE calendar_id = ?", calendar_id)
        if row is None or account not in (None, row["account"]):
            raise Problem(404, "no_such_calendar")
        return _calendar(row)

    def event(self, calendar_id: str, event_id: str) -> StoredEvent:
        """Return the event; raise Problem 404, or 410 for a deleted one."""
        found = self._find(calendar_id, event_id)
        if found is None:
            raise Problem(404, "no_such_event")
        if found.is_deleted:
            raise Problem(410, "deleted")
        return found

    def _find(self, calendar_id: str, event_id: str) -> StoredEvent | None:
        row = self._row(
            "SELECT * FROM events WHERE calendar_id = ? AND event_id = ?",
            calendar_id,
            event_id,
        )
        return None if row is None else _event(row)

    def events(
        self, calendar_id: str, after: int = 0, most: int = -1
    ) -> list[StoredEvent]:
        """Return events and tombstones by the number of their last change."""
        rows = self._rows(
            "SELECT * FROM events WHERE calendar_id = ? AND change > ?"
            " ORDER BY change LIMIT ?",
            calendar_id,
            after,
            most,
        )
        return [_event(row) for row in rows]

    def insert(self, calendar_id: str, event_id: str, body: Json) -> StoredEvent:
        """Add an event; raise Problem 409 if its id is taken, or was ever."""
        with self._transaction():
            if self._find(calendar_id, event_id) is not None:
                raise Problem(409, "duplicate")
            return self._write(calendar_id, event_id, body)

    def replace(
        self, calendar_id: str, event_id: str, body: Json, etag: str | None
    ) -> StoredEvent:
        """Write an event anew; raise Problem 404, 410, or 412 for another etag."""
        with self._transaction():
            _check_etag(self.event(calendar_id, event_id), etag)
            return self._write(calendar_id, event_id, body)

    def delete(self, calendar_id: str, event_id: str, etag: str | None) -> None:
        """Leave a tombstone; raise Problem 404, 410, or 412 for another etag."""
        with self._transaction():
            _check_etag(self.event(calendar_id, event_id), etag)
            self._write(calendar_id, event_id, None)

    def _write(self, calendar_id: str, event_id: str, body: Json | None) -> StoredEvent:
        self._rows(
            "UPDATE calendars SET change = change + 1 WHERE calendar_id = ?",
            calendar_id,
        )
        change = self.calendar(calendar_id, None).change
        written = StoredEvent(event_id, change, body is None, body or {})
        self._rows(
            "INSERT INTO events VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE"
            " SET change = ?3, is_deleted = ?4, body = ?5",
            calendar_id,
            event_id,
            change,
            written.is_deleted,
            json.dumps(written.body),
        )
        return written

    def forget_changes(self, calendar_id: str) -> None:
        """Make every sync token given so far stale."""
        self._rows(
            "UPDATE calendars SET change = change + 1, forgotten = change + 1"
            " WHERE calendar_id = ?",
            calendar_id,
        )

    # Channels

    def open_channel(self, channel: Channel) -> None:
        """Keep or prolong a channel; raise Problem 409 if its id is another's."""
        kept = self._rows(
            "INSERT INTO channels VALUES (?1, ?2, ?3, ?4, ?5, 0) ON CONFLICT DO UPDATE"
            " SET expires_at = ?5"
            " WHERE calendar_id = ?2 AND address = ?3 AND secret = ?4 RETURNING 1",
            channel.channel_id,
            channel.calendar_id,
            channel.address,
            channel.secret,
            channel.expires_at,
        )
        if not kept:
            raise Problem(409, "duplicate")

    def close_channel(self, channel_id: str, account: str) -> None:
        """Forget a channel of the account; raise Problem 404 if there is none."""
        gone = self._rows(
            "DELETE FROM channels WHERE channel_id = ? AND calendar_id IN"
            " (SELECT calendar_id FROM calendars WHERE account = ?) RETURNING 1",
            channel_id,
            account,
        )
        if not gone:
            raise Problem(404, "no_such_channel")

    def next_messages(self, calendar_id: str, now: float) -> list[Channel]:
        """Return the calendar's live channels, each with its next message number."""
        rows = self._rows(
            "UPDATE channels SET message = message + 1"
            " WHERE calendar_id = ? AND expires_at > ? RETURNING *",
            calendar_id,
            now,
        )
        return [Channel(**dict(row)) for row in rows]


def _check_etag(event: StoredEvent, etag: str | None) -> None:
    if etag not in (None, "*", event.etag):
        raise Problem(412, "changed")


def _calendar(row: sqlite3.Row) -> Calendar:
    values = dict(row)
    for name in ("is_primary", "is_writable"):
        values[name] = bool(values[name])
    return Calendar(**values)


def _event(row: sqlite3.Row) -> StoredEvent:
    return StoredEvent(
        str(row["event_id"]),
        int(row["change"]),
        bool(row["is_deleted"]),
        json.loads(row["body"]),
    )
