"""Settings of credentials, limits and browsers."""

import re
from typing import Annotated, Final

from pydantic import AnyHttpUrl, BaseModel, Field, SecretStr, field_validator
from pydantic_settings import NoDecode

SHORTEST_JWT_SECRET: Final = 32
ANY_ORIGIN: Final = "*"
_ORIGIN: Final = re.compile(r"https?://[^\s/?#@,*]+")


class SecuritySettings(BaseModel):
    """Who may ask the tenant API, how often, and from which web pages."""

    jwt_secret: SecretStr | None = Field(
        None,
        description="Secret that users' tokens are signed with (HS256), shared with"
        " ts-auth-service: 32 characters at least. Empty: no such token opens the"
        " tenant API.",
    )
    jwks_url: AnyHttpUrl | None = Field(
        None,
        description="Where the public keys are that users' tokens are signed with"
        " (RS256, ES256). Empty: no such token opens the tenant API.",
    )
    jwt_audience: str | None = Field(
        None,
        description="What `aud` of a token must name. Empty: a token with `aud` is"
        " refused.",
    )
    jwt_issuer: str | None = Field(
        None, description="What `iss` of a token must be. Empty: anything."
    )
    rate_limit_max_requests: int = Field(
        100,
        ge=1,
        description="Requests in RATE_LIMIT_WINDOW_MS of one user of the tenant API,"
        " and of one address without a credential.",
    )
    rate_limit_window_ms: int = Field(
        900_000,
        ge=1000,
        le=86_400_000,
        description="Milliseconds in which the allowance refills, evenly.",
    )
    service_key_rate_limit: int | None = Field(
        None, ge=1, description="Requests a minute of one service key. Empty: any."
    )
    cors_origin: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Origins, comma-separated, whose web pages may ask; * for any, then"
        " without cookies. Empty: none.",
    )
    hsts_seconds: int = Field(
        0,
        ge=0,
        le=63_072_000,
        description="Seconds for which browsers shall use HTTPS alone. 0 says nothing.",
    )

    @field_validator("jwt_secret")
    @classmethod
    def _check_length(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < SHORTEST_JWT_SECRET:
            raise ValueError(
                f"use {SHORTEST_JWT_SECRET} characters at least; universal-calendar"
                " init writes such a secret"
            )
        return value

    @field_validator("cors_origin", mode="before")
    @classmethod
    def _split_origins(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("cors_origin")
    @classmethod
    def _check_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            if origin != ANY_ORIGIN and not _ORIGIN.fullmatch(origin):
                raise ValueError("use origins such as https://app.example.com, or *")
        return value
