"""`octo trace`: show copies of messages in a running Octo, with what each block did, without pausing anything."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import click

from octo.cli import exits
from octo.cli.ports import nobody, port_option
from octo.cli.stored import show
from octo.cli.terminal import is_terminal, say
from octo.core.printable import printable
from octo.operations.address import parse
from octo.operations.client import Client, Unreachable
from octo.operations.guard import VARIABLE as TOKEN
from octo.trace.packed import read


@click.command("trace")
@click.argument("flow")
@click.option("--when", default="", metavar="CEL", help="Only messages for which this is true when they come in.")
@click.option(
    "--take", type=click.IntRange(1, 1000), default=1, show_default=True, help="End after this many messages."
)
@click.option("--full", is_flag=True, help="Show values whole, however long they are.")
@click.option("--json", "as_json", is_flag=True, help="Print the records as JSON Lines.")
@port_option
@click.option(
    "--admin-token", envvar=TOKEN, default="", show_envvar=True, help="Token of the operations port, if it needs one."
)
def command(flow: str, when: str, take: int, full: bool, as_json: bool, admin_addr: str, admin_token: str) -> None:
    """Watch messages of FLOW in a running Octo as they come in, each with what every block made of it.

    Nothing is paused or restarted: the flow is watched until enough messages were seen, or Ctrl-C. Secrets and masked
    fields are left out. Exit code 1 means that no Octo answers at the address, that the token is refused, or that Octo
    or the flow ended before enough messages were seen; 2 means that the flow or the condition is wrong.
    """
    try:
        client = Client(parse(admin_addr), admin_token)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    path = f"/traces/tap?{urlencode({'flow': flow, 'when': when, 'take': take})}"
    try:
        sys.exit(asyncio.run(_watch(client, path, take, full=full, as_json=as_json)))
    except Unreachable as error:
        nobody(error)
    except KeyboardInterrupt:
        sys.exit(exits.DONE)


async def _watch(client: Client, path: str, take: int, *, full: bool, as_json: bool) -> int:
    seen = status = 0
    why = "Octo stopped, or an hour passed"
    await client.facts("/status", "version")  # make sure it is Octo: another server's response would be misleading
    try:
        async with client.stream("GET", path) as (status, pieces):
            if status != 200:
                said = b"".join([piece async for piece in pieces]).decode(errors="replace")
                say(printable(said.rstrip("\n")), err=True)
                return exits.USAGE if status in (400, 404) else exits.FAILED
            if is_terminal(sys.stderr):
                say("Waiting for messages. Ctrl-C ends.", err=True)
            async for line in _lines(pieces):
                trace = read(line)
                if isinstance(trace, dict):
                    why = trace["ended"]
                    break
                _show(trace, full=full, as_json=as_json)
                seen += 1
    except Unreachable:
        if not status:
            raise
    if seen < take:
        say(f"{client.address} ended after {seen} of {take}: {why}", err=True)
        return exits.FAILED
    return exits.DONE


async def _lines(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    rest = b""
    async for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            if line:
                yield line


def _show(trace: Any, *, full: bool, as_json: bool) -> None:
    show(trace, full=full, as_json=as_json)
    if not as_json:
        say()
    sys.stdout.flush()
