"""Walks documents: the blocks of a flow at any depth, the flows that it may call, and those that call in a circle."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from octo.config.documents import BlockDoc, Config, FlowDoc
from octo.core.sockets import ConnectorRef, FlowRef, Steps, sockets


def blocks_of(doc: FlowDoc) -> Iterator[BlockDoc]:
    """Every block of a flow, at any depth."""
    yield from deep(doc.process)
    yield from deep(doc.error or ())


def inside(block: BlockDoc) -> Iterator[BlockDoc]:
    """Every block inside a composite, at any depth."""
    for _, socket in sockets(block.settings):
        if isinstance(socket, Steps):
            yield from deep(socket.blocks)


def deep(docs: Iterable[BlockDoc]) -> Iterator[BlockDoc]:
    """Every block of a chain, at any depth."""
    for doc in docs:
        yield doc
        yield from inside(doc)


def connectors_of(block: BlockDoc) -> Iterator[str]:
    """The connectors that a block itself uses: its own, and those that its settings name."""
    if block.connector is not None:
        yield block.connector
    yield from (socket.name for _, socket in sockets(block.settings) if isinstance(socket, ConnectorRef))


def called(doc: FlowDoc) -> set[str]:
    """The flows that a flow calls itself."""
    return {
        socket.name for each in blocks_of(doc) for _, socket in sockets(each.settings) if isinstance(socket, FlowRef)
    }


def queue_of(doc: FlowDoc) -> str | None:
    """The queue of the runtime that a flow takes its messages from."""
    if doc.source is None or doc.source.type.name != "queue":
        return None
    subject = getattr(doc.source.settings, "subject", None)
    return subject if isinstance(subject, str) else None


def reachable(config: Config, flow: str) -> list[FlowDoc]:
    """The flow and all it may call, directly or not, with those that take its dead letters."""
    found: dict[str, FlowDoc] = {}
    waiting = [flow]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = config.flows[name]
            waiting.extend(called(found[name]))
            lost = found[name].dead_letter
            waiting += [lost.target] if lost is not None and lost.kind == "flow" else []
    return list(found.values())


def in_circles(calls: Mapping[str, set[str]]) -> set[str]:
    """The flows that can reach themselves, and those on a way between two such flows, which it does not harm.

    A flow that calls no other flow cannot be on a cycle, nor can a flow that none calls. Removing such flows until
    there are no more takes time in proportion to the calls.
    """
    callers: dict[str, set[str]] = {name: set() for name in calls}
    for name, names in calls.items():
        for each in names:
            callers[each].add(name)
    return set(calls) - _loose(calls, callers) - _loose(callers, calls)


def _loose(forth: Mapping[str, set[str]], back: Mapping[str, set[str]]) -> set[str]:
    """The names from which every path ends, because none leads into a cycle."""
    open_ways = {name: len(ways) for name, ways in forth.items()}
    ended = [name for name, ways in open_ways.items() if not ways]
    for name in ended:
        for each in back[name]:
            open_ways[each] -= 1
            if not open_ways[each]:
                ended.append(each)
    return set(ended)
