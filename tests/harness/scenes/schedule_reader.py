"""A process that connects an account, reads its schedule, and tells its peak of memory.

It is run with the settings of a service; arguments are a platform and, as JSON, what
opens the account. The platform is asked without regard to its quota.
"""

import asyncio
import json
import sys
import tracemalloc

from tests.harness.scenes.business import open_business
from tests.harness.scenes.followed import Followed
from tests.providers.means import means_of
from universal_calendar.bootstrap.parts import open_parts, start_server
from universal_calendar.bootstrap.providers import oauth_configs, platform_configs
from universal_calendar.bootstrap.syncs import SYNC_SECONDS
from universal_calendar.outgoing.http import Sender
from universal_calendar.providers.registry import PROVIDERS
from universal_calendar.settings import Settings


async def read_schedule(slug: str, credentials: dict[str, str]) -> tuple[int, int]:
    """Return how many bytes were in use at most, and how many visits are known."""
    settings, sender = Settings(_env_file=None), Sender(is_guarded=False)
    registered, platforms = oauth_configs(settings), platform_configs(settings)
    provider = PROVIDERS[slug](means_of(sender, registered, platforms))
    assert provider is not None
    async with open_parts(settings, start_server(settings)) as parts:
        business = await open_business(parts)
        followed = Followed(parts, business, {slug: provider})
        await followed.open_account(slug, credentials)
        tracemalloc.start()
        await followed.sync(seconds=SYNC_SECONDS)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        known = len(await followed.rows("SELECT FROM visits"))
    await sender.close()
    return peak, known


if __name__ == "__main__":
    platform, keys = sys.argv[1:]
    print(*asyncio.run(read_schedule(platform, json.loads(keys))))  # noqa: T201 - its answer
