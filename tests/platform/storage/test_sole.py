"""Of all that share a database, one platform deploys to its own machine."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from sqlalchemy import text

from octo_platform.storage import sole
from octo_platform.storage.database import opened, url_of
from octo_platform.storage.sole import Shared, Sole

on_postgres = pytest.mark.parametrize("place", ["postgres"], indirect=True)
HOLDERS = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted")


@pytest.fixture
async def databases(place):
    async with opened(url_of(place)) as here, opened(url_of(place)) as there:
        yield here, there


@contextlib.asynccontextmanager
async def kept(one: Sole):
    async with asyncio.TaskGroup() as group:
        task = group.create_task(one.keep())
        yield
        task.cancel()


@on_postgres
async def test_a_second_one_is_refused_until_the_first_has_ended(databases, monkeypatch):
    monkeypatch.setattr(sole, "PATIENCE", 0.0)
    here, there = (Sole(each) for each in databases)
    await here.take()
    async with kept(here):
        with pytest.raises(Shared, match="another platform deploys to its own machine with this database"):
            await there.take()
    async with kept(there):
        await there.take()


@on_postgres
async def test_it_is_taken_again_after_the_database_was_away(databases, monkeypatch):
    monkeypatch.setattr(sole, "EVERY", 0.01)
    monkeypatch.setattr(sole, "PATIENCE", 0.0)
    here, there = databases
    one = Sole(here)
    await one.take()
    async with kept(one):
        async with there.engine.connect() as connection:
            others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            await connection.execute(text(f"{others} AND datname = current_database()"))
            while await connection.scalar(HOLDERS) != 1:
                await asyncio.sleep(0.01)
        with pytest.raises(Shared):
            await Sole(there).take()


async def test_a_file_is_locked_by_its_name(databases):
    for each in databases:
        await Sole(each).take()
        await Sole(each).keep()
