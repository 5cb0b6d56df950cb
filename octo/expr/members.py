"""A set of CEL values. Membership is CEL equality, and takes constant time for all but lists, maps and optionals."""

from collections.abc import Iterable
from typing import Any

from octo.expr.limits import MAX_VISITS, exhausted
from octo.expr.runtime import equal
from octo.expr.values import Optional


class Members:
    """The values seen so far. Lists, maps and optionals have no hash: they are searched one by one, up to a limit."""

    def __init__(self, values: Iterable[Any] = ()) -> None:
        self._hashed: set[Any] = set()
        self._searched: list[Any] = []
        self._fuel = MAX_VISITS
        for value in values:
            self.add(value)

    def add(self, value: Any) -> bool:
        """Add a value. Return False when it was there already."""
        if isinstance(value, (list, dict, Optional)):
            if self._search(value):
                return False
            self._searched.append(value)
            return True
        key = _key(value)
        if key in self._hashed and value == value:  # noqa: PLR0124 - nan equals nothing
            return False
        self._hashed.add(key)
        return True

    def __contains__(self, value: Any) -> bool:
        if isinstance(value, (list, dict, Optional)):
            return self._search(value)
        return _key(value) in self._hashed and bool(value == value)  # noqa: PLR0124 - nan equals nothing

    def _search(self, value: Any) -> bool:
        self._fuel -= len(self._searched)
        if self._fuel < 0:
            exhausted()
        return any(equal(value, each) for each in self._searched)


def _key(value: Any) -> Any:
    """In Python True equals 1; paired with its class, a bool equals only a bool."""
    return (bool, value) if isinstance(value, bool) else value
