"""Turn documents into running flows: bind blocks to their settings, their connectors and each other.

Invariant: a document is only read; chains and callees go into copies of the settings. So a flow can be compiled
several times, and a message stays in the chains that it began in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from functools import partial
from itertools import pairwise
from typing import Any

from octo.config.documents import BlockDoc, FlowDoc
from octo.config.walk import called, in_circles
from octo.core.block import BlockType, Site, Tending
from octo.core.expressions import Expr
from octo.core.flow import Processor
from octo.core.settings import SettingPath, Settings, Worded
from octo.core.sockets import ConnectorRef, FlowRef, Repeating, Steps, sockets
from octo.core.spending import budgeted, timed
from octo.engine.chain import chain
from octo.engine.events import Bus
from octo.engine.flow import Flow
from octo.engine.late import Judge, besides, late
from octo.engine.lost import Lost
from octo.engine.observe import NOBODY, Observer
from octo.engine.pool import Pool
from octo.engine.recovery import recovering
from octo.engine.step import Step
from octo.engine.tail import Tail
from octo.services.container import NO_SERVICES, Services


def build_flows(
    docs: Iterable[FlowDoc],
    connectors: Mapping[str, Any],
    bus: Bus,
    spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
    observer: Observer = NOBODY,
    judge: Judge = lambda _, __, error: error,
    services: Services = NO_SERVICES,
    live: Mapping[str, Any] | None = None,
) -> dict[str, Flow]:
    """Return the flows by name, ready to run.

    connectors: the opened instances by name; a `Lost` for each whose connection is lost. live: the same, at any time.
    observer: see `octo.engine.observe`. judge: see `Judge`. services: those that the blocks ask for are open.
    """
    docs = list(docs)
    flows = {doc.name: _flow(doc, bus, spawn) for doc in docs}
    recursive = in_circles({doc.name: called(doc) for doc in docs})
    for doc in docs:
        flow = flows[doc.name]
        flow.pool = Pool(doc.pool)
        flow.recursive = doc.name in recursive
        flow.durability = doc.durability
    compile_flows(docs, connectors, flows, observer, judge, services, live)
    return flows


def _flow(doc: FlowDoc, bus: Bus, spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]) -> Flow:
    return Flow(
        doc.name,
        workers=doc.workers,
        buffer=doc.buffer,
        bus=bus,
        spawn=spawn,
        description=doc.description,
        input=doc.input,
    )


def compile_flows(
    docs: Iterable[FlowDoc],
    connectors: Mapping[str, Any],
    flows: Mapping[str, Flow],
    observer: Observer,
    judge: Judge,
    services: Services = NO_SERVICES,
    live: Mapping[str, Any] | None = None,
) -> None:
    """Compile what each of the flows runs, and give it to the flow.

    A flow may be running, and compiled again with another observer or another instance of a connector: the next
    message takes the new chains. May be called in a thread beside the event loop.
    """
    for doc in docs:
        flow = flows[doc.name]
        builder = _Builder(flow, connectors, flows, judge, services, connectors if live is None else live)
        flow.process, *tails = (observer.flow(part, partial(builder.process, part)) for part in _parts(doc))
        for block, process in zip(_taking(doc), tails, strict=True):
            flow.tails[block.address] = process
        flow.tended = list(builder.tended.values())


def _taking(doc: FlowDoc) -> list[BlockDoc]:
    """The blocks of a flow that run the rest of it themselves."""
    return [block for block in doc.process if block.type.takes_tail]


def _parts(doc: FlowDoc) -> list[FlowDoc]:
    """The flow up to its first block that runs the rest itself, the rest up to the next such block, and so on."""
    ends = [index + 1 for index, block in enumerate(doc.process) if block.type.takes_tail]
    first, *rest = (doc.process[start:end] for start, end in pairwise((0, *ends, len(doc.process))))
    # What the flow promises its callers says nothing about the messages that it makes.
    return [doc._replace(process=first), *(doc._replace(process=part, contract=None) for part in rest)]


class _Builder:
    """Compiles the chains of one flow."""

    def __init__(
        self,
        own: Flow,
        connectors: Mapping[str, Any],
        flows: Mapping[str, Flow],
        judge: Judge,
        services: Services,
        live: Mapping[str, Any],
    ) -> None:
        self.own = own
        self.connectors = connectors
        self.flows = flows
        self.judge = judge
        self.services = services
        self.live = live
        self.repeated = 0
        self.tended: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {}

    def bound(self, call: Callable[..., Any], doc: BlockDoc, settings: Settings, asked: BlockType | Tending) -> Any:
        """The call with the settings, and with what it asks for by its parameters."""
        given: dict[str, Any] = {}
        if asked.takes_site:
            given["site"] = Site(self.own.name, doc.label, doc.address, self.own.pool)
        if asked.takes_tail:
            given["tail"] = Tail(self.own, doc.address)
        if asked.services:
            given |= self.services.handed(asked.services)
        return partial(call, settings, **given)

    def process(self, doc: FlowDoc, observer: Observer) -> Processor:
        chain = self.chain(doc.process, doc.name, doc.name, observer)
        error = None if doc.error is None else self.chain(doc.error, doc.name, f"{doc.name}[error]", observer)
        if doc.budget is None:
            return recovering(doc.name, chain, error)
        if doc.budget.seconds is not None:
            chain = timed(chain, doc.budget.seconds)
        return budgeted(recovering(doc.name, chain, error), doc.budget, f'flow "{doc.name}"')

    def chain(self, docs: Iterable[BlockDoc], flow: str, address: str, observer: Observer) -> Processor:
        return observer.branch(address, chain(tuple(self.step(doc, flow, observer) for doc in docs)))

    @contextmanager
    def repeating(self, is_repeated: bool) -> Iterator[None]:
        """A context in which a chain is compiled that may run again for the same message, or is inside of one."""
        self.repeated += is_repeated
        try:
            yield
        finally:
            self.repeated -= is_repeated

    def step(self, doc: BlockDoc, flow: str, observer: Observer) -> Step:
        settings, expressions = _copied(doc.settings), []
        for path, socket in sockets(settings):
            if isinstance(socket, Steps):
                with self.repeating(isinstance(settings, Repeating) and settings.repeated is socket):
                    socket.run = self.chain(socket.blocks, flow, socket.address, observer)
            elif isinstance(socket, FlowRef):
                socket.target = self.flows[socket.name]
            elif isinstance(socket, ConnectorRef):
                socket.target = besides(socket.name, self.live, self.judge)
            elif isinstance(socket, Expr):
                expressions.append((_name(doc.type.name, settings, path), socket))
        call, judge = doc.type.function, None
        if doc.connector is not None and self.repeated:
            call = late(call, doc.connector, self.live, self.judge)
        elif doc.connector is not None:
            instance = self.connectors[doc.connector]
            call = instance.refuse if isinstance(instance, Lost) else partial(call, instance)
            judge = partial(self.judge, doc.connector, instance)
        call = self.bound(call, doc, settings, doc.type)
        if (tending := doc.type.tending) is not None:  # observers may build the block more than once
            self.tended[doc.address] = self.bound(tending.function, doc, settings, tending)
        return observer.step(
            Step(call, doc.label, doc.address, doc.at, tuple(expressions), doc.type.name, doc.connector, judge)
        )


def _name(type: str, settings: Settings, path: SettingPath) -> str:  # noqa: A002  the language's own word
    """How errors name the expression at the path: as the settings say, else e.g. `enrich setVars["t"]`."""
    if isinstance(settings, Worded) and (wording := settings.wording(path)) is not None:
        return wording
    key, *rest = path
    return f"{type} {key}" + "".join(f"[{each}]" if isinstance(each, int) else f'["{each}"]' for each in rest)


def _copied(settings: Settings) -> Settings:
    """The settings, copied if chains or callees will be put into them."""
    is_open = any(isinstance(each, Steps | FlowRef | ConnectorRef) for _, each in sockets(settings))
    return deepcopy(settings) if is_open else settings
