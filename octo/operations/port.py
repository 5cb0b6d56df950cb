"""Opening the operations port: where it was asked for, and what becomes of the run when it cannot be there."""

from __future__ import annotations

import logging
import socket
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from octo.core.errors import OctoError
from octo.core.log import fields
from octo.core.secrets import mask
from octo.operations.address import DEFAULT, VARIABLE, Address, bind, parse
from octo.operations.guard import guard_for, read_token
from octo.operations.routes import ROUTES, index
from octo.operations.server import serving
from octo.operations.subject import Subject
from octo.operations.web import App, Route

log = logging.getLogger("octo.operations")

OFF = "off"
SOCKET = "OCTO_ADMIN_SOCKET"
"""Set by a supervisor for its children: the path at which each answers it, whatever the command line says."""


class Port(NamedTuple):
    """address: None switches it off. asked: whether somebody asked for this address; it must not be missing then."""

    address: Address | None
    asked: bool
    token: str = ""


def chosen(flag: str | None, token_file: Path | None, environ: Mapping[str, str]) -> Port:
    """The port that flag and environment ask for; raises ValueError with what is wrong."""
    if environ.get(SOCKET):
        return Port(Address(path=environ[SOCKET]), asked=True)
    text = flag or environ.get(VARIABLE) or DEFAULT
    if text == OFF:
        return Port(None, asked=True)
    token = read_token(token_file, environ)
    mask(token)
    return Port(parse(text), asked=bool(flag or environ.get(VARIABLE)), token=token)


def bound(port: Port) -> socket.socket | None:
    """The listening socket; None when the port is off, or its default address is taken, which is logged.

    Raises `OctoError` when an address that somebody asked for cannot be had.
    """
    if port.address is None:
        return None
    try:
        return bind(port.address)
    except OSError as error:
        reason = f"{port.address}: {(error.strerror or str(error)).lower()}"
        if port.asked:
            raise OctoError(
                f"the operations port cannot listen at {reason}; choose another --admin-addr, or `--admin-addr off`"
            ) from error
        log.warning("running without an operations port", extra=fields(reason=reason, cure="choose --admin-addr"))
        return None


@asynccontextmanager
async def opened(port: Port, subject: Subject, more: Iterable[Route[Subject]] = ()) -> AsyncIterator[None]:
    """Answered from `subject` while the context lasts. more: routes beside `ROUTES`. Raises as `bound` does."""
    listening = bound(port)
    if listening is None or port.address is None:
        yield
        return
    routes = (*ROUTES, *more)
    app = App(subject, guard_for(port.address, listening, port.token), (index(routes), *routes))
    async with serving(app, listening):
        if not port.address.path:
            host, number = listening.getsockname()[:2]
            log.info("operations port", extra=fields(address=str(Address(host, number))))
        yield
