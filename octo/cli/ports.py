"""What the verbs that talk to a running Octo have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import click

from octo.cli import exits
from octo.cli.terminal import say
from octo.operations.address import DEFAULT, VARIABLE
from octo.operations.client import Unreachable

F = TypeVar("F", bound=Callable[..., Any])


def port_option(command: F) -> F:
    """`--admin-addr HOST:PORT`."""
    return click.option(
        "--admin-addr",
        envvar=VARIABLE,
        default=DEFAULT,
        show_default=True,
        metavar="HOST:PORT",
        help=f"Operations port of the running Octo; or ${VARIABLE}.",
    )(command)


def nobody(error: Unreachable) -> NoReturn:
    """End the process, because no operations port answers at the address."""
    say(f"{error}\nIs `octo run` running? Name its port with --admin-addr HOST:PORT.", err=True)
    raise SystemExit(exits.FAILED)
