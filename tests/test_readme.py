"""The README's curl lines and its Python, run against a running service."""

import json
import re
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from tests.harness.running import RunningService
from tests.harness.scenes.business import Business
from universal_calendar.clock import utc_now

README = Path(__file__).parents[1] / "README.md"


def blocks(language: str) -> list[str]:
    """Return the README's code in one language, block by block."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README.read_text(), re.M | re.S)


@pytest.fixture
def values(process: RunningService, business: Business) -> tuple[str, ...]:
    """Return what stands for the first block's values, in its order."""
    first = utc_now().date() + timedelta(days=7)
    return (
        *(process.url, business.api_key, business.agent_id),
        *(first.isoformat(), (first + timedelta(days=6)).isoformat()),
    )


def substituted(settings: str, values: tuple[str, ...], equals: str) -> str:
    """Give the names of the first block other values."""
    names = [line.partition(equals)[0] for line in settings.splitlines()]
    lines = zip(names, values, strict=True)
    return "\n".join(f"{name}{equals}{json.dumps(value)}" for name, value in lines)


def run(*command: str, program: str) -> str:
    """Run the program; return what it printed."""
    done = subprocess.run(
        [*command, program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def documents(printed: str) -> list[dict[str, Any]]:
    """Read the JSON documents that follow one another without a separator."""
    decoder, found, position = json.JSONDecoder(), [], 0
    while position < len(printed):
        document, position = decoder.raw_decode(printed, position)
        found.append(cast("dict[str, Any]", document))
    return found


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_curl_lines_list_and_book(values: tuple[str, ...]) -> None:
    settings, *calls = blocks("sh")
    script = "\n".join(["set -eu", substituted(settings, values, "="), *calls])
    slots, booking = documents(run("sh", "-c", program=script))
    day = slots["available_slots"][0]
    assert day["date"] == slots["start_date"]
    assert booking["details"]["booking_date"] == day["date"]
    assert booking["details"]["booking_time"] in [
        each["start"] for each in day["slots"]
    ]


def test_the_python_books(values: tuple[str, ...]) -> None:
    settings, *code = blocks("python")
    program = "\n".join([substituted(settings, values, " = "), *code])
    printed = run(sys.executable, "-W", "error", "-c", program=program)
    assert printed.startswith("Booking confirmed for ")
