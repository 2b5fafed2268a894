"""Workers, as they say themselves that they are there."""

from datetime import datetime

from universal_calendar.store.database import Session


async def is_anybody_working(session: Session, since: datetime) -> bool:
    """Tell whether a worker has said since then that it works."""
    (is_there,) = await session.call(
        "SELECT EXISTS (SELECT FROM procrastinate_workers WHERE last_heartbeat >= %s)",
        [since],
    )
    return bool(is_there)
