"""Where the services are: `nats://user:password@host:port/prefix?replicas=3`, or with a token before the `@`.

`tls://` demands a certificate of the server that is signed by an authority of the system, or of the file `ca`. Several
servers of a cluster are `host1%2Chost2:4222`: a comma ends a URL in the list of places.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from octo.core.errors import Permanent
from octo.core.secrets import mask
from octo.services import codes

PREFIX = "octo"
PORT = 4222
CONNECT = 5.0
"""Seconds to open a connection, unless the URL has `connect_timeout`."""

_PREFIX = re.compile(r"[A-Za-z0-9_-]{1,32}")
_HOST = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^:\[\]/@\s]+)(:\d{1,5})?")
_PARAMETERS = ("ca", "connect_timeout", "replicas")


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
    try:
        parts = urlsplit(url)
        given = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True)) if parts.query else {}
    except ValueError:
        raise _refused(_ENCODED) from None
    login, _, hosts = parts.netloc.rpartition("@")
    user, colon, password = map(unquote, login.partition(":"))
    if login and not colon:
        user, password = "", user
    if password:
        mask(password)
    if "@" in login or "@" in parts.path or parts.fragment or not url.startswith(f"{parts.scheme}://"):
        raise _refused(_ENCODED)
    servers = _servers(hosts)
    if unknown := sorted(given.keys() - set(_PARAMETERS)):
        raise _refused(f"{unknown[0][:40]!r} is no parameter of NATS; known: {', '.join(_PARAMETERS)}")
    prefix = parts.path.strip("/") or PREFIX
    if not _PREFIX.fullmatch(prefix):
        raise _refused(f"{prefix[:60]!r} is no prefix for services: write 1 to 32 letters, digits, `-` and `_`")
    return Address(
        servers,
        f"NATS at {','.join(servers)}/{prefix}",
        user,
        password,
        prefix,
        parts.scheme == "tls" or bool(given.get("ca")),
        given.get("ca", ""),
        _number(given, "replicas", 1, 1, 5),
        float(_number(given, "connect_timeout", int(CONNECT), 1, 60)),
    )


def _servers(hosts: str) -> tuple[str, ...]:
    found = []
    for host in hosts.replace("%2C", ",").replace("%2c", ",").split(","):
        match = _HOST.fullmatch(host)
        if match is None or int((match[2] or ":1")[1:]) not in range(1, 65536):
            raise _refused(_ENCODED)
        found.append(host if match[2] else f"{host}:{PORT}")
    return tuple(found)


def _number(given: dict[str, str], name: str, default: int, least: int, most: int) -> int:
    text = given.get(name, "")
    if not text:
        return default
    if not re.fullmatch(r"\d{1,4}", text) or not least <= int(text) <= most:
        raise _refused(f"`{name}` must be {least} to {most}, and is {text[:20]!r}")
    return int(text)


_ENCODED = (
    "this is no URL; write `nats://user:password@host:4222/octo` or `tls://...`, several servers as "
    "`host1%2Chost2`, and in names and passwords `@` as %40, `:` as %3A, `/` as %2F, `?` as %3F, `#` as %23, `,` as "
    "%2C, `%` as %25"
)


def _refused(text: str) -> Permanent:
    return Permanent(f"services: {text}", code=codes.PLACE)
