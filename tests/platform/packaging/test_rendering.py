"""What Helm makes of the chart is what three versions of Kubernetes take, whatever it is told."""

from __future__ import annotations

import json
from functools import cache

import kubernetes_validate
import pytest

from tests.platform.packaging.conftest import LEAST, only, pods

VERSIONS = ("1.33", "1.35", "1.37")
PEER = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress-nginx"}}}
OPEN = {"networkPolicy": {"ingressFrom": [PEER, {"ipBlock": {"cidr": "10.0.0.0/8"}}]}}
SECRET = {"existingSecret": {"name": "given"}}
ANYWHERE = {"nodeSelector": {"disk": "fast"}, "tolerations": [{"operator": "Exists"}], "priorityClassName": "high"}

PARTS = {
    "least": {},
    "several": {"replicas": 3},
    "digests": {"image": {"digest": f"sha256:{'a' * 64}"}, "runtime": {"image": {"digest": f"sha256:{'b' * 64}"}}},
    "external": {"database": {"kind": "external", "external": SECRET}},
    "external, narrow": {
        "database": {"kind": "external", "external": {**SECRET, "port": 6432}},
        "networkPolicy": {
            "database": {"cidrs": ["10.1.2.3/32", "fd00::/8"]},
            "https": {"cidrs": ["10.0.0.1/32"], "ports": [6443]},
            "dns": {"cidrs": ["169.254.20.10/32"]},
        },
    },
    "sqlite": {"database": {"kind": "sqlite"}, "storage": {"className": "fast"}},
    "sqlite without a volume": {"database": {"kind": "sqlite"}, "storage": {"enabled": False}},
    "postgresql without a volume": {"postgresql": {"storage": {"enabled": False}}},
    "secrets of others": {"sealing": SECRET, "postgresql": SECRET, "imagePullSecrets": ["one", "two"]},
    "nothing is kept": {"keep": False, "environments": {"create": False}},
    "identity provider": {
        "passwords": False,
        "oidc": {"enabled": True, "issuer": "https://id.example.com/realms/x", "clientId": "octo", **SECRET}
        | {"roles": {"admins": "admin", "shop-team": "shop:developer"}},
    },
    "ingress": {
        **OPEN,
        "ingress": {
            "enabled": True,
            "className": "nginx",
            "annotations": {"a.example.com/b": "c"},
            "tls": {"secretName": "octo-tls", "clusterIssuer": "letsencrypt"},
        },
    },
    "plain ingress": {**OPEN, "ingress": {"enabled": True}},
    "gateway": {**OPEN, "gateway": {"enabled": True, "name": "public", "namespace": "edge", "sectionName": "https"}},
    "load balancer": {**OPEN, "service": {"type": "LoadBalancer", "port": 8080, "annotations": {"a/b": "c"}}},
    "environments": {
        "environments": {
            "workspaces": {"octo-production": ["shop", "bank"]},
            "images": ["registry.example.com/octo/*"],
            "domains": ["*.shop.example.com"],
            "services": ["nats://nats.shared:4222"],
        }
    },
    "networks": {
        "networkPolicy": {"dns": {"namespace": "dns", "cidrs": ["10.0.0.10/32"]}, "operators": ["10.0.1.0/24"]}
    },
    "no policies": {"networkPolicy": {"enabled": False}},
    "account of others": {"serviceAccount": {"create": False, "name": "given"}},
    "everything that pods may have": {
        **ANYWHERE,
        "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}},
        "annotations": {"team": "a"},
        "podAnnotations": {"b": "c"},
        "podLabels": {"d": "e"},
        "extraEnv": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}],
        "topologySpreadConstraints": [
            {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {}}
        ],
    },
    "on this machine": {"publicUrl": "http://localhost:8321", "hosts": ["octo.octo.svc"]},
    "as a part of another chart": {"global": {"anything": "goes"}},
}


@cache
def validate(manifest: str, version: str) -> None:
    kubernetes_validate.validate(json.loads(manifest), version, strict=True)


@pytest.mark.parametrize("name", PARTS)
def test_renders_what_kubernetes_knows(render, name):
    """Every object, in three versions, with no field that they do not have."""
    for each in render(PARTS[name]):
        if each["kind"] != "HTTPRoute":  # no part of Kubernetes itself
            for version in VERSIONS:
                validate(json.dumps(each), version)


def test_helm_has_nothing_to_complain_of(run):
    """Of the chart, with the values that it needs."""
    done = run("lint", None, "--strict")

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("release", ["o", "a-release-with-a-name-as-long-as-helm-lets-it-have-ye"])
def test_names_fit(render, release):
    """No name is longer than Kubernetes takes, and none is there twice."""
    objects = render(name=release)
    places = [(each["kind"], each["metadata"].get("namespace"), each["metadata"]["name"]) for each in objects]

    assert len(set(places)) == len(places)
    assert max(len(name) for *_, name in places) <= 52  # a StatefulSet adds to it in labels of its pods


def test_labels_are_what_kubernetes_takes(render):
    """Also of the version of the chart."""
    for each in [*(each["metadata"] for each in render()), *(each["metadata"] for each in pods(render()))]:
        assert all(len(value) <= 63 for value in each["labels"].values())


@pytest.mark.parametrize("place", [("publicUrl",), ("image",), ("runtime",), ("environments",)])
def test_says_what_is_missing(run, place):
    """Three things have no default, and the message names the one that is not there, with an example."""
    (name,) = place
    done = run("template", least={key: value for key, value in LEAST.items() if key != name})

    assert done.returncode != 0
    assert f"{name}" in done.stderr
    assert "e.g." in done.stderr


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"environments": {"namespaces": ["octo"]}}, "octo is the platform's own"),
        ({"database": {"kind": "sqlite"}, "replicas": 2}, "several need PostgreSQL"),
        ({"database": {"kind": "external"}}, "database.external.existingSecret.name"),
        ({"serviceAccount": {"create": False}}, "serviceAccount.name"),
        ({"oidc": {"enabled": True}}, "oidc.issuer"),
        ({"oidc": {"enabled": True, "issuer": "https://id.example.com"}}, "oidc.clientId"),
        ({"passwords": False}, "nobody can log in"),
        ({**OPEN, "gateway": {"enabled": True}}, "gateway.name"),
        ({"ingress": {"enabled": True}}, "networkPolicy.ingressFrom"),
        ({"gateway": {"enabled": True, "name": "x"}}, "networkPolicy.ingressFrom"),
        ({"service": {"type": "NodePort"}}, "networkPolicy.ingressFrom"),
    ],
)
def test_refuses_what_does_not_go_together(run, values, said):
    """The message says what to write instead."""
    done = run("template", values)

    assert done.returncode != 0
    assert said in done.stderr


def test_large_user_numbers_stay_numbers(render):
    """bitnami/charts#10798, qdrant-helm#354: 1000660000 of OpenShift became 1.00066e+09."""
    server = only(render({"postgresql": {"user": 1_000_660_000}}), "StatefulSet")
    assert server["spec"]["template"]["spec"]["securityContext"]["runAsUser"] == 1_000_660_000
    assert isinstance(server["spec"]["template"]["spec"]["securityContext"]["fsGroup"], int)
