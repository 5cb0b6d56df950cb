"""Filters of metadata: a map that an author writes becomes conditions, which each store says in its own language."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple, get_args

from octo.core.errors import Permanent
from octo.vectors import codes

Scalar = str | float | bool
"""An int is one, too."""
Operator = Literal["$eq", "$ne", "$in", "$nin", "$gt", "$gte", "$lt", "$lte"]
OPERATORS: tuple[Operator, ...] = get_args(Operator)
_ORDER: tuple[Operator, ...] = ("$gt", "$gte", "$lt", "$lte")
_FIELD = re.compile(r"[\w-]{1,256}")
MOST = 64
"""Conditions of a filter, and values of a list in it."""


class Condition(NamedTuple):
    """What must be true of a field. A field that is a list of texts fulfils it if one of them does.

    values: those that `$in` and `$nin` list; of other operators, the one value. A record without the field fulfils
        `$ne` and `$nin` alone.
    """

    field: str
    operator: Operator
    values: tuple[Scalar, ...]

    @property
    def is_negated(self) -> bool:
        return self.operator in ("$ne", "$nin")

    @property
    def is_order(self) -> bool:
        return self.operator in _ORDER

    def holds(self, metadata: Mapping[str, object]) -> bool:
        """Whether it is true of this metadata."""
        found = metadata.get(self.field)
        has = found if isinstance(found, list) else [] if found is None else [found]
        if self.is_order:
            return any(self._is_ordered(each) for each in has)
        return any(_same(each, value) for each in has for value in self.values) is not self.is_negated

    def _is_ordered(self, found: object) -> bool:
        limit = self.values[0]
        if isinstance(found, bool) or not isinstance(found, int | float) or not isinstance(limit, int | float):
            return False
        return {"$gt": found > limit, "$gte": found >= limit, "$lt": found < limit, "$lte": found <= limit}[
            self.operator
        ]


def _same(one: object, other: object) -> bool:
    """Whether two values are equal: true is not 1."""
    return one == other and isinstance(one, bool) is isinstance(other, bool)


def conditions(written: object) -> tuple[Condition, ...]:
    """Read a filter. Raises `Permanent` if it cannot be understood."""
    if not isinstance(written, Mapping):
        raise _bad("it must be a map of fields")
    found = tuple(each for field, value in written.items() for each in _of_field(field, value))
    if len(found) > MOST:
        raise _bad(f"it has more than {MOST} conditions")
    return found


def _of_field(field: object, value: object) -> Iterable[Condition]:
    if not isinstance(field, str) or not _FIELD.fullmatch(field):
        raise _bad(f"{str(field)[:80]!r} is no name of a field")
    if not isinstance(value, Mapping):
        return [Condition(field, "$eq", (_scalar(field, value),))]
    if not value:
        raise _bad(f"the field {field!r} has no operator")
    return [_condition(field, operator, operand) for operator, operand in value.items()]


def _condition(field: str, operator: object, operand: object) -> Condition:
    known = next((each for each in OPERATORS if each == operator), None)
    if known is None:
        raise _bad(f"{str(operator)[:40]!r} is no operator; there are {', '.join(OPERATORS)}")
    if known in ("$in", "$nin"):
        if not isinstance(operand, Sequence) or isinstance(operand, str | bytes) or len(operand) > MOST:
            raise _bad(f"{known} of {field!r} needs a list of at most {MOST} values")
        return Condition(field, known, tuple(_scalar(field, each) for each in operand))
    value = _scalar(field, operand)
    if known in _ORDER and isinstance(value, str | bool):
        raise _bad(f"{known} of {field!r} needs a number")
    return Condition(field, known, (value,))


def _scalar(field: str, value: object) -> Scalar:
    if isinstance(value, bool | str):
        return value
    if isinstance(value, int | float):
        return value if type(value) in (int, float) else float(value)
    raise _bad(f"the value of {field!r} must be a text, a number or a boolean")


def _bad(reason: str) -> Permanent:
    return Permanent(f"the filter cannot be understood: {reason}", code=codes.FILTER)
