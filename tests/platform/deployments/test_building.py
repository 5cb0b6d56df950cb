"""The desired state of a deployment, from what is stored."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from octo_platform.deployments.building import egress, listens
from octo_platform.deployments.settings import Settings
from octo_platform.storage.tables import Deployment
from tests.platform.asking import FLOW, HERE, SECRET, deployment, done, integration, problem, shop, until


def reaching(**more):
    given = {"connector": "db", "setting": "dsn", "scheme": None, "host": None, "port": None, "variables": []} | more
    return {"reaches": [given], "variables": [{"name": "URL", "default": more.get("default")}]}


@pytest.mark.parametrize(
    ("given", "variables", "expected"),
    [
        ({"host": "h", "port": 1}, {}, [("h", 1)]),
        ({"scheme": "https", "host": "h"}, {}, [("h", 443)]),
        ({"variables": ["URL"]}, {"URL": "postgres://u:p@h:6543/d"}, [("h", 6543)]),
        ({"variables": ["URL"]}, {"URL": "postgres://h/d"}, [("h", 5432)]),
        ({"variables": ["URL"]}, {"URL": "https://h/x:9"}, [("h", 443)]),
        ({"variables": ["URL"]}, {"URL": "h:9092"}, [("h", 9092)]),
        ({"variables": ["URL"], "default": "http://d:81"}, {}, [("d", 81)]),
        ({"variables": ["URL"], "port": 5432}, {}, [(None, 5432)]),
        ({"variables": ["URL"]}, {}, []),
        ({"variables": ["URL"]}, {"URL": "h:99999"}, []),
        ({"variables": ["URL"]}, {"URL": "::::"}, []),
    ],
)
def test_where_the_flows_connect_to(given, variables, expected):
    found = egress(reaching(**given), Settings(variables=variables))
    assert [(each.host, each.port) for each in found] == expected


@pytest.mark.parametrize(
    ("given", "variables", "expected"),
    [
        ({"port": 9000, "variable": None, "default": None}, {}, [9000]),
        ({"port": "${P}", "variable": "P", "default": 9000}, {}, [9000]),
        ({"port": "${P}", "variable": "P", "default": 9000}, {"P": "9001"}, [9001]),
        ({"port": "${P}", "variable": "P", "default": None}, {"P": "99999"}, []),
        ({"port": "${P}", "variable": "P", "default": None}, {}, []),
    ],
)
def test_where_the_flows_listen(given, variables, expected):
    assert list(listens({"listens": [given]}, Settings(variables=variables))) == expected


async def test_all_that_a_target_is_told(client, reconciling, pretence):
    settings = {
        "namespace": "shop",
        "baseDomain": "shop.test",
        "ingressClass": "nginx",
        "tls": "none",
        "services": "nats://n",
    }
    await shop(client, target="kubernetes", settings=settings)
    await done(client.put(f"{HERE}/secrets/bank", json={"value": "s3cr3t-1"}))
    await integration(client, "orders", SECRET, "v1")
    await deployment(client, replicas=2, variables={"MODE": "x"}, expose="buy", inFlight="migrate")
    await until(client, phase="running")
    (desired,) = pretence.desired.values()
    assert desired.files == {"orders.yaml": SECRET.encode()}
    assert (desired.workspace, desired.environment, desired.integration, desired.slug) == (
        "shop",
        "dev",
        "orders",
        "orders",
    )
    assert (desired.tag, desired.port, desired.replicas, desired.in_flight) == ("v1", 8080, 2, "migrate")
    assert desired.listens == (8080,)
    assert desired.variables == {"MODE": "x"}
    assert {name: each.get_secret_value() for name, each in desired.secrets.items()} == {"bank": "s3cr3t-1"}
    assert (desired.exposure.host, desired.exposure.ingress_class) == ("buy.shop.test", "nginx")
    assert [(each.host, each.port) for each in desired.egress] == [("bank.test", 443)]
    assert desired.services == "nats://n"
    assert desired.data is None, "without --data-url nothing leads from there to here"
    assert "s3cr3t-1" not in repr(desired) + str(desired)
    assert pretence.places[-1].settings["namespace"] == "shop"


@pytest.mark.parametrize(
    "options", [{"data_host": "::"}, {"data_url": "http://octo-data.octo.svc:8322"}], indirect=True
)
@pytest.mark.parametrize("target", ["local", "kubernetes"])
async def test_where_a_deployment_keeps_things(client, reconciling, pretence, options, target):
    """On this machine at the port itself, elsewhere at the address that is said; each has a token of its own."""
    await shop(client, target=target, settings={"namespace": "shop"} if target == "kubernetes" else {})
    await integration(client, "orders", FLOW, "v1")
    await deployment(client)
    body = {"environment": "dev", "integration": "orders", "tag": "v1", "slug": "twin"}
    await done(client.post(f"{HERE}/deployments", json=body))
    for name in ("dev:orders", "dev:twin"):
        await until(client, name, phase="running")
    found = [each.data for each in pretence.desired.values()]
    if target == "kubernetes" and options.data_url is None:
        assert found == [None, None]
        return
    here = "http://[::1]:8322" if options.data_host == "::" else "http://127.0.0.1:8322"
    assert {each.url for each in found} == {here if target == "local" else options.data_url}
    assert len({each.token.get_secret_value() for each in found}) == 2
    assert all(each.token.get_secret_value().startswith("octod_") for each in found)


async def test_a_host_is_given_once(client):
    settings = {"namespace": "shop", "baseDomain": "shop.test"}
    await shop(client, target="kubernetes", settings=settings)
    await integration(client, "orders", FLOW, "v1")
    await deployment(client, expose="buy")
    body = {"environment": "dev", "integration": "orders", "tag": "v1", "slug": "o2", "settings": {"expose": "buy"}}
    assert await problem(client.post(f"{HERE}/deployments", json=body)) == "exists"


@pytest.mark.parametrize("target", ["local", "kubernetes"])
async def test_without_a_domain_nothing_is_exposed(client, target):
    await shop(client, target=target, settings={"namespace": "shop"} if target == "kubernetes" else {})
    await integration(client, "orders", FLOW, "v1")
    body = {"environment": "dev", "integration": "orders", "tag": "v1", "settings": {"expose": "buy"}}
    assert await problem(client.post(f"{HERE}/deployments", json=body)) == "invalid"


async def test_the_domain_of_the_installation_is_that_of_environments_without_one(client, installation):
    installation.options = installation.options.model_copy(update={"base_domain": "all.test"})
    await shop(client, target="kubernetes", settings={"namespace": "shop"})
    await integration(client, "orders", FLOW, "v1")
    await deployment(client, expose="buy")
    async with installation.database.read() as session:
        assert await session.scalar(select(Deployment.host)) == "buy.all.test"


async def test_no_deployment_takes_the_name_of_the_platform(client, installation):
    """Its Ingress would get the requests, and the sessions, that are meant for the platform."""
    changed = {"base_domain": "all.test", "public_url": "https://octo.all.test", "hosts": ("old.all.test",)}
    installation.options = installation.options.model_copy(update=changed)
    await shop(client, target="kubernetes", settings={"namespace": "shop"})
    await integration(client, "orders", FLOW, "v1")
    for name in ("octo", "old"):
        body = {"environment": "dev", "integration": "orders", "tag": "v1", "settings": {"expose": name}}
        told = (await client.post(f"{HERE}/deployments", json=body)).json()
        assert told["detail"] == f"expose: {name}.all.test is the platform itself"
