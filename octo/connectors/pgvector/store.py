"""Vectors in a table of PostgreSQL, which has the extension pgvector."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import asyncpg

from octo.connectors.pgvector.settings import Table
from octo.core import codec
from octo.core.errors import NotConnected, OctoError, Permanent, Timeout, Transient, system_reason
from octo.vectors import codes
from octo.vectors.filters import Condition
from octo.vectors.records import checked
from octo.vectors.store import Match, Record

T = TypeVar("T")

# In all of these stand names of the settings; whatever else is a parameter. Vectors go as texts: asyncpg does not know
# their type.
MAKE = """
    create table if not exists "{table}" (
        namespace text not null, id text not null, embedding vector({dimension}) not null,
        text text not null, metadata jsonb not null, primary key (namespace, id)
    )
"""
INDEX = """create index if not exists "{table}_near" on "{table}" using hnsw (embedding {operators})"""
WRITE = """
    insert into "{table}" (namespace, id, embedding, text, metadata)
    values ($1, $2, $3::text::vector, $4, $5::text::jsonb)
    on conflict (namespace, id) do update
    set embedding = excluded.embedding, text = excluded.text, metadata = excluded.metadata
"""
NEAREST = """
    select id, embedding {operator} $2::text::vector as distance, text, metadata::text from "{table}"
    where namespace = $1{where} order by distance limit $3
"""
FETCH = """
    select id, embedding::text, text, metadata::text from "{table}" where namespace = $1 and id = any($2::text[])
"""
DELETE = """delete from "{table}" where namespace = $1 and id = any($2::text[])"""
DELETE_WHERE = """delete from "{table}" where namespace = $1{where}"""
LENGTH = """
    select atttypmod from pg_attribute
    where attrelid = to_regclass($1) and attname = 'embedding' and format_type(atttypid, null) = 'vector'
"""
_OPERATORS = {"cosine": ("<=>", "vector_cosine_ops"), "l2": ("<->", "vector_l2_ops"), "dot": ("<#>", "vector_ip_ops")}
_ORDER = {"$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}
_AT_ONCE = 100
"""Records that are written at once."""
_FAREWELL = 0.5
"""Seconds that the server may take to say goodbye."""
_PASSING = ("08", "40", "53", "55", "57")
"""Classes of SQLSTATE for what passes: no connection, conflicts, no room, locks, and an operator at work."""


class PgvectorStore:
    """A table, through a pool of connections."""

    def __init__(self, pool: Any, settings: Table) -> None:
        self._pool = pool
        self._settings = settings

    async def upsert(self, records: Sequence[Record], namespace: str) -> None:
        for each in records:
            checked(each.vector, self._settings.dimension, f"the vector of {each.id!r}")
        # In the order of their ids: two calls that write the same records never wait for one another.
        ordered = sorted({each.id: each for each in records}.values(), key=lambda each: each.id)

        async def work(connection: Any) -> None:
            for at in range(0, len(ordered), _AT_ONCE):  # in between, other messages go on
                rows = [_row(namespace, each) for each in ordered[at : at + _AT_ONCE]]
                await connection.executemany(self._sql(WRITE), rows)

        await self._run(work)

    async def query(self, vector: Sequence[float], top: int, where: Sequence[Condition], namespace: str) -> list[Match]:
        checked(vector, self._settings.dimension, "the vector of the query")
        allowed, arguments = _where(where, 4)
        query = self._sql(NEAREST, allowed)

        async def work(connection: Any) -> list[Any]:
            # The index looks at so many neighbours, and at more until there are enough for which the conditions hold.
            await connection.execute(f"set local hnsw.ef_search = {max(40, min(top * 2, 1000))}")
            await connection.execute("set local hnsw.iterative_scan = strict_order")
            return list(await connection.fetch(query, namespace, _written(vector), top, *arguments))

        rows = await self._run(work)
        return [Match(name, self._score(distance), text, json.loads(told)) for name, distance, text, told in rows]

    async def fetch(self, ids: Sequence[str], namespace: str) -> list[Record]:
        rows = await self._run(lambda connection: connection.fetch(self._sql(FETCH), namespace, list(ids)))
        found = {name: Record(name, json.loads(data), text, json.loads(told)) for name, data, text, told in rows}
        return [found[each] for each in ids if each in found]

    async def delete(self, ids: Sequence[str], namespace: str) -> None:
        await self._run(lambda connection: connection.execute(self._sql(DELETE), namespace, list(ids)))

    async def delete_where(self, where: Sequence[Condition], namespace: str) -> None:
        allowed, arguments = _where(where, 2)
        query = self._sql(DELETE_WHERE, allowed)
        await self._run(lambda connection: connection.execute(query, namespace, *arguments))

    async def ping(self) -> None:
        await self._run(lambda connection: connection.execute("select 1"))

    async def prepare(self) -> None:
        """Make what is missing. Raises `Permanent` if the table does not fit."""
        if self._settings.create:
            await self._run(self._make)
        length = await self._run(lambda connection: connection.fetchval(LENGTH, f'"{self._settings.table}"'))
        if length != self._settings.dimension:
            has = "has no column of vectors" if length is None else f"has vectors of {length} numbers"
            raise Permanent(
                f"the table {self._settings.table!r} {has}, the connector's settings say {self._settings.dimension}",
                code=codes.STORE,
            )

    async def _make(self, connection: Any) -> None:
        # Processes that start together wait here for one another: PostgreSQL itself lets one of them fail.
        await connection.execute("select pg_advisory_xact_lock(hashtext('octo-vectors'))")
        if await connection.fetchval("select to_regtype('vector') is null"):
            await connection.execute("create extension vector")
        await connection.execute(self._sql(MAKE))
        if self._settings.is_indexed:
            await connection.execute(self._sql(INDEX))

    async def _run(self, work: Callable[[Any], Awaitable[T]]) -> T:
        """Do the work in a transaction. Errors are raised as Octo's."""
        seconds = self._settings.timeout.total_seconds()
        try:
            async with asyncio.timeout(seconds), self._pool.acquire() as connection, connection.transaction():
                return await work(connection)
        except TimeoutError as error:
            raise Timeout(f"pgvector took longer than {seconds:g}s") from error
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            raise _translated(error) from error

    def _sql(self, text: str, where: str = "") -> str:
        operator, operators = _OPERATORS[self._settings.metric]
        named = {
            "{table}": self._settings.table,
            "{dimension}": str(self._settings.dimension),
            "{operators}": operators,
            "{operator}": operator,
            "{where}": where,
        }
        for name, value in named.items():
            text = text.replace(name, value)
        return text

    def _score(self, distance: float) -> float:
        match self._settings.metric:
            case "cosine":
                return 1 - distance
            case "dot":
                return -distance
        return distance


def _where(where: Sequence[Condition], first: int) -> tuple[str, list[str]]:
    """What the conditions are in SQL. Values and names of fields are parameters, from number `first` on."""
    texts: list[str] = []
    arguments: list[str] = []

    def parameter(value: str) -> str:
        arguments.append(value)
        return f"${first + len(arguments) - 1}::text"

    for each in where:
        if not each.values:
            texts.append("" if each.is_negated else " and false")
            continue
        has = f"(metadata -> {parameter(each.field)})"
        if each.is_order:
            limit = f"{parameter(json.dumps(each.values[0]))}::jsonb"
            texts.append(f" and jsonb_typeof({has}) = 'number' and {has} {_ORDER[each.operator]} {limit}")
            continue
        same = [f"{has} @> {parameter(json.dumps(value))}::jsonb" for value in each.values]
        negation = "not " if each.is_negated else ""
        texts.append(f" and {negation}coalesce({' or '.join(same)}, false)")
    return "".join(texts), arguments


def _row(namespace: str, record: Record) -> tuple[str, ...]:
    return namespace, record.id, _written(record.vector), record.text, json.dumps(dict(record.metadata))


def _written(vector: Sequence[float]) -> str:
    return codec.write(list(vector)).decode()


def _translated(error: Exception) -> OctoError:
    if isinstance(error, asyncpg.PostgresError):
        text = f"pgvector: {error}"
        is_passing = (error.sqlstate or "").startswith(_PASSING)
        return Transient(text, code=codes.BUSY) if is_passing else Permanent(text, code=codes.STORE)
    if isinstance(error, OSError):
        return NotConnected(f"pgvector: cannot connect: {system_reason(error)}", code=codes.BUSY)
    if isinstance(error, ValueError):  # of the driver: a text that PostgreSQL has no form for
        return Permanent(f"pgvector: {error}", code=codes.STORE)
    return Transient(f"pgvector: {error}", code=codes.BUSY)


@asynccontextmanager
async def opened(settings: Table) -> AsyncIterator[PgvectorStore]:
    """Yield the store, its table made. Raises `Permanent` if it is there and does not fit."""
    password = None if settings.password is None else settings.password.get_secret_value()
    try:
        pool = asyncpg.create_pool(
            settings.dsn.get_secret_value(), password=password, min_size=0, max_size=settings.max_connections
        )
    except (ValueError, asyncpg.InterfaceError):
        raise Permanent("pgvector: `dsn` is no address of PostgreSQL", code=codes.STORE) from None
    try:
        store = PgvectorStore(await pool, settings)
        await store.prepare()
        yield store
    finally:
        await _left(pool)


async def _left(pool: Any) -> None:
    """Close the connections. A server that does not say goodbye is not waited for."""
    try:
        async with asyncio.timeout(_FAREWELL):
            await pool.close()
    except (TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        pool.terminate()
