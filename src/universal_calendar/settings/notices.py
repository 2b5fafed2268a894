"""Settings of the ways in which people and their software are told."""

import re
from typing import Self

from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator

from universal_calendar.settings.urls import checked_url


class NoticeSettings(BaseModel):
    """E-mail, text messages and webhooks; each is off until it is configured."""

    smtp_url: SecretStr | None = Field(
        None,
        description="The mail server: smtp://user:password@host:587 (STARTTLS),"
        " smtps://… (TLS from the start) or smtp+plain://… (no encryption). Empty: no"
        " e-mail.",
    )
    smtp_from: str | None = Field(
        None,
        description="The address that e-mail comes from, and the organizer of"
        " invitations. Required with SMTP_URL.",
    )
    sms_gateway_url: str | None = Field(
        None,
        description="The platform's SMS gateway. Empty: TWILIO_ACCOUNT_SID, if that is"
        " set, or no text messages.",
    )
    sms_from: str | None = Field(
        None,
        description="The number that text messages come from, such as +12125551234."
        " Required with SMS_GATEWAY_URL and TWILIO_ACCOUNT_SID.",
    )
    twilio_account_sid: str | None = Field(
        None, description="Account at Twilio that sends text messages."
    )
    twilio_auth_token: SecretStr | None = Field(
        None, description="Its token. Required with TWILIO_ACCOUNT_SID."
    )
    twilio_api_base_url: str = Field(
        "https://api.twilio.com", description="Twilio's API, or what stands in for it."
    )
    webhooks_allow_private: bool = Field(
        default=False,
        description="Let webhooks go to http URLs and private addresses: for"
        " development, and where no tenant is a stranger.",
    )

    @field_validator("smtp_url")
    @classmethod
    def _check_smtp_url(cls, value: SecretStr | None) -> SecretStr | None:
        # Only who sends mail pays for the import.
        from universal_calendar.notify.smtp_server import SmtpServer

        if value is not None:
            SmtpServer.parse(value.get_secret_value())
        return value

    @field_validator("smtp_from")
    @classmethod
    def _check_smtp_from(cls, value: str | None) -> str | None:
        from universal_calendar.notify.email import checked_address

        if value is not None:
            checked_address(value)
        return value

    @field_validator("sms_gateway_url", "twilio_api_base_url")
    @classmethod
    def _check_web_url(cls, value: str | None) -> str | None:
        return value and checked_url(value, "https://sms.example.com")

    @field_validator("sms_from")
    @classmethod
    def _check_number(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"\+[1-9][0-9]{1,14}", value):
            raise ValueError("use an E.164 number such as +12125551234")
        return value

    @model_validator(mode="after")
    def _complete_channels(self) -> Self:
        wanted = {
            "SMTP_FROM": self.smtp_url is None or self.smtp_from,
            "SMS_FROM": not (self.sms_gateway_url or self.twilio_account_sid)
            or self.sms_from,
            "TWILIO_AUTH_TOKEN": self.twilio_account_sid is None
            or self.twilio_auth_token,
        }
        for name, is_there in wanted.items():
            if not is_there:
                raise ValueError(f"{name} is required with what is set beside it")
        return self
