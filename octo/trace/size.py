"""Estimates how large a value is: an exact size would cost as much as writing the value."""

from __future__ import annotations

from itertools import islice
from typing import Any

from octo.core.charsets import Text
from octo.core.content import Held
from octo.core.spool import Content

_LOOKED_AT = 8
_DEEPEST = 4
_SMALL = frozenset((int, float, bool, type(None)))


def weigh(value: Any, depth: int = _DEEPEST) -> int:
    """About how many bytes the value has as JSON, where raw bytes count as themselves.

    A few elements of a list or a map stand for all. Large content is weighed without reading it.
    """
    cls = value.__class__
    if cls is str or cls is bytes or cls is Text or cls is Content:
        return len(value)
    if cls is Held:
        return _weigh_map(dict(value), depth)
    if cls is dict and value:
        return _weigh_map(value, depth)
    if cls is list and value:
        return len(value) * (max(weigh(value[0], depth - 1), weigh(value[-1], depth - 1)) if depth else 8)
    return 8


def _weigh_map(value: dict[str, Any], depth: int) -> int:
    if not depth:
        return 16 * len(value)
    total = 0
    for each in islice(value.values(), _LOOKED_AT):
        cls = each.__class__
        total += 16 + (len(each) if cls is str else 0 if cls in _SMALL else weigh(each, depth - 1))
    return total if len(value) <= _LOOKED_AT else total * len(value) // _LOOKED_AT
