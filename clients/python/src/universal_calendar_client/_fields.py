"""Read JSON objects field by field, and say which field is missing or wrong."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self


class MalformedAnswerError(Exception):
    """A field is missing or has another type than agreed."""


@dataclass(frozen=True, slots=True)
class Fields:
    """A JSON object and where in the answer it stands."""

    values: Mapping[str, object]
    path: str = ""

    @classmethod
    def of(cls, value: object, path: str = "") -> Self:
        """Wrap a JSON object."""
        if not isinstance(value, dict):
            where = path or "the body"
            message = f"{where} is not an object"
            raise MalformedAnswerError(message)
        return cls(value, path)

    def has(self, name: str) -> bool:
        """Say whether the field is there and not null."""
        return self.values.get(name) is not None

    def text(self, name: str) -> str:
        """Return a text field."""
        value = self.values.get(name)
        if not isinstance(value, str):
            raise self._wrong(name, "text")
        return value

    def optional_text(self, name: str) -> str | None:
        """Return a text field that may be null or absent."""
        return self.text(name) if self.has(name) else None

    def integer(self, name: str) -> int:
        """Return a whole number; true and false are none."""
        value = self.values.get(name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self._wrong(name, "a whole number")
        return value

    def flag(self, name: str) -> bool:
        """Return true or false."""
        value = self.values.get(name)
        if not isinstance(value, bool):
            raise self._wrong(name, "true or false")
        return value

    def child(self, name: str) -> "Fields":
        """Return the object in a field."""
        return Fields.of(self.values.get(name), self._at(name))

    def children(self, name: str) -> list["Fields"]:
        """Return the objects in a list field."""
        items = enumerate(self._list(name))
        return [Fields.of(item, f"{self._at(name)}[{index}]") for index, item in items]

    def texts(self, name: str) -> list[str]:
        """Return the texts in a list field."""
        items = self._list(name)
        texts = [item for item in items if isinstance(item, str)]
        if len(texts) < len(items):
            raise self._wrong(name, "a list of texts")
        return texts

    def _list(self, name: str) -> list[object]:
        value = self.values.get(name)
        if not isinstance(value, list):
            raise self._wrong(name, "a list")
        return value

    def _at(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def _wrong(self, name: str, wanted: str) -> MalformedAnswerError:
        return MalformedAnswerError(f"{self._at(name)} is not {wanted}")
