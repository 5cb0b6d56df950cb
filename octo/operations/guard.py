"""Access rules of the operations port.

Every client may read health, metrics and status, which contain no content of messages. Routes that change the process
or show messages are guarded: they are open on loopback, and elsewhere need the token. Requests of browser pages are
refused, because any page can make a browser call `localhost`, under a host name of its own or with a form.
"""

from __future__ import annotations

import hmac
import re
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from octo.operations.address import Address, is_loopback

VARIABLE = "OCTO_ADMIN_TOKEN"
SHORTEST = 16
"""A token has at least this many characters."""

_LOCAL = ("localhost", "127.0.0.1", "::1")
_HOST = re.compile(r"(?:\[(?P<v6>[0-9a-f:.%]+)\]|(?P<name>[^\[\]:@/\\\s]+))(?::[0-9]{0,5})?", re.IGNORECASE | re.ASCII)
_OURS = frozenset(("none", "same-origin"))
"""What `Sec-Fetch-Site` says of requests that no page of another site has made."""


class Guard(NamedTuple):
    """The rules of one port.

    names: values of the Host header that are allowed, None for any. token: opens guarded routes, "" if none does.
    trusts: whether guarded routes need no token.
    """

    names: frozenset[str] | None = None
    token: str = ""
    trusts: bool = True

    def host_refusal(self, headers: Mapping[str, str]) -> str:
        """Return why the Host header is refused; "" if it is not."""
        if self.names is None or _hostname(headers.get("host", "")) in self.names:
            return ""
        return "this port answers requests to localhost only; the Host header names another host"

    def refusal(self, headers: Mapping[str, str]) -> str:
        """Return why a guarded request is refused; "" if it is not."""
        if _is_from_a_page(headers):
            return "browser pages may not use this"
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
    """Return the guard of a socket that listens at `address`."""
    if address.is_private:
        return Guard()
    local = is_loopback(listening)
    return Guard(frozenset({*_LOCAL, address.host.lower()}) if local else None, token, local and not token)


def read_token(path: Path | None, environ: Mapping[str, str]) -> str:
    """Return the token from a file, else from the environment, else "". Raises ValueError if the token is unusable."""
    if path is None:
        return _checked(environ.get(VARIABLE, ""), VARIABLE)
    try:
        with path.open() as file:
            return _checked(file.read(10_000).strip() or " ", str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"cannot read the token from {path}: {getattr(error, 'strerror', None) or error}") from error


def _checked(token: str, where: str) -> str:
    if token and (len(token) < SHORTEST or not token.isascii() or not token.isprintable() or " " in token):
        raise ValueError(f"the token in {where} must be at least {SHORTEST} printable ASCII characters without spaces")
    return token


def _hostname(host: str) -> str:
    """The name in a Host header, without port and brackets; "" if the whole is not a name and a port."""
    found = _HOST.fullmatch(host)
    return (found["v6"] or found["name"]).lower() if found else ""


def _is_from_a_page(headers: Mapping[str, str]) -> bool:
    """Whether a page of another site made the request.

    Browsers send Origin only with some requests; an `<img>` that points here sends none. All current ones say with
    Sec-Fetch-Site where a request comes from, and those that do not may still send the page's address as Referer.
    """
    site = headers.get("sec-fetch-site")
    return "origin" in headers or (site not in _OURS if site is not None else "referer" in headers)
