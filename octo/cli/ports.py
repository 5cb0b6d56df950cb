"""The option of verbs that ask a running Octo."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from octo.admin.address import DEFAULT, VARIABLE

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
