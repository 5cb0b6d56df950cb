"""`octo run`: run the flows until SIGINT or SIGTERM. With `--watch`, replace them when their files change."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from octo.cli import lasting
from octo.cli.help import Verb
from octo.cli.named import named
from octo.cli.observers import Traces, otlp_address
from octo.cli.places import DURABLE, is_chosen, services_of, services_option
from octo.cli.project import Number
from octo.cli.serving import Asked, run
from octo.cli.stopping import GRACE
from octo.cli.stored import store_option
from octo.cli.stubs import stubs_option
from octo.cli.terminal import is_terminal
from octo.core.supervisor import VARIABLE

if TYPE_CHECKING:
    from octo.engine.moving import Resume
    from octo.operations.port import Port


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
@click.option(
    "--resume",
    type=click.Choice(["own", "new"]),
    default="own",
    show_default=True,
    help="Where journalled messages of earlier flow files go on: in their own files, or in the new ones if they fit.",
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
@click.option(
    "--debug", is_flag=True, help="Let clients of the operations port set breakpoints and mocks, and see what stops."
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
    resume: Resume,
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
    debug: bool,
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
    found = named([*([config] if config else []), *paths], "run")._replace(services=services)
    if found.text is not None and (watch or processes > 1):
        raise click.UsageError("standard input is read once: save it as a file for --watch or --processes")
    if debug and processes > 1:
        raise click.UsageError("--debug needs a single process: a message may come to any of several")
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
        asked = Asked(
            *(found, stubs, chosen, port, watch, quiet, allow_empty, stop_delay),
            *(drain, resume, operations, measured, kept, contracts, is_chosen(services, storage_dir), debug),
        )
        sys.exit(lasting.run(run(asked), runner))


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
