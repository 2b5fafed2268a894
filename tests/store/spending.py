"""A worker process that spends a connection's allowance, many times at once.

Reads a JSON object from its standard input; writes how many it could spend.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

from conftest import settings_for
from universal_calendar.bootstrap.parts import Server, open_parts
from universal_calendar.clock import utc_now
from universal_calendar.core.provider_errors import Throttled
from universal_calendar.services.ports.quotas import Bucket
from universal_calendar.store.field_service.platform_quota import PlatformQuota


async def run(order: dict[str, Any]) -> int:
    """Spend as often at once as is ordered; return how often it could."""
    server = Server(order["url"], order["url"], None)
    async with open_parts(settings_for(Path(order["home"])), server) as parts:
        quota = PlatformQuota(parts.database, parts.keyring, utc_now)
        _say("ready")
        await asyncio.to_thread(sys.stdin.readline)
        spends = (_spend(quota, order) for _ in range(order["times"]))
        return sum(await asyncio.gather(*spends))


async def _spend(quota: PlatformQuota, order: dict[str, Any]) -> bool:
    try:
        await quota.spend(UUID(order["connection"]), Bucket(**order["bucket"]), 1)
    except Throttled:
        return False
    return True


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _say(str(asyncio.run(run(json.loads(sys.stdin.readline())))))
