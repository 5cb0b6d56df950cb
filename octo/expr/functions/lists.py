"""The lists extension of CEL. Every result is a new list."""

from typing import Any

from octo.expr.cost import FLAT, FREE, Cost
from octo.expr.errors import INVALID_ARGUMENT, NO_SUCH_OVERLOAD, OUT_OF_BOUNDS, ExprError, number
from octo.expr.function import function
from octo.expr.limits import check_elements
from octo.expr.members import Members
from octo.expr.values import NONE, Optional, a as article, kind_of

_SORTABLE = frozenset(("bool", "int", "uint", "double", "string", "bytes", "timestamp", "duration"))
_NUMBERS = frozenset(("int", "uint", "double"))


@function("lists.range(int) -> list(int)", family="lists", examples=["lists.range(3) == [0, 1, 2]"], cost=FLAT)
def range_(count: int) -> list[int]:
    """The ints from 0 up to the number, which is not included."""
    check_elements(count)
    return list(range(count))


@function(
    "list(T).distinct() -> list(T)",
    family="lists",
    examples=["[1, 2, 1, 3, 2].distinct() == [1, 2, 3]"],
    cost=Cost(reads=4),
)
def distinct(items: list[Any]) -> list[Any]:
    """The elements without repetitions, in the order of their first appearance."""
    seen = Members()
    return [item for item in items if seen.add(item)]


@function(
    "list(T).flatten() -> list(dyn)",
    "list(T).flatten(int) -> list(dyn)",
    family="lists",
    examples=["[1, [2, [3]]].flatten() == [1, 2, [3]]", "[1, [2, [3]]].flatten(2) == [1, 2, 3]"],
)
def flatten(items: list[Any], depth: int = 1) -> list[Any]:
    """One list with the elements of nested lists, down to the given depth (1 if not given)."""
    if depth < 0:
        raise ExprError(INVALID_ARGUMENT, f"flatten needs a depth of at least 0, found {number(depth)}")
    flat: list[Any] = []
    levels = [iter(items)]
    # One step for each element of the result or of a list inside, whatever the depth.
    while levels:
        for item in levels[-1]:
            if isinstance(item, list) and len(levels) <= depth:
                check_elements(len(flat) + len(item))
                levels.append(iter(item))
                break
            flat.append(item)
        else:
            levels.pop()
    return flat


@function("list(T).reverse() -> list(T)", family="lists", examples=["[1, 2, 3].reverse() == [3, 2, 1]"])
def reverse(items: list[Any]) -> list[Any]:
    """The elements in reverse order."""
    return items[::-1]


@function(
    "list(T).slice(int, int) -> list(T)", family="lists", examples=["[1, 2, 3, 4].slice(1, 3) == [2, 3]"], cost=FLAT
)
def slice_(items: list[Any], start: int, end: int) -> list[Any]:
    """The elements from the first position up to the second, which is not included."""
    if not 0 <= start <= end <= len(items):
        raise ExprError(
            OUT_OF_BOUNDS,
            f"slice({number(start)}, {number(end)}) is out of bounds: the list has {len(items)} elements",
        )
    return items[start:end]


@function(
    "list(T).sort() -> list(T)",
    family="lists",
    examples=["[3, 1, 2].sort() == [1, 2, 3]", '["b", "a"].sort() == ["a", "b"]'],
    cost=Cost(reads=4),
)
def sort(items: list[Any]) -> list[Any]:
    """The elements in ascending order; all must be of one comparable type."""
    return sort_by(items, items)


def sort_by(items: Any, keys: list[Any]) -> list[Any]:
    """The elements in the order of their keys. The macro sortBy calls it."""
    if not isinstance(items, list):
        raise ExprError(NO_SUCH_OVERLOAD, f"sortBy needs a list, found {article(kind_of(items))}")
    kinds = {kind_of(key) for key in keys}
    if not (len(kinds) <= 1 and kinds <= _SORTABLE) and not kinds <= _NUMBERS:
        raise ExprError(NO_SUCH_OVERLOAD, f"cannot sort: the keys are of the kinds {', '.join(sorted(kinds))}")
    order = sorted(range(len(keys)), key=keys.__getitem__)
    return [items[position] for position in order]


@function(
    "list(T).first() -> optional(T)", family="optionals", examples=["[1, 2].first() == optional.of(1)"], cost=FREE
)
def first(items: list[Any]) -> Optional:
    """The first element; `optional.none()` for an empty list."""
    return Optional(items[0]) if items else NONE


@function("list(T).last() -> optional(T)", family="optionals", examples=["[1, 2].last() == optional.of(2)"], cost=FREE)
def last(items: list[Any]) -> Optional:
    """The last element; `optional.none()` for an empty list."""
    return Optional(items[-1]) if items else NONE
