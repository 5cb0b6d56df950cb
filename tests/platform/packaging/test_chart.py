"""What an installation may, who reaches it, and what becomes of its secrets."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
import yaml

from octo_platform.commands.chosen import options
from octo_platform.options import Options
from tests.platform.packaging.conftest import CHART, only, pods
from tests.platform.packaging.test_rendering import PARTS

SELECTOR = {"app.kubernetes.io/name": "octo-platform", "app.kubernetes.io/instance": "octo"}


def config_of(objects):
    return yaml.safe_load(only(objects, "ConfigMap")["data"]["platform.yaml"])


def options_of(objects) -> Options:
    """As `octo platform` reads them."""
    text = only(objects, "ConfigMap")["data"]["platform.yaml"]
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(text)
        file.flush()
        return options({}, Path(file.name), {})


def env_of(objects, kind="Deployment"):
    container = only(objects, kind)["spec"]["template"]["spec"]["containers"][0]
    return {each["name"]: each.get("value", each.get("valueFrom")) for each in container["env"]}


# --- what it may -----------------------------------------------------------------------------------------------------


def test_may_what_the_target_needs_and_nothing_else(render):
    """In each namespace of deployments the rules of the target; nowhere else anything; nothing in the whole cluster."""
    from octo_platform.deploy.kubernetes.manifests.rbac import RULES

    objects = render()
    roles = [each for each in objects if each["kind"] == "Role"]

    assert [each["rules"] for each in roles] == [RULES, RULES]
    assert [each["metadata"]["namespace"] for each in roles] == ["octo-staging", "octo-production"]
    assert not [each for each in objects if each["kind"].startswith("Cluster")]


def test_the_rules_have_no_wildcard():
    """Nor the right to read a Secret."""
    rules = yaml.safe_load((CHART / "files" / "rules.yaml").read_text())

    assert "*" not in json.dumps(rules)
    assert [rule["verbs"] for rule in rules if "secrets" in rule["resources"]] == [["create", "patch", "delete"]]


def test_only_the_platform_has_an_account(render):
    """Its pod alone has a token of the API server, and what binds the Role binds it to that account."""
    objects = render()
    accounts = {each["metadata"]["labels"]["app.kubernetes.io/component"]: each["spec"] for each in pods(objects)}
    bindings = [each for each in objects if each["kind"] == "RoleBinding"]

    assert {name: spec["automountServiceAccountToken"] for name, spec in accounts.items()} == {
        "platform": True,
        "postgresql": False,
        "test": False,
    }
    for each in bindings:
        assert each["subjects"] == [{"kind": "ServiceAccount", "name": "octo", "namespace": "octo"}]
        assert each["roleRef"]["name"] == "octo-platform"
    assert only(objects, "ServiceAccount")["automountServiceAccountToken"] is False


def test_two_installations_never_share_a_namespace(render):
    """Each would remove what the other deploys. Helm refuses an object of another release, so the name is the same."""
    names = {each["metadata"]["name"] for each in render(name="other") if each["kind"] == "Role"}

    assert names == {each["metadata"]["name"] for each in render() if each["kind"] == "Role"}


@pytest.mark.parametrize("name", PARTS)
def test_every_pod_is_restricted(render, name):
    """By the Pod Security Standard `restricted`, and more: nothing can be written but volumes."""
    for pod in pods(render(PARTS[name])):
        spec = pod["spec"]
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] > 0
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
        for container in [*spec["containers"], *spec.get("initContainers", [])]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"]["requests"]
            assert container["resources"]["limits"]["memory"]
            assert not container["image"].endswith(":latest")
        assert all({"hostPath", "nfs"}.isdisjoint(each) for each in spec.get("volumes", []))


def test_namespaces_of_deployments_are_restricted(render):
    """Those that the chart makes refuse any pod that is not, whoever sends it."""
    for each in render():
        if each["kind"] == "Namespace":
            assert each["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


# --- who reaches it --------------------------------------------------------------------------------------------------


def policy(objects, component):
    name = {"platform": "octo", "closed": "octo-closed"}.get(component, f"octo-{component}")
    return only(objects, "NetworkPolicy", name)["spec"]


@pytest.mark.parametrize("name", [name for name in PARTS if name != "no policies"])
def test_every_pod_is_closed_both_ways(render, name):
    """One policy closes all pods of the installation."""
    objects = render(PARTS[name])
    closed = policy(objects, "closed")

    assert closed == {"podSelector": {"matchLabels": SELECTOR}, "policyTypes": ["Ingress", "Egress"]}
    for pod in pods(objects):
        assert SELECTOR.items() <= pod["metadata"]["labels"].items()


def test_nobody_reaches_the_api_who_is_not_named(render):
    """By default only the test of Helm does; deployments reach the data plane, and no other port."""
    api, data = policy(render(), "platform")["ingress"]
    test = {"podSelector": {"matchLabels": SELECTOR | {"app.kubernetes.io/component": "test"}}}
    namespaces = {"key": "kubernetes.io/metadata.name", "operator": "In"}
    namespaces |= {"values": ["octo-staging", "octo-production"]}

    assert api == {"from": [test], "ports": [{"protocol": "TCP", "port": "http"}]}
    assert data["from"] == [test, {"namespaceSelector": {"matchExpressions": [namespaces]}}]
    assert data["ports"] == [{"protocol": "TCP", "port": "data"}]


def test_reaches_what_it_needs(render):
    """Name servers, the API server, its database, operations ports of deployments: no rule is for any port."""
    from octo_platform.deploy.kubernetes.manifests.names import OPERATIONS_PORT

    egress = policy(render(), "platform")["egress"]
    ports = [sorted({port["port"] for port in rule["ports"]}) for rule in egress]

    assert ports == [[53], [443, 6443], [OPERATIONS_PORT], [5432]]
    assert all(rule["to"] for rule in egress)


def test_never_reaches_the_metadata_of_a_cloud(render):
    """Where nothing else is said, any address but those at which clouds tell pods what their nodes may."""
    for name in ("least", "external"):
        blocks = [
            peer["ipBlock"]
            for rule in policy(render(PARTS[name]), "platform")["egress"]
            for peer in rule["to"]
            if "ipBlock" in peer
        ]
        assert {"cidr": "0.0.0.0/0", "except": ["169.254.0.0/16"]} in blocks
        assert all(block.get("except") for block in blocks)


def test_only_the_platform_reaches_its_database(render):
    """And the database reaches nobody."""
    spec = policy(render(), "postgresql")

    assert "egress" not in spec
    assert [rule["from"] for rule in spec["ingress"]] == [
        [{"podSelector": {"matchLabels": SELECTOR | {"app.kubernetes.io/component": "platform"}}}]
    ]


def test_ports_of_policies_are_ports_of_pods(render):
    """A policy that names a port which no container has would open nothing, and nobody would see why."""
    objects = render()
    named = {
        port["name"]
        for pod in pods(objects)
        for container in pod["spec"]["containers"]
        for port in container.get("ports", [])
    }
    policies = [each["spec"] for each in objects if each["kind"] == "NetworkPolicy"]
    rules = [rule for spec in policies for rule in [*spec.get("ingress", []), *spec.get("egress", [])]]

    assert {port["port"] for rule in rules for port in rule["ports"] if isinstance(port["port"], str)} <= named


# --- what it is told -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PARTS)
def test_the_platform_understands_what_it_is_told(render, name):
    """Each option of the file is one, and no secret is among them."""
    options = options_of(render(PARTS[name]))

    assert options.targets == ("kubernetes",)
    assert options.insecure_local is False
    assert options.keys == ()
    assert options.database == ""


def test_what_environments_may_name(render):
    """The namespaces that the platform has a Role in, for whom they are for; nothing else unless it is told."""
    least = options_of(render()).kubernetes
    told = options_of(render(PARTS["environments"])).kubernetes

    assert least.namespaces == ("octo-staging", "octo-production")
    assert (least.images, least.domains, least.services, least.contexts) == ((), (), (), ())
    assert told.namespaces == ("octo-staging", "shop:octo-production", "bank:octo-production")
    assert told.images == ("registry.example.com/octo/*",)
    assert (told.domains, told.services) == (("*.shop.example.com",), ("nats://nats.shared:4222",))


def test_deployments_have_the_resolvers_of_the_platform(render):
    """And who else reaches their operations ports."""
    networks = PARTS["networks"]["networkPolicy"]
    least, told = (options_of(render(each)).kubernetes for each in ({}, PARTS["networks"]))

    assert (least.dns_namespace, least.dns_addresses, least.operators) == ("kube-system", ("169.254.20.10/32",), ())
    assert (told.dns_namespace, list(told.dns_addresses)) == ("dns", networks["dns"]["cidrs"])
    assert list(told.operators) == networks["operators"]


def test_a_namespace_for_workspaces_is_one_of_those_of_deployments(run):
    done = run("template", {"environments": {"workspaces": {"octo-testing": ["shop"]}}})

    assert "environments.workspaces: octo-testing is none of environments.namespaces" in done.stderr


@pytest.mark.parametrize("name", ["least", "on this machine"])
def test_probes_use_a_name_that_is_answered(render, name):
    """The platform answers to no other host than its own, not even to the kubelet."""
    from octo_platform.api.app import hosts_of

    objects = render(PARTS[name])
    container = only(objects, "Deployment")["spec"]["template"]["spec"]["containers"][0]
    hosts = {
        header["value"]
        for probe in ("startupProbe", "readinessProbe", "livenessProbe")
        for header in container[probe]["httpGet"]["httpHeaders"]
    }

    assert len(hosts) == 1
    assert hosts <= hosts_of(options_of(objects))
    assert container["livenessProbe"]["httpGet"]["path"] != container["readinessProbe"]["httpGet"]["path"]


def test_deployments_reach_their_data_by_a_service(render):
    """The URL that they are given names it, its port, and the platform's namespace, which their policies allow."""
    objects = render()
    service = only(objects, "Service", "octo-data")

    assert options_of(objects).data_url == "http://octo-data.octo.svc:8322"
    assert service["spec"]["type"] == "ClusterIP"
    assert [port["port"] for port in service["spec"]["ports"]] == [8322]


def test_another_configuration_starts_other_pods(render):
    """It is read at the start only. A newer chart alone restarts nothing."""

    def template(values):
        return only(render(values), "Deployment")["spec"]["template"]

    assert template({"progressDeadline": 100}) != template({"progressDeadline": 200})
    assert template({}) == template({"podDisruptionBudget": {"enabled": False}})
    assert "app.kubernetes.io/version" not in template({})["metadata"]["labels"]


def test_a_digest_wins_over_a_tag(render):
    """For the platform and for what deployments run."""
    digests = PARTS["digests"]
    tags = {"image": {**digests["image"], "tag": "0.2.0"}, "runtime": {"image": {**digests["runtime"]["image"]}}}
    objects = render(tags)
    image = only(objects, "Deployment")["spec"]["template"]["spec"]["containers"][0]["image"]

    assert image == f"registry.example.com/octo-platform@sha256:{'a' * 64}"
    assert options_of(objects).runtime_image == f"registry.example.com/octo-runtime@sha256:{'b' * 64}"


def test_a_file_is_used_by_one_pod_at_a_time(render):
    """With SQLite the old pod ends before the new one starts; with PostgreSQL there is always one that is ready."""
    file = only(render({"database": {"kind": "sqlite"}}), "Deployment")["spec"]
    server = only(render(), "Deployment")["spec"]

    assert file["strategy"] == {"type": "Recreate"}
    assert server["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}


def test_a_budget_never_blocks_a_node(render):
    """One pod alone has none: it could never be moved."""
    assert not [each for each in render() if each["kind"] == "PodDisruptionBudget"]
    assert only(render({"replicas": 2}), "PodDisruptionBudget")["spec"]["maxUnavailable"] == 1


# --- secrets ---------------------------------------------------------------------------------------------------------


def test_secrets_are_made_anew_and_nowhere_else(render):
    """Each installation has its own, long ones, and only their Secrets have them."""
    first, second = (render(fresh=True) for _ in range(2))
    values = [
        {value for each in objects if each["kind"] == "Secret" for value in each["data"].values()}
        for objects in (first, second)
    ]

    assert len(values[0] | values[1]) == 4
    assert all(len(value) >= 53 for value in values[0])
    others = json.dumps([each for each in first if each["kind"] != "Secret"])
    assert not [value for value in values[0] if value in others]


def test_the_key_is_one(render):
    """As `Keyring` takes it."""
    import base64

    from octo_platform.storage.sealing import Keyring

    key = base64.b64decode(only(render(), "Secret", "octo-sealing")["data"]["keys"]).decode()

    assert Keyring([key]).open("a", Keyring([key]).seal("a", b"x")) == b"x"


def test_secrets_of_others_are_used(render):
    """Then the chart makes none."""
    objects = render(PARTS["secrets of others"])

    assert not [each for each in objects if each["kind"] == "Secret"]
    assert env_of(objects)["OCTO_PLATFORM_KEYS"] == {"secretKeyRef": {"name": "given", "key": "keys"}}
    assert env_of(objects)["POSTGRESQL_PASSWORD"] == {"secretKeyRef": {"name": "given", "key": "password"}}


def test_the_url_of_a_database_is_a_secret(render):
    """That of an external one comes from a Secret whole."""
    env = env_of(render(PARTS["external"]))

    assert env["OCTO_PLATFORM_DATABASE"] == {"secretKeyRef": {"name": "given", "key": "url"}}
    assert "POSTGRESQL_PASSWORD" not in env


def test_what_cannot_be_made_again_is_kept(render):
    """Secrets, the volume, and namespaces with what runs there; unless that is not wanted."""
    values = {"database": {"kind": "sqlite"}}
    kept = [
        (each["kind"], each["metadata"]["name"])
        for each in render(values)
        if (each["metadata"].get("annotations") or {}).get("helm.sh/resource-policy") == "keep"
    ]

    assert sorted(kept) == [
        ("Namespace", "octo-production"),
        ("Namespace", "octo-staging"),
        ("PersistentVolumeClaim", "octo"),
        ("Secret", "octo-sealing"),
    ]
    assert "resource-policy" not in json.dumps(render({**values, "keep": False}))


@pytest.mark.parametrize(("keep", "fate"), [(True, "Retain"), (False, "Delete")])
def test_the_volume_of_postgresql_shares_the_fate_of_its_password(render, keep, fate):
    """A volume without its password would be of no use, and the next installation could not start."""
    spec = only(render({"keep": keep}), "StatefulSet")["spec"]

    assert spec["persistentVolumeClaimRetentionPolicy"]["whenDeleted"] == fate
