"""Connected calendars in the tenant API."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from universal_calendar.services.connections.connecting import Connecting, Finish, Wish
from universal_calendar.services.connections.connection_usage import (
    change_usage,
    read_calendar,
    write_calendar,
)
from universal_calendar.services.connections.disconnecting import Disconnecting
from universal_calendar.services.connections.redeeming import Brought, State
from universal_calendar.services.ports.answers import Answer
from universal_calendar.services.ports.connecting import Finisher
from universal_calendar.services.ports.connections import Direction, Usage
from universal_calendar.services.ports.identity import Role
from universal_calendar.web.tenant_api.connection_answers import (
    CLOSED,
    BegunAnswer,
    DirectionName,
    FinishedAnswer,
    OneConnection,
    RemovedConnection,
    StatusAnswer,
    WhenSilent,
    begun,
    connection_data,
    finished,
    status,
)
from universal_calendar.web.tenant_api.fields import (
    KEPT,
    Id,
    Inputs,
    OfTenant,
    Text,
    Token,
    Zone,
)
from universal_calendar.web.tenant_api.openapi import OUTSIDE, AnyOperation
from universal_calendar.web.tenant_api.operation import (
    Call,
    Data,
    Mode,
    Operation,
    Source,
)

_TAG: Final = "Calendars"
_CONNECTION: Final = "connectionId"
_CALENDAR: Final = "calendarId"
_LONGEST_CREDENTIAL: Final = 4096
_MOST_CREDENTIALS: Final = 20


def _credentials(value: object) -> object:
    """Refuse what is no object of texts; names and values are told back to nobody."""
    if not isinstance(value, dict) or len(value) > _MOST_CREDENTIALS:
        raise PydanticCustomError("value_error", "use an object of a few texts")
    for text in (*value.keys(), *value.values()):
        is_text = isinstance(text, str) and "\0" not in text
        if not is_text or len(text) > _LONGEST_CREDENTIAL:
            raise PydanticCustomError("value_error", "use an object of texts")
    return value


Credentials = Annotated[
    Mapping[str, str],
    BeforeValidator(_credentials),
    WithJsonSchema(
        {
            "type": "object",
            "additionalProperties": {
                "type": "string",
                "maxLength": _LONGEST_CREDENTIAL,
                "pattern": r"^[^\u0000]*$",
            },
            "maxProperties": _MOST_CREDENTIALS,
        }
    ),
]
Slug = Annotated[Token, Field(description="Such as google; see docs/connecting.md.")]


class Connect(Inputs):
    """An account that is to be connected; an agent's calendars block them alone."""

    tenant_id: Id | None = None
    provider: Slug
    timezone: Annotated[
        Zone | None, Field(description="Default: the account's own.")
    ] = None
    agent_id: Annotated[Id | None, Field(description="Default: every agent.")] = None
    credentials: Credentials = Field(default_factory=dict)


class FinishConnecting(Inputs):
    """What the provider's consent page gave, or the credentials of the account."""

    tenant_id: Id | None = None
    provider: Slug
    code: Annotated[Text, Field(min_length=1, max_length=4096)] | None = None
    state: Annotated[Token, Field(description="As /calendar/connect gave it.")]
    credentials: Credentials = Field(default_factory=dict)


class ChangeConnection(Inputs):
    """What is to change; what is absent stays. Null: of every agent, without a zone."""

    tenant_id: Id | None = None
    direction: Annotated[DirectionName | None, KEPT] = None
    when_silent: Annotated[WhenSilent | None, KEPT] = None
    tentative_blocks: Annotated[bool | None, KEPT] = None
    checks_live: Annotated[bool | None, KEPT] = None
    agent_id: Id | None = None
    timezone: Zone | None = None


class ChangeCalendar(Inputs):
    """Whether what takes time in the calendar takes it here."""

    tenant_id: Id | None = None
    sync_enabled: bool


class ChooseWriteCalendar(Inputs):
    """Where appointments are written from now on: an agent's, else everybody's."""

    tenant_id: Id | None = None
    calendar_id: Id
    agent_id: Id | None = None


@dataclass(frozen=True, slots=True)
class ConnectionsApi:
    """The handlers, with what they need."""

    connecting: Connecting
    disconnecting: Disconnecting

    def operations(self) -> list[AnyOperation]:
        """Return the endpoints."""
        return [*self._connecting(), *self._using()]

    def _connecting(self) -> list[AnyOperation]:
        return [
            Operation(
                "POST",
                "/calendar/connect",
                "Begin to connect an account",
                _TAG,
                Role.OWNER,
                Connect,
                self.begin,
                BegunAnswer,
                source=Source.BODY,
            ),
            Operation(
                "POST",
                "/calendar/oauth/callback",
                "Finish connecting an account",
                _TAG,
                Role.OWNER,
                FinishConnecting,
                self.finish,
                FinishedAnswer,
                source=Source.BODY,
                mode=Mode.OWN,
                errors=OUTSIDE,
            ),
            Operation(
                "GET",
                "/calendar/status/{tenantId}",
                "Connected accounts and their calendars, and how they do",
                _TAG,
                Role.VIEWER,
                OfTenant,
                self.status,
                StatusAnswer,
            ),
            Operation(
                "DELETE",
                f"/calendar/connections/{{{_CONNECTION}}}",
                "Disconnect an account",
                _TAG,
                Role.OWNER,
                OfTenant,
                self.remove,
                RemovedConnection,
                source=Source.BODY_OR_QUERY,
                mode=Mode.OWN,
            ),
        ]

    def _using(self) -> list[AnyOperation]:
        return [
            Operation(
                "PUT",
                f"/calendar/connections/{{{_CONNECTION}}}",
                "Change what a connection is used for",
                _TAG,
                Role.OWNER,
                ChangeConnection,
                self.change,
                OneConnection,
                source=Source.BODY,
            ),
            Operation(
                "PUT",
                f"/calendar/calendars/{{{_CALENDAR}}}",
                "Choose whether a calendar is read",
                _TAG,
                Role.OWNER,
                ChangeCalendar,
                self.change_calendar,
                OneConnection,
                source=Source.BODY,
            ),
            Operation(
                "PUT",
                "/calendar/write-calendar",
                "Choose the calendar that appointments are written to",
                _TAG,
                Role.OWNER,
                ChooseWriteCalendar,
                self.choose_write_calendar,
                OneConnection,
                source=Source.BODY,
            ),
        ]

    async def begin(self, call: Call, inputs: Connect) -> Data:
        """Return where the owner is to go."""
        wish = Wish(
            inputs.provider, inputs.agent_id, inputs.timezone, inputs.credentials
        )
        return begun(await self.connecting.begin(call.unit, wish))

    async def finish(self, call: Call, inputs: FinishConnecting) -> Answer:
        """Connect the account."""
        state = State.parse(inputs.state)
        finish = Finish(
            call.tenant_id,
            Finisher(inputs.provider, call.actor),
            Brought(state, inputs.code, inputs.credentials),
            call.replay,
            finished,
        )
        return await self.connecting.finish(finish, call.now)

    async def status(self, call: Call, _inputs: OfTenant) -> Data:
        """Tell of every connection."""
        return status(await call.unit.connections.all(call.tenant_id))

    async def remove(self, call: Call, _inputs: OfTenant) -> Data:
        """Disconnect an account."""
        connection_id = call.id(_CONNECTION)
        await self.disconnecting.disconnect(
            call.tenant_id, connection_id, call.actor, call.now
        )
        return {"removed": True}

    async def change(self, call: Call, inputs: ChangeConnection) -> Data:
        """Change what a connection is used for."""

        def revise(usage: Usage) -> Usage:
            return replace(usage, **_changes(inputs))

        changed = await change_usage(call.unit, call.id(_CONNECTION), revise)
        return {"connection": connection_data(changed)}

    async def change_calendar(self, call: Call, inputs: ChangeCalendar) -> Data:
        """Choose whether a calendar is read."""
        calendar_id = call.id(_CALENDAR)
        changed = await read_calendar(
            call.unit, calendar_id, is_read=inputs.sync_enabled
        )
        return {"connection": connection_data(changed)}

    async def choose_write_calendar(
        self, call: Call, inputs: ChooseWriteCalendar
    ) -> Data:
        """Choose where appointments are written."""
        changed = await write_calendar(call.unit, inputs.calendar_id, inputs.agent_id)
        return {"connection": connection_data(changed)}


def _changes(inputs: ChangeConnection) -> dict[str, Any]:
    given = inputs.model_dump(exclude_unset=True, exclude={"tenant_id"})
    if "direction" in given:
        given["direction"] = Direction(given["direction"])
    if "when_silent" in given:
        given["is_closed_when_silent"] = given.pop("when_silent") == CLOSED
    return given
