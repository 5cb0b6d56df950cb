"""Where services keep what they hold: `--services`, or `--storage-dir` of older command lines."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

import click

from octo.core.errors import OctoError
from octo.services.container import Services

F = TypeVar("F", bound=Callable[..., Any])

FILE = "octo.db"
DURABLE = f"sqlite:octo-store/{FILE}"
"""The default of what runs for long: a file below the working directory, made when a flow first asks for a service."""
MEMORY = "memory:"


def services_option(default: str) -> Callable[[F], F]:
    """The options `--services` and `--storage-dir`, for a verb with this default."""

    def mark(command: F) -> F:
        command = click.option(
            "--services",
            envvar="OCTO_SERVICES",
            metavar="URL",
            help="Where queues, keys and leases are: sqlite:PATH, postgresql://USER@HOST/DATABASE, "
            "redis://HOST, nats://HOST or memory:; or "
            f"$OCTO_SERVICES. Default {default}",
        )(command)
        return click.option(
            "--storage-dir",
            metavar="FOLDER",
            help=f"The same as --services sqlite:FOLDER/{FILE}; an empty one as --services memory:",
        )(command)

    return mark


def _whole(url: str | None, default: str) -> str:
    """The list of places with one for all services in front: who chooses that of secrets does not choose the others."""
    is_for_all = url is not None and not re.match(r"\s*[\w-]+\s*=", url)
    return url if url and is_for_all else f"{default},{url or ''}"


def services_of(url: str | None, folder: str | None, default: str) -> Services:
    """The services that the options ask for. Raises `click.UsageError`."""
    from octo.services.places import openers

    if folder is not None and url is not None:
        raise click.UsageError("choose one of --services and --storage-dir")
    if folder is not None:
        url = f"sqlite:{folder.rstrip('/') or '/'}/{FILE}" if folder else MEMORY
    try:
        return Services(openers(_whole(url, default)))
    except OctoError as error:
        raise click.UsageError(str(error)) from None
