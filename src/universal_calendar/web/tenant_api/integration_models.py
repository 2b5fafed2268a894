"""Accounts at field-service platforms on the wire: what is sent."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Final

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from universal_calendar.web.tenant_api.errors import invalid_input
from universal_calendar.web.tenant_api.fields import (
    Email,
    Id,
    Inputs,
    Name,
    Phone,
    Text,
    Token,
    Zone,
)
from universal_calendar.web.tenant_api.job_models import Address

# What goes into a header, and nothing that would end it.
_KEY: Final = re.compile(r"[\x21-\x7e]{1,4096}")
# Seconds of ten digits are any time from 2001 to 2286, and no time in milliseconds.
_SECONDS: Final = re.compile(r"[0-9]{10}")
_INSTANT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})"
)


def _key(value: object) -> object:
    if not isinstance(value, str) or not _KEY.fullmatch(value):
        raise PydanticCustomError("value_error", "use visible ASCII characters")
    return value


def _expiry(value: object) -> object:
    """Read an instant as OAuth's secrets have it: seconds since 1970, as text."""
    try:
        if isinstance(value, str) and _SECONDS.fullmatch(value):
            return value
        if isinstance(value, str) and _INSTANT.fullmatch(value):
            seconds = int(datetime.fromisoformat(value).timestamp())
            if seconds >= 0:
                return str(seconds)
    except (ValueError, OverflowError):
        pass
    mend = "use seconds since 1970, or a time with Z or an offset, as text"
    raise PydanticCustomError("value_error", mend)


Key = Annotated[
    str,
    BeforeValidator(_key),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^[\x21-\x7e]{1,4096}$",
            "examples": ["jobber-api-key"],
        }
    ),
]
Expiry = Annotated[
    str,
    BeforeValidator(_expiry),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": f"^({_SECONDS.pattern}|{_INSTANT.pattern})$",
            "description": "An instant, or seconds since 1970.",
            "examples": ["2026-12-05T14:30:00Z", "1796481000"],
        }
    ),
]


class ConnectJobber(Inputs):
    """A key, or tokens that Jobber's OAuth gave; `subdomain` is kept, and unused.

    An access token is renewed where `refreshToken` and `expiresAt` come with it, and
    this installation is the app that they were given to.
    """

    tenant_id: Id | None = None
    api_key: Key | None = None
    subdomain: Token | None = None
    timezone: Annotated[
        Zone | None, Field(description="Default: the account's own.")
    ] = None
    access_token: Key | None = None
    refresh_token: Key | None = None
    expires_at: Expiry | None = None


def jobber_secrets(inputs: ConnectJobber) -> Mapping[str, str]:
    """Return what opens the account; raise InvalidInputs where nothing does."""
    if inputs.refresh_token is not None:
        secrets = _renewable(inputs)
    elif (key := inputs.access_token or inputs.api_key) is not None:
        secrets = {"apiKey": key}
    else:
        raise invalid_input("apiKey", "Field required")
    if inputs.subdomain is not None:
        secrets["subdomain"] = inputs.subdomain
    return secrets


def _renewable(inputs: ConnectJobber) -> dict[str, str]:
    given = {
        "accessToken": inputs.access_token,
        "refreshToken": inputs.refresh_token,
        "expiresAt": inputs.expires_at,
    }
    for name, value in given.items():
        if value is None:
            raise invalid_input(name, "Field required with refreshToken")
    return {name: value for name, value in given.items() if value is not None}


class ConnectHousecallPro(Inputs):
    """A key, and the id of the company that it must open."""

    tenant_id: Id | None = None
    api_key: Key
    company_id: Token
    timezone: Annotated[
        Zone | None, Field(description="Default: the account's own.")
    ] = None


class CustomerData(Inputs):
    """A customer; what is left out stays there as it is. Phone or e-mail is needed."""

    phone: Phone | None = None
    name: Name | None = None
    email: Email | None = None
    address: Address | None = None
    notes: Text | None = None


class SyncCustomer(Inputs):
    """Who is to be known at the platform."""

    tenant_id: Id | None = None
    customer_data: CustomerData


class AssignTechnician(Inputs):
    """As whom they work; null: what they do takes nobody's time here."""

    tenant_id: Id | None = None
    agent_id: Id | None
