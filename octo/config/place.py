"""A value of the configuration together with where it was written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from octo.config.yaml import File, Node
from octo.core.errors import Position

Path = tuple[str | int, ...]


@dataclass(eq=False, repr=False)
class Source:
    """A file whose placeholders are replaced.

    used: the variables that a value, or anything below it, contains; by the path of the value.
    broken: the paths of values that contain, at any depth, a placeholder without a value, which is reported already.
    """

    file: File
    value: object
    used: dict[Path, dict[str, None]] = field(default_factory=dict)
    broken: set[Path] = field(default_factory=set)

    @property
    def top(self) -> Place:
        return Place(self, (), self.file.root, self.value)


class Place(NamedTuple):
    """One value in a source. Its children are reached through it, so a value never loses its place."""

    source: Source
    path: Path
    node: Node
    value: object
    key_mark: tuple[int, int] | None = None

    @property
    def at(self) -> Position:
        return self.source.file.at(self.node)

    @property
    def end(self) -> Position:
        """The position after its last character."""
        return self.source.file.end(self.node)

    @property
    def key_at(self) -> Position:
        """The position of the key of this value, or of the value itself when it has no key."""
        return Position(self.source.file.name, *self.key_mark) if self.key_mark else self.at

    @property
    def name(self) -> str:
        """The end of the path, as an author would write it: `port`, `args[0]`."""
        text = ""
        for step in reversed(self.path):
            text = f"[{step}]{text}" if isinstance(step, int) else f"{step}{text}"
            if isinstance(step, str):
                break
        return text

    @property
    def shown(self) -> str:
        """The value for a message: as written if it contains variables, because their values are never shown."""
        return self.node.text if self.variables else str(self.value)

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables that this value, or anything below it, contains."""
        return tuple(self.source.used.get(self.path, ()))

    @property
    def is_broken(self) -> bool:
        return self.path in self.source.broken

    def get(self, key: str | int) -> Place | None:
        inside, value = self.node.value, self.value
        if isinstance(inside, dict) and isinstance(value, dict) and isinstance(key, str) and key in inside:
            return Place(self.source, (*self.path, key), inside[key], value[key], self.node.keys[key])
        if isinstance(inside, list) and isinstance(value, list) and isinstance(key, int) and 0 <= key < len(inside):
            return Place(self.source, (*self.path, key), inside[key], value[key])
        return None

    def said(self, *keys: str) -> str:
        """The first text under one of the keys, even if other parts are wrong; "" if there is none."""
        words = (child.value for key in keys if (child := self.get(key)))
        return next((word for word in words if isinstance(word, str)), "")

    def walk(self, path: Path) -> Place | None:
        place: Place | None = self
        for step in path:
            place = place.get(step) if place else None
        return place

    def fields(self) -> dict[str, Place]:
        """The children of a mapping."""
        names = self.node.value if isinstance(self.node.value, dict) else {}
        return {name: child for name in names if (child := self.get(name))}

    def items(self) -> Iterator[Place]:
        """The children of a list."""
        count = len(self.node.value) if isinstance(self.node.value, list) else 0
        return (child for index in range(count) if (child := self.get(index)))
