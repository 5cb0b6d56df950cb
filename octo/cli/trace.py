"""`octo trace`: copy matching messages of a running Octo, with all they went through, without pausing anything."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any
from urllib.parse import urlencode

import click

from octo.admin.address import DEFAULT, VARIABLE, parse
from octo.admin.client import Client, Unreachable
from octo.admin.guard import VARIABLE as TOKEN
from octo.cli import exits
from octo.cli.traces import show


@click.command("trace")
@click.argument("flow")
@click.option("--when", default="", metavar="CEL", help="Only messages that this holds for as they come in.")
@click.option("--take", type=click.IntRange(1, 1000), default=1, show_default=True, help="How many, then it ends.")
@click.option("--full", is_flag=True, help="Show values whole, however long they are.")
@click.option("--json", "as_json", is_flag=True, help="Print the records as JSON Lines.")
@click.option(
    "--admin-addr",
    envvar=VARIABLE,
    default=DEFAULT,
    show_default=True,
    metavar="HOST:PORT",
    help=f"Operations port of the running Octo; or ${VARIABLE}.",
)
@click.option("--admin-token", envvar=TOKEN, default="", show_envvar=True, help="Its token, where it needs one.")
def command(flow: str, when: str, take: int, full: bool, as_json: bool, admin_addr: str, admin_token: str) -> None:
    """Watch messages of FLOW in a running Octo as they happen, each with what every block made of it.

    Nothing is paused and nothing needs to be restarted: flows are watched from now on until enough was seen, or
    Ctrl-C. Secrets and masked fields are left out. Exit code 1 says that nobody answers, 2 that the flow or the
    condition is wrong.
    """
    try:
        client = Client(parse(admin_addr), admin_token)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    path = f"/traces/tap?{urlencode({'flow': flow, 'when': when, 'take': take})}"
    try:
        sys.exit(asyncio.run(_watch(client, path, full=full, as_json=as_json)))
    except Unreachable as error:
        click.echo(f"{error}\nIs `octo run` running? Name its port with --admin-addr HOST:PORT.", err=True)
        sys.exit(exits.FAILED)
    except KeyboardInterrupt:
        sys.exit(exits.DONE)


async def _watch(client: Client, path: str, *, full: bool, as_json: bool) -> int:
    rest = b""
    async with client.stream("GET", path) as (status, pieces):
        async for piece in pieces:
            *lines, rest = (rest + piece).split(b"\n")
            if status != 200:
                continue
            for line in lines:
                if line:
                    _show(json.loads(line), full=full, as_json=as_json)
        if status != 200:
            click.echo((lines[0] if lines else rest).decode(), err=True)
    return exits.DONE if status == 200 else exits.USAGE


def _show(trace: Any, *, full: bool, as_json: bool) -> None:
    show(trace, full=full, as_json=as_json)
    if not as_json:
        click.echo()
    sys.stdout.flush()
