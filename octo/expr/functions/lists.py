"""The lists extension of CEL, and what Kubernetes adds: sums, extremes and positions. Every result is a new list."""

import math
from itertools import pairwise
from typing import Any

from octo.expr.cost import FLAT, FREE, Cost
from octo.expr.errors import INVALID_ARGUMENT, NO_SUCH_OVERLOAD, OUT_OF_BOUNDS, OVERFLOW, ExprError, number
from octo.expr.function import function
from octo.expr.limits import check_elements
from octo.expr.members import Members
from octo.expr.runtime import equal, put, to_int, to_uint
from octo.expr.values import NONE, Duration, Optional, a as article, held_key, kind_of

_SORTABLE = frozenset(("bool", "int", "uint", "double", "string", "bytes", "timestamp", "duration"))
_NUMBERS = frozenset(("int", "uint", "double"))
_SUMMED = frozenset((*_NUMBERS, "duration"))
_TEXTS = {str}
"""Lists of nothing but texts are the most frequent, and Python itself is right about them."""
_ONCE = Cost(reads=2)
"""Looked at once, and before that for its kind."""


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
    if set(map(type, items)) == _TEXTS:
        return list(dict.fromkeys(items))
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
    return sorted(items) if set(map(type, items)) == _TEXTS else sort_by(items, items)


def sort_by(items: Any, keys: list[Any]) -> list[Any]:
    """The elements in the order of their keys. The macro sortBy calls it."""
    if not isinstance(items, list):
        raise ExprError(NO_SUCH_OVERLOAD, f"sortBy needs a list, found {article(kind_of(items))}")
    kinds = {kind_of(key) for key in keys}
    if not (len(kinds) <= 1 and kinds <= _SORTABLE) and not kinds <= _NUMBERS:
        raise ExprError(NO_SUCH_OVERLOAD, f"cannot sort: the keys are of the kinds {', '.join(sorted(kinds))}")
    order = sorted(range(len(keys)), key=keys.__getitem__)
    return [items[position] for position in order]


def group_by(items: Any, keys: list[Any]) -> dict[Any, list[Any]]:
    """The elements by their keys. The macro groupBy calls it."""
    if not isinstance(items, list):
        raise ExprError(NO_SUCH_OVERLOAD, f"groupBy needs a list, found {article(kind_of(items))}")
    groups: dict[Any, list[Any]] = {}
    for at, (item, key) in enumerate(zip(items, keys, strict=True)):
        if key is None:
            raise ExprError(
                NO_SUCH_OVERLOAD,
                f"groupBy: the key of element {at} is null",
                hint='Choose one for null: x.key == null ? "none" : x.key',
            )
        if key.__class__ is float and key.is_integer():
            key = int(key)  # noqa: PLW2901 - JSON knows one kind of number
        if key.__class__ is not str and not _is_key(groups, key):
            put(groups, key, [])
        groups.setdefault(key, []).append(item)
    return groups


def _is_key(groups: dict[Any, Any], key: Any) -> bool:
    """Whether there is a group of this very key. Python finds True under 1, which cannot both be keys."""
    if not isinstance(key, int):
        return False
    return key in groups and isinstance(held_key(groups, key), bool) is isinstance(key, bool)


@function(
    "list(T).chunk(int) -> list(list(T))",
    family="octo",
    examples=["[1, 2, 3, 4, 5].chunk(2) == [[1, 2], [3, 4], [5]]"],
)
def chunk(items: list[Any], size: int) -> list[list[Any]]:
    """The elements in lists of that many, the last one with what is left: a batch for each."""
    if size < 1:
        raise ExprError(INVALID_ARGUMENT, f"chunk needs a size of at least 1, found {number(size)}")
    return [items[start : start + size] for start in range(0, len(items), size)]


# -- sums and extremes


@function(
    "list(T).sum() -> T",
    family="lists",
    examples=["[1, 2, 3].sum() == 6", '[duration("1h"), duration("30m")].sum() == duration("90m")', "[].sum() == 0"],
    cost=_ONCE,
)
def sum_(items: list[Any]) -> Any:
    """The sum of numbers or durations, 0 for an empty list. Ints and doubles together make a double."""
    total = _total("sum", items)
    if total.__class__ is not int:
        return total
    return (to_uint if set(map(kind_of, items)) == {"uint"} else to_int)(total)


@function(
    "list(T).avg() -> dyn",
    family="octo",
    examples=["[1, 2].avg() == 1.5", '[duration("1h"), duration("2h")].avg() == duration("90m")'],
    cost=_ONCE,
)
def avg(items: list[Any]) -> Any:
    """The mean of numbers, as a double, or of durations. An empty list has none: that is an error."""
    total = _total("avg", _filled("avg", items))
    if isinstance(total, Duration):
        return Duration(total.nanos // len(items))
    try:
        return total / len(items)
    except OverflowError:
        raise ExprError(OVERFLOW, "avg: the mean is larger than any double") from None


def _total(name: str, items: list[Any]) -> Any:
    """The sum: a duration, a double, or an int that may have more than 64 bits."""
    kinds = set(map(kind_of, items))
    if kinds == {"duration"}:
        return Duration(sum(item.nanos for item in items))
    if kinds - _NUMBERS:
        raise _unfit(name, items, _NUMBERS if kinds & _NUMBERS or not items else frozenset((kind_of(items[0]),)))
    if "double" in kinds:
        return _sum_of_doubles([float(item) for item in items])
    return sum(map(int, items))


def _sum_of_doubles(items: list[float]) -> float:
    """The nearest double to the sum: ten times 0.1 is 1, in any order."""
    try:
        return math.fsum(items)
    except (OverflowError, ValueError):  # a sum on the way is infinite, or there are infinities of both signs
        return sum(items)


@function(
    "list(T).min() -> T",
    family="lists",
    examples=["[2, 1, 3].min() == 1", '["b", "a"].min() == "a"'],
    cost=_ONCE,
)
def min_(items: list[Any]) -> Any:
    """The least element; all must be of one comparable type. An empty list has none: that is an error."""
    return min(_comparable("min", _filled("min", items)))


@function(
    "list(T).max() -> T",
    family="lists",
    examples=["[2, 1, 3].max() == 3", '[duration("1h"), duration("90s")].max() == duration("1h")'],
    cost=_ONCE,
)
def max_(items: list[Any]) -> Any:
    """The greatest element; all must be of one comparable type. An empty list has none: that is an error."""
    return max(_comparable("max", _filled("max", items)))


@function(
    "list(T).isSorted() -> bool",
    family="lists",
    examples=["[1, 2, 2].isSorted()", "![2, 1].isSorted()", "[].isSorted()"],
    cost=_ONCE,
)
def is_sorted(items: list[Any]) -> bool:
    """Whether no element is less than the one before it; all must be of one comparable type."""
    return all(one <= other for one, other in pairwise(_comparable("isSorted", items)))


def _filled(name: str, items: list[Any]) -> list[Any]:
    if not items:
        raise ExprError(INVALID_ARGUMENT, f"{name} of an empty list", hint=f"Write size(x) == 0 ? 0 : x.{name}()")
    return items


def _comparable(name: str, items: list[Any]) -> list[Any]:
    kinds = set(map(kind_of, items))
    if not (len(kinds) <= 1 and kinds <= _SORTABLE) and not kinds <= _NUMBERS:
        raise _unfit(name, items, _NUMBERS if kinds & _NUMBERS else frozenset((kind_of(items[0]),)))
    return items


def _unfit(name: str, items: list[Any], fitting: frozenset[str]) -> ExprError:
    """The error for the first element that does not go with the others."""
    allowed = fitting & (_SORTABLE if name not in {"sum", "avg"} else _SUMMED)
    at, found = next((at, kind) for at, kind in enumerate(map(kind_of, items)) if kind not in allowed)
    hint = f"Leave it out: x.filter(e, e != null).{name}()" if found == "null" else ""
    return ExprError(NO_SUCH_OVERLOAD, f"{name}: element {at} is {article(found)}", hint=hint)


# -- positions


@function(
    "list(T).indexOf(T) -> int", family="lists", examples=["[1, 2, 2].indexOf(2) == 1", '["a"].indexOf("b") == -1']
)
def index_of(items: list[Any], item: Any) -> int:
    """The position of the first element that equals the value; -1 if there is none."""
    return next((at for at, each in enumerate(items) if equal(each, item)), -1)


@function("list(T).lastIndexOf(T) -> int", family="lists", examples=["[1, 2, 2].lastIndexOf(2) == 2"])
def last_index_of(items: list[Any], item: Any) -> int:
    """The position of the last element that equals the value; -1 if there is none."""
    return next((at for at in range(len(items) - 1, -1, -1) if equal(items[at], item)), -1)


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
