"""A generation: one running configuration.

Life of a generation: `open` (connectors in order, then flows; nothing is fed yet), `feed` (sources start), `starve`
(sources stop), `drain` (what is in flight finishes, connectors are released in reverse). A reload opens the next
generation beside this one; then the new one is fed and the old one starved between two messages.

While the connection of a connector is being opened again, its sources rest and its blocks refuse; see `connections`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

from octo.config.documents import Config, DeadLetterDoc, FlowDoc, SourceDoc
from octo.config.walk import blocks_of
from octo.core.errors import Disconnected
from octo.core.language import JOURNAL_SERVICES
from octo.core.log import fields
from octo.core.powers import Draining, Leaving
from octo.core.source import Outlet
from octo.engine.background import in_background
from octo.engine.build import build_flows, compile_flows
from octo.engine.burial import Burial, Grave, InFile, InFlow, InQueue
from octo.engine.burying import BuryingInlet
from octo.engine.connections import Connection, Connections
from octo.engine.events import Bus
from octo.engine.feeding import Feed
from octo.engine.flow import Flow, FlowInlet
from octo.engine.holding_inlet import HoldingInlet
from octo.engine.journal.journal import Journal
from octo.engine.journal.observer import Journaling, journalled
from octo.engine.lost import Lost
from octo.engine.moving import Moving, Resume
from octo.engine.observe import NOBODY, Observer, Observers
from octo.engine.pinned import Pinned
from octo.engine.resuming import Resuming
from octo.engine.services import open_services
from octo.engine.tending import Tended
from octo.engine.work import Work

log = logging.getLogger("octo.engine")

LAST_WORD = 1.0
"""Seconds at the end of the drain deadline, at most a tenth of it, to settle the deliveries whose work was cancelled.
A source that does not take its verdict in that time cannot keep a process beyond its deadline."""


class Generation:
    """See the module.

    first: whether this is the first of the processes that run the configuration; only it runs sources with `once`.
    observer: see `octo.engine.observe`. resume: see `octo.engine.moving`.
    number: counts the generations of a process from 1; `Service` sets it.
    instances: the opened connectors by name; a `Lost` for each whose connection is lost.

    Invariants:
    - Code that starts or stops sources holds `_feeding`: a connection may be lost, or open again, during a reload.
    - Flows are compiled while `_compiling` is held, each time with the instances and the observer of that moment: so
      those that are replaced while the flows are being compiled in the background are not forgotten.
    - `_pushing` has the exit stack of every push source that was entered and not left yet.
    """

    def __init__(
        self,
        config: Config,
        connections: Connections,
        bus: Bus,
        tasks: asyncio.TaskGroup,
        *,
        first: bool = True,
        observer: Observer = NOBODY,
        resume: Resume = "own",
    ) -> None:
        # A mapping of its own, which `dissolve` empties: whoever read the configuration may use it again.
        self.config = config._replace(flows=dict(config.flows))
        self.flows: dict[str, Flow] = {}
        self._connections = connections
        self._services = connections.services
        self._bus = bus
        self._tasks = tasks
        self._first = first
        self._resume = resume
        self.observer = observer
        self.number = 1
        self._held: dict[str, Connection] = {}
        self.instances: dict[str, Any] = {}
        self._work = Work(tasks)
        self._feeds: dict[str, Feed] = {}
        self._tended = Tended(tasks.create_task)
        self._pushing: dict[str, AsyncExitStack] = {}
        self._feeding = asyncio.Lock()
        self._compiling = asyncio.Lock()
        self._is_fed = False
        self._journal: Journal | None = None
        self._pinned: Pinned | None = None
        self._moving: Moving | None = None
        self._campaign: asyncio.Task[None] | None = None
        self._resuming: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Open the connectors and build the flows. If one of them fails, all that were opened are released."""
        try:
            await open_services(self.config, self._services)
            for doc in self.config.connectors.values():
                held = self._held[doc.name] = await self._connections.acquire(doc, self)
                self.instances[doc.name] = held.instance
            await self._open_journal()
            async with self._compiling:
                self.observer.begin(self.number)
                self.flows = await in_background(
                    build_flows,
                    self.config.flows.values(),
                    dict(self.instances),
                    self._bus,
                    self._work.spawn,
                    self._watching,
                    self._judge,
                    self._services,
                    self.instances,
                )
        except BaseException:
            await self._release()
            raise
        for name in journalled(self.config):
            self.flows[name].journal, self.flows[name].moving = self._journal, self._moving
        self._feeds = {doc.name: self._feed(doc, source) for doc, source in self._sources(push=False)}

    async def _open_journal(self) -> None:
        if not journalled(self.config):
            return
        found = self._services.handed(self._services.for_journal(JOURNAL_SERVICES))
        store, leases = (found[each] for each in JOURNAL_SERVICES)
        self._journal = Journal(self.config.name, self.config.version, store, leases)  # type: ignore[arg-type]
        self._moving = Moving(self.config, self._resume, store)  # type: ignore[arg-type]
        self._pinned = Pinned(self.config, store, self._opened_beside)  # type: ignore[arg-type]
        await self._pinned.keep()
        self._campaign = self._tasks.create_task(self._journal.candidate.live())

    async def _opened_beside(self, config: Config) -> Generation:
        """Another configuration that takes no messages of its own, and ends with this one."""
        beside = Generation(config, self._connections, self._bus, self._tasks, first=False, observer=self.observer)
        await beside.open()
        beside._prepare_burials()
        return beside

    @property
    def _watching(self) -> Observer:
        """The observer, and the journal around it."""
        if self._journal is None or self._pinned is None or self._moving is None:
            return self.observer
        journaling = Journaling(self.config, self._journal, self._moving.version_of, self._pinned.elsewhere)
        return Observers((self.observer, journaling))

    def _feed(self, doc: FlowDoc, source: SourceDoc) -> Feed:
        lost = partial(self.lose, source.connector)
        given = self._services.handed(source.type.services)
        if source.type.takes_site:
            given["site"] = Outlet(doc.name, source.connector, self.config.name)
        return Feed(self.flows[doc.name], source, self._work, self._tasks.create_task, lost, given)

    async def observe(self, observer: Observer) -> None:
        """Replace the observer; messages that come after this has returned are observed."""
        if observer is self.observer:
            async with self._compiling:
                return
        self.observer = observer
        observer.begin(self.number)
        await self._compile(lambda _: True)

    async def _compile(self, is_wanted: Callable[[FlowDoc], bool]) -> None:
        """Compile flows again, with the observer and the instances of this moment."""
        async with self._compiling:
            docs = [doc for doc in self.config.flows.values() if doc.name in self.flows and is_wanted(doc)]
            instances = dict(self.instances)
            await in_background(
                compile_flows,
                docs,
                instances,
                self.flows,
                self._watching,
                self._judge,
                self._services,
                self.instances,
            )

    # --- sources -------------------------------------------------------------------------------------------------

    async def feed(self, old: Generation | None = None) -> None:
        """Start the sources, and stop those of `old`.

        New push sources enter before the old ones leave, so callers find a route at any time. New pull sources start
        after the old ones have stopped, so nothing is read twice.
        """
        self._prepare_burials()
        if self._moving is not None:
            await self._moving.claim()
        async with self._feeding:
            try:
                await self._enter(self.config.connectors)
            except BaseException:
                await self._leave()
                raise
            if old is not None:
                await old.starve()
            self._pull(self.config.connectors)
            self._tended.start(self.flows.values())
            self._go_on()
            self._is_fed = True

    def _go_on(self) -> None:
        """Look for messages that go on nowhere."""
        if self._journal is not None and self._pinned is not None and self._moving is not None:
            resuming = Resuming(self._journal, self.flows, self._work, self._moving.version_of, self._pinned.flow)
            self._resuming = self._tasks.create_task(resuming.live())

    def _prepare_burials(self) -> None:
        for doc in self.config.flows.values():
            if doc.source is not None or doc.dead_letter is not None:
                grave = None if doc.dead_letter is None else self._grave(doc.dead_letter)
                self.flows[doc.name].burial = Burial(doc.name, self.config.version, grave, self._work.spawn)

    def _grave(self, doc: DeadLetterDoc) -> Grave:
        if doc.kind == "queue":
            return InQueue(self._services.handed({"queues": "queues"})["queues"], doc.target)  # type: ignore[arg-type]
        return InFile(Path(doc.target)) if doc.kind == "file" else InFlow(self.flows[doc.target])

    async def starve(self) -> None:
        """Stop the sources: no new message comes in."""
        async with self._feeding:
            self._is_fed = False
            if self._resuming is not None:
                self._resuming.cancel()
            await self._leave()
            await asyncio.gather(self._tended.stop(), *(feed.stop() for feed in self._feeds.values()))

    def _sources(self, *, push: bool) -> Iterable[tuple[FlowDoc, SourceDoc]]:
        for doc in self.config.flows.values():
            if doc.source is None or doc.source.type.is_push is not push:
                continue
            if self._first or not doc.source.type.once:
                yield doc, doc.source

    async def _enter(self, connectors: Iterable[str]) -> None:
        for doc, source in self._sources(push=True):
            instance = self.instances[source.connector]
            if source.connector not in connectors or isinstance(instance, Lost):
                continue
            log.info("starting flow", extra=fields(flow=doc.name, source=source.type.name, workers=doc.workers))
            inlet = self._inlet(doc.name, source.connector)
            handed = self._services.handed(source.type.services)
            entering = source.type.function(instance, source.settings, inlet, **handed)
            self._pushing[doc.name] = AsyncExitStack()
            await self._pushing[doc.name].enter_async_context(entering)

    def _inlet(self, name: str, connector: str) -> FlowInlet:
        flow = self.flows[name]
        if flow.burial is None or flow.burial.grave is None:
            inlet = FlowInlet(flow, connector, self.config.name)
        else:
            inlet = BuryingInlet(flow, flow.burial, connector, self.config.name)
        return inlet if flow.journal is None else HoldingInlet(flow, inlet)

    async def _leave(self) -> None:
        async with AsyncExitStack() as leaving:
            while self._pushing:
                leaving.push_async_exit(self._pushing.pop(next(iter(self._pushing))))

    def _pull(self, connectors: Iterable[str]) -> None:
        for feed in self._feeds.values():
            instance = self.instances[feed.connector]
            if feed.connector in connectors and not isinstance(instance, Lost):
                feed.start(instance)

    @property
    def broken(self) -> Mapping[str, str]:
        """What is wrong with the pull source of a flow, by the flow's name."""
        return {name: feed.broken for name, feed in self._feeds.items() if feed.broken}

    @property
    def stalled(self) -> Mapping[str, str]:
        """Why no message seems to move in a flow that a pull source feeds, by the flow's name."""
        return {name: why for name, feed in self._feeds.items() if (why := feed.stalled)}

    @property
    def fed(self) -> Iterable[str]:
        """The names of the flows that a pull source feeds in this process."""
        return self._feeds

    # --- lost connections ----------------------------------------------------------------------------------------

    def lose(self, connector: str, instance: Any, error: Disconnected) -> None:
        """Note that the connection of this instance is gone; it is opened again."""
        self._held[connector].lose(instance, error)

    def _judge(self, connector: str, instance: Any, error: Exception) -> Exception:
        return self._held[connector].judge(instance, error)

    async def part(self, connector: str, lost: Lost) -> None:
        """Stop the sources of the connector, and let its blocks raise `Disconnected`."""
        async with self._feeding:
            await self._replace(connector, lost)
            for doc, source in self._sources(push=True):
                if source.connector == connector and doc.name in self._pushing:
                    await self._pushing.pop(doc.name).aclose()
            await asyncio.gather(*(feed.stop() for feed in self._feeds.values() if feed.connector == connector))

    async def join(self, connector: str, instance: Any) -> None:
        """Start the sources of the connector on a new instance, and let its blocks use it."""
        async with self._feeding:
            await self._replace(connector, instance)
            if self._is_fed:
                await self._enter((connector,))
                self._pull((connector,))

    async def _replace(self, connector: str, instance: Any) -> None:
        self.instances[connector] = instance
        await self._compile(lambda doc: any(block.connector == connector for block in blocks_of(doc)))

    # --- the end -------------------------------------------------------------------------------------------------

    def leaving(self, seconds: float) -> None:
        """Let the connectors send their callers elsewhere: `starve` follows in so many seconds."""
        for instance in self.instances.values():
            if isinstance(instance, Leaving):
                instance.leaving(seconds)

    async def drain(self, seconds: float) -> None:
        """Let what is in flight finish within `seconds`, cancel the rest, and release the connectors."""
        last = min(LAST_WORD, seconds / 10)
        try:
            async with asyncio.timeout(seconds - last):
                await self.hand_over()
                await self._finish()
        except TimeoutError:
            left = sum(flow.cancel() for flow in self.flows.values())
            log.warning("drain deadline passed", extra=fields(seconds=seconds, cancelled=left))
            await self._work.cut(last)
            await self._finish()
        finally:
            if self._pinned is not None:
                await self._pinned.drain(last)
            for instance in self.instances.values():
                if isinstance(instance, Draining):
                    instance.drained()
            await self._release()

    async def hand_over(self) -> None:
        """Cut off the messages with a journal that a process of other flow files wants: they go on there."""
        if self._moving is not None and self._pinned is not None:
            await self._moving.hand_over()
            await self._pinned.hand_over()

    async def _finish(self) -> None:
        while self._work or any(flow.in_flight or flow.waiting for flow in self.flows.values()):
            await self._work.finished()
            for flow in self.flows.values():
                await flow.drained()

    async def dissolve(self) -> None:
        """Take apart what was drained and is not needed any more, in the background and flow by flow.

        To free all of a large configuration at once would make the loop stand still; and what has no circles is freed
        without a collection.
        """
        self._feeds.clear()
        parts: list[Any] = [self.flows, self.config.flows]
        async with self._compiling:
            await in_background(_empty, parts)

    async def _release(self) -> None:
        if self._campaign is not None:  # what was cut off here may be gone on with elsewhere at once
            self._campaign.cancel()
            await asyncio.wait((self._campaign,))
        while self._held:
            _, held = self._held.popitem()
            await self._connections.release(held, self)


def _empty(parts: Iterable[dict[str, Any]]) -> None:
    for each in parts:
        while each:
            each.popitem()
