"""Maps that are made of others. Every result is new; the order of keys is kept."""

from typing import Any

from octo.expr.errors import INVALID_ARGUMENT, NO_SUCH_OVERLOAD, ExprError
from octo.expr.function import function
from octo.expr.values import a as article, held_key, kind_of


@function(
    "map.merge(map) -> map",
    family="octo",
    examples=['{"a": 1, "b": {"c": 2}}.merge({"b": {"d": 3}, "e": 4}) == {"a": 1, "b": {"d": 3}, "e": 4}'],
)
def merge(target: dict[Any, Any], other: dict[Any, Any]) -> dict[Any, Any]:
    """The entries of both maps. Where both have a key, the value is that of the second."""
    for key in (0, 1):
        if key in target and key in other:
            held = held_key(target, key), held_key(other, key)
            if isinstance(held[0], bool) is not isinstance(held[1], bool):
                raise ExprError(INVALID_ARGUMENT, f"a map cannot hold both {bool(key)} and {key} as keys")
    merged: dict[Any, Any] = _empty(other if target.__class__ is dict else target)
    dict.update(merged, target)
    dict.update(merged, other)
    return merged


def _empty(like: dict[Any, Any]) -> Any:
    """An empty map of the same class. Large raw content has its own, and stays in its file: nothing of it is read."""
    return like.__class__()


@function(
    "map.mergeDeep(map) -> map",
    family="octo",
    examples=[
        '{"a": {"b": 1, "c": [1]}}.mergeDeep({"a": {"c": [2], "d": 3}}) == {"a": {"b": 1, "c": [2], "d": 3}}',
    ],
)
def merge_deep(target: dict[Any, Any], other: dict[Any, Any]) -> dict[Any, Any]:
    """As merge, but where both values are maps, they are merged in the same way. Lists are replaced."""
    merged: dict[Any, Any] = merge(target, other)
    pending = [(merged, target, other)]
    while pending:
        result, left, right = pending.pop()
        for key, value in dict.items(right):
            before = dict.get(left, key)
            if isinstance(value, dict) and isinstance(before, dict):
                result[key] = merge(before, value)
                pending.append((result[key], before, value))
    return merged


@function(
    "map.pick(list) -> map",
    family="octo",
    examples=['{"a": 1, "b": 2, "c": 3}.pick(["c", "a", "x"]) == {"a": 1, "c": 3}'],
)
def pick(target: dict[Any, Any], names: list[Any]) -> dict[Any, Any]:
    """The entries with these keys, in the order of the list. A key that the map lacks is left out."""
    found: dict[Any, Any] = _empty(target)
    for name in names:
        if _has(target, name):
            found[name if isinstance(name, str) else held_key(target, name)] = dict.__getitem__(target, name)
    return found


@function(
    "map.omit(list) -> map",
    family="octo",
    examples=['{"a": 1, "b": 2, "c": 3}.omit(["b", "x"]) == {"a": 1, "c": 3}'],
)
def omit(target: dict[Any, Any], names: list[Any]) -> dict[Any, Any]:
    """All entries but those with these keys."""
    left: dict[Any, Any] = _empty(target)
    dict.update(left, target)
    for name in names:
        if _has(left, name):
            del left[name]
    return left


def _has(target: dict[Any, Any], name: Any) -> bool:
    try:
        has = name in target
    except TypeError:
        raise ExprError(NO_SUCH_OVERLOAD, f"{article(kind_of(name))} cannot be a map key") from None
    # Python finds True under 1.
    return has and (name not in (0, 1) or isinstance(held_key(target, name), bool) is isinstance(name, bool))


@function("map.keys() -> list(dyn)", family="octo", examples=['{"a": 1, "b": 2}.keys() == ["a", "b"]'])
def keys(target: dict[Any, Any]) -> list[Any]:
    """The keys of the map."""
    return list(target)


@function("map.values() -> list(dyn)", family="octo", examples=['{"a": 1, "b": 2}.values() == [1, 2]'])
def values(target: dict[Any, Any]) -> list[Any]:
    """The values of the map."""
    return list(target.values())


@function(
    "map.entries() -> list(map(string, dyn))",
    family="octo",
    examples=[
        '{"a": 1}.entries() == [{"key": "a", "value": 1}]',
        '{"b": 1, "a": 2}.entries().sortBy(e, e.value)[0].key == "b"',
    ],
)
def entries(target: dict[Any, Any]) -> list[dict[str, Any]]:
    """The entries of the map as a list of {key, value}, e.g. to sort them."""
    return [{"key": key, "value": value} for key, value in target.items()]
