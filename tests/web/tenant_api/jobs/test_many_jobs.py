"""A thousand jobs: read within what the platform allows, and listed page by page."""

import json
import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

import httpx2
import pytest

from tests.harness.island import island
from tests.harness.outside.many_jobs import FULL, FullCompany
from tests.harness.running import (
    SERVICE_KEY,
    RunningService,
    clean_environment,
    running_service,
)
from tests.harness.scenes.business import open_business
from tests.web.api import wait_for
from tests.web.tenant_api.conftest import Desk
from tests.web.tenant_api.wishes import data
from universal_calendar.bootstrap.parts import Parts, Server
from universal_calendar.clock import utc_now
from universal_calendar.store.sealing.encryption import key_text, new_key

JOBS = 1_000
A_PAGE = 100
# What a sync has. At Jobber 39 of 10,000 points a job go, of which 500 come back a
# second: it waits for most of a minute, a few seconds at a time.
READ_SECONDS = 90.0

# What is planned with of an event; with the visit in it, it were half as much again.
BYTES_A_JOB = 1_200

Json = dict[str, Any]
_log = logging.getLogger(__name__)


@pytest.fixture(params=sorted(FULL))
def company(request: pytest.FixtureRequest) -> Iterator[FullCompany]:
    with FULL[request.param](JOBS) as company:
        yield company


@pytest.fixture
def serving(
    own_home: Path, own_server: Server, company: FullCompany
) -> Iterator[RunningService]:
    """Run a service with a worker that asks no more than its settings say."""
    settings = {**company.settings, "RUN_WORKER": "true"}
    with running_service(own_home, **settings) as service:
        yield service


@pytest.fixture
async def desk(
    office_parts: Parts, serving: RunningService, http: httpx2.Client
) -> Desk:
    business = await open_business(office_parts)
    return Desk(
        http,
        serving.url,
        str(business.tenant_id),
        business.agent_id,
        business.api_key,
        {"X-Service-Key": SERVICE_KEY},
    )


@dataclass
class Reader:
    """Reads a list page by page."""

    desk: Desk
    path: str
    found: list[Json] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def read(self) -> None:
        for number in count(1):
            page = self.page(number)
            assert page["pagination"] == {
                "page": number,
                "limit": A_PAGE,
                "total": JOBS,
            }
            if not page["jobs"]:
                return
            self.found += page["jobs"]

    def page(self, number: int) -> Json:
        today = utc_now().date()
        days = {"startDate": today, "endDate": today + timedelta(days=60)}
        began = time.perf_counter()
        answer = self.desk.get(self.path, **days, page=number, limit=A_PAGE)
        self.seconds.append(time.perf_counter() - began)
        return dict(data(answer))


def test_read_and_listed(
    company: FullCompany, serving: RunningService, desk: Desk
) -> None:
    path = f"/integrations/{company.slug}"
    data(desk.post(f"{path}/connect", company.keys))

    def is_read() -> bool:
        status = data(desk.get(f"/calendar/status/{desk.tenant_id}"))
        return status["lastSyncAt"] is not None

    took = wait_for("all is read", is_read, READ_SECONDS)
    reader = Reader(desk, f"{path}/jobs")
    reader.read()
    assert list(map(_shown, reader.found)) == company.jobs
    assert company.refusals() == 0
    failed = [line for line in serving.lines if "sync_failed" in line]
    assert not failed
    _log.info(
        "%s: %d requests, read in %.1f s; a page of %d in %.1f ms",
        company.slug,
        company.requests(),
        took,
        A_PAGE,
        median(reader.seconds) * 1000,
    )


@pytest.fixture
def environment() -> Iterator[dict[str, str]]:
    """Run a database; return what a process needs to open it."""
    with island() as place, place.server:
        yield clean_environment(
            DATABASE_URL=place.server.url,
            MASTER_KEYS=key_text(new_key()),
            ENVIRONMENT="development",
            UC_HOME=str(place.home.parent / "unused"),
        )


def peak_memory(environment: dict[str, str], slug: str, jobs: int) -> int:
    """Return the most bytes that another process used while it read so many jobs."""
    with FULL[slug](jobs) as company:
        company.let_ask()
        keys = json.dumps({"apiKey": company.keys["apiKey"]})
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "tests.harness.scenes.schedule_reader", slug, keys],
            stdout=subprocess.PIPE,
            check=True,
            env={**environment, **company.settings},
        )
        peak, read = map(int, done.stdout.split())
        assert read == jobs
    took = time.perf_counter() - began
    _log.info("%s: %d bytes for %d jobs, in %.1f s", slug, peak, jobs, took)
    return peak


@pytest.mark.parametrize("slug", sorted(FULL))
def test_memory_stays(environment: dict[str, str], slug: str) -> None:
    fewer, more = (peak_memory(environment, slug, n * JOBS) for n in (1, 4))
    assert (more - fewer) / (3 * JOBS) < BYTES_A_JOB


def _shown(job: Json) -> Json:
    """Return of a listed job what is known here."""
    names = ("id", "visitId", "startTime", "status", "technician")
    customer = {name: job["customer"][name] for name in ("name", "phone")}
    return {**{name: job[name] for name in names}, "customer": customer}
