"""`octo mcp author`: tools with which an assistant writes, tests and repairs the flows of a folder."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from octo.cli import exits
from octo.cli.help import Verb
from octo.cli.terminal import is_terminal, say

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from octo.cli.authoring.desk import Desk

_LOOPBACK = "127.0.0.1"


@click.command(
    "author",
    cls=Verb,
    epilog="""\b
Examples:
  octo mcp author                          look at the flows of this folder
  octo mcp author shop --allow-mutations   write, run and repair those of the folder shop
  octo mcp author shop --http 8765         over HTTP, for clients on this machine""",
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
    from octo.cli.authoring import server

    if http is None:
        if is_terminal(sys.stdin):
            say("It speaks MCP on standard input: an editor or assistant starts it. Ctrl-C ends it.", err=True)
        sys.exit(_served(path, server.over_stdio, may_change=may_change))
    host, port = _address(http)
    say(f"http://{host}:{port}/mcp", err=True)
    sys.exit(_served(path, lambda desk: server.over_http(desk, host, port), may_change=may_change))


def _served(path: Path, serve: Callable[[Desk], Coroutine[Any, Any, None]], *, may_change: bool) -> int:
    import asyncio

    from octo.cli.authoring.desk import Desk

    with suppress(KeyboardInterrupt), Desk.open(path, may_change=may_change) as desk:
        asyncio.run(serve(desk))
    return exits.DONE


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    host = host.strip("[]") or _LOOPBACK
    if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65_536:
        raise click.BadParameter(f"{text!r} is not [HOST:]PORT, e.g. 8765", param_hint="--http")
    if host != "localhost" and not _is_loopback(host):
        raise click.BadParameter(
            f"{host!r} is not loopback: whoever reaches it can read the project", param_hint="--http"
        )
    return host, int(port)


def _is_loopback(host: str) -> bool:
    import ipaddress

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
