"""An environment names what the administrator has allowed, and no workspace gets the namespace of another."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from octo_platform.environments.allowed import fault
from octo_platform.environments.settings import KubernetesSettings
from octo_platform.options import Clusters, Options
from tests.platform.asking import ANY, done, problem
from tests.platform.conftest import on_both


def options_of(**allowed) -> Options:
    clusters = Clusters.model_validate(allowed)
    return Options(folder=Path(), runtime_image="octo:1", base_domain="octo.test", kubernetes=clusters)


def of(**settings) -> KubernetesSettings:
    return KubernetesSettings.model_validate({"namespace": "octo-live"} | settings)


@pytest.mark.parametrize(
    ("allowed", "settings"),
    [
        ({}, {}),
        ({}, {"image": "octo:1", "baseDomain": "octo.test"}),
        ({}, {"baseDomain": "shop.octo.test"}),
        ({"namespaces": ["live"]}, {"namespace": "live"}),
        ({"namespaces": ["shop:live", "bank:live"]}, {"namespace": "live"}),
        ({"namespaces": ["octo-*", "shop:octo-l*"]}, {}),
        ({"contexts": ["edge-*"]}, {"context": "edge-1"}),
        ({"images": ["registry.test/octo/*"]}, {"image": "registry.test/octo/python@sha256:0"}),
        ({"domains": ["*.shop.test"]}, {"baseDomain": "eu.shop.test"}),
        ({"services": ["nats://n:4222", "redis://*@r:6379"]}, {"services": "nats://n:4222,queues=redis://:x@r:6379"}),
    ],
)
def test_what_is_allowed(allowed, settings):
    assert fault(options_of(**allowed), "shop", of(**settings)) is None


@pytest.mark.parametrize(
    ("allowed", "settings", "what"),
    [
        ({}, {"namespace": "payments"}, "namespace"),
        ({}, {"namespace": "octo"}, "namespace"),  # that of the platform
        ({"namespaces": ["*"]}, {"namespace": "octo"}, "namespace"),
        ({"namespaces": ["*"]}, {"namespace": "kube-system"}, "namespace"),
        ({"namespaces": ["shop:kube-system"]}, {"namespace": "kube-system"}, "namespace"),
        ({"namespaces": ["octo-*", "bank:octo-l*"]}, {}, "namespace"),
        ({"namespaces": ["bank:*"]}, {}, "namespace"),
        ({"namespaces": ["octo-liv"]}, {}, "namespace"),
        ({}, {"context": "production"}, "context"),
        ({}, {"image": "evil:1"}, "image"),
        ({"images": ["registry.test/octo"]}, {"image": "registry.test/octo/evil"}, "image"),
        ({}, {"baseDomain": "test"}, "baseDomain"),
        ({}, {"baseDomain": "evilocto.test"}, "baseDomain"),
        ({}, {"services": "postgresql://octo-postgresql.octo:5432/octo"}, "services"),
        ({"services": ["nats://n:4222"]}, {"services": "nats://n:4222,kv=redis://octo-redis.octo"}, "services"),
    ],
)
def test_what_is_not(allowed, settings, what):
    told = fault(options_of(**allowed), "shop", of(**settings))
    assert told is not None
    assert told.startswith(f"settings.{what}: ")


def body(name="live", **settings):
    return {"name": name, "target": "kubernetes", "settings": {"namespace": "octo-live"} | settings}


@pytest.fixture
async def spaces(client, installation):
    """The paths of the environments of three workspaces; each may name what the defaults allow."""
    installation.options = installation.options.model_copy(update={"kubernetes": Clusters()})
    for name in ("shop", "bank", "post"):
        await done(client.post("/workspaces", json={"name": name}))
    return [f"/workspaces/{name}/environments" for name in ("shop", "bank", "post")]


@on_both
async def test_a_namespace_is_that_of_the_workspace_that_takes_it_first(client, spaces):
    """With all its environments, until it has none there any more."""
    shop, bank, _ = spaces
    await done(client.post(shop, json=body()))
    await done(client.post(shop, json=body("other")))
    assert await problem(client.post(bank, json=body())) == "in-use"
    await done(client.post(bank, json=body(namespace="octo-bank")))
    await done(client.patch(f"{shop}/live", json={"settings": {"namespace": "octo-live"}}, headers=ANY))
    for name in ("live", "other"):
        await done(client.delete(f"{shop}/{name}", headers=ANY))
    await done(client.post(bank, json=body("more")))


@on_both
async def test_of_all_who_take_it_at_once_one_gets_it(client, spaces):
    answers = await asyncio.gather(*(client.post(each, json=body()) for each in spaces))
    assert sorted(each.status_code for each in answers) == [201, 409, 409]


async def test_workspaces_share_what_is_kept_for_both(client, installation, spaces):
    kept = Clusters(namespaces=("*", "shop:octo-live", "bank:octo-live"))
    installation.options = installation.options.model_copy(update={"kubernetes": kept})
    shop, bank, post = spaces
    for each in (shop, bank):
        await done(client.post(each, json=body()))
    assert await problem(client.post(post, json=body())) == "invalid"


async def test_a_change_is_bounded_too(client, spaces):
    await done(client.post(spaces[0], json=body()))
    change = {"settings": {"namespace": "octo-live", "image": "evil:1"}}
    told = await client.patch(f"{spaces[0]}/live", json=change, headers=ANY)
    assert told.json()["detail"] == "settings.image: the administrator of the platform has not allowed 'evil:1' here"
    shown = (await client.get(f"{spaces[0]}/live")).json()
    assert shown["settings"] == {"imagePullSecrets": [], "namespace": "octo-live", "tls": "none", "way": "ingress"}
