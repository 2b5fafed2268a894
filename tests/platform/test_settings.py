import pytest
from pydantic import ValidationError
from pydantic_settings import BaseSettings

from universal_calendar.settings.platform import PlatformSettings


class Probe(PlatformSettings, BaseSettings):
    """Settings that have nothing else."""


def test_everything_is_off_by_default() -> None:
    assert set(Probe().model_dump().values()) == {None, False}


def test_every_setting_is_described() -> None:
    for name, each in PlatformSettings.model_fields.items():
        assert each.description is not None, name
        assert each.description.endswith("."), name


def test_live_validation_needs_the_service() -> None:
    with pytest.raises(ValidationError, match="needs TS_AUTH_SERVICE_URL"):
        Probe(validate_tokens_live=True)
    url = "http://localhost:3301"
    assert Probe.model_validate(
        {"validate_tokens_live": "true", "ts_auth_service_url": url}
    ).validate_tokens_live


@pytest.mark.parametrize("url", ["localhost:3301", "ftp://localhost", "", "/auth"])
def test_url_that_is_none(url: str) -> None:
    with pytest.raises(ValidationError):
        Probe.model_validate({"ts_auth_service_url": url})
