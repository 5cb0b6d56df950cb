"""`octo explain CODE`: what an error code means and what to do about it."""

from __future__ import annotations

import sys
import textwrap

import click

from octo.cli import exits
from octo.cli.codes import explanations


@click.command("explain")
@click.argument("code", required=False)
def command(code: str | None) -> None:
    """Explain an error code; without one, list them all."""
    known = explanations()
    if code is None:
        for name in sorted(known):
            click.echo(f"{name}  {known[name].title}")
        return
    name = code.upper() if code.upper().startswith("OCTO-") else f"OCTO-{code.upper()}"
    if name not in known:
        from octo.expr import nearest

        guess = nearest(name, known)
        click.echo(f"there is no code {name}." + (f" Did you mean {guess}?" if guess else ""), err=True)
        sys.exit(exits.USAGE)
    click.secho(f"{name}: {known[name].title}", bold=True)
    click.echo()
    for line in known[name].text.splitlines():
        click.echo(line if line.startswith(" ") else textwrap.fill(line, 100))
