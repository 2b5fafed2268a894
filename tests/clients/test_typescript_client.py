"""The TypeScript client's own tests, alone and against the running service."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.harness.running import clean_environment

PACKAGE = Path(__file__).parents[2] / "clients" / "typescript"
LIMIT_SECONDS = 180


def run_script(name: str, **variables: str) -> None:
    """Run a script of the package; fail with its output when it fails."""
    environment = clean_environment(**variables)
    # The virtual environment's node stands in where the machine has none.
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    done = subprocess.run(
        ["npm", "run", "--silent", name],
        cwd=PACKAGE,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    if not (PACKAGE / "node_modules").is_dir():
        pytest.fail(
            "clients/typescript is not installed: `make test`, or `npm ci` there"
        )


def test_the_client_alone():
    run_script("test")


def test_the_client_against_the_service(service: Any):
    run_script(
        "test:service",
        SERVICE_URL=service.url,
        SERVICE_API_KEY=service.api_key,
        SERVICE_AGENT_ID=service.agent_id,
    )


def test_without_a_service_its_tests_fail():
    with pytest.raises(AssertionError, match="SERVICE_URL is not set"):
        run_script("test:service")
