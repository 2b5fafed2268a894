"""Where the sister services of the platform are, if anywhere."""

from typing import Self

from pydantic import AnyHttpUrl, BaseModel, Field, model_validator


class PlatformSettings(BaseModel):
    """Settings of the sister services; each is off until it has a URL."""

    ts_auth_service_url: AnyHttpUrl | None = Field(
        None, description="ts-auth-service, for VALIDATE_TOKENS_LIVE. Empty: off."
    )
    ts_tenant_service_url: AnyHttpUrl | None = Field(
        None,
        description="ts-tenant-service: knows tenants, and the hours of agents without"
        " their own. Empty: off.",
    )
    as_connection_service_url: AnyHttpUrl | None = Field(
        None,
        description="as-connection-service, told of every change of an appointment."
        " Empty: off.",
    )
    as_alerts_service_url: AnyHttpUrl | None = Field(
        None,
        description="as-alerts-service, told of calendar connections that broke."
        " Empty: off.",
    )
    validate_tokens_live: bool = Field(
        default=False,
        description="Ask ts-auth-service about every token: disabled users are refused"
        " at once, and nobody gets in while it is down.",
    )

    @model_validator(mode="after")
    def _check_live_validation(self) -> Self:
        if self.validate_tokens_live and self.ts_auth_service_url is None:
            raise ValueError(
                "VALIDATE_TOKENS_LIVE needs TS_AUTH_SERVICE_URL; set it, or leave"
                " VALIDATE_TOKENS_LIVE unset"
            )
        return self
