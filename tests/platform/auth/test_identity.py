"""Who was let in some time ago, and whether they still may: what event streams ask again and again."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from octo_platform.auth.principal import EVERYWHERE, Principal
from octo_platform.storage.tables import ApiKey, Grant, Login, User


@pytest.fixture
async def sales(house):
    return await house.workspace("sales")


async def principal(house, client):
    cookies = {each.name: each.value for each in client.cookies.jar}
    return await house.installation.identity.of(client.headers, cookies)


@pytest.mark.parametrize("by", ["cookie", "key"])
async def test_who_has_lost_their_role_may_no_more(house, sales, by):
    browser = await house.signed_in("ann", "developer", sales)
    who = await principal(house, browser if by == "cookie" else await house.key(browser))
    still = house.installation.identity.still
    assert await still(who, "logs.read", sales)
    assert not await still(who, "logs.read", "another")
    async with house.installation.database.write() as session:
        await session.execute(update(Grant).values(role="viewer"))
    assert not await still(who, "logs.read", sales)
    assert await still(who, "metrics.read", sales)


@pytest.mark.parametrize("by", ["cookie", "key"])
async def test_who_is_disabled_may_no_more(house, sales, by):
    browser = await house.signed_in("ann", "admin")
    who = await principal(house, browser if by == "cookie" else await house.key(browser))
    async with house.installation.database.write() as session:
        await session.execute(update(User).values(disabled=True))
    assert not await house.installation.identity.still(who, "logs.read", sales)


async def test_a_stream_outlives_a_session_and_not_its_login(house, sales, clock):
    browser = await house.signed_in("ann", "admin")
    who = await principal(house, browser)
    clock.pass_(minutes=30)
    assert await house.installation.identity.still(who, "logs.read", sales)
    async with house.installation.database.write() as session:
        await session.execute(update(Login).values(expires_at=clock()))
    assert not await house.installation.identity.still(who, "logs.read", sales)
    await browser.delete("/session")
    assert not await house.installation.identity.still(who, "logs.read", sales)


async def test_a_key_that_was_revoked_streams_no_more(house, sales, clock):
    who = await principal(house, await house.key(await house.signed_in("ann", "admin"), workspace="sales"))
    still = house.installation.identity.still
    assert await still(who, "logs.read", sales)
    assert not await still(who, "logs.read", "another")
    async with house.installation.database.write() as session:
        await session.execute(update(ApiKey).values(revoked_at=clock()))
    assert not await still(who, "logs.read", sales)


async def test_in_local_mode_nothing_ends(installation):
    who = await installation.identity.of({}, {})
    assert who == Principal("local", "local", {EVERYWHERE: "admin"}, way="local")
    assert await installation.identity.still(who, "logs.read", "any")
