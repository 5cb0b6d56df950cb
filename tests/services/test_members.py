"""Members tell of themselves while they live, and nothing else depends on it."""

from __future__ import annotations

import asyncio
from datetime import datetime

import pytest

from octo.core import clock
from octo.core.beside import beside
from octo.core.errors import Transient
from octo.services.members import NAMESPACE, SEEN, SILENT, TTL, enrolled, me, members
from octo.services.memory.key_value import Store
from octo.testing.clock import virtual


class Cut(Store):
    """Entries that cannot be written while `is_cut`."""

    is_cut = False

    async def put(self, *arguments, **named):
        if self.is_cut:
            raise Transient("no route to host")
        return await super().put(*arguments, **named)


@virtual()
async def test_a_member_is_listed_while_it_lives_with_what_it_tells_now():
    store, about = Store(), {"service": "shop", "leads": {}}
    async with beside(enrolled(store, lambda: dict(about))):
        await asyncio.sleep(100)
        (told,) = await members(store)
        assert told == {"id": me(), "service": "shop", "leads": {}, SEEN: told[SEEN]}
        assert 0 <= (clock.now() - datetime.fromisoformat(told[SEEN])).total_seconds() < SILENT
        about["leads"] = {"nightly": 7}
        await asyncio.sleep(1.5)
        assert (await members(store))[0]["leads"] == {"nightly": 7}
    assert await members(store) == []


@virtual()
async def test_one_that_is_cut_off_is_no_member_after_a_while_and_one_again_when_it_is_back(caplog):
    """The log tells of it once."""
    store = Cut()
    async with beside(enrolled(store, dict)):
        await asyncio.sleep(5)
        store.is_cut = True
        await asyncio.sleep(TTL)
        assert await members(store) == []
        store.is_cut = False
        await asyncio.sleep(15)
        assert len(await members(store)) == 1
    assert [each.message for each in caplog.records] == ["this process is not listed as a member"]


@pytest.mark.parametrize("foreign", ["text", 3, None])
async def test_what_is_no_member_is_left_out(foreign):
    store = Store()
    await store.put(NAMESPACE, "x", foreign)
    assert await members(store) == []


async def test_all_are_listed_however_many_there_are():
    store = Store()
    for number in range(250):
        await store.put(NAMESPACE, f"{number:03}", {"id": number})
    assert [each["id"] for each in await members(store)] == list(range(250))
