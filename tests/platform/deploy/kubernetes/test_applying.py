"""The promises of `apply`, kept against a real API server."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from octo_platform.deploy.desired import Exposure
from octo_platform.deploy.kubernetes.applying import existing
from octo_platform.deploy.kubernetes.manifests.deployment import manifests
from octo_platform.deploy.kubernetes.target import Kubernetes
from octo_platform.deploy.target import Refused, Unreachable


@pytest.fixture
def whole(desired):
    """With everything that a deployment can have."""
    return lambda **changed: desired(
        port=8080,
        replicas=2,
        variables={"COLOR": "$(blue)"},
        secrets={"db-dsn": "postgresql://u:p@db/x"},
        exposure={"host": "orders.example.com", "tls": "cert-manager", "issuer": "letsencrypt"},
        egress=[{"connector": "db", "host": "db.example.com", "port": 5432}],
        data={"url": "http://octo-data.octo.svc:8091", "token": "t" * 40},
    ).model_copy(update=changed)


async def versions(place, deployment):
    api = place.target._api
    found = {key: each["metadata"]["resourceVersion"] for key, each in (await existing(api, deployment)).items()}
    secrets = {
        ("Secret", name): each["metadata"]["resourceVersion"] for name, each in (await place.all("Secret")).items()
    }
    return found | secrets


async def test_all_objects_are_made_and_owned(place, whole):
    """What is stored is what was said, and all of it goes with its owner."""
    wanted = whole()

    await place.target.apply(wanted)

    said = {(each["kind"], each["metadata"]["name"]) for each in manifests(wanted, place.cluster)}
    assert said == set(await versions(place, wanted.deployment))
    owner = await place.get("ConfigMap", "octo-orders")
    for kind, name in said - {("ConfigMap", "octo-orders")}:
        found = await place.get(kind, name)
        assert [owner["metadata"]["uid"]] == [each["uid"] for each in found["metadata"]["ownerReferences"]], (
            kind,
            name,
        )


async def test_applied_twice_nothing_changes(place, whole):
    await place.target.apply(whole())
    before = await versions(place, whole().deployment)

    await place.target.apply(whole())

    assert before == await versions(place, whole().deployment)


async def test_a_pod_of_the_template_is_admitted_where_only_restricted_ones_are(place, whole):
    await place.target.apply(whole())

    assert await place.pod(await place.roll())


EDITS = {
    "scaled": ("Deployment", {"spec": {"replicas": 7}}),
    "another image": ("Deployment", [{"op": "replace", "path": "/image", "value": "evil:latest"}]),
    "other arguments": ("Deployment", [{"op": "replace", "path": "/args", "value": ["sh"]}]),
    "a variable more": ("Deployment", [{"op": "add", "path": "/env/0", "value": {"name": "LD_PRELOAD", "value": "x"}}]),
    "two mounts more": (
        "Deployment",
        [
            {"op": "add", "path": "/volumeMounts/1", "value": {"name": "tmp", "mountPath": "/a"}},
            {"op": "add", "path": "/volumeMounts/0", "value": {"name": "tmp", "mountPath": "/b"}},
        ],
    ),
    "more rights": ("Deployment", [{"op": "add", "path": "/securityContext/privileged", "value": False}]),
    "a token": ("Deployment", {"spec": {"template": {"spec": {"automountServiceAccountToken": True}}}}),
    "the host's names": ("Deployment", {"spec": {"template": {"spec": {"hostAliases": [{"ip": "10.0.0.1"}]}}}}),
    "other pods": ("Service", {"spec": {"selector": {"octo.dev/deployment": "another", "app": "x"}}}),
    "opened": ("NetworkPolicy", {"spec": {"egress": [{}], "ingress": [{}]}}),
    "another host": ("Ingress", {"spec": {"rules": [{"host": "stolen.example.com"}]}}),
    "rights": ("Role", {"rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}]}),
    "holders": ("RoleBinding", {"subjects": [{"kind": "User", "name": "x", "apiGroup": "rbac.authorization.k8s.io"}]}),
}


@pytest.mark.parametrize("edit", EDITS)
async def test_what_others_changed_or_added_is_set_right(place, whole, edit):
    """Server-side apply alone would leave what others add, and what they own after their edit."""
    kind, change = EDITS[edit]
    await place.target.apply(whole())
    before = settled(await place.get(kind, "octo-orders"))
    if isinstance(change, list):
        change = [each | {"path": f"/spec/template/spec/containers/0{each['path']}"} for each in change]
    await place.patch(kind, "octo-orders", change)
    assert before != settled(await place.get(kind, "octo-orders"))

    await place.target.apply(whole())

    assert before == settled(await place.get(kind, "octo-orders"))


def settled(found):
    """An object without what tells of its changes, and without members that say nothing."""
    return {name: prune(value) for name, value in found.items() if name not in {"metadata", "status"} and prune(value)}


def prune(value):
    if not isinstance(value, dict):
        return value
    return {name: prune(each) for name, each in value.items() if each not in ([], {}, None)}


async def test_a_sidecar_of_others_goes(place, whole):
    await place.target.apply(whole())
    sidecar = {"name": "miner", "image": "evil:latest"}
    await place.patch(
        "Deployment", "octo-orders", [{"op": "add", "path": "/spec/template/spec/containers/0", "value": sidecar}]
    )

    await place.target.apply(whole())

    found = (await place.get("Deployment", "octo-orders"))["spec"]["template"]["spec"]["containers"]
    assert [each["name"] for each in found] == ["octo"]


async def test_a_restart_by_kubectl_stays(place, whole):
    """It is a note on the pods that others may make; taking it away would start all pods once more."""
    await place.target.apply(whole())
    note = {"kubectl.kubernetes.io/restartedAt": "2026-11-30T21:00:00Z"}
    await place.patch("Deployment", "octo-orders", {"spec": {"template": {"metadata": {"annotations": note}}}})

    await place.target.apply(whole())

    found = (await place.get("Deployment", "octo-orders"))["spec"]["template"]["metadata"]["annotations"]
    assert note.items() <= found.items()


async def test_what_others_removed_is_there_again(place, whole):
    await place.target.apply(whole())
    for kind in ("Deployment", "Service", "NetworkPolicy", "Role"):
        await place.drop(kind, "octo-orders")

    await place.target.apply(whole())

    said = {(each["kind"], each["metadata"]["name"]) for each in manifests(whole(), place.cluster)}
    assert said == set(await versions(place, whole().deployment))


@pytest.mark.parametrize("kind", ["ConfigMap", "Service", "Deployment", "Ingress", "ServiceAccount"])
async def test_a_name_of_somebody_else_is_refused_and_nothing_is_made(place, whole, kind):
    """Row 10: what is there already is never taken over, and the error names it."""
    theirs = next(each for each in manifests(whole(), place.cluster) if each["kind"] == kind)
    await place.create(theirs | {"metadata": {"name": theirs["metadata"]["name"], "labels": {"app": "theirs"}}})
    before = await place.get(kind, "octo-orders")

    with pytest.raises(
        Refused, match=f"{kind} 'octo-orders' in namespace '{place.cluster.namespace}' is there already"
    ):
        await place.target.apply(whole())

    assert before == await place.get(kind, "octo-orders")
    assert frozenset() == await place.target.found()


async def test_a_name_of_another_deployment_is_refused(place, whole):
    await place.target.apply(whole())

    with pytest.raises(Refused, match=f"belongs to deployment {whole().deployment}"):
        await place.target.apply(whole(deployment="another"))

    assert {whole().deployment} == await place.target.found()


async def test_what_another_platform_has_made_is_no_stray(place, whole):
    """A platform with a new database that points at a namespace in use would sweep everything away."""
    await place.target.apply(whole())

    other = place.cluster.model_copy(update={"salt": SecretStr("another platform's salt")})
    async with Kubernetes.open(other, kubeconfig=place.server.kubeconfig()) as target:
        assert frozenset() == await target.found()
    assert {whole().deployment} == await place.target.found()


async def test_a_missing_namespace_is_named(api_server, whole, cluster):
    nowhere = cluster.model_copy(update={"namespace": "nowhere"})
    async with Kubernetes.open(nowhere, kubeconfig=api_server.kubeconfig()) as target:
        with pytest.raises(Refused, match='namespaces "nowhere" not found'):
            await target.apply(whole())


async def test_a_full_quota_is_refused_with_its_name(place, desired):
    """Without a controller the test counts; admission is the API server's own."""
    quotas = f"/api/v1/namespaces/{place.cluster.namespace}/resourcequotas"
    hard = {"hard": {"count/services": "0"}}
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "small"}, "spec": hard}
    http = place.admin._client._client
    (await http.post(quotas, json=quota)).raise_for_status()
    full = {"status": hard | {"used": {"count/services": "0"}}}
    headers = {"Content-Type": "application/merge-patch+json"}
    (await http.patch(f"{quotas}/small/status", json=full, headers=headers)).raise_for_status()
    await place.apply_until_refused(desired(port=8080), "exceeded quota: small")


async def test_no_refusal_of_a_secret_has_its_content(place, whole):
    """The API server quotes what it refuses; of a Secret only its name is told."""
    secret = next(each for each in manifests(whole(), place.cluster) if each["kind"] == "Secret")
    wrong = [{"stringData": {"my-password": {}}}, {"data": {"key": "my-password"}}, {"data": {"my-password !": "YQ=="}}]
    for change in wrong:
        with pytest.raises((Refused, Unreachable)) as refused:
            await place.target._api.apply(secret | change, force=True)

        assert "my-password" not in str(refused.value)
        assert secret["metadata"]["name"] in str(refused.value)


# --- what is not needed any more -----------------------------------------------------------------------------------


def revisions(found):
    return {name for name, each in found.items() if "octo.dev/revision" in each["metadata"]["labels"]}


async def test_two_versions_are_two_config_maps_until_the_old_pods_have_gone(place, whole, ready):
    """Row 12: an old pod that starts again finds its old files."""
    await place.target.apply(whole())
    old_set = await place.roll()
    old_pod = await place.pod(old_set, **ready)
    (old,) = revisions(await place.all("ConfigMap"))

    await place.target.apply(whole(files={"flows.yaml": b"flows: [] # 2\n"}, generation=2))
    await place.target.apply(whole(files={"flows.yaml": b"flows: [] # 2\n"}, generation=2))
    both = revisions(await place.all("ConfigMap"))
    assert old in both
    assert len(both) == 2
    assert both == set(await place.all("Secret"))
    assert both == revisions(await place.all("NetworkPolicy"))

    await place.drop("Pod", old_pod)  # as when a node is emptied: its set still wants it
    await place.target.apply(whole(files={"flows.yaml": b"flows: [] # 2\n"}, generation=2))
    assert both == revisions(await place.all("ConfigMap"))

    await place.patch("ReplicaSet", old_set, {"spec": {"replicas": 0}})
    await place.target.apply(whole(files={"flows.yaml": b"flows: [] # 2\n"}, generation=2))
    assert both - {old} == revisions(await place.all("ConfigMap"))
    assert both - {old} == set(await place.all("Secret"))
    assert both - {old} == revisions(await place.all("NetworkPolicy"))


async def test_a_closed_door_is_closed_at_once_and_other_leftovers_when_the_new_pods_serve(place, whole, ready):
    await place.target.apply(whole())
    without = whole(exposure=None, port=None, replicas=1, generation=2)

    await place.target.apply(without)
    assert await place.all("Ingress") == {}
    assert {"octo-orders"} == set(await place.all("Service"))

    generation = (await place.get("Deployment", "octo-orders"))["metadata"]["generation"]
    complete = dict.fromkeys(["replicas", "updatedReplicas", "readyReplicas", "availableReplicas"], 1)
    await place.status("Deployment", "octo-orders", {"observedGeneration": generation, **complete})
    await place.target.apply(without)
    assert await place.all("Service") == {}
    assert await place.all("PodDisruptionBudget") == {}


async def test_an_ingress_becomes_a_route(place, whole, gateway_api):
    await place.target.apply(whole())
    route = Exposure(host="orders.example.com", way="gateway", gateway="edge/public", tls="secret")

    await place.target.apply(whole(exposure=route))

    assert await place.all("Ingress") == {}
    found = await place.get("HTTPRoute", "octo-orders")
    assert found["spec"]["hostnames"] == ["orders.example.com"]
    assert (await place.target.observe(whole().deployment)).external_url == "https://orders.example.com"


async def test_scaling_keeps_the_pods(place, whole):
    """The template of pods is the same: Kubernetes starts none anew."""
    await place.target.apply(whole())
    before = (await place.get("Deployment", "octo-orders"))["spec"]["template"]

    await place.target.apply(whole(replicas=5, generation=2, exposure=None))

    assert before == (await place.get("Deployment", "octo-orders"))["spec"]["template"]
