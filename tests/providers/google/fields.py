"""Partial responses: the parameter `fields`."""

import re
from collections.abc import Iterator

Mask = dict[str, "Mask"]


def masked(value: object, fields: str) -> object:
    """Return what the fields select, such as `items(id,start/date),timeZone`."""
    tokens = iter(re.findall(r"[\w*]+|[(),/]", fields))
    return _select(value, _mask(tokens))


def _mask(tokens: Iterator[str]) -> Mask:
    mask: Mask = {}
    place = mask
    last: Mask = mask
    for token in tokens:
        match token:
            case ",":
                place = mask
            case "/":
                place = last
            case "(":
                last.update(_mask(tokens))
            case ")":
                return mask
            case name:
                last = place.setdefault(name, {})
    return mask


def _select(value: object, mask: Mask) -> object:
    if isinstance(value, list):
        return [_select(each, mask) for each in value]
    if not mask or not isinstance(value, dict):
        return value
    return {name: _select(value[name], mask[name]) for name in mask if name in value}
