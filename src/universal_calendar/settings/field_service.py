"""Settings of the field-service platforms."""

from typing import Self

from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator

from universal_calendar.settings.urls import checked_url


class FieldServiceSettings(BaseModel):
    """Each platform is offered: accounts are connected by their API keys.

    Jobber's also by OAuth, once this installation is registered there.
    """

    jobber_client_id: str | None = Field(
        None,
        description="OAuth client at Jobber. Empty: accounts are connected by a token"
        " alone, not by consent.",
    )
    jobber_client_secret: SecretStr | None = Field(
        None, description="Its secret. Required with JOBBER_CLIENT_ID."
    )
    jobber_authorize_url: str = Field(
        "https://api.getjobber.com/api/oauth/authorize",
        description="Jobber's consent page, or what stands in for it.",
    )
    jobber_token_url: str = Field(
        "https://api.getjobber.com/api/oauth/token",
        description="Jobber's token endpoint.",
    )
    jobber_api_base_url: str = Field(
        "https://api.getjobber.com/api/graphql", description="Jobber's GraphQL API."
    )
    jobber_api_version: str = Field(
        "2025-04-16",
        pattern=r"^\d{4}-\d{2}-\d{2}$",
        description="Of Jobber's schema: X-JOBBER-GRAPHQL-VERSION.",
    )
    jobber_webhook_secret: SecretStr | None = Field(
        None,
        description="What Jobber signs its webhooks with. Empty: JOBBER_CLIENT_SECRET."
        " With neither, its webhooks are not received.",
    )
    jobber_rate_limit: int = Field(
        500, ge=1, description="Requests to one Jobber account a minute, at most."
    )
    housecallpro_api_base_url: str = Field(
        "https://api.housecallpro.com", description="Housecall Pro's API."
    )
    housecallpro_webhook_secret: SecretStr | None = Field(
        None,
        description="What Housecall Pro signs its webhooks with. Empty: they are not"
        " received.",
    )
    housecallpro_rate_limit: int = Field(
        100,
        ge=1,
        description="Requests to one Housecall Pro account a minute, at most.",
    )

    @field_validator(
        "jobber_authorize_url",
        "jobber_token_url",
        "jobber_api_base_url",
        "housecallpro_api_base_url",
    )
    @classmethod
    def _check_platform_url(cls, value: str) -> str:
        return checked_url(value, "https://api.example.com").rstrip("/")

    @model_validator(mode="after")
    def _check_jobber(self) -> Self:
        if self.jobber_client_id is not None and self.jobber_client_secret is None:
            raise ValueError(
                "JOBBER_CLIENT_ID needs JOBBER_CLIENT_SECRET; set it, or leave"
                " JOBBER_CLIENT_ID unset"
            )
        return self
