"""The service: one process that runs a configuration, swaps it when it changes, and ends cleanly.

Start: connectors in order, flows, sources last. Stop: sources, what is in flight, connectors in reverse.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from octo.config.documents import Config
from octo.core.errors import ConfigError, OctoError
from octo.core.log import fields
from octo.engine.connections import Connections
from octo.engine.events import Bus
from octo.engine.generation import Generation
from octo.engine.observe import Observer
from octo.engine.watch import changes

log = logging.getLogger("octo.engine")

DRAIN = 30.0
"""Seconds that messages in flight may take to finish on stop and reload; Kubernetes kills after 30 by default."""


class Service:
    """See the module.

    load: reads and checks the configuration anew; raises `ConfigError`.
    watched: the files whose change reloads, asked again after each reload; None switches watching off.
    ready: told the configuration that runs now, after the start and after every reload.
    first, observer: see `Generation`.
    refused: told what is wrong with a configuration that did not come to run, once per edit.
    """

    def __init__(
        self,
        load: Callable[[], Config],
        *,
        watched: Callable[[], Iterable[Path]] | None = None,
        ready: Callable[[Config], None] = lambda _: None,
        refused: Callable[[OctoError], None] = lambda _: None,
        drain: float = DRAIN,
        first: bool = True,
        observer: Observer | None = None,
    ) -> None:
        self.bus = Bus()
        self.current: Generation | None = None
        self._load = load
        self._watched = watched
        self._ready = ready
        self._refused = refused
        self._drain = drain
        self._first = first
        self._observer = observer
        self._generations = 0
        self._tasks: asyncio.TaskGroup
        self._connections: Connections

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set.

        Raises what keeps the first generation from starting, unless files are watched: then it waits for an edit.
        """
        try:
            async with asyncio.TaskGroup() as self._tasks:
                self._connections = Connections(self._tasks)
                try:
                    await self._live(stop)
                finally:
                    await self._end()
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from group.exceptions[0].__cause__

    def observe(self, observer: Observer | None) -> None:
        """Watch with this observer from the next message on, also over reloads, or no more."""
        self._observer = observer
        if self.current is not None:
            self.current.observe(observer)

    async def _end(self) -> None:
        if self.current is None:
            return
        log.info("stopping")
        await self.current.starve()
        await self.current.drain(self._drain)
        self.current = None

    async def _live(self, stop: asyncio.Event) -> None:
        if self._watched is None:
            await self._swap(self._load())
            await stop.wait()
            return
        await self._try()
        async for _ in changes(self._watched, stop):
            await self._try()

    async def _try(self) -> None:
        """Bring the files to run. If that fails, what runs keeps running."""
        try:
            await self._swap(self._load())
        except (ConfigError, OctoError) as error:
            self._refused(error)
        except Exception as error:
            log.exception("reload failed")
            self._refused(OctoError(f"reload failed: {type(error).__name__}"))

    async def _swap(self, config: Config) -> None:
        began = time.perf_counter()
        new = Generation(config, self._connections, self.bus, self._tasks, first=self._first, observer=self._observer)
        new.number = self._generations + 1
        await new.open()
        old = self.current
        try:
            await new.feed(old)
        except BaseException:
            await new.drain(0)
            raise
        self.current = new
        self._generations = new.number
        if old is not None:
            self._tasks.create_task(old.drain(self._drain))
        log.info(
            "runtime ready",
            extra=fields(
                flows=len(config.flows),
                connectors=len(config.connectors),
                milliseconds=round((time.perf_counter() - began) * 1000),
            ),
        )
        self._ready(config)
