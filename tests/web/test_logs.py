"""What libraries and Python itself would tell of errors is told without their texts."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import universal_calendar
from universal_calendar.web.logs import ALLOWED_KEYS

BEGIN = """
import asyncio, gc, logging, threading, uvloop, warnings
from universal_calendar.web.logs import configure_logs

configure_logs(level="debug", as_json=True)

def fail():
    raise ValueError("peppercorn")

async def fail_later():
    fail()
"""
LOST_TASK = """
async def main():
    task = asyncio.create_task(fail_later())
    await asyncio.wait([task])
    del task
    gc.collect()

uvloop.run(main())
"""
CALLBACK = """
async def main():
    asyncio.get_running_loop().call_soon(fail)
    await asyncio.sleep(0.01)

uvloop.run(main())
"""
ARGUMENT = """
logging.getLogger("a.library").error("failed with %s", ValueError("peppercorn"))
"""
THREAD = """
thread = threading.Thread(target=fail)
thread.start()
thread.join()
"""
FINALISER = """
class Fragile:
    def __del__(self):
        fail()

Fragile()
"""
WARNING = """
warnings.warn("peppercorn")
"""


@pytest.mark.parametrize(
    ("code", "event", "error_type"),
    [
        (LOST_TASK, "Task exception was never retrieved", "ValueError"),
        (CALLBACK, "Exception in callback", "ValueError"),
        (ARGUMENT, "failed with ValueError", None),
        (THREAD, "lost_error", "ValueError"),
        (FINALISER, "lost_error", "ValueError"),
        (WARNING, "python_warning", "UserWarning"),
    ],
)
def test_an_error_is_told_by_its_type(
    code: str, event: str, error_type: str | None, tmp_path: Path
) -> None:
    line = logged(code, tmp_path)
    assert line["event"].startswith(event)
    assert line.get("error_type") == error_type


def logged(code: str, folder: Path) -> dict[str, Any]:
    """Run code that logs one line, and nothing of what was said in it."""
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + code],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
    )
    assert "peppercorn" not in done.stdout + done.stderr
    assert done.stderr == ""
    (line,) = done.stdout.splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


def logged_keys(source: str) -> Iterator[str]:
    """Yield the keys with which a module logs."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(ast.Attribute(ast.Name("_log")), keywords=keywords):
                yield from (each.arg for each in keywords if each.arg is not None)


def test_nothing_is_logged_that_is_left_out() -> None:
    modules = list(Path(universal_calendar.__path__[0]).rglob("*.py"))
    left_out = {
        (each.name, key)
        for each in modules
        for key in logged_keys(each.read_text())
        if key not in ALLOWED_KEYS
    }
    assert len(modules) > 300
    assert left_out == set()
