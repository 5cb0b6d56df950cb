"""`octo explain CODE`: what an error code means and what to do about it."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterable

import click

from octo.cli import exits
from octo.cli.codes import OURS, Installed, explanations, installed
from octo.cli.terminal import columns, say


@click.command("explain")
@click.argument("code", required=False)
def command(code: str | None) -> None:
    """Explain an error code, or list all codes. Installed packages can add codes of their own."""
    if code is None:
        _list()
        return
    name = code.upper() if "-" in code else f"{OURS}-{code.upper()}"
    word = name.partition("-")[0]
    more = Installed({}, []) if word == OURS else installed(word)
    known = explanations() | more.explanations
    if name not in known:
        from octo.expr import nearest

        guess = nearest(name, known)
        _warn(more.problems)
        say(f"there is no code {name}." + (f" Did you mean {guess}?" if guess else ""), err=True)
        sys.exit(exits.USAGE)
    say(f"{name}: {known[name].title}", bold=True)
    say()
    for line in known[name].text.splitlines():
        say(line if line.startswith(" ") else textwrap.fill(line, min(columns(sys.stdout, 100), 100)))


def _list() -> None:
    more = installed()
    known = explanations() | more.explanations
    for name in sorted(known):
        say(f"{name}  {known[name].title}")
    _warn(more.problems)


def _warn(problems: Iterable[str]) -> None:
    for each in problems:
        say(f"error codes that cannot be explained: {each}", err=True)
