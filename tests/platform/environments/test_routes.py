"""Environments: the settings of their target are checked, and those in use stay."""

from __future__ import annotations

import pytest

from tests.platform.asking import ANY, FLOW, HERE, deployment, done, integration, problem, shop
from tests.platform.conftest import on_both

ALL = f"{HERE}/environments"


@on_both
async def test_the_life_of_an_environment(client):
    await shop(client)
    body = {"name": "live", "target": "kubernetes", "settings": {"namespace": "shop-live", "baseDomain": "shop.test"}}
    await done(client.post(ALL, json=body))
    listed = (await client.get(ALL)).json()["items"]
    assert [(each["name"], each["target"]) for each in listed] == [("dev", "local"), ("live", "kubernetes")]
    await done(client.patch(f"{ALL}/live", json={"settings": {"namespace": "shop-live"}}, headers=ANY))
    for moved in ({"namespace": "x"}, {"namespace": "shop-live", "context": "x"}):
        assert await problem(client.patch(f"{ALL}/live", json={"settings": moved}, headers=ANY)) == "conflict"
    await done(client.delete(f"{ALL}/live", headers=ANY))
    await integration(client, "orders", FLOW, "v1")
    await deployment(client)
    used = (await client.delete(f"{ALL}/dev", headers=ANY)).json()
    assert (used["detail"], used["deployments"]) == ("it has deployments, remove them first: orders", ["orders"])
    await done(client.post(ALL, json={"name": "test"}))
    await done(client.put(f"{ALL}/test/secrets/A", json={"value": "x"}, headers={"If-None-Match": "*"}))
    used = (await client.delete(f"{ALL}/test", headers=ANY)).json()
    assert (used["code"], used["detail"]) == ("in-use", "it has secrets of its own: remove them first")


@pytest.mark.parametrize(
    ("target", "settings"),
    [
        ("kubernetes", {}),
        ("kubernetes", {"namespace": "Shop"}),
        ("kubernetes", {"namespace": "a", "namespcae": "b"}),
        ("kubernetes", {"namespace": "a", "baseDomain": "http://x"}),
        ("local", {"namespace": "a"}),
        ("mars", {}),
    ],
)
async def test_settings_that_do_not_fit_are_refused(client, target, settings):
    await shop(client)
    body = {"name": "live", "target": target, "settings": settings}
    assert await problem(client.post(ALL, json=body)) == "invalid"
