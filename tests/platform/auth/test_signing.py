"""What this installation has signed."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select

from octo_platform.auth.signing import Signing
from octo_platform.storage.tables import Setting, now
from tests.platform.conftest import on_both


@pytest.fixture
def make(house):
    return lambda: Signing(house.installation.database, house.installation.keyring)


@on_both
async def test_processes_that_start_at_once_share_one_secret(house, make):
    processes = [make() for _ in range(4)]
    until = now() + timedelta(minutes=1)
    made = await asyncio.gather(*(each.token("session", {"sub": "ann"}, until) for each in processes))
    for token in made:
        for each in processes:
            assert (await each.claims("session", token, now()))["sub"] == "ann"


async def test_the_secret_is_stored_sealed(house, make):
    signing = make()
    await signing.mac("x", "y")
    async with house.installation.database.read() as session:
        kept = await session.scalar(select(Setting.value))
    assert kept.startswith(f"{house.installation.keyring.newest}:")


async def test_what_was_signed_for_one_purpose_says_nothing_in_another(make):
    signing = make()
    token = await signing.token("session", {"sub": "ann"}, now() + timedelta(minutes=1))
    assert await signing.claims("renewal", token, now()) is None
    assert await signing.mac("a", "text") != await signing.mac("b", "text")


async def test_it_counts_until_its_time_and_no_longer(make):
    signing = make()
    until = now() + timedelta(minutes=1)
    token = await signing.token("session", {}, until)
    assert await signing.claims("session", token, until - timedelta(milliseconds=1)) is not None
    assert await signing.claims("session", token, until) is None


@pytest.mark.parametrize("text", ["", "a", "a.b.c", "." * 100, "x" * 10_000, "é.é.é", "e30.e30.e30", "\0"])
async def test_what_it_has_not_signed_says_nothing(make, text):
    assert await make().claims("session", text, now()) is None
