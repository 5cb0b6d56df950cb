"""Sessions that end before their time, in all processes of an installation."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta

import pytest

from octo_platform.auth.marks import Marks
from octo_platform.storage.tables import now
from tests.platform.conftest import on_both


@pytest.fixture
def database(house):
    return house.installation.database


async def end(database, marks, kind, id_):
    async with database.write() as session:
        await marks.end(session, kind, id_)


@pytest.mark.parametrize("kind", ["login", "user"])
@on_both
async def test_sessions_from_before_the_mark_count_no_more_and_later_ones_do(database, kind):
    marks = Marks(database)
    before = now().timestamp()
    assert not await marks.is_ended("one", "one", before)
    await end(database, marks, kind, "one")
    assert await marks.is_ended("one", "one", before)
    assert not await marks.is_ended("one", "one", now().timestamp())
    assert not await marks.is_ended("two", "two", before)


async def test_a_mark_from_before_the_clock_was_set_back_locks_nobody_out(database, monkeypatch):
    marks = Marks(database)
    with monkeypatch.context() as ahead:
        ahead.setattr("octo_platform.auth.marks.now", lambda: now() + timedelta(hours=1))
        await end(database, marks, "user", "ann")
    assert not await marks.is_ended("one", "ann", now().timestamp())


async def test_another_process_sees_the_mark(database, monkeypatch):
    here, there = Marks(database), Marks(database)
    before = now().timestamp()
    assert not await there.is_ended("one", "ann", before)
    await end(database, here, "user", "ann")
    there._due = 0.0  # a second later
    assert await there.is_ended("one", "ann", before)


async def test_a_transaction_that_fails_marks_nothing(database):
    marks = Marks(database)
    before = now().timestamp()
    with contextlib.suppress(ZeroDivisionError):
        async with database.write() as session:
            await marks.end(session, "user", "ann")
            raise ZeroDivisionError
    assert not await marks.is_ended("one", "ann", before)


async def test_between_two_looks_the_database_is_not_asked(database, monkeypatch):
    monkeypatch.setattr("octo_platform.auth.marks._LOOK", 1000.0)
    marks = Marks(database)
    await marks.is_ended("one", "ann", 0.0)

    def fail():
        raise AssertionError("it looked")

    monkeypatch.setattr(database, "read", fail)
    assert not await marks.is_ended("one", "ann", 0.0)


@on_both
async def test_what_counts_once_counts_once(database):
    marks = Marks(database)
    until = now() + timedelta(minutes=1)
    first = await asyncio.gather(*(marks.use("a code", until) for _ in range(5)))
    assert sorted(first) == [False] * 4 + [True]
    assert await marks.use("another", until)
