"""Where the services are: `nats://user:password@host:port/prefix?replicas=3`, or with a token before the `@`.

`tls://` demands a certificate of the server that is signed by an authority of the system, or of the file `ca`. Several
servers of a cluster are `host1%2Chost2:4222`: a comma ends a URL in the list of places.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import unquote

from octo.core.secrets import mask
from octo.services.urls import check_names, no_url, number, refused, split

PREFIX = "octo"
PORT = 4222
CONNECT = 5
"""Seconds to open a connection, unless the URL has `connect_timeout`."""

_PREFIX = re.compile(r"[A-Za-z0-9_-]{1,32}")
_HOST = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^:\[\]/@\s]+)(:\d{1,5})?")
_EXAMPLE = "`nats://user:password@host:4222/octo` or `tls://...`, several servers as `host1%2Chost2`"


@dataclass(frozen=True)
class Address:
    """servers: `host:port` of each. where: names the servers in messages. prefix: of the names of streams and subjects.

    user, password: how to log in; a token has no user. replicas: servers of a cluster that hold each message.
    """

    servers: tuple[str, ...]
    where: str
    user: str = ""
    password: str = field(default="", repr=False)
    prefix: str = PREFIX
    tls: bool = False
    ca: str = ""
    replicas: int = 1
    connect: float = CONNECT


def parse(url: str) -> Address:
    """The address that the URL names; its password is masked from now on. Raises `Permanent` without the password."""
    parts = split(url, _EXAMPLE)
    user, colon, password = map(unquote, parts.login.partition(":"))
    if parts.login and not colon:
        user, password = "", user
    if password:
        mask(password)
    servers = _servers(parts.hosts)
    check_names(parts, ("ca", "connect_timeout", "replicas"), "NATS")
    prefix = parts.path.strip("/") or PREFIX
    if not _PREFIX.fullmatch(prefix):
        raise refused(f"{prefix[:60]!r} is no prefix for services: write 1 to 32 letters, digits, `-` and `_`")
    return Address(
        servers,
        f"NATS at {','.join(servers)}/{prefix}",
        user,
        password,
        prefix,
        parts.scheme == "tls" or bool(parts.parameters.get("ca")),
        parts.parameters.get("ca", ""),
        number(parts, "replicas", 1, 1, 5),
        number(parts, "connect_timeout", CONNECT, 1, 60),
    )


def _servers(hosts: str) -> tuple[str, ...]:
    found = []
    for host in hosts.replace("%2C", ",").replace("%2c", ",").split(","):
        match = _HOST.fullmatch(host)
        if match is None or int((match[2] or ":1")[1:]) not in range(1, 65536):
            raise no_url(_EXAMPLE)
        found.append(host if match[2] else f"{host}:{PORT}")
    return tuple(found)
