"""The guide's own code, run against the service as it stands in the guide."""

import re
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.web.api import Api, day_after

EXCERPTS = (Path(__file__).parent / "guide" / "excerpts.md").read_text()
GUIDE_AGENT = "47addfec-f4cd-41e2-b6ec-6a5e949fe754"
GUIDE_KEY = "secret-key-abc123"
GUIDE_FIRST_DAY = date(2025, 12, 1)
SCENARIOS = [line[5:] for line in EXCERPTS.splitlines() if line.startswith("#### Test")]


def code_under(heading: str) -> str:
    """Return the first block of Python after a heading of the guide."""
    after = EXCERPTS.partition(f"# {heading}")[2]
    return after.partition("```python\n")[2].partition("```")[0]


def substituted(code: str, api: Api) -> str:
    """Put in agent, key and base URL, and move the guide's days to the day after."""
    assert api.api_key is not None
    for old, new in (
        (GUIDE_AGENT, api.agent_id),
        (GUIDE_KEY, api.api_key),
        ("http://localhost:8000", api.url),
    ):
        code = code.replace(old, new)
    return re.sub(r"2025-12-\d\d", _moved, code)


def _moved(found: re.Match[str]) -> str:
    shift = day_after(2) - GUIDE_FIRST_DAY
    return (date.fromisoformat(found[0]) + shift).isoformat()


def run(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program in a process of its own."""
    script = folder / "calendar_integration.py"
    script.write_text(program)
    command = [sys.executable, str(script)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=30, check=False
    )


def scenario_program(scenario: str, api: Api) -> str:
    """Join the guide's simple client, its two names, and one scenario."""
    querying, booking = EXCERPTS.split("### Server B Implementation")[1:3]
    blocks = [
        text.partition("```python\n")[2].partition("# Usage example")[0]
        for text in (querying, booking)
    ]
    methods = blocks[1].partition("# ... (previous code) ...\n")[2]
    names = (
        f'BASE_URL = "{api.url}"\nclient = CalendarClient(BASE_URL, "{GUIDE_KEY}")\n'
    )
    question = f'"{GUIDE_AGENT}", "2025-12-01", "2025-12-07"'
    asked = code_under(scenario).replace(
        "get_free_slots(...)", f"get_free_slots({question})"
    )
    return substituted(f"{blocks[0]}{methods}\n\n{names}\n{asked}", api)


def test_complete_python_client_lists_and_books(api: Api, tmp_path: Path) -> None:
    day = day_after(2)
    assert "09:00" in api.starts(day)
    ended = run(
        substituted(code_under("Complete Python Client (Server B)"), api), tmp_path
    )
    assert ended.returncode == 0, ended.stderr
    assert "Found 7 days with availability" in ended.stdout
    assert f"Booking confirmed for {day} at 09:00" in ended.stdout
    assert "09:00" not in api.starts(day)


def test_complete_python_client_names_its_errors(api: Api, tmp_path: Path) -> None:
    program = substituted(code_under("Complete Python Client (Server B)"), api)
    wrong = program.replace(str(api.api_key), "wrong-api-key")
    assert "Authentication failed - check your API key" in run(wrong, tmp_path).stdout


def test_simple_client_lists_and_books(api: Api, tmp_path: Path) -> None:
    parts = EXCERPTS.split("### Server B Implementation")[1:3]
    querying, booking = (
        part.partition("```python\n")[2].partition("```")[0] for part in parts
    )
    methods, _, usage = booking.partition("# ... (previous code) ...\n")[2].partition(
        "# Usage example"
    )
    program = querying.replace("# Usage example", f"{methods}\n\n# Usage example")
    ended = run(substituted(f"{program}\n#{usage}", api), tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "Found 7 days with availability" in ended.stdout
    assert "Booking confirmed! ID: " in ended.stdout


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_integration_scenario(scenario: str, api: Api, tmp_path: Path) -> None:
    ended = run(scenario_program(scenario, api), tmp_path)
    assert ended.returncode == 0, ended.stderr


def test_all_six_scenarios_are_there() -> None:
    assert [scenario[:6] for scenario in SCENARIOS] == [
        f"Test {n}" for n in range(1, 7)
    ]


def test_days_are_moved_together() -> None:
    shift = timedelta(days=4)
    assert _moved(re.match(".*", "2025-12-05")) == str(day_after(2) + shift)  # type: ignore[arg-type]  # it matches
