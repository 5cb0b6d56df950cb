"""`octo logs`: the last lines of all instances of a deployment, and each as it comes."""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from contextlib import suppress
from typing import Any

import click

from octo.cli.help import Verb
from octo.cli.terminal import say
from octo_platform.commands import asking
from octo_platform.commands.address import Address, address
from octo_platform.commands.client import Client, Refused, Unreachable
from octo_platform.commands.following import events, readable

_TRIES = 8
_MOST_SEEN = 20_000


@click.command(
    "logs",
    cls=Verb,
    epilog="""\b
Examples:
  octo logs shop/dev:orders            the last 200 lines
  octo logs shop/dev:orders -f -n 0    only what comes""",
)
@click.argument("deployment")
@click.option("--lines", "-n", type=click.IntRange(0, 2000), default=200, show_default=True)
@click.option("--follow", "-f", is_flag=True, help="Go on with each line as it comes.")
@asking.place_options
@asking.format_option
def command(deployment: str, lines: int, follow: bool, server: str | None, form: str, **given: Any) -> None:
    """Show the log of a deployment, of all its instances together. With `--format json` each line is an object."""
    place = address(deployment, given["workspace"], given["environment"])
    with asking.client(server) as client:
        if follow:
            with suppress(KeyboardInterrupt):
                _follow(client, place, lines, form)
            return
        for each in client.get(f"{place.path}/logs", lines=max(lines, 1))[-lines or None :] if lines else ():
            _print(each, form)


def _follow(client: Client, place: Address, lines: int, form: str) -> None:
    """Print each line as it comes, until Ctrl-C or the end of the log. A stream that breaks is taken up again."""
    seen: OrderedDict[str, None] = OrderedDict()
    broken = 0
    while broken <= _TRIES:
        last = next(reversed(seen), "")
        try:
            with client.stream(f"{place.path}/logs/events", last, lines=lines) as answer:
                for each in events(answer):
                    broken = 0
                    if each.name == "end":
                        return
                    if each.name == "" and each.id not in seen:  # some may come twice
                        _print(each.data, form)
                    _keep(seen, each.id)
        except (Unreachable, Refused) as error:
            if broken == _TRIES or (isinstance(error, Refused) and error.code != "busy"):
                raise
        broken += 1
        time.sleep(min(0.2 * 2**broken, 5.0))
    raise Unreachable(f"{client.url} ends the log again and again")


def _keep(seen: OrderedDict[str, None], id_: str) -> None:
    if id_:
        seen[id_] = None
        seen.move_to_end(id_)
        if len(seen) > _MOST_SEEN:
            seen.popitem(last=False)


def _print(line: dict[str, Any], form: str) -> None:
    say(json.dumps(line, ensure_ascii=False) if form == "json" else readable(line))
