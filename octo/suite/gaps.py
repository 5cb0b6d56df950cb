"""What a trace does not hold: secrets and masked fields, and the moments at which a flow looked at the clock.

A test of a recorded message cannot ask for these values, and must not pretend to send them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from octo.core.secrets import MASKED as SECRET
from octo.expr.values import Timestamp
from octo.testing.clock import nanoseconds
from octo.trace.record import MASKED, Record

_SECOND = 1_000_000_000
_MASK = re.compile(f"{SECRET}|{MASKED}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)")


class Gaps:
    """Of the trace of one message.

    given: values that came from outside; a moment that stands in one of them is no look at the clock.
    made: what the flow made of them.
    clock: the moment at which to run the message again: at which the flow looked at the clock, as exactly as it told.
    If it looked twice these moments differ by what lay between, while a virtual clock stands still: the first that
    `made` tells counts, the other is a gap.
    """

    def __init__(self, root: Record, given: Iterable[object], made: Iterable[object]) -> None:
        # From the second on: flows often write moments without what is smaller.
        began, ended = root["at"] - root["at"] % _SECOND, root["at"] + root["duration"]
        told = {each for text in _texts(list(given)) for each in _MOMENT.findall(text)}
        found = [each for text in _texts(list(made)) for each in _MOMENT.findall(text)]
        seen = [each for each in found if each not in told and began <= _nanoseconds(each) <= ended]
        exact = (each for each in seen if not any(_is_coarser(each, other) for other in seen))
        self.clock = next(exact, str(Timestamp(root["at"])))
        others = sorted({*seen} - {self.clock}, key=len, reverse=True)
        self._gap = re.compile("|".join([_MASK.pattern, *map(re.escape, others)]))

    def conditions(self, place: str, value: object) -> Iterator[str]:
        """CEL that is true of values that are like this one wherever it has no gap."""
        if not any(self._gap.search(text) for text in _texts(value)):
            yield f"{place} == {_literal(value)}"
        elif isinstance(value, Mapping):
            known = {key: each for key, each in value.items() if not self._gap.search(key)}
            yield f"size({place}) == {len(value)}"
            yield f"{_literal(list(known))}.all(key, key in {place})"
            for key, each in known.items():
                yield from self.conditions(place + step(key), each)
        elif isinstance(value, list | tuple):
            yield f"size({place}) == {len(value)}"
            for index, each in enumerate(value):
                yield from self.conditions(f"{place}[{index}]", each)

    def places(self, place: str, value: object) -> Iterator[str]:
        """Where the value has gaps."""
        return _places(self._gap, place, value)

    def known(self, text: str) -> str:
        """The longest part of a text that has no gap."""
        return max(self._gap.split(text), key=len)

    def filled(self, old: Any, new: Any) -> Any:
        """The new value, with the old one's gaps wherever something else could have stood in them."""
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            return {key: self.filled(old[key], each) if key in old else each for key, each in new.items()}
        if isinstance(old, list) and isinstance(new, list):
            known = [self.filled(one, other) for one, other in zip(old, new, strict=False)]
            return [*known, *new[len(known) :]]
        if isinstance(old, str) and self._gap.search(old):
            pattern = ".*".join(map(re.escape, self._gap.split(old)))
            return old if re.fullmatch(pattern, str(new), re.DOTALL) else new
        return new


def masks(place: str, value: object) -> Iterator[str]:
    """Where a value is masked, in whole or in part."""
    return _places(_MASK, place, value)


def _places(gap: re.Pattern[str], place: str, value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, each in value.items():
            if gap.search(key):
                yield place + step(key)
            else:
                yield from _places(gap, place + step(key), each)
    elif isinstance(value, list | tuple):
        for index, each in enumerate(value):
            yield from _places(gap, f"{place}[{index}]", each)
    elif isinstance(value, str) and gap.search(value):
        yield place


def _literal(value: object) -> str:
    """A JSON value as CEL: the one is nearly part of the other. Surrogate escapes are not, so none are written."""
    return json.dumps(value, ensure_ascii=False)


def step(key: str) -> str:
    """The way from a map to what it has under a key, in CEL."""
    is_name = re.fullmatch(r"[A-Za-z_]\w*", key, re.ASCII) and key not in ("in", "true", "false", "null")
    return f".{key}" if is_name else f"[{_literal(key)}]"


def _texts(value: object) -> Iterator[str]:
    """All texts in a value, keys among them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield key
            yield from _texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)


def _is_coarser(text: str, other: str) -> bool:
    """Whether the text may be the other moment with fewer digits.

    A shorter text alone says nothing: a moment is written without the zeros that it ends with.
    """
    found = re.search(r"\.(\d+)", text)
    step: int = 10 ** (9 - (len(found[1]) if found else 0))
    return 0 < _nanoseconds(other) - _nanoseconds(text) < step


def _nanoseconds(text: str) -> int:
    try:
        return nanoseconds(text)
    except ValueError:  # the thirteenth month, say
        return 0
