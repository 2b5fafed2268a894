"""Strings that stand for people and secrets, and where any of them turns up."""

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Final

# One number in every shape: whatever is found leads back to the canary it is of.
_SHAPES: Final = re.compile(
    rb"zqx(\d{6})|88383(\d{7})|61\.7(\d{5})1", re.ASCII | re.IGNORECASE
)
_HEX: Final = re.compile(rb"[0-9a-f]{18,}", re.IGNORECASE)
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/_-]{10,}")


@dataclass(frozen=True, slots=True)
class Canary:
    """One string that nothing else has; `origin` says where it was sent."""

    text: str
    origin: str


@dataclass
class Canaries:
    """Makes canaries, and finds them again in plain bytes, in hex and in Base64."""

    made: dict[int, Canary] = field(default_factory=dict)
    secrets: list[Canary] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def text(self, origin: str) -> str:
        """Return a word of letters and digits."""
        return self._make(origin, "zqx{:06}")

    def email(self, origin: str) -> str:
        """Return an address."""
        return self._make(origin, "zqx{:06}@canary.test")

    def phone(self, origin: str) -> str:
        """Return a number in E.164."""
        return self._make(origin, "+88383{:07}")

    def degrees(self, origin: str) -> float:
        """Return a latitude or longitude."""
        return float(self._make(origin, "61.7{:05}1"))

    def secret(self, text: str, origin: str) -> str:
        """Look for a secret too that somebody else has made."""
        self.secrets.append(Canary(text, origin))
        return text

    def _make(self, origin: str, shape: str) -> str:
        number = next(self._numbers)
        self.made[number] = Canary(shape.format(number), origin)
        return self.made[number].text

    def plain_in(self, data: bytes) -> set[Canary]:
        """Return the canaries that are written there as they are."""
        numbers = {int(next(filter(None, each))) for each in _SHAPES.findall(data)}
        found = {self.made[number] for number in numbers & self.made.keys()}
        return found | {each for each in self.secrets if each.text.encode() in data}

    def found_in(self, data: bytes) -> set[Canary]:
        """Return the canaries that are there, plain, in hex or in Base64."""
        return self.plain_in(b"\n".join([data, *_from_hex(data), *_from_base64(data)]))


def _from_hex(data: bytes) -> Iterator[bytes]:
    for run in _HEX.findall(data):
        for shift in (0, 1):
            digits = run[shift:]
            yield bytes.fromhex(digits[: len(digits) // 2 * 2].decode())


def _from_base64(data: bytes) -> Iterator[bytes]:
    for run in _BASE64.findall(data):
        for shift in range(4):
            digits = run[shift:]
            yield base64.b64decode(digits + b"A" * (-len(digits) % 4), b"-_")
