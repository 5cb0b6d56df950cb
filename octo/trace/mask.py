"""What a trace must not show: registered secrets, and the fields that a flow declares under `mask`.

A declared field is masked wherever its name is a key, at any depth. Its values are masked elsewhere too, once they are
long enough to be recognised: a block may have copied them under another name, and errors like to quote. Texts that are
JSON are looked into; what begins like JSON, is none, and holds a declared name, is masked as a whole.
"""

from __future__ import annotations

import re
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import chain, islice
from typing import Any

from octo.core import codec
from octo.core.secrets import masked
from octo.trace.packed import dumps
from octo.trace.record import MASKED

Clean = Callable[[Any], Any]

SHORTEST_EQUAL, SHORTEST_INSIDE = 4, 6
"""Characters of a declared field's value from which on it is masked where it stands alone, and inside other texts."""

LONGEST_INSIDE = 4096
"""Characters of one that is looked for inside other texts: patterns of megabytes would hold up the process."""

MOST_LARGE, WIDEST = 10_000, 1000
"""Values that are read for declared fields in all payloads of a trace that are over the cap, and in each list or map of
them: some ten milliseconds at most.
"""

LONGEST_PARSED = 256 * 1024
"""Characters of a text that is parsed to learn of the fields in it, if it is JSON."""

DEEPEST = 128
"""Nesting below which everything is masked unseen."""


_JSON = re.compile(r"[\s\ufeff]*[\[{]")


def unchanged(value: Any) -> Any:
    """Nothing to hide."""
    return value


def secrets(value: Any) -> Any:
    """The value without registered secrets."""
    return _Cover(frozenset(), masked, frozenset())(value)


def declared(names: frozenset[str], seen: Iterable[Any], large: Iterable[Any] = ()) -> Clean:
    """What masks the fields of these names, in values like those `seen` in the trace.

    large: values that are not written whole, but of which parts may be.
    """
    texts = chain(_hidden(seen, names), _hidden(large, names, MOST_LARGE, WIDEST))
    hidden = frozenset(text for text in texts if len(text) >= SHORTEST_EQUAL)
    inside = sorted((each for each in hidden if SHORTEST_INSIDE <= len(each) <= LONGEST_INSIDE), key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, inside))) if inside else None
    return _Cover(names, unchanged if pattern is None else lambda text: pattern.sub(MASKED, text), hidden)


class _Cover:
    """Makes a copy in which what must be hidden is replaced."""

    def __init__(self, names: frozenset[str], text: Callable[[str], str], hidden: frozenset[str]) -> None:
        self._names = names
        self._text = text
        self._hidden = hidden

    def __call__(self, value: Any, depth: int = 0) -> Any:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, dict | list | tuple):
            return MASKED if depth > DEEPEST else self._inside(value, depth + 1)
        if isinstance(value, int | float):
            return self._number(value)
        text = str(value)
        return MASKED if text in self._hidden else self._written(text, depth)

    def _written(self, text: str, depth: int) -> str:
        """A text, which may be JSON, as a raw body is; who cannot read it must not guess what it holds."""
        if self._names and _JSON.match(text):
            try:
                held = codec.body(text.encode())
            except ValueError:
                return MASKED if any(name in text for name in self._names) else self._text(text)
            covered = self(held, depth)
            if covered != held:
                return dumps(covered).decode()
        return self._text(text)

    def _inside(self, value: Any, depth: int) -> Any:
        if not isinstance(value, dict):
            return [self(each, depth) for each in value]
        return {self(key): MASKED if key in self._names else self(each, depth) for key, each in value.items()}

    def _number(self, value: float) -> Any:
        text = str(value)
        covered = MASKED if text in self._hidden else self._text(text)
        return value if covered == text else covered


def _hidden(
    values: Iterable[Any], names: frozenset[str], most: int = sys.maxsize, widest: int = sys.maxsize
) -> Iterator[str]:
    """The texts of all scalars under keys of these names, the outermost first; see `MOST_LARGE`."""
    waiting = deque((each, False, 0) for each in values)
    while waiting and most > 0:
        value, below, depth = waiting.popleft()
        most -= 1
        if below and isinstance(value, str | int | float) and not isinstance(value, bool):
            yield str(value)
        if isinstance(value, str) and len(value) <= LONGEST_PARSED and _JSON.match(value):
            with suppress(ValueError):
                value = codec.body(value.encode())
        inner: Iterable[tuple[Any, bool]] = ()
        if isinstance(value, dict):
            inner = ((each, below or key in names) for key, each in value.items())
        elif isinstance(value, list | tuple):
            inner = ((each, below) for each in value)
        if depth <= DEEPEST:
            room = max(0, min(widest, most - len(waiting)))
            waiting.extend((each, is_below, depth + 1) for each, is_below in islice(inner, room))
