"""The operators of CEL on values whose kinds are known only at run time.

Generated code does the common cases inline and calls these functions for the rest.
"""

import math
import operator
from collections.abc import Callable, Iterable
from typing import Any

from octo.expr.errors import (
    DIVISION_BY_ZERO,
    INVALID_ARGUMENT,
    NO_SUCH_OVERLOAD,
    OVERFLOW,
    ExprError,
)
from octo.expr.limits import MAX_VISITS, check_elements, check_size, exhausted
from octo.expr.values import (
    INT_MAX,
    INT_MIN,
    UINT_MAX,
    Duration,
    Optional,
    Timestamp,
    Uint,
    a as article,
    find,
    held_key,
    kind_of,
)

VISIT = 8
"""The cost of one step of a comparison of lists and maps."""
_LONG_TEXTS = 9
"""Two texts are compared by 2**9 characters for one unit."""
_NUMBERS = frozenset(("int", "uint", "double"))
_ORDERED = frozenset(("bool", "string", "bytes", "timestamp", "duration"))
_REAL = frozenset((int, float))
_BITS = 64
_MANY_BITS = 1024
"""Two numbers with more bits than this are not divided by one another: that takes quadratic time."""
_WITHOUT_FIELDS = (str, int, float, bytes, type(None))
_SCALARS = frozenset((str, bool, int, Uint, float, bytes, type(None)))


def overflow() -> Any:
    raise ExprError(OVERFLOW, "integer overflow: the result does not fit into 64 bits")


def no_overload(symbol: str, left: object, right: object) -> ExprError:
    hint = ""
    kinds = {kind_of(left), kind_of(right)}
    if symbol == "+" and "string" in kinds:
        hint = "Convert with string(...)"
    elif kinds == {"int", "double"}:
        hint = "Convert one side with int(...) or double(...)"
    return ExprError(NO_SUCH_OVERLOAD, f"no such overload: {kind_of(left)} {symbol} {kind_of(right)}", hint=hint)


# -- arithmetic


def to_int(value: int) -> int:
    return value if INT_MIN <= value <= INT_MAX else overflow()


def to_uint(value: int) -> Uint:
    return Uint(value) if 0 <= value <= UINT_MAX else overflow()


def _product(left: int, right: int) -> int:
    """The product, if it can fit into 64 bits. Numbers of a message may have thousands of digits."""
    if left.bit_length() > _BITS and right.bit_length() > _BITS:
        overflow()
    return left * right


def _quotient(left: int, right: int) -> int:
    """Integer division that truncates towards zero."""
    _check_digits(left, right)
    if right == 0:
        raise ExprError(DIVISION_BY_ZERO, "division by zero")
    result = abs(left) // abs(right)
    return result if (left < 0) is (right < 0) else -result


def _exact_quotient(left: int, right: int) -> float:
    _check_digits(left, right)
    if right == 0:
        raise ExprError(DIVISION_BY_ZERO, "division by zero")
    return left / right


def _remainder(left: int, right: int) -> int:
    """The remainder that goes with `_quotient`: it has the sign of `left`."""
    _check_digits(left, right)
    if right == 0:
        raise ExprError(DIVISION_BY_ZERO, "modulus by zero")
    if left == INT_MIN and right == -1:
        # Its quotient does not fit into 64 bits: other implementations fail here too.
        overflow()
    result = abs(left) % abs(right)
    return -result if left < 0 else result


def _check_digits(left: int, right: int) -> None:
    if left.bit_length() > _MANY_BITS and right.bit_length() > _MANY_BITS:
        overflow()


def _ratio(left: float, right: float) -> float:
    """Division as IEEE 754 defines it."""
    if right != 0.0:
        return left / right
    if left == 0.0 or left != left:  # noqa: PLR0124 - nan
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1.0, right)


Operation = Callable[[Any, Any], Any]

_OPERATIONS: dict[str, tuple[Operation, Operation | None]] = {
    "+": (operator.add, operator.add),
    "-": (operator.sub, operator.sub),
    "*": (_product, operator.mul),
    "/": (_quotient, _ratio),
    "%": (_remainder, None),
}
_TIMES: dict[tuple[str, str, str], tuple[Operation, type]] = {
    ("timestamp", "+", "duration"): (operator.add, Timestamp),
    ("duration", "+", "timestamp"): (operator.add, Timestamp),
    ("duration", "+", "duration"): (operator.add, Duration),
    ("timestamp", "-", "duration"): (operator.sub, Timestamp),
    ("timestamp", "-", "timestamp"): (operator.sub, Duration),
    ("duration", "-", "duration"): (operator.sub, Duration),
}


def _arithmetic(symbol: str, left: Any, right: Any, strict: bool) -> Any:
    """The slow path of all arithmetic, for every combination of kinds."""
    kinds = kind_of(left), kind_of(right)
    whole, fractional = _OPERATIONS[symbol]
    if _NUMBERS.issuperset(kinds) and not (strict and kinds[0] != kinds[1]):
        if "double" in kinds:
            if fractional is None:
                raise no_overload(symbol, left, right)
            return fractional(float(left), float(right))
        number = whole(int(left), int(right))
        return to_uint(number) if kinds == ("uint", "uint") else to_int(number)
    times = _TIMES.get((kinds[0], symbol, kinds[1]))
    if times is not None:
        operation, kind = times
        nanos = operation(left.nanos, right.nanos)
        return (
            Timestamp(nanos, (left if kinds[0] == "timestamp" else right).offset) if kind is Timestamp else kind(nanos)
        )
    if symbol == "+" and kinds[0] == kinds[1] and kinds[0] in {"string", "bytes", "list"}:
        return concat(left, right)
    raise no_overload(symbol, left, right)


def concat(left: Any, right: Any) -> Any:
    """Two strings, two bytes or two lists, one after the other."""
    size = len(left) + len(right)
    (check_elements if isinstance(left, list) else check_size)(size)
    return left + right


def add(left: Any, right: Any) -> Any:
    one, other = left.__class__, right.__class__
    if one is int and other is int:
        return to_int(left + right)
    if one in _REAL and other in _REAL:
        return float(left) + float(right)
    return _arithmetic("+", left, right, strict=False)


def subtract(left: Any, right: Any) -> Any:
    one, other = left.__class__, right.__class__
    if one is int and other is int:
        return to_int(left - right)
    if one in _REAL and other in _REAL:
        return float(left) - float(right)
    return _arithmetic("-", left, right, strict=False)


def multiply(left: Any, right: Any) -> Any:
    one, other = left.__class__, right.__class__
    if one is int and other is int:
        return to_int(_product(left, right))
    if one in _REAL and other in _REAL:
        return float(left) * float(right)
    return _arithmetic("*", left, right, strict=False)


def divide(left: Any, right: Any) -> Any:
    """Division where an integer may come from JSON, which knows no kinds of numbers: 5 by 2 is 2.5.

    Only expressions make a `uint`, so two of them divide as `divide_whole` has it.
    """
    one, other = left.__class__, right.__class__
    if one is float and other is float:
        return _ratio(left, right)
    if one is int and other is int:
        return _exact_quotient(left, right)
    if one in _REAL and other in _REAL:
        return _ratio(float(left), float(right))
    return _arithmetic("/", left, right, strict=False)


def divide_whole(left: Any, right: Any) -> Any:
    """Division of integers that an expression made, as CEL defines it: 5 by 2 is 2."""
    return _arithmetic("/", left, right, strict=False)


def modulo(left: Any, right: Any) -> Any:
    return _arithmetic("%", left, right, strict=False)


def add_strict(left: Any, right: Any) -> Any:
    return _arithmetic("+", left, right, strict=True)


def subtract_strict(left: Any, right: Any) -> Any:
    return _arithmetic("-", left, right, strict=True)


def multiply_strict(left: Any, right: Any) -> Any:
    return _arithmetic("*", left, right, strict=True)


def divide_strict(left: Any, right: Any) -> Any:
    return _arithmetic("/", left, right, strict=True)


def modulo_strict(left: Any, right: Any) -> Any:
    return _arithmetic("%", left, right, strict=True)


def negate(value: Any) -> Any:
    kind = kind_of(value)
    if kind == "int":
        return to_int(-value)
    if kind == "double":
        return -value
    raise ExprError(NO_SUCH_OVERLOAD, f"no such overload: -{kind}")


# -- logic


def invert(value: Any) -> bool:
    if value.__class__ is not bool:
        raise ExprError(NO_SUCH_OVERLOAD, f"no such overload: !{kind_of(value)}")
    return not value


def not_bool(value: Any) -> Any:
    """Raise the error for a value that is not a bool, where one is needed: CEL has no truthiness."""
    raise ExprError(
        NO_SUCH_OVERLOAD,
        f"expected a bool here, found {article(kind_of(value))}",
        hint="Compare it, e.g. with != null, != 0 or size(...) > 0",
    )


# -- order and equality


def _order(symbol: str, compare: Operation) -> Operation:
    def ordered(left: Any, right: Any) -> bool:
        kinds = kind_of(left), kind_of(right)
        if kinds[0] == kinds[1] and (kinds[0] in _NUMBERS or kinds[0] in _ORDERED):
            return bool(compare(left, right))
        if _NUMBERS.issuperset(kinds):
            # CEL compares an int and a double as doubles; Python would compare them exactly.
            return bool(compare(*_as_doubles(left, right) if "double" in kinds else (left, right)))
        raise no_overload(symbol, left, right)

    return ordered


def _as_doubles(left: Any, right: Any) -> tuple[Any, Any]:
    try:
        return float(left), float(right)
    except OverflowError:
        return left, right


less = _order("<", operator.lt)
less_equal = _order("<=", operator.le)
greater = _order(">", operator.gt)
greater_equal = _order(">=", operator.ge)


def equal(left: Any, right: Any) -> bool:
    """CEL equality: numbers compare across types, a bool is no number, nan equals nothing. It never fails."""
    cls = left.__class__
    if cls is right.__class__ and cls in _SCALARS:
        return bool(left == right)
    return _equal(left, right, [MAX_VISITS])


def equal_metered(left: Any, right: Any, space: int) -> tuple[bool, int]:
    """Equality, and what is left of `space` after it, for comparisons that can be repeated."""
    cls = left.__class__
    if cls is right.__class__ and cls in _SCALARS:
        return bool(left == right), space - (len(left) >> _LONG_TEXTS if cls is str or cls is bytes else 0)
    fuel = [min(space // VISIT, MAX_VISITS)]
    before = fuel[0]
    return _equal(left, right, fuel), space - VISIT * (before - fuel[0])


def within_metered(value: Any, container: Any, space: int) -> tuple[bool, int]:
    """`value in container`, and what is left of `space` after it."""
    if not isinstance(container, list):
        return within(value, container), space
    space -= 4 * len(container)
    if value.__class__ in _SCALARS and value not in container:
        return False, space
    for element in container:
        is_equal, space = equal_metered(value, element, space)
        if is_equal or space < 0:
            break
    else:
        return False, space
    return is_equal, space


def not_equal(left: Any, right: Any) -> bool:
    return not equal(left, right)


def _equal(left: Any, right: Any, fuel: list[int]) -> bool:
    # A small value with shared parts can take exponentially many steps to walk: hence the fuel.
    fuel[0] -= 1
    if fuel[0] < 0:
        exhausted()
    if isinstance(left, list):
        return (
            isinstance(right, list)
            and len(left) == len(right)
            and all(_equal(one, other, fuel) for one, other in zip(left, right, strict=True))
        )
    if isinstance(left, dict):
        return isinstance(right, dict) and len(left) == len(right) and _equal_maps(left, right, fuel)
    if isinstance(left, Optional):
        if not isinstance(right, Optional) or left.present is not right.present:
            return False
        return not left.present or _equal(left.value, right.value, fuel)
    if (left.__class__ is bool) is not (right.__class__ is bool):
        return False
    if isinstance(left, (str, bytes)):
        fuel[0] -= len(left) // (VISIT << _LONG_TEXTS)
    return bool(left == right)


def _equal_maps(left: dict[Any, Any], right: dict[Any, Any], fuel: list[int]) -> bool:
    for key, value in left.items():
        try:
            other = find(right, key)
        except KeyError:
            return False
        if not _equal(value, other, fuel):
            return False
    return True


def within(value: Any, container: Any) -> bool:
    """`value in container`."""
    if isinstance(container, dict):
        try:
            find(container, value)
        except (KeyError, TypeError):
            return False
        return True
    if isinstance(container, list):
        if value.__class__ in _SCALARS and value not in container:
            return False
        return any(equal(value, element) for element in container)
    hint = "Write text.contains(part)" if kind_of(container) == "string" else ""
    raise ExprError(NO_SUCH_OVERLOAD, f"no such overload: {kind_of(value)} in {kind_of(container)}", hint=hint)


# -- selection


def has(container: Any, field: str) -> bool:
    if isinstance(container, dict):
        return field in container
    if isinstance(container, Optional):
        return container.present and container[field].present
    if isinstance(container, _WITHOUT_FIELDS):
        return False
    raise ExprError(NO_SUCH_OVERLOAD, f"cannot select {field!r} of {article(kind_of(container))}")


def reach(container: Any, field: str) -> Any:
    """The field of a map on the way to what `has` tests; null if there is a value that has no fields at all."""
    return None if isinstance(container, _WITHOUT_FIELDS) else container[field]


# -- building


def make_map(entries: Iterable[tuple[Any, Any]]) -> dict[Any, Any]:
    """A map from entries whose keys are known only at run time."""
    result: dict[Any, Any] = {}
    for key, value in entries:
        put(result, key, value)
    return result


def put(target: dict[Any, Any], key: Any, value: Any) -> None:
    """Add an entry to a map under construction. Raises ExprError for a repeated key."""
    if kind_of(key) not in {"string", "int", "uint", "bool"}:
        raise ExprError(
            NO_SUCH_OVERLOAD,
            f"{article(kind_of(key))} cannot be a map key",
            hint="Convert it with string(...)",
        )
    if key.__class__ is int and not INT_MIN <= key <= INT_MAX:
        # Any number of such keys could have one hash, and each would then be compared with all others.
        raise ExprError(OVERFLOW, "a map key does not fit into 64 bits", hint="Convert it with string(...)")
    if key in target:
        actual = held_key(target, key)
        if (actual.__class__ is bool) is not (key.__class__ is bool):
            raise ExprError(INVALID_ARGUMENT, f"a map cannot hold both {_show(actual)} and {_show(key)} as keys")
        raise ExprError(INVALID_ARGUMENT, f"the key {_show(key)} is repeated")
    target[key] = value


def merge(target: dict[Any, Any], entries: Any) -> None:
    """Add the entries that one round of transformMapEntry built."""
    if not isinstance(entries, dict):
        raise ExprError(
            NO_SUCH_OVERLOAD, f"transformMapEntry needs a map of one entry, found {article(kind_of(entries))}"
        )
    for key, value in entries.items():
        put(target, key, value)


def _show(key: Any) -> str:
    return str(key).lower() if isinstance(key, bool) else repr(key)


def unwrap(value: Any) -> Optional:
    """The value after `?` in a list or map, which must be an optional."""
    if isinstance(value, Optional):
        return value
    raise ExprError(NO_SUCH_OVERLOAD, f"'?' needs an optional, found {article(kind_of(value))}")


def optional_map_target(value: Any, macro: str) -> Optional:
    if isinstance(value, Optional):
        return value
    raise ExprError(
        NO_SUCH_OVERLOAD,
        f"{macro} needs an optional, found {article(kind_of(value))}",
        hint="Write optional.of(value), or select with `.?`",
    )


# -- loops


def iterable(value: Any) -> Any:
    """The value itself if a macro can loop over it: a list, or a map by its keys."""
    if isinstance(value, (list, dict)):
        return value
    raise ExprError(NO_SUCH_OVERLOAD, f"a list or map is needed here, found {article(kind_of(value))}")


def pairs(value: Any) -> Iterable[tuple[Any, Any]]:
    """Index and element of a list, key and value of a map."""
    return value.items() if isinstance(value, dict) else enumerate(value)


def fail(code: str, message: str, hint: str) -> Any:
    """Raise, where it is reached, an error that was found when the expression was built."""
    raise ExprError(code, message, hint=hint)


def reraise(error: BaseException) -> Any:
    """Raise, where a value is used, the error met when it was computed."""
    raise error
