"""The math extension of CEL."""

import math
from collections.abc import Callable
from typing import Any

from octo.expr.cost import FREE, Cost
from octo.expr.errors import INVALID_ARGUMENT, NO_SUCH_OVERLOAD, ExprError, number
from octo.expr.function import function
from octo.expr.runtime import greater, less, to_int
from octo.expr.values import UINT_MAX, Uint, a as article, kind_of

_NUMBERS = frozenset(("int", "uint", "double"))
_BITS = 64


def _extreme(name: str, better: Callable[[Any, Any], bool], values: tuple[Any, ...]) -> Any:
    items = values[0] if len(values) == 1 and isinstance(values[0], list) else values
    if not items:
        raise ExprError(INVALID_ARGUMENT, f"{name} of an empty list")
    best = items[0]
    for item in items:
        if kind_of(item) not in _NUMBERS:
            raise ExprError(NO_SUCH_OVERLOAD, f"{name} takes numbers, found {article(kind_of(item))}")
        if better(item, best):
            best = item
    return best


@function(
    "math.greatest(dyn...) -> dyn",
    family="math",
    examples=["math.greatest(1, 3, 2) == 3", "math.greatest([1.5, 2.5]) == 2.5"],
    cost=Cost(reads=4),
)
def greatest(*values: Any) -> Any:
    """The greatest of some numbers, or of a list of numbers."""
    return _extreme("math.greatest", greater, values)


@function(
    "math.least(dyn...) -> dyn",
    family="math",
    examples=["math.least(1, 3, 2) == 1", "math.least([1.5, 2.5]) == 1.5"],
    cost=Cost(reads=4),
)
def least(*values: Any) -> Any:
    """The least of some numbers, or of a list of numbers."""
    return _extreme("math.least", less, values)


def _whole(value: float, rounding: Callable[[float], int]) -> float:
    return math.copysign(float(rounding(value)), value) if math.isfinite(value) else value


@function("math.ceil(double) -> double", family="math", examples=["math.ceil(1.2) == 2.0"], cost=FREE)
def ceil(value: float) -> float:
    """The smallest whole number that is not less than the number."""
    return _whole(value, math.ceil)


@function("math.floor(double) -> double", family="math", examples=["math.floor(1.8) == 1.0"], cost=FREE)
def floor(value: float) -> float:
    """The largest whole number that is not greater than the number."""
    return _whole(value, math.floor)


@function(
    "math.round(double) -> double",
    family="math",
    examples=["math.round(1.5) == 2.0", "math.round(-1.5) == -2.0"],
    cost=FREE,
)
def round_(value: float) -> float:
    """The nearest whole number; halves are rounded away from zero."""
    if not math.isfinite(value) or abs(value) >= 2.0**52:
        return value
    whole = math.trunc(value)
    away = abs(value - whole) >= 0.5
    return math.copysign(float(abs(whole) + away), value)


@function("math.trunc(double) -> double", family="math", examples=["math.trunc(-1.8) == -1.0"], cost=FREE)
def trunc(value: float) -> float:
    """The number without its fraction."""
    return _whole(value, math.trunc)


@function(
    "math.abs(int) -> int",
    "math.abs(uint) -> uint",
    "math.abs(double) -> double",
    family="math",
    examples=["math.abs(-1) == 1", "math.abs(-1.5) == 1.5"],
)
def abs_(value: Any) -> Any:
    """The number without its sign."""
    if isinstance(value, Uint):
        return value
    return to_int(abs(value)) if isinstance(value, int) else abs(value)


@function(
    "math.sign(int) -> int",
    "math.sign(uint) -> uint",
    "math.sign(double) -> double",
    family="math",
    examples=["math.sign(-5) == -1", "math.sign(0.0) == 0.0"],
)
def sign(value: Any) -> Any:
    """-1, 0 or 1, in the type of the number."""
    if isinstance(value, float):
        return value if math.isnan(value) else float((value > 0.0) - (value < 0.0))
    return type(value)((value > 0) - (value < 0))


@function("math.isNaN(double) -> bool", family="math", examples=["math.isNaN(0.0 / 0.0)"], cost=FREE)
def is_nan(value: float) -> bool:
    """Whether the double is NaN (not a number)."""
    return math.isnan(value)


@function("math.isInf(double) -> bool", family="math", examples=["math.isInf(1.0 / 0.0)"], cost=FREE)
def is_inf(value: float) -> bool:
    """Whether the double is infinite."""
    return math.isinf(value)


@function("math.isFinite(double) -> bool", family="math", examples=["math.isFinite(1.5)"], cost=FREE)
def is_finite(value: float) -> bool:
    """Whether the double is neither NaN nor infinite."""
    return math.isfinite(value)


@function(
    "math.sqrt(double) -> double",
    "math.sqrt(int) -> double",
    "math.sqrt(uint) -> double",
    family="math",
    examples=["math.sqrt(81) == 9.0", "math.isNaN(math.sqrt(-1.0))"],
    cost=FREE,
)
def sqrt(value: float) -> float:
    """The square root; NaN for a negative number."""
    return math.sqrt(value) if value >= 0 else math.nan


def _signed(bits: int) -> int:
    bits &= UINT_MAX
    return bits - (1 << _BITS) if bits >> (_BITS - 1) else bits


def _bits(result: int, like: Any) -> Any:
    """The bit pattern as a number of the operand's type."""
    return Uint(result & UINT_MAX) if isinstance(like, Uint) else _signed(result)


@function(
    "math.bitAnd(int, int) -> int",
    "math.bitAnd(uint, uint) -> uint",
    family="math",
    examples=["math.bitAnd(6, 3) == 2"],
)
def bit_and(left: Any, right: Any) -> Any:
    """The bits set in both numbers."""
    return _bits(int(left) & int(right), left)


@function(
    "math.bitOr(int, int) -> int",
    "math.bitOr(uint, uint) -> uint",
    family="math",
    examples=["math.bitOr(6, 3) == 7"],
)
def bit_or(left: Any, right: Any) -> Any:
    """The bits set in either number."""
    return _bits(int(left) | int(right), left)


@function(
    "math.bitXor(int, int) -> int",
    "math.bitXor(uint, uint) -> uint",
    family="math",
    examples=["math.bitXor(6, 3) == 5"],
)
def bit_xor(left: Any, right: Any) -> Any:
    """The bits set in exactly one of the numbers."""
    return _bits(int(left) ^ int(right), left)


@function("math.bitNot(int) -> int", "math.bitNot(uint) -> uint", family="math", examples=["math.bitNot(1) == -2"])
def bit_not(value: Any) -> Any:
    """The number with all its bits inverted."""
    return _bits(~int(value), value)


def _offset(places: int) -> int:
    if places < 0:
        raise ExprError(INVALID_ARGUMENT, f"cannot shift by a negative number of bits: {number(places)}")
    return places


@function(
    "math.bitShiftLeft(int, int) -> int",
    "math.bitShiftLeft(uint, int) -> uint",
    family="math",
    examples=["math.bitShiftLeft(1, 2) == 4", "math.bitShiftLeft(1, 64) == 0"],
)
def bit_shift_left(value: Any, places: int) -> Any:
    """The bits shifted to the left; 0 from 64 places on."""
    return _bits(int(value) << _offset(places) if places < _BITS else 0, value)


@function(
    "math.bitShiftRight(int, int) -> int",
    "math.bitShiftRight(uint, int) -> uint",
    family="math",
    examples=["math.bitShiftRight(1024, 2) == 256"],
)
def bit_shift_right(value: Any, places: int) -> Any:
    """The bits shifted to the right; zeros come in from the left."""
    return _bits((int(value) & UINT_MAX) >> _offset(places) if places < _BITS else 0, value)
