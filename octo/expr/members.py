"""A set of CEL values. Membership is CEL equality, in a time that is linear in the size of the values."""

from collections.abc import Iterable
from os import urandom
from typing import Any, Final

from octo.expr.limits import MAX_VISITS, exhausted
from octo.expr.values import INT_MAX, INT_MIN, Optional

_SALT: Final = int.from_bytes(urandom(7), "big")
"""Nobody outside knows it, so nobody can choose lists or large numbers that all have one hash."""


class Members:
    """The values seen so far."""

    def __init__(self, values: Iterable[Any] = ()) -> None:
        self._keys: set[Any] = set()
        self._fuel = [MAX_VISITS]
        for value in values:
            self.add(value)

    def add(self, value: Any) -> bool:
        """Add a value. Return False when it was there already."""
        before = len(self._keys)
        self._keys.add(_key(value, self._fuel))
        return len(self._keys) > before

    def __contains__(self, value: Any) -> bool:
        return _key(value, self._fuel) in self._keys


def _key(value: Any, fuel: list[int]) -> Any:
    """Something with a hash that equals another such key exactly when the values are equal.

    In Python True equals 1; a bool has its class beside it. All keys of values with parts begin with the salt.
    """
    cls = value.__class__
    if cls is str or (cls is int and INT_MIN <= value <= INT_MAX):
        return value
    if isinstance(value, (list, dict, Optional)):
        return _key_of_parts(value, fuel)
    if cls is bool:
        return bool, value
    if value != value:  # noqa: PLR0124 - nan equals nothing
        return object()
    if isinstance(value, (int, float)):
        return _key_of_number(value)
    return value


def _key_of_number(value: Any) -> Any:
    """Python hashes numbers modulo 2**61 - 1: few numbers of 64 bits share a hash, but any number of larger ones."""
    if INT_MIN <= value <= INT_MAX or value in {float("inf"), float("-inf")}:
        return value
    return _SALT, f"{int(value):x}"


def _key_of_parts(value: Any, fuel: list[int]) -> Any:
    # A small value with shared parts can have exponentially many of them: hence the fuel.
    fuel[0] -= 1 if isinstance(value, Optional) else 1 + len(value)
    if fuel[0] < 0:
        exhausted()
    if isinstance(value, list):
        return (_SALT, list, *[_key(each, fuel) for each in value])
    if isinstance(value, dict):
        return _SALT, dict, frozenset((_key(name, fuel), _key(each, fuel)) for name, each in value.items())
    return (_SALT, Optional, _key(value.value, fuel)) if value.present else (_SALT, Optional)
