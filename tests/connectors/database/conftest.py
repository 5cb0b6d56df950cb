"""A real PostgreSQL for the tests of this folder; each test process has its own."""

import asyncio
from contextlib import asynccontextmanager

import asyncpg
import pytest

from octo.connectors.database import Connection, Database, Query
from octo.core.message import Message
from octo.testing.postgres import PASSWORD, Postgres
from octo.testing.servers import Missing


@pytest.fixture(scope="session")
def server():
    try:
        with Postgres.started() as server:
            yield server
    except Missing as error:
        pytest.fail(str(error))


class Session:
    """An open connector, and `sql` blocks on it in one call."""

    def __init__(self, database):
        self.database = database

    async def __call__(self, query, *args, body=None, **settings):
        """The body after a `sql` block with these CEL arguments."""
        block = Query.model_validate({"query": query, "args": list(args), **settings})
        return (await self.database.sql(block, Message(body))).body

    async def run(self, query, *args, body=None):
        """Rows affected."""
        return (await self(query, *args, body=body, exec=True))["rowsAffected"]

    async def value(self, query, *args, body=None):
        """The only value of the first row."""
        row = await self(query, *args, body=body, single=True)
        (value,) = row.values()
        return value


@pytest.fixture
def session_of():
    return Session


@pytest.fixture
def opened(server):
    """Open a connector to the server with settings of one's own. The first time in a test its database is empty."""
    is_empty = False

    @asynccontextmanager
    async def open_database(**settings):
        nonlocal is_empty
        if not is_empty:
            is_empty = True
            await emptied(server)
        given = {"driver": "postgres", "dsn": server.dsn, "password": PASSWORD, **settings}
        async with Database.open(Connection.model_validate(given)) as database:
            yield Session(database)

    return open_database


async def emptied(server):
    """Remove what other tests have made: in another order a type of the same name would be in the way."""
    connection = await asyncpg.connect(server.dsn, password=PASSWORD)
    try:
        await connection.execute("drop schema public cascade; create schema public")
    finally:
        await connection.close()


@pytest.fixture
async def sql(opened):
    async with opened() as session:
        yield session


class Line:
    """A line to the server that can be cut without a sign: no byte comes through any more, and no connection ends."""

    def __init__(self, port):
        self._port = port
        self._open = asyncio.Event()
        self._open.set()
        self._served = set()

    def cut(self):
        self._open.clear()

    def mend(self):
        self._open.set()

    async def serve(self, reader, writer):
        self._served.add(asyncio.current_task())
        there, back = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            await asyncio.gather(self._carry(reader, back), self._carry(there, writer))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            for each in (back, writer):
                each.transport.abort()

    async def _carry(self, source, target):
        while data := await source.read(65536):
            await self._open.wait()
            target.write(data)
        await self._open.wait()
        target.close()

    async def end(self):
        for each in self._served:
            each.cancel()
        await asyncio.gather(*self._served, return_exceptions=True)


@pytest.fixture
async def line(server):
    """A line to the server; its `dsn` leads through it."""
    line = Line(server.port)
    listening = await asyncio.start_server(line.serve, "127.0.0.1", 0)
    line.port = listening.sockets[0].getsockname()[1]
    line.dsn = server.dsn.replace(f":{server.port}/", f":{line.port}/")
    yield line
    listening.close()
    await line.end()


@pytest.fixture
async def people(sql):
    """An empty table, known to all connections of this server."""
    await sql.run("drop table if exists people")
    await sql.run(
        "create table people (id bigint primary key, name text not null, "
        "age int check (age >= 0), price numeric, data jsonb, born date, seen timestamptz)"
    )
    return sql


@pytest.fixture
async def other(opened):
    """Another process with the same database: what it changes, `people` is not told."""
    async with opened() as session:
        yield session
