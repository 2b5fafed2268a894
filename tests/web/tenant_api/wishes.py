"""What tests of the tenant API's appointments send, and how they read the answers."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx2

from tests.web.tenant_api.conftest import Desk, tomorrow_at

CUSTOMER = {"name": "John Smith", "phone": "+12125551234", "email": "j@example.com"}
UNKNOWN = "47addfec-f4cd-41e2-b6ec-6a5e949fe754"
Hire = Callable[..., Awaitable[str]]
"""Adds an agent with a name and hours; returns its id."""


def wish(
    start: int = 10, end: int = 11, days: int = 3, **fields: Any
) -> dict[str, Any]:
    """Return an appointment between two hours of a day, with more of its data."""
    return {
        "startTime": tomorrow_at(start, days=days),
        "endTime": tomorrow_at(end, days=days),
        "title": "Kitchen sink",
        **fields,
    }


def book(desk: Desk, start: int = 10, end: int = 11, **top: Any) -> httpx2.Response:
    """Book the desk's agent; None leaves a field out."""
    headers = top.pop("headers", {})
    body = {"agentId": desk.agent_id, "appointmentData": wish(start, end), **top}
    kept = {name: value for name, value in body.items() if value is not None}
    return desk.post("/appointments", kept, headers=headers)


def data(answer: httpx2.Response) -> dict[str, Any]:
    """Return the data of a good answer."""
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["success"] is True
    found: dict[str, Any] = body["data"]
    return found


def problem(answer: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    """Return the details of an error."""
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert error["code"] == code
    found: dict[str, Any] = error["details"]
    return found


def booked_id(answer: httpx2.Response) -> str:
    """Return the id of what was booked."""
    found: str = data(answer)["appointmentId"]
    return found
