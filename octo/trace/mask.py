"""What a trace must not show: registered secrets, and the fields that a flow declares under `mask`.

A declared field is masked wherever its name is a key, at any depth. Its values are masked elsewhere too, once they are
long enough to be recognised: a block may have copied them under another name, and errors like to quote.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from octo.core.log import masked
from octo.trace.record import MASKED

Clean = Callable[[Any], Any]

SHORTEST_EQUAL, SHORTEST_INSIDE = 4, 6
"""Characters of a declared field's value from which on it is masked where it stands alone, and inside other texts."""

DEEPEST = 128
"""Nesting below which everything is masked unseen."""


def unchanged(value: Any) -> Any:
    """Nothing to hide."""
    return value


def secrets(value: Any) -> Any:
    """The value without registered secrets."""
    return _Cover(frozenset(), masked, frozenset())(value)


def declared(names: frozenset[str], seen: Iterable[Any]) -> Clean:
    """What masks the fields of these names, in values like those `seen` in the trace."""
    hidden = frozenset(text for value in seen for text in _hidden(value, names) if len(text) >= SHORTEST_EQUAL)
    inside = sorted((each for each in hidden if len(each) >= SHORTEST_INSIDE), key=len, reverse=True)
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
        return MASKED if text in self._hidden else self._text(text)

    def _inside(self, value: Any, depth: int) -> Any:
        if not isinstance(value, dict):
            return [self(each, depth) for each in value]
        return {self(key): MASKED if key in self._names else self(each, depth) for key, each in value.items()}

    def _number(self, value: float) -> Any:
        text = str(value)
        covered = MASKED if text in self._hidden else self._text(text)
        return value if covered == text else covered


def _hidden(value: Any, names: frozenset[str], below: bool = False, depth: int = 0) -> Iterator[str]:
    """The texts of all scalars under keys of these names."""
    if depth > DEEPEST or value is None or isinstance(value, bool):
        return
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _hidden(each, names, below or key in names, depth + 1)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _hidden(each, names, below, depth + 1)
    elif below:
        yield str(value)
