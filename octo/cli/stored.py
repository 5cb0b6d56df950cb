"""What the verbs that read traces share: the option for the store, finding a trace, and showing it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from octo.cli import exits
from octo.cli.project import coloured, refusals
from octo.cli.terminal import say
from octo.core.printable import printable_json

if TYPE_CHECKING:
    from octo.trace.record import Record

F = TypeVar("F", bound=Callable[..., Any])

STORE = "sqlite:.octo/traces.db"
"""The default store: `octo run --traces` keeps traces here, and the other verbs look here."""


def store_option(command: F) -> F:
    """`--traces-store URL`."""
    return click.option(
        "--traces-store",
        "store",
        envvar="OCTO_TRACES_STORE",
        default=STORE,
        show_default=True,
        metavar="URL",
        help="Where the traces are: sqlite:PATH.db or file:PATH.jsonl.",
    )(command)


def find(store: str, id: str) -> Sequence[Record]:  # noqa: A002  everybody's word
    """The trace with this event or trace id. If there is none, print the reason and exit."""
    from octo.trace.opening import open_store

    with refusals(exits.USAGE):
        return open_store(store).get(id)


def show(trace: Sequence[Record], *, full: bool, as_json: bool) -> None:
    """Print one trace as a tree, or its records as JSON Lines."""
    from octo.trace.show import shown

    if as_json:
        from octo.trace.packed import dumps

        for record in trace:
            say(printable_json(dumps(record).decode()))
        return
    for line in shown(trace, coloured(), width=None if full else max(40, _columns() - 12)):
        say(line)


def _columns() -> int:
    import shutil

    return shutil.get_terminal_size((112, 24)).columns
