"""Sessions of the database: what is written together is kept together, and writers do not hinder one another."""

from __future__ import annotations

import asyncio
import socket

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import TimeoutError as NoTurn

from octo_platform.storage.database import opened, url_of
from octo_platform.storage.migrating import migrate
from octo_platform.storage.tables import Setting
from tests.platform.conftest import on_both


@on_both
async def test_what_fails_is_not_kept(place):
    async with opened(url_of(place)) as database:
        await migrate(database)
        with pytest.raises(RuntimeError):
            await _fail(database)
        async with database.read() as session:
            assert await session.get(Setting, "a") is None


async def _fail(database):
    async with database.write() as session:
        session.add(Setting(name="a", value="1"))
        await session.flush()
        raise RuntimeError


@on_both
async def test_a_writer_that_is_cut_off_anywhere_leaves_no_lock(place):
    """sqlalchemy#8145, #12077, and aiosqlite: nobody had a turn any more until Python collected its garbage."""
    cut = []
    async with opened(url_of(place)) as database:
        async with database.write() as session:
            await session.execute(text("CREATE TABLE marks (number INTEGER)"))

        async def mark():
            async with database.write() as session:
                await session.execute(text("INSERT INTO marks VALUES (1)"))
                await session.execute(text("SELECT number FROM marks"))

        for steps in range(24):
            task = asyncio.get_running_loop().create_task(mark())
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            cut.append(task)  # what it knew is not collected
            async with asyncio.timeout(10):
                await mark()


@on_both
async def test_fifty_who_count_up_one_after_the_other_lose_nothing(place):
    async with opened(url_of(place)) as database, opened(url_of(place)) as other:
        await migrate(database)
        async with database.write() as session:
            session.add(Setting(name="n", value="0"))

        async def count(by):
            async with by.write() as session:
                row = await session.get_one(Setting, "n", with_for_update=True)
                row.value = str(int(row.value) + 1)

        await asyncio.gather(*(count(each) for each in [database, other] * 25))
        async with database.read() as session:
            assert await session.scalar(select(Setting.value)) == "50"
            assert await session.scalar(select(func.count()).select_from(Setting)) == 1


@pytest.mark.parametrize(
    ("place", "url"),
    [
        ("sqlite:/a/b.db", "sqlite+aiosqlite:////a/b.db"),
        ("/a/b.db", "sqlite+aiosqlite:////a/b.db"),
        ("postgres://u:p%40@h:1/d", "postgresql+asyncpg://u:p%40@h:1/d"),
        ("postgresql://u@h/d?sslmode=require", "postgresql+asyncpg://u@h/d?ssl=require"),
    ],
)
def test_places_as_users_write_them(place, url):
    assert url_of(place) == url


@pytest.mark.parametrize("place", ["mysql://h/d", "redis://h", "http://x"])
def test_another_database_is_refused(place):
    with pytest.raises(ValueError, match="the database is `sqlite:PATH` or `postgresql://"):
        url_of(place)


async def test_only_this_user_reads_the_file(tmp_path):
    """Whatever folder somebody has made for it."""
    tmp_path.chmod(0o755)
    (tmp_path / "a.db").touch(0o644)  # as an earlier release left it
    async with opened(url_of(f"sqlite:{tmp_path / 'a.db'}")) as database:
        await migrate(database)
        modes = {each.name: each.stat().st_mode & 0o777 for each in tmp_path.iterdir()}
    assert modes == {"a.db": 0o600, "a.db-wal": 0o600, "a.db-shm": 0o600}


@pytest.mark.parametrize("place", ["postgres"], indirect=True)
async def test_a_server_that_is_gone_without_a_word_is_noticed(place):
    """Without a limit, each request waits for a quarter of an hour, and holds a connection of the pool."""
    async with opened(url_of(place)) as database, database.engine.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        wire = driver._transport.get_extra_info("socket")
        assert wire.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 30_000
        assert wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 15


async def test_who_waits_for_a_turn_to_write_does_not_wait_for_ever(place, monkeypatch):
    """While another process holds the file, those of this one would wait half a minute each, one after the other."""
    async with opened(url_of(place)) as database:
        await migrate(database)
        async with database.write() as session:
            session.add(Setting(name="a", value="1"))
            monkeypatch.setattr("octo_platform.storage.database.PATIENCE", 0.01)
            with pytest.raises(NoTurn, match="others have written for too long"):
                async with database.write():
                    raise AssertionError
        async with database.write() as session:
            session.add(Setting(name="b", value="1"))
