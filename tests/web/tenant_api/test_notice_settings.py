"""What a tenant wants told; what then happens is in tests/services."""

import pytest

from tests.web.tenant_api.conftest import Desk


@pytest.mark.proves("GET /notice-settings", "PUT /notice-settings")
def test_notice_settings(desk: Desk) -> None:
    before = desk.get("/notice-settings").json()["data"]
    assert before["reminderMinutes"] == []
    changed = desk.put("/notice-settings", {"reminderMinutes": [60], "sendsSms": False})
    assert changed.json()["data"] == before | {
        "reminderMinutes": [60],
        "sendsSms": False,
    }
    assert desk.get("/notice-settings").json()["data"] == changed.json()["data"]


@pytest.mark.parametrize(
    ("minutes", "field"),
    [
        ([0], "reminderMinutes"),
        ([60, 60], "reminderMinutes"),
        ([1, 2, 3, 4, 5, 6], "reminderMinutes"),
        (["60"], "reminderMinutes.0"),
    ],
)
def test_minutes_that_cannot_be(minutes: list[object], field: str, desk: Desk) -> None:
    before = desk.get("/notice-settings").json()["data"]
    refused = desk.put("/notice-settings", {"reminderMinutes": minutes})
    assert refused.status_code == 400
    (problem,) = refused.json()["error"]["details"]["fields"]
    assert problem["field"] == field
    assert desk.get("/notice-settings").json()["data"] == before
