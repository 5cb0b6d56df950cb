"""Results have a limit of bytes, whatever the driver: memory stays bounded, and the connector goes on."""

from __future__ import annotations

import tracemalloc
from contextlib import asynccontextmanager

import pytest

from octo.connectors.database import Connection, Database, errors
from octo.connectors.database.size import Size
from octo.core.errors import Permanent
from octo.testing.postgres import PASSWORD

MEGABYTE = 1024 * 1024
RECURSIVE = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 2000) select i, {} as t from n"
LARGE = {
    "postgres": "select i, repeat('x', 1048576) as t from generate_series(1, 2000) as n(i)",
    "sqlite": RECURSIVE.format("hex(zeroblob(524288))"),
    "sqlalchemy": RECURSIVE.format("hex(zeroblob(524288))"),
    "asyncpg": "select i, repeat('x', 1048576) as t from generate_series(1, 2000) as n(i)",
}


@pytest.fixture(params=LARGE)
def driver(request):
    return request.param


@pytest.fixture
def opened(server, session_of, tmp_path):
    """Open a connector of each kind."""

    @asynccontextmanager
    async def open_database(driver):
        given = {
            "postgres": {"driver": "postgres", "dsn": server.dsn, "password": PASSWORD},
            "sqlite": {"driver": "sqlite", "dsn": ":memory:"},
            "sqlalchemy": {"driver": "sqlalchemy", "dsn": f"sqlite+aiosqlite:///{tmp_path / 'db'}"},
            "asyncpg": {
                "driver": "sqlalchemy",
                "dsn": server.dsn.replace("postgres://", "postgresql+asyncpg://").partition("?")[0],
                "password": PASSWORD,
            },
        }[driver]
        async with Database.open(Connection.model_validate(given)) as database:
            yield session_of(database)

    return open_database


@pytest.mark.parametrize("settings", [{}, {"maxBytes": 5 * MEGABYTE}])
async def test_a_result_of_two_gigabytes_is_refused_while_it_arrives(opened, driver, settings):
    """2,000 rows of a megabyte are within `maxRows`, but not within `maxBytes`, which is 64 MiB by default."""
    most = settings.get("maxBytes", 64 * MEGABYTE)
    async with opened(driver) as sql:
        tracemalloc.start()
        try:
            with pytest.raises(Permanent, match=f"the result has more than {most} bytes; .*`maxBytes`") as caught:
                await sql(LARGE[driver], **settings)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert await sql("select 1 as n") == [{"n": 1}]

    assert caught.value.code == "OCTO-D115"
    assert peak < 2 * most + 64 * MEGABYTE


async def test_a_result_within_the_limit_is_whole(opened, driver):
    """The limit counts for each query, not for all of a connection."""
    async with opened(driver) as sql:
        for _ in range(3):
            rows = await sql(f"select * from ({LARGE[driver]}) as l where i <= 3", maxBytes=4 * MEGABYTE)
            assert [(row["i"], len(row["t"])) for row in rows] == [(n, MEGABYTE) for n in (1, 2, 3)]


async def test_the_first_row_may_have_too_many_bytes_too(opened, driver):
    async with opened(driver) as sql:
        with pytest.raises(Permanent, match="more than 1000 bytes"):
            await sql(LARGE[driver], single=True, maxBytes=1000)
        assert (await sql(LARGE[driver], single=True, maxBytes=40 * MEGABYTE))["i"] == 1


async def test_postgres_keeps_no_rows_of_a_statement_with_exec_beyond_the_limit(opened):
    """Its driver reads them all before it counts them."""
    async with opened("postgres") as sql:
        with pytest.raises(Permanent, match="more than 1048576 bytes"):
            await sql(f"{LARGE['postgres']} where i < $1", "3000", exec=True, maxBytes=MEGABYTE)
        assert await sql.value("select 1 as n") == 1


async def test_a_block_whose_result_is_too_large_changed_nothing(opened, driver):
    """It failed, so it must not have written."""
    async with opened(driver) as sql:
        await sql.run("drop table if exists sized")
        await sql.run("create table sized (t text)")
        with pytest.raises(Permanent, match="more than 5 bytes"):
            await sql("insert into sized values ('0123456789') returning t", maxBytes=5)
        assert await sql.value("select count(*) as n from sized") == 0


def test_values_count_by_their_text_and_bytes():
    """A number, a time and null count as eight bytes; keys of maps count too."""
    row = ["four", b"bytes", None, 10**30, {"key": ["text", 1.5]}, (memoryview(b"123"),)]
    Size(4 + 5 + 8 + 8 + 3 + 4 + 8 + 3).add(row)
    with pytest.raises(Permanent, match="more than 42 bytes"):
        Size(42).add(row)
    with pytest.raises(Permanent, match=str(errors.too_many_bytes(7))):
        Size(7).add([None])
