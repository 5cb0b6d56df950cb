"""Documents become running flows: blocks are bound to their settings, connectors and each other."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from octo.config.documents import BlockDoc, Config, FlowDoc
from octo.core.block import Site
from octo.core.flow import Processor
from octo.core.settings import Expr, FlowRef, Steps, sockets
from octo.engine.chain import Step, chain
from octo.engine.events import Bus
from octo.engine.flow import Flow
from octo.engine.observe import Observer
from octo.engine.pool import Pool


def build_flows(
    docs: Iterable[FlowDoc],
    connectors: Mapping[str, Any],
    bus: Bus,
    spawn: Callable[[Coroutine[Any, Any, None]], object],
    observer: Observer | None = None,
) -> dict[str, Flow]:
    """Flows by name, ready to run. `connectors` are the opened instances by name.

    observer: see `octo.engine.observe`.
    """
    docs = list(docs)
    flows = {doc.name: Flow(doc.name, workers=doc.workers, buffer=doc.buffer, bus=bus, spawn=spawn) for doc in docs}
    recursive = _recursive({doc.name: _called(doc) for doc in docs})
    for doc in docs:
        flow = flows[doc.name]
        flow.pool = Pool(doc.pool)
        flow.recursive = doc.name in recursive
        compile_flow(doc, connectors, flows, observer)
    return flows


def compile_flow(
    doc: FlowDoc, connectors: Mapping[str, Any], flows: Mapping[str, Flow], observer: Observer | None = None
) -> None:
    """Give a flow its chains; may be done again, with other observers, while it runs: the next message takes them."""
    flow = flows[doc.name]
    builder = _Builder(doc.name, flow.pool, connectors, flows, observer)
    flow.chain = builder.chain(doc.process, doc.name)
    flow.error = None if doc.error is None else builder.chain(doc.error, f"{doc.name}[error]")
    flow.process = flow.unobserved if observer is None else observer.flow(doc, flow.unobserved)


class _Builder:
    """Compiles the chains of one flow."""

    def __init__(
        self,
        flow: str,
        pool: Pool,
        connectors: Mapping[str, Any],
        flows: Mapping[str, Flow],
        observer: Observer | None,
    ) -> None:
        self.flow = flow
        self.pool = pool
        self.connectors = connectors
        self.flows = flows
        self.observer = observer

    def chain(self, docs: Iterable[BlockDoc], address: str) -> Processor:
        compiled = chain(tuple(self.step(doc) for doc in docs))
        return compiled if self.observer is None else self.observer.branch(address, compiled)

    def step(self, doc: BlockDoc) -> Step:
        expressions = []
        for _, socket in sockets(doc.settings):
            if isinstance(socket, Steps):
                socket.run = self.chain(socket.blocks, socket.address)
            elif isinstance(socket, FlowRef):
                socket.target = self.flows[socket.name]
            elif isinstance(socket, Expr):
                expressions.append(socket)
        call = (
            doc.type.function if doc.connector is None else partial(doc.type.function, self.connectors[doc.connector])
        )
        call = partial(call, doc.settings)
        if doc.type.takes_site:
            call = partial(call, site=Site(self.flow, doc.label, doc.address, self.pool))
        step = Step(call, doc.label, doc.address, doc.at, tuple(expressions), doc.type.name, doc.connector)
        return step if self.observer is None else self.observer.step(step)


def blocks_of(doc: FlowDoc) -> Iterator[BlockDoc]:
    """Every block of a flow, at any depth."""
    yield from _deep(doc.process)
    yield from _deep(doc.error or ())


def _deep(docs: Iterable[BlockDoc]) -> Iterator[BlockDoc]:
    for doc in docs:
        yield doc
        for _, socket in sockets(doc.settings):
            if isinstance(socket, Steps):
                yield from _deep(socket.blocks)


def _called(doc: FlowDoc) -> set[str]:
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
            waiting.extend(_called(found[name]))
    return list(found.values())


def _recursive(calls: Mapping[str, set[str]]) -> set[str]:
    """The flows that can reach themselves, and those on a way between two such; the latter do not mind.

    Whoever calls nobody that is left cannot be on a cycle, nor can whoever is not called: taking them away until none
    is left takes time in proportion to the calls.
    """
    callers: dict[str, set[str]] = {name: set() for name in calls}
    for name, called in calls.items():
        for each in called:
            callers[each].add(name)
    return set(calls) - _loose(calls, callers) - _loose(callers, calls)


def _loose(forth: Mapping[str, set[str]], back: Mapping[str, set[str]]) -> set[str]:
    """The names from which every way ends."""
    open_ways = {name: len(ways) for name, ways in forth.items()}
    ended = [name for name, ways in open_ways.items() if not ways]
    for name in ended:
        for each in back[name]:
            open_ways[each] -= 1
            if not open_ways[each]:
                ended.append(each)
    return set(ended)
