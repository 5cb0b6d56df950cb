"""What a trace must not show: registered secrets, and the fields that a flow declares under `mask`.

A declared field is masked wherever its name is a key, at any depth. Its values are masked elsewhere too, if they are
long enough to be recognised: a block may have copied them under another name, and errors often quote them. A text that
is JSON is parsed, and its fields are masked. A text that only begins like JSON and contains a declared name is masked
as a whole. Bytes are treated as the text that they encode.
"""

from __future__ import annotations

import re
import sys
from base64 import b64decode
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import chain, islice
from typing import Any

from octo.core import charsets, codec
from octo.core.secrets import masked
from octo.core.spool import Content
from octo.expr.values import Duration, Timestamp
from octo.trace.packed import dumps
from octo.trace.record import MASKED

Clean = Callable[[Any], Any]

SHORTEST_EQUAL, SHORTEST_INSIDE = 4, 6
"""Characters that a declared field's value must have to be masked where it stands alone, and inside other texts."""

LONGEST_INSIDE = 4096
"""Characters of a value that is searched for inside other texts, at most: a pattern of megabytes would hold up the
process.
"""

MOST_LARGE, WIDEST = 10_000, 1000
"""Values that are searched for declared fields, at most: in all payloads of a trace that are over the limit, and in
each list or map of them. That takes some ten milliseconds.
"""

LONGEST_PARSED = 256 * 1024
"""Characters of a text that is parsed to find declared fields in it, at most."""

DEEPEST = 128
"""Levels of nesting that are searched; everything below is masked."""


_JSON = re.compile(r"[\s\ufeff]*[\[{]")


def unchanged(value: Any) -> Any:
    """Return the value: there is nothing to hide."""
    return value


def secrets(value: Any) -> Any:
    """The value without registered secrets."""
    return _Cover(frozenset(), masked, frozenset())(value)


def declared(names: frozenset[str], seen: Iterable[Any], large: Iterable[Any] = ()) -> Clean:
    """A function that masks the fields of these names, and their values, which it looks for in `seen` and `large`.

    seen: the values of the trace. large: values that are too large to be written, though parts of them may be.
    """
    texts = chain(_hidden(seen, names), _hidden(large, names, MOST_LARGE, WIDEST))
    hidden = frozenset(text for text in texts if len(text) >= SHORTEST_EQUAL)
    inside = sorted((each for each in hidden if SHORTEST_INSIDE <= len(each) <= LONGEST_INSIDE), key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, inside))) if inside else None
    return _Cover(names, unchanged if pattern is None else lambda text: pattern.sub(MASKED, text), hidden)


class _Cover:
    """Returns a copy of a value in which what must be hidden is replaced."""

    def __init__(self, names: frozenset[str], text: Callable[[str], str], hidden: frozenset[str]) -> None:
        self._names = names
        self._text = text
        self._hidden = hidden

    def __call__(self, value: Any, depth: int = 0) -> Any:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, dict | list | tuple):
            return MASKED if depth > DEEPEST else self._inside(value, depth + 1)
        if isinstance(value, int | float | Timestamp | Duration):
            return self._number(value)
        if isinstance(value, bytes | Content):
            return self._bytes(value, depth)
        text = str(value)
        covered = self._covered(text, depth)
        return value if isinstance(value, str) and covered == text else covered

    def _covered(self, text: str, depth: int) -> str:
        return MASKED if text in self._hidden else self._written(text, depth)

    def _bytes(self, value: bytes | Content, depth: int) -> Any:
        """The bytes, or their text with the hidden parts replaced. UTF-16 without a byte order mark is hidden whole."""
        data = bytes(value)
        text = _read(data)
        covered = self._covered(text, depth)
        if covered != text:
            return covered.encode()
        if b"\0" in data:
            plain = _read(data.replace(b"\0", b""))
            return value if self._covered(plain, depth) == plain else MASKED.encode()
        return value

    def _written(self, text: str, depth: int) -> str:
        """A text, which may be JSON, as a raw body is. If it cannot be parsed and names a field, it is hidden whole."""
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
        # `dict.items`, because `items` of a subclass would read large content.
        entries = dict.items(value)
        return {self(key): MASKED if key in self._names else self(each, depth) for key, each in entries}

    def _number(self, value: Any) -> Any:
        text = str(value)
        covered = MASKED if text in self._hidden else self._text(text)
        return value if covered == text else covered


def _read(data: bytes) -> str:
    """The text that the bytes encode; as Latin-1 if they are no text, so that texts among them can be found."""
    try:
        return charsets.decode(data, "")
    except charsets.NotText:
        return data.decode("latin-1")


def tells(base64: bytes) -> bool:
    """Whether the bytes, given as base64, contain a secret."""
    try:
        data = b64decode(base64)
    except ValueError:
        return False
    return bool(secrets(data) != data)


def _hidden(
    values: Iterable[Any], names: frozenset[str], most: int = sys.maxsize, widest: int = sys.maxsize
) -> Iterator[str]:
    """The texts of all scalars under keys of these names, the outermost first.

    most, widest: values to search at most, in all and in each list or map; see `MOST_LARGE`.
    """
    waiting = deque((each, False, 0) for each in values)
    while waiting and most > 0:
        value, below, depth = waiting.popleft()
        most -= 1
        if isinstance(value, bytes | Content):
            value = _read(bytes(value)) if len(value) <= LONGEST_PARSED else ""
        if below and isinstance(value, str | int | float | Timestamp | Duration) and not isinstance(value, bool):
            yield str(value)
        if isinstance(value, str) and len(value) <= LONGEST_PARSED and _JSON.match(value):
            with suppress(ValueError):
                value = codec.body(value.encode())
        inner: Iterable[tuple[Any, bool]] = ()
        if isinstance(value, dict):
            inner = ((each, below or key in names) for key, each in dict.items(value))
        elif isinstance(value, list | tuple):
            inner = ((each, below) for each in value)
        if depth <= DEEPEST:
            room = max(0, min(widest, most - len(waiting)))
            waiting.extend((each, is_below, depth + 1) for each, is_below in islice(inner, room))
