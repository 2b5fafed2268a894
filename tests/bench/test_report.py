"""What is printed and written, and what a missed goal does."""

import io
import json
import re
import socket
import subprocess
import sys
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

import bench
from bench.__main__ import LATEST, publish
from bench.calendars import DAYS_ASKED, ZONE, first_monday
from bench.figures import FIGURES
from bench.machine import Machine, this_machine
from bench.report import FORMAT, Column, Figure, Goal, Report, at_least, at_most

MACHINE = Machine("A CPU", 2, 23.5, "An OS", "3.11.7 (CPython)", "18.1")
ROOT = Path(bench.__file__).parent.parent

REPORT_FIELDS = {
    "format",
    "measured_at",
    "version",
    "quick",
    "machine",
    "missed",
    "figures",
}
MACHINE_FIELDS = {"cpu", "cores", "memory_gib", "system", "python", "postgresql"}
FIGURE_FIELDS = {"name", "title", "columns", "goals", "details", "note"}
GOAL_FIELDS = {"what", "measured", "sign", "bound", "met"}
COLUMN_FIELDS = {"milliseconds", "per_second"}


def report(*measured: float) -> Report:
    goals = tuple(at_least("x reference", each, 25) for each in measured)
    columns = {"product": Column(1.23456, 1000.0), "reference": Column(30.0, None)}
    figure = Figure("free-slots-90", "Free slots", columns, goals, {"slots": 520})
    return Report("2026-12-01T00:00:00+00:00", "0.1.0", True, MACHINE, [figure])


def published(given: Report, path: Path, *, strict: bool) -> tuple[int, str]:
    printed = io.StringIO()
    status = publish(given, path, Console(file=printed), strict=strict)
    return status, printed.getvalue()


@pytest.mark.parametrize(
    ("measured", "strict", "status"),
    [(25.0, True, 0), (24.999, True, 1), (24.999, False, 0)],
)
def test_a_missed_goal_fails_a_strict_run(
    tmp_path: Path, measured: float, strict: bool, status: int
) -> None:
    assert published(report(measured), tmp_path / "r.json", strict=strict)[0] == status


def test_a_missed_goal_is_marked(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    _, text = published(report(30.0, 20.0), path, strict=False)
    assert "x reference 30 (≥ 25) met" in text
    assert "x reference 20 (≥ 25) MISSED" in text
    assert "1 of 2 goals missed" in text
    written = json.loads(path.read_text())
    assert written["missed"] == 1
    assert [goal["met"] for goal in written["figures"][0]["goals"]] == [True, False]


def test_all_met_is_said(tmp_path: Path) -> None:
    _, text = published(report(30.0), tmp_path / "r.json", strict=True)
    assert "All 1 goals met" in text
    assert "MISSED" not in text
    assert str(MACHINE) in text


@pytest.mark.parametrize(
    ("goal", "met"),
    [
        (at_least("", 0.85, 0.85), True),
        (at_least("", 0.8499, 0.85), False),
        (at_most("", 1.2, 1.2), True),
        (at_most("", 1.2001, 1.2), False),
        (at_least("", float("nan"), 1), False),
    ],
)
def test_a_bound_itself_is_met(goal: Goal, met: bool) -> None:
    assert goal.is_met is met


def test_the_json_keeps_its_shape(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    published(report(30.0), path, strict=False)
    written = json.loads(path.read_text())
    assert written["format"] == FORMAT == 1
    assert_shape(written)
    (figure,) = written["figures"]
    assert figure["columns"]["product"] == {"milliseconds": 1.235, "per_second": 1000}
    assert figure["columns"]["reference"] == {"milliseconds": 30.0, "per_second": None}


def assert_shape(written: dict[str, Any]) -> None:
    assert set(written) == REPORT_FIELDS
    assert set(written["machine"]) == MACHINE_FIELDS
    for figure in written["figures"]:
        assert set(figure) == FIGURE_FIELDS
        assert figure["name"] in FIGURES
        assert set(figure["columns"]) <= {"product", "reference", "floor"}
        assert all(set(each) == COLUMN_FIELDS for each in figure["columns"].values())
        assert all(set(goal) == GOAL_FIELDS for goal in figure["goals"])


def test_the_command_measures_and_writes(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    options = ["--json", str(path), "--only", "contention"]
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert "goals" in done.stdout
    text = path.read_text()
    written = json.loads(text)
    assert_shape(written)
    assert [each["name"] for each in written["figures"]] == ["contention"]
    assert written["quick"] is True
    assert_nothing_private(text)


@pytest.mark.skipif(not LATEST.exists(), reason="nothing has been measured yet")
def test_the_latest_report_is_whole_and_private() -> None:
    text = LATEST.read_text()
    written = json.loads(text)
    assert_shape(written)
    assert [figure["name"] for figure in written["figures"]] == list(FIGURES)
    assert_nothing_private(text)


def assert_nothing_private(text: str) -> None:
    assert not re.search(r"(?<![\w.])/(?:home|root|tmp|var|usr|work)\b", text)
    assert f'"{socket.gethostname()}"' not in text


def test_the_machine_is_named() -> None:
    machine = this_machine("18.1")
    assert machine.cpu
    assert machine.cores >= 1
    assert machine.memory_gib > 0
    assert str(ROOT) not in str(machine)


@pytest.mark.parametrize("offset", range(0, 800, 5))
def test_the_clocks_change_inside_the_days_asked_for(offset: int) -> None:
    today = date(2026, 1, 1) + timedelta(days=offset)
    monday = first_monday(today)
    assert monday.weekday() == 0
    assert 7 <= (monday - today).days <= 200
    noon = [monday + timedelta(days=day) for day in range(DAYS_ASKED + 1)]
    offsets = {ZONE.utcoffset(_noon(day)) for day in noon}
    assert len(offsets) == 2


def _noon(day: date) -> datetime:
    return datetime.combine(day, time(12), ZONE)
