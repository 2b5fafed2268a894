"""The tenant API: its parts, and the one list of its operations."""

from dataclasses import dataclass

from universal_calendar.web.tenant_api.openapi import AnyOperation


@dataclass(frozen=True, slots=True)
class TenantApi:
    """The parts, each with the operations of one noun."""

    def operations(self) -> list[AnyOperation]:
        """Return every operation, in the order of the documentation."""
        return []

    @classmethod
    def for_documentation(cls) -> "TenantApi":
        """Return parts that no request will reach."""
        return cls()
