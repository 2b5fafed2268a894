"""Who works at a business and on its platform, and what a test asks of both."""

from datetime import datetime
from typing import Any

from tests.web.tenant_api.jobs.conftest import JOHN, Office
from tests.web.tenant_api.wishes import data
from universal_calendar.core.instant import from_datetime
from universal_calendar.core.interval import Interval


def interval(office: Office, start: int, end: int) -> Interval:
    """Return two hours of the office's day."""
    times = (datetime.fromisoformat(office.at(hour)) for hour in (start, end))
    return Interval(*map(from_datetime, times))


def customer_of(office: Office) -> dict[str, str]:
    """Return a customer whom nobody knows yet."""
    number = f"{office.day:07d}"
    return JOHN | {"phone": f"+1415{number}", "email": f"john-{number}@example.com"}


def appointment(office: Office, appointment_id: str) -> dict[str, Any]:
    answer = office.desk.get(f"/appointments/{appointment_id}")
    return dict(data(answer)["appointment"])


def book(office: Office, agent_id: str, start: int, end: int) -> Any:
    wish = {"title": "Visit", **office.span(start, end)}
    body = {"agentId": agent_id, "appointmentData": wish, "provider": None}
    return office.desk.post("/appointments", body)


class Crew:
    """Technicians there and agents here, who know each other by name."""

    def __init__(self, office: Office) -> None:
        self.office, self.technicians = office, dict[str, str]()
        self.agents = dict[str, str]()

    async def hires(self, first: str) -> None:
        name = f"{first} {self.office.business.tenant_id}"
        self.agents[first] = await self.office.hire(name)
        self.technicians[first] = self.office.hand.hires(name)
