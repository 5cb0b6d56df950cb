"""Key-value in the data plane."""

from __future__ import annotations

from octo.core.errors import Permanent
from octo.services import codes, limits, values
from octo.services.platform import parts
from octo.services.platform.store import Store, bounded
from octo.services.ports import Conflict, Entry, Page
from octo.services.squeezed import squeezed

_ENTRY = "/kv/entry"
_VERSION, _KIND = "X-Octo-Version", "X-Octo-Kind"


class Entries:
    """See `octo.services.ports.KeyValue`."""

    def __init__(self, store: Store) -> None:
        self._call = store.call
        self.health = store.health

    async def get(self, namespace: str, key: str) -> Entry | None:
        query = _place(namespace, key)
        answer = await self._call("GET", _ENTRY, query, known=("not-found",), again=True)
        if answer.problem is not None:
            return None
        is_count = answer.headers.get(_KIND) == "count"
        value = int(answer.body) if is_count else parts.opened(answer.body, namespace, key)
        return Entry(value, int(answer.headers[_VERSION]))

    async def put(
        self, namespace: str, key: str, value: object, *, version: int | None = None, ttl: float | None = None
    ) -> int:
        query = _place(namespace, key)
        limits.size(value)
        kind, stored = _stored(value, namespace, key)
        query |= {"ttl": _ttl(ttl), "kind": kind}
        if version is not None and not _fits(version):
            raise await self._conflict(namespace, key, version)
        answer = await self._call("PUT", _ENTRY, query | {"version": version}, stored, known=("changed",))
        if answer.problem is not None:
            raise _conflict(key, answer.problem.more.get("version"), version)
        return int(answer.headers[_VERSION])

    async def delete(self, namespace: str, key: str, *, version: int | None = None) -> None:
        query = _place(namespace, key)
        if version is not None and not _fits(version):
            if await self.get(namespace, key) is not None:
                raise await self._conflict(namespace, key, version)
            return
        answer = await self._call("DELETE", _ENTRY, query | {"version": version}, known=("changed",))
        if answer.problem is not None:
            raise _conflict(key, answer.problem.more.get("version"), version)

    async def _conflict(self, namespace: str, key: str, version: int) -> Conflict:
        """The error of a version that no entry ever has."""
        entry = await self.get(namespace, key)
        return _conflict(key, 0 if entry is None else entry.version, version)

    async def list(self, namespace: str, prefix: str = "", *, after: str = "", most: int = 100) -> Page:
        limits.namespace(namespace)
        query = {"prefix": limits.prefix(prefix), "after": limits.prefix(after), "most": limits.most(most)}
        answer = await self._call("GET", "/kv/keys", {"namespace": namespace} | query, again=True)
        found = parts.told(answer.body)
        return Page(tuple(found["names"]), found["after"])

    async def increment(self, namespace: str, key: str, by: int = 1, *, ttl: float | None = None) -> int:
        query = _place(namespace, key) | {"ttl": _ttl(ttl)}
        if abs(by) > limits.MOST_COUNT * 3:  # whatever the count is
            raise Permanent(f"the counter {key[:80]!r} would not fit into 64 bits", code=codes.NO_COUNTER)
        answer = await self._call("POST", "/kv/increment", query | {"by": by}, known=("no-counter",))
        if answer.problem is not None:
            raise Permanent(f"the value under the key {key[:80]!r}: {answer.problem.text}", code=codes.NO_COUNTER)
        return int(parts.told(answer.body)["count"])


def _place(namespace: str, key: str) -> dict[str, object]:
    limits.namespace(namespace)
    limits.name(key, "key")
    return {"namespace": namespace, "key": key}


def _conflict(key: str, found: object, version: int | None) -> Conflict:
    return Conflict(f"the entry {key[:80]!r} has version {found}, not {version}")


def _ttl(ttl: float | None) -> float | None:
    return None if ttl is None else bounded(limits.seconds(ttl, "ttl"))


def _stored(value: object, namespace: str, key: str) -> tuple[str, bytes]:
    """What it is, and its bytes: a count, or a value that cannot be counted."""
    if type(value) is int and limits.LEAST_COUNT <= value <= limits.MOST_COUNT:
        return "count", b"%d" % value
    return "bytes", squeezed(values.sealed(value, namespace, key))


def _fits(version: int) -> bool:
    return 0 <= version <= limits.MOST_COUNT
