"""`octo dlq`: list, show, replay and purge dead letters."""

from __future__ import annotations

import asyncio
import logging
import re
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from octo.cli import exits
from octo.cli.help import Verb
from octo.cli.lettering import Rehearsals, covered, group_lines, letter_lines, letter_value
from octo.cli.named import Named, is_path
from octo.cli.places import DURABLE, MEMORY, is_not_made, services_of, services_option
from octo.cli.project import counted, load_or_exit, refuse
from octo.cli.stubs import load_stubbed, stubs_option
from octo.cli.terminal import give, say
from octo.core import codec
from octo.core.errors import OctoError

if TYPE_CHECKING:
    from octo.config.documents import Config
    from octo.letters.groups import Chosen
    from octo.letters.places import Entry, Place
    from octo.letters.replay import How, Order
    from octo.services.container import Services

T = TypeVar("T")

_RATE = re.compile(r"(\d+(?:\.\d+)?)(?:/(s|m|h))?")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}


class Given(NamedTuple):
    """What all subcommands are told: which letters, and where to look for them."""

    names: Sequence[str]
    path: Path | None
    queues: tuple[str, ...]
    services: str | None
    storage_dir: str | None

    def config(self, stubs: Sequence[str] = (), *, needed: bool = False) -> Config | None:
        """The configuration; None if queues are named and no configuration is, unless it is needed."""
        if self.path is None and self.queues and not needed:
            return None
        from octo.cli.named import named

        verb = click.get_current_context().info_name or "dlq"
        path = named([self.path] if self.path else [], verb, one=True).paths[0]
        return load_or_exit(path, lambda found: load_stubbed(Named((found,), services=self.services), stubs))

    def opened(self) -> Services:
        """The services. The default file is not made only to find that it is empty."""
        default = MEMORY if is_not_made(self.services, self.storage_dir, DURABLE) else DURABLE
        return services_of(self.services, self.storage_dir, default)


def _common(command: Callable[..., Any]) -> Callable[..., Any]:
    command = click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)(
        command
    )
    command = services_option(DURABLE)(command)
    command = click.option("--queue", "-q", "queues", multiple=True, help="Only this queue; may be repeated.")(command)
    return click.option(
        "--config", "-c", type=click.Path(path_type=Path), help="Flow file or folder, as CONFIG; default: this folder."
    )(command)


def _given(words: Sequence[str], given: dict[str, Any]) -> Given:
    """The words that are paths name the configuration, the others are ids and groups."""
    paths, names = [Path(each) for each in words if is_path(each)], [each for each in words if not is_path(each)]
    config = given.pop("config")
    if len(paths) + (config is not None) > 1:
        raise click.UsageError(f"name one flow file or folder, not also {str(paths[-1])!r}")
    return Given(names, config or next(iter(paths), None), **given)


@click.group("dlq", epilog="`octo dlq COMMAND --help` tells more.")
def command() -> None:
    """List, show, replay and purge dead letters: messages that their flows failed for good.

    They are those of the queues that the flows of CONFIG consume, and those in the queues and files that `deadLetter`
    of its flows names. Messages that failed alike are a group.
    """
    from octo.core import log

    log.configure("error")
    log.reserve_stdout()


# --- looking -----------------------------------------------------------------------------------------------------


@command.command("list", cls=Verb, epilog="Example: octo dlq list --services postgresql://octo@db/octo flows/")
@click.argument("words", nargs=-1, metavar="[CONFIG]")
@_common
def list_(words: tuple[str, ...], form: str, **given: Any) -> None:
    """List the groups of dead letters, the largest first."""
    asked = _given(words, given)
    if asked.names:
        raise click.UsageError(f"there is no file {asked.names[0]!r}; `octo dlq show` shows a letter or a group")
    found = _run(_listed(asked))
    if form == "json":
        give(codec.write({"count": sum(each.size for each in found), "groups": [each.as_value() for each in found]}))
        give(b"\n")
        return
    for group in found:
        for line in group_lines(group):
            say(line)
    if not found:
        say("no dead letters")


async def _listed(asked: Given) -> list[Any]:
    from octo.letters.groups import grouped

    async with _places(asked, asked.config()) as places:
        return await grouped(places)


@command.command("show", cls=Verb, epilog="Example: octo dlq show 3f2a9c1e")
@click.argument("words", nargs=-1, metavar="ID|GROUP... [CONFIG]")
@click.option("--limit", type=click.IntRange(1, 10_000), default=10, show_default=True, help="At most this many.")
@_common
def show(words: tuple[str, ...], limit: int, form: str, **given: Any) -> None:
    """Show letters: why each failed, and its message.

    ID is the event id of a message, or its first 6 characters; GROUP is what `octo dlq list` prints. With --format json
    each letter is a line.
    """
    asked = _given(words, given)
    _needs_names(asked)
    left = _run(_shown(asked, limit, form))
    if left:
        say(f"and {counted(left, 'more letter')}; --limit shows more", err=True)


async def _shown(asked: Given, limit: int, form: str) -> int:
    """Show them; return how many more there are."""
    from octo.letters.groups import chosen

    config = asked.config()
    async with _places(asked, config) as places:
        found = await chosen(places, asked.names)
        shown = 0
        async for each in _entries(found):
            if shown == limit:
                break
            shown += 1
            entry = covered(each, config)
            if form == "json":
                give(codec.write_kinds(letter_value(entry)) + b"\n", json=True)
                continue
            for line in letter_lines(entry):
                say(line)
        return sum(len(each.ids) for each in found) - shown


async def _entries(found: Sequence[Chosen]) -> AsyncIterator[Entry]:
    for each in found:
        wanted = set(each.ids)
        async for entry in each.place.browse():
            if entry.id in wanted:
                yield entry


# --- replaying ---------------------------------------------------------------------------------------------------


@command.command(
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
@_common
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
    asked = _given(words, given)
    _needs_names(asked, everything=everything)
    per_second, seconds = _rate(rate), _duration(timeout)
    if stubs and not dry_run:
        raise click.UsageError("--stubs belongs to --dry-run: a replay is real")
    if dry_run:
        sys.exit(_run(_rehearsed(asked, stubs, seconds, form)))
    sys.exit(_run(_replayed(asked, per_second, order, seconds, form)))


async def _rehearsed(asked: Given, stubs: Sequence[str], seconds: float, form: str) -> int:
    from octo.letters.groups import chosen
    from octo.letters.rehearsal import Rehearsal, rehearsed
    from octo.letters.replay import flows
    from octo.services.container import Services

    config = asked.config(stubs, needed=True)
    assert config is not None
    rehearsal, results = Rehearsal(config), Rehearsals(form)
    async with _places(asked, config) as places, Services() as empty:
        found = await chosen(places, asked.names)
        names = {name for each in found for name in each.flows}
        async with _quiet(), flows(rehearsal.config, names, empty, seconds, rehearsal) as run:
            async for entry in _entries(found):
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


async def _replayed(asked: Given, per_second: float | None, order: Order, seconds: float, form: str) -> int:
    from contextlib import AsyncExitStack

    from octo.letters.groups import chosen
    from octo.letters.replay import Pace, flows, replay

    counts: Counter[str] = Counter()

    def told(entry: Entry, how: How, why: str) -> None:
        counts[how] += 1
        if form == "json":
            value = {"id": entry.event_id, "group": entry.letter.fingerprint, "place": entry.place.name, "how": how}
            give(codec.write(value | ({"reason": why} if why else {})) + b"\n", json=True)
        elif why:
            say(f"{entry.event_id}  {how}: {why}", err=True)

    config = asked.config()
    try:
        async with AsyncExitStack() as stack:
            services = asked.opened()
            places = await stack.enter_async_context(_places(asked, config, services))
            found = await chosen(places, asked.names)
            run = None
            if here := {name for each in found if not each.place.queue for name in each.flows}:
                config = config or asked.config(needed=True)
                assert config is not None
                run = await stack.enter_async_context(flows(config, here, services, seconds))
            queues: Any = services.opened.get("queues")
            await replay(found, queues, run, told, Pace(per_second), order)
            _tell_of_lent(sum(len(each.ids) for each in found) - sum(counts.values()))
    except BaseException:
        if counts:
            say(f"interrupted: {_summary(counts)}", err=True)
        raise
    if form == "text":
        say(_summary(counts))
    return exits.FAILED if counts["failed"] or counts["kept"] else exits.DONE


def _tell_of_lent(number: int) -> None:
    if number:
        from octo.letters.places import LEASE

        text = f"another replay has {counted(number, 'more letter')}, or had when it ended"
        say(f"{text}; try again in {LEASE / 60:g} minutes", fg="yellow", err=True)


def _summary(counts: Counter[str]) -> str:
    if not counts:
        return "nothing was replayed"
    words = {
        "sent": "in the queue again",
        "completed": "completed",
        "failed": "failed again",
        "kept": "left as they were",
    }
    return ", ".join(f"{counts[how]:,} {text}" for how, text in words.items() if counts[how])


# --- purging -----------------------------------------------------------------------------------------------------


@command.command("purge", cls=Verb, epilog="Example: octo dlq purge 3f2a9c1e")
@click.argument("words", nargs=-1, metavar="[ID|GROUP]... [CONFIG]")
@click.option("--all", "everything", is_flag=True, help="All dead letters.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@_common
def purge(words: tuple[str, ...], form: str, *, everything: bool, yes: bool, **given: Any) -> None:
    """Remove dead letters for good, after asking."""
    asked = _given(words, given)
    _needs_names(asked, everything=everything)
    removed = _run(_purged(asked, yes=yes))
    if form == "json":
        give(codec.write({"removed": removed}) + b"\n", json=True)
    else:
        say(f"{counted(removed, 'dead letter')} removed" if removed else "no dead letters")


async def _purged(asked: Given, *, yes: bool) -> int:
    from contextlib import aclosing

    from octo.letters.groups import chosen

    removed = 0
    async with _places(asked, asked.config()) as places:
        found = await chosen(places, asked.names)
        count = sum(len(each.ids) for each in found)
        if count and not yes:
            _confirm(count)
        for each in found:
            taking: Any = each.place.take(each.ids, most=16)
            async with aclosing(taking):
                async for taken in taking:
                    await taken.done()
                    removed += 1
    return removed


def _confirm(count: int) -> None:
    if not sys.stdin.isatty():
        raise click.UsageError(f"this removes {counted(count, 'dead letter')} for good: say --yes")
    click.confirm(f"Remove {counted(count, 'dead letter')} for good?", abort=True, err=True)


# --- what they share ---------------------------------------------------------------------------------------------


def _run(work: Awaitable[T]) -> T:
    """The result. An error is printed, and ends the process."""

    async def main() -> T:
        return await work

    try:
        return asyncio.run(main())
    except OctoError as error:
        refuse(error)
        raise SystemExit(exits.USAGE) from None


@asynccontextmanager
async def _places(asked: Given, config: Config | None, services: Services | None = None) -> AsyncIterator[list[Place]]:
    from octo.letters.sought import places

    async with services or asked.opened() as opened:
        found = await places(config, opened, asked.queues)
        yield found
        for each in found:
            if unreadable := getattr(each, "unreadable", 0):
                say(f"{each.name}: {counted(unreadable, 'line')} cannot be read", fg="yellow", err=True)


def _needs_names(asked: Given, *, everything: bool = False) -> None:
    if everything and asked.names:
        raise click.UsageError(f"--all is everything, so what is {asked.names[0]!r}?")
    if not everything and not asked.names:
        hint = "" if click.get_current_context().info_name == "show" else ", or --all"
        raise click.UsageError(f"name an id or a group{hint}; `octo dlq list` lists them")


def _rate(text: str | None) -> float | None:
    if text is None:
        return None
    found = _RATE.fullmatch(text.strip())
    number = float(found[1]) if found else 0.0
    if found is None or not 0 < number <= 1_000_000:
        raise click.BadParameter(f"{text!r} is no rate; write e.g. 10/s, 30/m or 100/h", param_hint="--rate")
    return number / _SECONDS[found[2] or "s"]


def _duration(text: str) -> float:
    from octo.core.durations import parse_duration

    try:
        seconds: float = parse_duration(text).total_seconds()  # type: ignore[attr-defined]
    except ValueError:
        seconds = 0.0
    if seconds <= 0:
        raise click.BadParameter(f"{text!r} is not a duration; write e.g. 500ms or 30s", param_hint="--timeout")
    return seconds
