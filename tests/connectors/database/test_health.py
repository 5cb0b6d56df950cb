"""Health of a database: busy is not broken, and a database that does not answer is reported in time."""

from __future__ import annotations

import asyncio

import pytest

from octo.connectors.database import Connection, Database
from octo.core.errors import Permanent, Transient
from octo.core.powers import Healthy
from octo.testing.clock import virtual
from octo.testing.postgres import PASSWORD

SLOW = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 1000000000) select max(i) from n"


class Driver:
    """A database whose reaction to a ping the test decides."""

    is_busy = False

    def __init__(self, ping):
        self.ping = ping


@virtual()
async def test_a_database_that_does_not_answer_is_reported_after_two_seconds():
    """`queryTimeout` may be 30 seconds; probes of readiness do not wait that long."""
    with pytest.raises(Transient, match="did not answer within 2s"):
        await Database(Driver(asyncio.Event().wait)).health()

    assert asyncio.get_running_loop().time() == 2


async def test_a_login_that_is_refused_now_is_a_reason_too():
    """Readiness has one kind of failure: not now."""

    async def refused():
        raise Permanent("the password was changed", code="OCTO-D102")

    with pytest.raises(Transient, match="the password was changed") as caught:
        await Database(Driver(refused)).health()

    assert caught.value.code == "OCTO-D102"


@pytest.fixture(params=["sqlite", "postgres", "sqlalchemy"])
def one_connection(request, tmp_path):
    """Settings of a connector with a single connection, and a query that keeps it."""
    if request.param == "sqlite":
        return {"driver": "sqlite", "dsn": f"{tmp_path}/a.db"}, SLOW
    server = request.getfixturevalue("server")
    if request.param == "postgres":
        return {"driver": "postgres", "dsn": server.dsn, "password": PASSWORD}, "select pg_sleep(60)"
    dsn = f"postgresql+asyncpg://octo@{server.address}/postgres"
    return {"driver": "sqlalchemy", "dsn": dsn, "password": PASSWORD}, "select pg_sleep(60)"


async def test_a_database_whose_connections_are_all_busy_is_healthy(one_connection, session_of):
    settings, slow = one_connection
    async with Database.open(Connection.model_validate({**settings, "maxOpenConns": 1})) as database:
        await database.health()
        async with asyncio.TaskGroup() as group:
            query = group.create_task(session_of(database)(slow))
            while not database._driver.is_busy:
                await asyncio.sleep(0.001)
            await database.health()
            assert not query.done()
            query.cancel()
        assert not database._driver.is_busy
        await database.health()


@pytest.mark.parametrize("spec", [{"answers": []}, {"sqlite": []}])
async def test_a_stub_is_healthy(stubbed, spec):
    text = 'connectors: [{name: db, type: database, settings: {driver: postgres, dsn: "postgres://octo@db.test/shop"}}]'
    async with stubbed(text + "\nflows: [{name: a, process: []}]", db=spec) as app:
        database = app.generation.instances["db"]
        assert isinstance(database, Healthy)
        await database.health()
