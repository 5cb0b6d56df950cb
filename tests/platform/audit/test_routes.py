"""Every write is in the audit log, in the same transaction; what was refused is too."""

from __future__ import annotations

from octo_platform.auth.strangers import Strangers
from tests.platform.asking import ANY, FLOW, HERE, done, integration, problem, shop
from tests.platform.conftest import on_both


@on_both
async def test_writes_and_refusals_and_no_reads(client):
    await shop(client)
    await done(client.get("/workspaces"))
    await problem(client.post("/workspaces", json={"name": "shop"}))
    await problem(client.post("/workspaces", json={"name": "NO"}))
    await problem(client.patch(HERE, json={"title": "x"}))
    await done(client.patch(HERE, json={"title": "x"}, headers=ANY))
    found = (await done(client.get("/audit"))).json()["items"]
    assert [(each["action"], each["outcome"], each["target"]) for each in reversed(found)] == [
        ("workspaces.write", 200, "workspace shop"),
        ("environments.write", 200, "environment shop/dev"),
        ("workspaces.write", 409, "workspace shop"),
        ("workspaces.write", 422, "/api/v1/workspaces"),
        ("workspace.write", 428, "workspace shop"),
        ("workspace.write", 200, "workspace shop"),
    ]
    assert {each["actor"] for each in found} == {"local:local"}


async def test_a_workspace_shows_its_own(client):
    await shop(client)
    await done(client.post("/workspaces", json={"name": "other"}))
    found = (await done(client.get(f"{HERE}/audit"))).json()["items"]
    assert [each["target"] for each in found] == ["environment shop/dev"]


@on_both
async def test_what_steers_a_terminal_is_not_kept(client):
    await shop(client)
    for path in ("%1b%5b31m", "%00", "a%0ab", "%e2%80%ae"):
        await client.delete(f"{HERE}/integrations/orders/files/{path}", headers=ANY)
        await client.delete(f"{HERE}/integrations/{path}", headers=ANY)
    found = (await done(client.get("/audit"))).json()["items"]
    assert len(found) >= 8
    assert all(each["target"].isprintable() for each in found)


async def _entries(house, name="boss"):
    boss = await house.signed_in(name, "admin")
    found = (await done(boss.get("/audit"))).json()["items"]
    return [(each["actor"], each["action"], each["outcome"], each["target"]) for each in reversed(found)][:-1]


async def test_who_tries_to_get_in_is_in_it(house):
    """Not with what was typed: people type their password into the wrong field."""
    ann = await house.person("ann", "viewer")
    thief = await house.browser("203.0.113.7")
    for email in (ann.email, "sesame open sesame"):
        await problem(thief.post("/session", json={"email": email, "password": "wrong wrong wrong"}))
    await problem(thief.post("/session", json={"email": "x"}))
    await problem(thief.post("/session/renewal"))
    await problem(thief.get("/workspaces"))
    assert await _entries(house) == [
        ("nobody", "session.create", 401, "ann@example.org from 203.0.113.7"),
        ("nobody", "session.create", 401, "nobody we know from 203.0.113.7"),
    ]


async def test_a_wrong_set_up_token_is_in_it_and_not_the_token(house):
    visitor = await house.browser()
    body = {"token": "wrong", "email": "eve@example.org", "password": "correct horse battery"}
    assert await problem(visitor.post("/setup", json=body)) == "bad-credentials"
    assert await _entries(house) == [("nobody", "setup.create", 401, "/api/v1/setup")]


async def test_so_is_a_cookie_that_was_copied(house, clock):
    ann = await house.signed_in("ann", "viewer")
    copied = dict(ann.cookies)
    await done(ann.post("/session/renewal"))
    clock.pass_(minutes=1)
    thief = await house.browser()
    thief.cookies.update(copied)
    await problem(thief.post("/session/renewal"))
    assert [(outcome, target) for _, _, outcome, target in await _entries(house)][1:] == [
        (401, "ann@example.org: a cookie was used that was renewed long ago: somebody may have copied it")
    ]


async def test_a_write_into_a_workspace_that_one_may_not_see_is_in_it(house):
    await house.workspace("shop")
    ann = await house.signed_in("ann")
    await problem(ann.post("/workspaces/shop/integrations", json={"name": "a"}))
    assert (await _entries(house))[1:][0][1:] == ("integrations.write", 404, "/api/v1/workspaces/shop/integrations")


async def test_what_is_asked_by_post_and_changes_nothing_is_not(client):
    await shop(client)
    await integration(client, "orders", FLOW, "v1")
    before = (await done(client.get("/audit"))).json()["items"]
    body = {"environment": "dev", "integration": "orders", "tag": "v1"}
    for _ in range(2):
        answer = await done(client.post(f"{HERE}/plans", json=body, headers={"Idempotency-Key": "k"}))
        assert "idempotency-replayed" not in answer.headers, "an answer that is not kept fills no disk"
    assert (await done(client.get("/audit"))).json()["items"] == before


async def test_what_is_repeated_stands_in_it_once(client):
    for _ in range(3):
        await done(client.post("/workspaces", json={"name": "shop"}, headers={"Idempotency-Key": "k"}))
    assert len((await done(client.get("/audit"))).json()["items"]) == 1


async def test_who_is_not_signed_in_fills_no_disk(house):
    house.installation.strangers = Strangers(most=2)
    thief = await house.browser()
    for number in range(4):
        await problem(thief.post("/session", json={"email": f"{number}", "password": "wrong wrong wrong"}))
    assert len(await _entries(house)) == 2


def test_after_an_hour_there_is_room_again():
    at = 0.0
    strangers = Strangers(most=1, clock=lambda: at)
    assert [strangers.take() for _ in range(2)] == [True, False]
    at = 3600.0
    assert strangers.take()
