"""Traces in a SQLite file that only its owner may read: found by id, deleted by age and size, shared by processes.

A trace is a row: a column for each value that lists show, and the records compressed. The write-ahead log lets several
processes read and write at the same time, and keeps the file whole if a process is killed.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Self

from octo.core.clock import now_ns
from octo.core.errors import Permanent
from octo.core.log import fields
from octo.trace.encode import Encoded, Summary
from octo.trace.ids import SHORTEST_PREFIX, chosen
from octo.trace.packed import records
from octo.trace.record import Record
from octo.trace.store import no_store, unusable

log = logging.getLogger("octo.trace")

MOST_BYTES = 256 * 1024 * 1024
MOST_AGE = 7 * 24 * 3600.0

BUSY = 5.0
"""Seconds to wait for another process that writes."""

_APPLICATION = 0x4F63_546F
"""The application id in SQLite's header: `OcTo`."""
_VERSION = 2
"""The version of the rows. Files of version 1 can be read; writing to one makes it version 2."""
_LEVEL = 1
"""The level of compression: records repeat themselves so much that a higher one gains little."""
_AT_ONCE = 64
"""Rows that one statement writes, at most."""
_EVERY = 60.0
"""Seconds between two deletions of traces that are too old."""
_SHRUNK = 10_000
"""Pages that are given back to the file system after each such deletion, at most."""

_SCHEMA = """
CREATE TABLE traces (
    id INTEGER PRIMARY KEY, at INTEGER, flow TEXT, event TEXT, trace TEXT, correlation TEXT, duration INTEGER,
    outcome TEXT, code TEXT, lost INTEGER, events TEXT, data BLOB
);
CREATE INDEX by_at ON traces (at);
CREATE INDEX by_event ON traces (event);
CREATE INDEX by_trace ON traces (trace);
"""
_COLUMNS = ("flow", "event", "trace", "correlation", "at", "duration", "outcome", "code", "lost")
_LISTED = ", ".join(_COLUMNS)


class Sqlite:
    """See the module. most_bytes: size of the file; its log adds at most some megabytes. most_age: in seconds."""

    name = "sqlite"

    def __init__(self, path: Path, most_bytes: int = MOST_BYTES, most_age: float = MOST_AGE) -> None:
        self._path = path
        self._most_bytes = most_bytes
        self._most_age = most_age
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._looked = float("-inf")

    def ready(self, *, write: bool) -> Self:
        """Return itself, if the file can be used. Raises `Permanent` if not."""
        if write:
            _create(self._path)
        with self._reading():
            return self

    # --- writing, by one thread --------------------------------------------------------------------------------------

    def write(self, traces: Sequence[Encoded]) -> None:
        connection = self._writing()
        with _transaction(connection):
            for start in range(0, len(traces), _AT_ONCE):
                _insert(connection, traces[start : start + _AT_ONCE])
            self._forget(connection)
        self._shrink(connection)

    def close(self) -> None:
        if self._connection is not None:
            self._give_up_if_emptied()
            self._connection.close()
            self._connection = None

    def _writing(self) -> sqlite3.Connection:
        """The connection; a new one if the file was removed, replaced or emptied."""
        if self._connection is not None and (self._identity != _identity(self._path) or _is_empty(self._path)):
            self.close()
        if self._connection is None:
            _create(self._path)
            self._connection = _connect(self._path)
            self._identity = _identity(self._path)
        return self._connection

    def _give_up_if_emptied(self) -> None:
        """Delete the file if it was emptied: SQLite still believes it to be whole, and would write half a database."""
        if self._identity == _identity(self._path) and _is_empty(self._path):
            log.warning("the trace store was emptied and is made anew", extra=fields(store=str(self._path)))
            # The file itself last: until then other processes that share it find it empty too, and create no new one.
            for ending in ("-wal", "-shm", ""):
                self._path.with_name(f"{self._path.name}{ending}").unlink(missing_ok=True)

    def _forget(self, connection: sqlite3.Connection) -> None:
        """Delete the traces that are too old, once in a while, and the oldest ones while the file is too large."""
        if self._looks_now():
            connection.execute("DELETE FROM traces WHERE at < ?", [now_ns() - int(self._most_age * 1e9)])
        while (used := _used(connection)) > self._most_bytes:
            first, last = connection.execute("SELECT min(id), max(id) FROM traces").fetchone()
            if first is None:
                return
            share = (used - self._most_bytes) / used
            connection.execute("DELETE FROM traces WHERE id <= ?", [first + int((last - first) * share)])

    def _shrink(self, connection: sqlite3.Connection) -> None:
        """Give freed pages back, once in a while. There is no hurry: the next traces would use them again."""
        if self._looks_now():
            self._looked = time.monotonic()
            # As a script: `execute` would stop after the first page. If another process holds the lock, the next look
            # will do it.
            with suppress(sqlite3.OperationalError):
                connection.executescript(f"PRAGMA incremental_vacuum({_SHRUNK})")

    def _looks_now(self) -> bool:
        return time.monotonic() - self._looked > _EVERY

    # --- reading, by any thread --------------------------------------------------------------------------------------

    def find(
        self, flow: str | None = None, outcome: str | None = None, limit: int = 50, before: int | None = None
    ) -> list[Summary]:
        """See `octo.trace.store.Store`."""
        asked = {"flow = ?": flow, "outcome = ?": outcome, "at < ?": before}
        given = {term: value for term, value in asked.items() if value is not None}
        where = " AND ".join(["at IS NOT NULL", *given])
        query = f"SELECT {_LISTED} FROM traces WHERE {where} ORDER BY at DESC LIMIT ?"  # noqa: S608
        with self._reading() as connection:
            return [Summary(*row) for row in connection.execute(query, [*given.values(), limit])]

    def written(self, after: int, limit: int = 100) -> tuple[list[Summary], int]:
        """The traces that were written after one, in that order, and the number of the last; 0 is before all."""
        query = f"SELECT id, {_LISTED} FROM traces WHERE id > ? AND at IS NOT NULL ORDER BY id LIMIT ?"  # noqa: S608
        with self._reading() as connection:
            rows = connection.execute(query, [after, limit]).fetchall()
            return [Summary(*row[1:]) for row in rows], rows[-1][0] if rows else after

    def last(self) -> int:
        """The number of the trace that was written last."""
        with self._reading() as connection:
            return int(connection.execute("SELECT coalesce(max(id), 0) FROM traces").fetchone()[0])

    def get(self, id: str) -> list[Record]:  # noqa: A002  see `Store`
        """See `octo.trace.store.Store`."""
        with self._reading() as connection:
            rows = _candidates(connection, id)
            listed = ((Summary(*row[2:]), row[1].split()) for row in rows)
            ids = [rows[position][0] for position in chosen(id, listed)]
            data = [connection.execute("SELECT data FROM traces WHERE id = ?", [each]).fetchone() for each in ids]
        return [record for [each] in data for record in records(zlib.decompress(each))]

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        if not self._path.is_file() or _is_empty(self._path):
            raise no_store(self._path)
        with _telling(self._path), closing(_connect(self._path)) as connection:
            connection.execute("BEGIN")  # so that a trace that was listed still exists when it is read
            yield connection


def _insert(connection: sqlite3.Connection, traces: Sequence[Encoded]) -> None:
    """Insert all rows in one statement: each statement releases the interpreter's lock and waits to get it back."""
    row = f"({', '.join('?' * (len(_COLUMNS) + 2))})"
    statement = f"INSERT INTO traces ({_LISTED}, events, data) VALUES {', '.join([row] * len(traces))}"  # noqa: S608
    connection.execute(statement, [value for each in traces for value in _row(each)])


def _row(trace: Encoded) -> tuple[object, ...]:
    return (*trace.summary, " ".join(trace.events), zlib.compress(trace.data, _LEVEL))


def _candidates(connection: sqlite3.Connection, id: str) -> list[tuple[Any, ...]]:  # noqa: A002  see `Store`
    """Rows with the id, or with ids that begin with it: by index, else by searching the event ids inside all traces."""
    last = id + chr(0x10FFFF) if len(id) >= SHORTEST_PREFIX else id
    columns = f"SELECT id, events, {_LISTED} FROM traces"  # noqa: S608  names of ours, as above and below
    indexed = f"{columns} WHERE event BETWEEN ? AND ? OR trace BETWEEN ? AND ? ORDER BY at"
    rows = connection.execute(indexed, [id, last, id, last]).fetchall()
    return rows or connection.execute(f"{columns} WHERE instr(events, ?) ORDER BY at", [id]).fetchall()


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _is_empty(path: Path) -> bool:
    """Whether the file is empty; a store has at least one page from the beginning."""
    return path.exists() and not path.stat().st_size


def _create(path: Path) -> None:
    """Create the store, if the file does not exist or is empty. Of several processes only one does it, in one step."""
    with _telling(path):
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        with closing(_open(path)) as connection:
            if _version(connection) == (0, 0) and not _tables(connection):
                connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
                connection.execute("PRAGMA journal_mode = WAL").fetchall()
                with _transaction(connection):
                    if not _tables(connection):
                        for statement in _SCHEMA.split(";"):
                            connection.execute(statement)
                        connection.execute(f"PRAGMA application_id = {_APPLICATION}")
            if _version(connection) in ((_APPLICATION, 0), (_APPLICATION, 1)):
                connection.execute(f"PRAGMA user_version = {_VERSION}")
        _connect(path).close()


def _connect(path: Path) -> sqlite3.Connection:
    """A connection to the file, which must be a trace store."""
    connection = _open(path)
    try:
        if _version(connection) not in ((_APPLICATION, 1), (_APPLICATION, _VERSION)):
            raise unusable(path, "it is the database of another program, or of another version of Octo")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA journal_size_limit = 4194304").fetchall()
    except BaseException:
        connection.close()
        raise
    return connection


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=BUSY, isolation_level=None)


def _version(connection: sqlite3.Connection) -> tuple[int, int]:
    return _number(connection, "application_id"), _number(connection, "user_version")


def _tables(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])


def _used(connection: sqlite3.Connection) -> int:
    pages = _number(connection, "page_count") - _number(connection, "freelist_count")
    return pages * _number(connection, "page_size")


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    return int(connection.execute(f"PRAGMA {pragma}").fetchone()[0])


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


@contextmanager
def _telling(path: Path) -> Iterator[None]:
    """Raise errors of SQLite and of the system as `Permanent`."""
    try:
        yield
    except Permanent:
        raise
    except OSError as error:
        raise unusable(path, error.strerror or error) from error
    except (sqlite3.Error, zlib.error) as error:
        raise unusable(path, error) from error
