"""A process that runs a configuration: what `octo run` makes of its options."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from octo.cli import banner, exits
from octo.cli.listening import listening
from octo.cli.membership import membership
from octo.cli.named import Named, told
from octo.cli.observers import Traces, contracts, recording
from octo.cli.project import folder_of, refuse, show
from octo.cli.stopping import GRACE, Stopping
from octo.cli.stubs import files_of, load_stubbed, tell_of_stubs, warn_of_stubs
from octo.cli.terminal import is_terminal, say
from octo.config.documents import Config
from octo.core import supervisor
from octo.core.errors import ConfigError, OctoError
from octo.services.container import Services

if TYPE_CHECKING:
    from octo.debug import Session
    from octo.engine.metrics import Metrics
    from octo.engine.modules import Modules
    from octo.engine.moving import Resume
    from octo.engine.observe import Observer
    from octo.engine.service import Service
    from octo.operations.blocks import BlockMetrics
    from octo.operations.port import Port
    from octo.operations.subject import Subject
    from octo.operations.web import Route
    from octo.trace.live import Live

BEAT = 0.5
"""Seconds between two signs of life to the supervisor."""


class Asked(NamedTuple):
    """The options of the command line.

    port: of the only http connector, instead of what its settings say. operations: where the operations port is.
    measured: addresses of blocks. contracts: the share of messages to check. joins: whether somebody has chosen where
    the services are, so that the process is a member of their cluster even if no flow uses them. debug: whether
    breakpoints and mocks may be set.
    """

    named: Named
    stubs: tuple[str, ...]
    services: Services
    port: int | None
    watch: bool
    quiet: bool
    allow_empty: bool
    stop_delay: float
    drain: float
    resume: Resume
    operations: Port
    measured: tuple[str, ...]
    traces: Traces
    contracts: float
    joins: bool = False
    debug: bool = False


class _Greeting:
    """Says that the flows run, again after each reload. operations: the address of that port, "" without one."""

    def __init__(self, asked: Asked) -> None:
        self.operations = ""
        self._asked = asked
        self._was_told = False
        [*paths] = asked.named.paths
        self._path = "" if paths == [Path()] else str(asked.named) if len(paths) == 1 else "PATH"

    def tell(self, config: Config, service: Service) -> None:
        for warning in config.warnings:
            show(warning, "yellow")
        if not _is_first() or self._asked.quiet:
            return
        lines = banner.box(config)
        if is_terminal(sys.stdout):  # a file gets the box alone: the log says the rest, for programs
            generation = service.current
            instances = generation.instances if generation else {}
            lines += ["", *banner.places(config, instances, self._path), ""]
            if not self._was_told:
                lines += self._once()
        self._was_told = True
        say("\n".join(lines))

    def _once(self) -> list[str]:
        """What stays the same until the end."""
        asked = self._asked
        off = banner.off(watch=asked.watch, traces=asked.traces.are_wanted, blocks=bool(asked.measured))
        operations = [f"  health, metrics, status: http://{self.operations}"] if self.operations else []
        return [*operations, *off, "  Ctrl-C stops.", ""]


async def run(asked: Asked) -> int:
    """Run until stopped; returns the exit code."""
    from octo.engine.metrics import Metrics

    stop = asyncio.Event()
    stopping = Stopping(stop, asked.stop_delay + asked.drain + GRACE)
    stopping.listen()
    line = supervisor.join(os.environ, stopping.abandoned)
    metrics = Metrics()
    blocks = _block_metrics(asked.measured)
    session = _session(asked)
    greeting = _Greeting(asked)
    service = _service(asked, greeting, metrics, blocks, session)
    if line is not None:
        _beat(service, line)
    try:
        with recording(asked.traces, service) as live:
            more = () if session is None else _debugging(session, service)
            async with asked.services, _operations(asked, service, metrics, blocks, live, stop, more) as address:
                greeting.operations = address
                async with membership(asked.services, service, _number(), address, is_asked=asked.joins):
                    await service.run(stop)
    except OctoError as error:
        refuse(error)
        if isinstance(error, ConfigError) and (hint := told(error, asked.named.paths, "run")):
            say(hint, err=True)
        return exits.USAGE if isinstance(error, ConfigError) else exits.FAILED
    return exits.DONE


def _service(
    asked: Asked, greeting: _Greeting, metrics: Metrics, blocks: BlockMetrics | None, session: Session | None
) -> Service:
    from octo.engine.garbage import set_aside
    from octo.engine.service import Service

    tests = files_of(asked.stubs)
    watched = (*asked.named.watched, *tests) if asked.watch else ()
    modules = _modules(asked)

    def read() -> Config:
        nonlocal watched
        try:
            config = load_stubbed(asked.named, asked.stubs)
        except ConfigError as error:
            watched = tuple(dict.fromkeys((*watched, *error.watched)))  # a secret or a template may come late
            raise
        watched = (*asked.named.paths, *config.watched, *tests)
        return config if asked.port is None else listening(config, asked.port)

    def ready(config: Config) -> None:
        if modules is not None:
            modules.take()
        if (line := supervisor.line()) is not None:
            line.beat(True)
        _tell(lambda: greeting.tell(config, service))
        warn_of_stubs(config)
        _tell(lambda: tell_of_stubs(config, asked.stubs))
        if blocks is not None and _is_first():
            blocks.check(config)
        set_aside()

    def refused(error: OctoError) -> None:
        if not _is_first():
            return  # all processes see the same edit; one of them reports it
        _tell(lambda: refuse(error))
        _tell(lambda: say(_what_now(service), err=True))

    service = Service(
        read if modules is None else partial(modules.read, read),
        watched=None if modules is None else lambda: {*watched, *modules.files},
        ready=ready,
        refused=refused,
        stop_delay=asked.stop_delay,
        drain=asked.drain,
        resume=asked.resume,
        allow_empty=asked.allow_empty,
        first=_is_first(),
        # The innermost first: what is measured, checked and recorded is what a mock returns.
        observer=_watchers(session, blocks, contracts(asked.contracts)),
        bus=metrics,
        services=asked.services,
    )
    return service


def _modules(asked: Asked) -> Modules | None:
    """The Python modules beside the configuration, if they are watched."""
    if not asked.watch:
        return None
    from octo.engine.modules import Modules

    modules = Modules()
    modules.follow(folder_of(asked.named.place))
    return modules


def _what_now(service: Service) -> str:
    """What runs after a refusal, and what Octo waits for."""
    now = "Nothing runs yet." if service.current is None else "The running flows are unchanged."
    if service.refusal is not None and service.refusal.tries_again:
        return f"{now} Octo waits, and tries again by itself until it works or a file changes."
    return f"{now} Octo waits for an edit."


def _watchers(*each: Observer | None) -> Observer:
    from octo.engine.observe import Observers

    return Observers([observer for observer in each if observer is not None])


def _block_metrics(addresses: tuple[str, ...]) -> BlockMetrics | None:
    if not addresses:
        return None
    from octo.operations.blocks import BlockMetrics

    return BlockMetrics(addresses)


def _session(asked: Asked) -> Session | None:
    if not asked.debug:
        return None
    from octo.debug import Session

    return Session()


def _debugging(session: Session, service: Service) -> Sequence[Route[Subject]]:
    from octo.operations.debugging import routes

    return routes(session, service)


@asynccontextmanager
async def _operations(
    asked: Asked,
    service: Service,
    metrics: Metrics,
    blocks: BlockMetrics | None,
    live: Live | None,
    stop: asyncio.Event,
    routes: Sequence[Route[Subject]] = (),
) -> AsyncIterator[str]:
    """A context in which the operations port is open: from before the start until after the drain. Its address."""
    from octo.operations.figures import Lag
    from octo.operations.files import Files
    from octo.operations.port import opened
    from octo.operations.process import ThisProcess
    from octo.operations.traces import ROUTES
    from octo.operations.watchdog import Watchdog

    lag, files = Lag(), Files()
    watchdog = Watchdog(lag)
    more = () if blocks is None else (blocks.snapshot,)
    process = ThisProcess(service, metrics, lag, str(asked.named), _number(), more, live, watchdog)
    async with opened(asked.operations, process, (*ROUTES, *routes), stop if asked.watch else None) as address:
        lag.start()
        files.start()
        watchdog.start()
        try:
            yield address
        finally:
            watchdog.stop()
            files.stop()
            lag.stop()


def _beat(service: Service, line: supervisor.Line) -> None:
    """Tell the supervisor again and again that the event loop runs."""
    line.beat(service.since > 0)
    asyncio.get_running_loop().call_later(BEAT, _beat, service, line)


def _number() -> int:
    """The number of this process among those that a supervisor runs."""
    return int(os.environ.get("OCTO_PROCESS", "0"))


def _is_first() -> bool:
    return _number() == 0


def _tell(say: Callable[[], None]) -> None:
    """Call what prints. A text that cannot be written is counted and no reason not to serve."""
    from octo.core.log import count_lost, fields

    try:
        say()
    except (OSError, ValueError) as error:
        count_lost()
        logging.getLogger("octo.log").warning("cannot print", extra=fields(error=error))
