"""Prepared statements follow their tables and types, which others may change at any time."""

import pytest

from octo.core.errors import Permanent


async def test_a_changed_table_is_noticed(people, other):
    """After ALTER TABLE the next message has the new type, whether the argument fits the old one or not."""
    insert = "insert into people (id, name, price) values ($1, $2, $3)"
    everything = "select price from people order by id"
    await people.run(insert, "1", '"a"', "10")
    assert await people(everything) == [{"price": 10.0}]
    await other.run("alter table people alter column price type text")
    assert await people(everything) == [{"price": "10"}]
    assert await people.run(insert, "2", '"b"', '"eleven"') == 1
    await other.run("alter table people alter column price type numeric using 12")
    assert await people.run(insert, "3", '"c"', "13") == 1
    assert await people.run(insert, "4", '"d"', '"14"') == 1
    assert await people(everything) == [{"price": 12.0}, {"price": 12.0}, {"price": 13.0}, {"price": 14.0}]


async def test_old_and_new_connections_agree_on_a_changed_table(opened, people):
    """Each has asked for the types at its own time."""
    insert = "insert into people (id, name, price) values ($1, 'x', $2) returning price"
    async with opened(maxOpenConns=2) as two:
        await two(insert, "1", "10")
        await people.run("alter table people alter column price type text")
        async with two.database._driver._pool.acquire():
            new = await two(insert, "2", '"eleven"')
        old = [await two(insert, f"{n}", '"twelve"') for n in (3, 4)]
    assert [new, *old] == [[{"price": "eleven"}], [{"price": "twelve"}], [{"price": "twelve"}]]


@pytest.mark.parametrize("returning", ["", " returning m, c"])
async def test_types_made_anew_are_noticed(opened, sql, returning):
    """An enum and a composite of the same name are other types; nothing is written twice."""
    insert = f"insert into moods (m) values ($1){returning}"
    make = "create type mood as enum ('happy', 'new'); create type duo as (a int{}); create table moods (m mood, c duo)"
    async with opened(maxOpenConns=1) as one:
        await sql.run(make.format(""))
        await one(insert, '"happy"')
        assert await one("select row(1)::duo as p") == [{"p": {"a": 1}}]
        await sql.run("drop table moods; drop type mood, duo;" + make.format(", b text"))
        await one(insert, '"new"')
        assert await one("select row(1, 'x')::duo as p") == [{"p": {"a": 1, "b": "x"}}]
        await sql.run("alter type duo add attribute d date")
        await sql.run("update moods set c = row(1, 'x', 'infinity')::duo")
        assert await one("select c from moods") == [{"c": {"a": 1, "b": "x", "d": "infinity"}}]
        await sql.run("alter type duo drop attribute b")
        await one("update moods set m = 'happy' returning c")
    assert await sql("select m, c from moods") == [{"m": "happy", "c": {"a": 1, "d": "infinity"}}]


async def test_a_table_made_anew_is_noticed(people, other):
    """With other columns in another order, and away in between."""
    await people.run("insert into people (id, name) values ($1, $2)", "1", '"a"')
    assert await people("select * from people where id = $1", "1", single=True) is not None
    await other.run("drop table people")
    with pytest.raises(Permanent, match="does not exist"):
        await people("select * from people where id = $1", "1")
    await other.run("create table people (name int, id text)")
    assert await people.run("insert into people (id, name) values ($1, $2)", '"one"', "2") == 1
    assert await people("select * from people where id = $1", '"one"') == [{"name": 2, "id": "one"}]


async def test_what_the_connector_changes_itself_is_known_at_once(people):
    """Also where the old type would have taken the value, as another: the text 007 as 7."""
    insert = "insert into people (id, name, age) values ($1, 'x', $2) returning age"
    assert await people.value(insert, "1", '"007"') == 7
    await people.run("alter table people drop constraint people_age_check, alter column age type text")
    assert await people.value(insert, "2", '"007"') == "007"


async def test_a_value_that_fits_no_type_is_refused_once(people):
    """The server is asked again, and nothing is executed."""
    insert = "insert into people (id, name, age) values ($1, 'x', $2)"
    await people.run(insert, "1", "1")
    with pytest.raises(Permanent, match=r"argument \$2: expected a whole number for int4, got a text"):
        await people.run(insert, "2", '"many"')
    assert await people("select id from people") == [{"id": 1}]


async def test_a_statement_that_the_server_has_dropped_is_prepared_again(opened):
    """By `deallocate all`, or a pooler that reset the session."""
    async with opened(maxOpenConns=1) as one:
        for value in ("1", "2"):
            assert await one.value("select $1::int as n", value) == int(value)
            await one.run("deallocate all")


async def test_without_prepare_nothing_stays_in_the_session(opened):
    """A pooler may give the next transaction another session. Values are the same, and types never outlive a table."""
    async with opened(maxOpenConns=1) as usual, opened(maxOpenConns=1, prepare=False) as one:
        held = "select count(*) as n from pg_prepared_statements"
        for sql in (usual, one):
            await sql.run("drop table if exists plain; create table plain (id bigint, day date)")
            await sql.run("insert into plain values ($1, $2)", "7", '"infinity"')
            assert await sql("select * from plain where id = $1", "7") == [{"id": 7, "day": "infinity"}]
            assert await sql("update plain set id = 8 returning id", single=True) == {"id": 8}
        assert await usual.value(held) > 0
        assert await one.value(held) == 0
        await one.run("deallocate all")
        assert await one("select * from plain where id = $1", "8") == [{"id": 8, "day": "infinity"}]
        await usual.run("alter table plain alter column id type text")
        assert await one.run("insert into plain (id) values ($1)", '"007"') == 1
        assert await one.value("select id from plain where id = $1", '"007"') == "007"
