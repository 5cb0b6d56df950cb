"""A pod reaches what its flows connect to, and is reached where they serve; nothing else."""

from ipaddress import ip_address, ip_network

import pytest

from octo_platform.deploy.kubernetes.manifests.network import closed, opened


def may_reach(policy, port, *, address=None, namespace=None):
    """What a network that enforces the policy would let through."""
    return any(
        any(_matches(peer, address, namespace) for peer in rule["to"])
        and ("ports" not in rule or port in {each["port"] for each in rule["ports"]})
        for rule in policy["spec"]["egress"]
    )


def _matches(peer, address, namespace):
    if "ipBlock" in peer:
        block = peer["ipBlock"]
        within = [ip_network(block["cidr"])], [ip_network(each) for each in block.get("except", ())]
        inside, outside = (any(address and ip_address(address) in each for each in nets) for nets in within)
        return inside and not outside
    chosen = peer["namespaceSelector"]
    if namespace is None:
        return False
    for each in chosen.get("matchExpressions", ()):
        assert each["operator"] == "NotIn"
        if namespace in each["values"]:
            return False
    return chosen.get("matchLabels", {}).get("kubernetes.io/metadata.name", namespace) == namespace


def egress(*places):
    return [{"connector": "x", "host": host, "port": port} for host, port in places]


METADATA = ["169.254.169.254", "169.254.1.1", "fe80::1", "fd00:ec2::254"]


@pytest.mark.parametrize("host", ["db.example.com", None, "169.254.169.254", "fe80::1"])
@pytest.mark.parametrize("address", METADATA)
def test_what_gives_away_a_clouds_credentials_is_never_reached(desired, cluster, host, address):
    """Row 16."""
    found = opened(desired(egress=egress((host, 80))), cluster, "r")
    assert not may_reach(found, 80, address=address)


def test_only_the_ports_of_connectors_are_open(desired, cluster):
    found = opened(desired(egress=egress(("db.example.com", 5432), (None, 443))), cluster, "r")

    assert may_reach(found, 5432, address="203.0.113.7")
    assert may_reach(found, 443, address="2001:db8::1")
    assert not may_reach(found, 22, address="203.0.113.7")
    assert not may_reach(found, 6443, address="10.0.0.1")


def test_without_connectors_there_is_only_dns(desired, cluster):
    found = opened(desired(), cluster, "r")

    assert may_reach(found, 53, namespace="kube-system")
    assert not may_reach(found, 443, address="203.0.113.7")
    assert not may_reach(found, 53, address="203.0.113.7")


def test_dns_of_a_node_is_reached_if_it_is_named(desired, cluster):
    cached = cluster.model_copy(update={"dns_addresses": ("169.254.20.10/32",)})
    assert may_reach(opened(desired(), cached, "r"), 53, address="169.254.20.10")


@pytest.mark.parametrize("host", ["10.1.2.3", "2001:db8::7"])
def test_an_address_opens_only_itself(desired, cluster, host):
    found = opened(desired(egress=egress((host, 5432))), cluster, "r")

    assert may_reach(found, 5432, address=host)
    assert not may_reach(found, 5432, address="10.1.2.4")
    assert not may_reach(found, 5432, namespace="data")


@pytest.mark.parametrize(
    ("host", "namespace"),
    [
        ("db", "production"),
        ("db.data", "data"),
        ("db.data.svc", "data"),
        ("db.data.svc.cluster.local", "data"),
        ("db.data.svc.cluster.local.", "data"),
    ],
)
def test_a_service_of_the_cluster_opens_its_namespace(desired, cluster, host, namespace):
    """At any port: a policy sees that of the pod, which only the Service knows."""
    found = opened(desired(egress=egress((host, 80))), cluster, "r")

    assert may_reach(found, 8080, namespace=namespace)
    assert not may_reach(found, 8080, namespace="other")


@pytest.mark.parametrize("host", ["octo-postgres.octo.svc", "octo-postgres.octo", "kube-dns.kube-system.svc", None])
def test_flows_do_not_reach_the_platform(desired, cluster, host):
    """Row 1: what a flow connects to is not a way to the platform's own servers."""
    found = opened(desired(egress=egress((host, 5432))), cluster, "r")
    assert not may_reach(found, 5432, namespace="octo")
    assert not may_reach(found, 5432, namespace="kube-system")


def test_what_the_platform_gives_is_reached_at_its_port(desired, cluster):
    wanted = desired(
        data={"url": "http://octo-data.octo.svc:8091", "token": "t"},
        services="postgresql://u:p@pg1.db.svc%2Cpg2.db.svc:5433/x,queues=nats://nats.octo.svc",
    )
    found = opened(wanted, cluster, "r")

    assert may_reach(found, 8091, namespace="octo")
    assert may_reach(found, 4222, namespace="octo")
    assert may_reach(found, 5433, namespace="db")
    assert not may_reach(found, 5432, namespace="octo")


def test_operations_are_for_the_platform_and_http_for_all(desired, cluster):
    policy = opened(desired(port=8080), cluster.model_copy(update={"operators": ("10.9.0.0/24",)}), "r")
    http, operations = policy["spec"]["ingress"]

    assert http["ports"] == [{"protocol": "TCP", "port": 8080}]
    assert operations["ports"] == [{"protocol": "TCP", "port": 39_999}]
    assert operations["from"] == [
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "octo"}}},
        {"ipBlock": {"cidr": "10.9.0.0/24"}},
    ]


def test_every_pod_is_closed_whatever_its_revision(desired, cluster):
    spec = closed(desired(), cluster)["spec"]
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert {"ingress", "egress"}.isdisjoint(spec)
    selected = opened(desired(), cluster, "r")["spec"]["podSelector"]["matchLabels"]
    assert spec["podSelector"]["matchLabels"].items() < selected.items()


@pytest.mark.parametrize(
    "url", ["", "http://", "http://[", "postgresql://h:notaport/x", "sqlite:/a", "memory:", "a,b=,c"]
)
def test_urls_of_services_that_lead_nowhere_open_nothing(desired, cluster, url):
    assert len(opened(desired(services=url or None), cluster, "r")["spec"]["egress"]) == 1
