"""What a trace lacks: secrets, masked fields, moments that a flow read from the clock, and ids of that one run.

A test of a recorded message cannot check these values, and must not pretend to send them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from octo.core.message import FAMILY
from octo.core.secrets import MASKED as SECRET
from octo.core.spool import Content
from octo.expr.values import Duration, Exact, Timestamp
from octo.testing.clock import nanoseconds
from octo.trace.record import MASKED, Record

_SECOND = 1_000_000_000
_MASK = re.compile(f"{SECRET}|{MASKED}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)")


class Gaps:
    """The gaps in the trace of one message.

    given: values that came from outside; a moment in one of them was not read from the clock.
    made: values that the flow made. An id of the recorded run in one of them is a gap too.
    clock: the moment at which to run the message again: the one that the flow read from the clock, with the digits
        that it wrote. If the flow read the clock twice, the two moments differ, while a virtual clock stands still:
        the first one in `made` is the clock, the other is a gap.
    """

    def __init__(self, root: Record, given: Iterable[object], made: Iterable[object]) -> None:
        # From the start of the second: flows often write moments without fractions of a second.
        began, ended = root["at"] - root["at"] % _SECOND, root["at"] + root["duration"]
        told = {each for text in _texts(list(given)) for each in _MOMENT.findall(text)}
        found = [each for text in _texts(list(made)) for each in _MOMENT.findall(text)]
        seen = [each for each in found if each not in told and began <= _nanoseconds(each) <= ended]
        exact = (each for each in seen if not any(_is_coarser(each, other) for other in seen))
        self.clock = next(exact, str(Timestamp(root["at"])))
        others = sorted({*seen} - {self.clock}, key=len, reverse=True)
        self._gap = re.compile("|".join([_MASK.pattern, *_ids(root), *map(re.escape, others)]))

    def conditions(self, place: str, value: object) -> Iterator[str]:
        """Yield CEL conditions that are true of every value that equals this one except in its gaps."""
        if not any(self._gap.search(text) for text in _texts(value)) and _has_literal(value):
            yield f"{place} == {_literal(value)}"
        elif isinstance(value, Mapping):
            known = {key: each for key, each in dict.items(_map(value)) if not self._gap.search(key)}
            yield f"size({place}) == {len(value)}"
            yield f"{_literal(list(known))}.all(key, key in {place})"
            for key, each in known.items():
                yield from self.conditions(place + step(key), each)
        elif isinstance(value, list | tuple):
            yield f"size({place}) == {len(value)}"
            for index, each in enumerate(value):
                yield from self.conditions(f"{place}[{index}]", each)
        elif isinstance(value, bytes | Content):
            yield f"size({place}) == {len(value)}"
        elif not isinstance(value, str) and not self._gap.search(str(value)):
            yield f"string({place}) == {_literal(str(value))}"

    def places(self, place: str, value: object) -> Iterator[str]:
        """Yield the places where the value has gaps."""
        return _places(self._gap, place, value)

    def known(self, text: str) -> str:
        """The longest part of a text without a gap."""
        return max(self._gap.split(text), key=len)

    def filled(self, old: Any, new: Any) -> Any:
        """Return the new value with the gaps of the old one, where the new texts fit around these gaps."""
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            known_keys, entries = _map(old), dict.items(_map(new))
            return {key: self.filled(dict.get(known_keys, key), each) if key in old else each for key, each in entries}
        if isinstance(old, list) and isinstance(new, list):
            known = [self.filled(one, other) for one, other in zip(old, new, strict=False)]
            return [*known, *new[len(known) :]]
        if isinstance(old, Timestamp) and isinstance(new, Timestamp) and self._gap.search(str(old)):
            return old
        if isinstance(old, str) and self._gap.search(old):
            pattern = ".*".join(map(re.escape, self._gap.split(old)))
            return old if re.fullmatch(pattern, str(new), re.DOTALL) else new
        return new


def _ids(root: Record) -> Iterator[str]:
    """Patterns of the ids that a message has in one run alone: its own, those of its kin in called flows, and what it
    shares with them.
    """
    if event := root.get("event", ""):
        yield re.escape(event[:FAMILY]) + "[0-9a-f]*"
    if correlation := root.get("correlation", ""):
        yield re.escape(correlation)


def masks(place: str, value: object) -> Iterator[str]:
    """Yield the places where a value is masked, in whole or in part."""
    return _places(_MASK, place, value)


def _places(gap: re.Pattern[str], place: str, value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, each in dict.items(_map(value)):
            if gap.search(key):
                yield place + step(key)
            else:
                yield from _places(gap, place + step(key), each)
    elif isinstance(value, list | tuple):
        for index, each in enumerate(value):
            yield from _places(gap, f"{place}[{index}]", each)
    elif isinstance(value, str | Timestamp) and gap.search(str(value)):
        yield place


_LONGEST = 1024
"""Bytes that are written as a literal."""


def _has_literal(value: object) -> bool:
    """Whether CEL can write the value: no integer beyond 64 bits, no decimal beyond a double, and no picture."""
    if isinstance(value, Mapping):
        return all(map(_has_literal, dict.values(_map(value))))
    if isinstance(value, list | tuple):
        return all(map(_has_literal, value))
    if isinstance(value, bytes):
        return len(value) <= _LONGEST
    return not isinstance(value, Exact | Content) and (not isinstance(value, int) or -(2**63) <= value < 2**63)


def _map(value: Mapping[Any, Any]) -> dict[Any, Any]:
    """With large content as it is: a raw body would read it."""
    return value if isinstance(value, dict) else dict(value)


def _literal(value: object) -> str:
    """A value as CEL: JSON is nearly part of it. Surrogate escapes are not, so none are written."""
    if isinstance(value, Mapping):
        parts = (f"{_literal(key)}: {_literal(each)}" for key, each in dict.items(_map(value)))
        return f"{{{', '.join(parts)}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_literal, value))}]"
    if isinstance(value, bytes):
        return 'b"' + "".join(f"\\x{each:02x}" for each in value) + '"'
    if isinstance(value, Timestamp | Duration):
        return repr(value)
    return json.dumps(value, ensure_ascii=False)


def step(key: str) -> str:
    """Return the CEL that selects a key of a map: `.key` or `["key"]`."""
    is_name = re.fullmatch(r"[A-Za-z_]\w*", key, re.ASCII) and key not in ("in", "true", "false", "null")
    return f".{key}" if is_name else f"[{_literal(key)}]"


def _texts(value: object) -> Iterator[str]:
    """Yield all texts in a value, including keys."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Timestamp):
        yield str(value)
    elif isinstance(value, Mapping):
        for key, each in dict.items(_map(value)):
            yield key
            yield from _texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)


def _is_coarser(text: str, other: str) -> bool:
    """Whether the text may be the other moment with fewer digits.

    The length alone does not decide: a moment is written without its trailing zeros.
    """
    found = re.search(r"\.(\d+)", text)
    step: int = 10 ** (9 - (len(found[1]) if found else 0))
    return 0 < _nanoseconds(other) - _nanoseconds(text) < step


def _nanoseconds(text: str) -> int:
    try:
        return nanoseconds(text)
    except ValueError:  # e.g. a thirteenth month
        return 0
