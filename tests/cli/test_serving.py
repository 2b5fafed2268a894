"""`serve` and `demo`: what they print can be used as it stands."""

import json
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

from tests.harness.command_line import CommandLine
from tests.harness.running import clean_environment, running_service

DEMO_AGENT = "47addfec-f4cd-41e2-b6ec-6a5e949fe754"


def pasted(printed: str) -> list[list[str]]:
    """Return the words of each curl line, as a shell would read them."""
    text = printed.replace("\\\n", " ")
    return [shlex.split(line) for line in text.splitlines() if "  curl " in line]


def send(words: list[str]) -> httpx2.Response:
    """Do what curl would."""
    headers, body, url = {}, None, ""
    rest = iter(words[1:])
    for word in rest:
        if word == "-H":
            name, _, value = next(rest).partition(": ")
            shown = re.fullmatch(r"\$\(cat (.+)\)", value)
            headers[name] = Path(shown[1]).read_text() if shown else value
        elif word == "-d":
            body = next(rest)
        else:
            url = word
    method = "GET" if body is None else "POST"
    return httpx2.request(
        method, url, headers=headers, content=body, timeout=30, trust_env=False
    )


def wait_for(text: Callable[[], str], wanted: str) -> str:
    deadline = time.monotonic() + 30
    while wanted not in text():
        assert time.monotonic() < deadline, text()
        time.sleep(0.02)
    return text()


@contextmanager
def demo_service(home: Path) -> Iterator[str]:
    """Run `serve --demo`, and yield all that it prints until it is ready."""
    log = home.parent / "printed"
    command = [sys.executable, "-m", "universal_calendar", "serve", "--demo"]
    with log.open("w") as output:
        process = subprocess.Popen(
            [*command, "--port", "0", "--home", str(home)],
            stdout=output,
            stderr=output,
            cwd=home.parent,
            env=clean_environment(),
        )
    try:
        yield wait_for(log.read_text, "/docs\n")
    finally:
        process.terminate()
        assert process.wait(60) == 0


def key_in(text: str) -> str:
    (line,) = [line for line in text.splitlines() if "API key" in line]
    return line.split()[-1]


def test_the_demo_can_be_pasted_and_keeps_its_key(own_home: Path) -> None:
    with demo_service(own_home) as printed:
        question, booking, check = pasted(printed)
        listed, booked, again = send(question), send(booking), send(booking)
        checked = send(check)
        key = key_in(printed)
    assert listed.status_code == 200
    assert listed.json()["available_slots"]
    assert booked.status_code == 201
    assert booked.json()["details"]["agent_id"] == DEMO_AGENT
    assert again.status_code == 409
    assert checked.json()["data"]["availability"]
    assert printed.count("Listening on http") == 1
    for name in ("demo.key", "service.key"):
        assert (own_home / name).stat().st_mode & 0o777 == 0o600

    with demo_service(own_home) as printed:
        assert key_in(printed) == key
        assert send(pasted(printed)[1]).status_code == 201


def test_the_demo_command_tells_what_it_did(command: CommandLine) -> None:
    story = command("demo").out
    assert DEMO_AGENT in story
    assert "Booked: John Doe with Demo agent" in story
    assert "Not booked: that time is taken." in story
    played = command("demo", "--json").json
    assert played["key"] in story
    assert played["second_attempt"]["code"] == "slot_taken"


def test_logs_are_json_lines_apart_from_what_is_announced(own_home: Path) -> None:
    with running_service(own_home) as service:
        httpx2.get(f"{service.url}/nothing", trust_env=False)
        wait_for(lambda: "".join(service.lines), '"request"')
    others = [line for line in service.lines if "Listening on" not in line]
    assert len(others) == len(service.lines) - 1
    assert all("event" in json.loads(line) for line in others)


LIBRARY = """
import logging
from universal_calendar.web.logs import configure_logs
configure_logs(level="info", as_json=True)
logging.getLogger("a.library").warning("it %s", "works")
try:
    raise ValueError("hidden")
except ValueError:
    logging.getLogger("a.library").exception("it fails")
"""


def test_libraries_log_in_the_same_form_and_quote_no_error(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIBRARY],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    warning, error = map(json.loads, done.stdout.splitlines())
    assert (warning["event"], warning["level"]) == ("it works", "warning")
    assert (error["logger"], error["error_type"]) == ("a.library", "ValueError")
    assert "hidden" not in done.stdout + done.stderr


def test_a_port_in_use_is_named_before_anything_starts(apart: CommandLine) -> None:
    home = apart.folder / "home"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = apart("serve", "--port", port, "--home", home, status=1).told
    assert f"127.0.0.1:{port}" in told
    assert "--port" in told
    assert not home.exists()


def test_ctrl_c_ends_a_command_with_130_and_without_traceback(own_home: Path) -> None:
    command = [sys.executable, "-m", "universal_calendar", "tenants", "list"]
    process = subprocess.Popen(
        [*command, "--home", str(own_home)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=own_home.parent,
        env=clean_environment(),
    )
    # A first start takes a second or two once its folder is there.
    deadline = time.monotonic() + 30
    while not own_home.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, "Traceback" in err) == (130, False), err


def test_an_environment_key_outlives_commands_that_do_not_know_it(
    own_home: Path, apart: CommandLine
) -> None:
    key = "uc_a-key-of-the-environment-for-this-test"
    with running_service(own_home, CALENDAR_API_KEY=key) as service:
        apart("tenants", "list", "--home", own_home)
        answer = httpx2.get(
            f"{service.url}/api/calendar/free-slots/{DEMO_AGENT}",
            params={"start_date": "2026-12-01", "end_date": "2026-12-01"},
            headers={"X-API-Key": key},
            trust_env=False,
        )
    # Not 401: the key is known, the agent is not.
    assert answer.status_code == 404
