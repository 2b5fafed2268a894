"""Settings of the calendar providers, and of how accounts there are connected."""

from typing import Self

from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator

from universal_calendar.core.instant import HOUR, Duration
from universal_calendar.settings.urls import checked_url


class ProviderSettings(BaseModel):
    """Each provider is offered once this installation is registered with it."""

    public_base_url: str | None = Field(
        None,
        description="Where browsers and providers reach this service, such as"
        " https://calendar.example.com. Required to connect accounts by OAuth and for"
        " providers to tell of changes. Empty: calendars are polled.",
    )
    oauth_return_url: str | None = Field(
        None,
        description="Where a browser goes once an account is connected. Empty: a page"
        " of the service's own.",
    )
    google_calendar_client_id: str | None = Field(
        None, description="OAuth client at Google. Empty: Google is not offered."
    )
    google_calendar_client_secret: SecretStr | None = Field(
        None, description="Its secret. Required with GOOGLE_CALENDAR_CLIENT_ID."
    )
    google_authorize_url: str = Field(
        "https://accounts.google.com/o/oauth2/v2/auth",
        description="Google's consent page, or what stands in for it.",
    )
    google_token_url: str = Field(
        "https://oauth2.googleapis.com/token", description="Google's token endpoint."
    )
    google_revoke_url: str = Field(
        "https://oauth2.googleapis.com/revoke",
        description="Google's revocation endpoint.",
    )
    google_calendar_base_url: str = Field(
        "https://www.googleapis.com/calendar/v3", description="Google's Calendar API."
    )
    microsoft_graph_client_id: str | None = Field(
        None, description="Application at Microsoft. Empty: Microsoft is not offered."
    )
    microsoft_graph_client_secret: SecretStr | None = Field(
        None, description="Its secret. Required with MICROSOFT_GRAPH_CLIENT_ID."
    )
    microsoft_login_base_url: str = Field(
        "https://login.microsoftonline.com/common/oauth2/v2.0",
        description="Microsoft's authorize and token endpoints are below it.",
    )
    microsoft_graph_base_url: str = Field(
        "https://graph.microsoft.com/v1.0", description="Microsoft Graph."
    )
    microsoft_subscription_minutes: int = Field(
        4230,
        ge=45,
        le=10_080,
        description="How long a subscription to a mailbox lives. More than Microsoft"
        " allows is refused, and calendars are polled instead.",
    )
    webhook_rate_limit: int = Field(
        6000,
        ge=1,
        description="Deliveries of calendar providers a minute from one address.",
    )
    caldav_allows_private: bool = Field(
        default=False,
        description="Let CalDAV accounts be on http URLs and private addresses: for"
        " servers of one's own, and where no tenant is a stranger.",
    )
    mirror_max_age_hours: int = Field(
        24,
        ge=1,
        description="How old what was read of a calendar may become before it is"
        " unknown what is free.",
    )
    poll_seconds: int = Field(
        300, ge=5, description="How often a calendar is read that tells nothing."
    )
    push_poll_seconds: int = Field(
        3600, ge=5, description="How often one is read that does tell of changes."
    )

    @property
    def mirror_max_age(self) -> Duration:
        """Return it as the core counts."""
        return self.mirror_max_age_hours * HOUR

    @field_validator(
        "public_base_url",
        "oauth_return_url",
        "google_authorize_url",
        "google_token_url",
        "google_revoke_url",
        "google_calendar_base_url",
        "microsoft_login_base_url",
        "microsoft_graph_base_url",
    )
    @classmethod
    def _check_web_url(cls, value: str | None) -> str | None:
        return value and checked_url(value, "https://calendar.example.com").rstrip("/")

    @model_validator(mode="after")
    def _check_registrations(self) -> Self:
        for name in ("google_calendar", "microsoft_graph"):
            known = getattr(self, f"{name}_client_id")
            if known is not None and getattr(self, f"{name}_client_secret") is None:
                variable = name.upper()
                raise ValueError(
                    f"{variable}_CLIENT_ID needs {variable}_CLIENT_SECRET; set it, or"
                    f" leave {variable}_CLIENT_ID unset"
                )
        return self
