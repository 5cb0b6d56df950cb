"""Where the services are: `postgresql://user:password@host:port/database?schema=octo&connections=8`.

Everything else in the URL means what it means to libpq, `sslmode` for example; what it does not say comes from libpq's
environment (`PGHOST`, `PGUSER`, `PGPASSWORD`, `PGPASSFILE`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlencode

from octo.core.secrets import mask
from octo.services.urls import no_url, number, refused, split

SCHEMA = "octo"
CONNECTIONS = 8
"""Connections of one process, at most, and one more that listens."""
CONNECT = 5
"""Seconds to open a connection, unless the URL has `connect_timeout`."""

_NAME = re.compile(r"[a-z_][a-z0-9_]{0,47}")
_PARAMETERS = ("schema", "connections", "connect_timeout")
"""What is read here; the driver gets the others."""
_EXAMPLE = "`postgresql://user:password@host:5432/database?schema=octo`"


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
    parts = split(url, _EXAMPLE)
    login, given = parts.login, parts.parameters
    for secret in (unquote(login.partition(":")[2]), given.get("password", "")):
        if secret:
            mask(secret)
    hosts = parts.hosts.replace("%2C", ",").replace("%2c", ",")  # a comma ends a URL in the list of places
    for host in filter(None, hosts.split(",")):
        if not re.fullmatch(r"(\[[0-9A-Fa-f:.%]+\]|[^:\[\]]+)(:\d{1,5})?", host):
            raise no_url(_EXAMPLE)
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
        number(parts, "connections", CONNECTIONS, 1, 100),
        number(parts, "connect_timeout", CONNECT, 1, 60),
    )


def _schema(name: str) -> str:
    if not _NAME.fullmatch(name) or name.startswith("pg_"):
        raise refused(
            f"{name[:60]!r} is no schema for services: write 1 to 48 of a-z, 0-9 and `_`, not beginning with a digit "
            "or `pg_`, e.g. `?schema=octo`"
        )
    return name
