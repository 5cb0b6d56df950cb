"""What is guaranteed of the messages of each flow, from its source to its last block, and what limits it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from octo.config.documents import BlockDoc, Config, FlowDoc
from octo.config.walk import blocks_of
from octo.core.errors import Position
from octo.core.language import Durability
from octo.core.promise import Guarantee, Promise, Step, chosen
from octo.core.settings import Effectful
from octo.core.sockets import FlowRef, sockets


class Effect(NamedTuple):
    """A block that changes something outside, and why a repeat changes nothing more there; "" if it does."""

    address: str
    at: Position
    promise: Promise | None
    once: str


class Limit(NamedTuple):
    """A block that limits the guarantee of a flow. kind: `lost` with the process, or may happen `twice`."""

    kind: str
    address: str
    at: Position
    why: str


class Guaranteed(NamedTuple):
    """What is guaranteed of the messages that a source brings to a flow.

    source: its type, "" for the calls of a flow without one that has a journal.
    steps: in their order, with those of `durability`. effects: of its blocks, and of those of the flows that it calls.
    """

    flow: str
    source: str
    guarantee: Guarantee
    at: Position
    limits: tuple[Limit, ...]
    durability: Durability
    steps: tuple[Step, ...]
    effects: tuple[Effect, ...]

    def as_json(self) -> dict[str, object]:
        """As `octo check --guarantees --format json` prints it."""
        limits = [
            {"kind": each.kind, "address": each.address, **_placed(each.at), "why": each.why} for each in self.limits
        ]
        effects = [
            {"address": each.address, **_placed(each.at), "once": each.once, **(each.promise or _UNKNOWN).as_json()}
            for each in self.effects
        ]
        return {
            "flow": self.flow, "source": self.source, "guarantee": self.guarantee, "durability": self.durability,
            "steps": list(self.steps), **_placed(self.at), "limits": limits, "effects": effects,
        }  # fmt: skip


_UNKNOWN = Promise("answered", (), "", "never")
"""What is taken for granted of a call to another system that promises nothing."""


_ACCEPTED = Promise("at least once", ("flow",))
"""What a journal gives to a call that it has accepted: it goes on until the flow has ended."""


def guarantees(config: Config) -> list[Guaranteed]:
    """What is guaranteed of each flow with a source or a journal, in the order of the file."""
    docs = config.flows.values()
    return [_of(doc, config.flows) for doc in docs if doc.source is not None or doc.durability == "journal"]


def _of(doc: FlowDoc, flows: Mapping[str, FlowDoc]) -> Guaranteed:
    source = doc.source
    promise = _ACCEPTED if source is None else chosen(source.type.promises, source.settings)
    name, at = ("", doc.at) if source is None else (source.type.name, source.at)
    promised = promise.guarantee
    own: list[Limit] = []
    effects: list[Effect] = []
    if doc.durability == "memory" and promised == "at least once":
        promised = "at most once"
        own.append(Limit("lost", doc.name, doc.at, "tells its source before it runs: `durability: memory`"))
    # Where nobody sends a message again, none comes twice, except where a block repeats it: `octo check` warns of that.
    is_repeated = promised != "at most once"
    is_journalled = doc.durability == "journal"
    for block in _reached(doc, flows):
        if not _is_kept(block, flows):
            effect = _effect(block, is_journalled=is_journalled)
            effects += [effect] if effect else []
            own += _limits(block, effect, is_repeated=is_repeated, is_journalled=is_journalled)
    steps = _steps(promise, doc.durability)
    return Guaranteed(doc.name, name, promised, at, tuple(own), doc.durability, steps, (*effects,))


def _steps(promise: Promise, durability: Durability) -> tuple[Step, ...]:
    """The steps of the source, in the order that the flow's `durability` gives them."""
    if durability == "journal":
        return ("record", *(step for step in promise.steps if step != "record"))
    if durability == "memory" and promise.guarantee == "at least once":
        return (*(step for step in promise.steps if step not in ("flow", "reply")), "flow")
    return promise.steps


def _is_kept(block: BlockDoc, flows: Mapping[str, FlowDoc]) -> bool:
    """Whether the block hands the message to a flow that accepts it into its journal."""
    called = [socket.name for _, socket in sockets(block.settings) if isinstance(socket, FlowRef)]
    return bool(called) and all(name in flows and flows[name].durability == "journal" for name in called)


def _reached(doc: FlowDoc, flows: Mapping[str, FlowDoc]) -> Iterator[BlockDoc]:
    """The blocks of the flow, and of the flows that it calls."""
    waiting, entered = list(blocks_of(doc)), {doc.name}
    while waiting:
        block = waiting.pop(0)
        yield block
        for _, socket in sockets(block.settings):
            if isinstance(socket, FlowRef) and socket.name in flows and socket.name not in entered:
                entered.add(socket.name)
                waiting += blocks_of(flows[socket.name])


def _effect(block: BlockDoc, *, is_journalled: bool) -> Effect | None:
    """What the block changes outside; None if it changes nothing there, or only a log."""
    type_, settings = block.type, block.settings
    promise = chosen(type_.promises, settings) if type_.promises else None
    # That a log line may come twice, or get lost, is no limit that its author wants to hear of.
    if not type_.calls_outside and (promise is None or promise.guarantee == "at most once"):
        return None
    does = settings.effect if isinstance(settings, Effectful) else "once"
    if does == "safe":
        return None
    return Effect(block.address, block.at, promise, _once(promise, does, is_journalled=is_journalled))


def _once(promise: Promise | None, does: str, *, is_journalled: bool) -> str:
    """Why a repeat of the call changes nothing more; "" if it does."""
    idempotent = "never" if promise is None else promise.idempotent
    if idempotent == "always" or (does == "idempotent" and idempotent != "with a key"):
        return "a repeat changes nothing more"
    if does == "idempotent":
        return "the other side knows a repeat by its key or its method"
    return "the journal gives it a key" if is_journalled and idempotent == "with a key" else ""


def _limits(block: BlockDoc, effect: Effect | None, *, is_repeated: bool, is_journalled: bool) -> Iterator[Limit]:
    if getattr(block.settings, "one_way", False) is True:
        yield Limit("lost", block.address, block.at, "hands over without waiting, and in memory")
    if effect is None:
        return
    promise = effect.promise
    if promise is not None and promise.guarantee == "at most once":
        yield Limit("lost", block.address, block.at, "sends, and nobody confirms it")
    if is_repeated and not effect.once:
        does = f"calls {block.connector}" if block.connector else "sends"
        takes = ", and takes none" if promise is not None and promise.idempotent == "never" else ""
        while_ = ", if the process ends meanwhile" if is_journalled else ""
        yield Limit("twice", block.address, block.at, f"{does} without a key{takes}{while_}")


def _placed(at: Position) -> dict[str, object]:
    return {"file": at.file, "line": at.line, "column": at.column}
