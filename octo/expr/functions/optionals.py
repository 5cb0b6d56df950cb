"""Optional values."""

from typing import Any

from octo.expr.cost import FREE
from octo.expr.errors import INVALID_ARGUMENT, NO_SUCH_OVERLOAD, ExprError
from octo.expr.function import function
from octo.expr.values import NONE, Duration, Optional, Timestamp, a as article, kind_of


@function("optional.of(T) -> optional(T)", family="optionals", examples=["optional.of(1).value() == 1"], cost=FREE)
def of(value: Any) -> Optional:
    """An optional that holds the value."""
    return Optional(value)


@function("optional.none() -> optional(T)", family="optionals", examples=["!optional.none().hasValue()"], cost=FREE)
def none() -> Optional:
    """The optional that holds nothing."""
    return NONE


@function(
    "optional.ofNonZeroValue(T) -> optional(T)",
    family="optionals",
    examples=['!optional.ofNonZeroValue("").hasValue()', "optional.ofNonZeroValue(1).hasValue()"],
    cost=FREE,
)
def of_non_zero_value(value: Any) -> Optional:
    """An optional that holds the value, or `optional.none()` when it is null, false, zero or empty."""
    return NONE if _is_zero(value) else Optional(value)


def _is_zero(value: Any) -> bool:
    if isinstance(value, Duration | Timestamp):
        return value.nanos == 0
    # An optional is never a zero value, even when it holds nothing.
    return not isinstance(value, Optional) and not value


@function("optional(T).hasValue() -> bool", family="optionals", examples=["optional.of(null).hasValue()"], cost=FREE)
def has_value(value: Optional) -> bool:
    """Whether the optional holds a value."""
    return value.present


@function("optional(T).value() -> T", family="optionals", examples=['{"a": 1}.?a.value() == 1'], cost=FREE)
def value_of(value: Optional) -> Any:
    """The value inside; an error when there is none."""
    if not value.present:
        raise ExprError(INVALID_ARGUMENT, "the optional holds no value", hint="Give a default with orValue(...)")
    return value.value


@function(
    "optional(T).or(optional(T)) -> optional(T)",
    family="optionals",
    examples=["optional.none().or(optional.of(2)).value() == 2"],
    cost=FREE,
)
def or_(value: Optional, other: Optional) -> Optional:
    """The optional itself when it holds a value, else the other optional."""
    return value if value.present else other


@function("optional(T).orValue(T) -> T", family="optionals", examples=["{}.?a.orValue(2) == 2"], cost=FREE)
def or_value(value: Optional, default: Any) -> Any:
    """The value inside, or the default."""
    return value.value if value.present else default


def _unwrapped(items: list[Any]) -> list[Any]:
    for item in items:
        if not isinstance(item, Optional):
            raise ExprError(NO_SUCH_OVERLOAD, f"unwrap needs a list of optionals, found {article(kind_of(item))} in it")
    return [item.value for item in items if item.present]


@function(
    "optional.unwrap(list(optional(T))) -> list(T)",
    family="optionals",
    examples=["optional.unwrap([optional.of(1), optional.none()]) == [1]"],
)
def unwrap(items: list[Any]) -> list[Any]:
    """The values of those optionals that hold one."""
    return _unwrapped(items)


@function(
    "list(optional(T)).unwrapOpt() -> list(T)",
    family="optionals",
    examples=["[optional.of(1), optional.none()].unwrapOpt() == [1]"],
)
def unwrap_opt(items: list[Any]) -> list[Any]:
    """The values of those optionals that hold one."""
    return _unwrapped(items)
