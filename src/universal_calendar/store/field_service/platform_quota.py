"""What may be asked of accounts at platforms, counted over all processes."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from universal_calendar.core.provider_errors import Throttled
from universal_calendar.services.ports.quotas import Bucket
from universal_calendar.store.database import Session
from universal_calendar.store.sealing.keyring import Keyring

_SPEND: Final = "SELECT take_request(%s, %s, %s, %s)"
_FULL_AT: Final = "SELECT (SELECT empty_at FROM rate_limits WHERE bucket = %s)"
# Others may have spent since the platform answered: whoever knows of less is believed.
_LEARN: Final = """
INSERT INTO rate_limits AS r VALUES (%(bucket)s, %(full_at)s)
ON CONFLICT (bucket) DO UPDATE
SET empty_at = greatest(r.empty_at - %(unspent)s, excluded.empty_at)
RETURNING empty_at
"""


class PlatformQuota:
    """The port `Quota` on PostgreSQL: GCRA, each bucket known by when it is full."""

    def __init__(
        self, database: Session, keyring: Keyring, now: Callable[[], datetime]
    ) -> None:
        """Take where buckets are kept."""
        self._database, self._keyring, self._now = database, keyring, now

    async def spend(self, connection_id: UUID, bucket: Bucket, amount: float) -> None:
        """Take so much of it; raise Throttled, with nothing taken, if it is not there.

        Throttled says after how many seconds it will be, if nobody else comes first.
        """
        name, now = self._name(connection_id, bucket), self._now()
        window = timedelta(seconds=bucket.seconds)
        # Rounded down, or the last of an allowance could not be had.
        share = min(1.0, amount / bucket.most)
        cost = timedelta(microseconds=int(bucket.seconds * share * 1_000_000))
        (taken,) = await self._database.call(_SPEND, [name, now, cost, window])
        if taken is not None:
            return
        (full_at,) = await self._database.call(_FULL_AT, [name])
        missing = timedelta() if full_at is None else full_at + cost - window - now
        raise Throttled(max(0.0, missing.total_seconds()))

    async def learn(
        self,
        connection_id: UUID,
        bucket: Bucket,
        left: float,
        unspent: float = 0.0,
    ) -> None:
        """Give back what was spent too much, and note how much is said to be left.

        What is left is never more than we think: others may have spent meanwhile.
        """
        gone = min(1.0, max(0.0, 1.0 - left / bucket.most))
        window = timedelta(seconds=bucket.seconds)
        values = {
            "bucket": self._name(connection_id, bucket),
            "full_at": self._now() + window * gone,
            "unspent": window * (max(0.0, unspent) / bucket.most),
        }
        await self._database.call(_LEARN, values)

    def _name(self, connection_id: UUID, bucket: Bucket) -> bytes:
        return self._keyring.fingerprint(f"{bucket.name}\0{connection_id}".encode())
