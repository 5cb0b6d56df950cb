"""Vectors in a table of a real PostgreSQL."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta

import asyncpg
import pytest
from pydantic import ValidationError

from octo.connectors.pgvector import Pgvector, Table
from octo.core.errors import Permanent, Timeout, Transient
from octo.testing import check_connector
from octo.testing.postgres import PASSWORD
from octo.vectors.filters import conditions
from octo.vectors.store import Record

A = Record("a", [1.0, 0.0], "alpha", {"n": 1})


async def test_processes_that_start_together_make_the_table_once(pgvector):
    """PostgreSQL itself would let one of them fail."""

    async def start():
        async with pgvector(table="together", dimension=2) as opened:
            await opened.store.upsert([A], "")
            return await opened.store.fetch(["a"], "")

    assert await asyncio.gather(*(start() for _ in range(6))) == [[A]] * 6


async def test_a_table_of_another_dimension_is_refused(pgvector):
    async with pgvector(table="of_two", dimension=2):
        pass
    with pytest.raises(Permanent, match="has vectors of 2 numbers") as caught:
        async with pgvector(table="of_two", dimension=3):
            pass
    assert caught.value.code == "OCTO-W104"


async def test_a_table_that_must_be_there_is_not_made(pgvector):
    with pytest.raises(Permanent, match="no column of vectors"):
        async with pgvector(table="not_there", dimension=2, create=False):
            pass


@pytest.mark.parametrize(("dimension", "index", "has"), [(2, None, True), (2001, None, False), (2, "none", False)])
async def test_vectors_are_indexed_if_they_can_be(pgvector, vector_server, dimension, index, has):
    table = f"index_{dimension}_{has}".lower()
    settings = {} if index is None else {"index": index}
    async with pgvector(table=table, dimension=dimension, **settings):
        connection = await asyncpg.connect(vector_server.dsn, password=PASSWORD)
        found = await connection.fetchval(
            "select count(*) from pg_indexes where indexdef ~ 'hnsw' and tablename = $1", table
        )
        await connection.close()

    assert bool(found) is has


async def test_the_index_finds_what_a_filter_leaves(pgvector, vector_server):
    """Though a thousand others are nearer: by default an index looks at 40."""
    async with pgvector(dimension=2, dsn=f"{vector_server.dsn}&enable_seqscan=off&enable_sort=off") as opened:
        crowd = [Record(f"c{number}", [1.0, number / 1e6], "", {"kind": "crowd"}) for number in range(1500)]
        await opened.store.upsert([*crowd, Record("far", [0.0, 1.0], "", {"kind": "one"})], "")
        found = await opened.store.query([1.0, 0.0], 3, conditions({"kind": "one"}), "")
        assert [each.id for each in found] == ["far"]
        assert len(await opened.store.query([1.0, 0.0], 200, (), "")) == 200


async def test_a_text_that_postgres_cannot_keep_is_refused_for_good(pgvector):
    async with pgvector(dimension=2) as opened:
        for text in ("nul\0", "half \ud800"):
            with pytest.raises(Permanent):
                await opened.store.upsert([Record("a", [1.0, 0.0], text)], "")
        assert await opened.store.fetch(["a"], "") == []


async def test_a_wrong_password_says_so_without_it(vector_server):
    settings = Table.model_validate({"dsn": vector_server.dsn, "password": "wrong-0815-pass", "dimension": 2})
    with pytest.raises(Permanent) as caught:
        async with Pgvector.open(settings):
            pass
    assert "password authentication failed" in str(caught.value)
    assert "wrong-0815-pass" not in str(caught.value)


async def test_a_server_that_is_not_there_may_be_there_later(port):
    settings = Table.model_validate({"dsn": f"postgres://octo@127.0.0.1:{port}/x", "dimension": 2})
    with pytest.raises(Transient, match="Connection refused"):
        async with Pgvector.open(settings):
            pass


async def test_a_restart_of_the_server_breaks_one_call_at_most(pgvector, vector_server):
    async with pgvector(dimension=2) as opened:
        await opened.store.upsert([A], "")
        vector_server.stop("immediate")
        with pytest.raises(Transient):
            await opened.health()
        vector_server.start()
        with suppress(Transient):
            await opened.store.ping()
        assert await opened.store.fetch(["a"], "") == [A]


async def test_closing_does_not_wait_for_a_server_that_is_silent(pgvector, vector_server):
    async with pgvector(dimension=2) as opened:
        await opened.health()
        vector_server.pause()
    vector_server.resume()


async def test_what_takes_too_long_is_given_up(pgvector):
    """And cancelled on the server: its connection is used again."""
    async with pgvector(dimension=2, maxConnections=1) as opened:
        usual = opened.store._settings
        opened.store._settings = usual.model_copy(update={"timeout": timedelta(seconds=0.1)})
        with pytest.raises(Timeout):
            await opened.store._run(lambda connection: connection.execute("select pg_sleep(600)"))
        opened.store._settings = usual.model_copy(update={"timeout": timedelta(minutes=2)})
        await opened.health()


@pytest.mark.parametrize("settings", [{"dsn": "shop.db"}, {"dimension": 3000, "index": "hnsw"}, {"table": "a; drop"}])
def test_settings_that_cannot_work_are_refused(settings):
    with pytest.raises(ValidationError):
        Table.model_validate({"dsn": "postgres://h/d", "dimension": 2, **settings})


async def test_it_keeps_the_promises_of_connectors(vector_server):
    """The connections are closed, the password is printed nowhere."""
    settings = {"dsn": vector_server.dsn, "password": PASSWORD, "dimension": 2, "table": "promises"}
    await check_connector(Pgvector, settings)
