"""What an evaluation pays for: a cost for each operation, as a function of the sizes of what it reads and makes.

A unit is about 60 ns of work. Where a piece of an expression can be evaluated repeatedly, generated code takes the cost
of what it reads from `space` before it runs, and the cost of what it made afterwards.
"""

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, Final, NamedTuple

from octo.expr.addresses import CIDR, IP
from octo.expr.limits import FUEL
from octo.expr.values import INT_MAX, INT_MIN, Duration, Exact, Optional, Timestamp, Type, Uint

ELEMENT: Final = 4
"""The cost of looking at one element of a list, or at a key or value of a map."""
CHARACTERS: Final = 16
"""How many characters are looked at for one unit."""
_CONTAINER: Final = 12
_DEAR: Final = 4
_EXACT: Final = 64
WEIGHTS: Final = {"string": 1, "bytes": 1, "list": 8, "map": 16}
_WEIGHTS: Final = {str: WEIGHTS["string"], bytes: WEIGHTS["bytes"], list: WEIGHTS["list"], dict: WEIGHTS["map"]}
_SMALL: Final = frozenset((bool, float, type(None), Uint, Timestamp, Duration, Type, IP, CIDR))


class Cost(NamedTuple):
    """The cost of a function: base + reads * (size of the arguments) + more(arguments), then that of its result.

    more: what it costs besides. It is called before the arguments are checked, so they can be of any kind.
    makes: 0 means that the result costs its memory, one level deep; otherwise every part of it costs this many times
        what looking at it costs.
    """

    base: int = 4
    reads: int = 1
    makes: int = 0
    more: Callable[..., int] | None = None

    @property
    def is_free(self) -> bool:
        return self.base == 0 and self.reads == 0 and self.more is None

    @property
    def is_dear(self) -> bool:
        """Whether a single call is so slow that it pays even where it cannot be repeated."""
        return self.reads > _DEAR

    @property
    def before(self) -> Callable[..., int]:
        """A function of the arguments: what a call with them costs before it runs."""
        return _before(*self)

    def after(self, result: Any) -> int:
        return self.makes * size(result) if self.makes else weight(result)


@cache
def _before(base: int, reads: int, _: int, more: Callable[..., int] | None) -> Callable[..., int]:
    """See `Cost.before`. A closure: looking up the fields of a cost in each call would take as long as all the rest."""

    def read(*arguments: Any) -> int:
        total = base
        for each in arguments:
            total += part(each, reads)
        return total

    if more is None:
        return read if reads else lambda *_: base
    return lambda *arguments: (read(*arguments) if reads else base) + more(*arguments)


FREE: Final = Cost(base=0, reads=0)
"""The work is the same for all arguments, and small."""
FLAT: Final = Cost(reads=0)
"""The work depends on the size of the result only."""


def weight(value: Any) -> int:
    """What the memory of a value costs, one level deep."""
    unit = _WEIGHTS.get(value.__class__)
    return 1 if unit is None else unit * len(value)


def scan(value: Any) -> int:
    """What looking through a value costs, one level deep."""
    cls = value.__class__
    if cls is str or cls is bytes:
        return len(value) // CHARACTERS
    return ELEMENT * len(value) if cls is list or cls is dict else 0


def size(value: Any) -> int:
    """What looking at every part of a value costs. It stops counting when there is more than the budget allows.

    Shared parts count each time: a walk through the value meets them each time.
    """
    if value.__class__ is list:
        # By far the most frequent: a list of texts and small numbers, read in one go.
        total = _CONTAINER + ELEMENT * len(value)
        pending = []
        for each in value:
            if each.__class__ is str:
                total += len(each) // CHARACTERS
            elif each.__class__ not in _SMALL:
                pending.append(each)
        pending = _large(pending) if pending else pending
    else:
        total, pending = 0, _large((value,))
    while pending and total <= FUEL:
        value = pending.pop()
        if isinstance(value, (str, bytes)):
            total += len(value) // CHARACTERS
        elif isinstance(value, list):
            total += _CONTAINER + ELEMENT * len(value)
            pending += _large(value)
        elif isinstance(value, dict):
            total += _CONTAINER + 2 * ELEMENT * len(value) + sum(map(_length, dict.keys(value))) // CHARACTERS
            pending += _large(dict.values(value))
        elif isinstance(value, Optional):
            total += ELEMENT
            pending += _large((value.value,))
        else:
            total += _digits(value)
    return total


def part(value: Any, reads: int = 1) -> int:
    """What so many looks at an argument cost. Generated code has the same inline for texts, the most frequent ones."""
    cls = value.__class__
    if cls is str:
        return reads * len(value) // CHARACTERS
    return 0 if cls in _SMALL else reads * size(value)


def repeated(times: int, value: Any, *keys: str | int) -> int:
    """The size of so many mentions of a part of a value; 0 if there is no such part."""
    if not times:
        return 0  # without a look at it: nobody pays for that
    for key in keys:
        if isinstance(value, dict):
            value = dict.get(value, key)
        elif isinstance(value, list) and isinstance(key, int) and key < len(value):
            value = value[key]
        else:
            return 0
    return times * (len(value) // CHARACTERS if value.__class__ is str else size(value))


def _large(values: Iterable[Any]) -> list[Any]:
    """Those values whose size is not the same for all of their kind."""
    return [
        each
        for each in values
        if (cls := each.__class__) not in _SMALL and not (cls is int and INT_MIN <= each <= INT_MAX)
    ]


def _length(key: Any) -> int:
    return len(key) if isinstance(key, str) else 8


def _digits(value: Any) -> int:
    """A number with many digits takes quadratic time to become text, but it has at most 4300 of them."""
    if isinstance(value, Exact):
        return _EXACT + len(value.literal) // CHARACTERS
    return value.bit_length() >> 5 if isinstance(value, int) else 0
