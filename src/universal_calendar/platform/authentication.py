"""ts-auth-service: knows which tokens are still good and what their users may do."""

from collections.abc import Mapping
from typing import Final, cast

from typing_extensions import override

from universal_calendar.core.errors import InvalidField
from universal_calendar.core.wire import parse_uuid
from universal_calendar.outgoing.http import Sender
from universal_calendar.platform.sister_service import Json, SisterService
from universal_calendar.services.ports.identity import Role
from universal_calendar.services.ports.platform import TokenValidator, ValidatedUser

_ROLES: Final = {
    "viewer": Role.VIEWER,
    "operator": Role.OPERATOR,
    "owner": Role.OWNER,
}


class AuthenticationService(TokenValidator):
    """Asks ts-auth-service about every token; it is the only one to know of changes."""

    def __init__(self, url: str, sender: Sender) -> None:
        """Take the service's base URL."""
        self._service = SisterService("ts-auth-service", url, sender)

    @override
    async def validate(self, token: str) -> ValidatedUser | None:
        answer = await self._service.post("/auth/validate", {"token": token})
        is_valid, user = answer.get("valid"), answer.get("user")
        if is_valid is False:
            return None
        if is_valid is not True or not isinstance(user, dict):
            raise self._service.failed()
        return self._user(cast(Json, user))

    def _user(self, user: Json) -> ValidatedUser | None:
        is_active = user.get("is_active", True)
        if is_active is False:
            return None
        user_id, role = user.get("id"), _ROLES.get(str(user.get("role")))
        if is_active is not True or role is None or not _is_name(user_id):
            raise self._service.failed()
        try:
            tenant_id = _optional(user, "tenant_id")
            tenant = None if tenant_id is None else parse_uuid(tenant_id)
        except InvalidField:
            raise self._service.failed() from None
        return ValidatedUser(str(user_id), tenant, role)


def _is_name(value: object) -> bool:
    return isinstance(value, str) and value.isprintable() and value.strip() != ""


def _optional(source: Mapping[str, object], name: str) -> str | None:
    value = source.get(name)
    if value is None or isinstance(value, str):
        return value
    raise InvalidField(name, "use a string or null")
