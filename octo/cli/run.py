"""`octo run`: run the flows until SIGINT or SIGTERM. With `--watch`, replace them when their files change."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from octo.cli import banner, exits, lasting
from octo.cli.help import Verb
from octo.cli.listening import listening
from octo.cli.named import Named, named, told
from octo.cli.observers import Traces, contracts, otlp_address, recording
from octo.cli.places import DURABLE, services_of, services_option
from octo.cli.project import Number, folder_of, refuse, show
from octo.cli.stopping import GRACE, Stopping
from octo.cli.stored import store_option
from octo.cli.stubs import files_of, load_stubbed, stubs_option, tell_of_stubs, warn_of_stubs
from octo.cli.terminal import is_terminal, say
from octo.config.documents import Config
from octo.core import supervisor
from octo.core.errors import ConfigError, OctoError
from octo.core.supervisor import VARIABLE
from octo.services.container import Services

if TYPE_CHECKING:
    from octo.engine.metrics import Metrics
    from octo.engine.modules import Modules
    from octo.engine.observe import Observer
    from octo.engine.service import Service
    from octo.operations.blocks import BlockMetrics
    from octo.operations.port import Port
    from octo.trace.live import Live

BEAT = 0.5
"""Seconds between two signs of life to the supervisor."""


@click.command(
    "run",
    cls=Verb,
    epilog="""\b
Examples:
  octo run                        the flows of this folder
  octo run --watch flow.yaml      take every save
  octo run --port 9000 flow.yaml  serve at another port
  octo run flows more/*.yaml      several files and folders, as one configuration
  octo run - <flow.yaml           from standard input""",
)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
@click.option("--config", "-c", type=click.Path(path_type=Path), help="Flow file or folder; the same as PATH.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port of the only `http` connector; 0 takes a free one.")
@stubs_option
@services_option(DURABLE)
@click.option("--watch", is_flag=True, help="Reload what changed whenever the files or their Python modules change.")
@click.option(
    "--quiet", "-q", is_flag=True, help="No banner, and no line for each request as with --watch or on a terminal."
)
@click.option("--allow-empty", is_flag=True, help="Let an edit remove all flows, and be ready without any.")
@click.option("--processes", type=click.IntRange(1, 256), default=1, help="Number of processes that share the ports.")
@click.option(
    "--hung-after",
    type=Number(0),
    default=15.0,
    show_default=True,
    help="With --processes: seconds without a sign of life after which a process is replaced; 0 for never.",
)
@click.option(
    "--stop-delay",
    type=Number(0),
    default=0.0,
    show_default=True,
    envvar="OCTO_STOP_DELAY",
    help="Seconds from a signal to the stop. In them it is not ready, but serves: load balancers need time to notice.",
)
@click.option(
    "--drain", type=Number(0), default=30.0, show_default=True, help="Seconds for messages in flight to finish."
)
@click.option("--log-format", type=click.Choice(["text", "json"]), help="Format of the log lines on stderr.")
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warn", "warning", "error"], case_sensitive=False),
    help="Lowest level that is logged; default $LOG_LEVEL, else info.",
)
@click.option(
    "--admin-addr",
    "--observability-addr",
    "admin_addr",
    metavar="HOST:PORT",
    help="Operations port for health, readiness, metrics and status; `off` for none. Default "
    "$OCTO_OBSERVABILITY_ADDR, else 127.0.0.1:39999.",
)
@click.option(
    "--admin-token-file",
    type=click.Path(path_type=Path),
    help="File with the token for requests that change something, needed beyond loopback; or $OCTO_ADMIN_TOKEN.",
)
@click.option(
    "--metrics-blocks",
    envvar="OCTO_METRICS_BLOCKS",
    default="",
    metavar="ADDRESSES",
    help="Blocks to measure one by one, e.g. `orders.charge,orders.notify`; `*` for all.",
)
@click.option("--traces", is_flag=True, envvar="OCTO_TRACING", help="Keep traces of messages.")
@store_option
@click.option(
    "--traces-sample",
    type=Number(0, 1),
    default=1.0,
    show_default=True,
    envvar="OCTO_TRACING_SAMPLE",
    help="Share of the messages to keep. Of the others, failed ones are kept, with the block that failed.",
)
@click.option(
    "--traces-follow",
    is_flag=True,
    envvar="OCTO_TRACING_FOLLOW",
    help="Also keep what a caller's `traceparent` marks as sampled. Then callers decide how much is kept.",
)
@click.option(
    "--traces-whole-failures",
    is_flag=True,
    help="Keep every block of failures outside the sample too. It costs about as much as keeping all messages.",
)
@click.option(
    "--traces-max-payload",
    type=click.IntRange(0),
    default=32 * 1024,
    show_default=True,
    envvar="OCTO_TRACING_MAX_PAYLOAD",
    help="A body or variable of more bytes than this is left out.",
)
@click.option(
    "--traces-buffer",
    type=click.IntRange(1),
    default=1000,
    show_default=True,
    envvar="OCTO_TRACING_BUFFER",
    help="At most this many traces wait to be written; further ones are lost and counted.",
)
@click.option(
    "--otlp",
    metavar="URL",
    help="Send spans to this OpenTelemetry collector, e.g. http://localhost:4318; or $OTEL_EXPORTER_OTLP_ENDPOINT.",
)
@click.option(
    "--contracts",
    type=Number(0, 1),
    default=0.0,
    metavar="SHARE",
    help="Check the contracts of flows on this share of the messages, and log broken ones.",
)
@click.option("--observability", type=bool, is_flag=False, flag_value=True, default=None, hidden=True)
@click.option("--metrics", type=bool, is_flag=False, flag_value=True, default=None, hidden=True)
def command(  # noqa: PLR0913, PLR0917  one parameter per option
    paths: tuple[Path, ...],
    config: Path | None,
    port: int | None,
    stubs: tuple[str, ...],
    services: str | None,
    storage_dir: str | None,
    watch: bool,
    quiet: bool,
    allow_empty: bool,
    processes: int,
    hung_after: float,
    stop_delay: float,
    drain: float,
    log_format: str | None,
    log_level: str | None,
    admin_addr: str | None,
    admin_token_file: Path | None,
    metrics_blocks: str,
    traces: bool,
    store: str,
    traces_sample: float,
    traces_follow: bool,
    traces_whole_failures: bool,
    traces_max_payload: int,
    traces_buffer: int,
    otlp: str | None,
    contracts: float,
    observability: bool | None,
    metrics: bool | None,
) -> None:
    """Run the flows of files and folders until stopped. Without a PATH, it runs those of the folder one stands in.

    SIGINT, SIGTERM and SIGHUP end it cleanly: sources stop, messages in flight finish, connectors close, exit code 0. A
    second signal ends it at once. Exit code 2 means that the configuration is wrong, 1 that something did not start or
    did not stop in time.
    """
    from octo.core.descriptors import raise_limit
    from octo.core.log import configure, tell_requests
    from octo.core.output import steady

    del metrics  # `--metrics` of older command lines: /metrics is always there
    found = named([*([config] if config else []), *paths], "run")
    if found.text is not None and (watch or processes > 1):
        raise click.UsageError("standard input is read once: save it as a file for --watch or --processes")
    if stubs and processes > 1:
        raise click.UsageError("--stubs needs a single process: each of several would have stubs of its own")
    steady()
    configure(log_level, log_format)
    raise_limit()
    operations = _port(admin_addr, admin_token_file, observability)
    if processes > 1:
        from octo.cli.processes import Patience, supervise

        patience = Patience(hung_after, stop=stop_delay + drain + 2 * GRACE)  # they need GRACE themselves
        sys.exit(supervise(processes, operations, patience))
    tell_requests(not quiet and VARIABLE not in os.environ and (watch or is_terminal(sys.stderr)))
    measured = tuple(each.strip() for each in metrics_blocks.split(",") if each.strip())
    kept = Traces(
        store=store if traces else None,
        sample=traces_sample,
        follows=traces_follow,
        max_payload=traces_max_payload,
        buffer=traces_buffer,
        otlp=otlp_address(otlp, os.environ),
        whole_failures=traces_whole_failures,
    )
    chosen = services_of(services, storage_dir, DURABLE)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        asked = _Asked(
            *(found, stubs, chosen, port, watch, quiet, allow_empty, stop_delay),
            *(drain, operations, measured, kept, contracts),
        )
        sys.exit(lasting.run(_run(asked), runner))


class _Asked(NamedTuple):
    """The options of the command line.

    port: of the only http connector, instead of what its settings say. operations: where the operations port is.
    measured: addresses of blocks. contracts: the share of messages to check.
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
    operations: Port
    measured: tuple[str, ...]
    traces: Traces
    contracts: float


def _port(address: str | None, token_file: Path | None, wanted: bool | None) -> Port:
    from octo.operations.port import OFF, chosen

    if not (_switch("OCTO_OBSERVABILITY") if wanted is None else wanted):
        address = OFF
    try:
        return chosen(address, token_file, os.environ)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _switch(variable: str) -> bool:
    """Whether the variable leaves something on. A value that means neither yes nor no counts as yes, with a warning."""
    from octo.core.log import fields

    value = os.environ.get(variable, "").lower()
    if value not in ("", "true", "1", "on", "yes", "false", "0", "off", "no"):
        logging.getLogger("octo.operations").warning("not a yes or no, taking yes", extra=fields(variable=variable))
    return value not in ("false", "0", "off", "no")


def _loop_factory() -> type[asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    # Half of these threads may look up names. Of libuv's own 4 those are 2, so that two names whose server does not
    # answer would keep every connector from connecting anywhere.
    os.environ.setdefault("UV_THREADPOOL_SIZE", "64")
    return uvloop.Loop


class _Greeting:
    """Says that the flows run, again after each reload. operations: the address of that port, "" without one."""

    def __init__(self, asked: _Asked) -> None:
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


async def _run(asked: _Asked) -> int:
    from octo.engine.metrics import Metrics

    stop = asyncio.Event()
    stopping = Stopping(stop, asked.stop_delay + asked.drain + GRACE)
    stopping.listen()
    line = supervisor.join(os.environ, stopping.abandoned)
    metrics = Metrics()
    blocks = _block_metrics(asked.measured)
    greeting = _Greeting(asked)
    service = _service(asked, greeting, metrics, blocks)
    if line is not None:
        _beat(service, line)
    try:
        with recording(asked.traces, service) as live:
            async with asked.services, _operations(asked, service, metrics, blocks, live, stop) as address:
                greeting.operations = address
                await service.run(stop)
    except OctoError as error:
        refuse(error)
        if isinstance(error, ConfigError) and (hint := told(error, asked.named.paths, "run")):
            say(hint, err=True)
        return exits.USAGE if isinstance(error, ConfigError) else exits.FAILED
    return exits.DONE


def _service(asked: _Asked, greeting: _Greeting, metrics: Metrics, blocks: BlockMetrics | None) -> Service:
    from octo.engine.garbage import set_aside
    from octo.engine.service import Service

    tests = files_of(asked.stubs)
    watched = (*asked.named.watched, *tests) if asked.watch else ()
    modules = _modules(asked)

    def read() -> Config:
        nonlocal watched
        config = load_stubbed(asked.named, asked.stubs)
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
        allow_empty=asked.allow_empty,
        first=_is_first(),
        observer=_watchers(blocks, contracts(asked.contracts)),
        bus=metrics,
        services=asked.services,
    )
    return service


def _modules(asked: _Asked) -> Modules | None:
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


@asynccontextmanager
async def _operations(
    asked: _Asked,
    service: Service,
    metrics: Metrics,
    blocks: BlockMetrics | None,
    live: Live | None,
    stop: asyncio.Event,
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
    async with opened(asked.operations, process, ROUTES, stop if asked.watch else None) as address:
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
