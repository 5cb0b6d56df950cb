"""Users: who is made, changed and removed, and that an administrator is always left."""

from __future__ import annotations

import asyncio

import pytest

from octo_platform.auth import people
from octo_platform.auth.principal import EVERYWHERE
from octo_platform.storage.tables import Grant, User
from tests.platform.conftest import on_both

SECRET = "correct horse battery"
NEW = {"email": "Bob@Example.org", "name": "Bob", "password": SECRET, "role": "viewer"}


@pytest.fixture
async def ann(house):
    return await house.signed_in("ann", "admin")


async def test_an_administrator_makes_a_user_who_then_signs_in(house, ann):
    made = await ann.post("/users", json=NEW)
    assert made.status_code == 201
    assert made.headers["ETag"].startswith('"r1-')
    body = made.json()
    assert (body["email"], body["way"], body["role"]) == ("bob@example.org", "password", "viewer")
    assert SECRET not in made.text
    bob = await house.sign_in("bob")
    assert (await bob.get("/session")).json()["roles"] == {"*": "viewer"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"email": "no address"},
        {"email": "a@b\0"},
        {"name": "a\nb"},
        {"password": "too short"},
        {"password": "x" * 201},
        {"role": "runtime"},
        {"role": "root"},
        {"id": "mine"},
    ],
)
async def test_a_user_that_does_not_fit_is_not_made_and_the_password_is_not_repeated(ann, wrong):
    told = await ann.post("/users", json={**NEW, **wrong})
    assert told.json()["code"] == "invalid"
    assert "too short" not in told.text
    assert SECRET not in told.text
    assert len((await ann.get("/users")).json()["items"]) == 1


@on_both
async def test_there_is_one_user_of_an_address_however_it_is_written(ann):
    await ann.post("/users", json=NEW)
    told = await ann.post("/users", json={**NEW, "email": "BOB@example.ORG"})
    assert told.json()["code"] == "exists"


async def test_users_are_listed_in_pages_with_their_roles(house, ann):
    for name in ("bob", "cid"):
        await house.person(name)
    first = (await ann.get("/users?limit=2")).json()
    second = (await ann.get("/users", params={"limit": 2, "cursor": first["next"]})).json()
    assert [(each["name"], each.get("role")) for each in first["items"]] == [("ann", "admin"), ("bob", None)]
    assert [each["name"] for each in second["items"]] == ["cid"]


async def test_a_user_shows_the_role_in_each_workspace(house, ann):
    bob = await house.person("bob", "operator", await house.workspace("sales"))
    assert (await ann.get(f"/users/{bob.id}")).json()["workspaces"] == {"sales": "operator"}


async def test_no_change_is_overwritten_unseen(house, ann):
    bob = await house.person("bob")
    assert (await ann.patch(f"/users/{bob.id}", json={"name": "B"})).json()["code"] == "if-match-needed"
    one = f"/users/{bob.id}"
    seen = {"If-Match": (await ann.get(one)).headers["ETag"]}
    first = await ann.patch(one, json={"name": "B"}, headers=seen)
    assert first.json()["name"] == "B"
    assert (await ann.patch(one, json={"name": "C"}, headers=seen)).json()["code"] == "changed"
    assert (await ann.delete(one)).json()["code"] == "if-match-needed"
    assert (await ann.delete(one, headers=seen)).json()["code"] == "changed"
    assert (await ann.delete(one, headers={"If-Match": first.headers["ETag"]})).status_code == 204
    assert (await ann.get(f"/users/{bob.id}")).json()["code"] == "not-found"


@pytest.mark.parametrize("change", [{"disabled": True}, {"password": "another horse battery"}])
async def test_what_a_code_has_let_in_ends_with_the_logins_of_a_person_and_other_keys_stay(house, ann, change):
    bob = await house.person("bob", "viewer")
    by_code, made = (
        house.installation.identity.keys.make(bob.id, "x", ["all"], by_code=each) for each in (True, False)
    )
    async with house.installation.database.write() as session:
        session.add_all([by_code[0], made[0]])
    await ann.patch(f"/users/{bob.id}", json=change, headers={"If-Match": "*"})
    await ann.patch(f"/users/{bob.id}", json={"disabled": False}, headers={"If-Match": "*"})
    told = [await house.visitor(Authorization=f"Bearer {text}") for _, text in (by_code, made)]
    assert [(await each.get("/session")).status_code for each in told] == [401, 200]


@pytest.mark.parametrize("change", [{"disabled": True}, {"password": "another horse battery"}])
async def test_who_is_disabled_or_has_a_new_password_is_out_at_once(house, ann, change):
    user = await house.person("bob", "viewer")
    bob = await house.sign_in("bob")
    changed = await ann.patch(f"/users/{user.id}", json=change, headers={"If-Match": "*"})
    assert changed.status_code == 200
    assert (await bob.get("/session")).json()["code"] == "not-signed-in"
    assert (await bob.post("/session/renewal")).json()["code"] == "not-signed-in"


@on_both
async def test_who_is_removed_is_out_at_once_with_their_keys(house, ann):
    user = await house.person("bob", "viewer")
    bob = await house.sign_in("bob")
    robot = await house.key(bob)
    assert (await robot.get("/session")).status_code == 200
    await ann.delete(f"/users/{user.id}", headers={"If-Match": "*"})
    for each in (bob, robot):
        assert (await each.get("/session")).json()["code"] == "not-signed-in"


async def test_another_role_counts_with_the_next_session_which_is_asked_for_at_once(house, ann):
    user = await house.person("bob", "admin")
    bob = await house.sign_in("bob")
    await ann.patch(f"/users/{user.id}", json={"role": None}, headers={"If-Match": "*"})
    assert (await bob.get("/users")).json()["code"] == "not-signed-in"
    await bob.post("/session/renewal")
    assert (await bob.get("/users")).json()["code"] == "not-allowed"


@pytest.mark.parametrize("change", [{"disabled": True}, {"role": None}, {"role": "operator"}, None])
async def test_the_last_administrator_stays(house, ann, change):
    disabled = await house.person("zoe", "admin")
    await ann.patch(f"/users/{disabled.id}", json={"disabled": True}, headers={"If-Match": "*"})
    id_ = (await ann.get("/session")).json()["id"]
    if change is None:
        told = await ann.delete(f"/users/{id_}", headers={"If-Match": "*"})
    else:
        told = await ann.patch(f"/users/{id_}", json=change, headers={"If-Match": "*"})
    assert told.json()["code"] == "conflict"
    assert (await ann.get("/session")).json()["roles"] == {"*": "admin"}


@on_both
async def test_of_administrators_who_are_removed_at_once_one_is_left(installation, client):
    """In local mode nobody's session ends in between, so exactly the last change is refused."""
    admins = [User(email=f"{name}@example.org", name=name) for name in ("ann", "bob", "cid", "dan")]
    async with installation.database.write() as session:
        session.add_all(admins)
        await session.flush()
        session.add_all(Grant(user_id=each.id, workspace=EVERYWHERE, role="admin") for each in admins)
    ways = (
        ("DELETE", None),
        ("PATCH", {"role": None}),
        ("PATCH", {"disabled": True}),
        ("PATCH", {"role": "viewer"}),
    )
    changes = [
        client.request(method, f"/users/{each.id}", json=body, headers={"If-Match": "*"})
        for each, (method, body) in zip(admins, ways, strict=True)
    ]
    told = await asyncio.gather(*changes)
    assert sorted(each.status_code // 100 for each in told) == [2, 2, 2, 4]
    assert [each.json()["code"] for each in told if each.status_code >= 400] == ["conflict"]
    async with installation.database.read() as session:
        assert await people.is_anybody_admin(session)


@on_both
async def test_administrators_who_remove_each_other_at_once_are_never_all_gone(house):
    """Whose session has ended before their own request came is refused as well."""
    names = ("ann", "bob", "cid")
    ids = [(await house.person(name, "admin")).id for name in names]
    browsers = [await house.sign_in(name) for name in names]
    changes = [
        each.delete(f"/users/{victim}", headers={"If-Match": "*"})
        for each, victim in zip(browsers, [*ids[1:], ids[0]], strict=True)
    ]
    told = await asyncio.gather(*changes)
    assert {each.status_code for each in told} <= {204, 401, 409}
    assert 204 in {each.status_code for each in told}
    async with house.installation.database.read() as session:
        assert await people.is_anybody_admin(session)


async def test_passwords_that_are_off_make_no_users(house, ann):
    house.installation.options = house.installation.options.model_copy(update={"passwords": False})
    assert (await ann.post("/users", json=NEW)).json()["code"] == "sign-in-off"
