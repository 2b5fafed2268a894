"""Quotas of platforms: what may be asked of an account, counted over all processes."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Bucket:
    """An allowance of a connection: at most `most` at once, refilled in `seconds`.

    `name` tells the buckets of one connection apart. Two of one name that are refilled
    equally fast are one allowance; whoever uses the smaller leaves the rest to others.
    """

    name: str
    most: float
    seconds: float


class Quota(Protocol):
    """Spends allowances; several processes share each."""

    async def spend(self, connection_id: UUID, bucket: Bucket, amount: float) -> None:
        """Take so much of it; raise Throttled, with nothing taken, if it is not there.

        An amount above `most` counts as `most`.
        """

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
