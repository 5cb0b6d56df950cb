"""Find the endpoint of a request: exact paths by one look-up, others by a walk that tries the most specific first.

Two generations of a configuration may serve the same path while one replaces the other. The newest registration wins,
and an older one serves again if the newer one leaves, so generations are swapped without a gap.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar
from urllib.parse import unquote

from octo.connectors.http.patterns import Pattern


class Target(Protocol):
    """An endpoint as the table of routes sees it."""

    @property
    def pattern(self) -> Pattern: ...

    @property
    def methods(self) -> frozenset[str] | None:
        """The methods it serves, or None for all."""
        ...


E = TypeVar("E", bound=Target)
NO_VALUES: tuple[str, ...] = ()
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


class BadPath(ValueError):
    """A path whose escapes mean nothing; the text says why."""


class _Entry(Generic[E]):
    """All endpoints of one pattern, oldest first, and the one that serves each method."""

    __slots__ = ("any", "by_method", "endpoints")

    def __init__(self) -> None:
        self.endpoints: list[E] = []
        self.by_method: dict[str, E] = {}
        self.any: E | None = None

    def serving(self, method: str) -> E | None:
        return self.by_method.get(method, self.any)

    def settle(self) -> None:
        """Choose who serves each method: an endpoint that names it, else one for all methods; the newest of several.

        GET includes HEAD.
        """
        named = [each for each in self.endpoints if each.methods is not None]
        self.by_method = {method: each for each in named for method in each.methods or ()}
        if "GET" in self.by_method:
            self.by_method.setdefault("HEAD", self.by_method["GET"])
        unnamed = [each for each in self.endpoints if each.methods is None]
        self.any = unnamed[-1] if unnamed else None


@dataclass(slots=True)
class _Node(Generic[E]):
    """A place in the tree of segments."""

    literal: dict[str, _Node[E]] = field(default_factory=dict)
    wildcard: _Node[E] | None = None
    here: _Entry[E] | None = None
    below: _Entry[E] | None = None


class Routes(Generic[E]):
    """The routes of one listener."""

    def __init__(self) -> None:
        self._exact: dict[str, _Entry[E]] = {}
        self._root: _Node[E] = _Node()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, endpoint: E) -> None:
        entry = self._entry(endpoint.pattern)
        entry.endpoints.append(endpoint)
        entry.settle()
        self._count += 1

    def remove(self, endpoint: E) -> None:
        entry = self._entry(endpoint.pattern)
        entry.endpoints.remove(endpoint)
        entry.settle()
        self._count -= 1
        if not self._count:  # drop the empty nodes of paths that are gone
            self._exact.clear()
            self._root = _Node()

    def find(self, path: str, method: str) -> tuple[E, tuple[str, ...]] | None:
        """Return the endpoint for a request and the values of its path parameters, None if there is none.

        path: as it was sent. Raises `BadPath`.
        """
        entry = self._exact.get(path)
        if entry is not None:
            endpoint = entry.serving(method)
            if endpoint is not None:
                return endpoint, NO_VALUES
        for entry, values in self._matches(path):
            endpoint = entry.serving(method)
            if endpoint is not None:
                return endpoint, values
        return None

    def served(self, path: str) -> list[E]:
        """Return every endpoint that serves this path with some method, the most specific first. Raises `BadPath`."""
        return [endpoint for entry, _ in self._matches(path) for endpoint in reversed(entry.endpoints)]

    def _entry(self, pattern: Pattern) -> _Entry[E]:
        node = self._root
        for segment in pattern.segments:
            if segment is None:
                node.wildcard = node.wildcard or _Node()
                node = node.wildcard
            else:
                node = node.literal.setdefault(segment, _Node())
        if pattern.rest:
            node.below = node.below or _Entry()
            return node.below
        node.here = node.here or _Entry()
        if pattern.literal is not None:
            self._exact[pattern.literal] = node.here
        return node.here

    def _matches(self, path: str) -> Iterator[tuple[_Entry[E], tuple[str, ...]]]:
        yield from _walk(self._root, segments(path), 0, NO_VALUES)


def segments(path: str) -> list[str]:
    """Return the decoded segments of a path. Raises `BadPath`.

    Split first, decode afterwards: an escaped slash, question mark or dot is a part of its segment, so whoever chooses
    a value cannot choose the route. Nothing is decoded twice, and no segment is left out or merged.
    """
    if path[0] != "/":  # `*`, which names no path
        return []
    parts = path[1:].split("/")
    return [_decoded(part) if "%" in part else part for part in parts] if "%" in path else parts


def _decoded(part: str) -> str:
    if _BAD_ESCAPE.search(part):
        raise BadPath("a percent sign in the path is not followed by two hexadecimal digits")
    try:
        return unquote(part, errors="strict")
    except UnicodeDecodeError:
        raise BadPath("the escapes in the path are not UTF-8") from None


def _walk(
    node: _Node[E], segments: list[str], index: int, values: tuple[str, ...]
) -> Iterator[tuple[_Entry[E], tuple[str, ...]]]:
    if index == len(segments):
        if node.here is not None:
            yield node.here, values
        return
    segment = segments[index]
    child = node.literal.get(segment)
    if child is not None:
        yield from _walk(child, segments, index + 1, values)
    if segment and node.wildcard is not None:
        yield from _walk(node.wildcard, segments, index + 1, (*values, segment))
    if node.below is not None:
        yield node.below, (*values, "/".join(segments[index:]))
