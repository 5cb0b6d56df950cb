"""How long a list of tools is kept: as the server says, within bounds."""

from __future__ import annotations

import asyncio

import pytest

from octo.ai.mcp.client.shelf import AFTER_FAILURE, DEFAULT, LEAST, Fetched, Shelf
from octo.ai.mcp.client.tools import Listing
from octo.core.errors import Transient
from octo.testing import virtual


class Server:
    """Gives lists, and counts how often."""

    def __init__(self, keep):
        self.keep = keep
        self.asked = 0
        self.is_away = False
        self.meanwhile = int

    async def fetch(self):
        self.asked += 1
        await asyncio.sleep(0)
        self.meanwhile()
        if self.is_away:
            raise Transient("the server is away")
        return Fetched(Listing([]), self.keep)


@pytest.mark.parametrize(("keep", "seconds"), [(None, DEFAULT), (60.0, 60.0), (0.0, LEAST), (1e9, 86_400.0)])
@virtual()
async def test_a_list_is_kept_as_long_as_the_server_says(keep, seconds):
    """Never so short that it would be fetched for each call of a model, nor for ever."""
    server = Server(keep)
    async with asyncio.TaskGroup() as tasks:
        shelf = Shelf("the server", server.fetch, tasks.create_task)
        for _ in range(10):
            await shelf.listing()
        await asyncio.sleep(seconds - 1)
        await shelf.listing()
        assert server.asked == 1
        await asyncio.sleep(1)
        await shelf.listing()
        assert server.asked == 2


@virtual()
async def test_a_list_that_changed_while_it_was_fetched_is_fetched_again():
    server = Server(None)
    async with asyncio.TaskGroup() as tasks:
        shelf = Shelf("the server", server.fetch, tasks.create_task)
        server.meanwhile = shelf.outdate
        await shelf.listing()
        server.meanwhile = int
        await shelf.listing()
        await shelf.listing()

        assert server.asked == 2


@virtual()
async def test_a_server_that_is_away_is_not_asked_all_the_time():
    server = Server(LEAST)
    async with asyncio.TaskGroup() as tasks:
        shelf = Shelf("the server", server.fetch, tasks.create_task)
        kept = await shelf.listing()
        server.is_away = True
        await asyncio.sleep(LEAST)
        for _ in range(10):
            assert await shelf.listing() is kept
        assert server.asked == 2
        server.is_away = False
        await asyncio.sleep(AFTER_FAILURE)
        assert await shelf.listing() is not kept


@virtual()
async def test_without_a_list_the_error_reaches_all_who_wait_and_the_next_tries_again():
    server = Server(None)
    server.is_away = True
    async with asyncio.TaskGroup() as tasks:
        shelf = Shelf("the server", server.fetch, tasks.create_task)
        errors = await asyncio.gather(shelf.listing(), shelf.listing(), return_exceptions=True)
        server.is_away = False
        await shelf.listing()

    assert [str(each) for each in errors] == ["the server is away"] * 2
    assert server.asked == 2
