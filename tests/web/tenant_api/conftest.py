"""A business at the tenant API, asked with either credential."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import jwt
import pytest

from tests.harness.running import JWT_SECRET, SERVICE_KEY, RunningService
from tests.harness.scenes.business import EVERY_DAY, Business
from universal_calendar.bootstrap.parts import Parts
from universal_calendar.clock import utc_now
from universal_calendar.core.instant import from_datetime
from universal_calendar.services.ports.identity import Role

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Desk:
    """A tenant with one agent, open every day 09:00 to 17:00 UTC, and a credential."""

    http: httpx2.Client
    url: str
    tenant_id: str
    agent_id: str
    api_key: str
    headers: dict[str, str]

    def ask(self, method: str, path: str, **parts: Any) -> httpx2.Response:
        """Send a request with the desk's credential; `headers` come on top."""
        headers = self.headers | parts.pop("headers", {})
        return self.http.request(method, self.url + path, headers=headers, **parts)

    def get(self, path: str, **params: Any) -> httpx2.Response:
        """Ask, with the tenant named."""
        return self.ask("GET", path, params={"tenantId": self.tenant_id, **params})

    def post(self, path: str, body: dict[str, Any], **parts: Any) -> httpx2.Response:
        """Send a body, with the tenant named."""
        return self.ask(
            "POST", path, json={"tenantId": self.tenant_id, **body}, **parts
        )

    def put(self, path: str, body: dict[str, Any]) -> httpx2.Response:
        """Change something, with the tenant named."""
        return self.ask("PUT", path, json={"tenantId": self.tenant_id, **body})

    def delete(self, path: str, **params: Any) -> httpx2.Response:
        """Take something away, with the tenant named."""
        return self.ask("DELETE", path, params={"tenantId": self.tenant_id, **params})

    def as_user(self, role: Role, subject: str = "user-1") -> "Desk":
        """Return the same desk with a user's token."""
        token = user_token(self.tenant_id, role, subject)
        return replace(self, headers={"Authorization": f"Bearer {token}"})


def user_token(
    tenant_id: str | None, role: Role = Role.OWNER, subject: str = "user-1"
) -> str:
    """Sign a token as the auth service does."""
    claims = {
        "sub": subject,
        "tenant_id": tenant_id,
        "role": role.name.lower(),
        "exp": utc_now() + HOUR,
    }
    return jwt.encode(claims, JWT_SECRET, "HS256")


def tomorrow_at(hour: int, minute: int = 0, days: int = 1) -> str:
    """Return a time of a coming day as the wire has it."""
    day = utc_now().date() + timedelta(days=days)
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC).strftime(
        "%Y-%m-%dT%H:%M:%SZ"
    )


@pytest.fixture
def desk(http: httpx2.Client, process: RunningService, business: Business) -> Desk:
    """Return a business of the test's own, asked with the service key."""
    return Desk(
        http,
        process.url,
        str(business.tenant_id),
        str(business.agent_id),
        business.api_key,
        {"X-Service-Key": SERVICE_KEY},
    )


@pytest.fixture
def hire(parts: Parts, business: Business) -> Callable[..., Awaitable[str]]:
    """Return what adds an agent to the desk's business, with hours unless None."""

    async def hire(name: str, hours: dict[str, Any] | None = EVERY_DAY) -> str:
        now = from_datetime(utc_now())
        agent = await parts.tenants.add_agent(business.tenant_id, name, "UTC", now)
        if hours is not None:
            await parts.tenants.set_hours(agent, hours)
        return str(agent.agent_id)

    return hire
