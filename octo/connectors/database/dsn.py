"""Data source names: their forms, what is wrong with one, and how to name a database without its secrets."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

_PAIR = re.compile(r"\s*(\w+)\s*=\s*('(?:[^'\\]|\\.)*'|(?:[^\s\\']|\\.)*)\s*")
_POSTGRES_URL = re.compile(r"postgres(ql)?://", re.IGNORECASE)

# Keys that only other clients (libpq, lib/pq, pgx) understand: asyncpg would send them to the server as settings, and
# the server would refuse the connection.
_FOREIGN = {
    "binary_parameters",
    "connect_timeout",
    "default_query_exec_mode",
    "fallback_application_name",
    "description_cache_capacity",
    "disable_prepared_binary_result",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "pool_max_conns",
    "pool_min_conns",
    "pool_max_conn_lifetime",
    "pool_max_conn_idle_time",
    "pool_health_check_period",
    "statement_cache_capacity",
}


def problem(driver: str, dsn: str) -> str:
    """Return what is wrong with the DSN, "" if nothing is. Never quotes it: it may contain a password."""
    if not dsn.strip():
        return "it is empty"
    if driver == "postgres" and "://" not in dsn.split("=", 1)[0]:
        return "" if _pairs(dsn) else "`dsn` is neither `postgres://user@host/name` nor `host=... user=... dbname=...`"
    if driver == "sqlite" and re.match(r"sqlite(\+\w+)?://", dsn):
        return "`dsn` of SQLite is the path alone, e.g. `shop.db`"
    pattern, form = _URLS.get(driver, (_ANYTHING, ""))
    if not pattern.match(dsn):
        return f"`dsn` must be a URL: `{form}`"
    return _url_problem(dsn) if "://" in dsn else ""


_ANYTHING = re.compile("")
_URLS = {
    "postgres": (_POSTGRES_URL, "postgres://user:password@host:5432/name"),
    "mysql": (re.compile(r"(mysql|mariadb)(\+\w+)?://"), "mysql://user:password@host:3306/name"),
    "sqlalchemy": (re.compile(r"\w+(\+\w+)?://"), "dialect+driver://user:password@host/name"),
}


def _url_problem(dsn: str) -> str:
    if dsn.count("@") > 1 and "@" in dsn.split("://", 1)[1].rsplit("@", 1)[0]:
        return "`dsn` has two `@`: write one in a password as `%40`, or use `password`"
    try:
        _ = urlsplit(dsn.replace(",", "")).port if "," not in dsn else None
    except ValueError:
        return "the port of `dsn` is not a number; a `/`, `?` or `#` in a password is written `%2F`, `%3F`, `%23`"
    return ""


def _pairs(dsn: str) -> dict[str, str]:
    """Return the `key=value` pairs of libpq's notation; none if the DSN is not in that notation."""
    pairs, position = {}, 0
    while position < len(dsn):
        found = _PAIR.match(dsn, position)
        if not found:
            return {}
        key, value = found.groups()
        if value.startswith("'"):
            value = value[1:-1]
        pairs[key] = re.sub(r"\\(.)", r"\1", value)
        position = found.end()
    return pairs


def postgres_url(dsn: str) -> tuple[str, float | None]:
    """Return the DSN as a URL that asyncpg understands, and its `connect_timeout` in seconds if it has one."""
    if _POSTGRES_URL.match(dsn):
        base, _, query = dsn.partition("?")
        pairs = dict(parse_qsl(query, keep_blank_values=True))
    else:
        base, pairs = "postgresql://", _pairs(dsn)
    timeout = pairs.get("connect_timeout", "")
    kept = {key: value for key, value in pairs.items() if key not in _FOREIGN}
    url = f"{base}?{urlencode(kept, quote_via=quote)}" if kept else base
    return url, float(timeout) if timeout.isdigit() and timeout != "0" else None


def password(driver: str, dsn: str) -> str:
    """Return the password in the DSN, "" if it has none."""
    if "://" not in dsn:
        return _pairs(dsn).get("password", "") if driver == "postgres" else ""
    _, _, rest = dsn.partition("://")
    authority, at, _ = re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")
    if at:
        return unquote(authority.partition(":")[2])
    return dict(parse_qsl(dsn.partition("?")[2])).get("password", "")


def is_in_memory(driver: str, dsn: str) -> bool:
    """Whether the database lives in one SQLite connection and ends with it."""
    if driver == "sqlalchemy":
        return dsn.startswith("sqlite") and (dsn.endswith((":memory:", "://")) or "mode=memory" in dsn)
    return driver == "sqlite" and (":memory:" in dsn or (dsn.startswith("file:") and "mode=memory" in dsn))


def place(driver: str, dsn: str) -> str:
    """Return the database's name for messages: its address without user, password and parameters."""
    if driver == "sqlite":
        return f"SQLite {dsn.partition('?')[0]}"
    if "://" in dsn:
        scheme, _, rest = dsn.partition("://")
        return f"{scheme}://{rest.partition('?')[0].rpartition('@')[2]}"
    pairs = _pairs(dsn)
    return f"postgres://{pairs.get('host', 'localhost')}:{pairs.get('port', '5432')}/{pairs.get('dbname', '')}"
