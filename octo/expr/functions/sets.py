"""The sets extension of CEL: lists seen as sets."""

from typing import Any

from octo.expr.cost import Cost
from octo.expr.function import function
from octo.expr.members import Members


@function(
    "sets.contains(list(T), list(T)) -> bool",
    family="sets",
    examples=["sets.contains([1, 2, 3], [3, 1])"],
    cost=Cost(reads=8),
)
def contains(items: list[Any], part: list[Any]) -> bool:
    """Whether the first list has all elements of the second."""
    return _has_all(Members(items), part)


@function(
    "sets.equivalent(list(T), list(T)) -> bool",
    family="sets",
    examples=["sets.equivalent([1, 2], [2, 1, 1])"],
    cost=Cost(reads=8),
)
def equivalent(left: list[Any], right: list[Any]) -> bool:
    """Whether two lists have the same elements."""
    return _has_all(Members(right), left) and _has_all(Members(left), right)


@function(
    "sets.intersects(list(T), list(T)) -> bool",
    family="sets",
    examples=["sets.intersects([1, 2], [2, 3])"],
    cost=Cost(reads=8),
)
def intersects(left: list[Any], right: list[Any]) -> bool:
    """Whether two lists have an element in common."""
    members = Members(right)
    return any(item in members for item in left)


def _has_all(members: Members, items: list[Any]) -> bool:
    return all(item in members for item in items)
