"""The tenant API's part of the OpenAPI document, and what schemathesis makes of it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.harness.running import SERVICE_KEY, clean_environment
from tests.web.tenant_api.conftest import Desk, tomorrow_at
from tests.web.tenant_api.examples import OPERATIONS
from tests.web.tenant_api.wishes import Hire, book, booked_id, data, wish

FUZZING = Path(__file__).parent / "fuzzing"
MOST_SECONDS = 300
OTHERS = "^/(api/.*|health|healthz|readyz|metrics)$"
# It wants the tenant's name, and would end the test.
NEVER_GOOD = {"DELETE /tenants/{tenantId}"}

Json = dict[str, Any]


def span(day: int) -> Json:
    return {
        "startTime": tomorrow_at(14, days=day),
        "endTime": tomorrow_at(15, days=day),
    }


def appointments(desk: Desk) -> list[str]:
    """Book some, half of them to be confirmed."""
    return [
        booked_id(book(desk, appointmentData=wish(9, 10, day), status=status))
        for day in range(60, 80)
        for status in ("pending" if day % 2 else "confirmed",)
    ]


def furnished(desk: Desk, other_agent: str) -> dict[str, list[str]]:
    """Return the ids of what there is, by the names of parameters; and coming days."""
    hook = {"url": "https://example.com/hook"}
    hooks = [data(desk.post("/webhook-endpoints", hook)) for _ in range(15)]
    endpoints = [each["endpointId"] for each in hooks]
    test = data(desk.post(f"/webhook-endpoints/{endpoints[0]}/test", {}))
    keys = [data(desk.post("/api-keys", {}))["apiKey"]["id"] for _ in range(20)]
    blocks = [
        data(desk.post("/availability/block", span(day))) for day in range(40, 60)
    ]
    holds = [data(desk.post("/holds", span(day))) for day in range(20, 40)]
    return {
        "tenantId": [desk.tenant_id],
        "agentId": [desk.agent_id, other_agent],
        "appointmentId": appointments(desk),
        "endpointId": endpoints,
        "deliveryId": [test["deliveryId"]],
        "keyId": keys,
        "blockId": [each["blockId"] for each in blocks],
        "holdId": [each["holdId"] for each in holds],
        "start": [tomorrow_at(0, days=days)[:10] for days in range(4, 60)],
    }


async def test_schemathesis_finds_nothing(
    desk: Desk, hire: Hire, tmp_path: Path
) -> None:
    shutil.copytree(FUZZING, tmp_path, dirs_exist_ok=True)
    known = furnished(desk, await hire("Bob"))
    (tmp_path / "known.json").write_text(json.dumps(known))
    options = ["--seed", "1", "--no-color", "--continue-on-failure"]
    program = Path(sys.executable).with_name("schemathesis")
    ended = subprocess.run(
        [program, "run", f"{desk.url}/openapi.json", *options]
        + ["--exclude-path-regex", OTHERS],
        cwd=tmp_path,
        env=clean_environment(SERVICE_KEY=SERVICE_KEY),
        capture_output=True,
        text=True,
        timeout=MOST_SECONDS,
        check=False,
    )
    Path("/tmp/h17-st.txt").write_text(ended.stdout + ended.stderr)
    shutil.copy(tmp_path / "answered.txt", "/tmp/h17-answered.txt")
    assert ended.returncode == 0, ended.stdout
    assert f"Operations:       {len(OPERATIONS)} selected / " in ended.stdout
    answered = (tmp_path / "answered.txt").read_text().splitlines()
    good = {line[4:] for line in answered if line.startswith("200 ")}
    assert {f"{each.method} {each.path}" for each in OPERATIONS} - good == NEVER_GOOD
