"""The outline of a flow: everything in it that tests can cover, read from its document."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from octo.config.documents import BlockDoc, FlowDoc
from octo.config.model import field_kinds, result_at
from octo.core.errors import Position
from octo.core.expressions import Expr
from octo.core.sockets import Steps, sockets
from octo.expr.decisions import Decision, Watched, watch
from octo.suite.coverage.result import Flow, Item, Kind

Path = tuple[str | int, ...]
Sockets = list[tuple[Path, object]]
Key = tuple[str, str]
"""What is counted: a block, branch or decision, and an outcome of it."""
Seen = Callable[[Key], object]


class Spot(NamedTuple):
    """An item before anything ran. outcomes: the keys under which its outcomes will be counted."""

    kind: Kind
    address: str
    text: str
    at: Position
    outcomes: Mapping[str, Key]
    parts: tuple[Spot, ...] = ()
    type: str = ""

    def counted(self, counts: Mapping[Key, int]) -> Item:
        return Item(
            self.kind,
            self.address,
            self.text,
            self.at,
            {name: counts.get(key, 0) for name, key in self.outcomes.items()},
            counts.get((self.address, "failed"), 0) if self.kind == "block" else 0,
            tuple(part.counted(counts) for part in self.parts),
            self.type,
        )


class Outline(NamedTuple):
    """A flow and what there is to cover in it."""

    name: str
    at: Position
    spots: tuple[Spot, ...]

    def counted(self, counts: Mapping[Key, int]) -> Flow:
        items = tuple(spot.counted(counts) for spot in self.spots)
        return Flow(self.name, self.at, counts.get((self.name, "ran"), 0), items)


def outline(doc: FlowDoc, seen: Seen) -> Outline:
    """Return the outline of a flow. From now on its expressions report the outcome of their decisions to `seen`."""
    spots = _chain(doc.process, seen)
    if doc.error is not None:
        spots += (_branch("error", f"{doc.name}[error]", _chain(doc.error, seen), doc.at),)
    return Outline(doc.name, doc.at, spots)


def _chain(docs: Iterable[BlockDoc], seen: Seen) -> tuple[Spot, ...]:
    return tuple(_block(doc, seen) for doc in docs)


def _block(doc: BlockDoc, seen: Seen) -> Spot:
    found = list(sockets(doc.settings))
    decisions = [
        each for path, socket in found if isinstance(socket, Expr) for each in _decisions(doc, path, socket, seen)
    ]
    branches = [
        _branch("error" if path[-1] == "error" else "branch", socket.address, _chain(socket.blocks, seen), doc.at)
        for path, socket in found
        if isinstance(socket, Steps)
    ]
    parts = (*decisions, *branches, *_absent(doc, found))
    return Spot("block", doc.address, doc.label, doc.at, {"ran": (doc.address, "ran")}, parts, doc.type.name)


def _branch(kind: Kind, address: str, blocks: tuple[Spot, ...], owner: Position) -> Spot:
    """Return the spot of a branch, at the place of its first block: the place of its key is not known."""
    name = address[address.rindex("[") + 1 : -1]
    return Spot(kind, address, name, blocks[0].at if blocks else owner, {"ran": (address, "ran")}, blocks)


def _absent(doc: BlockDoc, found: Sockets) -> list[Spot]:
    """Return the branches that the block could have but does not."""
    key = _passing(doc, found)
    names = [
        info.alias or name
        for name, info in type(doc.settings).model_fields.items()
        if getattr(doc.settings, name) is None and any(each.is_a(Steps) for each in field_kinds(info))
    ]
    return [Spot("branch", f"{doc.address}[{name}]", name, doc.at, {"passed": key}) for name in names if key]


def _passing(doc: BlockDoc, found: Sockets) -> Key | None:
    """Return the key that is counted when no branch is taken: the last condition is false. None if there is none."""
    conditions = [
        (path, socket.program)
        for path, socket in found
        if isinstance(socket, Expr) and result_at(type(doc.settings), path) is bool
    ]
    path, program = conditions[-1] if conditions else ((), None)
    points = program.points if isinstance(program, Watched) else ()
    return next((_decision_key(doc, path, point, "false") for point in points if point.kind == "whole"), None)


# --- decisions ---------------------------------------------------------------------------------------------------


def _decisions(doc: BlockDoc, path: Path, expression: Expr[Any], seen: Seen) -> Iterator[Spot]:
    kind = result_at(type(doc.settings), path)
    if kind is None:
        return

    def decided(number: int, value: bool) -> None:
        seen(_decision_key(doc, path, watched.points[number], "true" if value else "false"))

    watched = watch(expression.program, decided, whole=kind is bool)
    # Invariant: the new function returns what the old one does, so a message under way may use either.
    expression.program, expression.evaluate = watched, Expr(watched, kind).evaluate
    for point in watched.points:
        at, text = _place(doc, path, expression, point)
        outcomes = {name: _decision_key(doc, path, point, name) for name in ("true", "false")}
        yield Spot("decision", doc.address, text, at, outcomes)


def _place(doc: BlockDoc, path: Path, expression: Expr[Any], point: Decision) -> tuple[Position, str]:
    """The place and the text of a decision. Text that came from the environment may be secret and is not shown."""
    if expression.locate is None:
        return expression.at or doc.at, ".".join(map(str, path))
    return expression.locate(point.line, point.column), point.text


def _decision_key(doc: BlockDoc, path: Path, point: Decision, outcome: str) -> Key:
    """The key of a decision, the same in every environment.

    It consists of place and text, because the number of a decision depends on the other decisions.
    """
    return f"{doc.address}:{path}:{point.line}:{point.column}:{point.text}", outcome
