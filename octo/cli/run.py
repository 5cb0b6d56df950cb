"""`octo run`: run the flows until SIGINT or SIGTERM; with `--watch`, swap them when their files change."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import click

from octo import __version__
from octo.cli import exits
from octo.cli.project import config_option, config_path, counted, load, refuse, show
from octo.config.documents import Config
from octo.core.errors import ConfigError, OctoError


@click.command("run")
@config_option
@click.option("--watch", is_flag=True, help="Swap in what changed whenever the files change.")
@click.option("--processes", type=click.IntRange(1, 256), default=1, help="Processes that share the ports.")
@click.option("--drain", type=float, default=30.0, show_default=True, help="Seconds for messages in flight to finish.")
@click.option("--log-format", type=click.Choice(["text", "json"]), help="Form of the log lines on stderr.")
@click.option("--log-level", help="debug, info, warn or error; default $LOG_LEVEL, else info.")
def command(
    option: Path | None,
    argument: Path | None,
    watch: bool,
    processes: int,
    drain: float,
    log_format: str | None,
    log_level: str | None,
) -> None:
    """Run the flows of a configuration until stopped.

    SIGINT and SIGTERM end it cleanly: sources stop, messages in flight finish, connectors close, exit code 0. A
    second signal ends it at once. Exit code 2 says that the configuration is wrong, 1 that something did not start.
    """
    from octo.core.log import configure

    path = config_path(option, argument)
    configure(log_level, log_format)
    if processes > 1:
        from octo.cli.processes import supervise

        sys.exit(supervise(processes))
    sys.exit(_serve(path, watch=watch, drain=drain))


def _serve(path: Path, *, watch: bool, drain: float) -> int:
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(_run(path, watch=watch, drain=drain))


def _loop_factory() -> type[asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.Loop


async def _run(path: Path, *, watch: bool, drain: float) -> int:
    from octo.config.load import candidates
    from octo.engine.service import Service

    stop = asyncio.Event()
    _stop_on_signals(stop)
    watched = candidates(path, os.environ)

    def read() -> Config:
        nonlocal watched
        config = load(path)
        watched = (path, *config.watched)
        return config

    def refused(error: OctoError) -> None:
        if not _is_first():
            return  # all processes see the same edit; one tells of it
        refuse(error)
        if service.current is not None:
            click.echo("The running flows are unchanged.", err=True)

    service = Service(
        read,
        watched=(lambda: watched) if watch else None,
        ready=_banner,
        refused=refused,
        drain=drain,
        first=_is_first(),
    )
    try:
        await service.run(stop)
    except OctoError as error:
        refuse(error)
        return exits.USAGE if isinstance(error, ConfigError) else exits.FAILED
    return exits.DONE


def _stop_on_signals(stop: asyncio.Event) -> None:
    def on_signal() -> None:
        if stop.is_set():
            os._exit(exits.FAILED)  # asked twice: at once, whatever is still in flight
        stop.set()

    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(each, on_signal)


def _is_first() -> bool:
    return os.environ.get("OCTO_PROCESS", "0") == "0"


def _banner(config: Config) -> None:
    for warning in config.warnings:
        show(warning, "yellow")
    if not _is_first():
        return
    name = f" {config.name}" if config.name else ""
    title = f"🐙 Octo {__version__}{name}"
    counts = f"   {counted(len(config.flows), 'flow')}, {counted(len(config.connectors), 'connector')}, ready"
    width = max(len(title) + 1, len(counts)) + 2  # the octopus is two columns wide
    click.echo(f"╭{'─' * width}╮\n│ {title:<{width - 2}}│\n│ {counts:<{width - 1}}│\n╰{'─' * width}╯")
