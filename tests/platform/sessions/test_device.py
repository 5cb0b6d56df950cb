"""The device flow: a program without a browser is let in by a person who has one."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select

from octo_platform.storage.tables import DeviceRequest, User
from tests.platform.conftest import SECRET, on_both


@pytest.fixture
async def ann(house):
    return await house.signed_in("ann", "admin")


async def begun(program, **extra):
    found = await program.post("/device", json={"client": "octo on laptop", **extra})
    assert found.status_code == 201, found.text
    return found.json()


async def test_a_program_gets_a_key_once_a_person_has_let_it_in(house, ann, clock):
    program = await house.visitor()
    codes = await begun(program)
    assert codes["verification_uri"] == "http://127.0.0.1:8321/device"
    assert codes["verification_uri_complete"].endswith(f"?code={codes['user_code']}")
    question = {"device_code": codes["device_code"]}
    assert (await program.post("/device/token", json=question)).json()["code"] == "authorization-pending"

    assert (await ann.get(f"/device/{codes['user_code']}")).json() == {
        "client": "octo on laptop",
        "scopes": ["all"],
    }
    answer = await ann.post("/device/approval", json={"user_code": codes["user_code"].lower(), "allow": True})
    assert answer.status_code == 204

    clock.pass_(seconds=5)
    key = (await program.post("/device/token", json=question)).json()["key"]
    program.headers["Authorization"] = f"Bearer {key}"
    assert (await program.get("/session")).json()["name"] == "ann"
    assert (await ann.get("/keys")).json()["items"][0]["name"] == "octo on laptop"


async def let_in(house, ann, **extra):
    """A program that has the key that it has asked for, and what the person was shown."""
    program = await house.visitor()
    codes = await begun(program, **extra)
    shown = (await ann.get(f"/device/{codes['user_code']}")).json()["scopes"]
    told = await ann.post("/device/approval", json={"user_code": codes["user_code"], "allow": True})
    assert told.status_code == 204, told.text
    key = (await program.post("/device/token", json={"device_code": codes["device_code"]})).json()["key"]
    program.headers["Authorization"] = f"Bearer {key}"
    return program, shown


@on_both
async def test_a_program_gets_what_it_asked_for_and_the_person_has_seen(house, ann):
    program, shown = await let_in(house, ann, scopes=["session.read", "users.read"])
    assert shown == ["session.read", "users.read"]
    assert (await ann.get("/keys")).json()["items"][0]["scopes"] == shown
    assert (await program.get("/users")).status_code == 200
    assert (await program.get("/workspaces")).json()["code"] == "not-allowed"


async def test_a_program_gets_no_more_than_the_person_may(house, ann):
    """Not even later: who becomes an administrator has not given it that."""
    sales = await house.workspace("sales")
    bob = await house.signed_in("bob", "viewer", sales)
    program, shown = await let_in(house, bob, scopes=["session.read", "users.read", "deployments.write"])
    assert shown == ["session.read"]
    await house.grant("bob", "admin")
    assert (await program.get("/session")).json()["roles"] == {"sales": "viewer", "*": "admin"}
    assert (await program.get("/users")).json()["code"] == "not-allowed"


async def test_what_a_program_that_reads_or_deploys_asks_for_has_a_name(house, ann):
    _, reading = await let_in(house, ann, scopes="read")
    _, deploying = await let_in(house, ann, scopes="deploy")
    assert {each.partition(".")[2] for each in reading} == {"read", "list"}
    assert set(deploying) - set(reading) == {"integrations.write", "versions.write", "deployments.write"}


async def test_nobody_can_let_a_program_in_that_asks_for_nothing_that_they_may(house, ann):
    bob = await house.signed_in("bob", "viewer", await house.workspace("sales"))
    program = await house.visitor()
    codes = await begun(program, scopes=["users.read"])
    assert (await bob.get(f"/device/{codes['user_code']}")).json()["scopes"] == []
    told = await bob.post("/device/approval", json={"user_code": codes["user_code"], "allow": True})
    assert told.json()["code"] == "not-allowed"
    assert (await bob.post("/device/approval", json={"user_code": codes["user_code"], "allow": False})).is_success


@pytest.mark.parametrize("scopes", [["users.write"], ["device.approve"], ["nonsense"], ["data.use"], [], "none", [1]])
async def test_no_program_asks_for_what_no_key_may(house, ann, scopes):
    told = await (await house.visitor()).post("/device", json={"client": "x", "scopes": scopes})
    assert (told.status_code, told.json()["code"]) == (422, "invalid")


async def test_another_password_ends_what_a_program_got_and_what_it_waits_for(house, ann):
    program, _ = await let_in(house, ann)
    waiting = await house.visitor()
    codes = await begun(waiting)
    await ann.post("/device/approval", json={"user_code": codes["user_code"], "allow": True})
    told = await ann.put("/session/password", json={"old": SECRET, "new": "another horse battery"})
    assert told.status_code == 204, told.text
    assert (await program.get("/session")).status_code == 401
    told = await waiting.post("/device/token", json={"device_code": codes["device_code"]})
    assert told.json()["code"] == "expired"


@on_both
async def test_a_key_that_is_fetched_while_another_password_is_chosen_ends_with_it(house, ann):
    """Whichever comes first: the program has no key, or one that counts no more."""
    program = await house.visitor()
    codes = await begun(program)
    await ann.post("/device/approval", json={"user_code": codes["user_code"], "allow": True})
    told, changed = await asyncio.gather(
        program.post("/device/token", json={"device_code": codes["device_code"]}),
        ann.put("/session/password", json={"old": SECRET, "new": "another horse battery"}),
    )
    assert changed.status_code == 204, changed.text
    key = told.json().get("key", "octo_none")
    assert (await program.get("/session", headers={"Authorization": f"Bearer {key}"})).status_code == 401


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
