"""A configuration as detectors look at it: values as written, documents, pieces of expressions, and where they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from octo.config.documents import BlockDoc, Config, ConnectorDoc, FlowDoc, SourceDoc
from octo.config.place import Place
from octo.config.report import Report
from octo.config.substitute import literal
from octo.config.walk import blocks_of
from octo.config.yaml import read
from octo.core.errors import Position
from octo.core.expressions import Expr
from octo.core.settings import Settings
from octo.core.sockets import sockets
from octo.expr.nodes import Node, children
from octo.expr.parser import parse


class Piece(NamedTuple):
    """A piece of an expression."""

    expression: Expr[Any]
    node: Node

    @property
    def at(self) -> Position:
        expression = self.expression
        if expression.locate is None:
            return expression.at or Position("")
        before = expression.text[: self.node.anchor]
        return expression.locate(before.count("\n") + 1, self.node.anchor - before.rfind("\n"))


class Seen:
    """A checked configuration and its files.

    Detectors know components by the names that authors write, never their classes: a type of an installed package may
    have the same settings.
    """

    def __init__(self, config: Config, texts: Iterable[tuple[str, bytes]]) -> None:
        self.config = config
        found = (read(data, name, Report()) for name, data in texts)
        tops = [literal(file).top for file in found if file is not None]
        self.values = [value for top in tops for value in _deep(top)]
        self._mappings = {value.at: value for value in self.values if isinstance(value.value, dict)}

    def connectors(self, type_: str) -> Iterator[ConnectorDoc]:
        """Those that are declared, not the default instances that blocks and sources share."""
        for each in self.config.connectors.values():
            mapping = self._mappings.get(each.at)
            if each.type.name == type_ and mapping is not None and mapping.path[:1] == ("connectors",):
                yield each

    def sources(self, type_: str) -> Iterator[tuple[FlowDoc, SourceDoc]]:
        for flow in self.config.flows.values():
            if flow.source is not None and flow.source.type.name == type_:
                yield flow, flow.source

    def blocks(self, *types: str) -> Iterator[BlockDoc]:
        """The blocks of these types, or all."""
        for flow in self.config.flows.values():
            yield from (each for each in blocks_of(flow) if not types or each.type.name in types)

    def has(self, at: Position, key: str) -> bool:
        """Whether the mapping that begins there has the key, itself or under `settings`."""
        return self.place(at, key) is not None

    def place(self, at: Position, key: str) -> Place | None:
        mapping = self._mappings.get(at)
        if mapping is None:
            return None
        settings = mapping.get("settings")
        return mapping.get(key) or (settings.get(key) if settings else None)

    def at(self, at: Position, key: str) -> Position:
        """The position of the key, or of the mapping if it has none: the value may come from a processor."""
        place = self.place(at, key)
        return place.key_at if place else at

    def pieces(self, *types: str) -> Iterator[Piece]:
        """Every piece of every expression of the blocks of these types, or of all blocks."""
        for block in self.blocks(*types):
            for expression in expressions(block.settings):
                yield from pieces(expression)


def expressions(settings: Settings) -> list[Expr[Any]]:
    return [socket for _, socket in sockets(settings) if isinstance(socket, Expr)]


def pieces(expression: Expr[Any]) -> Iterator[Piece]:
    waiting = [parse(expression.text)]
    while waiting:
        node = waiting.pop()
        waiting += children(node)
        yield Piece(expression, node)


def written(settings: Settings, name: str) -> bool:
    """Whether an author wrote this setting, by its Python name."""
    return name in settings.model_fields_set


def _deep(place: Place) -> Iterator[Place]:
    waiting = [place]
    while waiting:
        place = waiting.pop()
        yield place
        waiting += [*place.fields().values(), *place.items()]
