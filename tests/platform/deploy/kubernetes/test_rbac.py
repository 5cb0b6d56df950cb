"""The platform's own Role is enough, and each of its rules is needed: tried with an account that has nothing else."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from octo_platform.deploy.kubernetes.manifests.rbac import OUTSIDE, RULES, role
from octo_platform.deploy.kubernetes.target import Kubernetes
from octo_platform.deploy.target import Refused, Unreachable

EACH = [
    (group, resource, verb)
    for rule in [*RULES, *OUTSIDE]
    for group in rule["apiGroups"]
    for resource in rule["resources"]
    for verb in rule["verbs"]
]


class Account:
    """An account of the namespace `platform` that may do in the place what its Role says."""

    def __init__(self, place):
        self.place = place
        self.http = place.admin._client._client
        self.namespace = place.cluster.namespace

    async def make(self):
        post = self.http.post
        core = f"/api/v1/namespaces/{self.namespace}"
        rbac = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{self.namespace}"
        await post(f"{core}/serviceaccounts", json={"metadata": {"name": "platform"}})
        await post(f"{rbac}/roles", json=role(self.namespace, "platform", outside=True))
        subject = {"kind": "ServiceAccount", "name": "platform", "namespace": self.namespace}
        reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "platform"}
        binding = {"metadata": {"name": "platform"}, "subjects": [subject], "roleRef": reference}
        await post(f"{rbac}/rolebindings", json=binding)
        answer = await post(f"{core}/serviceaccounts/platform/token", json={"spec": {"expirationSeconds": 3600}})
        self.kubeconfig = self.place.server.kubeconfig(answer.json()["status"]["token"])
        self.role = f"{rbac}/roles/platform"
        return self

    async def lose(self, group, resource, verb):
        """Take one verb of one resource away, and wait until the API server knows."""
        rules = [
            {"apiGroups": [each_group], "resources": [each_resource], "verbs": [each_verb]}
            for each_group, each_resource, each_verb in EACH
            if (each_group, each_resource, each_verb) != (group, resource, verb)
        ]
        patch = {"Content-Type": "application/merge-patch+json"}
        (await self.http.patch(self.role, json={"rules": rules}, headers=patch)).raise_for_status()
        await self.until(group, resource, verb, allowed=False)

    async def until(self, group, resource, verb, *, allowed):
        resource, _, part = resource.partition("/")
        wanted = {"namespace": self.namespace, "group": group, "resource": resource, "subresource": part, "verb": verb}
        user = f"system:serviceaccount:{self.namespace}:platform"
        body = {"spec": {"user": user, "resourceAttributes": wanted}}
        async with asyncio.timeout(60):
            while True:
                answer = await self.http.post("/apis/authorization.k8s.io/v1/subjectaccessreviews", json=body)
                if answer.json()["status"]["allowed"] is allowed:
                    return
                await asyncio.sleep(0.02)


@pytest.fixture
async def account(place, gateway_api):
    return await Account(place).make()


@pytest.fixture
def versions(desired):
    """Between them a deployment gets and loses everything that it can have."""
    first = desired(port=8080, replicas=2, secrets={"a": "1"}, exposure={"host": "a.example.com"})
    gateway = {"host": "a.example.com", "way": "gateway", "gateway": "public"}
    second = first.model_copy(update={"generation": 2, "tag": "v2", "exposure": None})
    third = desired(port=8080, generation=3, secrets={"a": "2"}, exposure=gateway)
    return first, second, third


async def live(target, place, versions, ready):
    """All that the platform ever does with a deployment."""
    first, *others = versions
    await target.apply(first)
    pod = await place.pod(await place.roll(), **ready)
    await target.ask(first.deployment, "/readyz", 10)
    for each in others:
        await target.apply(each)
    silent = await place.pod(await place.roll())
    await target.observe(first.deployment)
    assert [each async for each in target.logs(first.deployment, lines=5, follow=False)] == []
    await target.found()
    await listen(target, place, silent)
    for each in (pod, silent):
        await place.drop("Pod", each)
    for name in await place.all("ReplicaSet"):
        await place.drop("ReplicaSet", name)
    await target.apply(others[-1])
    await target.remove(first.deployment)
    await place.patch("Deployment", "octo-orders", {"metadata": {"finalizers": None}})
    assert await target.remove(first.deployment)


async def listen(target, place, pod):
    """Changes of both kinds are heard: those that are there at first, and one of each that is made now."""
    async with asyncio.timeout(60), contextlib.aclosing(target.changes()) as changes:
        await anext(changes)
        for kind, name in (("Pod", pod), ("Deployment", "octo-orders")):
            await place.patch(kind, name, {"metadata": {"annotations": {"seen": "now"}}})
            await anext(changes)


async def test_the_role_is_enough(account, place, versions, ready):
    async with Kubernetes.open(place.cluster, kubeconfig=account.kubeconfig) as target:
        await account.until("apps", "deployments", "watch", allowed=True)
        await live(target, place, versions, ready)


@pytest.mark.parametrize(("group", "resource", "verb"), EACH, ids=["-".join(each[1:]) for each in EACH])
async def test_each_rule_is_needed_and_named_where_it_is_missing(
    account, place, versions, ready, group, resource, verb
):
    await account.lose(group, resource, verb)

    async with Kubernetes.open(place.cluster, kubeconfig=account.kubeconfig) as target:
        with pytest.raises(Refused) as refused:
            await live(target, place, versions, ready)

    assert resource.split("/")[0].rstrip("s") in str(refused.value).lower()


def test_no_rule_has_a_wildcard_or_reads_secrets():
    assert not any("*" in part for each in EACH for part in each)
    assert {"create", "patch", "delete"} == {verb for _, resource, verb in EACH if resource == "secrets"}
    assert not any(resource.startswith(("nodes", "pods/exec", "clusterrole")) for _, resource, _ in EACH)


async def test_a_server_that_begins_and_does_not_know_roles_yet_refuses_nothing(account, place, desired):
    """It answers before it has read who may what, and forbids everything then, which says nothing of what is wanted."""
    for _ in range(3):
        place.server.stop_server()
        place.server.start_server()
        async with Kubernetes.open(place.cluster, kubeconfig=account.kubeconfig) as target, asyncio.timeout(60):
            while True:
                with contextlib.suppress(Unreachable):
                    await target.found()
                    await target.apply(desired(port=8080))
                    break
