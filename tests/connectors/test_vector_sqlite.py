"""Vectors in a SQLite file."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import apsw
import pytest

from octo.connectors.vector_sqlite import File, VectorSqlite, store as module
from octo.core.errors import Permanent, Timeout, Transient
from octo.testing import check_connector
from octo.vectors.store import Record

A = Record("a", [1.0, 0.0], "alpha", {"n": 1})


def opening(path, **settings):
    return VectorSqlite.open(File.model_validate({"path": str(path), "dimension": 2, **settings}))


def patient(store):
    """From now on calls may take as long as they take."""
    store._settings = store._settings.model_copy(update={"timeout": timedelta(hours=1)})


async def test_a_file_keeps_its_records(tmp_path):
    async with opening(tmp_path / "v.db") as opened:
        await opened.store.upsert([A], "")
    async with opening(tmp_path / "v.db") as opened:
        assert await opened.store.fetch(["a"], "") == [A]


async def test_two_tables_of_a_file_have_nothing_to_do_with_one_another(tmp_path):
    async with opening(tmp_path / "v.db") as one, opening(tmp_path / "v.db", table="other", dimension=3) as other:
        await one.store.upsert([A], "")
        assert await other.store.query([1.0, 0.0, 0.0], 5, (), "") == []


@pytest.mark.parametrize("settings", [{"dimension": 3}, {"metric": "l2"}])
async def test_a_table_for_another_dimension_or_metric_is_refused(tmp_path, settings):
    """Vectors of two models cannot be compared."""
    async with opening(tmp_path / "v.db"):
        pass
    with pytest.raises(Permanent, match="another dimension or metric") as caught:
        async with opening(tmp_path / "v.db", **settings):
            pass
    assert caught.value.code == "OCTO-W104"


async def test_a_file_that_cannot_be_opened_is_told(tmp_path):
    with pytest.raises(Permanent, match="cannot open"):
        async with opening(tmp_path / "gone" / "v.db"):
            pass
    (tmp_path / "text.db").write_text("this is no database, but it is long enough to be looked at" * 20)
    with pytest.raises(Permanent, match="cannot open"):
        async with opening(tmp_path / "text.db"):
            pass


async def test_a_write_that_fails_leaves_nothing(tmp_path, monkeypatch):
    """All records of a block are written, or none."""
    async with opening(tmp_path / "v.db") as opened:
        monkeypatch.setattr(module, "PUT", module.PUT.replace("values (?, ?, ?)", "values (?, ?, nullif(?, x'00'))"))
        monkeypatch.setattr(module, "_packed", lambda vector: b"\0" if vector[0] < 0 else bytes(8))
        with pytest.raises(Permanent):
            await opened.store.upsert([A, Record("b", [-1.0, 0.0])], "")
        assert await opened.store.fetch(["a", "b"], "") == []


async def test_the_lock_of_another_process_is_waited_for_so_long(tmp_path):
    """Then the message may try again."""
    async with opening(tmp_path / "v.db", timeout="100ms") as opened:
        other = apsw.Connection(str(tmp_path / "v.db"))
        other.execute("begin immediate")
        with pytest.raises(Transient, match="holds the lock") as caught:
            await opened.store.upsert([A], "")
        assert caught.value.code == "OCTO-W105"
        other.execute("rollback")
        other.close()
        patient(opened.store)
        await opened.store.upsert([A], "")
        assert await opened.store.fetch(["a"], "") == [A]


async def test_who_waits_for_a_lock_can_be_cancelled(tmp_path):
    """SQLite's own waiting would go on to its end."""
    async with opening(tmp_path / "v.db", timeout="1h") as opened:
        other = apsw.Connection(str(tmp_path / "v.db"))
        other.execute("begin immediate")
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(opened.store.upsert([A], ""))
            while not opened.store._patience.is_waiting:
                await asyncio.sleep(0.001)
            task.cancel()
        other.close()
        assert await opened.store.fetch(["a"], "") == []


SLOW = "with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) from n"


async def test_what_takes_too_long_is_interrupted(tmp_path):
    async with opening(tmp_path / "v.db", timeout="50ms") as opened:
        store = opened.store
        with pytest.raises(Timeout):
            await store._run(lambda: store._connection.execute(SLOW).fetchall())
        patient(store)
        await store.ping()


async def test_a_call_that_is_cancelled_ends_its_statement(tmp_path):
    async with opening(tmp_path / "v.db") as opened:
        store = opened.store
        begun = asyncio.Event()
        loop = asyncio.get_running_loop()

        def work():
            loop.call_soon_threadsafe(begun.set)
            return store._connection.execute(SLOW).fetchall()

        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(store._run(work))
            await begun.wait()
            task.cancel()
        assert task.cancelled()
        await store.ping()


async def test_calls_at_the_same_time_wait_for_one_another(tmp_path):
    async with opening(tmp_path / "v.db") as opened:
        many = [Record(f"r{number}", [1.0, number / 50], "t") for number in range(50)]
        await asyncio.gather(*(opened.store.upsert([each], "") for each in many))
        assert len(await opened.store.query([1.0, 0.0], 100, (), "")) == 50


async def test_it_keeps_the_promises_of_connectors(tmp_path):
    """The file and the thread are closed."""
    await check_connector(VectorSqlite, {"path": str(tmp_path / "v.db"), "dimension": 2})
