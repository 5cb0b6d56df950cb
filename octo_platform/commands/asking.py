"""Options that verbs share which ask a platform, and how they print."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from octo.cli.terminal import is_terminal, say
from octo_platform.commands.client import Client
from octo_platform.commands.credentials import server

F = TypeVar("F", bound=Callable[..., Any])


def server_option(command: F) -> F:
    return click.option(
        "--server",
        metavar="URL",
        help="The platform; default $OCTO_PLATFORM_URL, else where `octo login` was last, else this machine.",
    )(command)


def workspace_option(command: F) -> F:
    return click.option(
        "--workspace", "-w", envvar="OCTO_WORKSPACE", metavar="W", help="Where the address names no workspace."
    )(command)


def environment_option(command: F) -> F:
    return click.option(
        "--environment", "-e", envvar="OCTO_ENVIRONMENT", metavar="E", help="Where the address names no environment."
    )(command)


def place_options(command: F) -> F:
    """Where: the platform, the workspace, the environment."""
    return server_option(workspace_option(environment_option(command)))


def format_option(command: F) -> F:
    return click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)(
        command
    )


def yes_option(command: F) -> F:
    return click.option("--yes", "-y", is_flag=True, help="Do not ask.")(command)


def wait_options(command: F) -> F:
    """Whether, and how long, to wait until it runs."""
    command = click.option("--no-wait", is_flag=True, help="Return at once; the platform goes on.")(command)
    return click.option(
        "--timeout",
        type=click.FloatRange(1),
        default=600.0,
        show_default=True,
        metavar="SECONDS",
        help="How long to wait until it runs.",
    )(command)


def client(named: str | None) -> Client:
    """A client of the platform that is meant. Raises `ClickException`."""
    return Client(server(named))


def answerable(*, yes: bool) -> None:
    """Refuse to begin what will have to be confirmed where nobody can be asked. Raises click.UsageError."""
    if not yes and not is_terminal(sys.stdin):
        raise click.UsageError("nobody can be asked here: --yes does it without asking")


def confirm(question: str, *, yes: bool) -> None:
    """Ask, unless `--yes` was given. Where nobody can answer, nothing is done."""
    answerable(yes=yes)
    if not yes and not click.confirm(question, err=True):
        raise click.exceptions.Exit(1)


def show(value: object) -> None:
    """Print JSON for programs."""
    say(json.dumps(value, indent=2, ensure_ascii=False))


def table(rows: Sequence[Sequence[str]], *, head: Sequence[str] = ()) -> None:
    """Print rows with their columns under one another."""
    rows = [*([head] if head and rows else []), *rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))] if rows else []
    for number, row in enumerate(rows):
        line = "  ".join(f"{cell:<{widths[i]}}" for i, cell in enumerate(row)).rstrip()
        say(line, **({"bold": True} if head and number == 0 else {}))
