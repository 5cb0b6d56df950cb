"""What is guaranteed of the messages of each flow, from its source to its last block, and what limits it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from octo.config.documents import BlockDoc, Config, FlowDoc
from octo.config.walk import blocks_of
from octo.core.errors import Position
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

    def as_json(self) -> dict[str, object]:
        """As `octo check --guarantees --format json` prints it."""
        limits = [
            {"kind": each.kind, "address": each.address, **_placed(each.at), "why": each.why} for each in self.limits
        ]
        return {
            "flow": self.flow, "source": self.source, "guarantee": self.guarantee, **_placed(self.at), "limits": limits
        }  # fmt: skip


def guarantees(config: Config) -> list[Guaranteed]:
    """What is guaranteed of each flow with a source, in the order of the file."""
    return [_of(doc, config.flows) for doc in config.flows.values() if doc.source is not None]


def _of(doc: FlowDoc, flows: Mapping[str, FlowDoc]) -> Guaranteed:
    source = doc.source
    assert source is not None
    promised = chosen(source.type.promises, source.settings).guarantee
    # Where nobody sends a message again, none comes twice, except where a block repeats it: `octo check` warns of that.
    is_repeated = promised != "at most once"
    limits = [limit for block in _reached(doc, flows) for limit in _limits(block, is_repeated=is_repeated)]
    return Guaranteed(doc.name, source.type.name, promised, source.at, tuple(limits))


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


def _limits(block: BlockDoc, *, is_repeated: bool) -> Iterator[Limit]:
    if getattr(block.settings, "one_way", False) is True:
        yield Limit("lost", block.address, block.at, "hands over without waiting, and in memory")
    promise = chosen(block.type.promises, block.settings) if block.type.promises else None
    is_unconfirmed = promise is not None and promise.guarantee == "at most once"
    if is_unconfirmed and block.type.calls_outside:
        yield Limit("lost", block.address, block.at, "sends, and nobody confirms it")
    # That a log line may come twice is no limit that its author wants to hear of.
    is_effect = block.type.calls_outside or (promise is not None and not is_unconfirmed)
    if is_repeated and is_effect and _effect(block.settings, promise) == "once":
        does = f"calls {block.connector}" if block.connector else "sends"
        takes = ", and takes none" if promise is not None and promise.idempotent == "never" else ""
        yield Limit("twice", block.address, block.at, f"{does} without a key{takes}")


def _effect(settings: object, promise: Promise | None) -> Effect:
    if isinstance(settings, Effectful):
        return settings.effect
    return "idempotent" if promise is not None and promise.idempotent == "always" else "once"


def _placed(at: Position) -> dict[str, object]:
    return {"file": at.file, "line": at.line, "column": at.column}
