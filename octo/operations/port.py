"""Opens the operations port at the address that flag and environment choose."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from octo.core.addresses import holder
from octo.core.backoff import AT_START, Failures
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
"""A supervisor sets this variable for its children: the path of the socket to serve, whatever the command line says; or
`fd:` and the descriptor of one that it lends them."""


class Port(NamedTuple):
    """A port. address: None switches it off. asked: whether the user chose the address; then it must be free."""

    address: Address | None
    asked: bool
    token: str = ""


def chosen(flag: str | None, token_file: Path | None, environ: Mapping[str, str]) -> Port:
    """Return the port that flag and environment choose. Raises ValueError that says what is wrong."""
    if named := environ.get(SOCKET):
        lent = named.removeprefix("fd:")
        return Port(Address(path=named) if lent == named else Address(lent=int(lent)), asked=True)
    text = flag or environ.get(VARIABLE) or DEFAULT
    if text == OFF:
        return Port(None, asked=True)
    token = read_token(token_file, environ)
    mask(token)
    return Port(parse(text), asked=bool(flag or environ.get(VARIABLE)), token=token)


def bound(port: Port) -> socket.socket | None:
    """Return the listening socket; None if the port is off, or if the default address is taken, which is logged.

    Raises `OctoError` if an address that was chosen is taken or does not exist.
    """
    if port.address is None:
        return None
    try:
        return bind(port.address)
    except OSError as error:
        reason = f"{port.address}: {(error.strerror or str(error)).lower()}"
        if error.errno == errno.EADDRINUSE and (by := holder(port.address.port)):
            reason = f"{reason} by {by}"
        if port.asked:
            raise OctoError(
                f"the operations port cannot listen at {reason}; choose another --admin-addr, or `--admin-addr off`"
            ) from error
        log.warning("running without an operations port", extra=fields(reason=reason, cure="choose --admin-addr"))
        return None


async def _patiently(port: Port, until: asyncio.Event) -> socket.socket | None:
    """Return what `bound` does; while that raises, try again until `until` is set, and then return None."""
    failures = Failures(AT_START)
    while not until.is_set():
        try:
            return bound(port)
        except OctoError as error:
            if not failures.count:
                log.warning("waiting for the operations port, trying again", extra=fields(reason=str(error)))
        with suppress(TimeoutError):
            async with asyncio.timeout(failures.failed()):
                await until.wait()
    return None


@asynccontextmanager
async def opened(
    port: Port, subject: Subject, more: Iterable[Route[Subject]] = (), until: asyncio.Event | None = None
) -> AsyncIterator[str]:
    """Serve the port while the context lasts; it is entered with the address, "" if nobody may connect to one.

    more: routes in addition to `ROUTES`. until: if given, a chosen address that is taken is waited for until this is
    set; otherwise raises as `bound` does.
    """
    listening = bound(port) if until is None else await _patiently(port, until)
    if listening is None or port.address is None:
        yield ""
        return
    routes = (*ROUTES, *more)
    app = App(subject, guard_for(port.address, listening, port.token), (index(routes), *routes))
    async with serving(app, listening):
        address = "" if port.address.is_private else str(Address(*listening.getsockname()[:2]))
        if address:
            log.info("operations port", extra=fields(address=address))
        yield address
