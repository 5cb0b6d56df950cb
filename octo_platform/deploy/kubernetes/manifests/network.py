"""Who may reach the pods of a deployment, and whom they may reach: nobody who is not named here."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_address, ip_network
from urllib.parse import SplitResult, unquote, urlsplit

from octo_platform.deploy.desired import Desired
from octo_platform.deploy.kubernetes.cluster import Cluster
from octo_platform.deploy.kubernetes.manifests.names import (
    OPERATIONS_PORT,
    REVISION,
    Manifest,
    base,
    metadata,
    of_revision,
    selector,
)

_ANYWHERE = ("0.0.0.0/0", "::/0")
_PORTS = {"http": 80, "https": 443, "postgresql": 5432, "postgres": 5432, "redis": 6379, "rediss": 6379}
_PORTS |= {"valkey": 6379, "valkeys": 6379, "nats": 4222, "tls": 4222}
_INSIDE = re.compile(r"(?P<service>[a-z0-9-]+)(\.(?P<namespace>[a-z0-9-]+)(\.svc(\.cluster\.local)?)?)?\.?")
_CLUSTER_NAME = re.compile(r"[a-z0-9-]+\.[a-z0-9-]+\.svc(\.[a-z0-9.-]+)?")


def closed(desired: Desired, cluster: Cluster) -> Manifest:
    """Every pod of the deployment is closed both ways at any time, whatever becomes of the policy of its revision."""
    spec = {"podSelector": {"matchLabels": selector(desired)}, "policyTypes": ["Ingress", "Egress"]}
    return _policy(metadata(desired, cluster, base(desired)), spec)


def opened(desired: Desired, cluster: Cluster, revision: str) -> Manifest:
    """What the pods of one revision may: policies add up, so others keep what they had until they have left."""
    spec = {
        "podSelector": {"matchLabels": selector(desired) | {REVISION: revision}},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": _ingress(desired, cluster),
        "egress": _egress(desired, cluster),
    }
    return _policy(metadata(desired, cluster, of_revision(desired, revision), revision=revision), spec)


def _policy(described: Manifest, spec: Manifest) -> Manifest:
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": described, "spec": spec}


def _ingress(desired: Desired, cluster: Cluster) -> list[Manifest]:
    operators = [_namespace(cluster.platform_namespace), *({"ipBlock": {"cidr": each}} for each in cluster.operators)]
    served = [{"ports": [_tcp(desired.port)]}] if desired.port is not None else []
    return [*served, {"from": operators, "ports": [_tcp(OPERATIONS_PORT)]}]


def _egress(desired: Desired, cluster: Cluster) -> list[Manifest]:
    """Where the connectors of the flows lead to, and the servers that the platform itself gives to the deployment."""
    wanted = {(each.host, each.port) for each in desired.egress}
    given = {place for url in _urls(desired.services or "") for place in _places(url)}
    given |= set(_places(desired.data.url)) if desired.data else set()
    ports = {port for host, port in wanted | given if host is None or _is_name(host)}
    rules = [_anywhere(sorted(ports), cluster)] if ports else []
    for host, port in sorted((host, port) for host, port in wanted | given if host is not None):
        if _is_address(host):
            rules += _address(host, port, cluster)
    inside = {_namespace_of(host, cluster) for host, _ in wanted if host is not None}
    # Policies see the port of a pod and not that of its Service, and only the Service knows it.
    rules += [{"to": [_namespace(name)]} for name in sorted(filter(None, inside - set(_guarded(cluster))))]
    for host, port in sorted((host, port) for host, port in given if host is not None):
        if name := _namespace_of(host, cluster):
            rules.append({"to": [_namespace(name)], "ports": [_tcp(port)]})
    return [_dns(cluster), *_distinct(rules)]


def _guarded(cluster: Cluster) -> list[str]:
    """Namespaces into which no connector of a flow leads."""
    return sorted({cluster.platform_namespace, "kube-system"})


def _dns(cluster: Cluster) -> Manifest:
    ports = [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]
    addresses = [{"ipBlock": {"cidr": each}} for each in cluster.dns_addresses]
    return {"to": [_namespace(cluster.dns_namespace), *addresses], "ports": ports}


def _anywhere(ports: Iterable[int], cluster: Cluster) -> Manifest:
    """These ports of every address. Some networks do not count pods among addresses, so they are named as well."""
    blocks = [{"ipBlock": _block(each, cluster)} for each in _ANYWHERE]
    others = {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": _guarded(cluster)}
    pods = {"namespaceSelector": {"matchExpressions": [others]}}
    return {"to": [*blocks, pods], "ports": [_tcp(port) for port in ports]}


def _address(host: str, port: int, cluster: Cluster) -> list[Manifest]:
    whole = ip_network(host)
    if whole.is_loopback or any(_overlap(host, each) for each in cluster.forbidden):
        return []
    return [{"to": [{"ipBlock": {"cidr": str(whole)}}], "ports": [_tcp(port)]}]


def _overlap(address: str, block: str) -> bool:
    found, network = ip_address(address), ip_network(block)
    return found.version == network.version and found in network


def _block(cidr: str, cluster: Cluster) -> Manifest:
    kept_out = cluster.except_for(cidr)
    return {"cidr": cidr} | ({"except": kept_out} if kept_out else {})


def _namespace(name: str) -> Manifest:
    return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}


def _tcp(port: int) -> Manifest:
    return {"protocol": "TCP", "port": port}


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _is_name(host: str) -> bool:
    """Whether it may be anywhere. `name.namespace.svc` is in this cluster, and `name.namespace` may be outside."""
    return not _is_address(host) and host != "localhost" and not _CLUSTER_NAME.fullmatch(host)


def _namespace_of(host: str, cluster: Cluster) -> str | None:
    """The namespace of a Service by this name. `db` is one of the deployments' own namespace."""
    found = _INSIDE.fullmatch(host)
    if found is None or host == "localhost":
        return None
    return found["namespace"] or cluster.namespace


def _urls(services: str) -> list[str]:
    """`postgresql://…,queues=nats://…` → its URLs. Within them a comma is written %2C."""
    return [re.sub(r"^[a-z]+=", "", each) for each in services.split(",")]


def _places(url: str) -> list[tuple[str | None, int]]:
    """Where a URL leads to, which may be several servers: `nats://a%2Cb:4222`."""
    try:
        parts = urlsplit(url)
        return [_place(parts, each) for each in unquote(parts.netloc.rpartition("@")[2]).split(",") if each]
    except ValueError:
        return []


def _place(parts: SplitResult, host: str) -> tuple[str | None, int]:
    one = urlsplit(f"//{host}")
    return one.hostname, one.port or _port_of_last(parts) or _PORTS.get(parts.scheme, 443)


def _port_of_last(parts: SplitResult) -> int | None:
    """The port behind the last of several hosts is that of all."""
    last = unquote(parts.netloc).rpartition(",")[2]
    return urlsplit(f"//{last}").port


def _distinct(rules: Iterable[Manifest]) -> list[Manifest]:
    found: list[Manifest] = []
    for rule in rules:
        if rule not in found:
            found.append(rule)
    return found
