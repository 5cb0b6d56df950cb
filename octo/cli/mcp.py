"""`octo mcp`: offer flows as tools to clients of the Model Context Protocol."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from pathlib import Path
from typing import Any, NamedTuple

import click

from octo.cli import exits
from octo.cli.ending import check_flow
from octo.cli.help import Verb
from octo.cli.named import Named
from octo.cli.places import MEMORY, services_of, services_option
from octo.cli.project import config_option, config_path, load_or_exit, refuse
from octo.cli.stubs import load_stubbed, stubs_option
from octo.cli.terminal import say
from octo.config.documents import Config
from octo.core.errors import OctoError
from octo.services.container import Services


class Way(NamedTuple):
    """How clients reach the flows. listener: for HTTP; None for standard input and output."""

    hosts: tuple[str, ...]
    origins: tuple[str, ...]
    listener: socket.socket | None


_DRAIN = 5.0
"""Seconds that calls have to end, when the command is asked to stop."""


@click.command(
    "mcp",
    cls=Verb,
    epilog="""\b
Examples:
  octo mcp flow.yaml                            for a client that starts this command
  octo mcp --config flow.yaml --flows find,buy  only these flows
  octo mcp flow.yaml --http 8765                at http://127.0.0.1:8765/mcp""",
)
@config_option
@click.option("--flows", metavar="NAMES", help="Only these flows; separate them with commas.")
@click.option("--http", "address", metavar="[HOST:]PORT", help="Serve over HTTP at /mcp; without a host, this machine.")
@click.option("--allow-host", multiple=True, metavar="HOST", help="A value of the header Host that is accepted, too.")
@click.option("--allow-origin", multiple=True, metavar="ORIGIN", help="Pages of this origin may call, too.")
@click.option("--timeout", default="1m", show_default=True, help="How long a call may take, e.g. 500ms, 5m.")
@stubs_option
@services_option(MEMORY)
def command(argument: Path | None, option: Path | None, flows: str | None, timeout: str, **given: Any) -> None:
    """Offer flows as tools to a client of the Model Context Protocol, such as a chat program or an agent.

    A flow is called with the arguments as its body, which must fit its `input:`; its `description:` is what the model
    reads. No source starts. Standard output carries the protocol alone, logs go to standard error.
    """
    from octo.core import log

    log.configure()
    log.reserve_stdout()
    seconds = _seconds(timeout)
    way = Way(given["allow_host"], given["allow_origin"], given["address"] and _listening(given["address"]))
    services = services_of(given["services"], given["storage_dir"], MEMORY)

    def read(path: Path) -> Config:
        return load_stubbed(Named((path,), services=given["services"]), given["stubs"])

    config = load_or_exit(config_path(option, argument), read)
    names = _names(config, flows)
    try:
        asyncio.run(_serve(config, names, seconds, services, way))
    except OctoError as error:
        refuse(error)
        sys.exit(exits.FAILED)


def _names(config: Config, flows: str | None) -> list[str]:
    """The flows to offer: those that are named, else all that have a name of their own."""
    if flows is None:
        names = [
            name
            for number, (name, doc) in enumerate(config.flows.items(), 1)
            if doc.source is None or name != f"flow-{number}"
        ]
    else:
        names = [each.strip() for each in flows.split(",") if each.strip()]
    for name in names:
        check_flow(config, name)
    if not names:
        raise click.UsageError("there is no flow with a name, so there is nothing to offer")
    return names


async def _serve(config: Config, names: list[str], seconds: float, services: Services, way: Way) -> None:
    import octo
    from octo.ai.mcp.serving import transports
    from octo.ai.mcp.serving.published import published
    from octo.ai.mcp.serving.server import server_of
    from octo.engine.opened import opened

    async with services as given, opened(config, names, given, _DRAIN) as flows:
        server = server_of(published(config.name or "octo", octo.__version__, [flows[name] for name in names], seconds))
        if way.listener is None:
            await transports.over_stdio(server)
            return
        host, port = way.listener.getsockname()[:2]
        app = transports.application(server, host, way.hosts, way.origins)
        say(f"{len(names)} tools at http://{f'[{host}]' if ':' in host else host}:{port}/mcp", err=True)
        await transports.over_http(app, way.listener, _asked_to_stop())


def _asked_to_stop() -> asyncio.Event:
    from octo.cli.stopping import GRACE, Stopping

    stop = asyncio.Event()
    Stopping(stop, _DRAIN + GRACE).listen()
    return stop


def _listening(address: str) -> socket.socket:
    from octo.operations.address import Address, bind, parse

    try:
        whole = parse(address if ":" in address else f"127.0.0.1:{address}")
        return bind(Address("127.0.0.1", whole.port) if not whole.host and not whole.path else whole)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--http") from None
    except OSError as error:
        raise click.UsageError(f"--http {address}: {os.strerror(error.errno or 0)}") from None


def _seconds(timeout: str) -> float:
    from octo.core.durations import parse_duration

    try:
        return max(0.001, float(parse_duration(timeout).total_seconds()))  # type: ignore[attr-defined]
    except ValueError:
        raise click.BadParameter(f"{timeout!r} is not a duration; write e.g. 30s", param_hint="--timeout") from None
