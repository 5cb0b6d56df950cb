"""`octo mcp author`: tools with which an assistant writes, tests and repairs the flows of a folder."""

from __future__ import annotations

import asyncio
import os
import socket
from importlib.util import find_spec
from pathlib import Path

import click

from octo.cli.help import Verb
from octo.cli.mcp_http import address_of, listening
from octo.cli.stopping import on_standard_input
from octo.cli.terminal import say


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
    listener = None if http is None else listening(http, only_here=True)
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
            say(f"serving at {address_of(listener)}", err=True)
            await server.over_http(desk, listener, stop)
