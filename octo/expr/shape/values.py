"""What is known of a value: nothing, its kind, its fields, its elements, or that it is one of several."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

MOST_PARTS: Final = 5_000
MOST_MEMBERS: Final = 16
DEEPEST: Final = 60

ONLY_LIST: Final[frozenset[str] | None] = frozenset(("list",))
_TEXT_ONCE_SETTLED: Final = frozenset(("net.IP", "net.CIDR"))
_SELECTABLE: Final = frozenset(("map", "optional", "dyn"))


@dataclass(frozen=True)
class Shape:
    """Base of all shapes; on its own it means that nothing is known. Two shapes are equal when they say the same.

    parts, depth: its size when written out. Build shapes with the functions below, which keep both in bounds: otherwise
    a chain that doubles a body in every step would double the work as well.
    """

    parts: int = field(default=1, compare=False, repr=False, kw_only=True)
    depth: int = field(default=1, compare=False, repr=False, kw_only=True)

    @property
    def kinds(self) -> frozenset[str] | None:
        """The CEL kinds that the value may have, or None when they are not known."""
        return None

    @property
    def element(self) -> Shape:
        """The shape of an element, if the value is a list."""
        return UNKNOWN

    def select(self, name: str) -> Shape | None:
        """The shape of a field, or None when the value certainly has no field of that name."""
        del name
        return UNKNOWN

    def settled(self) -> Shape:
        """The shape of the value in a body or a variable: there, an address is a string."""
        return self

    def listed(self) -> Shape:
        """The shape of a list of such values."""
        return list_of(self)

    def or_null(self) -> Shape:
        return either(self, NULL)


@dataclass(frozen=True)
class Kind(Shape):
    """A kind, and no more is known: a scalar, or a `map` or `list` of anything."""

    name: str

    @property
    def kinds(self) -> frozenset[str] | None:
        return frozenset((self.name,))

    def select(self, name: str) -> Shape | None:
        del name
        return UNKNOWN if self.name in _SELECTABLE else None

    def settled(self) -> Shape:
        if self.name in _TEXT_ONCE_SETTLED:
            return STRING
        if self.name in {"null", "optional"}:
            return UNKNOWN  # a null in a variable is often a placeholder for a value that is set later
        return INT if self.name == "uint" else self


@dataclass(frozen=True)
class Object(Shape):
    """A map with string keys. These fields are known; when `open`, it may have others."""

    fields: Mapping[str, Shape]
    open: bool = False

    @property
    def kinds(self) -> frozenset[str] | None:
        return frozenset(("map",))

    def select(self, name: str) -> Shape | None:
        return self.fields.get(name, UNKNOWN if self.open else None)

    def settled(self) -> Shape:
        return object_of({name: each.settled() for name, each in self.fields.items()}, is_open=self.open)


@dataclass(frozen=True)
class Items(Shape):
    """A list whose elements all have one shape."""

    of: Shape

    @property
    def kinds(self) -> frozenset[str] | None:
        return frozenset(("list",))

    @property
    def element(self) -> Shape:
        return self.of

    def select(self, name: str) -> Shape | None:
        del name
        return None

    def settled(self) -> Shape:
        return list_of(self.of.settled())


@dataclass(frozen=True)
class Generic(Shape):
    """A value of a type with parameters that is not a list, such as an optional, and the shapes of the parameters."""

    name: str
    of: tuple[Shape, ...]

    @property
    def kinds(self) -> frozenset[str] | None:
        return frozenset((self.name,))

    def settled(self) -> Shape:
        return UNKNOWN


@dataclass(frozen=True)
class OneOf(Shape):
    """A value that has one of several shapes. It counts as having a field when one of them has it."""

    members: tuple[Shape, ...]

    @property
    def kinds(self) -> frozenset[str] | None:
        return frozenset(kind for each in self.members for kind in each.kinds or ())

    @property
    def element(self) -> Shape:
        lists = [each for each in self.members if each.kinds == ONLY_LIST]
        return either(*(each.element for each in lists)) if lists else UNKNOWN

    def select(self, name: str) -> Shape | None:
        found = [shape for each in self.members if (shape := each.select(name)) is not None]
        return either(*found) if found else None

    def settled(self) -> Shape:
        return either(*(each if each == NULL else each.settled() for each in self.members))


UNKNOWN: Final = Shape()
BOOL: Final = Kind("bool")
INT: Final = Kind("int")
DOUBLE: Final = Kind("double")
STRING: Final = Kind("string")
NULL: Final = Kind("null")
BYTES: Final = Kind("bytes")
TIMESTAMP: Final = Kind("timestamp")
DURATION: Final = Kind("duration")
LIST: Final = Kind("list")
MAP: Final = Kind("map")


def object_of(fields: Mapping[str, Shape], *, is_open: bool = False) -> Shape:
    """A map. When it is too large, only the names of its fields are kept."""
    parts, depth = _measure(fields.values())
    if parts > MOST_PARTS or depth > DEEPEST:
        fields = dict.fromkeys(fields, UNKNOWN)
        parts, depth = 1 + len(fields), 2
    return Object(dict(fields), is_open, parts=parts, depth=depth) if parts <= MOST_PARTS else MAP


def list_of(element: Shape) -> Shape:
    parts, depth = _measure((element,))
    if element == UNKNOWN or parts > MOST_PARTS or depth > DEEPEST:
        return LIST
    return Items(element, parts=parts, depth=depth)


def generic(name: str, *of: Shape) -> Shape:
    parts, depth = _measure(of)
    return UNKNOWN if parts > MOST_PARTS or depth > DEEPEST else Generic(name, of, parts=parts, depth=depth)


def either(*shapes: Shape) -> Shape:
    """One of these shapes. Equal shapes count once; of too many, nothing is known."""
    members: list[Shape] = []
    for shape in shapes:
        for each in shape.members if isinstance(shape, OneOf) else (shape,):
            if each.kinds is None or len(members) > MOST_MEMBERS:
                return UNKNOWN
            if each not in members:
                members.append(each)
    if len(members) == 1:
        return members[0]
    parts, depth = _measure(members)
    if not members or len(members) > MOST_MEMBERS or parts > MOST_PARTS or depth > DEEPEST:
        return UNKNOWN
    return OneOf(tuple(members), parts=parts, depth=depth)


def _measure(parts: Iterable[Shape]) -> tuple[int, int]:
    found = list(parts)
    return 1 + sum(each.parts for each in found), 1 + max((each.depth for each in found), default=0)


def objects(shape: Shape) -> list[Object]:
    """The maps with known fields among the shapes that a value may have."""
    members = shape.members if isinstance(shape, OneOf) else (shape,)
    return [each for each in members if isinstance(each, Object)]


def described(shape: Shape) -> str:
    """The kinds of a value as a message names them: `a string`, `a number or null`."""
    kinds = set(shape.kinds or ())
    if kinds >= {"int", "double"}:
        kinds = (kinds - {"int", "double", "uint"}) | {"number"}
    names = sorted(kinds, key=lambda kind: (kind == "null", kind))
    return " or ".join(_article(kind) for kind in names) or "anything"


def _article(kind: str) -> str:
    if kind == "null":
        return kind
    return f"an {kind}" if kind[0] in "aeio" else f"a {kind}"
