"""The tenant API's part of the OpenAPI document, and what schemathesis makes of it."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.harness.outside.sandbox import Sandbox, running_sandbox
from tests.harness.running import (
    SERVICE_KEY,
    RunningService,
    clean_environment,
    running_service,
)
from tests.providers.housecallpro.server import (
    FakeHousecallPro,
    running_housecallpro,
)
from tests.providers.jobber.server import JobberServer, running_jobber
from tests.web.tenant_api.conftest import Desk, tomorrow_at
from tests.web.tenant_api.examples import OPERATIONS, names_in
from tests.web.tenant_api.wishes import Hire, book, booked_id, data, wish
from universal_calendar.core.wire import DATE_PATTERN
from universal_calendar.web.tenant_api.fields import INSTANT_PATTERN
from universal_calendar.web.tenant_api.openapi import AnyOperation
from universal_calendar.web.tenant_api.operation import Source

FUZZING = Path(__file__).parent / "fuzzing"
MOST_SECONDS = 120
OTHERS = "^/(api/.*|health|healthz|readyz|metrics)$"
EVERYWHERE = {"200", "400", "401", "403", "404", "413", "415", "429", "500", "503"}
NAME = "Acme"
# A webhook there is refused at once, without a question to any name server.
URL = "https://127.0.0.1/hook"

Json = dict[str, Any]


def span(day: int) -> Json:
    return {
        "startTime": tomorrow_at(14, days=day),
        "endTime": tomorrow_at(15, days=day),
    }


def appointments(desk: Desk) -> list[str]:
    """Book some, half of them to be confirmed."""
    statuses = ("pending", "confirmed")
    return [
        booked_id(
            book(desk, appointmentData=wish(9, 10, day), status=statuses[day % 2])
        )
        for day in range(60, 80)
    ]


def many(number: int, desk: Desk, path: str, body: Json) -> list[Json]:
    """Make some of a kind."""
    return [data(desk.post(path, body)) for _ in range(number)]


def connected(desk: Desk, sandbox: Sandbox) -> Json:
    """Connect some accounts, and begin to connect one over and over."""
    begin = {"provider": "fake"}
    accounts = [sandbox.account(f"{n}-{desk.tenant_id}") for n in range(12)]
    ids = []
    for each in accounts:
        state = data(desk.post("/calendar/connect", begin))["state"]
        body = {"state": state, "credentials": each.credentials, **begin}
        ids.append(data(desk.post("/calendar/oauth/callback", body))["connectionId"])
    status = data(desk.ask("GET", f"/calendar/status/{desk.tenant_id}"))
    states = [data(desk.post("/calendar/connect", begin))["state"] for _ in range(40)]
    return {
        "connectionId": ids,
        "calendarId": [each["calendarId"] for each in status["calendars"]],
        "states": states,
        "credentials": accounts[0].credentials,
    }


def integrated(desk: Desk, house: FakeHousecallPro, jobber: JobberServer) -> Json:
    """Connect a platform's account, and make jobs there."""
    company = jobber.open("ABC Plumbing", "UTC")
    keys = {
        "housecallpro": {"apiKey": house.api_key, "companyId": house.company_id},
        "jobber": {"apiKey": company.api_key()},
    }
    data(desk.post("/integrations/housecallpro/connect", keys["housecallpro"]))
    customer = {"name": "John", "phone": "+12125551234"}
    made = []
    for hour in range(9, 16):
        job = wish(hour, hour + 1, 85, customer=customer)
        answer = desk.post("/integrations/housecallpro/jobs", {"jobData": job})
        made.append(data(answer)["jobId"])
    return {"keys": keys, "platform": "housecallpro", "jobs": made}


def furnished(desk: Desk, other_agent: str) -> dict[str, list[str]]:
    """Return the ids of what there is, by the names of parameters."""
    endpoints = [
        each["endpointId"]
        for each in many(15, desk, "/webhook-endpoints", {"url": URL})
    ]
    test = data(desk.post(f"/webhook-endpoints/{endpoints[0]}/test", {}))
    blocks = [data(desk.post("/availability/block", span(40 + n))) for n in range(20)]
    holds = [data(desk.post("/holds", span(20 + n))) for n in range(20)]
    tenants = many(5, desk, "/tenants", {"name": NAME})
    return {
        "tenantId": [desk.tenant_id, *(each["tenant"]["id"] for each in tenants)],
        "agentId": [desk.agent_id, other_agent],
        "appointmentId": appointments(desk),
        "endpointId": endpoints,
        "deliveryId": [test["deliveryId"]],
        "keyId": [each["apiKey"]["id"] for each in many(20, desk, "/api-keys", {})],
        "blockId": [each["blockId"] for each in blocks],
        "holdId": [each["holdId"] for each in holds],
    }


@pytest.fixture(scope="module")
def document(process: RunningService, http: httpx2.Client) -> Json:
    """Return the document as the service serves it."""
    served: Json = http.get(f"{process.url}/openapi.json").json()
    return served


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_what_is_said_of_an_operation(operation: AnyOperation, document: Json) -> None:
    said = document["paths"][operation.path][operation.method.lower()]
    own = {str(status) for status in operation.errors}
    is_post = operation.method == "POST"
    assert set(said["responses"]) == EVERYWHERE | own | ({"409"} if is_post else set())
    services, users = {"ServiceKey": []}, {"Bearer": []}
    asked_by = [services] if operation.for_services else [users, services]
    assert said["security"] == asked_by
    names = {each["name"] for each in said.get("parameters", ())}
    assert {*names_in(operation.path)} <= names
    assert ("Idempotency-Key" in names) == is_post
    assert ("requestBody" in said) == (operation.source is not Source.QUERY)
    assert not operation.inputs.body_only & names


def test_bounds_and_patterns_are_said(document: Json) -> None:
    parameters = document["paths"]["/availability/check"]["get"]["parameters"]
    schemas = {each["name"]: each["schema"] for each in parameters}
    assert (schemas["duration"]["minimum"], schemas["duration"]["maximum"]) == (1, 1440)
    assert schemas["startDate"]["pattern"] == DATE_PATTERN
    patch = document["components"]["schemas"]["AppointmentDataPatch"]["properties"]
    assert patch["startTime"]["pattern"] == INSTANT_PATTERN
    assert "anyOf" not in patch["title"]
    assert {"type": "null"} in patch["description"]["anyOf"]


@pytest.fixture
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


@pytest.fixture
def house() -> Iterator[FakeHousecallPro]:
    with running_housecallpro() as house:
        yield house


@pytest.fixture
def jobber() -> Iterator[JobberServer]:
    with running_jobber() as server:
        yield server


@pytest.fixture
def desk(
    desk: Desk, home: Path, house: FakeHousecallPro, jobber: JobberServer
) -> Iterator[Desk]:
    """Return the desk at a service to which accounts can be connected."""
    settings = {
        **house.environment,
        **jobber.settings,
        "HOUSECALLPRO_RATE_LIMIT": "100000",
        "JOBBER_RATE_LIMIT": "100000",
        "PUBLIC_BASE_URL": "http://127.0.0.1:9",
    }
    with running_service(home, **settings) as service:
        yield replace(desk, url=service.url)


@pytest.fixture
async def world(
    desk: Desk,
    hire: Hire,
    sandbox: Sandbox,
    house: FakeHousecallPro,
    jobber: JobberServer,
    tmp_path: Path,
) -> Path:
    """Return a folder with what schemathesis is to know, and how it is to act."""
    calendars = connected(desk, sandbox)
    ids = {name: calendars.pop(name) for name in ("connectionId", "calendarId")}
    ids["syncId"] = [data(desk.post("/sync/trigger", {"syncType": "full"}))["syncId"]]
    known = {
        **calendars,
        **integrated(desk, house, jobber),
        "ids": furnished(desk, await hire("Bob")) | ids,
        "days": [tomorrow_at(0, days=days)[:10] for days in range(4, 60)],
        "tenant": desk.tenant_id,
        "name": NAME,
        "url": URL,
    }
    (tmp_path / "world.json").write_text(json.dumps(known))
    shutil.copytree(FUZZING, tmp_path, dirs_exist_ok=True)
    return tmp_path


def test_schemathesis_finds_nothing(desk: Desk, world: Path) -> None:
    program = Path(sys.executable).with_name("schemathesis")
    command = [program, "run", f"{desk.url}/openapi.json", "--seed", "1", "--no-color"]
    ended = subprocess.run(
        [*command, "--continue-on-failure", "--exclude-path-regex", OTHERS],
        cwd=world,
        env=clean_environment(SERVICE_KEY=SERVICE_KEY),
        capture_output=True,
        text=True,
        timeout=MOST_SECONDS,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout
    assert f"Operations:       {len(OPERATIONS)} selected / " in ended.stdout
    answered = (world / "answered.txt").read_text().splitlines()
    good = {line[4:] for line in answered if line.startswith("200 ")}
    assert good >= {f"{each.method} {each.path}" for each in OPERATIONS}
