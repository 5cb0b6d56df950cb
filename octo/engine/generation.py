"""A generation: one configuration, running.

Life of a generation: `open` (connectors in order, then flows; nothing is fed yet), `feed` (sources start), `starve`
(sources stop), `drain` (what is in flight finishes, connectors are released in reverse). A reload opens the next
generation beside this one, and swaps by feeding the new and starving the old between two messages.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Coroutine, Iterable
from contextlib import AsyncExitStack, aclosing
from typing import Any

from octo.config.documents import Config, ConnectorDoc, FlowDoc, SourceDoc
from octo.core.errors import OctoError, Permanent
from octo.core.flow import Failure
from octo.core.log import fields
from octo.core.source import Delivery
from octo.engine.build import build_flows, compile_flow
from octo.engine.connections import Connections
from octo.engine.events import Bus
from octo.engine.flow import Flow, FlowInlet, at_last
from octo.engine.observe import NOBODY, Observer

log = logging.getLogger("octo.engine")

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds before a broken source is tried again: the first time and at most; each pause is twice the one before."""
HELD = 10.0
"""Seconds without a break after which a source that broke counts as working again, be it without a delivery."""


class Generation:
    """See the module.

    first: whether this is the first of the processes that run the configuration; sources that must run once run here.
    observer: see `octo.engine.observe`. number: which one it is in its process, set by who counts them.

    broken: what is wrong with the pull source of a flow that is not being fed, by the flow's name.
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
    ) -> None:
        self.config = config
        self.flows: dict[str, Flow] = {}
        self._connections = connections
        self._bus = bus
        self._tasks = tasks
        self._first = first
        self._observer = observer
        self.number = 1
        self._held: list[ConnectorDoc] = []
        self.instances: dict[str, Any] = {}
        self.broken: dict[str, str] = {}
        self._pushing = AsyncExitStack()
        self._pumps: list[asyncio.Task[None]] = []
        self._work: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Open connectors and build flows. What was opened is released again if one fails."""
        try:
            for doc in self.config.connectors.values():
                self.instances[doc.name] = await self._connections.acquire(doc)
                self._held.append(doc)
            self._observer.begin(self.number)
            self.flows = build_flows(self.config.flows.values(), self.instances, self._bus, self._spawn, self._observer)
        except BaseException:
            await self._release()
            raise

    def observe(self, observer: Observer) -> None:
        """Watch with this observer, instead of the one before, from the next message on."""
        self._observer = observer
        observer.begin(self.number)
        for doc in self.config.flows.values():
            compile_flow(doc, self.instances, self.flows, observer)

    # --- sources -------------------------------------------------------------------------------------------------

    async def feed(self, old: Generation | None = None) -> None:
        """Start the sources; those of `old` stop in the same moment.

        Push sources enter before the old ones leave, so callers find a route at any time; pull sources start after
        the old ones have stopped, so nothing is read twice.
        """
        try:
            for doc, source in self._sources(push=True):
                log.info("starting flow", extra=fields(flow=doc.name, source=source.type.name, workers=doc.workers))
                inlet = FlowInlet(self.flows[doc.name])
                entering = source.type.function(self.instances[source.connector], source.settings, inlet)
                await self._pushing.enter_async_context(entering)
        except BaseException:
            await self._pushing.aclose()
            raise
        if old is not None:
            await old.starve()
        for doc, source in self._sources(push=False):
            log.info("starting flow", extra=fields(flow=doc.name, source=source.type.name, workers=doc.workers))
            self._pumps.append(self._tasks.create_task(self._pump(self.flows[doc.name], source)))

    def _sources(self, *, push: bool) -> Iterable[tuple[FlowDoc, SourceDoc]]:
        for doc in self.config.flows.values():
            if doc.source is None or doc.source.type.is_push is not push:
                continue
            if self._first or not doc.source.type.once:
                yield doc, doc.source

    async def _pump(self, flow: Flow, source: SourceDoc) -> None:
        """Carry deliveries from a pull source into its flow; start it again when it breaks."""
        pause = FIRST_PAUSE
        while True:
            began = asyncio.get_running_loop().time()
            try:
                await self._attempt(flow, source)
            except Permanent as error:
                self.broken[flow.name] = f"stopped for good: {error}"
                log.error("source stopped for good", extra=fields(flow=flow.name, error=str(error)))  # noqa: TRY400
                return
            except OctoError as error:
                self.broken[flow.name] = str(error)
                log.warning("source broke, trying again", extra=fields(flow=flow.name, error=str(error), seconds=pause))
            except Exception as error:
                self.broken[flow.name] = type(error).__name__
                log.exception("source broke, trying again", extra=fields(flow=flow.name, seconds=pause))
            else:
                self.broken.pop(flow.name, None)
                return
            if asyncio.get_running_loop().time() - began > LONGEST_PAUSE:
                pause = FIRST_PAUSE
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _attempt(self, flow: Flow, source: SourceDoc) -> None:
        held = asyncio.get_running_loop().call_later(HELD, self.broken.pop, flow.name, None)
        try:
            await self._carry(flow, source)
        finally:
            held.cancel()

    async def _carry(self, flow: Flow, source: SourceDoc) -> None:
        instance = self.instances[source.connector]
        async with aclosing(source.type.function(instance, source.settings)) as deliveries:
            while True:
                # Invariant: between taking a delivery and giving it a task nothing waits, so none is lost in between.
                await flow.room()
                try:
                    delivery = await anext(deliveries)
                except StopAsyncIteration:
                    return
                self.broken.pop(flow.name, None)
                self._spawn(_deliver(flow, delivery))
                await asyncio.sleep(0)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._tasks.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    # --- the end -------------------------------------------------------------------------------------------------

    async def starve(self) -> None:
        """Stop the sources: no new message enters."""
        await self._pushing.aclose()
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)
        self._pumps.clear()

    async def drain(self, seconds: float) -> None:
        """Let what is in flight finish within the deadline, cancel what does not, release the connectors."""
        try:
            async with asyncio.timeout(seconds):
                await self._finish()
        except TimeoutError:
            left = sum(flow.cancel() for flow in self.flows.values())
            log.warning("drain deadline passed", extra=fields(seconds=seconds, cancelled=left))
            for task in list(self._work):
                task.cancel()
            await self._finish()
        finally:
            await self._release()

    async def _finish(self) -> None:
        while self._work or any(flow.in_flight or flow.waiting for flow in self.flows.values()):
            await asyncio.gather(*self._work, return_exceptions=True)
            for flow in self.flows.values():
                await flow.drained()

    async def _release(self) -> None:
        while self._held:
            await self._connections.release(self._held.pop())


async def _deliver(flow: Flow, delivery: Delivery) -> None:
    """Run a delivery and settle it by its outcome.

    Invariant: exactly one of ack and nack is called, also when the engine stops before the flow has finished.
    """
    try:
        outcome = await at_last(flow.call(delivery.message))
    except BaseException as error:
        if delivery.nack is not None:
            await _settle(flow, delivery.nack(error.cause if isinstance(error, Failure) else error))
        if not isinstance(error, Failure):
            raise
    else:
        if delivery.ack is not None:
            await _settle(flow, delivery.ack(outcome))


async def _settle(flow: Flow, settling: Awaitable[None]) -> None:
    try:
        await settling
    except Exception:
        log.exception("a delivery could not be settled", extra=fields(flow=flow.name))
