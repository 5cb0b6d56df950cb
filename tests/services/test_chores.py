"""Chores end before the store that they belong to, and a server that is away ends nothing."""

from __future__ import annotations

import asyncio

import pytest

from octo.core.errors import Transient
from octo.services.chores import Chores
from octo.testing.clock import virtual


async def slow(done):
    await asyncio.sleep(5)
    done.append("slow")


async def away():
    raise Transient("the server is away")


@virtual()
async def test_leaving_waits_for_the_chores():
    done = []
    async with Chores() as chores:
        chores.spawn(slow(done))

    assert done == ["slow"]


@virtual()
async def test_a_server_that_is_away_ends_nothing():
    done = []
    async with Chores() as chores:
        chores.spawn(away())
        chores.spawn(slow(done))
        await asyncio.sleep(1)
        done.append("body")

    assert done == ["body", "slow"]


@virtual()
async def test_there_are_no_new_chores_for_a_store_that_is_closed():
    done = []
    async with Chores() as chores:
        pass
    chores.spawn(slow(done))
    await asyncio.sleep(60)

    assert done == []


@virtual()
async def test_an_error_of_the_body_is_raised_as_itself():
    with pytest.raises(LookupError, match="mine"):
        async with Chores():
            raise LookupError("mine")


@virtual()
async def test_a_bug_in_a_chore_is_in_the_log_and_ends_nothing(caplog):
    done = []

    async def buggy():
        raise ZeroDivisionError

    async with Chores() as chores:
        chores.spawn(buggy())
        await asyncio.sleep(1)
        done.append("body")

    assert done == ["body"]
    assert "ZeroDivisionError" in caplog.text
