"""What an installation is given once."""

from __future__ import annotations

import asyncio

import pytest

from octo_platform.storage.birth import born
from octo_platform.storage.database import opened, url_of
from octo_platform.storage.migrating import migrate
from octo_platform.storage.sealing import Keyring, Unsealable, new_key
from tests.platform.conftest import on_both


@on_both
async def test_each_start_finds_the_same_and_the_first_two_agree(place):
    keyring = Keyring([new_key()])
    async with opened(url_of(place)) as database:
        await migrate(database)
        first, second = await asyncio.gather(born(database, keyring), born(database, keyring))
        third = await born(database, keyring)

    assert first == second == third
    assert len(first.id) == 36
    assert len(first.salt) >= 32


async def test_another_key_is_noticed(place):
    async with opened(url_of(place)) as database:
        await migrate(database)
        await born(database, Keyring([new_key()]))

        with pytest.raises(Unsealable):
            await born(database, Keyring([new_key()]))
