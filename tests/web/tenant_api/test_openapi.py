"""The tenant API's part of the OpenAPI document, and what schemathesis makes of it."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.running import SERVICE_KEY, clean_environment
from tests.web.tenant_api.conftest import Desk, tomorrow_at
from tests.web.tenant_api.wishes import book, booked_id, data

FUZZING = Path(__file__).parent / "fuzzing"
MOST_SECONDS = 600
OTHERS = "^/(api/.*|health|healthz|readyz|metrics)$"

Json = dict[str, Any]


def write_dictionaries(folder: Path, desk: Desk) -> None:
    """Tell schemathesis what there is, and days on which something can be booked."""
    hook = {"url": "https://example.com/hook"}
    endpoint = data(desk.post("/webhook-endpoints", hook))["endpointId"]
    test = data(desk.post(f"/webhook-endpoints/{endpoint}/test", {}))
    known = {
        "tenants": [desk.tenant_id],
        "agents": [desk.agent_id],
        "appointments": [booked_id(book(desk, hour, hour + 1)) for hour in range(9, 16)],
        "endpoints": [endpoint],
        "deliveries": [test["deliveryId"]],
        "keys": [data(desk.post("/api-keys", {}))["apiKey"]["id"] for _ in range(5)],
        "days": [tomorrow_at(0, days=days)[:10] for days in (0, 1, 2, 3, 5, 8, 13, 89)],
        "starts": [tomorrow_at(9, days=days) for days in range(4, 40)],
        "ends": [tomorrow_at(10, days=days) for days in range(4, 40)],
    }
    for name, values in known.items():
        text = "\n".join(f'"{value}"' for value in values)
        (folder / f"{name}.dict").write_text(text)


def test_schemathesis_finds_nothing(desk: Desk, tmp_path: Path) -> None:
    shutil.copytree(FUZZING, tmp_path, dirs_exist_ok=True)
    write_dictionaries(tmp_path, desk)
    options = ["--seed", "1", "--no-color"]
    options += ["--continue-on-failure", "--exclude-path-regex", OTHERS]
    program = Path(sys.executable).with_name("schemathesis")
    ended = subprocess.run(
        [program, "run", f"{desk.url}/openapi.json", *options],
        cwd=tmp_path,
        env=clean_environment(SERVICE_KEY=SERVICE_KEY),
        capture_output=True,
        text=True,
        timeout=MOST_SECONDS,
        check=False,
    )
    Path("/tmp/h17-st.txt").write_text(ended.stdout+ended.stderr)
    assert ended.returncode == 0, ended.stdout
