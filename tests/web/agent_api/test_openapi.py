"""The OpenAPI document says what the service does, and schemathesis tries it."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from tests.web.api import Api, day_after

FUZZING = Path(__file__).parent / "fuzzing"
DOCUMENT = Path(__file__).parents[3] / "docs" / "openapi.json"
MOST_SECONDS = 60
OURS = "^/(api/.*|health|healthz|readyz|metrics)$"

Json = dict[str, Any]


@pytest.fixture(scope="module")
def document(shared: Api) -> Json:
    """Return the document as the service serves it."""
    served: Json = shared.with_key(None).request("GET", "/openapi.json").json()
    return served


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def test_document_of_the_repository_is_the_one_served(document: Json) -> None:
    assert json.loads(DOCUMENT.read_text()) == document


def test_every_route_is_there(document: Json) -> None:
    tags = {"Agent API", "Operations"}
    assert {
        (path, method)
        for path, method, operation in operations(document)
        if tags.issuperset(operation["tags"])
    } == {
        ("/api/calendar/free-slots/{agent_id}", "get"),
        ("/api/calendar/external-booking", "post"),
        ("/health", "get"),
        ("/healthz", "get"),
        ("/readyz", "get"),
        ("/metrics", "get"),
    }


@pytest.mark.parametrize(
    ("path", "method", "statuses"),
    [
        (
            "/api/calendar/free-slots/{agent_id}",
            "get",
            {"200", "400", "401", "404", "422", "429", "500", "503"},
        ),
        (
            "/api/calendar/external-booking",
            "post",
            {"201", "400", "401", "404", "409", "413", "415", "422"}
            | {"429", "500", "503"},
        ),
        ("/health", "get", {"200", "503"}),
        ("/readyz", "get", {"200", "503"}),
    ],
)
def test_every_status_is_there(
    path: str, method: str, statuses: set[str], document: Json
) -> None:
    assert set(document["paths"][path][method]["responses"]) == statuses


def test_metrics_are_text(document: Json) -> None:
    answer = document["paths"]["/metrics"]["get"]["responses"]["200"]
    assert list(answer["content"]) == ["text/plain"]


def with_examples(node: object) -> Iterator[tuple[Json, object]]:
    """Find each schema with an example, wherever it stands."""
    if isinstance(node, dict):
        yield from ((node, each) for each in node.get("examples", ()))
        if "example" in node:
            yield node, node["example"]
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            yield from with_examples(each)


def test_examples_fit_their_schemas(document: Json) -> None:
    found = list(with_examples(document))
    assert len(found) >= 10
    for schema, example in found:
        whole = schema | {"components": document["components"]}
        jsonschema_rs.Draft202012Validator(whole).validate(example)


def test_guides_example_is_the_example(document: Json) -> None:
    operation = document["paths"]["/api/calendar/external-booking"]["post"]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    assert schema["example"]["agent_id"] == "47addfec-f4cd-41e2-b6ec-6a5e949fe754"
    assert set(schema["required"]) == {
        "agent_id",
        "participant_name",
        "booking_date",
        "booking_time",
    }


def test_schemathesis_finds_nothing(api: Api, tmp_path: Path) -> None:
    shutil.copytree(FUZZING, tmp_path, dirs_exist_ok=True)
    days = "\n".join(f'"{day_after(n)}"' for n in (0, 1, 2, 3, 5, 8, 13, 34, 89))
    (tmp_path / "days.dict").write_text(days)
    (tmp_path / "agents.dict").write_text(f'"{api.agent_id}"')
    options = ["-H", f"X-API-Key: {api.api_key}", "--seed", "1", "--no-color"]
    options += ["--continue-on-failure", "--include-path-regex", OURS]
    program = Path(sys.executable).with_name("schemathesis")
    ended = subprocess.run(
        [program, "run", f"{api.url}/openapi.json", *options],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=MOST_SECONDS,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout
    assert "Operations:       6 selected / " in ended.stdout
