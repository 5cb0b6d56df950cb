"""The service: one process that runs a configuration, swaps it when it changes, and ends cleanly.

Start: connectors in order, flows, sources last. Stop: sources, what is in flight, connectors in reverse.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

from octo.config import codes
from octo.config.documents import Config
from octo.core import clock
from octo.core.backoff import AT_START, Failures
from octo.core.errors import ConfigError, OctoError
from octo.core.log import fields
from octo.engine.background import in_background
from octo.engine.connections import Connections
from octo.engine.emptied import refuse_emptied
from octo.engine.events import Bus
from octo.engine.garbage import without_full_collections
from octo.engine.generation import Generation
from octo.engine.moving import Resume
from octo.engine.observe import NOBODY, Observer
from octo.engine.watch import Watch
from octo.services.container import NO_SERVICES, Services, entered

log = logging.getLogger("octo.engine")

DRAIN = 30.0
"""Seconds that messages in flight may take to finish on stop and reload; Kubernetes kills after 30 by default."""

T = TypeVar("T")

Phase = Literal["starting", "running", "draining"]


_MAY_PASS = frozenset({codes.NOT_FOUND, codes.DOTENV, codes.RESOURCE})
"""Problems of a configuration that may pass without an edit: a file could not be read."""


class Refusal(NamedTuple):
    """An edit that was refused. at: nanoseconds since the epoch.

    tries_again: whether it is tried again without an edit: a port may become free, a database may start.
    """

    at: int
    error: OctoError
    tries_again: bool


class Service:
    """See the module.

    load: reads and checks the configuration anew; raises `ConfigError`.
    watched: returns the files whose change causes a reload, called before and after each `load`; None: watch nothing.
    stop_delay: seconds from `stop` until sources stop; in them the service is not ready, but does its work.
    ready: called with the configuration that runs now, after the start and after every reload.
    first, observer, resume: see `Generation`.
    refused: called once per edit that was refused, with what is wrong; again when a further try fails otherwise.
    allow_empty: whether an edit may remove all flows; by default it is refused, see `emptied`.
    bus: takes the events of all flows.
    services: those that connectors, sources and blocks can ask for, across reloads; by default those in memory.

    current: the generation that runs. since: when it began to run, in nanoseconds since the epoch. draining:
    generations that finish what they have in flight. allows_empty: as given. refusal: the last edit, if it was
    refused. reloads: how many edits were applied and refused.
    """

    def __init__(  # noqa: PLR0913  what a process is made of
        self,
        load: Callable[[], Config],
        *,
        watched: Callable[[], Iterable[Path]] | None = None,
        ready: Callable[[Config], None] = lambda _: None,
        refused: Callable[[OctoError], None] = lambda _: None,
        stop_delay: float = 0.0,
        drain: float = DRAIN,
        allow_empty: bool = False,
        first: bool = True,
        observer: Observer = NOBODY,
        resume: Resume = "own",
        bus: Bus | None = None,
        services: Services | None = None,
    ) -> None:
        self.bus = Bus() if bus is None else bus
        self.current: Generation | None = None
        self.since = 0
        self.draining: list[Generation] = []
        self.refusal: Refusal | None = None
        self.reloads = {"applied": 0, "refused": 0}
        self._load = load
        self._watched = watched
        self._ready = ready
        self._refused = refused
        self._stop_delay = stop_delay
        self._drain = drain
        self.allows_empty = allow_empty
        self._failures = Failures(AT_START)
        self._first = first
        self.observer = observer
        self._resume = resume
        self._generations = 0
        self._services = services
        self._stop = asyncio.Event()
        self._working: asyncio.Task[Any] | None = None
        self._tasks: asyncio.TaskGroup
        self._connections: Connections

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set.

        Raises the error of a first generation that does not start. If files are watched, it waits for an edit instead,
        and tries again by itself if the reason may pass.
        """
        self._stop = stop
        try:
            async with entered(self._services) as services, asyncio.TaskGroup() as self._tasks:
                self._connections = Connections(self._tasks, services=services)
                stopping = self._tasks.create_task(self._cancel_at_stop())
                try:
                    await self._live(stop)
                finally:
                    stopping.cancel()
                    await self._end()
        except BaseExceptionGroup as group:
            raise group.exceptions[0] from group.exceptions[0].__cause__

    @property
    def services(self) -> Services:
        """Those that connectors, sources and blocks get. There are none before a first generation runs."""
        return NO_SERVICES if self.current is None else self._connections.services

    async def observe(self, observer: Observer) -> None:
        """Replace the observer, for the messages that come after this has returned and for later generations.

        A caller that is cancelled meanwhile has replaced it all the same.
        """
        self.observer = observer
        if self.current is not None:
            await asyncio.shield(self._tasks.create_task(self._observed(self.current)))

    async def _observed(self, generation: Generation) -> None:
        """Let the generation use the observer of now: it may be replaced while flows are being compiled."""
        await generation.observe(self.observer)
        while generation.observer is not self.observer:
            await generation.observe(self.observer)

    @property
    def phase(self) -> Phase:
        """The phase; "draining" from the moment `stop` is set."""
        if self._stop.is_set():
            return "draining"
        return "starting" if self.current is None else "running"

    async def _end(self) -> None:
        if self.current is None:
            return
        if self._stop.is_set():
            self.current.leaving(self._stop_delay)
        if self._stop_delay and self._stop.is_set():
            log.info("not ready from now on, stopping soon", extra=fields(seconds=self._stop_delay))
            await asyncio.sleep(self._stop_delay)
        log.info("stopping")
        await self.current.starve()
        await self.current.drain(self._drain)
        self.current = None

    async def _live(self, stop: asyncio.Event) -> None:
        if self._watched is None:
            await self._take(self._load)
            await stop.wait()
            return
        watch = Watch(self._watched)
        pause = await self._try(watch)
        while not stop.is_set():
            is_edited = await watch.changed(stop, pause)
            if not stop.is_set():
                pause = await self._try(watch, is_edited=is_edited)

    async def _try(self, watch: Watch, *, is_edited: bool = True) -> float | None:
        """Load the files and run them. If that fails, what runs keeps running.

        Return the seconds after which to try again even without an edit; None if only an edit can help.
        """
        if is_edited:
            self._failures.worked()
        try:
            await self._take(partial(watch.read, self._loaded))
        except OctoError as error:
            return self._refuse(error, is_edited=is_edited, may_pass=_may_pass(error))
        except Exception as error:
            log.exception("reload failed")
            return self._refuse(OctoError(f"reload failed: {type(error).__name__}"), is_edited=is_edited)
        return None

    async def _take(self, read: Callable[[], Config]) -> None:
        """Read the configuration and run it, unless `stop` is set while it is read or its connectors are opened."""
        with without_full_collections():
            config = await self._unless_stopped(partial(in_background, read))
            if config is not None:
                await self._swap(config)

    async def _unless_stopped(self, work: Callable[[], Awaitable[T]]) -> T | None:
        """Return or raise what the work does; None if `stop` is set first: then the work is cancelled."""
        if self._stop.is_set():
            return None
        self._working = asyncio.current_task()
        try:
            return await work()
        except asyncio.CancelledError:
            if self._working is None and _uncancelled():
                return None
            raise
        finally:
            self._working = None

    async def _cancel_at_stop(self) -> None:
        await self._stop.wait()
        working, self._working = self._working, None
        if working is not None:
            working.cancel()

    def _loaded(self) -> Config:
        config = self._load()
        if self.current is not None and not self.allows_empty:
            refuse_emptied(self.current.config, config)
        return config

    def _refuse(self, error: OctoError, *, is_edited: bool, may_pass: bool = False) -> float | None:
        error.__traceback__ = None  # it would keep all that was read until the next edit
        is_told = not is_edited and self.refusal is not None and str(self.refusal.error) == str(error)
        self.reloads["refused"] += is_edited
        if not is_told:
            self.refusal = Refusal(clock.now_ns(), error, may_pass)
            self._refused(error)
        return self._failures.failed() if may_pass else None

    async def _swap(self, config: Config) -> None:
        began = time.perf_counter()
        how: dict[str, Any] = {"first": self._first, "observer": self.observer, "resume": self._resume}
        new = Generation(config, self._connections, self.bus, self._tasks, **how)
        new.number = self._generations + 1
        if await self._unless_stopped(partial(_opened, new)) is None:
            return
        await self._observed(new)
        old = self.current
        try:
            await new.feed(old)
        except BaseException:
            await new.drain(0)
            raise
        self.current = new
        self._generations = new.number
        self.since, self.refusal = clock.now_ns(), None
        if old is not None:
            self.reloads["applied"] += 1
            self._tasks.create_task(self._retire(old))
        log.info(
            "runtime ready",
            extra=fields(
                flows=len(config.flows),
                connectors=len(config.connectors),
                milliseconds=round((time.perf_counter() - began) * 1000),
            ),
        )
        self._ready(config)

    async def _retire(self, old: Generation) -> None:
        self.draining.append(old)
        try:
            await old.drain(self._drain)
        finally:
            self.draining.remove(old)
        await old.dissolve()


async def _opened(generation: Generation) -> Generation:
    await generation.open()
    return generation


def _uncancelled() -> bool:
    """Take back a cancellation of the running task; whether nobody else wants it cancelled."""
    task = asyncio.current_task()
    return task is not None and task.uncancel() == 0


def _may_pass(error: OctoError) -> bool:
    if isinstance(error, ConfigError):
        return any(problem.code in _MAY_PASS for problem in error.problems)
    return True
