"""`octo dlq replay`: run dead letters again, or see what would come of it."""

from __future__ import annotations

import logging
import re
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

import click

from octo.cli import exits
from octo.cli.dlq.asked import Asked, entries, options, result
from octo.cli.help import Verb
from octo.cli.lettering import Rehearsals
from octo.cli.project import counted
from octo.cli.stubs import stubs_option
from octo.cli.terminal import give, say
from octo.core import codec

if TYPE_CHECKING:
    from octo.letters.places import Entry
    from octo.letters.replay import How, Order

_RATE = re.compile(r"(\d+(?:\.\d+)?)(?:/(s|m|h))?")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}


@click.command(
    "replay",
    cls=Verb,
    epilog="""\b
Examples:
  octo dlq replay 3f2a9c1e --dry-run          what the flows of this folder would do
  octo dlq replay 3f2a9c1e --rate 10/s        into the queue again, 10 a second
  octo dlq replay --all -c flow.yaml""",
)
@click.argument("words", nargs=-1, metavar="[ID|GROUP]... [CONFIG]")
@click.option("--all", "everything", is_flag=True, help="All dead letters.")
@click.option("--rate", metavar="N/s", help="At most so many a second; 30/m is that many a minute. Default: no limit.")
@click.option("--order", type=click.Choice(["oldest", "newest"]), default="oldest", show_default=True)
@click.option("--dry-run", is_flag=True, help="Change nothing: show what the flows of CONFIG would do with them.")
@click.option("--timeout", default="30s", show_default=True, help="How long a flow that runs here may take.")
@stubs_option
@options
def replay(
    words: tuple[str, ...],
    rate: str | None,
    order: Order,
    timeout: str,
    stubs: tuple[str, ...],
    form: str,
    *,
    everything: bool,
    dry_run: bool,
    **given: Any,
) -> None:
    """Run messages again: put them into their queue, or run the flow here if its `deadLetter` kept them.

    A message that fails again is one dead letter with one more attempt. A dry run calls no other system: blocks that
    would call one pass the message on as it came, unless --stubs names a test file whose stubs answer. Exit code 0
    means that all went well, 1 that some failed again.
    """
    asked = Asked.of(words, given)
    asked.needs_names(everything=everything)
    per_second, seconds = _rate(rate), _duration(timeout)
    if stubs and not dry_run:
        raise click.UsageError("--stubs belongs to --dry-run: a replay is real")
    if dry_run:
        sys.exit(result(_rehearsed(asked, stubs, seconds, form)))
    sys.exit(result(_replayed(asked, per_second, order, seconds, form)))


async def _rehearsed(asked: Asked, stubs: Sequence[str], seconds: float, form: str) -> int:
    from octo.letters.groups import chosen
    from octo.letters.rehearsal import Rehearsal, rehearsed
    from octo.letters.replay import flows
    from octo.services.container import Services

    config = asked.config(stubs, needed=True)
    assert config is not None
    rehearsal, results = Rehearsal(config), Rehearsals(form)
    async with asked.places(config) as places, Services() as empty:
        found = await chosen(places, asked.names)
        names = {name for each in found for name in each.flows}
        async with _quiet(), flows(rehearsal.config, names, empty, seconds, rehearsal) as run:
            async for entry in entries(found):
                results.add(entry, await rehearsed(entry, run, rehearsal))
    results.show()
    return exits.DONE if results.is_good else exits.FAILED


@asynccontextmanager
async def _quiet() -> AsyncIterator[None]:
    """A context without a log: what fails is shown."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        yield
    finally:
        logging.disable(before)


async def _replayed(asked: Asked, per_second: float | None, order: Order, seconds: float, form: str) -> int:
    from octo.letters.groups import chosen
    from octo.letters.replay import Pace, flows, replay

    tally, config = _Tally(form), asked.config()
    try:
        async with AsyncExitStack() as stack:
            services = asked.opened()
            places = await stack.enter_async_context(asked.places(config, services))
            found = await chosen(places, asked.names)
            run = None
            if here := {name for each in found if not each.place.queue for name in each.flows}:
                config = config or asked.config(needed=True)
                assert config is not None
                run = await stack.enter_async_context(flows(config, here, services, seconds))
            queues: Any = services.opened.get("queues")
            await replay(found, queues, run, tally.add, Pace(per_second), order)
            _tell_of_lent(sum(len(each.ids) for each in found) - tally.counts.total())
    except BaseException:
        if tally.counts:
            say(f"interrupted: {tally.summary}", err=True)
        raise
    if form == "text":
        say(tally.summary)
    return exits.DONE if tally.is_good else exits.FAILED


class _Tally:
    """How many letters went how. form: `json` prints a line of each, `text` the reason of those that failed."""

    def __init__(self, form: str) -> None:
        self.counts: Counter[str] = Counter()
        self._form = form

    def add(self, entry: Entry, how: How, why: str) -> None:
        self.counts[how] += 1
        if self._form == "json":
            value = {"id": entry.event_id, "group": entry.letter.fingerprint, "place": entry.place.name, "how": how}
            give(codec.write(value | ({"reason": why} if why else {})) + b"\n", json=True)
        elif why:
            say(f"{entry.event_id}  {how}: {why}", err=True)

    @property
    def is_good(self) -> bool:
        return not (self.counts["failed"] or self.counts["kept"])

    @property
    def summary(self) -> str:
        if not self.counts:
            return "nothing was replayed"
        words = {
            "sent": "in the queue again",
            "completed": "completed",
            "failed": "failed again",
            "kept": "left as they were",
        }
        return ", ".join(f"{self.counts[how]:,} {text}" for how, text in words.items() if self.counts[how])


def _tell_of_lent(number: int) -> None:
    if number:
        from octo.letters.places import LEASE

        text = f"another replay has {counted(number, 'more letter')}, or had when it ended"
        say(f"{text}; try again in {LEASE / 60:g} minutes", fg="yellow", err=True)


def _rate(text: str | None) -> float | None:
    """Letters a second; None is no limit."""
    if text is None:
        return None
    found = _RATE.fullmatch(text.strip())
    number = float(found[1]) if found else 0.0
    if found is None or not 0 < number <= 1_000_000:
        raise click.BadParameter(f"{text!r} is no rate; write e.g. 10/s, 30/m or 100/h", param_hint="--rate")
    return number / _SECONDS[found[2] or "s"]


def _duration(text: str) -> float:
    """Seconds."""
    from octo.core.durations import parse_duration

    try:
        seconds: float = parse_duration(text).total_seconds()  # type: ignore[attr-defined]
    except ValueError:
        seconds = 0.0
    if seconds <= 0:
        raise click.BadParameter(f"{text!r} is not a duration; write e.g. 500ms or 30s", param_hint="--timeout")
    return seconds
