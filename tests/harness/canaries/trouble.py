"""A world in trouble: others fail, rows are refused, the database is gone."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final

from tests.harness.canaries.flood import Sent
from tests.harness.canaries.world import World
from tests.harness.island import wait_for

_REFUSE: Final = "ALTER TABLE {} ADD CONSTRAINT refuses CHECK ({}) NOT VALID"
_ACCEPT: Final = "ALTER TABLE {} DROP CONSTRAINT refuses"
# Rows that are refused later are reached only where earlier ones are not refused.
_REFUSING: Final = (
    ("claims", "agents", "tenants", "api_keys"),
    ("appointments", "schedules", "blocks", "webhook_endpoints"),
    ("notices", "audit_entries", "idempotency_keys"),
    ("visits", "technicians", "changed_customers", "connections"),
)
_TAKEN_UP: Final = ("links", "deliveries")
_FAILURES: Final = """
SELECT count(*) FROM history.rows WHERE relation = %s
    AND content::jsonb ->> 'tenant_id' = %s
    AND content::jsonb ->> 'last_error' IS NOT NULL
"""
BOOK: Final = "POST /appointments"
BOOK_BY_AGENT_API: Final = "POST /api/calendar/external-booking"


def fail_outside(world: World) -> None:
    """Book while calendar, mail and hooks fail, and say canaries while they do."""
    flood, outside = world.flood, world.outside
    mail, hooks = outside.mail, outside.hooks
    word = flood.canaries.text("told by the outside")
    hooks.status, hooks.headers = 500, {"X-Trouble": word}
    mail.recipient_answer = f"550 no such person {word}"
    before = {table: _failures(world, table) for table in _TAKEN_UP}
    for fault in ("failure", "throttle", "drop", "expired_token"):
        calendar = outside.account.calendar_id
        outside.sandbox.fault(fault, times=1, calendarId=calendar)
        flood.send(flood.wish(BOOK))
    mail.recipient_answer, mail.data_answer = "250 OK", f"451 later {word}"
    flood.send(flood.wish(BOOK))
    wait_for("all failed", lambda: _more_failures(world, before))
    hooks.status, hooks.headers, mail.data_answer = 200, {}, "250 OK"
    outside.sandbox.clear_faults()


def _more_failures(world: World, before: Mapping[str, int]) -> bool:
    return all(_failures(world, table) > count for table, count in before.items())


def _failures(world: World, table: str) -> int:
    """Return how often it was written down that the flood's business failed there."""
    values = [table, world.flood.house.tenant_id]
    with world.superuser() as connection:
        row = connection.execute(_FAILURES, values).fetchone()
    return 0 if row is None else int(row[0])


def refuse_every_row(world: World, wishes: Sequence[Sent]) -> None:
    """Have PostgreSQL refuse whatever is written: errors that nobody expects."""
    flood = world.flood
    for tables in _REFUSING:
        with _refusing(world, tables, "false"):
            assert 500 in _statuses(wishes), tables
    with _refusing(world, _TAKEN_UP, "attempts = 0"):
        before = _failed_tasks(world)
        assert flood.send(flood.wish(BOOK)).is_success
        wait_for("a task failed", lambda: _failed_tasks(world) > before)


def _failed_tasks(world: World) -> int:
    return sum("procrastinate" in each for each in world.lines)


def _statuses(wishes: Sequence[Sent]) -> set[int]:
    """Send all of them, side by side."""
    with ThreadPoolExecutor() as pool:
        answers = pool.map(lambda each: each[0].send(each[1]), wishes)
        return {each.status_code for each in answers}


@contextmanager
def _refusing(world: World, tables: Sequence[str], check: str) -> Iterator[None]:
    with world.superuser() as connection:
        for table in tables:
            connection.execute(_REFUSE.format(table, check).encode())
        yield
        for table in tables:
            connection.execute(_ACCEPT.format(table).encode())


def lose_the_database(world: World) -> None:
    """Kill PostgreSQL amid requests, and wait until it is back."""
    flood = world.flood
    wishes = [flood.wish(name) for name in (BOOK, BOOK_BY_AGENT_API) * 4]
    postmaster = world.place.postmaster()
    assert postmaster is not None
    postmaster.kill()
    assert 503 in {flood.send(wish).status_code for wish in wishes}
    again = flood.wish(BOOK)
    wait_for("the database is back", lambda: flood.send(again).is_success)
