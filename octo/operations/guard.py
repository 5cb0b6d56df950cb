"""Who may ask the operations port for what.

Everybody who reaches it may read health, metrics and status, which hold no content of messages. What changes the
process or shows messages is open on loopback, and elsewhere only to those who know the token. Browsers are kept out
of both: a page from anywhere can make them call `localhost`, under a name of its own or as a form.
"""

from __future__ import annotations

import hmac
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from octo.operations.address import Address, is_loopback

VARIABLE = "OCTO_ADMIN_TOKEN"
SHORTEST = 16
"""Characters that a token has at least."""

_LOCAL = ("localhost", "127.0.0.1", "::1")


class Guard(NamedTuple):
    """names: hosts that requests may be addressed to, None for any. token: what opens the guarded, "" if nothing does.
    trusts: whether the guarded needs no token.
    """

    names: frozenset[str] | None = None
    token: str = ""
    trusts: bool = True

    def host_refusal(self, headers: Mapping[str, str]) -> str:
        """Why a request with these headers is not for us; "" when it is."""
        if self.names is None or _hostname(headers.get("host", "")) in self.names:
            return ""
        return "this port answers requests to localhost only; the Host header names another host"

    def refusal(self, headers: Mapping[str, str]) -> str:
        """Why a guarded request is refused; "" when it is not."""
        if "origin" in headers:
            return "pages of a browser may not use this"
        if self.trusts:
            return ""
        if not self.token:
            return (
                "this is open on loopback only; to allow it from elsewhere, start octo with --admin-token-file FILE "
                f"or {VARIABLE}"
            )
        if hmac.compare_digest(headers.get("authorization", "").encode(), f"Bearer {self.token}".encode()):
            return ""
        return "this needs the header `Authorization: Bearer TOKEN` with the token that octo was started with"


def guard_for(address: Address, listening: socket.socket, token: str) -> Guard:
    """The guard of a socket that listens at `address`."""
    if address.path:
        return Guard()
    local = is_loopback(listening)
    return Guard(frozenset({*_LOCAL, address.host.lower()}) if local else None, token, local and not token)


def read_token(path: Path | None, environ: Mapping[str, str]) -> str:
    """The token from a file, else from the environment, else "". Raises ValueError with what is wrong with it."""
    if path is None:
        return _checked(environ.get(VARIABLE, ""), VARIABLE)
    try:
        with path.open() as file:
            return _checked(file.read(10_000).strip() or " ", str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"cannot read the token from {path}: {getattr(error, 'strerror', None) or error}") from error


def _checked(token: str, where: str) -> str:
    if token and (len(token) < SHORTEST or not token.isascii() or not token.isprintable() or " " in token):
        raise ValueError(f"the token in {where} must be {SHORTEST} or more printable ASCII characters without spaces")
    return token


def _hostname(host: str) -> str:
    """The name in a Host header, without port and brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()
