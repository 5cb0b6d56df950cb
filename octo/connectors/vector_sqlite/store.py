"""Vectors in a SQLite file: sqlite-vec compares with every vector, in one thread.

The table of the extension has the vectors, one of SQLite the rest; both change in one transaction. apsw is used because
Python's own `sqlite3` is built without extensions on many machines.
"""

from __future__ import annotations

import asyncio
import json
import time
from array import array
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from octo.connectors.vector_sqlite.settings import File
from octo.core.errors import OctoError, Permanent, Timeout, Transient
from octo.vectors import codes
from octo.vectors.filters import Condition
from octo.vectors.records import checked
from octo.vectors.store import Match, Record

T = TypeVar("T")

# In all of these stands the name of the table, which is one of the settings; whatever else is a parameter.
NEAREST = """
    with near as materialized (
        select rowid, distance from "{table}" where embedding match ? and k = ? and namespace = ?{only}
    )
    select id, distance, text, metadata from near join "{table}_records" on key = near.rowid order by distance
"""
AMONG = """ and rowid in (select key from "{table}_records" where namespace = ?"""
FETCH = """
    select id, embedding, text, metadata from "{table}_records" r join "{table}" v on v.rowid = r.key
    where r.namespace = ? and id in """
KEYS = """select key from "{table}_records" where namespace = ?"""
WRITE = """
    insert into "{table}_records" (namespace, id, text, metadata) values (?, ?, ?, ?)
    on conflict (namespace, id) do update set text = excluded.text, metadata = excluded.metadata returning key
"""
PUT = """insert into "{table}" (rowid, namespace, embedding) values (?, ?, ?)"""
FORGET = """delete from "{table}" where rowid = ?"""
UNWRITE = """delete from "{table}_records" where key = ?"""
MAKE = """
    create table "{table}_records" (
        key integer primary key autoincrement,
        namespace text not null, id text not null, text text not null, metadata text not null,
        unique (namespace, id)
    )
"""

_EXISTS = "exists (select 1 from json_each(metadata, ?) e where "
_ORDER = {"$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}
_KIND: dict[type, str] = {str: "'text'", int: "'integer', 'real'", float: "'integer', 'real'"}
MAPPED = 1 << 30
"""Bytes of the file that are mapped: a query that reads them takes half the time. A larger cache does not help, because
copies between pages are what it spends its time on."""
_LOOK_AGAIN = 0.01
"""Seconds between two looks at a lock that another process holds."""
_AT_ONCE = 500
"""Parameters of a statement."""


class SqliteStore:
    """One connection, used in one thread by one call at a time."""

    def __init__(self, connection: Any, settings: File, thread: ThreadPoolExecutor) -> None:
        self._connection = connection
        self._settings = settings
        self._thread = thread
        self._lock = asyncio.Lock()
        self._patience = Patience()
        connection.set_busy_handler(self._patience.wait)

    async def upsert(self, records: Sequence[Record], namespace: str) -> None:
        for each in records:
            checked(each.vector, self._settings.dimension, f"the vector of {each.id!r}")
        await self._run(lambda: self._upsert(records, namespace))

    async def query(self, vector: Sequence[float], top: int, where: Sequence[Condition], namespace: str) -> list[Match]:
        checked(vector, self._settings.dimension, "the vector of the query")
        allowed, arguments = _where(where)
        query = self._sql(NEAREST).replace("{only}", self._sql(AMONG) + f"{allowed})" if where else "")
        given = [_packed(vector), top, namespace, *([namespace, *arguments] if where else [])]
        rows = await self._run(lambda: self._connection.execute(query, given).fetchall())
        return [Match(name, self._score(distance), text, json.loads(told)) for name, distance, text, told in rows]

    async def fetch(self, ids: Sequence[str], namespace: str) -> list[Record]:
        rows = await self._run(lambda: self._for_ids(FETCH, ids, namespace))
        found = {name: Record(name, list(array("f", data)), text, json.loads(told)) for name, data, text, told in rows}
        return [found[each] for each in ids if each in found]

    async def delete(self, ids: Sequence[str], namespace: str) -> None:
        def work() -> None:
            with self._connection:
                self._remove(self._for_ids(KEYS + " and id in ", ids, namespace))

        await self._run(work)

    async def delete_where(self, where: Sequence[Condition], namespace: str) -> None:
        allowed, arguments = _where(where)

        def work() -> None:
            with self._connection:
                self._remove(self._connection.execute(self._sql(KEYS) + allowed, [namespace, *arguments]).fetchall())

        await self._run(work)

    async def ping(self) -> None:
        await self._run(lambda: self._connection.execute("select 1").fetchall())

    # --- in the thread ------------------------------------------------------------------------------------------

    def _upsert(self, records: Sequence[Record], namespace: str) -> None:
        write, forget, put = self._sql(WRITE), self._sql(FORGET), self._sql(PUT)
        with self._connection:
            for each in records:
                told = json.dumps(dict(each.metadata), ensure_ascii=False)
                ((key,),) = self._connection.execute(write, (namespace, each.id, each.text, told)).fetchall()
                self._connection.execute(forget, (key,))
                self._connection.execute(put, (key, namespace, _packed(each.vector)))

    def _for_ids(self, query: str, ids: Sequence[str], namespace: str) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = []
        for at in range(0, len(ids), _AT_ONCE):
            some = ids[at : at + _AT_ONCE]
            marks = ", ".join("?" * len(some))
            found += self._connection.execute(f"{self._sql(query)}({marks})", [namespace, *some]).fetchall()
        return found

    def _remove(self, keys: Sequence[tuple[Any, ...]]) -> None:
        for each in (FORGET, UNWRITE):
            self._connection.executemany(self._sql(each), keys)

    # --- around it ----------------------------------------------------------------------------------------------

    async def _run(self, work: Callable[[], T]) -> T:
        """Do the work in the thread. A call that is cancelled, or takes too long, is interrupted first."""
        seconds = self._settings.timeout.total_seconds()
        try:
            async with asyncio.timeout(seconds), self._lock:
                self._patience.begin()
                future = asyncio.get_running_loop().run_in_executor(self._thread, work)
                try:
                    return await asyncio.shield(future)
                except asyncio.CancelledError:
                    await self._interrupt(future)
                    raise
        except TimeoutError:
            if self._patience.is_waiting:
                raise _locked() from None
            raise Timeout(f"vector-sqlite took longer than {seconds:g}s") from None
        except Exception as error:
            raise _translated(error) from error

    async def _interrupt(self, future: asyncio.Future[Any]) -> None:
        """Return once the thread is free: the connection must not be used by two."""
        self._patience.end()
        while not future.done():
            self._connection.interrupt()
            await asyncio.wait([future], timeout=0.05)
        if not future.cancelled():
            future.exception()  # it is not asked for: the call has been given up

    def _sql(self, text: str) -> str:
        return named(text, self._settings.table)

    def _score(self, distance: float) -> float:
        return distance if self._settings.metric == "l2" else 1 - distance


def named(text: str, table: str) -> str:
    return text.replace("{table}", table)


def _where(where: Sequence[Condition]) -> tuple[str, list[object]]:
    """What the conditions are in SQL. Values and names of fields are parameters."""
    texts: list[str] = []
    arguments: list[object] = []
    for each in where:
        alternatives: list[str] = []
        arguments.append(f'$."{each.field}"')
        for value in each.values:
            if isinstance(value, bool):
                alternatives.append(f"e.type = '{str(value).lower()}'")
            else:
                comparison = _ORDER.get(each.operator, "=")
                alternatives.append(f"(e.type in ({_KIND[type(value)]}) and e.value {comparison} ?)")
                arguments.append(value)
        negation = "not " if each.is_negated else ""
        texts.append(f" and {negation}{_EXISTS}({' or '.join(alternatives) or 'false'}))")
    return "".join(texts), arguments


def _packed(vector: Sequence[float]) -> bytes:
    return array("f", vector).tobytes()


class Patience:
    """Waits for the lock of another process. SQLite's own waiting cannot be interrupted."""

    def __init__(self) -> None:
        self.is_waiting = False
        self._is_over = False

    def begin(self) -> None:
        self.is_waiting = self._is_over = False

    def end(self) -> None:
        """Wait no longer."""
        self._is_over = True

    def wait(self, tries: int) -> bool:
        """Wait a moment, in the thread. Returns whether to try again."""
        del tries
        self.is_waiting = True
        time.sleep(_LOOK_AGAIN)
        return not self._is_over


def _locked() -> Transient:
    return Transient("vector-sqlite: another process holds the lock of the file", code=codes.BUSY)


def _translated(error: Exception) -> OctoError | Exception:
    import apsw

    if isinstance(error, apsw.BusyError | apsw.LockedError):
        return _locked()
    if isinstance(error, apsw.Error):
        return Permanent(f"vector-sqlite: {error}", code=codes.STORE)
    return error


@asynccontextmanager
async def opened(settings: File) -> AsyncIterator[SqliteStore]:
    """Yield the store, its tables made. Raises `Permanent` if they are there and do not fit."""
    thread = ThreadPoolExecutor(1, thread_name_prefix="octo-vectors")
    loop = asyncio.get_running_loop()
    try:
        connection = await loop.run_in_executor(thread, _connect, settings)
        store = SqliteStore(connection, settings, thread)
        try:
            yield store
        finally:
            await loop.run_in_executor(thread, connection.close)
    finally:
        thread.shutdown(wait=False)


def _connect(settings: File) -> Any:
    try:
        import apsw
        import sqlite_vec
    except ImportError as error:
        missing = f"`vector-sqlite` needs the library {error.name}: install octo-flows[vectors]"
        raise Permanent(missing, code=codes.STORE) from error
    try:
        connection = apsw.Connection(settings.path)
        connection.enable_load_extension(True)
        connection.load_extension(sqlite_vec.loadable_path())
        connection.enable_load_extension(False)
        connection.set_busy_timeout(int(settings.timeout.total_seconds() * 1000))
        connection.execute("pragma journal_mode = wal").fetchall()
        connection.execute(f"pragma mmap_size = {MAPPED}").fetchall()
        with connection:
            _make(connection, settings)
    except apsw.Error as error:
        raise Permanent(f"cannot open {settings.path!r}: {error}", code=codes.STORE) from error
    return connection


def _make(connection: Any, settings: File) -> None:
    table = settings.table
    wanted = f"embedding float[{settings.dimension}] distance_metric={settings.metric}, namespace text partition key"
    made = f'create virtual table "{table}" using vec0({wanted})'
    ((found,),) = connection.execute("select max(sql) from sqlite_schema where name = ?", (table,)).fetchall()
    if found is not None and found.lower() != made.lower():
        raise Permanent(
            f"the table {table!r} in {settings.path!r} was made for another dimension or metric than {wanted!r}: name "
            "another `table`",
            code=codes.STORE,
        )
    if found is None:
        connection.execute(made)
        connection.execute(named(MAKE, table))
