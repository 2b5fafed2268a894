"""What platforms tell as JSON: ids and texts that can be kept."""

from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]


def id_of(told: Json) -> str:
    """Return the id of anything; raise ValueError for what can be none."""
    found = told["id"]
    if not isinstance(found, str) or not found or "\0" in found:
        raise ValueError("an id is a text that is not empty")
    return found


def text_of(told: object) -> str | None:
    """Return a text without what no database keeps, None for an empty one."""
    return str(told).replace("\0", "") or None if told else None
