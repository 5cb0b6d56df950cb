"""The device flow: a program without a browser is let in by a person who has one."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select

from octo_platform.storage.tables import DeviceRequest, User
from tests.platform.conftest import on_both


@pytest.fixture
async def ann(house):
    return await house.signed_in("ann", "admin")


async def begun(program):
    found = await program.post("/device", json={"client": "octo on laptop"})
    assert found.status_code == 201, found.text
    return found.json()


async def test_a_program_gets_a_key_once_a_person_has_let_it_in(house, ann, clock):
    program = await house.visitor()
    codes = await begun(program)
    assert codes["verification_uri"] == "http://127.0.0.1:8321/device"
    assert codes["verification_uri_complete"].endswith(f"?code={codes['user_code']}")
    question = {"device_code": codes["device_code"]}
    assert (await program.post("/device/token", json=question)).json()["code"] == "authorization-pending"

    assert (await ann.get(f"/device/{codes['user_code']}")).json() == {"client": "octo on laptop"}
    answer = await ann.post("/device/approval", json={"user_code": codes["user_code"].lower(), "allow": True})
    assert answer.status_code == 204

    clock.pass_(seconds=5)
    key = (await program.post("/device/token", json=question)).json()["key"]
    program.headers["Authorization"] = f"Bearer {key}"
    assert (await program.get("/session")).json()["name"] == "ann"
    assert (await ann.get("/keys")).json()["items"][0]["name"] == "octo on laptop"


@on_both
async def test_each_code_counts_once(house, ann):
    program = await house.visitor()
    codes = await begun(program)
    await ann.post("/device/approval", json={"user_code": codes["user_code"], "allow": True})
    again = await ann.post("/device/approval", json={"user_code": codes["user_code"], "allow": True})
    assert again.json()["code"] == "not-found"

    question = {"device_code": codes["device_code"]}
    told = await asyncio.gather(*(program.post("/device/token", json=question) for _ in range(4)))
    assert sorted(each.status_code for each in told) == [200, 400, 400, 400]
    assert len((await ann.get("/keys")).json()["items"]) == 1


async def test_a_program_that_was_refused_gets_nothing(house, ann):
    program = await house.visitor()
    codes = await begun(program)
    await ann.post("/device/approval", json={"user_code": codes["user_code"], "allow": False})
    question = {"device_code": codes["device_code"]}
    assert (await program.post("/device/token", json=question)).json()["code"] == "not-allowed"
    assert (await program.post("/device/token", json=question)).json()["code"] == "expired"


async def test_a_program_that_asks_too_often_is_told_so(house, clock):
    await house.person("ann", "admin")
    program = await house.visitor()
    question = {"device_code": (await begun(program))["device_code"]}
    codes = [(await program.post("/device/token", json=question)).json()["code"] for _ in range(2)]
    clock.pass_(seconds=5)
    codes.append((await program.post("/device/token", json=question)).json()["code"])
    assert codes == ["authorization-pending", "slow-down", "authorization-pending"]


async def test_codes_end_after_ten_minutes(house, ann, clock):
    program = await house.visitor()
    codes = await begun(program)
    clock.pass_(minutes=10)
    told = await program.post("/device/token", json={"device_code": codes["device_code"]})
    assert told.json()["code"] == "expired"
    assert (await ann.post("/session/renewal")).status_code == 200
    told = await ann.post("/device/approval", json={"user_code": codes["user_code"], "allow": True})
    assert told.json()["code"] == "not-found"


async def test_who_was_disabled_after_letting_a_program_in_gives_it_nothing(house, ann):
    program = await house.visitor()
    codes = await begun(program)
    await ann.post("/device/approval", json={"user_code": codes["user_code"], "allow": True})
    async with house.installation.database.write() as session:
        (await session.scalar(select(User))).disabled = True
    told = await program.post("/device/token", json={"device_code": codes["device_code"]})
    assert told.json()["code"] == "not-allowed"


async def test_codes_are_kept_as_hashes(house):
    codes = await begun(await house.visitor())
    async with house.installation.database.read() as session:
        row = str(vars(await session.scalar(select(DeviceRequest))))
    assert codes["device_code"] not in row
    assert codes["user_code"].replace("-", "") not in row


async def test_who_guesses_codes_is_slowed_down(house, ann):
    body = {"user_code": "BCDF-GHJK", "allow": True}
    codes = [(await ann.post("/device/approval", json=body)).json()["code"] for _ in range(7)]
    assert codes == ["not-found"] * 6 + ["too-many-tries"]
    program = await house.visitor(address="10.0.0.9")
    told = [(await program.post("/device/token", json={"device_code": f"x{n}"})).json()["code"] for n in range(32)]
    assert told == ["expired"] * 31 + ["too-many-tries"]


async def test_one_address_lets_only_so_many_programs_wait(house):
    program = await house.visitor()
    told = [(await program.post("/device", json={"client": "x"})).status_code for _ in range(22)]
    assert told == [201] * 21 + [429]


async def test_a_page_of_another_site_lets_no_program_in(house, ann):
    codes = await begun(await house.visitor())
    body = {"user_code": codes["user_code"], "allow": True}
    told = await ann.post("/device/approval", json=body, headers={"Origin": "https://evil.example"})
    assert told.json()["code"] == "cross-site"


@pytest.mark.parametrize("name", ["octo\u202eadmin", "octo\x1b[2J", "octo\x9b2J", "octo\u200b"])
async def test_a_program_cannot_look_like_another_one(house, name):
    program = await house.visitor()
    assert (await program.post("/device", json={"client": name})).status_code == 422
