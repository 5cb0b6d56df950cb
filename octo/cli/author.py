"""`octo mcp author`: tools with which an assistant writes, tests and repairs the flows of a folder."""

from __future__ import annotations

import asyncio
import os
import socket
from importlib.util import find_spec
from pathlib import Path

import click

from octo.cli.help import Verb
from octo.cli.stopping import on_standard_input
from octo.cli.terminal import say

_LOOPBACK = "127.0.0.1"


@click.command(
    "author",
    cls=Verb,
    epilog="""\b
Examples:
  octo mcp author                          look at the flows of this folder
  octo mcp author shop --allow-mutations   write, run and repair those of shop
  octo mcp author shop --http 8765         over HTTP, for this machine alone""",
)
@click.argument("path", required=False, default=".", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--allow-mutations", "may_change", is_flag=True, help="Let it write files, run flows and call systems.")
@click.option(
    "--http", metavar="[HOST:]PORT", help="Serve over HTTP at /mcp instead of standard input; HOST must be loopback."
)
def command(path: Path, http: str | None, *, may_change: bool) -> None:
    """Serve the folder PATH to an assistant over MCP: read, check, test and explain flows, and with --allow-mutations
    also edit and run them.

    An editor or assistant starts it and speaks to it on standard input and output. It ends when that closes.
    """
    if find_spec("mcp") is None:
        raise click.UsageError("octo mcp needs the package mcp: pip install 'octo-flows[mcp]'")
    if not hasattr(os, "fork"):
        raise click.UsageError("octo mcp author needs a system that forks processes: Linux or macOS")
    listener = None if http is None else _listening(http)
    if listener is None:
        on_standard_input("an assistant")
    asyncio.run(_serve(path, listener, may_change=may_change))


async def _serve(path: Path, listener: socket.socket | None, *, may_change: bool) -> None:
    from octo.cli.authoring import server
    from octo.cli.authoring.desk import Desk
    from octo.cli.stopping import GRACE, Stopping

    stop = asyncio.Event()
    if listener is not None:
        Stopping(stop, 2 * GRACE).listen()
    with Desk.open(path, may_change=may_change) as desk:
        if listener is None:
            await server.over_stdio(desk)
        else:
            host, port = listener.getsockname()[:2]
            say(f"serving at http://{f'[{host}]' if ':' in host else host}:{port}/mcp", err=True)
            await server.over_http(desk, listener, stop)


def _listening(text: str) -> socket.socket:
    """A socket at this address. Raises a usage error unless it is of this machine alone."""
    from octo.operations.address import Address, bind, parse

    try:
        asked = parse(text if ":" in text else f"{_LOOPBACK}:{text}")
        if asked.path or not _is_loopback(asked.host or _LOOPBACK):
            raise ValueError(f"{text!r} is not loopback: whoever reaches it can read the project")
        return bind(Address(asked.host or _LOOPBACK, asked.port))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--http") from None
    except OSError as error:
        raise click.UsageError(f"--http {text}: {os.strerror(error.errno or 0)}") from None


def _is_loopback(host: str) -> bool:
    import ipaddress

    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
