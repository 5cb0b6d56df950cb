"""Where the services are: `redis://user:password@host:port/database?prefix=octo`, or `rediss:` for TLS."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from octo.core.errors import Permanent
from octo.core.secrets import mask
from octo.services import codes

PREFIX = "octo"
PORT = 6379
CONNECT = 5.0
"""Seconds to open a connection, unless the URL has `connect_timeout`."""

_SCHEMES = {"redis": False, "valkey": False, "rediss": True, "valkeys": True}
"""Whether a scheme means TLS."""
_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.%]+)\]|([^:\[\]@,]*))(?::(\d{1,5}))?")
_PREFIX = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_PARAMETERS = ("prefix", "connect_timeout", "ca")


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
    try:
        parts = urlsplit(url)
        given = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True)) if parts.query else {}
    except ValueError:
        raise _refused(_ENCODED) from None
    login, _, place = parts.netloc.rpartition("@")
    host = _HOST.fullmatch(place)
    if host is None or "@" in login or "@" in parts.path or parts.fragment or "://" not in url:
        raise _refused(_ENCODED)
    user, _, password = login.partition(":")
    if password:
        mask(unquote(password))
    if unknown := sorted(set(given) - set(_PARAMETERS)):
        raise _refused(f"{unknown[0][:40]!r} is no parameter of this URL; it has: {', '.join(_PARAMETERS)}")
    tls = _SCHEMES[parts.scheme]
    if given.get("ca") and not tls:
        raise _refused("`ca` is for TLS: write `rediss://`")
    return Address(
        unquote(host[1] or host[2]) or "localhost",
        int(host[3] or PORT),
        _database(unquote(parts.path).strip("/")),
        unquote(user),
        unquote(password),
        tls,
        given.get("ca", ""),
        _prefix(given.get("prefix", PREFIX)),
        _seconds(given.get("connect_timeout", "")),
    )


def _database(text: str) -> int:
    if text and not re.fullmatch(r"\d{1,4}", text):
        raise _refused(f"a database of Redis is a number, and this is {text[:40]!r}: `redis://host:6379/0`")
    return int(text or 0)


def _prefix(text: str) -> str:
    if not _PREFIX.fullmatch(text):
        raise _refused(f"{text[:80]!r} is no prefix: write 1 to 64 of A-Z, a-z, 0-9, `_`, `.` and `-`")
    return text


def _seconds(text: str) -> float:
    if not text:
        return CONNECT
    if not re.fullmatch(r"\d{1,2}", text) or not 1 <= int(text) <= 60:
        raise _refused(f"`connect_timeout` must be 1 to 60, and is {text[:20]!r}")
    return float(text)


_ENCODED = (
    "this is no URL; write `redis://user:password@host:6379/0?prefix=octo`, and in names and passwords `@` as %40, "
    "`:` as %3A, `/` as %2F, `?` as %3F, `#` as %23, `,` as %2C, `%` as %25"
)


def _refused(text: str) -> Permanent:
    return Permanent(f"services: {text}", code=codes.PLACE)
