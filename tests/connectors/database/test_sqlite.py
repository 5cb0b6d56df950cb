"""SQLite: in memory and in files, one writer, nothing blocked, nothing lost."""

import asyncio
import sqlite3
import threading
from contextlib import asynccontextmanager

import pytest

from octo.connectors.database import Connection, Database, sqlite
from octo.core.errors import Permanent, Timeout, Transient
from octo.expr.values import Exact

ENDLESS = "with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) from n"


@pytest.fixture
def opened(session_of):
    @asynccontextmanager
    async def open_database(dsn=":memory:", **settings):
        given = {"driver": "sqlite", "dsn": str(dsn), **settings}
        async with Database.open(Connection.model_validate(given)) as database:
            yield session_of(database)

    return open_database


@pytest.fixture
async def sql(opened):
    async with opened() as session:
        yield session


async def test_create_read_update_delete(sql):
    """The four verbs, with both notations of placeholders."""
    await sql.run("create table people (id integer primary key, name text not null, data text)")
    body = {"name": "Ada", "tags": ["x"]}
    assert (
        await sql.run("insert into people (id, name, data) values (?, ?, ?)", "1", "body.name", "body.tags", body=body)
        == 1
    )
    assert await sql.run("insert into people (id, name) values ($1, $2)", "2", '"Bob"') == 1
    assert await sql("select * from people order by id") == [
        {"id": 1, "name": "Ada", "data": '["x"]'},
        {"id": 2, "name": "Bob", "data": None},
    ]
    assert await sql.run("update people set name = ?", '"Eve"') == 2
    assert await sql("select name from people where id = $1", "2", single=True) == {"name": "Eve"}
    assert await sql("delete from people returning id") == [{"id": 1}, {"id": 2}]
    assert await sql("select * from people", single=True) is None


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("9007199254740993", 9007199254740993),
        ("1.5", 1.5),
        ("true", 1),
        ("null", None),
        ('"größe"', "größe"),
        ('{"a": [1]}', '{"a":[1]}'),
        (r'b"\xff\x00"', b"\xff\x00"),
        ('b"text"', b"text"),
        ("[body]", "[1267650600228229401496703205376]"),
        ("string(body)", "1267650600228229401496703205376"),
        ("timestamp('2026-03-29T01:30:00+01:00')", "2026-03-29T01:30:00+01:00"),
        ("duration('90m')", "5400s"),
    ],
)
async def test_values_go_in_and_come_out_without_loss(sql, argument, value):
    """Integers keep 64 bits and bytes stay bytes; times are their texts."""
    assert await sql.value("select ? as value", argument, body=2**100) == value


async def test_the_column_decides_what_a_long_decimal_becomes(sql):
    """A text keeps its digits; a double is the nearest one, as with any SQL literal."""
    await sql.run("create table t (plain, text text, real real)")
    await sql.run("insert into t values ($1, $1, $1)", "body", body=Exact("0.1234567890123456789"))
    digits, double = "0.1234567890123456789", 0.12345678901234568
    assert await sql("select * from t") == [{"plain": digits, "text": digits, "real": double}]


@pytest.mark.parametrize("argument", [2**63 - 1, -(2**63)])
async def test_the_largest_and_smallest_of_64_bits_survive(sql, argument):
    assert await sql.value("select ? as value", "body", body=argument) == argument


async def test_marks_inside_a_text_or_a_comment_are_no_placeholders(sql):
    """Quoted marks are text: `$2` and `$1` keep their numbers."""
    query = "select 'a?' || $2 || \"b?\" || $1 as value /* ? */ from (select 'c' as \"b?\") -- ?"
    assert await sql.value(query, '"1"', '"2"') == "a?2c1"


async def test_rows_of_a_returning_statement_are_counted(sql):
    """Like those of a statement without RETURNING."""
    await sql.run("create table t (n int)")
    assert await sql.run("insert into t values (1), (2), (?) returning n", "3") == 3
    assert await sql.run("update t set n = n + 1 where n > 1 returning n") == 2
    assert await sql("select n from t order by n") == [{"n": 1}, {"n": 3}, {"n": 4}]


async def test_several_statements_are_counted_together(sql):
    """A script of statements without arguments counts all the rows that they changed, and none from before."""
    assert await sql.run("create table t (n int); insert into t values (0); delete from t") == 2
    assert await sql.run("insert into t values (1), (2); delete from t where n = 1") == 3


async def test_a_statement_that_counts_nothing_changes_no_rows(sql):
    assert await sql.run("create table t (n int)") == 0


async def test_a_number_that_is_not_finite_is_text(sql):
    """JSON has no other form for it."""
    assert await sql.value("select -9e999") == "-Infinity"


async def test_a_file_that_may_only_be_read_stays_as_it_is(opened, tmp_path):
    """Opening writes nothing to it, not even the mode of its journal."""
    folder = tmp_path / "a folder"
    folder.mkdir()
    other = sqlite3.connect(folder / "a.db", isolation_level=None)
    other.executescript("create table t (n int); insert into t values (1)")
    other.close()
    for mode in ("mode=ro", "immutable=1"):
        async with opened(f"file:{tmp_path}/a%20folder/a.db?{mode}") as sql:
            assert await sql("select n from t") == [{"n": 1}]
            assert await sql.value("pragma journal_mode") == "delete"


async def test_the_effect_of_a_query_tells_how_many_rows_it_had(sql, recorded):
    """Read, changed, or none."""
    await sql.run("create table t (n int)")
    await sql.run("insert into t values (1), (2)")
    await sql("select n from t")
    await sql("select n from t", single=True)
    await sql("select n from t where n = 3", single=True)
    counts = [{name: value for name, value in details.items() if name.startswith("rows")} for _, details in recorded]
    assert counts == [{"rowsAffected": 0}, {"rowsAffected": 2}, {"rows": 2}, {"rows": 1}, {"rows": 0}]


async def test_a_full_disk_is_transient(sql):
    """There may be room later."""
    await sql.run("create table t (data blob)")
    await sql("pragma max_page_count = 3")
    with pytest.raises(Transient, match=r"full \(SQLITE_FULL\)") as caught:
        await sql.run("insert into t values (zeroblob(100000))")
    assert caught.value.code == "OCTO-D101"


async def test_a_number_beyond_64_bits_is_refused(sql):
    with pytest.raises(Permanent, match=r"argument \$1: a whole number beyond 64 bits") as caught:
        await sql("select ?", "body", body=2**63)
    assert caught.value.code == "OCTO-D112"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("selec 1", "OCTO-D110"),
        ("select * from nowhere", "OCTO-D110"),
        ("insert into child values (99)", "OCTO-D111"),
        ("insert into parent values (1)", "OCTO-D111"),
        ("select ?", "OCTO-D112"),
    ],
)
async def test_a_refused_query_is_permanent(sql, query, code):
    """Constraints are enforced, foreign keys too."""
    await sql.run("create table parent (id integer primary key); create table child (p references parent (id))")
    await sql.run("insert into parent values (1)")
    with pytest.raises(Permanent) as caught:
        await sql(query)
    assert caught.value.code == code


async def test_the_row_limit_fails_instead_of_cutting_off(sql):
    series = "with recursive n(i) as (select 1 union all select i + 1 from n where i < {}) select i from n"
    assert len(await sql(series.format(100), maxRows=100)) == 100
    with pytest.raises(Permanent, match="more than 100 rows"):
        await sql(series.format(101), maxRows=100)


async def test_memory_lives_as_long_as_the_connector(opened):
    """All blocks share the one database in memory; another connector has another."""
    async with opened(maxOpenConns=8) as one, opened() as other:
        await one.run("create table t (n int)")
        await asyncio.gather(*(one.run("insert into t values (?)", str(n)) for n in range(20)))
        assert await one.value("select count(*) from t") == 20
        with pytest.raises(Permanent, match="no such table"):
            await other("select * from t")


async def test_a_file_is_durable_and_uses_the_write_ahead_log(opened, tmp_path):
    """What was written is there after closing; readers and the writer do not block one another."""
    path = tmp_path / "shop.db"
    async with opened(path) as sql:
        await sql.run("create table t (n int); insert into t values (1)")
        assert await sql.value("pragma journal_mode") == "wal"
    async with opened(f"file:{path}?mode=ro") as sql:
        assert await sql("select n from t") == [{"n": 1}]
        with pytest.raises(Permanent, match="readonly"):
            await sql.run("insert into t values (2)")


async def test_a_missing_folder_is_a_clear_start_error(opened, tmp_path):
    """The folder is not created: a typo in a path would become an empty database."""
    with pytest.raises(Transient, match=r"the folder .*nowhere' does not exist") as caught:
        async with opened(tmp_path / "nowhere" / "shop.db"):
            pass
    assert caught.value.code == "OCTO-D101"
    assert not (tmp_path / "nowhere").exists()


async def test_a_slow_query_is_interrupted_at_its_timeout(opened):
    """The thread is stopped, not abandoned: the next query has the connection at once."""
    async with opened(queryTimeout="1s") as sql:
        with pytest.raises(Timeout, match=r"cancelled after 1s"):
            await sql(ENDLESS)
        assert await sql.value("select 1") == 1


async def test_a_cancelled_flow_interrupts_its_query(sql):
    """A message's own deadline stops the query, too."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await sql(ENDLESS)
    assert await sql.value("select 1") == 1


@pytest.fixture
def connected(monkeypatch):
    """The connections that were opened, in order. Queries on them may `hold()` their thread until `leave` is set."""
    real = sqlite.connect

    class Connected(list):
        leave = threading.Event()

        def __call__(self, path):
            connection = real(path)
            connection.create_function("hold", 0, self.leave.wait)
            self.append(connection)
            return connection

        def open(self):
            return [each for each in self if _is_open(each)]

    connected = Connected()
    monkeypatch.setattr(sqlite, "connect", connected)
    yield connected
    connected.leave.set()


def _is_open(connection):
    try:
        return connection.total_changes >= 0
    except sqlite3.ProgrammingError:
        return False


async def test_waiting_for_the_connection_is_told_from_a_slow_query(opened, connected):
    """Of two queries on one connection the first was too slow, the second never began."""

    async def freeing(call):
        try:
            return await call
        finally:
            connected.leave.set()

    async with opened(queryTimeout="100ms") as sql:
        slow, waited = await asyncio.gather(sql("select hold()"), freeing(sql("select 1")), return_exceptions=True)
    assert isinstance(slow, Timeout)
    assert (slow.code, waited.code) == ("OCTO-D104", "OCTO-D103")
    why = "the only connection was busy for 0.1s; raise `maxOpenConns`, or make the queries shorter"
    assert str(waited) == f"sql query: {why}"


async def test_idle_connections_are_closed_beyond_the_limit(opened, connected, tmp_path):
    """Of four connections used at once `maxIdleConns` stay, and serve the next queries."""
    async with opened(tmp_path / "a.db", maxOpenConns=4, maxIdleConns=2) as sql:
        await asyncio.gather(*(sql("select 1") for _ in range(4)))
        assert (len(connected), len(connected.open())) == (4, 2)
        await asyncio.gather(*(sql("select 1") for _ in range(2)))
        assert (len(connected), len(connected.open())) == (4, 2)
    assert connected.open() == []


async def test_a_connection_that_opens_too_late_is_closed(opened, connected, monkeypatch, tmp_path):
    """The query that asked for it has timed out, and no other code has it."""
    go_on = threading.Event()

    def late(path):
        go_on.wait()
        return connected(path)

    async with opened(tmp_path / "a.db", queryTimeout="1s", maxOpenConns=2) as sql:
        monkeypatch.setattr(sqlite, "connect", late)
        try:
            results = await asyncio.gather(sql.value("select 1"), sql.value("select 2"), return_exceptions=True)
        finally:
            go_on.set()
        assert (results[0], type(results[1])) == (1, Timeout)
        async with asyncio.timeout(20):
            while len(connected) < 2 or len(connected.open()) > 1:
                await asyncio.sleep(0.001)


async def test_the_loop_goes_on_while_a_query_runs(sql):
    """SQLite works in a thread, so other tasks do not wait for it."""
    async with asyncio.TaskGroup() as group:
        query = group.create_task(sql(ENDLESS))
        for _ in range(20):
            await asyncio.sleep(0.01)
        assert not query.done()
        query.cancel()


@pytest.mark.parametrize("query", ["begin", "begin; insert into t values (1)", "savepoint a; insert into t values (1)"])
async def test_a_block_that_leaves_a_transaction_open_fails(opened, tmp_path, query):
    """It is rolled back, so that it does not lock the file, and the block must not report a row."""
    async with opened(tmp_path / "a.db") as sql:
        await sql.run("create table t (n int)")
        with pytest.raises(Permanent, match="leaves a transaction open, which was rolled back"):
            await sql.run(query)
        assert await sql.value("select count(*) from t") == 0


@pytest.mark.parametrize(
    "query",
    [
        "create temp table t (other int)",
        "CREATE TEMPORARY VIEW t as select 1 as other",
        "create table temp.t (other int)",
        "pragma query_only = on",
        "attach ':memory:' as other; create table other.u (n int)",
    ],
)
async def test_what_a_block_changes_in_its_connection_ends_with_it(opened, tmp_path, query):
    """A temporary table hid the real one from every later message."""
    async with opened(tmp_path / "a.db") as sql:
        await sql.run("create table t (n int)")
        for _ in range(2):
            await sql.run(query)
        await sql.run("insert into t (n) values (1)")
        assert await sql.value("select n from main.t") == 1


async def test_a_file_that_is_replaced_is_opened_again(opened, tmp_path):
    """What is written to a file that has been moved away would be lost."""
    file = tmp_path / "a.db"
    async with opened(file) as sql:
        await sql.run("create table t (n int)")
        file.rename(tmp_path / "old.db")
        async with opened(file) as other:
            await other.run("create table t (n int); insert into t values (7)")
        assert await sql.value("select n from t") == 7


# --- all or nothing ----------------------------------------------------------------------------------------------


@pytest.fixture
async def counted(opened, tmp_path):
    """A file with a table of two rows, n = 1 and n = 2."""
    async with opened(tmp_path / "a.db") as sql:
        await sql.run("create table t (n int unique); insert into t values (1), (2)")
        yield sql


@pytest.mark.parametrize(
    ("query", "settings"),
    [
        ("insert into t values (3); insert into t values (1); insert into t values (4)", {"exec": True}),
        ("insert into t values (3); selec 1", {"exec": True}),
        ("create table u (n int); insert into u values (1); insert into nowhere values (1)", {"exec": True}),
        ("delete from t; select * from nowhere;;", {"exec": True}),
        ("update t set n = n + 10 returning n", {"maxRows": 1}),
        ("update t set n = n + 10 returning n, n + 1 as n", {}),
        ("insert into t values (3) returning n, n + 1 as n", {"single": True}),
        ("insert into t values (3), (1)", {"exec": True}),
    ],
)
async def test_a_block_that_fails_leaves_nothing(counted, query, settings):
    """Whichever statement failed, or whether its result was refused."""
    with pytest.raises(Permanent):
        await counted(query, **settings)
    assert await counted("select n from t order by n") == [{"n": 1}, {"n": 2}]
    assert await counted("select name from sqlite_master where type = 'table'") == [{"name": "t"}]


async def test_a_block_that_is_cancelled_leaves_nothing(counted):
    """While its second statement runs."""
    for settings in ({}, {"exec": True}):
        query = f"insert into t select * from ({ENDLESS}) returning n" if not settings else f"delete from t; {ENDLESS}"
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await counted(query, **settings)
        assert await counted("select n from t order by n") == [{"n": 1}, {"n": 2}]


async def test_an_interrupt_between_two_statements_is_not_lost(opened, connected, tmp_path):
    """The thread is held in the first statement, where SQLite cannot see the interrupt, and ends before the second."""
    async with opened(tmp_path / "a.db") as other:
        await other.run("create table t (n int)")
        async with opened(tmp_path / "a.db", queryTimeout="500ms") as sql:
            connected[-1].create_function("held", 0, lambda: connected.leave.wait(2))
            with pytest.raises(Timeout):
                await sql.run("insert into t values (1); insert into t select 2 where held() is not null")
        assert await other("select * from t") == []


async def test_a_script_may_have_a_transaction_of_its_own(counted):
    """What the author commits, stays; pragmas have an effect only outside of a transaction."""
    with pytest.raises(Permanent):
        await counted.run("begin; insert into t values (3); commit; insert into t values (1)")
    assert await counted.value("select count(*) from t") == 3
    await counted.run("create table child (n int references t (n)); insert into child values (3)")
    assert await counted.run("pragma foreign_keys = off; delete from t") == 3
    assert await counted.value("pragma foreign_keys") == 1
    await counted.run("vacuum; analyze")


@pytest.mark.parametrize(
    ("script", "count"),
    [
        ("select 1", 1),
        ("select ';'; -- ; \n select 2 /* ; */ ;", 2),
        ("create trigger a after insert on t begin delete from t; insert into t values (';'); end; select 1", 2),
        ("select 1;;  ; -- the end", 1),
        ("-- nothing", 0),
    ],
)
def test_sqlite_says_where_a_statement_ends(script, count):
    assert len(sqlite.statements(script)) == count


async def test_two_columns_of_one_name_are_refused(counted):
    """One of the two would be lost."""
    for query in ("select a.*, b.* from t a, t b", "select n, 1 as n from t where n > 5"):
        with pytest.raises(Permanent, match=r"returns two columns named 'n'.* give each a name of its own") as caught:
            await counted(query)
        assert caught.value.code == "OCTO-D114"


# --- locks of others ---------------------------------------------------------------------------------------------


@pytest.fixture
def lock(tmp_path):
    """Another process's lock on the file, held until `rollback()`."""
    other = sqlite3.connect(tmp_path / "a.db", isolation_level=None, check_same_thread=False, timeout=0)
    yield other
    other.close()


@pytest.mark.parametrize(
    "query",
    ["insert into t values (3)", "insert into t values (3); delete from t", "insert into t values (3) returning n"],
)
async def test_waiting_for_a_lock_ends_at_the_query_timeout(opened, counted, lock, tmp_path, query):
    """The message fails with a timeout that says what it waited for; a locked database may be free later."""
    async with opened(tmp_path / "a.db", queryTimeout="1s") as sql:
        lock.execute("begin immediate")
        with pytest.raises(Timeout, match=r"a\.db was locked by another connection for 1s, and nothing") as caught:
            await sql(query, exec="returning" not in query)
        assert caught.value.code == "OCTO-D106"
        lock.rollback()
        await sql(query, exec="returning" not in query)


async def test_waiting_for_a_lock_ends_with_the_message(counted, lock):
    """At its own deadline, long before `queryTimeout`; the connection is free at once."""
    lock.execute("begin immediate")
    async with asyncio.timeout(20):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await counted.run("insert into t values (3)")
    assert await counted.value("select count(*) from t") == 2


async def test_a_lock_that_is_released_in_time_is_no_error(counted, lock):
    """The statement goes on as soon as it is free, also one that reads before it writes."""
    lock.execute("begin immediate")
    lock.execute("insert into t values (3)")
    script = "create table if not exists u (n int); insert into u select count(*) from t; insert into t values (4)"
    async with asyncio.TaskGroup() as group:
        calls = [group.create_task(counted.run(each)) for each in (script, "insert into t values (5)")]
        await asyncio.sleep(0.05)
        assert not any(each.done() for each in calls)
        lock.execute("commit")
    assert [each.result() for each in calls] == [2, 1]
    assert await counted.value("select n from u") == 3


async def test_a_file_that_is_locked_at_the_start_is_waited_for(opened, tmp_path):
    """The mode of its journal cannot be changed meanwhile; the deadline counts from the first query on."""
    other = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    other.executescript("create table t (n int); begin exclusive")
    with pytest.raises(Timeout, match="was locked by another connection for"):
        async with opened(tmp_path / "a.db", queryTimeout="100ms"):
            pass
    other.rollback()
    async with opened(tmp_path / "a.db", queryTimeout="10s") as sql:
        assert await sql("select * from t") == []
    other.close()


async def test_a_transaction_of_the_author_that_can_never_write_fails_at_once(opened, counted, tmp_path):
    """It has read what another has changed since; waiting would not help."""
    async with opened(tmp_path / "a.db", maxOpenConns=2) as sql:
        driver = sql.database._driver

        def work(session):
            session.execute("begin")
            session.execute("select * from t").fetchall()
            with sqlite3.connect(tmp_path / "a.db") as other:
                other.execute("insert into t values (3)")
            other.close()
            session.execute("insert into t values (4)")

        with pytest.raises(Transient, match="locked") as caught:
            await driver._run(work)
        assert caught.value.code == "OCTO-D106"


async def test_cancelling_many_queries_leaks_no_connection(opened, tmp_path):
    """Whenever a query is cancelled, its connection is free again for the next."""
    async with opened(tmp_path / "a.db", maxOpenConns=3) as three:
        await three.run("create table t (n int)")
        for round_ in range(30):
            calls = [asyncio.create_task(three("select count(*) from t")) for _ in range(9)]  # noqa: TID251
            await asyncio.sleep(round_ * 0.0002)
            for each in calls[::2]:
                each.cancel()
            await asyncio.gather(*calls, return_exceptions=True)
        assert await asyncio.gather(*(three.value(f"select {n}") for n in range(20))) == list(range(20))
