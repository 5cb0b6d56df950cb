"""Where services keep what they hold: `--services`, or `--storage-dir` of older command lines."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
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
    return url if url and _is_for_all(url) else f"{default},{url or ''}"


def _is_for_all(url: str) -> bool:
    return not re.match(r"\s*[\w-]+\s*=", url)


def services_of(url: str | None, folder: str | None, default: str) -> Services:
    """The services that the options ask for. Raises `click.UsageError`."""
    from octo.services.places import openers

    if folder is not None and url is not None:
        raise click.UsageError("choose one of --services and --storage-dir")
    try:
        return Services(openers(_whole(_url(url, folder), default)))
    except OctoError as error:
        raise click.UsageError(str(error)) from None


def is_chosen(url: str | None, folder: str | None) -> bool:
    """Whether somebody has chosen where most services are."""
    place = _url(url, folder)
    return bool(place) and _is_for_all(place or "")


def is_not_made(url: str | None, folder: str | None, default: str) -> bool:
    """Whether the services are in a file that nobody has made yet: to look into it would make it.

    Raises `click.UsageError` if somebody has named that file.
    """
    place, *others = _whole(_url(url, folder), default).split(",")
    if not place.startswith("sqlite:") or any(each.strip().startswith("key-value") for each in others):
        return False
    path = Path(place.removeprefix("sqlite:").removeprefix("//"))
    if is_chosen(url, folder) and not path.exists():
        raise click.UsageError(f"there is no store {str(path)!r}: no flow has made it yet, or it is somewhere else")
    return not path.exists()


def _url(url: str | None, folder: str | None) -> str | None:
    if folder is None:
        return url
    return f"sqlite:{folder.rstrip('/') or '/'}/{FILE}" if folder else MEMORY
