"""CEL values that Python lacks: unsigned integers, exact decimals and times, types and optionals."""

from collections.abc import Mapping
from itertools import islice
from typing import Any, ClassVar, Final, Self

from octo.expr.addresses import CIDR, IP
from octo.expr.errors import NO_SUCH_KEY, NO_SUCH_OVERLOAD, OUT_OF_BOUNDS, OVERFLOW, ExprError, number, quoted
from octo.expr.nearest import nearest

INT_MIN: Final = -(2**63)
INT_MAX: Final = 2**63 - 1
UINT_MAX: Final = 2**64 - 1
MAX_KEYS: Final = 8
SECOND: Final = 1_000_000_000
MIN_TIMESTAMP: Final = -62_135_596_800 * SECOND
MAX_TIMESTAMP: Final = 253_402_300_800 * SECOND - 1


class Uint(int):
    """An unsigned integer of 64 bits. It compares with other numbers as an int does."""

    __slots__ = ()


class Exact(float):
    """A decimal that no double holds. Arithmetic uses the nearest double; text and JSON are the number as written."""

    __slots__ = ("literal",)

    def __new__(cls, literal: str) -> Self:
        number = super().__new__(cls, literal)
        number.literal = literal
        return number

    literal: str

    def __getnewargs__(self) -> tuple[str]:  # type: ignore[override]
        return (self.literal,)

    def __repr__(self) -> str:
        return self.literal

    __str__ = __repr__


def digits(value: Any) -> Any:
    """Return what to compare of a value if every digit counts. Python compares ints, doubles and decimals exactly."""
    if isinstance(value, Exact):
        from decimal import Decimal, InvalidOperation

        try:
            return Decimal(value.literal)
        except InvalidOperation:  # an exponent of more than 18 digits; equal is what is written the same
            return value.literal
    return value


class _Instant:
    """What timestamps and durations share: a number of nanoseconds in a range, equality, hash and order."""

    __slots__ = ("nanos",)

    lowest: ClassVar[int]
    highest: ClassVar[int]

    def __init__(self, nanos: int) -> None:
        if not self.lowest <= nanos <= self.highest:
            raise ExprError(OVERFLOW, f"{type(self).__name__.lower()} out of range")
        self.nanos = nanos

    def __eq__(self, other: object) -> bool:
        return self.nanos == other.nanos if isinstance(other, type(self)) else NotImplemented

    def __hash__(self) -> int:
        return hash((type(self), self.nanos))

    def __lt__(self, other: Self) -> bool:
        return self.nanos < other.nanos if other.__class__ is self.__class__ else NotImplemented

    def __le__(self, other: Self) -> bool:
        return self.nanos <= other.nanos if other.__class__ is self.__class__ else NotImplemented

    def __gt__(self, other: Self) -> bool:
        return self.nanos > other.nanos if other.__class__ is self.__class__ else NotImplemented

    def __ge__(self, other: Self) -> bool:
        return self.nanos >= other.nanos if other.__class__ is self.__class__ else NotImplemented

    def __repr__(self) -> str:
        return f'{type(self).__name__.lower()}("{self}")'


class Timestamp(_Instant):
    """A point in time: nanoseconds since 1970 in UTC, in the years 1 to 9999.

    offset: the seconds from UTC that it is written with. Two with different offsets are equal if the moment is.
    """

    __slots__ = ("offset",)
    lowest = MIN_TIMESTAMP
    highest = MAX_TIMESTAMP

    def __init__(self, nanos: int, offset: int = 0) -> None:
        super().__init__(nanos)
        self.offset = offset

    def __str__(self) -> str:
        from datetime import UTC, datetime, timedelta

        seconds, nanos = divmod(self.nanos, SECOND)
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
        zone = "Z"
        if self.offset:
            try:
                moment += timedelta(seconds=self.offset)
                hours, minutes = divmod(abs(self.offset) // 60, 60)
                zone = f"{'-' if self.offset < 0 else '+'}{hours:02d}:{minutes:02d}"
            except OverflowError:  # there the year is 0 or 10000
                zone = "Z"
        fraction = f".{nanos:09d}".rstrip("0") if nanos else ""
        return f"{moment:%Y-%m-%dT%H:%M:%S}".rjust(19, "0") + fraction + zone


class Duration(_Instant):
    """A span of time: nanoseconds in 64 bits."""

    __slots__ = ()
    lowest = INT_MIN
    highest = INT_MAX

    def whole(self, unit: int) -> int:
        """Return how many whole units of `unit` nanoseconds it has, rounded towards zero (`//` rounds down)."""
        return self.nanos // unit if self.nanos >= 0 else -(-self.nanos // unit)

    def __str__(self) -> str:
        seconds, nanos = divmod(abs(self.nanos), SECOND)
        fraction = f".{nanos:09d}".rstrip("0") if nanos else ""
        return f"{'-' if self.nanos < 0 else ''}{seconds}{fraction}s"


class Type:
    """What `type(x)` returns."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __eq__(self, other: object) -> bool:
        return self.name == other.name if isinstance(other, Type) else NotImplemented

    def __hash__(self) -> int:
        return hash((Type, self.name))

    def __repr__(self) -> str:
        return self.name


class Optional:
    """A value that may be absent. Selecting from it selects from the value inside."""

    __slots__ = ("present", "value")

    def __init__(self, value: Any, present: bool = True) -> None:
        self.value = value
        self.present = present

    def __getitem__(self, key: Any) -> "Optional":
        return peek(self.value, key) if self.present else self

    def __repr__(self) -> str:
        return f"optional.of({self.value!r})" if self.present else "optional.none()"

    # Optionals are compared by CEL's equality (runtime.equal), not Python's, which cannot tell 1 from true.
    __hash__ = None  # type: ignore[assignment]


NONE: Final = Optional(None, present=False)

# The names of kinds in the public API (`kind`) and in all error messages.
KINDS: Final[dict[type, str]] = {
    bool: "bool",
    int: "int",
    Uint: "uint",
    float: "double",
    str: "string",
    bytes: "bytes",
    type(None): "null",
    list: "list",
    dict: "map",
    Timestamp: "timestamp",
    Duration: "duration",
    Type: "type",
    Optional: "optional",
    IP: "net.IP",
    CIDR: "net.CIDR",
}

TYPES: Final[dict[str, Type]] = {
    kind: Type(kind) for kind in ("bool", "int", "uint", "double", "string", "bytes", "list", "map", "type")
} | {
    "null": Type("null_type"),
    "timestamp": Type("google.protobuf.Timestamp"),
    "duration": Type("google.protobuf.Duration"),
    "optional": Type("optional_type"),
    "net.IP": Type("net.IP"),
    "net.CIDR": Type("net.CIDR"),
}


def kind_of(value: object) -> str:
    """Return the CEL kind of a value; a subclass of a built-in type counts as that type."""
    kind = KINDS.get(value.__class__)
    return kind if kind is not None else kind_of_class(value.__class__)


def kind_of_class(cls: type) -> str:
    for base in cls.__mro__:
        if base in KINDS:
            return KINDS[base]
    return f"Python {cls.__name__}"


def a(kind: str) -> str:
    """Return the kind with its article, for messages."""
    if kind == "null":
        return kind
    return f"an {kind}" if kind[0] in "aeio" else f"a {kind}"


def find(container: Mapping[Any, Any], key: Any) -> Any:
    """Return the value under `key` by CEL equality: 1, 1u and 1.0 are one key, true is another. Raises `KeyError`."""
    value = container[key]
    is_bool = key.__class__ is bool
    # Python finds True under 1; only the key that the map holds tells them apart.
    if (is_bool or key in (0, 1)) and (held_key(container, key).__class__ is bool) is not is_bool:
        raise KeyError(key)
    return value


class _Probe:
    """Stands for a key in a look-up and remembers the key that it was compared with last."""

    __slots__ = ("held", "key")

    def __init__(self, key: Any) -> None:
        self.key = self.held = key

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        self.held = other
        return bool(self.key == other)


def held_key(container: Mapping[Any, Any], key: Any) -> Any:
    """Return the key that a map holds under an equal one, without a search. Raises `KeyError`."""
    probe = _Probe(key)
    container[probe]
    return probe.held


def position(index: Any) -> int:
    """Return a list index as a plain int; it may be a uint or a whole double."""
    if index.__class__ is int or index.__class__ is Uint:
        return int(index)
    if isinstance(index, float) and index.is_integer():
        return int(index)
    raise ExprError(NO_SUCH_OVERLOAD, f"a list index is an int, not {a(kind_of(index))}")


def peek(container: Any, key: Any) -> Optional:
    """Return `container[?key]`: an optional of the element, `NONE` if it is absent."""
    if isinstance(container, Optional):
        return container[key]
    if isinstance(container, dict):
        try:
            return Optional(find(container, key))
        except (KeyError, TypeError):
            return NONE
    if isinstance(container, list):
        at = position(key)
        return Optional(container[at]) if 0 <= at < len(container) else NONE
    raise ExprError(NO_SUCH_OVERLOAD, f"cannot look up {a(kind_of(key))} in {a(kind_of(container))}")


def item(container: Any, key: Any) -> Any:
    """Return `container[key]` for every kind of container and key."""
    if isinstance(container, dict):
        try:
            return find(container, key)
        except KeyError:
            raise no_such_key(key, container) from None
        except TypeError:
            raise ExprError(NO_SUCH_OVERLOAD, f"{a(kind_of(key))} cannot be a map key") from None
    if isinstance(container, list):
        at = position(key)
        if 0 <= at < len(container):
            return container[at]
        raise ExprError(OUT_OF_BOUNDS, f"index {number(at)} is out of bounds: the list has {elements(len(container))}")
    if isinstance(container, Optional):
        return container[key]
    raise ExprError(NO_SUCH_OVERLOAD, f"cannot index {a(kind_of(container))}")


def no_such_key(key: Any, container: Any) -> ExprError:
    """Return the error for a missing key; the hint has the nearest key and some of those that exist."""
    shown = "null" if key is None else _shown_key(key)
    return ExprError(NO_SUCH_KEY, f"no such key: {quoted(shown, str)}", hint=lambda: _nearest_keys(key, container))


def _shown_key(key: Any) -> str:
    if isinstance(key, bool):
        return str(key).lower()
    return number(key) if isinstance(key, int) else str(key)


def _nearest_keys(key: Any, container: Any) -> str:
    if not isinstance(container, dict):
        return ""
    names = [str(each) for each in islice(container, MAX_KEYS + 1)]
    more = ", ..." if len(names) > MAX_KEYS else ""
    known = f"Keys are {', '.join(names[:MAX_KEYS])}{more}" if names else "The map is empty"
    guess = nearest(key, (each for each in container if isinstance(each, str))) if isinstance(key, str) else None
    return f"Did you mean '{guess}'? {known}" if guess else known


def elements(count: int) -> str:
    return "1 element" if count == 1 else f"{count} elements"
