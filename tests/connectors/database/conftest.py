"""A real PostgreSQL for the tests of this folder; each test process has its own."""

from contextlib import asynccontextmanager

import pytest

from octo.connectors.database import Connection, Database, Query
from octo.core.message import Message
from octo.testing.postgres import PASSWORD, Missing, Postgres


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
    """Open a connector to the server with settings of one's own."""

    @asynccontextmanager
    async def open_database(**settings):
        given = {"driver": "postgres", "dsn": server.dsn, "password": PASSWORD, **settings}
        async with Database.open(Connection.model_validate(given)) as database:
            yield Session(database)

    return open_database


@pytest.fixture
async def sql(opened):
    async with opened() as session:
        yield session
