"""What killed workers leave behind: leases and heartbeats, which nobody waits out.

Others wait until these have run out, up to a minute. Tests see that they wait, and then
have the rows say that it was long ago.
"""

from datetime import timedelta
from typing import Final

import psycopg
from psycopg.conninfo import make_conninfo

from tests.harness.island import Island
from universal_calendar.worker.queue import STALLED_SECONDS

_SILENT: Final = b"UPDATE procrastinate_workers SET last_heartbeat = now() - %s"
_LEASES: Final = (
    b"UPDATE calendars SET leased_until = now() + %s WHERE leased_until IS NOT NULL",
    b"UPDATE links SET leased_until = now() + %s WHERE leased_until IS NOT NULL",
    # Looked for again right after.
    b"UPDATE due_work SET due_at = least(due_at, now() + %s + interval '1 second')",
)


def bury(place: Island, lease_seconds: float = 0) -> None:
    """Have dead workers be known as dead, and their leases end in so many seconds.

    No worker may live: its heartbeat would be taken for a dead one's.
    """
    url = make_conninfo(place.server.admin_url, dbname="universal_calendar")
    path = "-c search_path=universal_calendar"
    with psycopg.connect(url, options=path) as superuser:
        superuser.execute(_SILENT, [timedelta(seconds=STALLED_SECONDS)])
        for statement in _LEASES:
            superuser.execute(statement, [timedelta(seconds=lease_seconds)])
