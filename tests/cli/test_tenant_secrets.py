"""The secrets of the tenant API: written by init, checked by doctor, never samples."""

import json
from pathlib import Path

import pytest
from dotenv import dotenv_values
from pydantic import ValidationError

from tests.harness.command_line import CommandLine
from universal_calendar.settings import Settings

SAMPLE_FOR_TOKENS = "your-32-character-jwt-secret-key-here"
SAMPLE_KEY = "nmc-internal-services-auth-key-phase1"
GOOD = "of-the-tests-alone-of-the-tests-alone"


def settings(**values: object) -> Settings:
    return Settings(_env_file=None, **values)


def written(folder: Path) -> dict[str, str]:
    return {name: value or "" for name, value in dotenv_values(folder / ".env").items()}


def test_samples_are_refused_outside_development() -> None:
    for values in (
        {"jwt_secret": SAMPLE_FOR_TOKENS},
        {"internal_service_key": SAMPLE_KEY},
        {"internal_service_key": f"{GOOD},{SAMPLE_KEY}"},
    ):
        settings(**values, ENVIRONMENT="development")
        (name,) = values
        with pytest.raises(ValidationError, match=f"{name.upper()} is a sample"):
            settings(**values, ENVIRONMENT="production")


@pytest.mark.parametrize("secret", ["short", "x" * 31])
def test_a_short_jwt_secret_is_refused_everywhere(secret: str) -> None:
    for environment in ("development", "production"):
        with pytest.raises(ValidationError, match="32 characters at least") as refused:
            settings(jwt_secret=secret, ENVIRONMENT=environment)
        assert secret not in str(refused.value)
    assert settings(jwt_secret="x" * 32).jwt_secret is not None


@pytest.mark.parametrize(
    "origins", ["app.example.com", "https://a.example/path", "ftp://a", "https://*.a"]
)
def test_origins_that_are_none(origins: str) -> None:
    with pytest.raises(ValidationError, match="use origins such as"):
        settings(cors_origin=origins)


def test_origins() -> None:
    assert settings().cors_origin == ()
    assert settings(cors_origin="*").cors_origin == ("*",)
    several = settings(cors_origin="https://a.example, http://localhost:3000")
    assert several.cors_origin == ("https://a.example", "http://localhost:3000")


def test_init_writes_them(apart: CommandLine) -> None:
    told = apart("init").out
    secrets = written(apart.folder)
    for name in ("JWT_SECRET", "INTERNAL_SERVICE_KEY"):
        assert len(secrets[name]) >= 32
        assert name in told
        assert secrets[name] not in told
    assert len(set(secrets.values())) == len(secrets)


def test_init_keeps_what_sister_services_know(apart: CommandLine) -> None:
    file = apart.folder / ".env"
    file.write_text(f"JWT_SECRET={GOOD}\nINTERNAL_SERVICE_KEY={SAMPLE_KEY}\n")
    apart("init", "--force")
    secrets = written(apart.folder)
    assert secrets["JWT_SECRET"] == GOOD
    assert secrets["INTERNAL_SERVICE_KEY"] != SAMPLE_KEY


def test_doctor_looks_at_them(apart: CommandLine) -> None:
    def secrets(status: int = 0, **environment: str) -> dict[str, str]:
        told = apart("doctor", "--json", status=status, **environment).out
        checks = {each["name"]: each for each in json.loads(told)["checks"]}
        found: dict[str, str] = checks["secrets"]
        return found

    short = secrets(1, INTERNAL_SERVICE_KEY=f"{GOOD},short")
    assert short["status"] == "failed"
    assert short["detail"].startswith("INTERNAL_SERVICE_KEY is shorter than")
    assert "neither JWT_SECRET nor JWKS_URL" in secrets()["detail"]
    assert secrets(JWT_SECRET=GOOD)["detail"].endswith("users come in by JWT_SECRET")
