"""Settings: what is refused, what is assumed, and what is never repeated."""

import pytest
from pydantic import ValidationError

from tests.harness.command_line import CommandLine
from universal_calendar.settings import Environment, Settings

SAMPLE = "secret-key-abc123"
KEY = "uc_something-that-nobody-else-knows"
URL = "postgresql://someone:hidden@db.example.test:5432/calendar"


def settings(**values: object) -> Settings:
    return Settings(_env_file=None, **values)


def test_development_is_assumed_on_loopback_with_the_embedded_database_only() -> None:
    assert settings().environment is Environment.DEVELOPMENT
    assert settings(host="::1").environment is Environment.DEVELOPMENT
    assert settings(host="localhost").environment is Environment.DEVELOPMENT
    assert settings(host="0.0.0.0").environment is Environment.PRODUCTION  # noqa: S104 - never listened on
    own_database = settings(database_url=URL, master_keys=(KEY,))
    assert own_database.environment is Environment.PRODUCTION
    assert settings(ENVIRONMENT="test").environment is Environment.TEST


def test_samples_of_the_documentation_open_nothing_outside_development() -> None:
    assert settings(calendar_api_key=SAMPLE).calendar_api_key is not None
    for elsewhere in ("test", "staging", "production"):
        with pytest.raises(ValidationError, match="sample"):
            settings(calendar_api_key=SAMPLE, ENVIRONMENT=elsewhere)
    with pytest.raises(ValidationError, match="MASTER_KEYS is required"):
        settings(database_url=URL)
    development = settings(database_url=URL, ENVIRONMENT="development")
    assert development.master_keys == ()


def test_the_command_line_says_which_setting_is_wrong_but_not_what_it_was(
    apart: CommandLine,
) -> None:
    told = apart(
        *("tenants", "list"),
        status=1,
        PORT="hidden",
        DATABASE_URL="postgresql:/hidden@",
        TRUSTED_PROXIES="hidden",
    ).told
    lines = told.splitlines()
    assert all(line.startswith("error: ") for line in lines)
    named = {line.split(": ")[1] for line in lines}
    assert named == {"PORT", "DATABASE_URL", "TRUSTED_PROXIES"}
    assert "hidden" not in told


def test_a_sample_key_is_refused_in_production_and_accepted_in_development(
    command: CommandLine,
) -> None:
    sample = {"CALENDAR_API_KEY": SAMPLE}
    refused = command("tenants", "list", status=1, ENVIRONMENT="production", **sample)
    assert "CALENDAR_API_KEY is a sample" in refused.told
    assert "universal-calendar init" in refused.told
    command("tenants", "list", ENVIRONMENT="development", **sample)
