"""Webhook endpoints over HTTP; what arrives at them is in tests/notify."""

import pytest

from tests.web.tenant_api.conftest import Desk
from universal_calendar.services.ports.identity import Role

URL = "https://hooks.example.com/calendar"


@pytest.fixture
def endpoint(desk: Desk) -> dict[str, object]:
    """Add an endpoint."""
    data: dict[str, object] = desk.post("/webhook-endpoints", {"url": URL}).json()[
        "data"
    ]
    return data


@pytest.mark.proves("POST /webhook-endpoints", "GET /webhook-endpoints")
def test_secret_is_shown_once(desk: Desk) -> None:
    made = desk.post("/webhook-endpoints", {"url": URL})
    assert made.status_code == 200
    data = made.json()["data"]
    assert data["secret"].startswith("whsec_")
    assert data["url"] == URL
    listed = desk.get("/webhook-endpoints").json()["data"]["endpoints"]
    assert [each["endpointId"] for each in listed] == [data["endpointId"]]
    assert all("secret" not in each for each in listed)


@pytest.mark.proves(
    "GET /webhook-endpoints/{endpointId}",
    "PUT /webhook-endpoints/{endpointId}",
    "DELETE /webhook-endpoints/{endpointId}",
)
def test_life_of_an_endpoint(desk: Desk, endpoint: dict[str, object]) -> None:
    path = f"/webhook-endpoints/{endpoint['endpointId']}"
    changed = desk.put(path, {"events": ["appointment.cancelled"], "isActive": False})
    assert changed.json()["data"]["events"] == ["appointment.cancelled"]
    assert desk.get(path).json()["data"]["isActive"] is False
    assert desk.delete(path).json()["data"] == {"removed": True}
    assert desk.get(path).status_code == 404


@pytest.mark.proves("POST /webhook-endpoints/{endpointId}/rotate")
def test_rotation_overlaps(desk: Desk, endpoint: dict[str, object]) -> None:
    path = f"/webhook-endpoints/{endpoint['endpointId']}/rotate"
    rotated = desk.post(path, {}).json()["data"]
    assert rotated["secret"] != endpoint["secret"]
    assert rotated["previousSecretEndsAt"] is not None


@pytest.mark.proves(
    "POST /webhook-endpoints/{endpointId}/test",
    "GET /webhook-endpoints/{endpointId}/deliveries",
    "POST /webhook-endpoints/{endpointId}/deliveries/{deliveryId}/replay",
)
def test_deliveries_are_listed_and_replayed(
    desk: Desk, endpoint: dict[str, object]
) -> None:
    path = f"/webhook-endpoints/{endpoint['endpointId']}"
    delivery = desk.post(f"{path}/test", {}).json()["data"]
    assert delivery["event"] == "webhook.test"
    (listed,) = desk.get(f"{path}/deliveries").json()["data"]["deliveries"]
    assert listed["deliveryId"] == delivery["deliveryId"]
    again = desk.post(f"{path}/deliveries/{delivery['deliveryId']}/replay", {})
    assert again.json()["data"]["deliveryId"] == delivery["deliveryId"]


def test_endpoint_that_is_off_takes_no_test(
    desk: Desk, endpoint: dict[str, object]
) -> None:
    path = f"/webhook-endpoints/{endpoint['endpointId']}"
    desk.put(path, {"isActive": False})
    refused = desk.post(f"{path}/test", {})
    assert refused.status_code == 409
    assert refused.json()["error"]["details"] == {"reason": "endpoint_inactive"}


@pytest.mark.parametrize(
    "url",
    ["http://example.com", "https://a:b@example.com", "ftp://x", "https://x/?k=1"],
)
def test_url_that_cannot_be_used(url: str, desk: Desk) -> None:
    refused = desk.post("/webhook-endpoints", {"url": url})
    assert refused.status_code == 400
    assert "https" in refused.json()["error"]["message"]


def test_only_the_owner_manages_endpoints(desk: Desk) -> None:
    operator = desk.as_user(Role.OPERATOR)
    assert operator.post("/webhook-endpoints", {"url": URL}).status_code == 403
    assert desk.as_user(Role.OWNER).get("/webhook-endpoints").status_code == 200


def test_retry_makes_one_endpoint(desk: Desk) -> None:
    first, second = (
        desk.post("/webhook-endpoints", {"url": URL}, headers={"Idempotency-Key": "k"})
        for _ in range(2)
    )
    assert first.content == second.content
    assert len(desk.get("/webhook-endpoints").json()["data"]["endpoints"]) == 1
