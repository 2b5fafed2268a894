"""The fixtures of Microsoft, for its own tests."""

from tests.providers.microsoft.fixtures import (
    given_api_url,
    given_consent,
    given_examined,
    given_microsoft,
    given_receiver,
    given_world,
)

__all__ = [
    "given_api_url",
    "given_consent",
    "given_examined",
    "given_microsoft",
    "given_receiver",
    "given_world",
]
