"""The first administrator: one, made by whoever holds the token."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import func, select

from octo_platform.storage.tables import Setting, User
from tests.platform.conftest import on_both

FIRST = {"email": "Ann@Example.org", "name": "Ann", "password": "correct horse battery"}


async def test_with_the_token_that_it_shows_somebody_becomes_the_first_administrator(house):
    browser = await house.browser()
    assert (await browser.get("/setup")).json() == {"needed": True, "passwords": True}
    assert (await browser.get("/session")).json()["code"] == "set-up-first"

    token = await house.installation.identity.setup_token()
    made = await browser.post("/setup", json={**FIRST, "token": token})
    assert (made.status_code, made.json()["email"]) == (201, "ann@example.org")

    assert (await browser.get("/setup")).json() == {"needed": False, "passwords": True}
    assert await house.installation.identity.setup_token() is None
    await browser.post("/session", json={"email": "ann@example.org", "password": FIRST["password"]})
    assert (await browser.get("/session")).json()["roles"] == {"*": "admin"}


async def test_all_processes_show_the_same_token_and_nobody_reads_it_in_the_database(house):
    identity = house.installation.identity
    token = await identity.setup_token()
    assert token == await identity.setup_token()
    async with house.installation.database.read() as session:
        kept = " ".join(await session.scalars(select(Setting.value)))
    assert token not in kept


@pytest.mark.parametrize("wrong", ["", "x", "é" * 32])
async def test_another_token_makes_nobody(house, wrong):
    await house.installation.identity.setup_token()
    told = await (await house.browser()).post("/setup", json={**FIRST, "token": wrong})
    assert told.json()["code"] == "bad-credentials"


async def test_before_a_token_was_shown_nobody_can_set_it_up(house):
    told = await (await house.browser()).post("/setup", json={**FIRST, "token": "anything"})
    assert told.json()["code"] == "bad-credentials"


@on_both
async def test_of_many_who_set_it_up_at_once_one_does(house):
    token = await house.installation.identity.setup_token()
    browser = await house.browser()
    bodies = [{**FIRST, "email": f"p{n}@example.org", "token": token} for n in range(6)]
    told = await asyncio.gather(*(browser.post("/setup", json=each) for each in bodies))

    assert sorted(each.status_code for each in told) == [201, *[409] * 5]
    async with house.installation.database.read() as session:
        assert await session.scalar(select(func.count()).select_from(User)) == 1


async def test_who_guesses_tokens_is_slowed_down(house):
    await house.installation.identity.setup_token()
    browser = await house.browser()
    codes = [(await browser.post("/setup", json={**FIRST, "token": "x"})).json()["code"] for _ in range(32)]
    assert codes[:31] == ["bad-credentials"] * 31
    assert codes[31] == "too-many-tries"


async def test_a_page_of_another_site_cannot_set_it_up(house):
    token = await house.installation.identity.setup_token()
    foreign = await house.visitor(Origin="https://evil.example")
    assert (await foreign.post("/setup", json={**FIRST, "token": token})).json()["code"] == "cross-site"


class TestWithoutPasswords:
    @pytest.fixture
    def closed(self, closed):
        return {**closed, "passwords": False}

    async def test_there_is_nothing_to_set_up(self, house):
        token = await house.installation.identity.setup_token()
        told = await (await house.browser()).post("/setup", json={**FIRST, "token": token})
        assert told.json()["code"] == "sign-in-off"
