"""The target on a real cluster with the real image: what comes of what is applied.

`scripts/cluster.sh up` makes such a cluster; its Services must be reachable from here.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
from collections import Counter
from pathlib import Path

import httpx2
import pytest
from lightkube import AsyncClient, KubeConfig
from lightkube.resources.core_v1 import ConfigMap, Namespace, Pod, Secret, Service
from lightkube.types import CascadeType

from octo_platform.deploy.kubernetes.api import Api
from octo_platform.deploy.kubernetes.cluster import Cluster
from octo_platform.deploy.kubernetes.target import Kubernetes

KUBECONFIG = os.environ.get("OCTO_E2E_KUBECONFIG")
IMAGE = os.environ.get("OCTO_E2E_IMAGE", "octo:dev")

pytestmark = [
    pytest.mark.timeout(400),
    pytest.mark.skipif(
        not KUBECONFIG, reason="NOT TESTED: OCTO_E2E_KUBECONFIG names no cluster, so no pod was started"
    ),
]

FLOWS = """
env:
  - {name: HTTP_PORT, default: "1"}
  - {name: HTTP_HOST, default: "127.0.0.1"}
  - {name: COLOR, default: none}
  - {name: password, secret: password, required: true}
connectors:
  - {name: web, type: http, settings: {port: "${HTTP_PORT}", host: "${HTTP_HOST}"}}
flows:
  - name: hello
    source: {connector: web, type: http, settings: {path: /hello}}
    process:
      - {type: log, settings: {message: '"asked VERSION"'}}
      - {type: set-payload, settings: {value: '"VERSION " + env.COLOR + " " + string(size(env.password))'}}
"""


def files(version, text=FLOWS):
    return {"flows.yaml": text.replace("VERSION", version).encode(), "templates/mail.txt": b"\xff\x00"}


BAD = {
    "flows.yaml": FLOWS.replace(
        "COLOR, default: none", "COLOR, default: none}\n  - {name: LACKING, required: true"
    ).encode()
}


class Site:
    def __init__(self, target, client, cluster, desired):
        self.target, self.client, self.cluster, self.desired = target, client, cluster, desired
        self.generation = 0

    async def apply(self, **changed):
        self.generation += 1
        self.wanted = self.desired(generation=self.generation, **changed)
        await self.target.apply(self.wanted)

    async def until(self, *phases):
        """Told by the changes of the cluster, not by the clock."""
        async with asyncio.timeout(180), contextlib.aclosing(self.target.changes()) as changes:
            found = await self.target.observe(self.wanted.deployment)
            while found.phase not in phases or found.generation != self.generation:
                await anext(changes)
                found = await self.target.observe(self.wanted.deployment)
        return found

    async def address(self):
        service = await self.client.get(Service, "octo-orders")
        return f"http://{service.spec.clusterIP}/hello"

    async def names(self, kind):
        return {each.metadata.name async for each in self.client.list(kind)}


@pytest.fixture
async def site(desired):
    name = f"e2e-{secrets.token_hex(4)}"
    cluster = Cluster(namespace=name, salt="s" * 32, image=IMAGE, pull_policy="Never", progress_deadline=90)

    def whole(**changed):
        base = {"files": files("one"), "secrets": {"password": "12345678"}, "port": 8080, "replicas": 2, "drain": 3.0}
        base |= {"resources": {"cpu": 0.05, "memory": 200}, "variables": {"COLOR": "$(OCTO_SERVICES)$$"}}
        return desired(**base | changed)

    config = KubeConfig.from_file(KUBECONFIG).get()
    async with AsyncClient(config=config, namespace=name) as client:
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        await client.create(Namespace.from_dict({"metadata": {"name": name, "labels": labels}}))
        try:
            async with Kubernetes.open(cluster, kubeconfig=Path(KUBECONFIG)) as target:
                yield Site(target, client, cluster, whole)
        finally:
            await client.delete(Namespace, name)


@contextlib.asynccontextmanager
async def load(url):
    """Requests one after the other on four connections at a time, each on a new connection: answers are counted."""
    answers: Counter[str] = Counter()
    over = asyncio.Event()

    async def ask():
        while not over.is_set():
            try:
                async with httpx2.AsyncClient(trust_env=False, timeout=20) as client:
                    response = await client.get(url)
                answers[f"{response.status_code} {response.text.split()[0]}"] += 1
            except httpx2.HTTPError as error:
                answers[repr(error)] += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(ask())
        try:
            yield answers
        finally:
            over.set()


async def test_two_replicas_serve_and_tell(site):
    """Restricted pods start; they answer with their version and secrets; logs and operations are reached."""
    await site.apply()
    found = await site.until("running", "failed")
    assert (found.phase, found.ready, found.reasons) == ("running", 2, ())
    assert {(1, "v1", True, "Running")} == {
        (each.generation, each.tag, each.ready, each.phase) for each in found.instances
    }

    async with httpx2.AsyncClient(trust_env=False) as http:
        assert (await http.get(await site.address())).text == '"one $(OCTO_SERVICES)$$ 8"'

    lines = [each async for each in site.target.logs(site.wanted.deployment, lines=50, follow=False)]
    assert any("asked one" in each.text for each in lines)
    assert sorted(each.at for each in lines) == [each.at for each in lines]
    assert {each.name for each in found.instances} == {each.instance for each in lines}

    outside = await site.target.ask(site.wanted.deployment, "/readyz", 100)
    assert [(each.status, each.body) for each in outside] == [(200, b"ready\n")] * 2
    assert {403} == {each.status for each in await site.target.ask(site.wanted.deployment, "/traces?limit=1", 1000)}
    async with Api.open(site.cluster.namespace, Path(KUBECONFIG)) as api:
        api.inside = True
        async with asyncio.timeout(60):  # a trace is stored a moment after its message
            inside = []
            while not any(b"hello" in each.body for each in inside):
                inside = await Kubernetes(api, site.cluster).ask(site.wanted.deployment, "/traces?limit=1", 1000)
                assert {200} == {each.status for each in inside}


async def test_a_new_version_takes_over_without_a_failed_request(site):
    """At another port, with another secret: no request fails, none is answered by the old one afterwards."""
    await site.apply()
    await site.until("running")

    async with load(await site.address()) as answers:
        await site.apply(files=files("two"), port=9090, secrets={"password": "1234"}, tag="v2")
        found = await site.until("running", "failed")
        assert {'200 "one', '200 "two'} == set(answers)
        answers.clear()
        while answers.total() < 20:
            await asyncio.sleep(0.01)
    assert {'200 "two'} == set(answers)
    assert {(2, "v2")} == {(each.generation, each.tag) for each in found.instances}
    assert len(found.instances) == 2

    await site.target.apply(site.wanted)
    assert len(await site.names(Secret)) == 1


async def test_a_bad_version_fails_with_its_reason_while_the_old_one_serves(site):
    await site.apply()
    await site.until("running")

    async with load(await site.address()) as answers:
        await site.apply(files=BAD, tag="v2")
        failed = await site.until("failed", "running")
        old = [each for each in failed.instances if each.generation == 1 and each.ready]
        await site.apply(tag="v1")  # what a roll-back does
        found = await site.until("running", "failed")

    assert failed.phase == "failed"
    assert len(old) == 2
    assert any("OCTO-C141" in each.text and "LACKING" in each.text for each in failed.reasons)
    assert {'200 "one'} == set(answers)
    assert (found.phase, found.ready) == ("running", 2)


async def test_a_killed_pod_is_replaced_and_followed(site):
    """The log goes on with the new pod."""
    await site.apply()
    first = await site.until("running")
    killed = first.instances[0].name

    async with contextlib.aclosing(site.target.logs(site.wanted.deployment, lines=0, follow=True)) as lines:
        await site.client.delete(Pod, killed, grace_period=0)
        async with asyncio.timeout(120):
            async for each in lines:
                if each.instance not in {one.name for one in first.instances}:
                    break
    found = await site.until("running")
    assert killed not in {each.name for each in found.instances}


async def test_scaled_paused_and_removed(site):
    await site.apply()
    first = await site.until("running")

    await site.apply(replicas=3)
    found = await site.until("running")
    assert {each.name for each in first.instances} < {each.name for each in found.instances}

    await site.apply(replicas=0)
    found = await site.until("paused")
    assert found.instances == ()

    await site.apply(replicas=1)
    await site.until("running")
    assert {site.wanted.deployment} == await site.target.found()
    async with asyncio.timeout(120), contextlib.aclosing(site.target.changes()) as changes:
        while not await site.target.remove(site.wanted.deployment):
            await anext(changes)
    assert (await site.target.observe(site.wanted.deployment)).phase == "absent"
    assert frozenset() == await site.target.found()
    assert set() == await site.names(Secret)
    assert {"kube-root-ca.crt"} == await site.names(ConfigMap)


async def test_without_its_owner_all_of_it_goes_and_comes_back(site):
    """Nothing is left behind where the platform is not asked, and its next look repairs it."""
    await site.apply()
    await site.until("running")

    await site.client.delete(ConfigMap, "octo-orders", cascade=CascadeType.BACKGROUND)
    async with asyncio.timeout(120):
        while await site.target.found() or await site.names(Secret):
            await asyncio.sleep(0.2)

    await site.target.apply(site.wanted)
    assert (await site.until("running")).ready == 2


async def test_an_image_that_is_not_there_is_a_failure(site):
    site.target._cluster = site.cluster.model_copy(update={"image": "octo:nowhere"})
    await site.apply()
    found = await site.until("failed")
    assert "ErrImageNeverPull" in {each.code for each in found.reasons}
