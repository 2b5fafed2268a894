"""Every setting of the service, read once from the environment and `.env`."""

import os
from collections.abc import Mapping
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, Final, Self
from uuid import UUID

from pydantic import AliasChoices, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from universal_calendar.settings.field_service import FieldServiceSettings
from universal_calendar.settings.notices import NoticeSettings
from universal_calendar.settings.platform import PlatformSettings
from universal_calendar.settings.providers import ProviderSettings
from universal_calendar.settings.security import SecuritySettings
from universal_calendar.settings.worker import WorkerSettings

SAMPLE_SECRETS: Final = frozenset(
    {
        "secret-key-abc123",
        "your-32-character-jwt-secret-key-here",
        "nmc-internal-services-auth-key-phase1",
        "nevermisscall_admin411",
    }
)


ENV_FILE: Final = ".env"


class Environment(StrEnum):
    """Where the service runs; development forgives what the others refuse."""

    DEVELOPMENT = "development"
    TEST = "test"
    STAGING = "staging"
    PRODUCTION = "production"


class LogFormat(StrEnum):
    """How log lines look."""

    JSON = "json"
    TEXT = "text"


def default_home() -> Path:
    """Return the data directory of this user, by the XDG base directory rules."""
    if os.geteuid() == 0:
        return Path("/var/lib/universal-calendar")
    data = os.environ.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local/share") / "universal-calendar"


def default_environment(chosen: Mapping[str, Any]) -> Environment:
    """Return development for the embedded database on loopback, else production."""
    is_embedded = chosen.get("database_url") is None
    if is_embedded and is_loopback(str(chosen.get("host", ""))):
        return Environment.DEVELOPMENT
    return Environment.PRODUCTION


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach the address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Place(BaseSettings):
    """Where the data is: all that can be known before the other settings are right."""

    model_config = SettingsConfigDict(
        env_file=ENV_FILE,
        extra="ignore",
        env_ignore_empty=True,
        frozen=True,
        hide_input_in_errors=True,
    )

    uc_home: Path = Field(
        default_factory=default_home,
        description="Data directory: the embedded PostgreSQL and the master key.",
    )


class Settings(
    Place,
    NoticeSettings,
    SecuritySettings,
    PlatformSettings,
    ProviderSettings,
    FieldServiceSettings,
    WorkerSettings,
):
    """The settings, each by its name in capitals; a `.env` file stands in for them."""

    service_name: str = Field("universal-calendar", description="Name in /health.")
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(3901, ge=0, le=65535, description="Port; 0 picks a free one.")
    database_url: SecretStr | None = Field(
        None,
        description="A PostgreSQL 15 to 18, also behind a transaction pooler. Empty:"
        " the service starts its own.",
    )
    database_direct_url: SecretStr | None = Field(
        None,
        description="The same database without a pooler, for migrations. Empty:"
        " DATABASE_URL.",
    )
    environment: Environment = Field(
        default_factory=default_environment,
        validation_alias=AliasChoices("ENVIRONMENT", "NODE_ENV"),
        description="development, test, staging or production. development accepts"
        " sample secrets and migrates any database at start. NODE_ENV is read too."
        " Empty: development with the embedded database on loopback, else production.",
    )
    database_pool_size: int = Field(
        10, ge=1, le=500, description="Most connections of one process."
    )
    auto_migrate: bool = Field(
        default=False,
        description="Apply migrations at start. Always done on the embedded server"
        " and in development.",
    )
    master_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (),
        description="Keys that wrap all encryption keys: 32 bytes in URL-safe Base64,"
        " comma-separated, current first. Embedded: a file in UC_HOME. Required with"
        " DATABASE_URL outside development.",
    )
    calendar_api_key: SecretStr | None = Field(
        None,
        description="An API key for all agents of the default tenant. It follows this"
        " variable at each start.",
    )
    internal_service_key: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (),
        description="Service keys of the tenant API, comma-separated: several at once,"
        " so that they can be rotated. Empty: no service key opens it.",
    )
    default_tenant_id: UUID = Field(
        UUID("00000000-0000-7000-8000-000000000001"),
        description="Id of the tenant that exists from the first start.",
    )
    api_key_rate_limit: int = Field(
        6000, ge=1, description="Requests a minute of one API key."
    )
    auth_failure_limit: int = Field(
        20, ge=1, description="Failed authentications a minute from one address."
    )
    trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = Field(
        (),
        description="Addresses or networks, comma-separated, whose X-Forwarded-For is"
        " believed.",
    )
    log_level: str = Field(
        "info",
        pattern="(?i)^(debug|info|warning|error|critical)$",
        description="debug, info, warning or error.",
    )
    log_format: LogFormat = Field(
        LogFormat.JSON, description="json, or text for people."
    )

    @field_validator("master_keys", "internal_service_key", mode="before")
    @classmethod
    def _split_keys(cls, value: object) -> object:
        return _split(value)

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _split_networks(cls, value: object) -> object:
        parts = _split(value)
        if isinstance(parts, tuple):
            return tuple(_network(part) for part in parts)
        return parts

    @field_validator("database_url", "database_direct_url")
    @classmethod
    def _check_url(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            check_database_url(value.get_secret_value())
        return value

    @model_validator(mode="after")
    def _refuse_samples(self) -> Self:
        if self.environment is Environment.DEVELOPMENT:
            return self
        for name, value in self._secrets().items():
            if any(sample in value for sample in SAMPLE_SECRETS):
                raise ValueError(
                    f"{name} is a sample from the documentation, which everyone knows;"
                    " set a secret of your own (universal-calendar init writes one) or"
                    " ENVIRONMENT=development"
                )
        if self.database_url is not None and not self.master_keys:
            raise ValueError(
                "MASTER_KEYS is required with DATABASE_URL; run universal-calendar"
                " init, which writes one, and keep a copy of it"
            )
        return self

    def _secrets(self) -> dict[str, str]:
        secrets = {
            "CALENDAR_API_KEY": self.calendar_api_key,
            "DATABASE_URL": self.database_url,
            "DATABASE_DIRECT_URL": self.database_direct_url,
            "JWT_SECRET": self.jwt_secret,
        }
        known = {n: v.get_secret_value() for n, v in secrets.items() if v is not None}
        service_keys = [each.get_secret_value() for each in self.internal_service_key]
        return known | {"INTERNAL_SERVICE_KEY": ",".join(service_keys)}

    @property
    def has_channels(self) -> bool:
        """Tell whether some way of telling people, besides webhooks, is configured."""
        return any(
            (
                self.smtp_url,
                self.sms_gateway_url,
                self.twilio_account_sid,
                self.as_connection_service_url,
            )
        )

    @property
    def is_embedded(self) -> bool:
        """Tell whether the service runs its own PostgreSQL."""
        return self.database_url is None


def check_database_url(url: str) -> None:
    """Raise ValueError, without the URL in it, for what libpq cannot read."""
    # Only who has such a URL pays for the import.
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    try:
        conninfo_to_dict(url)
    except (ProgrammingError, UnicodeError):
        mend = "use postgresql://user:password@host:5432/database, with %-escapes"
        raise ValueError(f"libpq cannot read it; {mend}") from None


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError:
        mend = "use addresses or networks such as 10.0.0.0/8"
        raise ValueError(mend) from None


def _split(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value
