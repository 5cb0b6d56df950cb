"""`octo replay`: run a recorded message against the current files, and show what is different."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from octo.cli import exits
from octo.cli.project import config_option, config_path, import_beside, refusals
from octo.cli.stored import find, store_option
from octo.cli.terminal import say
from octo.core.printable import printable

if TYPE_CHECKING:
    from octo.suite.replay import Crossed, Replayed
    from octo.trace.record import Record

_MARKS = {"same": ("=", None), "changed": ("~", "yellow"), "gone": ("-", "red"), "new": ("+", "green")}


@click.command("replay")
@click.argument("id")
@config_option
@store_option
def command(id: str, option: Path | None, argument: Path | None, store: str) -> None:  # noqa: A002  everybody's word
    """Run a recorded message against the current files and show the difference.

    ID is an event or trace id, or its first 6 characters. No other system is called: blocks that would call one return
    what they returned then. Exit code 0 means that the flow ends with the same result, 1 that it does not.
    """
    from octo.core import log

    log.configure("error")
    path = config_path(option, argument)
    trace = find(store, id)
    with refusals(exits.USAGE):
        replayed = _replay(trace, path)
    for line in _shown(replayed):
        say(line)
    sys.exit(exits.DONE if replayed.is_same else exits.FAILED)


def _replay(trace: Sequence[Record], path: Path) -> Replayed:
    from octo.builtin import plugins
    from octo.config.load import load
    from octo.suite import Configs
    from octo.suite.replay import replay

    known = plugins()
    import_beside(path)
    return replay(trace, Configs(lambda file, environ: load(file, known, environ)), path)


def _shown(replayed: Replayed) -> Iterator[str]:
    flow, *blocks = replayed.steps
    for step in blocks:
        yield from _step(step)
    verdict = "answers the same" if replayed.is_same else "answers differently"
    yield click.style(printable(f"flow {replayed.flow} {verdict}"), bold=True)
    yield from (printable(f"    {each.path}: {each.what}") for each in flow.differences)


def _step(step: Crossed) -> Iterator[str]:
    mark, colour = _MARKS[step.kind]
    again = f" ({step.nth})" if step.nth > 1 else ""
    said = {"gone": "  no longer runs", "new": "  runs now"}.get(step.kind, "")
    yield click.style(printable(f"{mark} {step.path}{again}{said}"), fg=colour)
    yield from (printable(f"    {each.path or 'outcome'}: {each.what}") for each in step.differences)
