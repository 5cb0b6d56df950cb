"""All that is sent to a cluster is what three versions of Kubernetes know, whatever people call things."""

from __future__ import annotations

import json
import re
from functools import cache

import kubernetes_validate
import pytest
from hypothesis import given, settings, strategies as some

from octo_platform.deploy.desired import Desired, Egress, Exposure
from octo_platform.deploy.kubernetes.cluster import Cluster
from octo_platform.deploy.kubernetes.manifests.deployment import manifests

VERSIONS = ("1.33", "1.35", "1.37")
CLUSTER = Cluster(namespace="production", salt="s" * 32, image="octo:test")
WHOLE = {
    "deployment": "01940000-0000-7000-8000-000000000001",
    "workspace": "01940000-0000-7000-8000-000000000002",
    "environment": "01940000-0000-7000-8000-000000000003",
    "integration": "01940000-0000-7000-8000-000000000004",
    "slug": "orders",
    "generation": 1,
    "tag": "v1",
    "hash": "0f3a",
    "files": {"flows.yaml": b"flows: []\n"},
}
PARTS = {
    "port": {"port": 8080},
    "several": {"replicas": 3},
    "paused": {"replicas": 0},
    "secrets": {"secrets": {"db-dsn": "postgresql://u:p@db/x", "key.pem": "-----BEGIN"}},
    "variables": {"variables": {"COLOR": "blue", "EMPTY": ""}},
    "big": {"files": {f"data/{number}.bin": bytes(250_000) for number in range(12)}},
    "egress": {
        "egress": [{"connector": "x", "host": f"h{number}.example.com", "port": number} for number in range(1, 60)]
    },
    "data": {"data": {"url": "http://octo-data.octo.svc:8091", "token": "t" * 40}},
    "services": {"services": "postgresql://u:p@db/x,queues=nats://n:4222"},
    "ingress": {"port": 8080, "exposure": {"host": "a.example.com", "tls": "cert-manager", "issuer": "le"}},
    "wildcard": {"port": 8080, "exposure": {"host": "a.example.com", "tls": "secret", "secret": "wild"}},
    "plain": {"port": 8080, "exposure": {"host": "a.example.com", "ingress_class": "traefik"}},
    "gateway": {"port": 8080, "exposure": {"host": "a.example.com", "way": "gateway", "gateway": "edge/public"}},
}


def check(found, versions=VERSIONS):
    for each in found:
        if each["kind"] != "HTTPRoute":  # no part of Kubernetes itself
            for version in versions:
                validate(json.dumps(each), version)


@cache
def validate(manifest, version):
    kubernetes_validate.validate(json.loads(manifest), version, strict=True)


ALL = [name for name in PARTS if name not in {"paused", "big", "wildcard", "plain"}]


@pytest.mark.parametrize(
    "names",
    [
        (),
        *((name,) for name in PARTS),
        tuple(name for name in ALL if name != "gateway"),
        tuple(name for name in ALL if name != "ingress"),
        ("port", "wildcard", "paused", "secrets", "big"),
    ],
)
def test_each_object_is_one_that_kubernetes_knows(names):
    changed = {key: value for name in names for key, value in PARTS[name].items()}

    check(manifests(Desired.model_validate(WHOLE | changed), CLUSTER))


def test_no_typing_mistake_would_pass():
    """The schemas are strict: this is what keeps the others honest."""
    found = manifests(Desired.model_validate(WHOLE), CLUSTER)[-1]
    found["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        check([found])


text = some.text(max_size=100)
slugs = some.from_regex(r"[a-z0-9]([a-z0-9-]{0,48}[a-z0-9])?", fullmatch=True)
paths = some.lists(some.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_. äß-]{0,20}", fullmatch=True), min_size=1, max_size=4).map(
    "/".join
)
hosts = some.one_of(
    some.none(), some.ip_addresses().map(str), some.from_regex(r"[a-z0-9.-]{1,60}", fullmatch=True), text
)
ports = some.integers(1, 65_535).filter(lambda each: each != 39_999)

any_desired = some.builds(
    Desired,
    deployment=some.uuids().map(str),
    workspace=text,
    environment=text,
    integration=text,
    slug=slugs,
    generation=some.integers(1, 10**9),
    tag=text,
    hash=text,
    files=some.dictionaries(paths, some.binary(max_size=300), min_size=1, max_size=5),
    variables=some.dictionaries(some.from_regex(r"[A-Z_][A-Z0-9_]{0,20}", fullmatch=True), text, max_size=5),
    secrets=some.dictionaries(some.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,30}", fullmatch=True), text, max_size=5),
    port=ports,
    replicas=some.integers(0, 100),
    restart=text,
    drain=some.floats(0, 3600),
    egress=some.lists(some.builds(Egress, connector=text, host=hosts, port=ports), max_size=6).map(tuple),
    exposure=some.sampled_from([None, Exposure(host="a.example.com")]),
    services=some.none() | text,
)


@settings(max_examples=40)
@given(any_desired)
def test_whatever_people_call_things(desired):
    """Valid names of at most 63 characters, labels that a cluster takes, and the same bytes each time."""
    found = manifests(desired, CLUSTER)

    check(found, VERSIONS[-1:])
    for each in found:
        assert re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", each["metadata"]["name"])
        for value in each["metadata"]["labels"].values():
            assert re.fullmatch(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?", value)
    names = [(each["kind"], each["metadata"]["name"]) for each in found]
    assert len(names) == len(set(names))
    again = manifests(Desired.model_validate(desired.model_dump()), CLUSTER)
    assert json.dumps(found) == json.dumps(again)


SECRET = "never-to-be-seen-0123456789"


@pytest.mark.parametrize(
    "changed",
    [
        {"secrets": {"password": SECRET}},
        {"data": {"url": "http://octo-data.octo.svc", "token": SECRET}},
        {"services": f"postgresql://octo:{SECRET}@db/octo"},
    ],
)
def test_nothing_secret_is_outside_of_the_secret(changed):
    found = manifests(Desired.model_validate(WHOLE | changed), CLUSTER)

    assert SECRET not in json.dumps([each for each in found if each["kind"] != "Secret"])
    assert CLUSTER.salt.get_secret_value() not in json.dumps(found)


def test_hashes_in_names_tell_nothing_without_the_salt():
    """Who sees names could try all short secrets; with another salt the same secret has another name."""
    desired = Desired.model_validate(WHOLE | {"secrets": {"pin": "1234"}})
    other = CLUSTER.model_copy(update={"salt": type(CLUSTER.salt)("t" * 32)})

    ours, theirs = (
        {each["metadata"]["name"] for each in manifests(desired, which) if each["kind"] == "Secret"}
        for which in (CLUSTER, other)
    )
    assert ours.isdisjoint(theirs)
