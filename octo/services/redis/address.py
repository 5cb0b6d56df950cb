"""Where the services are: `redis://user:password@host:port/database?prefix=octo`, or `rediss:` for TLS."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import unquote

from octo.core.secrets import mask
from octo.services.urls import check_names, no_url, number, refused, split

PREFIX = "octo"
PORT = 6379
CONNECT = 5
"""Seconds to open a connection, unless the URL has `connect_timeout`."""

_SCHEMES = {"redis": False, "valkey": False, "rediss": True, "valkeys": True}
"""Whether a scheme means TLS."""
_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.%]+)\]|([^:\[\]@,]*))(?::(\d{1,5}))?")
_PREFIX = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_EXAMPLE = "`redis://user:password@host:6379/0?prefix=octo`"


@dataclass(frozen=True)
class Address:
    """prefix: what all keys begin with. tls: the certificate is verified. ca: a file with the authority, "" for the
    system's. connect: seconds to open a connection.
    """

    host: str = "localhost"
    port: int = PORT
    database: int = 0
    user: str = ""
    password: str = field(default="", repr=False)
    tls: bool = False
    ca: str = ""
    prefix: str = PREFIX
    connect: float = CONNECT

    @property
    def where(self) -> str:
        """Names the server in messages."""
        return f"Redis at {self.host}:{self.port}/{self.database}"


def parse(url: str) -> Address:
    """The address that the URL names; its password is masked from now on. Raises `Permanent` without the password."""
    parts = split(url, _EXAMPLE)
    host = _HOST.fullmatch(parts.hosts)
    if host is None or "://" not in url:
        raise no_url(_EXAMPLE)
    user, _, password = map(unquote, parts.login.partition(":"))
    if password:
        mask(password)
    check_names(parts, ("prefix", "connect_timeout", "ca"), "Redis")
    given = parts.parameters
    tls = _SCHEMES[parts.scheme]
    if given.get("ca") and not tls:
        raise refused("`ca` is for TLS: write `rediss://`")
    return Address(
        unquote(host[1] or host[2]) or "localhost",
        int(host[3] or PORT),
        _database(unquote(parts.path).strip("/")),
        user,
        password,
        tls,
        given.get("ca", ""),
        _prefix(given.get("prefix", PREFIX)),
        number(parts, "connect_timeout", CONNECT, 1, 60),
    )


def _database(text: str) -> int:
    if text and not re.fullmatch(r"\d{1,4}", text):
        raise refused(f"a database of Redis is a number, and this is {text[:40]!r}: `redis://host:6379/0`")
    return int(text or 0)


def _prefix(text: str) -> str:
    if not _PREFIX.fullmatch(text):
        raise refused(f"{text[:80]!r} is no prefix: write 1 to 64 of A-Z, a-z, 0-9, `_`, `.` and `-`")
    return text
