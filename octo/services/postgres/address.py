"""Where the services are: `postgresql://user:password@host:port/database?schema=octo&connections=8`.

Everything else in the URL means what it means to libpq, `sslmode` for example; what it does not say comes from libpq's
environment (`PGHOST`, `PGUSER`, `PGPASSWORD`, `PGPASSFILE`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from octo.core.errors import Permanent
from octo.core.secrets import mask
from octo.services import codes

SCHEMA = "octo"
CONNECTIONS = 8
"""Connections of one process, at most, and one more that listens."""
CONNECT = 5.0
"""Seconds to open a connection, unless the URL has `connect_timeout`."""

_NAME = re.compile(r"[a-z_][a-z0-9_]{0,47}")
_PARAMETERS = ("schema", "connections", "connect_timeout")
"""What is read here; the driver gets the others."""


@dataclass(frozen=True)
class Address:
    """dsn: for the driver; it may hold a password. where: names the database in messages."""

    dsn: str = field(repr=False)
    where: str
    schema: str = SCHEMA
    connections: int = CONNECTIONS
    connect: float = CONNECT


def parse(url: str) -> Address:
    """The address that the URL names; its password is masked from now on. Raises `Permanent` without the password."""
    try:
        parts = urlsplit(url)
        given = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True)) if parts.query else {}
    except ValueError:
        raise _refused(_ENCODED) from None
    login, _, hosts = parts.netloc.rpartition("@")
    if (
        "@" in login
        or "@" in parts.path
        or parts.fragment
        or not url.startswith((f"{parts.scheme}://", f"{parts.scheme}:/"))
    ):
        raise _refused(_ENCODED)
    for secret in (unquote(login.partition(":")[2]), given.get("password", "")):
        if secret:
            mask(secret)
    hosts = hosts.replace("%2C", ",").replace("%2c", ",")  # a comma ends a URL in the list of places
    for host in filter(None, hosts.split(",")):
        if not re.fullmatch(r"(\[[0-9A-Fa-f:.%]+\]|[^:\[\]]+)(:\d{1,5})?", host):
            raise _refused(_ENCODED)
    rest = {name: value for name, value in given.items() if name not in _PARAMETERS}
    if "," in hosts:
        rest.setdefault("target_session_attrs", "read-write")
    netloc = f"{login}@{hosts}" if login else hosts
    query = f"?{urlencode(rest, quote_via=quote)}" if rest else ""
    database = parts.path.lstrip("/")
    return Address(
        f"postgresql://{netloc}/{database}{query}",
        f"PostgreSQL at {unquote(hosts) or given.get('host') or 'the default host'}/{unquote(database)}",
        _schema(given.get("schema", SCHEMA)),
        int(_number(given, "connections", CONNECTIONS, 1, 100)),
        _number(given, "connect_timeout", CONNECT, 1, 60),
    )


def _schema(name: str) -> str:
    if not _NAME.fullmatch(name) or name.startswith("pg_"):
        raise _refused(
            f"{name[:60]!r} is no schema for services: write 1 to 48 of a-z, 0-9 and `_`, not beginning with a digit "
            "or `pg_`, e.g. `?schema=octo`"
        )
    return name


def _number(given: dict[str, str], name: str, default: float, least: int, most: int) -> float:
    text = given.get(name, "")
    if not text:
        return default
    if not re.fullmatch(r"\d{1,4}", text) or not least <= int(text) <= most:
        raise _refused(f"`{name}` must be {least} to {most}, and is {text[:20]!r}")
    return int(text)


_ENCODED = (
    "this is no URL; write `postgresql://user:password@host:5432/database?schema=octo`, and in names and passwords "
    "`@` as %40, `:` as %3A, `/` as %2F, `?` as %3F, `#` as %23, `,` as %2C, `%` as %25"
)


def _refused(text: str) -> Permanent:
    return Permanent(f"services: {text}", code=codes.PLACE)
