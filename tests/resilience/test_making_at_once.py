"""Processes that write for the same new customers at once make each of them once."""

import asyncio
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.harness.outside.housecallpro_company import housecallpro
from tests.harness.outside.jobber_company import jobber
from tests.harness.running import clean_environment
from tests.harness.scenes.business import Business
from universal_calendar.bootstrap.parts import Parts, new_id
from universal_calendar.clock import utc_now
from universal_calendar.core.instant import from_datetime
from universal_calendar.services.ports.connections import NewConnection
from universal_calendar.store.connections.connections import ConnectionTable

PLATFORMS = {"housecallpro": housecallpro, "jobber": jobber}
PROCESSES, TIMES = 2, 5
Order = Mapping[str, Any]


@contextmanager
def process(order: Order) -> Iterator["subprocess.Popen[str]"]:
    root = Path(__file__).parents[2]
    running = subprocess.Popen(
        [sys.executable, "-m", "tests.resilience.making"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=root,
        env=clean_environment(PYTHONPATH=str(root)),
    )
    say(running, json.dumps(order))
    try:
        yield running
    finally:
        running.kill()
        running.communicate()


def say(running: "subprocess.Popen[str]", line: str) -> None:
    assert running.stdin is not None
    running.stdin.write(f"{line}\n")
    running.stdin.flush()


async def hear(running: "subprocess.Popen[str]") -> str:
    assert running.stdout is not None
    return (await asyncio.to_thread(running.stdout.readline)).strip()


async def connect(
    parts: Parts, business: Business, slug: str, secrets: Mapping[str, str]
) -> Order:
    """Connect an account; return what a process needs to work with it."""
    now = from_datetime(utc_now())
    connection_id = new_id(now)
    new = NewConnection(
        business.tenant_id, connection_id, slug, None, "ABC", secrets, []
    )
    await ConnectionTable(parts.database, parts.keyring).add(new, now)
    return {
        "url": parts.server.url,
        "home": str(parts.settings.uc_home),
        "provider": slug,
        "tenant": str(business.tenant_id),
        "connection": str(connection_id),
        "times": TIMES,
    }


@pytest.mark.parametrize("slug", PLATFORMS)
async def test_two_processes_make_nobody_twice(
    parts: Parts, business: Business, slug: str
) -> None:
    with PLATFORMS[slug]() as platform:
        platform.begin(1)
        settings = {name.lower(): each for name, each in platform.settings.items()}
        order = {
            **await connect(parts, business, slug, platform.credentials()),
            "settings": settings,
        }
        with (
            process({**order, "which": 0}) as one,
            process({**order, "which": 1}) as other,
        ):
            assert [await hear(one), await hear(other)] == ["ready", "ready"]
            say(one, "go")
            say(other, "go")
            assert [await hear(one), await hear(other)] == [str(2 * TIMES)] * 2
        made = Counter(platform.customers().values())
        assert made.total() == len(made) == 2 * TIMES, made
        refs = platform.refs()
        assert len(set(refs)) == len(refs) == PROCESSES * TIMES
