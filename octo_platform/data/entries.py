"""Keys and values. Namespaces that end with `_secrets` are sealed."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from octo_platform.data import clock
from octo_platform.data.shelf import Shelf
from octo_platform.data.sweeping import weight
from octo_platform.problem import Problem
from octo_platform.storage.sealing import Keyring
from octo_platform.storage.tables import Entry

SEALED = "_secrets"
LEAST, MOST = -(1 << 63), (1 << 63) - 1
"""What a counter may become."""


class Found(NamedTuple):
    """A value and its version. counts: it is a whole number, in decimal digits."""

    value: bytes
    version: int
    counts: bool


class Place(NamedTuple):
    """Where an entry is."""

    store: str
    namespace: str
    key: str

    @property
    def is_sealed(self) -> bool:
        return self.namespace.endswith(SEALED)

    def here(self) -> tuple[ColumnElement[bool], ...]:
        return Entry.store_id == self.store, Entry.namespace == self.namespace, Entry.key == self.key

    def stored(self, keyring: Keyring, value: bytes) -> bytes:
        return keyring.seal(sealing_place(*self), value).encode() if self.is_sealed else value

    def opened(self, keyring: Keyring, value: bytes) -> bytes:
        return keyring.open(sealing_place(*self), value.decode()) if self.is_sealed else value


def sealing_place(store: str, namespace: str, key: str) -> str:
    """What a sealed value is bound to."""
    return f"entry/{store}/{namespace}/{key}"


def read(connection: Connection, keyring: Keyring, place: Place) -> Found | None:
    alive = Entry.until.is_(None) | (Entry.until > clock.moment(connection))
    query = select(Entry.value, Entry.version, Entry.counts).where(*place.here(), alive)
    row = (connection.execute(query)).first()
    return None if row is None else Found(place.opened(keyring, row.value), row.version, row.counts)


def keys(connection: Connection, store: str, namespace: str, prefix: str, after: str, most: int) -> list[str]:
    """At most `most` keys that begin with the prefix and come after another one, in the order of code points."""
    alive = Entry.until.is_(None) | (Entry.until > clock.moment(connection))
    begun = Entry.key > after, Entry.key >= prefix
    query = select(Entry.key).where(Entry.store_id == store, Entry.namespace == namespace, *begun, alive)
    found = (connection.execute(query.order_by(Entry.key).limit(most))).scalars()
    return [each for each in found if each.startswith(prefix)]  # keys with one prefix follow one another


def write(
    shelf: Shelf, keyring: Keyring, place: Place, value: bytes, *, counts: bool, expected: int | None, ttl: float | None
) -> int:
    """Write a value; return its version. expected: the version it must have, 0 for none; None for whatever there is."""
    present = _present(shelf, place)
    _check(present, expected)
    stored = place.stored(keyring, value)
    until = None if ttl is None else shelf.now + ttl
    return _put(shelf, place, present, stored, counts=counts, until=until)


def remove(shelf: Shelf, place: Place, expected: int | None) -> None:
    """Remove an entry; that there is none is no error. Raises `Problem` if it has another version than expected."""
    present = _present(shelf, place)
    if present.version:
        _check(present, expected)
    if present.size:
        shelf.grow(-present.size)
        shelf.do(delete(Entry).where(*place.here()))


def increment(shelf: Shelf, keyring: Keyring, place: Place, by: int, ttl: float | None) -> int:
    """Add to a counter; return the sum. ttl: for a new one."""
    present = _present(shelf, place)
    before, until = 0, None if ttl is None else shelf.now + ttl
    if present.version:
        if not present.counts:
            raise Problem("no-counter")
        [(stored,)] = shelf.all(select(Entry.value).where(*place.here()))
        before, until = int(place.opened(keyring, stored)), present.until
    total = before + by
    if not LEAST <= total <= MOST:
        raise Problem("no-counter", "the sum does not fit into 64 bits")
    stored = place.stored(keyring, b"%d" % total)
    _put(shelf, place, present, stored, counts=True, until=until)
    return total


class _Present(NamedTuple):
    """What is stored. version: 0 if there is nothing, or it is over. size: what the row counts, 0 if there is none."""

    version: int = 0
    counts: bool = False
    until: float | None = None
    size: int = 0


def _present(shelf: Shelf, place: Place) -> _Present:
    columns = Entry.version, Entry.counts, Entry.until, func.length(Entry.value).label("size")
    row = shelf.first(select(*columns).where(*place.here()))
    if row is None:
        return _Present()
    is_over = row.until is not None and row.until <= shelf.now
    size = weight(place.namespace, place.key) + row.size
    return _Present(0 if is_over else row.version, row.counts, row.until, size)


def _check(present: _Present, expected: int | None) -> None:
    if expected is not None and present.version != expected:
        raise Problem("changed", f"it has the version {present.version}", version=present.version)


def _put(shelf: Shelf, place: Place, present: _Present, stored: bytes, *, counts: bool, until: float | None) -> int:
    shelf.grow(weight(place.namespace, place.key, stored) - present.size)
    values = {"value": stored, "counts": counts, "until": until, "version": shelf.next()}
    if present.size:
        shelf.do(update(Entry).where(*place.here()).values(values))
    else:
        names = {"store_id": place.store, "namespace": place.namespace, "key": place.key}
        shelf.do(insert(Entry).values(names | values))
    return values["version"]  # type: ignore[return-value]
