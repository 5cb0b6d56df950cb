"""Key-value in the database.

Each write of a key waits for the one before (`_LOCKED`) and only then takes a number for its version, so versions grow
also where an entry is removed and created by others at the same moment.
"""

from __future__ import annotations

from decimal import Decimal

from octo.core.errors import OctoError, Permanent
from octo.services import codes, limits, values
from octo.services.ports import Conflict, Entry, Page
from octo.services.postgres.store import Store, bounded, lock_of

_LOCKED = """
WITH turn AS MATERIALIZED (SELECT pg_advisory_xact_lock($1), clock_timestamp() AS at)
"""
_GET = """
SELECT version, count, value FROM entries
WHERE namespace = $1 AND key = $2 AND (expires IS NULL OR expires > clock_timestamp())
"""
_PUT = f"""{_LOCKED}
INSERT INTO entries AS old (namespace, key, version, expires, count, value)
SELECT $2, $3, nextval('numbers'), turn.at + $4::float8 * interval '1s', $5, $6 FROM turn
ON CONFLICT (namespace, key) DO UPDATE
SET version = excluded.version, expires = excluded.expires, count = excluded.count, value = excluded.value
WHERE $7::boolean OR old.expires <= clock_timestamp()
RETURNING version
"""  # noqa: S608  names of ours
_REPLACE = f"""{_LOCKED}
UPDATE entries AS old
SET version = nextval('numbers'), expires = turn.at + $4::float8 * interval '1s', count = $5, value = $6 FROM turn
WHERE namespace = $2 AND key = $3 AND version = $7 AND (expires IS NULL OR expires > turn.at)
RETURNING old.version
"""  # noqa: S608  names of ours
_DELETE = """
DELETE FROM entries WHERE namespace = $1 AND key = $2
AND ($3::bigint IS NULL OR version = $3 OR expires <= clock_timestamp()) RETURNING 1
"""
_LIST = """
SELECT key FROM entries WHERE namespace = $1 AND key > $2 AND key >= $3 AND (expires IS NULL OR expires > now())
ORDER BY key LIMIT $4
"""
_INCREMENT = f"""{_LOCKED}
INSERT INTO entries AS old (namespace, key, version, expires, count)
SELECT $2, $3, nextval('numbers'), turn.at + $4::float8 * interval '1s', $5::numeric::bigint FROM turn
ON CONFLICT (namespace, key) DO UPDATE SET
    version = excluded.version,
    count = CASE WHEN old.expires <= (SELECT at FROM turn) THEN excluded.count ELSE (old.count + $5)::bigint END,
    expires = CASE WHEN old.expires <= (SELECT at FROM turn) THEN excluded.expires ELSE old.expires END,
    value = NULL
WHERE old.count IS NOT NULL OR old.expires <= (SELECT at FROM turn)
RETURNING count
"""  # noqa: S608  names of ours


class Entries:
    """See `octo.services.ports.KeyValue`. An expired entry is no entry, whether its row is still there or not."""

    def __init__(self, store: Store) -> None:
        self._rows = store.rows
        self.health = store.health

    async def get(self, namespace: str, key: str) -> Entry | None:
        limits.namespace(namespace)
        limits.name(key, "key")
        for version, count, stored in await self._rows(_GET, namespace, key):
            return Entry(values.opened(stored, namespace, key) if count is None else count, version)
        return None

    async def put(
        self, namespace: str, key: str, value: object, *, version: int | None = None, ttl: float | None = None
    ) -> int:
        limits.namespace(namespace)
        limits.name(key, "key")
        limits.size(value)
        given = (lock_of(namespace, key), namespace, key, _ttl(ttl), *_columns(value, namespace, key))
        if version and _fits(version):
            rows = await self._rows(_REPLACE, *given, version)
        elif not version:
            rows = await self._rows(_PUT, *given, version is None)
        else:
            rows = []  # no entry ever has it
        if not rows:
            raise await self._conflict(namespace, key, version)
        return rows[0]["version"]  # type: ignore[no-any-return]

    async def delete(self, namespace: str, key: str, *, version: int | None = None) -> None:
        limits.namespace(namespace)
        limits.name(key, "key")
        expected = version if version is None or _fits(version) else 0
        is_gone = bool(await self._rows(_DELETE, namespace, key, expected))
        if not is_gone and version is not None and await self.get(namespace, key) is not None:
            raise await self._conflict(namespace, key, version)

    async def _conflict(self, namespace: str, key: str, version: int | None) -> Conflict:
        entry = await self.get(namespace, key)
        found = 0 if entry is None else entry.version
        return Conflict(f"the entry {key[:80]!r} has version {found}, not {version}")

    async def list(self, namespace: str, prefix: str = "", *, after: str = "", most: int = 100) -> Page:
        limits.namespace(namespace)
        limits.prefix(prefix)
        limits.prefix(after)
        asked = limits.most(most)
        rows = await self._rows(_LIST, namespace, after, prefix, asked + 1)
        found = [key for (key,) in rows if key.startswith(prefix)]  # keys with one prefix follow one another
        return Page(tuple(found[:asked]), found[asked - 1] if len(found) > asked else "")

    async def increment(self, namespace: str, key: str, by: int = 1, *, ttl: float | None = None) -> int:
        limits.namespace(namespace)
        limits.name(key, "key")
        given = (lock_of(namespace, key), namespace, key, _ttl(ttl))
        if abs(by) > limits.MOST_COUNT * 3:  # whatever the count is
            raise _too_large(key)
        try:
            rows = await self._rows(_INCREMENT, *given, Decimal(by))
        except OctoError as error:
            if getattr(error.__cause__, "sqlstate", None) == _OUT_OF_RANGE:
                raise _too_large(key) from None
            raise
        if not rows:
            raise Permanent(f"the value under the key {key[:80]!r} is no whole number", code=codes.NO_COUNTER)
        return rows[0]["count"]  # type: ignore[no-any-return]


_OUT_OF_RANGE = "22003"


def _too_large(key: str) -> Permanent:
    return Permanent(f"the counter {key[:80]!r} would not fit into 64 bits", code=codes.NO_COUNTER)


def _ttl(ttl: float | None) -> float | None:
    return None if ttl is None else bounded(limits.seconds(ttl, "ttl"))


def _columns(value: object, namespace: str, key: str) -> tuple[int | None, bytes | None]:
    """The count, or the value if it cannot be counted."""
    if type(value) is int and _fits(value):
        return value, None
    return None, values.sealed(value, namespace, key)


def _fits(number: int) -> bool:
    return limits.LEAST_COUNT <= number <= limits.MOST_COUNT
