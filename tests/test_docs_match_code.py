"""What the documentation names, the code has; what callers meet, it names."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from tests.pages import (
    AGENT_API,
    HOURS,
    OPERATIONS,
    PAGES,
    README,
    ROOT,
    SOURCE,
    blocks,
    first_column,
    name_of,
    quoted,
    section,
    text_of,
)
from universal_calendar.cli.app import app
from universal_calendar.core.errors import Unavailability
from universal_calendar.core.hours import complete
from universal_calendar.settings import Settings
from universal_calendar.web.app import openapi_document
from universal_calendar.web.errors import HTTP_CODES
from universal_calendar.web.metrics import REGISTRY
from universal_calendar.web.tenant_api.errors import CODES
from universal_calendar_client import CalendarClient

# What readers fill in, and variables of others.
OTHER_VARIABLES = {"NEW_KEY", "OLD_KEY", "XDG_DATA_HOME", "NODE_ENV"}
# Statuses whose body is a `detail` alone.
WITHOUT_CODE = {"bad_request", "not_found"}

# The clients' pages have variables of their own.
OURS = [page for page in PAGES if "clients" not in page.parts]

every_page = pytest.mark.parametrize("page", PAGES, ids=name_of)


def commands(page: Path) -> Iterator[list[str]]:
    """Yield the words of every command of ours that the page shows."""
    shown = [line for block in blocks(page, "console") for line in block.splitlines()]
    for text in [*shown, *quoted(page)]:
        found = re.search(r"\buniversal-calendar ([a-z-][^|>]*)$", text)
        if found:
            yield shlex.split(found[1])


@every_page
def test_commands_exist(page: Path) -> None:
    for words in commands(page):
        command: Any = typer.main.get_command(app)
        while hasattr(command, "commands") and words:
            assert words[0] in command.commands, words
            command = command.commands[words.pop(0)]
        options = {name for each in command.params for name in each.opts}
        assert {word for word in words if word.startswith("--")} <= options


def test_commands_are_found() -> None:
    assert ["doctor"] in list(commands(OPERATIONS))
    assert any("--overlap" in words for words in commands(OPERATIONS))


@pytest.mark.parametrize("page", OURS, ids=name_of)
def test_settings_exist(page: Path) -> None:
    known = {name.upper() for name in Settings.model_fields}
    words = {name.partition("=")[0] for name in quoted(page)}
    named = {name for name in words if re.fullmatch(r"[A-Z]+(_[A-Z]+)+", name)}
    codes = {code for _, code in CODES.values()} | {"INTERNAL_ERROR"}
    assert named - OTHER_VARIABLES - codes <= known


def test_every_endpoint_is_documented_and_no_other() -> None:
    calls = (word for word in quoted(AGENT_API) if "/api/" in word)
    paths = openapi_document()["paths"]
    named = {word.partition(" ")[2] for word in calls}
    assert named == {path for path in paths if path.startswith("/api/")}
    operations = first_column(section(OPERATIONS, "Health"))
    assert set(operations) == {
        path
        for path, methods in paths.items()
        for method in methods.values()
        if method["tags"] == ["Operations"]
    }


def test_every_metric_is_documented_and_no_other() -> None:
    named = set(first_column(section(OPERATIONS, "Metrics")))
    assert named == {scraped_name(metric) for metric in REGISTRY.collect()}


def scraped_name(metric: Any) -> str:
    """Return the name under which a metric is scraped."""
    return f"{metric.name}_total" if metric.type == "counter" else str(metric.name)


def test_every_log_event_is_documented_and_no_other() -> None:
    source = "".join(file.read_text() for file in SOURCE.rglob("*.py"))
    first_arguments = re.findall(r"\b_log\.\w+\(([^,)]*)", source)
    logged = re.findall(r'"(\w+)"', "".join(first_arguments))
    assert set(first_column(section(OPERATIONS, "Logs"))) == set(logged)


def test_every_status_of_the_agent_api_is_documented() -> None:
    table = section(AGENT_API, "Errors")
    told = set(re.findall(r"^\| (\d{3}) \|", table, re.M))
    answers = {
        status
        for path, methods in openapi_document()["paths"].items()
        for method in methods.values()
        for status in method["responses"]
        if path.startswith("/api/")
    }
    assert told | {"200", "201"} == answers | {"405"}


def test_every_code_of_the_agent_api_is_documented() -> None:
    assert set(Unavailability) <= set(first_column(text_of(AGENT_API)))
    codes = {*HTTP_CODES.values(), "rate_limited", "service_unavailable"}
    for code in codes - WITHOUT_CODE:
        assert f"`code` `{code}`" in section(AGENT_API, "Errors")


def test_hours_examples_are_accepted() -> None:
    (example,) = blocks(HOURS, "json")
    assert complete(json.loads(example))["overrides"]


def test_hours_table_names_every_field_and_default() -> None:
    document = complete({})
    names = set(first_column(text_of(HOURS)))
    assert names == {*document, "buffer_time_minutes"}
    told = dict(re.findall(r"^\| `(\w+)` \| `?(\w+)`? \|", text_of(HOURS), re.M))
    for name, value in document.items():
        if isinstance(value, bool | int | str):
            assert told[name] == str(value).lower()


def test_clients_have_what_the_readme_uses() -> None:
    typescript = (ROOT / "clients/typescript/src/client.ts").read_text()
    for name in methods_used("ts"):
        assert f"async {name}(" in typescript
    for name in methods_used("python"):
        assert hasattr(CalendarClient, name)


def methods_used(language: str) -> set[str]:
    """Return the client's methods that the README calls."""
    found = re.findall(r"\bclient\.(\w+)\(", "".join(blocks(README, language)))
    assert found
    return set(found)
