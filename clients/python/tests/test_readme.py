"""The README's examples, run as one program against a running service."""

import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def examples() -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", README.read_text(), re.M | re.S)


def test_the_examples_run(service, in_a_week, tmp_path):
    settings, *code = examples()
    values = (service.url, service.api_key, service.agent_id)
    dates = (in_a_week.isoformat(), (in_a_week + timedelta(days=6)).isoformat())
    names = [line.partition(" = ")[0] for line in settings.splitlines()]
    lines = zip(names, values + dates, strict=True)
    program = tmp_path / "readme.py"
    substituted = "\n".join(f"{name} = {value!r}" for name, value in lines)
    program.write_text("\n".join([substituted, *code]))
    run = subprocess.run(
        [sys.executable, "-W", "error", str(program)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    first, refused, *_, days, last = run.stdout.splitlines()
    assert "Booking confirmed for" in first
    assert refused == "slot_taken"
    assert days.endswith("days with free slots")
    assert last == "Invalid API key"
