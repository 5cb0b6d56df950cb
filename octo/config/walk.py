"""Walks documents: the blocks of a flow at any depth, and the flows that it may call."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from octo.config.documents import BlockDoc, Config, FlowDoc
from octo.core.sockets import FlowRef, Steps, sockets


def blocks_of(doc: FlowDoc) -> Iterator[BlockDoc]:
    """Every block of a flow, at any depth."""
    yield from _deep(doc.process)
    yield from _deep(doc.error or ())


def inside(block: BlockDoc) -> Iterator[BlockDoc]:
    """Every block inside a composite, at any depth."""
    for _, socket in sockets(block.settings):
        if isinstance(socket, Steps):
            yield from _deep(socket.blocks)


def _deep(docs: Iterable[BlockDoc]) -> Iterator[BlockDoc]:
    for doc in docs:
        yield doc
        yield from inside(doc)


def called(doc: FlowDoc) -> set[str]:
    """The flows that a flow calls itself."""
    return {
        socket.name for each in blocks_of(doc) for _, socket in sockets(each.settings) if isinstance(socket, FlowRef)
    }


def reachable(config: Config, flow: str) -> list[FlowDoc]:
    """The flow and all it may call, directly or not."""
    found: dict[str, FlowDoc] = {}
    waiting = [flow]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = config.flows[name]
            waiting.extend(called(found[name]))
    return list(found.values())
