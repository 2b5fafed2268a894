"""Our restatement of the contract: it agrees with its source, and it judges."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from tests.providers.housecallpro.contract import CONTRACT, read_contract
from tests.providers.housecallpro.server import FakeHousecallPro

SOURCE = (
    Path(__file__).parents[4] / "shared" / "contracts" / "housecallpro.openapi.yaml"
)


def leaves(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Tell of everything in a document that has nothing in it."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield from leaves(each, f"{place}/{name}")
    elif place.endswith("/parameters"):
        for each in value:
            yield from leaves(each, f"{place}/{each['name']}")
    elif place.endswith("/allOf"):
        for each in value:
            yield from leaves(each, place)
    elif place.endswith("/anyOf"):
        yield from ((f"{place}/{each}", True) for each in value)
    else:
        yield place, value


def differences(ours: Any, theirs: Any) -> list[str]:
    """Return what is in ours and not in theirs; words do not count."""
    known = dict(leaves(theirs))
    return [
        f"{place}: {value!r}, not {known.get(place)!r}"
        for place, value in leaves(ours)
        if known.get(place) != value
        and not place.startswith("/info")
        and not place.endswith("/description")
    ]


# Where the vendor's contract is not at hand, nobody can tell.
if SOURCE.exists():

    def test_agrees_with_its_source() -> None:
        ours, theirs = (yaml.safe_load(each.read_text()) for each in (CONTRACT, SOURCE))
        assert differences(ours, theirs) == []

    @pytest.mark.parametrize(
        ("place", "value"),
        [
            (("paths", "/company", "get", "security"), []),
            (("components", "schemas", "Job", "required"), ["id"]),
            (("components", "schemas", "Job", "properties", "work_status", "enum"), []),
            (
                ("components", "schemas", "JobCreate", "properties", "title", "type"),
                "a",
            ),
        ],
    )
    def test_difference_is_found(place: tuple[str, ...], value: object) -> None:
        ours, theirs = (yaml.safe_load(each.read_text()) for each in (CONTRACT, SOURCE))
        changed = ours
        for name in place[:-1]:
            changed = changed.setdefault(name, {})
        changed[place[-1]] = value
        assert len(differences(ours, theirs)) == 1


def ask_as_stranger(
    house: FakeHousecallPro, method: str, path: str, **more: Any
) -> int:
    headers = {"authorization": f"Token {house.api_key}"}
    with requests.Session() as session:
        session.trust_env = False
        answer = session.request(method, house.url + path, headers=headers, **more)
    return answer.status_code


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/jobs?page=0", None),
        ("GET", "/jobs?pages=1", None),
        ("GET", "/jobs?expand[]=everything", None),
        ("GET", "/invoices", None),
        ("GET", "/v1/jobs", None),
        ("POST", "/jobs", {"customer_id": "a"}),
        ("POST", "/jobs", {"customer_id": "a", "address_id": "b", "title": "c"}),
        ("POST", "/customers", {}),
        ("POST", "/customers", {"first_name": "a", "name": "b"}),
        ("PUT", "/jobs/a/schedule", {"start_time": "noon"}),
        ("PUT", "/jobs/a/appointments/b", {"start_time": "2026-06-01T09:00:00Z"}),
        ("POST", "/jobs/a/notes", {}),
        ("DELETE", "/jobs/a", None),
    ],
)
def test_request_that_breaks_it(
    house: FakeHousecallPro, method: str, path: str, body: object
) -> None:
    assert ask_as_stranger(house, method, path, json=body) == 500
    assert len(house.violations) == 1
    house.violations.clear()


def test_answer_that_breaks_it(house: FakeHousecallPro) -> None:
    contract, asked = read_contract(), house.requests
    assert ask_as_stranger(house, "GET", "/company") == 200
    assert asked == ["GET /company"]
    house.company.name = None  # type: ignore[assignment] # that is the breach
    assert ask_as_stranger(house, "GET", "/company") == 500
    assert "get-company" in house.violations.pop()
    assert contract.schema("Company")["required"] == ["id", "name"]


def test_kinds_of_keys(house: FakeHousecallPro) -> None:
    job_id = house.owner.adds_job(None)
    body = {"dispatched_employees": []}
    path = f"/jobs/{job_id}/dispatch"
    assert ask_as_stranger(house, "PUT", path, json=body) == 200
    house.keys[house.api_key] = "CompanyApiKey"
    headers = {"authorization": f"Token {next(iter(house.keys))}"}
    with requests.Session() as session:
        session.trust_env = False
        answer = session.put(house.url + path, json=body, headers=headers)
    assert answer.status_code == 403
    assert json.loads(answer.content)["error"]["message"]
