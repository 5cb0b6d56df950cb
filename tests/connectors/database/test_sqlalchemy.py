"""Every other database, through SQLAlchemy: here its dialects for SQLite and PostgreSQL."""

import asyncio
import sqlite3
from contextlib import asynccontextmanager

import pytest

from octo.connectors.database import Connection, Database, sqlalchemy
from octo.connectors.database.placeholders import rewritten
from octo.core.errors import OctoError, Permanent, Timeout, Transient
from octo.expr.values import Exact
from octo.testing.postgres import PASSWORD


@pytest.fixture
def opened(session_of):
    @asynccontextmanager
    async def open_database(**settings):
        async with Database.open(Connection.model_validate({"driver": "sqlalchemy", **settings})) as database:
            yield session_of(database)

    return open_database


@pytest.fixture(params=["sqlite", "postgres"])
async def sql(request, opened, tmp_path):
    if request.param == "sqlite":
        settings = {"dsn": f"sqlite+aiosqlite:///{tmp_path}/shop.db"}
    else:
        server = request.getfixturevalue("server")
        settings = {"dsn": f"postgresql+asyncpg://octo@{server.address}/postgres", "password": PASSWORD}
    async with opened(**settings) as session:
        yield session


async def test_create_read_update_delete(sql):
    """The four verbs with `?`, for any notation of the dialect."""
    await sql.run("drop table if exists goods")
    await sql.run("create table goods (id bigint primary key, name text, note text)")
    assert await sql.run("insert into goods values (?, ?, '100% ?')", "9007199254740993", "body", body="x") == 1
    assert await sql("select * from goods where name = ?", '"x"') == [
        {"id": 9007199254740993, "name": "x", "note": "100% ?"}
    ]
    assert await sql.run("update goods set name = ?", '"y"') == 1
    assert await sql("select name from goods", single=True) == {"name": "y"}
    assert await sql.run("delete from goods") == 1
    assert await sql("select * from goods", single=True) is None


async def test_bytes_and_digits_survive(sql, request):
    """Bytes are bytes in both directions, and the column converts the digits of a long decimal."""
    binary = "bytea" if "postgres" in request.node.name else "blob"
    await sql.run("drop table if exists kept")
    await sql.run(f"create table kept (data {binary}, digits text)")
    await sql.run("insert into kept values (?, ?)", r'b"\xff\x00"', "body", body=Exact("0.1234567890123456789"))
    assert await sql("select * from kept") == [{"data": b"\xff\x00", "digits": "0.1234567890123456789"}]


async def test_numbers_of_any_size_reach_numeric(opened, server):
    """Neither an int beyond 64 bits nor a decimal beyond a double is rounded in either direction."""
    dsn = f"postgresql+asyncpg://octo@{server.address}/postgres"
    async with opened(dsn=dsn, password=PASSWORD) as sql:
        body = [2**100, Exact("0.1234567890123456789")]
        row = await sql("select ?::numeric as a, ?::numeric as b", "body[0]", "body[1]", body=body, single=True)
    assert repr(row) == repr({"a": 2**100, "b": body[1]})


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("'20000-01-01'::date", "20000-01-01"),
        ("'0044-03-15 12:00 BC'::timestamptz", "0044-03-15 12:00:00+00 BC"),
        ("'infinity'::timestamp", "infinity"),
        ("'24:00'::time", "24:00:00"),
        ("interval '1 month'", "1 mon"),
        ("B'101'", "101"),
        ("avg(2)", 2.0),
        ("'[18446744073709551615, 1e400]'::json", [2**64 - 1, Exact("1e400")]),
    ],
)
async def test_postgres_values_are_those_of_its_own_driver(opened, server, expression, value):
    """The dialect uses the same library, with the same form for what Python has none for."""
    async with opened(dsn=f"postgresql+asyncpg://octo@{server.address}/postgres", password=PASSWORD) as sql:
        assert repr(await sql.value(f"select {expression} as value")) == repr(value)


async def test_an_argument_that_does_not_fit_is_permanent(opened, server):
    """Which one is told, and never its value."""
    async with opened(dsn=f"postgresql+asyncpg://octo@{server.address}/postgres", password=PASSWORD) as sql:
        assert await sql.value("select ?::date as d", '"2026-01-31"') == "2026-01-31"
        for cast, argument in (("date", '"2026-01-31garbage"'), ("int", '"garbage"'), ("date", "5")):
            with pytest.raises(Permanent, match=r"argument \$1: ") as caught:
                await sql(f"select ?::{cast}", argument)
            assert caught.value.code == "OCTO-D112"
            assert "garbage" not in str(caught.value)


async def test_a_block_that_fails_leaves_nothing(sql):
    """Neither if a row is refused, nor if two columns have one name, nor if the message is cancelled."""
    await sql.run("drop table if exists goods")
    await sql.run("create table goods (id bigint primary key, n int)")
    await sql.run("insert into goods values (1, 1), (2, 1)")
    with pytest.raises(Permanent, match="more than 1 rows"):
        await sql("update goods set n = 2 returning *", maxRows=1)
    with pytest.raises(Permanent, match="returns two columns named 'n'") as caught:
        await sql("update goods set n = 2 returning n, id as n")
    assert caught.value.code == "OCTO-D114"
    assert await sql("select distinct n from goods") == [{"n": 1}]


async def test_sqlite_waits_for_a_lock_no_longer_than_the_query_timeout(opened, tmp_path):
    """Its own five seconds would hold up the message."""
    async with opened(dsn=f"sqlite+aiosqlite:///{tmp_path}/a.db", queryTimeout="1s") as sql:
        await sql.run("create table t (n int)")
        assert await sql.value("pragma busy_timeout") == 1000
        other = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
        other.execute("begin exclusive")
        with pytest.raises(Transient):
            await sql.run("insert into t values (1)")
        other.close()
        assert await sql.run("insert into t values (1)") == 1


async def test_an_int_that_sqlite_does_not_hold_is_refused(opened):
    """As with the driver for SQLite, the error names the argument and says what to do."""
    async with opened(dsn="sqlite+aiosqlite://") as sql:
        with pytest.raises(Permanent, match="a whole number beyond 64 bits; convert it with `string") as caught:
            await sql("select ?", "body", body=2**100)
    assert caught.value.code == "OCTO-D112"


async def test_a_refused_query_is_permanent(sql):
    """Syntax and constraints are for the author, not for a retry."""
    await sql.run("drop table if exists goods")
    await sql.run("create table goods (id bigint primary key)")
    await sql.run("insert into goods values (1)")
    for query, code in (("insert into goods values (1)", "OCTO-D111"), ("selec 1", "OCTO-D110")):
        with pytest.raises(Permanent) as caught:
            await sql(query)
        assert caught.value.code == code


async def test_the_row_limit_fails_instead_of_cutting_off(sql):
    with pytest.raises(Permanent, match="more than 2 rows"):
        await sql("select 1 as n union select 2 union select 3", maxRows=2)


async def test_a_slow_query_times_out_and_the_next_works(opened, server):
    """The connection of the cancelled query is closed, and a new one replaces it."""
    dsn = f"postgresql+asyncpg://octo@{server.address}/postgres"
    async with opened(dsn=dsn, password=PASSWORD, queryTimeout="1s", maxOpenConns=1) as sql:
        with pytest.raises(Timeout):
            await sql("select pg_sleep(30)")
        assert await sql.value("select 1 as one") == 1


async def test_an_exhausted_pool_is_transient(opened, server):
    """A query waits for the only connection until its timeout; a slow query that has it fails with another error."""
    dsn = f"postgresql+asyncpg://octo@{server.address}/postgres"
    async with opened(dsn=dsn, password=PASSWORD, queryTimeout="300ms", maxOpenConns=1) as sql:
        async with sql.database._driver._engine.connect():
            with pytest.raises(Transient) as waited:
                await sql("select 1")
        with pytest.raises(Timeout) as slow:
            await sql("select pg_sleep(3600)")
    assert (waited.value.code, slow.value.code) == ("OCTO-D103", "OCTO-D104")


async def test_a_restart_of_the_server_is_survived(opened, server):
    """Down is transient; back again works without reopening."""
    dsn = f"postgresql+asyncpg://octo@{server.address}/postgres"
    async with opened(dsn=dsn, password=PASSWORD) as sql:
        await sql("select 1")
        await asyncio.to_thread(server.stop, "fast")
        try:
            with pytest.raises(Transient):
                await sql("select 1")
        finally:
            await asyncio.to_thread(server.start)
        assert await sql("select 1 as n") == [{"n": 1}]


async def test_closing_does_not_wait_for_a_server_that_does_not_answer(opened, line, monkeypatch):
    """Neither for an idle connection nor for one whose query was cancelled."""
    monkeypatch.setattr(sqlalchemy, "_FAREWELL", 0.01)
    dsn = f"postgresql+asyncpg://octo@127.0.0.1:{line.port}/postgres"
    async with opened(dsn=dsn, password=PASSWORD) as sql:
        await asyncio.gather(*(sql("select pg_sleep(0.05)") for _ in range(2)))
        line.cut()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await sql("select 1")


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"dsn": "sqlite:///x.db"}, "does not name an async dialect"),
        ({"dsn": "nonsense+driver://host/db"}, "does not name an async dialect|nonsense"),
        (
            {"driver": "mysql", "dsn": "mysql://u:hidden-word@127.0.0.1:1/db"},
            "cannot connect to mysql://127.0.0.1:1/db",
        ),
    ],
)
async def test_a_database_that_cannot_be_opened_is_a_clear_start_error(opened, settings, complaint):
    """The place is named, the password never."""
    with pytest.raises(OctoError, match=complaint) as caught:
        async with opened(**settings):
            pass
    assert "hidden-word" not in str(caught.value)


@pytest.mark.parametrize(
    ("query", "style", "expected"),
    [
        ("select ?, '?', \"?\", ? -- ?", "format", "select %s, '?', \"?\", %s -- ?"),
        ("select '10%' like ?", "format", "select '10%%' like %s"),
        ("select 7 % ? /* ? */", "pyformat", "select 7 %% %s /* ? */"),
        ("select ?, ?", "numeric_dollar", "select $1, $2"),
        ("select $2, $1", "numeric_dollar", "select $2, $1"),
        ("select ?", "qmark", "select ?"),
        ("select 'it''s ?', `a?`, ?", "format", "select 'it''s ?', `a?`, %s"),
    ],
)
def test_placeholders_are_rewritten_outside_of_quotes_only(query, style, expected):
    assert rewritten(query, style) == expected
