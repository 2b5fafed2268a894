"""API keys of the agent API, managed through the tenant API: each is shown once."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Final
from uuid import UUID

from pydantic import Field

from universal_calendar.core.errors import FinalStatus, KeyNotFound
from universal_calendar.core.instant import from_datetime, instant_text, to_datetime
from universal_calendar.services.ports.api_keys import ApiKey, KeyState
from universal_calendar.services.ports.identity import NewId, Role
from universal_calendar.services.tenants.api_keys import ApiKeys
from universal_calendar.web.tenant_api.errors import invalid_input
from universal_calendar.web.tenant_api.fields import (
    FROM_QUERY,
    Answered,
    Id,
    Inputs,
    Moment,
    OfTenant,
    Text,
)
from universal_calendar.web.tenant_api.openapi import AnyOperation
from universal_calendar.web.tenant_api.operation import (
    Call,
    Data,
    Operation,
    Source,
)

_TAG: Final = "API keys"
_ID: Final = "keyId"
_ONE: Final = f"/api-keys/{{{_ID}}}"
_ENDED: Final = {409: "CONFLICT: details.reason is final_status: revoked, or expired"}

Scope = Annotated[list[Id], Field(min_length=1, max_length=1000)]


class NewKey(Inputs):
    """A key for the agents named, else for all, also those to come."""

    tenant_id: Id | None = None
    label: Annotated[Text, Field(max_length=255)] = ""
    agent_ids: Scope | None = None
    expires_at: Moment | None = None


class Rotation(Inputs):
    """For how many hours the old key works beside the new one."""

    tenant_id: Id | None = None
    overlap_hours: Annotated[int, Field(ge=0, le=8760), FROM_QUERY] = 24


class KeyAnswer(Answered):
    """What is known of a key; never the key itself."""

    id: UUID
    label: str
    agent_ids: list[UUID] | None
    state: KeyState
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    is_from_environment: bool


class KeyList(Answered):
    """All keys, oldest first, revoked ones too."""

    api_keys: list[KeyAnswer]


class OneKey(Answered):
    """A key."""

    api_key: KeyAnswer


class MadeKey(Answered):
    """A new key, and `key`: what is sent as X-API-Key. Nobody can show it again."""

    api_key: KeyAnswer
    key: str


@dataclass(frozen=True, slots=True)
class ApiKeysApi:
    """The handlers, with what they need."""

    new_id: NewId
    new_secret: Callable[[], str]

    def operations(self) -> list[AnyOperation]:
        """Return the endpoints."""
        return [
            Operation(
                "GET",
                "/api-keys",
                "List the API keys",
                _TAG,
                Role.OWNER,
                OfTenant,
                self.list,
                KeyList,
            ),
            Operation(
                "POST",
                "/api-keys",
                "Make an API key and show it, this once",
                _TAG,
                Role.OWNER,
                NewKey,
                self.create,
                MadeKey,
                source=Source.BODY,
            ),
            Operation(
                "DELETE",
                _ONE,
                "Revoke an API key at once",
                _TAG,
                Role.OWNER,
                OfTenant,
                self.revoke,
                OneKey,
                source=Source.BODY_OR_QUERY,
            ),
            Operation(
                "POST",
                f"{_ONE}/rotate",
                "Make an API key in place of another",
                _TAG,
                Role.OWNER,
                Rotation,
                self.rotate,
                MadeKey,
                source=Source.BODY_OR_QUERY,
                errors=_ENDED,
            ),
        ]

    async def list(self, call: Call, _inputs: OfTenant) -> Data:
        """Return every key."""
        keys = await self._keys(call).all(call.tenant_id)
        return {"apiKeys": [_written(each, _now(call)) for each in keys]}

    async def create(self, call: Call, inputs: NewKey) -> Data:
        """Make a key."""
        if inputs.expires_at is not None and inputs.expires_at <= call.now:
            raise invalid_input("expiresAt", "Use a time to come")
        ends = None if inputs.expires_at is None else to_datetime(inputs.expires_at)
        key, secret = await self._keys(call).create(
            call.tenant_id,
            _now(call),
            label=inputs.label,
            agent_ids=inputs.agent_ids,
            expires_at=ends,
        )
        await call.unit.audit.record("api_key.created", key.key_id)
        return {"apiKey": _written(key, _now(call)), "key": secret}

    async def revoke(self, call: Call, _inputs: OfTenant) -> Data:
        """End a key; ending it again changes nothing."""
        key = await self._key(call)
        await self._keys(call).revoke(key, _now(call))
        await call.unit.audit.record("api_key.revoked", key.key_id)
        return {"apiKey": _written(await self._key(call), _now(call))}

    async def rotate(self, call: Call, inputs: Rotation) -> Data:
        """Make a key of the same scope; the old one lasts for the overlap."""
        old = await self._key(call)
        state = old.state(_now(call))
        if state is not KeyState.ACTIVE:
            raise FinalStatus(f"The key is {state}; make a new one")
        overlap = timedelta(hours=inputs.overlap_hours)
        key, secret = await self._keys(call).rotate(old, _now(call), overlap)
        await call.unit.audit.record("api_key.rotated", old.key_id)
        await call.unit.audit.record("api_key.created", key.key_id)
        return {"apiKey": _written(key, _now(call)), "key": secret}

    def _keys(self, call: Call) -> ApiKeys:
        unit = call.unit
        return ApiKeys(
            unit.api_keys, unit.tenants, unit.agents, self.new_id, self.new_secret
        )

    async def _key(self, call: Call) -> ApiKey:
        wanted = call.id(_ID)
        for key in await self._keys(call).all(call.tenant_id):
            if key.key_id == wanted:
                return key
        raise KeyNotFound("No such API key")


def _now(call: Call) -> datetime:
    return to_datetime(call.now)


def _written(key: ApiKey, now: datetime) -> Data:
    return {
        "id": key.key_id,
        "label": key.label,
        "agentIds": key.agent_ids,
        "state": key.state(now),
        "createdAt": _text(key.created_at),
        "expiresAt": _text(key.expires_at),
        "revokedAt": _text(key.revoked_at),
        "lastUsedAt": _text(key.last_used_at),
        "isFromEnvironment": key.is_from_environment,
    }


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else instant_text(from_datetime(moment))
