"""Follows the declared `input:` of a flow through its chain, to find what can never work before the flow runs.

No block type is named here. A block says what it does to a message with a method of its settings,

    def shape_after(self, before: State) -> State: ...

which returns the state after the block, and calls `before.of(...)` for each of its expressions, because that checks
them. The expressions of a block without the method are checked on the incoming message; after it nothing is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from octo.config import codes
from octo.config.complaints import complain_of_expression
from octo.config.context import Context
from octo.config.documents import BlockDoc, FlowDoc
from octo.config.model import kinds_at
from octo.config.place import Path, Place
from octo.config.sources import variables
from octo.core.contract import Contract
from octo.core.errors import Position
from octo.core.expressions import Expr, Names
from octo.core.json_schema import BadSchema, Schema
from octo.core.sockets import FlowRef, Steps, sockets
from octo.core.state import Shaped
from octo.expr.errors import NO_SUCH_KEY
from octo.expr.shape import (
    STRING,
    TIMESTAMP,
    UNKNOWN,
    Kind,
    Mistake,
    Shape,
    check_schema,
    either,
    infer,
    object_of,
    shape_of,
)

MOST_CALLS = 8
"""Calls of flows are followed at most this deep."""
MOST_LOOKS = 4
"""A loop is walked at most this often to find the state that it settles in."""

_NOTHING: Mapping[str, Shape] = MappingProxyType({})


def check_inputs(context: Context, flows: Mapping[str, FlowDoc], places: Mapping[str, Place]) -> None:
    """Report what is wrong with the declared inputs, and what in their flows can never work with them.

    places: the place of each flow.
    """
    declared = {name: places[name].get("input") for name, flow in flows.items() if flow.input is not None}
    inputs = {name: found for name, place in declared.items() if (found := _shape(context, place)) is not None}
    walk = _Walk(context, flows, places, inputs)
    for name in inputs:
        walk.check(flows[name])
    walk.results.clear()  # each refers to the walk: a circle would keep the whole configuration


def _shape(context: Context, place: Place | None) -> Shape | None:
    if place is None or place.is_broken:
        return None
    mistakes = check_schema(place.value) or _refused(place.value)
    for path, message, hint in mistakes:
        at = place.walk(path) or place
        context.report.error(codes.INPUT_SCHEMA, at.at, f"`{at.name}`: {message}", hint)
    return None if mistakes else shape_of(place.value)


def _refused(schema: object) -> list[Mistake]:
    """What the library that checks bodies does not take. It knows all keywords, but not what to do about a mistake."""
    try:
        Schema(schema)
    except BadSchema as error:
        return [Mistake(error.path, str(error), error.hint)]
    return []


# --- what is known of a message ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Inferred:
    """What is known of a message at one point of a chain. Variables that are not named may be anything."""

    body: Shape
    vars: Mapping[str, Shape]
    walk: _Walk = field(compare=False, repr=False)

    def of(self, expression: Expr[Any] | None) -> Shape:
        """The shape of an expression's value on this message. Checks the expression too."""
        return UNKNOWN if expression is None else self.walk.expression(expression, self)

    def chain(self, steps: Steps | None) -> Inferred:
        """The state after a chain; the same state when there is no chain. Checks the chain too."""
        return self if steps is None else self.walk.chain(steps.blocks, len(steps.raw), self)

    def call(self, flow: FlowRef) -> Inferred:
        """The state after another flow has run on the message, or dropped it and changed nothing."""
        return self.either(self.walk.result(flow.name))

    def either(self, *others: Inferred) -> Inferred:
        """The state after one of several things happened."""
        shared = set(self.vars).intersection(*(each.vars for each in others))
        known = {name: either(self.vars[name], *(each.vars[name] for each in others)) for name in sorted(shared)}
        return Inferred(either(self.body, *(each.body for each in others)), known, self.walk)

    def repeated(self, once: Callable[[Inferred], Inferred]) -> Inferred:
        """The state after something happened any number of times."""
        return self.walk.repeated(once, self)

    def with_body(self, body: Shape | None = None) -> Inferred:
        """The state with this body, or with an unknown one."""
        return Inferred(UNKNOWN if body is None else body, self.vars, self.walk)

    def with_var(self, name: str, value: Shape) -> Inferred:
        return Inferred(self.body, {**self.vars, name: value}, self.walk)

    def without_var(self, name: str) -> Inferred:
        """The state after the variable was removed, or became unknown."""
        return Inferred(self.body, {key: each for key, each in self.vars.items() if key != name}, self.walk)

    def unknown(self) -> Inferred:
        """The state after something that may have changed everything."""
        return self.walk.nothing

    def failed(self, *, rollback: bool = False) -> Inferred:
        """The state in which a recovery begins. With `rollback` the body is the one of this state."""
        return Inferred(self.body if rollback else UNKNOWN, _NOTHING, self.walk)


# --- the walk ----------------------------------------------------------------------------------------------------


class _Walk:
    """One walk through a configuration.

    quiet: above zero while nothing is reported, because the same blocks are walked again when more is known.
    asked: the fields that expressions of the flow have checked so far (`has(body.x)`): they are never reported missing.
    """

    def __init__(
        self, context: Context, flows: Mapping[str, FlowDoc], places: Mapping[str, Place], inputs: Mapping[str, Shape]
    ) -> None:
        self.context = context
        self.flows = flows
        self.places = places
        self.inputs = inputs
        self.texts = _texts([*places.values(), *(each.place for each in context.processors.values())])
        self.results: dict[str, Inferred] = {}
        self.calls = 0
        self.quiet = 0
        self.asked: frozenset[str] = frozenset()

    @property
    def nothing(self) -> Inferred:
        """The state in which nothing is known."""
        return Inferred(UNKNOWN, _NOTHING, self)

    @contextmanager
    def quietly(self) -> Iterator[None]:
        self.quiet += 1
        try:
            yield
        finally:
            self.quiet -= 1

    def check(self, flow: FlowDoc) -> None:
        try:
            self.flow(flow)
        except RecursionError:
            return  # what was reported so far is true; the rest nests too deep to follow

    def flow(self, flow: FlowDoc) -> Inferred:
        """The state after a flow that does not drop the message."""
        outer, self.asked = self.asked, frozenset()
        try:
            before = self.begin(flow)
            after = self.chain(flow.process, self.written(flow, "process"), before)
            if any(block.type.takes_tail for block in flow.process):
                after = self.nothing  # callers get another message than the rest of the flow works on
            if flow.error is not None:
                after = after.either(self.chain(flow.error, self.written(flow, "error"), before.failed()))
            if flow.contract is not None:
                self.contract(flow.contract, before, after)
            return after
        finally:
            self.asked = outer

    def begin(self, flow: FlowDoc) -> Inferred:
        """The state in which a message comes to a flow."""
        return Inferred(self.inputs.get(flow.name, UNKNOWN), self.brought(flow), self)

    def brought(self, flow: FlowDoc) -> Mapping[str, Shape]:
        """The variables that its messages have, if all of them come from its source."""
        if flow.source is None or any(call.name == flow.name for call, _ in self.context.calls):
            return _NOTHING
        return {name: Kind(kind) for name, kind in (variables(flow.source) or {}).items() if kind != "dyn"}

    def contract(self, contract: Contract, before: Inferred, after: Inferred) -> None:
        came, went = _seen(before), _seen(after)
        for required in contract.requires:
            self.judge(required.that, came)
        for ensured in contract.ensures:
            self.judge(ensured.that, {**went, "input": object_of(came)})

    def written(self, flow: FlowDoc, key: str) -> int:
        """How many blocks the author wrote. A wrong block has no document, so there may be fewer documents."""
        place = self.places[flow.name].get(key)
        return len(place.value) if place is not None and isinstance(place.value, list) else 0

    def result(self, name: str) -> Inferred:
        """The state after a called flow. After a flow that is being walked already, nothing is known."""
        found = self.results.get(name)
        if found is not None or name not in self.flows or self.calls >= MOST_CALLS:
            return found or self.nothing
        self.results[name] = self.nothing
        self.calls += 1
        try:
            with self.quietly():
                self.results[name] = self.flow(self.flows[name])
        finally:
            self.calls -= 1
        return self.results[name]

    def chain(self, blocks: Iterable[BlockDoc], written: int, before: Inferred) -> Inferred:
        """The state after a chain. If one of its blocks could not be read, nothing is known."""
        chain = tuple(blocks)
        if len(chain) != written:
            return self.nothing
        for each in chain:
            before = self.block(each, before)
        return before

    def block(self, block: BlockDoc, before: Inferred) -> Inferred:
        if isinstance(block.settings, Shaped):
            after = block.settings.shape_after(before)
            return after if isinstance(after, Inferred) else self.nothing
        held = list(sockets(block.settings))
        chains = [socket for _, socket in held if isinstance(socket, Steps)]
        for steps in chains:
            self.nothing.chain(steps)
        for path, socket in held:
            # A composite may evaluate its expressions on the message after its chains.
            if isinstance(socket, Expr) and not chains and not _has_names_of_its_own(block, path):
                before.of(socket)
        return self.nothing

    def repeated(self, once: Callable[[Inferred], Inferred], before: Inferred) -> Inferred:
        """Find a state that `once` does not change, and report only what is wrong in that state: a field that is
        missing the first time may be there the second time.
        """
        with self.quietly():
            start = self.settled(once, before)
        if not self.quiet:
            once(start)
        return start

    def settled(self, once: Callable[[Inferred], Inferred], start: Inferred) -> Inferred:
        # In a loop inside another loop, one walk must do: several would multiply the work with every level.
        for _ in range(MOST_LOOKS if self.quiet == 1 else 1):
            after = start.either(once(start))
            if after == start:
                return start
            start = after
        return self.nothing

    def expression(self, expression: Expr[Any], state: Inferred) -> Shape:
        return self.judge(expression, {**_seen(state), "eventID": STRING, "correlationID": STRING, "now": TIMESTAMP})

    def judge(self, expression: Expr[Any], names: Mapping[str, Shape]) -> Shape:
        found = infer(expression.text, names, self.asked)
        self.asked = found.asked
        place = None if expression.at is None else self.texts.get(expression.at)
        for error in found.errors:
            if place is not None and not self.quiet:
                error.code = codes.NO_SUCH_FIELD if error.code == NO_SUCH_KEY else error.code
                complain_of_expression(error, place, self.context.report)
        return found.shape.settled()


# --- what comes to a block, for those who write it ---------------------------------------------------------------


def known_at(context: Context, flows: Mapping[str, FlowDoc]) -> dict[str, Inferred]:
    """What is known of the message that comes to each block, by its address. Nothing is reported.

    To a block that is wrong, as one is while it is written, comes what the last block before it leaves.
    """
    places = {each.address: each.place for each in context.entries if each.kind == "flow" and each.place is not None}
    declared = {name: flow.input for name, flow in flows.items() if flow.input is not None}
    inputs = {name: shape_of(schema) for name, schema in declared.items() if not check_schema(schema)}
    walk = _Look(context, flows, places, inputs)
    for flow in flows.values():
        walk.check(flow)
    walk.results.clear()
    return walk.everywhere()


class _Look(_Walk):
    """A walk that keeps what it knew on its way. begun: by flow. before, after: by block."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.quiet = 1
        self.begun: dict[str, Inferred] = {}
        self.before: dict[str, Inferred] = {}
        self.after: dict[str, Inferred] = {}

    def begin(self, flow: FlowDoc) -> Inferred:
        self.begun[flow.name] = found = super().begin(flow)
        return found

    def chain(self, blocks: Iterable[BlockDoc], written: int, before: Inferred) -> Inferred:
        chain = tuple(blocks)
        for each in chain:
            self.before[each.address] = before
            before = self.after[each.address] = self.block(each, before)
        return before if len(chain) == written else self.nothing

    def everywhere(self) -> dict[str, Inferred]:
        """What comes to each block that is written, whether it is right or wrong."""
        last = dict(self.begun)
        for entry in self.context.entries:
            if entry.kind == "error" and entry.parent in self.begun:
                last[entry.address] = self.begun[entry.parent].failed()
            elif entry.kind == "branch":
                last[entry.address] = self.before.get(entry.parent, self.nothing)
            elif entry.kind == "block":
                found = self.before.setdefault(entry.address, last.get(entry.parent, self.nothing))
                last[entry.parent] = self.after.get(entry.address, found)
        return self.before


def _seen(state: Inferred) -> dict[str, Shape]:
    return {"body": state.body, "vars": object_of(state.vars, is_open=True)}


def _has_names_of_its_own(block: BlockDoc, path: Path) -> bool:
    """Whether the expression at a place of the settings sees other names than a message's."""
    return any(isinstance(note, Names) for kind in kinds_at(type(block.settings), path) for note in kind.notes)


def _texts(places: list[Place]) -> dict[Position, Place]:
    """Every text at or below some places, by its position: an expression knows only its position."""
    found: dict[Position, Place] = {}
    waiting = list(places)
    while waiting:
        place = waiting.pop()
        if isinstance(place.value, str):
            found[place.at] = place
        elif isinstance(place.value, dict):
            waiting += place.fields().values()
        elif isinstance(place.value, list):
            waiting += place.items()
    return found
