"""as-alerts-service: tells the platform's operators what broke."""

from uuid import UUID

from typing_extensions import override

from universal_calendar.outgoing.http import Sender
from universal_calendar.platform.sister_service import SERVICE_KEY_HEADER, SisterService
from universal_calendar.services.ports.platform import Alerts, Severity


class AlertsService(Alerts):
    """Raises alerts."""

    def __init__(self, url: str, service_key: str, sender: Sender) -> None:
        """Take the service's base URL and our key for it."""
        self._service = SisterService("as-alerts-service", url, sender)
        # It reads the bearer, and the platform's standard names the other: both.
        self._headers = {
            SERVICE_KEY_HEADER: service_key,
            "Authorization": f"Bearer {service_key}",
        }

    @override
    async def raise_alert(
        self, tenant_id: UUID, rule: str, message: str, severity: Severity
    ) -> None:
        content = {
            "tenant_id": str(tenant_id),
            "rule_name": rule,
            "message": message,
            "severity": severity,
        }
        await self._service.post("/internal/alerts", content, self._headers)
