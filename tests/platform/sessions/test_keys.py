"""API keys: what a program may that has one, and when that ends."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from octo_platform.storage.tables import ApiKey, AuditEntry, Grant, User, Workspace
from tests.platform.conftest import SECRET


@pytest.fixture
async def ann(house):
    return await house.signed_in("ann", "admin")


async def made(client, **extra):
    found = await client.post("/keys", json={"name": "robot", "scopes": "all", **extra})
    assert found.status_code == 201, found.text
    return found.json()


async def test_a_key_is_shown_once_and_only_its_hash_is_kept(house, ann):
    key = await made(ann)
    assert key["key"].startswith("octo_")
    assert len(key["key"]) == len("octo_") + 43
    listed = await ann.get("/keys")
    assert listed.json()["items"][0]["prefix"] == key["key"][:11]
    assert key["key"] not in listed.text
    async with house.installation.database.read() as session:
        row = await session.scalar(select(ApiKey))
    assert key["key"] not in str(vars(row))
    assert (row.expires_at - row.created_at).days == 90


async def test_with_a_key_a_program_is_its_owner(house, ann):
    robot = await house.key(ann)
    me = (await robot.get("/session")).json()
    assert (me["name"], me["roles"], me["way"]) == ("ann", {"*": "admin"}, "key")
    assert (await robot.get("/users")).status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer octo_x",
        "Basic {key}",
        "{key}",
        "Bearer {key}x",
        "Bearer octod_x",
        "Bearer " + "octo_" * 99,
    ],
)
async def test_what_is_no_key_lets_nobody_in_and_a_cookie_beside_it_does_not_help(house, ann, header):
    key = (await made(ann))["key"]
    ann.headers["Authorization"] = header.format(key=key)
    assert (await ann.get("/session")).json()["code"] == "not-signed-in"


async def test_a_key_counts_nowhere_but_in_its_header(house, ann):
    key = (await made(ann))["key"]
    visitor = await house.visitor()
    assert (await visitor.get(f"/session?access_token={key}&key={key}")).status_code == 401
    assert (await visitor.get("/session", headers={"Cookie": f"octo-session={key}"})).status_code == 401
    assert (await visitor.get("/session", headers={"X-Api-Key": key})).status_code == 401


async def test_a_key_may_what_its_scopes_say_and_no_more(house, ann):
    robot = await house.key(ann, scopes=["session.read"])
    assert (await robot.get("/session")).status_code == 200
    assert (await robot.get("/users")).json()["code"] == "not-allowed"
    assert (await robot.get("/keys")).json()["code"] == "not-allowed"


@pytest.mark.parametrize(
    "scope", ["users.write", "members.write", "keys.write", "device.approve", "data.use", "nonsense"]
)
async def test_no_key_can_be_made_for_what_no_key_may(ann, scope):
    told = await ann.post("/keys", json={"name": "x", "scopes": [scope]})
    assert told.json()["code"] == "invalid"


async def test_nobody_makes_a_key_for_what_they_may_not_themselves(house, ann):
    bob = await house.signed_in("bob", "viewer")
    assert (await bob.post("/keys", json={"name": "x", "scopes": ["users.read"]})).json()["code"] == "not-allowed"
    robot = await house.key(bob)
    assert (await robot.get("/users")).json()["code"] == "not-allowed"


@pytest.mark.parametrize("name", ["read", "deploy"])
async def test_a_key_for_reading_or_deploying_has_what_its_owner_may_of_it(house, ann, name):
    bob = await house.signed_in("bob", "viewer", await house.workspace("sales"))
    scopes = (await made(bob, scopes=name))["scopes"]
    assert {"integrations.read", "session.read", "workspaces.list"} <= set(scopes)
    assert {"secrets.read", "users.read", "deployments.write"}.isdisjoint(scopes)
    assert ("deployments.write" in (await made(ann, scopes=name))["scopes"]) == (name == "deploy")


async def test_keys_outlive_another_password_unless_one_says_that_they_shall_not(house, ann):
    robot = await house.key(ann)
    choice = {"old": SECRET, "new": "another horse battery"}
    assert (await ann.put("/session/password", json=choice)).status_code == 204
    assert (await robot.get("/session")).status_code == 200
    choice = {"old": "another horse battery", "new": SECRET, "revokeKeys": True}
    assert (await ann.put("/session/password", json=choice)).status_code == 204
    assert (await robot.get("/session")).status_code == 401


async def test_keys_of_others_stay_whatever_somebody_does_with_their_password(house, ann):
    await house.person("bob", "admin")
    robot = await house.key(await house.sign_in("bob"))
    choice = {"old": SECRET, "new": "another horse battery", "revokeKeys": True}
    assert (await ann.put("/session/password", json=choice)).status_code == 204
    assert (await robot.get("/session")).status_code == 200


async def test_a_key_makes_and_revokes_no_keys_and_changes_no_people(house, ann):
    robot = await house.key(ann)
    bob = await house.person("bob")
    id_ = (await robot.get("/keys")).json()["items"][0]["id"]
    for method, path, body in (
        ("POST", "/keys", {"name": "x", "scopes": "all"}),
        ("DELETE", f"/keys/{id_}", None),
        ("POST", "/users", {"email": "x@example.org", "password": "correct horse battery", "role": "admin"}),
        ("PATCH", f"/users/{bob.id}", {"role": "admin"}),
        ("DELETE", f"/users/{bob.id}", None),
        ("POST", "/device/approval", {"user_code": "BCDF-GHJK", "allow": True}),
        ("PUT", "/session/password", {"old": "correct horse battery", "new": "another horse battery"}),
    ):
        told = await robot.request(method, path, json=body, headers={"If-Match": "*"})
        assert told.json()["code"] == "not-allowed", (method, path, told.text)


async def test_a_key_for_one_workspace_sees_no_other_and_nothing_of_the_platform(house, ann):
    await house.workspace("sales")
    await house.workspace("stock")
    robot = await house.key(ann, workspace="sales")
    assert (await robot.get("/workspaces/sales/members")).status_code == 200
    assert (await robot.get("/workspaces/stock/members")).json()["code"] == "not-found"
    assert (await robot.get("/users")).json()["code"] == "not-allowed"


async def test_a_key_for_a_workspace_that_one_does_not_see_cannot_be_made(house):
    await house.workspace("stock")
    bob = await house.signed_in("bob", "viewer", await house.workspace("sales"))
    for name in ("stock", "nowhere"):
        told = await bob.post("/keys", json={"name": "x", "scopes": "all", "workspace": name})
        assert told.json()["code"] == "not-found"


@pytest.mark.parametrize("days", [0, 366, -1, 1e9])
async def test_no_key_lives_longer_than_a_year(ann, days):
    told = await ann.post("/keys", json={"name": "x", "scopes": "all", "days": days})
    assert told.json()["code"] == "invalid"


async def test_a_key_that_expired_or_was_revoked_counts_no_more(house, ann, clock):
    first, second = await house.key(ann, days=1), await house.key(ann)
    id_ = (await ann.get("/keys")).json()["items"][0]["id"]
    assert (await ann.delete(f"/keys/{id_}")).status_code == 204
    assert (await ann.delete(f"/keys/{id_}")).json()["code"] == "not-found"
    assert (await second.get("/session")).status_code == 401
    assert (await first.get("/session")).status_code == 200
    clock.pass_(days=1)
    assert (await first.get("/session")).status_code == 401


async def test_nobody_revokes_or_sees_the_key_of_somebody_else(house, ann):
    key = await made(ann)
    bob = await house.signed_in("bob", "admin")
    assert (await bob.delete(f"/keys/{key['id']}")).json()["code"] == "not-found"
    assert (await bob.get("/keys")).json()["items"] == []


async def test_what_is_taken_from_the_owner_is_taken_from_the_key_with_its_next_request(house, ann):
    place = await house.workspace("sales")
    user = await house.person("bob", "admin", place)
    robot = await house.key(await house.sign_in("bob"))
    assert (await robot.get("/workspaces/sales/members")).status_code == 200
    async with house.installation.database.write() as session:
        await session.execute(update(Grant).where(Grant.user_id == user.id).values(role="viewer"))
    assert (await robot.get("/workspaces/sales/members")).json()["code"] == "not-allowed"
    async with house.installation.database.write() as session:
        await session.execute(update(User).where(User.id == user.id).values(disabled=True))
    assert (await robot.get("/session")).status_code == 401


async def test_a_key_ends_with_its_workspace(house, ann):
    place = await house.workspace("sales")
    robot = await house.key(ann, workspace="sales")
    async with house.installation.database.write() as session:
        await session.delete(await session.get(Workspace, place))
    assert (await robot.get("/session")).status_code == 401


async def test_when_a_key_was_used_is_written_down_once_a_minute(house, ann, clock):
    robot = await house.key(ann)
    await robot.get("/session")
    first = (await ann.get("/keys")).json()["items"][0]["usedAt"]
    clock.pass_(seconds=5)
    await robot.get("/session")
    assert (await ann.get("/keys")).json()["items"][0]["usedAt"] == first


async def test_who_guesses_keys_is_slowed_down_and_programs_beside_them_are_not(house, ann):
    robot = await house.key(ann)
    guesser = await house.visitor()
    codes = [
        (await guesser.get("/session", headers={"Authorization": f"Bearer octo_{n}"})).status_code for n in range(52)
    ]
    assert codes == [401] * 51 + [429]
    assert (await robot.get("/session")).status_code == 200, "a key that comes for the first time, too"


async def test_one_person_has_a_hundred_keys_at_most(house, ann):
    async with house.installation.database.write() as session:
        owner = await session.scalar(select(User.id))
        for _ in range(99):
            session.add(house.installation.identity.keys.make(owner, "old", ["all"], None)[0])
    await made(ann)
    assert (await ann.post("/keys", json={"name": "x", "scopes": "all"})).json()["code"] == "limit"


async def test_the_audit_log_says_whose_key_and_which_one_it_was(house, ann):
    key = await made(ann)
    robot = await house.visitor(Authorization=f"Bearer {key['key']}")
    await robot.post("/keys", json={"name": "x", "scopes": "all"})
    async with house.installation.database.read() as session:
        user = await session.scalar(select(User.id))
        rows = (await session.execute(select(AuditEntry.actor, AuditEntry.action, AuditEntry.outcome))).all()
    assert rows[-1] == (f"key:{user}/{key['id']}", "keys.write", 403)


async def test_keys_are_listed_in_pages(ann):
    for n in range(3):
        await made(ann, name=f"k{n}")
    first = (await ann.get("/keys?limit=2")).json()
    second = (await ann.get("/keys", params={"limit": 2, "cursor": first["next"]})).json()
    assert [each["name"] for each in first["items"] + second["items"]] == ["k2", "k1", "k0"]


async def test_in_local_mode_nobody_needs_a_key(client):
    told = await client.post("/keys", json={"name": "x", "scopes": "all"})
    assert told.json()["code"] == "conflict"
