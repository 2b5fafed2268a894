"""The tenant API among its sister services: hours on demand, broadcasts, outages."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid1

import httpx2
import pytest

from tests.harness.outside.sister_services import (
    SERVICE_KEY,
    SisterServices,
    sister_services,
)
from tests.harness.running import running_service
from tests.web.tenant_api.conftest import Desk, tomorrow_at
from universal_calendar.bootstrap.parts import Server

PATIENCE_SECONDS = 20
NINE_TO_TEN = {"businessHoursStart": "09:00", "businessHoursEnd": "10:00"}


@pytest.fixture
def sisters() -> Iterator[SisterServices]:
    with sister_services() as sisters:
        yield sisters


@pytest.fixture
def abroad(
    desk: Desk, home: Path, server: Server, sisters: SisterServices
) -> Iterator[Desk]:
    """Run a service among sisters, for a tenant that only they know."""
    settings = {
        "INTERNAL_SERVICE_KEY": SERVICE_KEY,
        "TS_TENANT_SERVICE_URL": sisters.url,
        "AS_CONNECTION_SERVICE_URL": sisters.url,
    }
    with running_service(home, **settings) as service:
        headers = {"X-Service-Key": SERVICE_KEY}
        tenant_id = str(uuid1())
        yield replace(desk, url=service.url, tenant_id=tenant_id, headers=headers)


def check(desk: Desk) -> httpx2.Response:
    day = tomorrow_at(0)[:10]
    return desk.get("/availability/check", startDate=day, endDate=day, duration=30)


def wish(hour: int) -> dict[str, object]:
    start, end = tomorrow_at(hour), tomorrow_at(hour, 30)
    return {"appointmentData": {"startTime": start, "endTime": end, "title": "Visit"}}


def test_tenant_and_hours_of_the_tenant_service(
    abroad: Desk, sisters: SisterServices
) -> None:
    assert check(abroad).json()["error"]["code"] == "TENANT_NOT_FOUND"
    known = {"id": abroad.tenant_id, "businessName": "Acme", "businessTimezone": "UTC"}
    sisters.tenants[abroad.tenant_id] = {"tenant": known}
    unscheduled = check(abroad)
    assert unscheduled.status_code == 409
    assert unscheduled.json()["error"]["code"] == "BUSINESS_HOURS_NOT_CONFIGURED"


def test_hours_are_fetched_when_they_are_missed_and_outlive_the_service(
    abroad: Desk, sisters: SisterServices
) -> None:
    known = {"id": abroad.tenant_id, "businessName": "Acme", "businessTimezone": "UTC"}
    sisters.tenants[abroad.tenant_id] = {"tenant": known | NINE_TO_TEN}
    (day,) = check(abroad).json()["data"]["availability"]
    (period,) = day["slots"]
    assert (period["startTime"], period["endTime"]) == (tomorrow_at(9), tomorrow_at(10))
    sisters.fail()
    assert abroad.post("/appointments", wish(9)).status_code == 200
    outside = abroad.post("/appointments", wish(12)).json()["error"]["details"]
    assert outside["reason"] == "outside_hours"


def test_booking_is_broadcast_and_stands_without(
    abroad: Desk, sisters: SisterServices
) -> None:
    known = {"id": abroad.tenant_id, "businessName": "Acme", "businessTimezone": "UTC"}
    sisters.tenants[abroad.tenant_id] = {"tenant": known | NINE_TO_TEN}
    booked = abroad.post("/appointments", wish(9)).json()["data"]
    assert booked["confirmationSent"] is False
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not sisters.broadcasts and time.monotonic() < deadline:
        time.sleep(0.05)
    ((tenant_id, content),) = sisters.broadcasts
    assert (tenant_id, content["event"]) == (abroad.tenant_id, "new_appointment")
    assert content["data"]["appointmentId"] == booked["appointmentId"]
    sisters.is_hanging = True
    started = time.monotonic()
    cancelled = abroad.delete(f"/appointments/{booked['appointmentId']}")
    assert cancelled.json()["data"]["cancelled"] is True
    assert time.monotonic() - started < 5
