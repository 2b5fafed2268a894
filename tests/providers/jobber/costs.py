"""What a request costs, by the rules of Jobber's developer pages.

A field costs 1, `edges`, `nodes` and `node` nothing; a connection costs what is asked
of each node, times `first`. What was answered counts in the end.
"""

from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    value_from_ast_untyped,
)

Json = dict[str, Any]
MOST = 10_000
A_SECOND = 500
_FREE = {"edges", "nodes", "node"}
_ASSUMED = 100


class Price:
    """Reckons what a document costs, with the variables it comes with."""

    def __init__(self, document: DocumentNode, variables: Json) -> None:
        self._variables = variables
        self._fragments = {
            each.name.value: each
            for each in document.definitions
            if isinstance(each, FragmentDefinitionNode)
        }
        (self._operation,) = (
            each
            for each in document.definitions
            if isinstance(each, OperationDefinitionNode)
        )

    @property
    def requested(self) -> int:
        """Return what it may cost at most."""
        return self._of(self._operation.selection_set)

    def _of(self, selected: SelectionSetNode | None) -> int:
        total = 0
        for each in selected.selections if selected else ():
            if isinstance(each, FragmentSpreadNode):
                total += self._of(self._fragments[each.name.value].selection_set)
            elif isinstance(each, InlineFragmentNode):
                total += self._of(each.selection_set)
            elif isinstance(each, FieldNode):
                total += self._of_field(each)
        return total

    def _of_field(self, node: FieldNode) -> int:
        below = self._of(node.selection_set)
        if node.name.value in _FREE:
            return below
        if not self.is_connection(node):
            return 1 + below
        given = {
            each.name.value: value_from_ast_untyped(each.value, self._variables)
            for each in node.arguments or ()
        }
        return below * int(given.get("first") or given.get("last") or _ASSUMED)

    def is_connection(self, node: FieldNode) -> bool:
        selected = node.selection_set.selections if node.selection_set else ()
        names = {each.name.value for each in selected if isinstance(each, FieldNode)}
        return bool(names & _FREE)


def answered(data: object) -> int:
    """Return what an answer costs."""
    if isinstance(data, list):
        return sum(answered(each) for each in data)
    if not isinstance(data, dict):
        return 0
    return sum((name not in _FREE) + answered(value) for name, value in data.items())


@dataclass
class Points:
    """The points that one app has at one account."""

    left: float = MOST
    a_second: float = A_SECOND
    _at: float = field(default_factory=monotonic)

    def available(self) -> float:
        now = monotonic()
        self.left = min(MOST, self.left + (now - self._at) * self.a_second)
        self._at = now
        return self.left

    def told(self, requested: int, actual: int) -> Json:
        """Return `extensions.cost`."""
        return {
            "requestedQueryCost": requested,
            "actualQueryCost": actual,
            "throttleStatus": {
                "maximumAvailable": MOST,
                "currentlyAvailable": int(self.available()),
                "restoreRate": A_SECOND,
            },
        }
