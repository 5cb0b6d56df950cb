"""What is asked of a store at once is done together."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from octo_platform.problem import Problem
from tests.platform.asking import ANY, HERE, done
from tests.platform.conftest import on_both


@pytest.fixture
async def asker(keeper, plane):
    return await plane.askers.of(keeper.headers["Authorization"])


async def test_what_comes_meanwhile_goes_together(plane, asker, monkeypatch):
    """One transaction for all that is asked while one is under way."""
    changes, change = [], plane.database.change

    async def counted(work):
        changes.append(work)
        return await change(work)

    monkeypatch.setattr(plane.database, "change", counted)
    numbers = await asyncio.gather(*(plane.do(asker, lambda shelf: shelf.next()) for _ in range(100)))
    assert numbers == sorted(set(numbers))
    assert len(changes) <= 2


@on_both
async def test_one_that_fails_hurts_no_other(plane, asker):
    """Neither a refusal, nor a bug, nor an error of the database."""

    def refused(shelf):
        raise Problem("lost")

    def bug(shelf):
        raise ValueError

    def broken(shelf):
        shelf.do(text("SELECT nonsense, :value"), {"value": "hush"})

    works = [lambda shelf: shelf.next(), refused, bug, broken, lambda shelf: shelf.next()]
    first, *errors, last = await asyncio.gather(*(plane.do(asker, each) for each in works), return_exceptions=True)
    assert [type(each).__name__ for each in errors[:2]] == ["Problem", "ValueError"]
    assert "nonsense" in str(errors[2])
    assert "hush" not in str(errors[2]), "the log has no values"
    assert last > first


async def test_who_stops_waiting_stops_nothing(plane, asker, spawn):
    asked = spawn(plane.do(asker, lambda shelf: shelf.ring("x")))
    await asyncio.sleep(0)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    before = await plane.do(asker, lambda shelf: shelf.next())
    assert before > 1, "it was not done"


@on_both
async def test_a_token_that_counts_no_more_writes_nothing(plane, asker, client):
    """Also if it was just in use: whether it counts is asked in the transaction that writes."""
    await plane.do(asker, lambda shelf: shelf.next())
    await done(client.delete(f"{HERE}/deployments/dev:orders", headers=ANY))
    with pytest.raises(Problem, match="send the token"):
        await plane.do(asker, lambda shelf: shelf.next())
    with pytest.raises(Problem, match="send the token"):
        await plane.read(asker, lambda _: None)
