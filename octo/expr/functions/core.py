"""Functions of the CEL specification itself, except conversions and times."""

from typing import Any

from octo.expr.cost import FREE, Cost
from octo.expr.function import function
from octo.expr.functions.regex import matcher, search_cost
from octo.expr.values import Type

_MATCHING = Cost(base=16, more=search_cost)


@function(
    "size(string) -> int",
    "size(bytes) -> int",
    "size(list) -> int",
    "size(map) -> int",
    family="core",
    examples=['size("πέντε") == 5', "size([1, 2]) == 2", 'size({"a": 1}) == 1'],
    cost=FREE,
)
def size(value: Any) -> int:
    """The number of characters, bytes, elements or entries."""
    return len(value)


@function(
    "string.size() -> int",
    "bytes.size() -> int",
    "list.size() -> int",
    "map.size() -> int",
    family="core",
    examples=['"four".size() == 4'],
    cost=FREE,
)
def size_of(value: Any) -> int:
    """The number of characters, bytes, elements or entries."""
    return len(value)


@function("string.contains(string) -> bool", family="core", examples=['"hello".contains("ell")'])
def contains(text: str, part: str) -> bool:
    """Whether the string contains the other string."""
    return part in text


@function("string.startsWith(string) -> bool", family="core", examples=['"hello".startsWith("he")'])
def starts_with(text: str, prefix: str) -> bool:
    """Whether the string starts with the other string."""
    return text.startswith(prefix)


@function("string.endsWith(string) -> bool", family="core", examples=['"hello".endsWith("lo")'])
def ends_with(text: str, suffix: str) -> bool:
    """Whether the string ends with the other string."""
    return text.endswith(suffix)


@function(
    "string.matches(string) -> bool",
    family="core",
    examples=['"hubba".matches("ubb")', '!"hubba".matches("^ubb")'],
    cost=_MATCHING,
)
def matches(text: str, pattern: str) -> bool:
    """Whether the regular expression (RE2) matches anywhere in the string."""
    return matcher(pattern)(text)


@function(
    "matches(string, string) -> bool",
    family="core",
    examples=['matches("hubba", "b+")'],
    cost=_MATCHING,
)
def matches_global(text: str, pattern: str) -> bool:
    """Whether the regular expression (RE2) matches anywhere in the string."""
    return matcher(pattern)(text)


@function("dyn(T) -> dyn", family="core", examples=["dyn(1) == 1.0"], cost=FREE)
def dyn(value: Any) -> Any:
    """The value itself; its type is checked only at run time."""
    return value


@function(
    "type(T) -> type", family="core", examples=["type(1) == int", 'type({"a": 1}) == map'], cost=Cost(base=16, reads=0)
)
def type_of(value: Any) -> Type:
    """The type of a value."""
    from octo.expr.functions.conversions import type_of_value

    return type_of_value(value)
