"""`octo traces`: list kept traces, or show one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from octo.cli import exits
from octo.cli.project import coloured, refusals
from octo.cli.stored import find, show, store_option
from octo.cli.terminal import say
from octo.core.printable import printable

if TYPE_CHECKING:
    from octo.trace.encode import Summary
    from octo.trace.record import Record


@click.command("traces")
@click.argument("id", required=False)
@store_option
@click.option("--flow", "-f", help="Only traces of this flow.")
@click.option(
    "--outcome",
    type=click.Choice(["completed", "dropped", "failed", "cancelled"]),
    help="Only traces with this outcome.",
)
@click.option(
    "--limit",
    type=click.IntRange(1, 10_000),
    default=20,
    show_default=True,
    help="At most this many, the newest first.",
)
@click.option("--values", type=click.Path(path_type=Path), metavar="CONFIG", help="Show the values of expressions.")
@click.option("--full", is_flag=True, help="Show values whole, however long they are.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON Lines: records, or one summary per trace.")
def command(
    id: str | None,  # noqa: A002  everybody's word
    store: str,
    flow: str | None,
    outcome: str | None,
    limit: int,
    values: Path | None,
    full: bool,
    as_json: bool,
) -> None:
    """List the traces that `octo run --traces` kept, or show the one with the given ID.

    ID is an event or trace id, or its first 6 characters. With --values, each block also shows its expressions,
    evaluated again on the recorded message with the flow files at CONFIG.
    """
    if id is not None:
        show(_with_values(find(store, id), values), full=full, as_json=as_json)
    else:
        _list(_summaries(store, flow, outcome, limit), as_json=as_json)


def _with_values(trace: Sequence[Record], config: Path | None) -> Sequence[Record]:
    if config is None:
        return trace
    from octo.cli.project import load_or_exit
    from octo.trace.values import with_values

    return with_values(trace, load_or_exit(config))


def _summaries(store: str, flow: str | None, outcome: str | None, limit: int) -> list[Summary]:
    from octo.trace.opening import open_store

    with refusals(exits.USAGE):
        return open_store(store).find(flow, outcome, limit)


def _list(found: Iterable[Summary], *, as_json: bool) -> None:
    style = coloured()
    for each in found:
        if as_json:
            say(json.dumps(each._asdict()))
            continue
        moment = datetime.fromtimestamp(each.at / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S")
        event, flow, code, outcome = map(printable, (each.event, each.flow, each.code, each.outcome))
        shown = style(f"{outcome:9}", {"completed": "green", "dropped": "yellow"}.get(outcome, "red"))
        say(f"{event}  {moment}  {shown}  {each.duration / 1e6:9.2f} ms  {flow}  {code}".rstrip())
