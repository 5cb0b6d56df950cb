"""`octo list`: the connectors, sources, blocks and functions that flows may use, one line each."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence

import click

from octo.cli.entries import KINDS, Entry, entries
from octo.cli.help import Verb
from octo.cli.terminal import is_terminal, say
from octo.config.words import first_sentence
from octo.expr import nearest

MOST_NAME = 24
"""Columns of the names. Longer names are written out, and their text begins further right."""


@click.command(
    "list",
    cls=Verb,
    epilog="""\b
Examples:
  octo list             everything
  octo list blocks      one group: connectors, sources, blocks, functions, macros, keys
  octo list functions | grep -i date""",
)
@click.argument("kinds", nargs=-1, metavar="[GROUP]...")
def command(kinds: tuple[str, ...]) -> None:
    """List the connectors, sources, blocks and functions that flows may use. `octo doc NAME` tells more of each."""
    groups = [_group(each) for each in kinds] or list(KINDS)
    known = entries()
    for group in groups:
        found = [each for each in known if each.kind == KINDS[group]]
        say("\n".join(_lines(group, found)) + "\n")
    say("octo doc NAME tells more.")


def _group(word: str) -> str:
    """The group that somebody means, in the singular or plural."""
    for group, kind in KINDS.items():
        if word.lower() in (group, kind):
            return group
    guess = nearest(word, KINDS)
    if any(each.name == word for each in entries()):
        raise click.UsageError(f"{word!r} is no group. Try: octo doc {word}")
    hint = f"Try: octo list {guess}" if guess else f"Choose from {', '.join(KINDS)}"
    raise click.UsageError(f"there is no group {word!r}. {hint}")


def _lines(group: str, found: Sequence[Entry]) -> Iterator[str]:
    yield click.style(f"{group.capitalize()}:", bold=True)
    column = min(MOST_NAME, max(len(each.name) for each in found)) + 2
    for each in found:
        name = f"  {each.name:<{column - 2}}  "
        yield from _fitting(name, first_sentence(each.about))


def _fitting(name: str, about: str) -> list[str]:
    """Name and text in the width of the terminal; elsewhere in one line, for programs that look for lines."""
    if not is_terminal(sys.stdout):
        return [f"{name}{about}".rstrip()]
    width = shutil.get_terminal_size((80, 0)).columns
    indent = " " * min(len(name), max(4, width // 3))
    return textwrap.wrap(f"{name}{about}", max(width, 20), subsequent_indent=indent, break_on_hyphens=False) or [name]
