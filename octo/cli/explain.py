"""`octo explain CODE`: what an error code means and what to do about it."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterable

import click

from octo.cli import exits
from octo.cli.codes import OURS, Installed, explanations, installed


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
        click.echo(f"there is no code {name}." + (f" Did you mean {guess}?" if guess else ""), err=True)
        sys.exit(exits.USAGE)
    click.secho(f"{name}: {known[name].title}", bold=True)
    click.echo()
    for line in known[name].text.splitlines():
        click.echo(line if line.startswith(" ") else textwrap.fill(line, 100))


def _list() -> None:
    more = installed()
    known = explanations() | more.explanations
    for name in sorted(known):
        click.echo(f"{name}  {known[name].title}")
    _warn(more.problems)


def _warn(problems: Iterable[str]) -> None:
    for each in problems:
        click.echo(f"error codes that cannot be explained: {each}", err=True)
