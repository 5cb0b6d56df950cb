"""The database connector against a real PostgreSQL."""

import asyncio

import pytest

from octo.connectors.database import Connection, Database, postgres
from octo.core.errors import Permanent, Timeout, Transient
from octo.core.secrets import masked
from octo.expr.values import Exact, Timestamp
from octo.testing.postgres import PASSWORD

EXACT = Exact("0.1234567890123456789")
TIME = Timestamp(1_774_744_200_000_000_000)  # 2026-03-29T00:30:00Z


# --- what comes back ---------------------------------------------------------------------------------------------


async def test_create_read_update_delete(people):
    """The four verbs: rows as objects, affected rows as a count, a missing row as null."""
    body = {"id": 7, "name": "Ada", "tags": ["x", {"y": 1}]}
    insert = "insert into people (id, name, data) values ($1, $2, $3)"
    assert await people(insert, "body.id", "body.name", "body.tags", body=body, exec=True) == {"rowsAffected": 1}
    assert await people("select id, name, data from people") == [{"id": 7, "name": "Ada", "data": ["x", {"y": 1}]}]
    assert await people.run("update people set age = $1 where id = $2", "36", "7") == 1
    assert await people("select age from people where id = $1", "7", single=True) == {"age": 36}
    assert await people.run("delete from people where id = $1", "7") == 1
    assert await people("select * from people where id = $1", "7", single=True) is None
    assert await people("select * from people") == []


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("9007199254740993::bigint", 9007199254740993),
        ("9223372036854775807::bigint", 2**63 - 1),
        ("12345::smallint", 12345),
        ("19.99::numeric", 19.99),
        ("100.00::numeric", 100.0),
        ("9007199254740993::numeric", Exact("9007199254740993")),
        ("0.1234567890123456789::numeric", EXACT),
        ("-0.1234567890123456780::numeric", Exact("-0.1234567890123456780")),
        ("123456789012345678901234::numeric", 123456789012345678901234),
        ("2::numeric ^ 100", 2**100),
        ("'1e40'::numeric", 1e40),
        ("'1e4299'::numeric", Exact("1" + "0" * 4299)),
        ("'1e4300'::numeric", Exact("1" + "0" * 4300 + ".0")),
        ("'NaN'::numeric", "NaN"),
        ("'NaN'::float8", "NaN"),
        ("'-Infinity'::float8", "-Infinity"),
        ("0.1::real", 0.1),
        ("0.1::float8", 0.1),
        ("true", True),
        ("null", None),
        ("'größe'::text", "größe"),
        ("'x'::char(3)", "x  "),
        (r"'\x68690a'::bytea", b"hi\n"),
        (r"'\xff00'::bytea", b"\xff\x00"),
        (r"array['\xff00']::bytea[]", [b"\xff\x00"]),
        ("'2026-03-29 01:30:00+01'::timestamptz", "2026-03-29T00:30:00Z"),
        ("'2026-03-29 01:30:00.123456'::timestamp", "2026-03-29T01:30:00.123456Z"),
        ("'2026-03-29'::date", "2026-03-29"),
        ("'13:45:01.5'::time", "13:45:01.500000"),
        ("interval '1 hour 30 minutes'", "5400s"),
        ("interval '-1.5 seconds'", "-1.5s"),
        ("'0188d7c2-5c3e-7000-8000-0123456789ab'::uuid", "0188d7c2-5c3e-7000-8000-0123456789ab"),
        ("""'{"a": [1, 2.5, null]}'::json""", {"a": [1, 2.5, None]}),
        ("""'[1267650600228229401496703205376, 0.1234567890123456789]'::jsonb""", [2**100, EXACT]),
        ("""'[1e400]'::json""", [Exact("1e400")]),
        ("""'"text"'::jsonb""", "text"),
        ("'null'::jsonb", None),
        ("array[1, 2, null]", [1, 2, None]),
        ("array[[1, 2], [3, 4]]::bigint[]", [[1, 2], [3, 4]]),
        ("array[0.1, 0.2]::real[]", [0.1, 0.2]),
        ("array['a', 'b']::text[]", ["a", "b"]),
        ("array['{\"a\": 1}']::jsonb[]", [{"a": 1}]),
        ("'192.168.0.1/24'::inet", "192.168.0.1/24"),
        ("'[1,5)'::int4range", "[1,5)"),
        ("'[2026-01-01,]'::daterange", "[2026-01-01,)"),
        ("'[2026-01-01,infinity]'::tstzrange", "[2026-01-01T00:00:00Z,infinity]"),
        ("'[20000-01-01,]'::tsrange", '["20000-01-01 00:00:00",)'),
        ("'{[1,3),[5,7)}'::int4multirange", ["[1,3)", "[5,7)"]),
        ("'::ffff:1.2.3.4'::inet", "::ffff:1.2.3.4"),
        ("'::1'::inet", "::1"),
        ("3.4028235e38::real", 3.4028235e38),
        ("1e-45::real", 1e-45),
        ("'-Infinity'::real", "-Infinity"),
        ("null::void", None),
        ("row(1, 'x')::pair_of_things", {"number": 1, "text": "x"}),
    ],
)
async def test_values_come_out_without_loss(sql, expression, value):
    """Every digit and byte survives: what a flow cannot hold exactly becomes text, nothing is rounded."""
    await sql.run("create type pair_of_things as (number int, text text)")
    got = await sql.value(f"select {expression} as value")
    assert repr(got) == repr(value)  # equal, of the same types, digit for digit


OWN_TEXT = [
    *("'20000-01-01'::date", "'0044-03-15 BC'::date", "'0001-12-31 BC'::date", "'4714-11-24 BC'::date"),
    *("'5874897-12-31'::date", "'infinity'::date", "'-infinity'::date", "'9999-12-31'::date", "'0001-01-01'::date"),
    *("'20000-01-01 00:00:00.5'::timestamp", "'294276-12-31 23:59:59.999999'::timestamp", "'infinity'::timestamp"),
    *("'20000-02-29 12:00+02'::timestamptz", "'0044-03-15 BC'::timestamptz", "'-infinity'::timestamptz"),
    *("'24:00'::time", "interval '1 month'", "interval '-1 year -1 mon'", "interval '1 mon -2 days 03:04:05.06'"),
    *("interval '1 mon -00:00:01'", "interval '-1 mon 2 days'", "interval '178000000 years'"),
    *("B'101'", "B''::varbit", "B'1011001110001111'", "12.5::money", "'a fat cat'::tsvector", "'a & b'::tsquery"),
    *("'(1,2)'::point", "'{1,2,3}'::line", "'((1,2),(3,4))'::box", "'[(1,2),(3,4)]'::path", "'<(1,2),3>'::circle"),
    *("'16/B374D848'::pg_lsn", "'(0,1)'::tid", "'10:20:10,14'::pg_snapshot", "'08:00:2b:01:02:03'::macaddr"),
    *("'10.1.0.0/16'::cidr", "'x'::\"char\"", "''::\"char\"", "'name'::name", "'pg_class'::regclass", "'happy'::mood"),
    *("'<a/>'::xml", "'$.a'::jsonpath"),
]


@pytest.fixture
async def typed(sql):
    """A session on a server with an enum, a domain and composites."""
    await sql.run(
        "create type mood as enum ('happy', 'sad'); create domain glad as mood;"
        "create type rich as (m mood, d date, j jsonb, n numeric, t timestamptz, r real, b bit(3));"
        "create type poor as (c money)"
    )
    return sql


@pytest.mark.parametrize("expression", OWN_TEXT)
async def test_what_python_has_no_form_for_is_the_servers_own_text(typed, expression):
    """Nothing is invented; the same in a list."""
    row = await typed(f"select x, array[x] as list, x::text as text from (select {expression} as x) t", single=True)
    assert row["x"] == row["text"]
    assert row["list"] == [row["text"]]


async def test_parts_of_a_composite_are_values_like_any_other(typed):
    """Also in a whole row of a table, and in a domain."""
    value = """('sad', '20000-01-01', '{"a": 18446744073709551615}', 1.50, 'infinity', 0.1, '101')::rich"""
    expected = {"m": "sad", "d": "20000-01-01", "j": {"a": 2**64 - 1}, "n": 1.5, "t": "infinity", "r": 0.1, "b": "101"}
    assert await typed.value(f"select {value}") == expected
    await typed.run("create table whole (g glad, j jsonb)")
    await typed.run("insert into whole values ('happy', '[1.0]')")
    assert await typed.value("select w from whole w") == {"g": "happy", "j": [1.0]}


async def test_a_type_that_cannot_be_read_is_permanent_and_says_what_to_do(typed):
    """Asyncpg reads no composite that has a part in text; nothing is executed."""
    with pytest.raises(Permanent, match=r"cast the value to text in the query, or select its fields") as caught:
        await typed("select row('$1')::poor as p")
    assert caught.value.code == "OCTO-D110"
    assert await typed.value("select row('$1')::poor::text") == "($1.00)"
    with pytest.raises(Permanent, match=r"cast the value to text in the query, or select its fields"):
        await typed("select t from (select 'happy'::mood as m) t")


@pytest.mark.parametrize("type_", ["numeric", "float8", "real"])
async def test_the_kind_follows_from_the_column(sql, type_):
    """The average of whole numbers is as much a decimal as any other average; no value of the column is an int."""
    values = "(values (1, 1), (2, 1), (2, 2), (3, 1), (3, 1), (3, 2)) as t (g, x)"
    rows = await sql(f"select avg(x::{type_}) as a, sum(x::{type_}) as s from {values} group by g order by g")
    assert [row["a"] for row in rows] == pytest.approx([1.0, 1.5, 4 / 3])
    assert {type(value) for row in rows for value in row.values()} <= {float, Exact}


async def test_a_whole_decimal_reaches_every_type_of_number(sql):
    """A sum of bigint is numeric; it is an argument for a bigint without a conversion, to the last digit."""
    for text in ("6", "9007199254740993", "-9223372036854775808"):
        total = await sql.value(f"select sum(bigint '{text}') as total")
        assert await sql.value("select $1::bigint as back", "body", body=total) == int(text)
        assert await sql.value("select $1::text as back", "body", body=total) == text


async def test_duplicate_statements_and_comments_are_fine(sql):
    """Comments and a final semicolon are left to the server."""
    assert await sql.value("-- a comment\n/* another */ select 1 as one;") == 1


# --- all or nothing ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "settings"),
    [
        ("update people set age = 2 returning *", {"maxRows": 1}),
        ("with gone as (delete from people returning *) select * from gone", {"maxRows": 1}),
        ("update people set age = 2 returning id, age as id", {}),
        ("update people set age = 2 returning id, name as id", {"single": True}),
        ("""update people set age = 2 returning '"\\ud800"'::json""", {}),
        ("update people set age = 2; update people set age = 1 / 0", {"exec": True}),
        ("update people set age = 2; selec 1", {"exec": True}),
        (
            "insert into people (id, name) values (3, 'c'); insert into people (id, name) values (1, 'a')",
            {"exec": True},
        ),
        ("update people set age = 3 - id returning 1 / (2 - id)", {}),
    ],
)
async def test_a_block_that_fails_leaves_nothing(people, query, settings):
    """Whether a statement or a row of its result fails."""
    await people.run("insert into people (id, name, age) values (1, 'a', 1), (2, 'b', 1)")
    with pytest.raises(Permanent):
        await people(query, **settings)
    assert await people("select id, age from people order by id") == [{"id": 1, "age": 1}, {"id": 2, "age": 1}]


async def test_a_block_that_is_cancelled_leaves_nothing(people):
    """Between two statements, and while a statement returns its rows."""
    await people.run("insert into people (id, name, age) values (1, 'a', 1), (2, 'b', 1)")
    script = "update people set age = 2; select pg_sleep(30); update people set age = 3"
    for query, settings in ((script, {"exec": True}), ("update people set age = 2 returning pg_sleep(30)", {})):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await people(query, **settings)
        assert await people("select distinct age from people") == [{"age": 1}]


@pytest.mark.parametrize("query", ["select 1 as id, 2 as id", "select a.*, b.* from people a, people b", "select 1, 2"])
async def test_two_columns_of_one_name_are_refused(people, query):
    """Even if there is no row; one of the two would be lost."""
    with pytest.raises(
        Permanent, match=r"the query returns two columns named '(id|.column.)'.*give each a name"
    ) as caught:
        await people(query)
    assert caught.value.code == "OCTO-D114"


async def test_the_row_limit_fails_instead_of_cutting_off(sql):
    """One row more than `maxRows` is an error; exactly `maxRows` is not."""
    series = "select n from generate_series(1, {}) as n"
    assert len(await sql(series.format(100), maxRows=100)) == 100
    with pytest.raises(Permanent, match="more than 100 rows; add a LIMIT, or raise the block's `maxRows`") as caught:
        await sql(series.format(101), maxRows=100)
    assert caught.value.code == "OCTO-D113"
    assert len(await sql(series.format(10_000))) == 10_000
    with pytest.raises(Permanent, match="more than 10000 rows"):
        await sql(series.format(10_001))


async def test_exec_without_arguments_may_hold_several_statements(sql):
    """A small script runs as one; the count is that of its last statement."""
    script = "create table pair (n int); insert into pair values (1), (2);"
    assert await sql.run(script) == 2


async def test_several_statements_need_exec_and_no_arguments(sql):
    """The server's own words do not say what to do; nothing at all is no error."""
    for query, args, settings in (("select 1; select 2", (), {}), ("select 1; select $1::int", ("1",), {"exec": True})):
        with pytest.raises(Permanent, match=r"several statements need `exec: true`, and no `args`"):
            await sql(query, *args, **settings)
    assert await sql.run("-- nothing") == 0
    assert await sql("-- nothing") == []


async def test_returning_answers_rows(people):
    """An INSERT ... RETURNING is a query like any other."""
    query = "insert into people (id, name) values ($1, 'x') returning id"
    assert await people(query, "5", single=True) == {"id": 5}


# --- errors ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "state", "code"),
    [
        ("selec 1", "42601", "OCTO-D110"),
        ("select * from nowhere", "42P01", "OCTO-D110"),
        ("select 1 / 0", "22012", "OCTO-D110"),
        ("insert into people (id, name) values (1, 'b')", "23505", "OCTO-D111"),
        ("insert into people (id) values (2)", "23502", "OCTO-D111"),
        ("insert into people (id, name, age) values (3, 'c', -1)", "23514", "OCTO-D111"),
    ],
)
async def test_a_refused_query_is_permanent_with_its_sqlstate(people, query, state, code):
    """The error path has the SQLSTATE as a variable; trying again is pointless."""
    await people.run("insert into people (id, name) values (1, 'a')")
    with pytest.raises(Permanent) as caught:
        await people(query)
    assert caught.value.code == code
    assert caught.value.vars == {"sqlState": state}
    assert state in str(caught.value)


@pytest.mark.parametrize(
    ("state", "kind", "code"),
    [
        ("40001", Transient, "OCTO-D106"),
        ("40P01", Transient, "OCTO-D106"),
        ("55P03", Transient, "OCTO-D106"),
        ("55006", Permanent, "OCTO-D110"),
        ("57014", Timeout, "OCTO-D104"),
        ("57P03", Transient, "OCTO-D105"),
        ("08006", Transient, "OCTO-D105"),
        ("26000", Permanent, "OCTO-D110"),
        ("25P03", Transient, "OCTO-D105"),
        ("25P02", Permanent, "OCTO-D110"),
        ("53100", Transient, "OCTO-D105"),
        ("58030", Transient, "OCTO-D105"),
        ("23P01", Permanent, "OCTO-D111"),
        ("P0001", Permanent, "OCTO-D110"),
    ],
)
async def test_the_sqlstate_says_who_must_act(sql, state, kind, code):
    """After a serialization failure, a lock that is not free, or a full memory or disk, a retry may succeed."""
    with pytest.raises(kind) as caught:
        await sql.run(f"do $$ begin raise exception 'no' using errcode = '{state}'; end $$")
    assert (type(caught.value), caught.value.code) == (kind, code)
    assert caught.value.vars == {"sqlState": state}


async def test_what_the_server_advises_is_told(people):
    """Message, detail and hint on one line."""
    with pytest.raises(Permanent) as caught:
        await people.run("do $$ begin raise exception 'no' using detail = 'too late', hint = 'come early'; end $$")
    assert str(caught.value) == "sql exec: no; too late; come early (SQLSTATE P0001)"


async def test_a_statement_that_is_gone_for_good_points_to_the_setting(people):
    """Asyncpg's own advice is for Python programs."""
    with pytest.raises(Permanent, match=r"behind a pooler; set `prepare: false` on the connector \(SQLSTATE 26000\)"):
        await people.run("do $$ begin raise exception 'no' using errcode = '26000'; end $$")


async def test_a_deadlock_is_transient(people):
    """The loser of a deadlock may be tried again."""
    await people.run("insert into people (id, name) values (1, 'a'), (2, 'b')")
    both = (
        "do $$ begin perform set_config('deadlock_timeout', '50ms', true);"
        " update people set age = 1 where id = {0}; perform pg_sleep(0.3);"
        " update people set age = 1 where id = {1}; end $$"
    )
    one, two = await asyncio.gather(
        people.run(both.format(1, 2)), people.run(both.format(2, 1)), return_exceptions=True
    )
    loser = next(each for each in (one, two) if isinstance(each, Exception))
    assert isinstance(loser, Transient)
    assert (loser.code, loser.vars["sqlState"]) == ("OCTO-D106", "40P01")


async def test_a_wrong_password_is_permanent_and_not_told(server):
    """Starting with a wrong password fails, naming the place and never the password."""
    settings = Connection.model_validate({"driver": "postgres", "dsn": server.dsn, "password": "wrong-password"})
    with pytest.raises(Permanent, match=r"cannot connect to postgres://127\.0\.0\.1") as caught:
        async with Database.open(settings):
            pass
    assert caught.value.code == "OCTO-D102"
    assert "wrong-password" not in str(caught.value)


async def test_a_database_that_does_not_exist_is_permanent(server):
    """The server would refuse the next attempt, too."""
    dsn = server.dsn.replace("/postgres?", "/nowhere?")
    settings = Connection.model_validate({"driver": "postgres", "dsn": dsn, "password": PASSWORD})
    with pytest.raises(Permanent, match='database "nowhere" does not exist') as caught:
        async with Database.open(settings):
            pass
    assert caught.value.code == "OCTO-D102"


async def test_a_server_that_is_not_there_is_a_clear_start_error():
    """If no server listens, the error says where, within seconds."""
    settings = Connection.model_validate({"driver": "postgres", "dsn": "postgres://u:secret-word@127.0.0.1:1/db"})
    with pytest.raises(
        Transient, match=r"cannot connect to postgres://127\.0\.0\.1:1/db: Connection refused"
    ) as caught:
        async with Database.open(settings):
            pass
    assert caught.value.code == "OCTO-D101"
    assert "secret-word" not in str(caught.value)


@pytest.mark.parametrize("form", ["url", "pairs", "password in the url"])
async def test_all_forms_of_dsn_connect(server, form):
    """URL, key=value, and a password escaped in the URL lead to the same server; it is masked in logs from then on."""
    given = {
        "url": {"dsn": server.dsn, "password": PASSWORD},
        "pairs": {
            "dsn": f"host=127.0.0.1 port={server.port} user=octo dbname=postgres sslmode=disable password='{PASSWORD}'"
        },
        "password in the url": {"dsn": f"postgresql://octo:p%40ss%2Fw%3Ard%20123@{server.address}/postgres"},
    }[form]
    async with Database.open(Connection.model_validate({"driver": "postgres", **given})) as database:
        await database.health()
        assert masked(f"before {PASSWORD} after") == "before «secret» after"


# --- time, limits, recovery --------------------------------------------------------------------------------------


async def running(sql, marker):
    """How many queries with this marker the server is working on."""
    query = "select count(*)::int as n from pg_stat_activity where query like $1 and pid <> pg_backend_pid()"
    return await sql.value(query + " and state = 'active'", f'"%{marker}%"')


async def test_a_slow_query_times_out_and_is_cancelled_on_the_server(opened, sql):
    """At `queryTimeout` the message fails, the server stops working, and the connection is usable at once."""
    async with opened(queryTimeout="1s", maxOpenConns=1) as slow:
        with pytest.raises(Timeout, match=r"cancelled after 1s; raise the connector's `queryTimeout`") as caught:
            await slow("select pg_sleep(3600) as timeout_marker")
        assert caught.value.code == "OCTO-D104"
        assert await slow.value("select 1") == 1
    assert await running(sql, "timeout_marker") == 0


async def test_a_cancelled_flow_cancels_its_query(opened, sql):
    """When the message's own deadline passes, the query stops on the server and the connection stays healthy."""
    async with opened(maxOpenConns=1) as one:
        backend = await one.value("select pg_backend_pid()")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await one("select pg_sleep(30) as cancel_marker")
        assert await running(sql, "cancel_marker") == 0
        assert await one.value("select pg_backend_pid()") == backend


async def test_an_exhausted_pool_makes_queries_wait(opened, sql):
    """They get the next connection that is free."""
    async with opened(maxOpenConns=2) as two, asyncio.TaskGroup() as group:
        busy = [group.create_task(two("select pg_sleep(60) as busy_marker")) for _ in range(2)]
        while await running(sql, "busy_marker") < 2:
            await asyncio.sleep(0.02)
        waiting = group.create_task(two.value("select 1"))
        await sql("select 1")
        assert not waiting.done()

        busy[0].cancel()

        assert await waiting == 1
        busy[1].cancel()


async def test_an_exhausted_pool_is_transient_at_the_timeout(opened):
    """The error names the setting to raise."""
    async with opened(queryTimeout="400ms", maxOpenConns=2) as two:
        pool = two.database._driver._pool
        async with pool.acquire(), pool.acquire():
            with pytest.raises(
                Transient, match=r"all 2 connections were busy for 0\.4s; raise `maxOpenConns`"
            ) as caught:
                await two("select 1")
    assert caught.value.code == "OCTO-D103"


async def test_more_queries_than_connections_all_succeed(opened):
    """Waiting for the pool is not an error."""
    async with opened(maxOpenConns=3) as three:
        assert await asyncio.gather(*(three.value(f"select {n}") for n in range(50))) == list(range(50))


async def test_a_restart_of_the_server_is_survived(opened, server):
    """While the server is down messages fail as transient; once it is back the same connector works again."""
    async with opened() as sql:
        await asyncio.gather(*(sql("select pg_sleep(0.1)") for _ in range(4)))
        under_way = asyncio.create_task(sql("select pg_sleep(60) as restart_marker"))  # noqa: TID251
        while not await running(sql, "restart_marker"):
            await asyncio.sleep(0.02)
        await asyncio.to_thread(server.stop, "fast")
        try:
            with pytest.raises(Transient) as broken:
                await under_way
            with pytest.raises(Transient, match="cannot connect") as down:
                await sql("select 1")
            with pytest.raises(Transient):
                await sql.database.health()
        finally:
            await asyncio.to_thread(server.start)
        assert (broken.value.code, down.value.code) == ("OCTO-D105", "OCTO-D101")
        # Every idle connection is dead by now; none of them may make a message fail.
        assert await asyncio.gather(*(sql.value("select 1") for _ in range(8))) == [1] * 8
        await sql.database.health()


async def test_a_crash_of_the_server_is_survived(opened, server):
    """The same for a server that goes away without a notice."""
    async with opened() as sql:
        await sql("select 1")
        await asyncio.to_thread(server.stop, "immediate")
        await asyncio.to_thread(server.start)
        assert await sql.value("select 1") == 1


async def test_a_killed_backend_is_transient_and_replaced(opened, sql):
    """An administrator who ends one session fails one message."""
    async with opened(maxOpenConns=1) as one:
        victim = asyncio.create_task(one("select pg_sleep(30) as kill_marker"))  # noqa: TID251
        while not await running(sql, "kill_marker"):
            await asyncio.sleep(0.02)
        await sql("select pg_terminate_backend(pid) from pg_stat_activity where query like '%kill_mark' || 'er%'")
        with pytest.raises(Transient) as caught:
            await victim
        assert caught.value.code == "OCTO-D105"
        assert await one.value("select 1") == 1


async def test_sessions_do_not_leak_into_one_another(opened):
    """What one block sets in its session, the next block does not see."""
    async with opened(maxOpenConns=1) as one:
        await one.run("set search_path = pg_catalog")
        await one.run("create temp table left_over (n int)")
        assert await one.value("show search_path") == '"$user", public'
        with pytest.raises(Permanent, match="left_over"):
            await one("select * from left_over")


@pytest.mark.parametrize(
    "query",
    [
        "select set_config('search_path', 'pg_catalog', false)",
        "SELECT SET_CONFIG('search_path', 'pg_catalog', false)",
        "select 1; set search_path = pg_catalog",
        "-- select\n set search_path = pg_catalog",
        "/* select */ set search_path = pg_catalog",
    ],
)
async def test_a_setting_does_not_leak_however_it_was_made(opened, query):
    """By a function, behind another statement, behind comments."""
    async with opened(maxOpenConns=1) as one:
        await one.run(query)
        assert await one.value("show search_path") == '"$user", public'


@pytest.mark.parametrize("query", ["create temp table people (n int)", "select 1 as n into temp people"])
async def test_a_temporary_table_does_not_hide_a_real_one(opened, people, query):
    """It ends with its block, and the block can make it again."""
    async with opened(maxOpenConns=1) as one:
        for _ in range(2):
            await one.run(query)
        assert await one.run("insert into people (id, name) values (1, 'Ada')") == 1
    assert await people.value("select name from people") == "Ada"


@pytest.mark.parametrize(
    "query",
    ["set role lowly", "set session authorization lowly", "select set_config('role', 'lowly', false)"],
)
async def test_the_rights_of_another_role_end_with_the_block(opened, sql, query):
    """`reset all` does not reset the role: the next block would have had the rights of another user."""
    await sql.run("drop role if exists lowly; create role lowly")
    async with opened(maxOpenConns=1) as one:
        await one.run(query)
        assert await one.value("select current_user::text || ' ' || session_user::text") == "octo octo"


async def test_a_statement_prepared_in_sql_ends_with_its_block(opened):
    """The block can prepare it again."""
    async with opened(maxOpenConns=1) as one:
        for _ in range(2):
            await one.run("prepare mine as select 1")


@pytest.mark.parametrize(
    "query",
    ["begin", "begin; insert into people (id, name) values (1, 'x')", "commit; begin", "start transaction"],
)
@pytest.mark.parametrize("exec_", [True, False])
async def test_a_block_that_leaves_a_transaction_open_fails(people, query, exec_):
    """It reported one row, of which nothing stayed."""
    if exec_ or ";" not in query:
        with pytest.raises(Permanent, match="leaves a transaction open, which was rolled back"):
            await people(query, exec=exec_)
    assert await people("select * from people") == []
    await people.run("begin; insert into people (id, name) values (2, 'y'); commit")
    assert await people.value("select id from people") == 2


@pytest.mark.parametrize(
    "query", ["copy people from stdin", "COPY people\n(id) TO STDOUT", "select 1; copy people to stdout"]
)
async def test_copy_with_the_client_is_refused(people, query):
    """It waited for data until `queryTimeout`, or threw the rows away."""
    with pytest.raises(Permanent, match="`copy` with `stdin` or `stdout` is not possible"):
        await people.run(query)
    assert await people("select 'copy x to stdout' as text") == [{"text": "copy x to stdout"}]


@pytest.mark.parametrize(("kind", "why"), [("uuid", "invalid UUID the value"), ("inet", "the value does not appear")])
async def test_the_error_about_an_argument_does_not_show_it(sql, kind, why):
    """The reason that asyncpg gives quotes some values as well."""
    with pytest.raises(Permanent, match=why) as caught:
        await sql(f"select $1::{kind} as x", "body", body="s3cret's")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("function", ["pg_advisory_lock", "pg_try_advisory_lock_shared"])
async def test_an_advisory_lock_does_not_outlive_its_block(opened, sql, function):
    """The connection goes back to the pool without it."""
    async with opened(maxOpenConns=1) as one:
        await one(f"select {function}(7)::text")
        assert await sql.value("select pg_try_advisory_lock(7)") is True


async def test_idle_connections_are_closed_beyond_the_limit(opened, sql):
    """Of eight connections used at once, `maxIdleConns` stay."""
    async with opened(dsn=_named(sql, "idle_test"), maxIdleConns=2, maxOpenConns=8) as many:
        await asyncio.gather(*(many("select pg_sleep(0.2)") for _ in range(8)))
        assert await _sessions(sql, "idle_test", at_most=2) == 2


async def test_old_connections_are_replaced(opened):
    """A connection beyond `connMaxLifetime` is closed after its query, and the next opens a new one."""
    async with opened(maxOpenConns=1, connMaxLifetime="1h") as one:
        first = await one.value("select pg_backend_pid()")
        assert await one.value("select pg_backend_pid()") == first
        async with one.database._driver._pool.acquire() as connection:
            connection._con.opened -= 3601
        await one("select 1")
        assert await one.value("select pg_backend_pid()") != first


def _named(sql, name):
    dsn = sql.database._driver._settings.dsn.get_secret_value()
    return f"{dsn}&application_name={name}"


async def test_closing_leaves_nothing_open(opened, sql):
    """Leaving the connector closes its sessions on the server."""
    async with opened(dsn=_named(sql, "close_test")) as other:
        await other("select 1")
    assert await _sessions(sql, "close_test", at_most=0) == 0


async def _sessions(sql, name, at_most):
    """How many sessions the server has; it notices a closed one a moment later."""
    query = "select count(*)::int as n from pg_stat_activity where application_name = $1"
    async with asyncio.timeout(5):
        while (count := await sql.value(query, f'"{name}"')) > at_most:
            await asyncio.sleep(0.02)
    return count


async def test_a_server_that_does_not_answer_delays_no_message(opened, line, monkeypatch):
    """A query is given up at its deadline; the connection is tidied up by itself, and works when the server is back."""
    monkeypatch.setattr(postgres, "_CLEAN_UP", 3600.0)  # the message may wait for no confirmation
    async with opened(dsn=line.dsn, maxOpenConns=1, queryTimeout="200ms") as one:
        line.cut()
        with pytest.raises(Timeout, match=r"cancelled after 0\.2s"):
            await one("select 1")
        line.mend()
        async with asyncio.timeout(60):
            while await asyncio.gather(one.value("select 1"), return_exceptions=True) != [1]:
                pass


async def test_closing_does_not_wait_for_a_server_that_does_not_answer(opened, line, monkeypatch):
    """Neither for an idle connection nor for one whose query was cancelled."""
    monkeypatch.setattr(postgres, "_CLEAN_UP", 3600.0)
    monkeypatch.setattr(postgres, "_MOMENT", 0.01)
    monkeypatch.setattr(postgres, "_FAREWELL", 0.01)
    async with opened(dsn=line.dsn) as sql:
        await asyncio.gather(*(sql("select pg_sleep(0.05)") for _ in range(2)))
        line.cut()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await sql("select 1")
    assert sql.database._driver._pool.get_size() == 0


async def test_cancelling_many_queries_leaks_no_connection(opened):
    """Whenever a query is cancelled - waiting, connecting, running, done - the pool is whole afterwards."""
    async with opened(maxOpenConns=4, queryTimeout="5s") as four:
        for round_ in range(40):
            calls = [asyncio.create_task(four("select pg_sleep(0.002)")) for _ in range(12)]  # noqa: TID251
            await asyncio.sleep(round_ * 0.0005)
            for each in calls[::2]:
                each.cancel()
            await asyncio.gather(*calls, return_exceptions=True)
        assert await asyncio.gather(*(four.value(f"select {n}") for n in range(20))) == list(range(20))
        assert four.database._driver._pool.get_size() <= 4
