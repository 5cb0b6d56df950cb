"""What a trace must not show: registered secrets, and the fields that a flow declares under `mask`.

A declared field is masked wherever its name is a key, at any depth. Its values are masked elsewhere too, once they are
long enough to be recognised: a block may have copied them under another name, and errors like to quote. Texts that are
JSON are looked into; what begins like JSON, is none, and holds a declared name, is masked as a whole. So are bytes, as
the text that they are.
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
        """The bytes, or what is left of the text that they are. UTF-16 without a mark is found, and hidden whole."""
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
        # As a plain one: large content in it must not be read.
        entries = dict.items(value)
        return {self(key): MASKED if key in self._names else self(each, depth) for key, each in entries}

    def _number(self, value: Any) -> Any:
        text = str(value)
        covered = MASKED if text in self._hidden else self._text(text)
        return value if covered == text else covered


def _read(data: bytes) -> str:
    """The text that the bytes are, else one in which a text among them can be found."""
    try:
        return charsets.decode(data, "")
    except charsets.NotText:
        return data.decode("latin-1")


def tells(base64: bytes) -> bool:
    """Whether there is a secret in these bytes."""
    try:
        data = b64decode(base64)
    except ValueError:
        return False
    return bool(secrets(data) != data)


def _hidden(
    values: Iterable[Any], names: frozenset[str], most: int = sys.maxsize, widest: int = sys.maxsize
) -> Iterator[str]:
    """The texts of all scalars under keys of these names, the outermost first; see `MOST_LARGE`."""
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
