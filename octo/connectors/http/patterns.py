"""Path patterns with the rules of Go's ServeMux.

`/orders/{id}` matches one non-empty segment, `/files/{path...}` and a trailing slash match everything below, `{$}` ends
the path there. Of two patterns that match the same path the more specific one serves; if neither is more specific, the
check of the configuration reports them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from urllib.parse import unquote

_NAME = re.compile(r"[^\W\d]\w*")


class BadPattern(ValueError):
    """A path that is not a pattern; the text says why."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A parsed pattern.

    segments: decoded literals, and None for a wildcard.
    names: the wildcards' names in order, with that of `rest`.
    rest: whether everything below matches (at least one more segment, which may be empty).
    """

    text: str
    segments: tuple[str | None, ...]
    names: tuple[str, ...] = ()
    rest: bool = False

    @classmethod
    def parse(cls, text: str, base: str = "") -> Pattern:
        """Return the pattern `text` below the plain path `base`. Raises `BadPattern`."""
        if not text.startswith("/"):
            raise BadPattern(f"a path starts with a slash: write `/{text}`")
        *parts, last = text[1:].split("/")
        names: list[str] = []
        segments = [*base.split("/")[1:], *(_segment(part, names) for part in parts)]
        rest = last == "" or last.endswith("...}")
        if last.endswith("...}"):
            _take(last[1:-4], last, names)
        elif last == "{$}":
            segments.append("")
        elif last:
            segments.append(_segment(last, names))
        return cls(base + text, tuple(segments), tuple(names), rest)

    @property
    def literal(self) -> str | None:
        """The only path that matches, or None if there are several."""
        if self.rest or None in self.segments:
            return None
        return "/" + "/".join(each for each in self.segments if each is not None)


def _segment(part: str, names: list[str]) -> str | None:
    if part.startswith("{") and part.endswith("}"):
        _take(part[1:-1], part, names)
        return None
    if "{" in part or "}" in part:
        raise BadPattern(f"a parameter is a whole segment, `{part}` is not")
    if not part:
        raise BadPattern("an empty segment (`//`) matches nothing")
    if part in (".", ".."):
        raise BadPattern(f"`{part}` as a segment matches nothing")
    if re.search(r"[?#\s]", part):
        raise BadPattern(f"`{part}`: a path has no query, no fragment and no spaces")
    return unquote(part)


def _take(name: str, part: str, names: list[str]) -> None:
    if name.endswith("...") or name == "$":
        raise BadPattern(f"`{part}` can only stand at the end of a path")
    if not _NAME.fullmatch(name):
        raise BadPattern(f"`{part}`: a parameter's name is letters, digits and underscores")
    if name in names:
        raise BadPattern(f"the parameter `{name}` is there twice")
    names.append(name)


class Relation(Enum):
    """How the paths that one pattern matches relate to those of another."""

    DISJOINT = "disjoint"
    EQUAL = "equal"
    WITHIN = "within"
    AROUND = "around"
    OVERLAP = "overlap"


def relation(left: Pattern, right: Pattern) -> Relation:
    """Compare segment by segment. If each pattern is more specific than the other in some segment, they overlap."""
    shared = min(len(left.segments), len(right.segments))
    left_closer = right_closer = False
    for a, b in zip(left.segments, right.segments, strict=False):
        if a == b:
            continue
        if (a is not None and b is not None) or a == "" or b == "":
            return Relation.DISJOINT
        left_closer |= a is not None
        right_closer |= b is not None
    left_more, right_more = (_goes_on(each, shared) for each in (left, right))
    if left_more != right_more:
        # One of them ends here, and a rest needs at least one more segment.
        return Relation.DISJOINT
    if left_more and right_more:
        left_open, right_open = len(left.segments) == shared, len(right.segments) == shared
        left_closer |= right_open and not left_open
        right_closer |= left_open and not right_open
    if left_closer and right_closer:
        return Relation.OVERLAP
    return Relation.WITHIN if left_closer else Relation.AROUND if right_closer else Relation.EQUAL


def _goes_on(pattern: Pattern, shared: int) -> bool:
    return pattern.rest or len(pattern.segments) > shared


def common_path(left: Pattern, right: Pattern) -> str:
    """Return a path that both patterns match, to explain a conflict. They must overlap."""
    length = max(len(left.segments), len(right.segments))
    segments = [_either(left, index) or _either(right, index) or "x" for index in range(length)]
    return "/" + "/".join(segments) + ("/" if left.rest and right.rest else "")


def _either(pattern: Pattern, index: int) -> str | None:
    return pattern.segments[index] if index < len(pattern.segments) else None
