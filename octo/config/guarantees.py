"""What is guaranteed of the messages of each flow, from its source to its last block, and what limits it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from octo.config.documents import BlockDoc, Config, FlowDoc
from octo.config.walk import blocks_of
from octo.core.errors import Position
from octo.core.language import Durability
from octo.core.promise import Guarantee, Promise, chosen
from octo.core.settings import Effect, Effectful
from octo.core.sockets import FlowRef, sockets


class Limit(NamedTuple):
    """A block that limits the guarantee of a flow. kind: `lost` with the process, or may happen `twice`."""

    kind: str
    address: str
    at: Position
    why: str


class Guaranteed(NamedTuple):
    """What is guaranteed of the messages that a source brings to a flow."""

    flow: str
    source: str
    guarantee: Guarantee
    at: Position
    limits: tuple[Limit, ...]
    durability: Durability

    def as_json(self) -> dict[str, object]:
        """As `octo check --guarantees --format json` prints it."""
        limits = [
            {"kind": each.kind, "address": each.address, **_placed(each.at), "why": each.why} for each in self.limits
        ]
        return {
            "flow": self.flow, "source": self.source, "guarantee": self.guarantee, "durability": self.durability,
            **_placed(self.at), "limits": limits,
        }  # fmt: skip


def guarantees(config: Config) -> list[Guaranteed]:
    """What is guaranteed of each flow with a source, in the order of the file."""
    return [_of(doc, config.flows) for doc in config.flows.values() if doc.source is not None]


def _of(doc: FlowDoc, flows: Mapping[str, FlowDoc]) -> Guaranteed:
    source = doc.source
    assert source is not None
    promised = chosen(source.type.promises, source.settings).guarantee
    own = []
    if doc.durability == "memory" and promised == "at least once":
        promised = "at most once"
        own.append(Limit("lost", doc.name, doc.at, "tells its source before it runs: `durability: memory`"))
    # Where nobody sends a message again, none comes twice, except where a block repeats it: `octo check` warns of that.
    is_repeated = promised != "at most once"
    is_journalled = doc.durability == "journal"
    for block in _reached(doc, flows):
        if not _is_kept(block, flows):
            own += _limits(block, is_repeated=is_repeated, is_journalled=is_journalled)
    return Guaranteed(doc.name, source.type.name, promised, source.at, tuple(own), doc.durability)


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


def _limits(block: BlockDoc, *, is_repeated: bool, is_journalled: bool) -> Iterator[Limit]:
    if getattr(block.settings, "one_way", False) is True:
        yield Limit("lost", block.address, block.at, "hands over without waiting, and in memory")
    promise = chosen(block.type.promises, block.settings) if block.type.promises else None
    is_unconfirmed = promise is not None and promise.guarantee == "at most once"
    if is_unconfirmed and block.type.calls_outside:
        yield Limit("lost", block.address, block.at, "sends, and nobody confirms it")
    # That a log line may come twice is no limit that its author wants to hear of.
    is_effect = block.type.calls_outside or (promise is not None and not is_unconfirmed)
    if is_journalled and promise is not None and promise.idempotent == "with a key":
        return  # the journal gives it one
    if is_repeated and is_effect and _effect(block.settings, promise) == "once":
        does = f"calls {block.connector}" if block.connector else "sends"
        takes = ", and takes none" if promise is not None and promise.idempotent == "never" else ""
        while_ = ", if the process ends meanwhile" if is_journalled else ""
        yield Limit("twice", block.address, block.at, f"{does} without a key{takes}{while_}")


def _effect(settings: object, promise: Promise | None) -> Effect:
    if isinstance(settings, Effectful):
        return settings.effect
    return "idempotent" if promise is not None and promise.idempotent == "always" else "once"


def _placed(at: Position) -> dict[str, object]:
    return {"file": at.file, "line": at.line, "column": at.column}
