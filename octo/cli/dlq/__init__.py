"""`octo dlq`: list, show, replay and purge dead letters."""

from __future__ import annotations

import sys
from typing import Any

import click

from octo.cli.dlq.asked import Asked, entries, options, result
from octo.cli.dlq.replay import replay
from octo.cli.help import Verb, Verbs
from octo.cli.lettering import covered, group_lines, letter_lines, letter_value
from octo.cli.project import counted
from octo.cli.terminal import give, say
from octo.core import codec


@click.group("dlq", cls=Verbs, epilog="`octo dlq COMMAND --help` tells more.")
def command() -> None:
    """List, show, replay and purge dead letters: messages that their flows failed for good.

    They are those of the queues that the flows of CONFIG consume, and those in the queues and files that `deadLetter`
    of its flows names. Messages that failed alike are a group.
    """
    from octo.core import log

    log.configure("error")
    log.reserve_stdout()


command.add_command(replay)


# --- looking -----------------------------------------------------------------------------------------------------


@command.command("list", cls=Verb, epilog="Example: octo dlq list --services postgresql://octo@db/octo flows/")
@click.argument("words", nargs=-1, metavar="[CONFIG]")
@options
def list_(words: tuple[str, ...], form: str, **given: Any) -> None:
    """List the groups of dead letters, the largest first."""
    asked = Asked.of(words, given)
    if asked.names:
        raise click.UsageError(f"there is no file {asked.names[0]!r}; `octo dlq show` shows a letter or a group")
    found = result(_listed(asked))
    if form == "json":
        give(codec.write({"count": sum(each.size for each in found), "groups": [each.as_value() for each in found]}))
        give(b"\n")
        return
    for group in found:
        for line in group_lines(group):
            say(line)
    if not found:
        say("no dead letters")


async def _listed(asked: Asked) -> list[Any]:
    from octo.letters.groups import grouped

    async with asked.places(asked.config()) as places:
        return await grouped(places)


@command.command("show", cls=Verb, epilog="Example: octo dlq show 3f2a9c1e")
@click.argument("words", nargs=-1, metavar="ID|GROUP... [CONFIG]")
@click.option("--limit", type=click.IntRange(1, 10_000), default=10, show_default=True, help="At most this many.")
@options
def show(words: tuple[str, ...], limit: int, form: str, **given: Any) -> None:
    """Show letters: why each failed, and its message.

    ID is the event id of a message, or its first 6 characters; GROUP is what `octo dlq list` prints. With --format json
    each letter is a line.
    """
    asked = Asked.of(words, given)
    asked.needs_names()
    left = result(_shown(asked, limit, form))
    if left:
        say(f"and {counted(left, 'more letter')}; --limit shows more", err=True)


async def _shown(asked: Asked, limit: int, form: str) -> int:
    """Show them; return how many more there are."""
    from octo.letters.groups import chosen

    config = asked.config()
    async with asked.places(config) as places:
        found = await chosen(places, asked.names)
        shown = 0
        async for each in entries(found):
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


# --- purging -----------------------------------------------------------------------------------------------------


@command.command("purge", cls=Verb, epilog="Example: octo dlq purge 3f2a9c1e")
@click.argument("words", nargs=-1, metavar="[ID|GROUP]... [CONFIG]")
@click.option("--all", "everything", is_flag=True, help="All dead letters.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@options
def purge(words: tuple[str, ...], form: str, *, everything: bool, yes: bool, **given: Any) -> None:
    """Remove dead letters for good, after asking."""
    asked = Asked.of(words, given)
    asked.needs_names(everything=everything)
    removed = result(_purged(asked, yes=yes))
    if form == "json":
        give(codec.write({"removed": removed}) + b"\n", json=True)
    else:
        say(f"{counted(removed, 'dead letter')} removed" if removed else "no dead letters")


async def _purged(asked: Asked, *, yes: bool) -> int:
    from contextlib import aclosing

    from octo.letters.groups import chosen

    removed = 0
    async with asked.places(asked.config()) as places:
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
